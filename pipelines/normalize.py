"""Makes text of many makers look as if one had typed it, and changes nothing that it says.

Order matters: characters first, so that `＜ｂｒ＞` and `&amp;lt;p&amp;gt;` are seen as the tags that they are; space
and punctuation last, over what the tags left.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import polars as pl

from pipelines import line_wraps, markup
from pipelines.base import BatchStage
from pipelines.characters import INVISIBLE, LINE_ENDS, character_map, character_trigger
from pipelines.lexicons import words
from pipelines.text_columns import changed_where, map_texts, python_change
from schemas.records import COMPLETION, DIALOGUE, DOCUMENT, INSTRUCTION, PREFERENCE, TRIPLE

_COMBINING: Final = r"[\x{300}-\x{36F}\x{2126}\x{212A}\x{212B}]"
_CLASSICAL: Final = "classical"

_SPACE: Final[Sequence[tuple[str, str]]] = (
    ("\t", " "),
    (r"(?m)[ \t]+$", ""),
    (r"(\S) {2,}", "$1 "),
    (r"(?m)^ +([\p{Han}“‘（《【「『①-⑳])", "$1"),
    (r"(\S) +([，。、；：？！）》」』】〕])", "$1$2"),
    (r"([，。、；：？！（《「『【〔]) +", "$1"),
    (r"\n{3,}", "\n\n"),
)
_REPEATS: Final[Sequence[tuple[str, str]]] = (
    (r"，{2,}", "，"),
    (r"、{2,}", "、"),
    (r"；{2,}", "；"),
    (r"：{2,}", "："),
    (r"！{2,}", "！"),
    (r"？{2,}", "？"),
    (r"!{2,}", "!"),
    (r"\?{2,}", "?"),
    (r"。{3,}|…{2,}|(?:·){4,}", "……"),
    (r"。{2}", "。"),
    (r"(\p{Han}|[，。？！）”])(?:\.{3,}|…)", "$1……"),
    (r"…{3,}", "……"),
    (r"[，、；]+([。？！])", "$1"),
    (r"。[，、；]+", "。"),
    (r"～{2,}", "～"),
    (r"-{4,}", "---"),
    (r"={4,}", "==="),
    (r"_{4,}", "___"),
    (r"\*{4,}", "***"),
    (r"#{7,}", "######"),
)
_HALF_WIDTH: Final[Sequence[tuple[str, str]]] = (
    (r"(\p{Han}|[）》”℃%]), *", "$1，"),
    (r",(\p{Han})", "，$1"),
    (r"(\p{Han}|[）》”]); *", "$1；"),
    (r"(\p{Han}|[）》”]): *", "$1："),
    (r"(\p{Han}|[）》”])\? *", "$1？"),
    (r"(\p{Han}|[）》”])! *", "$1！"),
    (r"(?m)(\p{Han})\.$", "$1。"),
)
_FULL_STOP: Final = r"(\p{Han})\.(\p{Han})"
_LETTERSPACED: Final = r"(^|[^\p{Han}] ?)((?:\p{Han} ){2,}\p{Han})($| ?[^\p{Han} ]|\n)"
_LETTERSPACED_RUN: Final = re.compile(
    r"(?<![\u3400-\u9fff])(?<![\u3400-\u9fff] )(?:[\u3400-\u9fff] ){2,}[\u3400-\u9fff](?! ?[\u3400-\u9fff])"
)
_ESCAPED: Final = r"\\+([_*#~])"
_LINE_ESCAPE: Final = r"(\p{Han}|[，。、；：？！）])(?:\\r)?\\n"
_MIN_AFTER_INTRODUCTION: Final = 10
_EMPTY_WORDS: Final = r"(?i)^\s*(?:nan|null|none|n/a|undefined)\s*$"
_PAGE_LINES: Final = (
    r"(?m)^[ \t]*(?:[-—–－]+ ?\d{1,4} ?[-—–－]+"
    r"|第 ?\d{1,4} ?页(?:[ ，,/共]{0,3}\d{1,4} ?页)?|Page \d{1,4}(?: of \d{1,4})?)[ \t]*(?:\n|$)"
    r"|(?m)^[^\n]{0,120}(?:(?:\. ?){6,}|(?:· ?){4,}|…{3,}) ?\(?[0-9IVXivx]{1,5}\)?[ \t]*(?:\n|$)"
)
"""Page numbers, and lines of a table of contents with dot leaders."""


@dataclass(frozen=True)
class Normalize(BatchStage):
    """Every text in one width, without markup, invisible characters, broken lines and doubled punctuation.

    Kept as they are: Chinese full-width punctuation, superscripts, circled numbers, ℃, □ (a lost character of an old
    book), fenced code, and a document's `char_start` and `char_end`, which count in the raw file.

    Attributes:
        simplify: Convert traditional characters to simplified ones; a document keeps its own in `original_text`.
        punctuation: Write `,` `;` `:` `?` `!` beside a Chinese character as `，` `；` `：` `？` `！`.
        join_lines: Join lines that a page width cut in the middle of a sentence.
        introductions: Take out the words in which a reply introduces itself as another assistant
            (`我是仲景智能医学助手。`) where the reply goes on; general rows keep theirs, which are often about it.

    Cost: about 40 MB/s of dialogue and 15 MB/s of wrapped documents on one core.
    Does not cover: words cut by a hyphen, tables drawn with spaces.
    """

    kind: ClassVar[str] = "normalize"
    reads: ClassVar[tuple[str, ...]] = (DOCUMENT, TRIPLE, DIALOGUE, INSTRUCTION, PREFERENCE, COMPLETION)

    simplify: bool = False
    punctuation: bool = True
    join_lines: bool = True
    introductions: bool = True

    def apply(self, kind: str, frame: pl.DataFrame) -> pl.DataFrame:
        """The same rows with every text column normalised."""
        if kind == DOCUMENT:  # before dot leaders are taken for ellipses
            frame = map_texts(kind, frame, _without_page_lines, ["text"])
        frame = map_texts(kind, frame, self._cleaned)
        if self.join_lines:
            frame = self._joined(kind, frame)
        if self.punctuation:
            frame = _where_special(kind, frame, _FULL_STOP, _with_full_stops)
        if self.introductions and kind in (DIALOGUE, INSTRUCTION, PREFERENCE):
            frame = _where_special(kind, frame, "我是|我叫", _without_introductions)
        return _simplified(kind, frame) if self.simplify else frame

    def _cleaned(self, texts: pl.Series) -> pl.Series:
        texts = _characters(texts)
        texts = markup.without_tokens(texts)
        code = markup.is_code(texts)
        if not code.any():
            return self._tidied(texts)
        plain = ~code
        return texts.clone().scatter(plain.arg_true(), self._tidied(texts.filter(plain))).str.strip_chars("\n ")

    def _tidied(self, texts: pl.Series) -> pl.Series:
        """What is not code: without tags, with one way to space and to punctuate."""
        texts = markup.without_tags(texts)
        texts = changed_where(texts, _LINE_ESCAPE, lambda some: some.str.replace_all(_LINE_ESCAPE, "$1\n"))
        texts = changed_where(texts, _ESCAPED, _unescaped)
        if self.punctuation:
            texts = _replaced(texts, _HALF_WIDTH)
        texts = _replaced(texts, _REPEATS)
        texts = _replaced(texts, _SPACE)
        texts = changed_where(texts, _LETTERSPACED, _closed_up)
        texts = texts.str.strip_chars()
        return changed_where(texts, _EMPTY_WORDS, lambda some: some.str.replace(_EMPTY_WORDS, ""))

    def _joined(self, kind: str, frame: pl.DataFrame) -> pl.DataFrame:
        wrapped = kind in (DOCUMENT, COMPLETION)
        join = python_change(functools.partial(line_wraps.joined, wrapped=wrapped))

        def change(texts: pl.Series) -> pl.Series:
            return changed_where(texts, line_wraps.TRIGGER, lambda some: _except_code(some, join))

        columns = {DOCUMENT: ["text"], TRIPLE: []}.get(kind)
        return map_texts(kind, frame, change, columns)


def _characters(texts: pl.Series) -> pl.Series:
    """Line ends, width, compatibility forms and invisible characters, before and after entities are decoded."""
    texts = _one_width(texts)
    decoded = markup.without_entities(texts)
    return texts if decoded is texts else _one_width(decoded)


def _one_width(texts: pl.Series) -> pl.Series:
    texts = changed_where(texts, LINE_ENDS, lambda some: some.str.replace_all(LINE_ENDS, "\n"))
    texts = changed_where(texts, INVISIBLE, lambda some: some.str.replace_all(INVISIBLE, ""))
    texts = changed_where(texts, _COMBINING, lambda some: some.str.normalize("NFC"))
    return changed_where(texts, character_trigger(), lambda some: some.str.replace_many(character_map()))


def _replaced(texts: pl.Series, rules: Sequence[tuple[str, str]]) -> pl.Series:
    for pattern, by in rules:
        texts = texts.str.replace_all(pattern, by)
    return texts


def _unescaped(texts: pl.Series) -> pl.Series:
    """Markdown's `\\_` and `\\*` as people wrote them; formulas keep their backslashes."""
    formula = texts.str.contains(r"\$|\\(?:frac|begin|sum|int|sqrt|left|text)\b|\\[\[(]")
    return (
        pl.select(pl.when(formula).then(texts).otherwise(texts.str.replace_all(_ESCAPED, "$1")))
        .to_series()
        .alias(texts.name)
    )


def _closed_up(texts: pl.Series) -> pl.Series:
    """Single characters set apart for looks (`儿 科 学`) written as a word."""

    return python_change(lambda text: _LETTERSPACED_RUN.sub(lambda run: run[0].replace(" ", ""), text))(texts)


def _except_code(texts: pl.Series, change: Any) -> pl.Series:
    plain = ~markup.is_code(texts)
    return texts.clone().scatter(plain.arg_true(), change(texts.filter(plain)))


def _without_page_lines(texts: pl.Series) -> pl.Series:
    return changed_where(_characters(texts), _PAGE_LINES, lambda some: some.str.replace_all(_PAGE_LINES, ""))


def _with_full_stops(texts: pl.Series) -> pl.Series:
    """`皮炎.尿布` → `皮炎。尿布`."""
    return texts.str.replace_all(_FULL_STOP, "$1。$2").str.replace_all(_FULL_STOP, "$1。$2")


def _without_introductions(texts: pl.Series) -> pl.Series:
    return texts.str.replace(_introduction(), "$1$2")


@functools.cache
def _introduction() -> str:
    """A greeting (1), then the name of another assistant, then what the reply has to say (2)."""
    names = "|".join(word.replace(".", r"\.") for word in words("identities"))
    return (
        r"(?s)^((?:[您你]好[啊呀]?[，,！!。～~ ]*)?)(?:我是|我叫)(?:一[个名款])?"
        rf"[^。！？\n，,]{{0,12}}(?i:{names})[^。！？\n，,]{{0,12}}"
        r"(?:[。！!～~]|[，,]很?高兴[^。！？\n]{0,16}[。！!])\s*"
        rf"(\S.{{{_MIN_AFTER_INTRODUCTION},}})$"
    )


def _where_special(
    kind: str, frame: pl.DataFrame, trigger: str, change: Callable[[pl.Series], pl.Series]
) -> pl.DataFrame:
    """`change` of all texts that `trigger` finds but those of general rows, where `比尔.盖茨` is as likely."""

    def where_found(texts: pl.Series) -> pl.Series:
        return changed_where(texts, trigger, change)

    general = (frame.get_column("topic") == "general").fill_null(False)
    if general.all():
        return frame
    if not general.any():
        return map_texts(kind, frame, where_found)
    changed = map_texts(kind, frame.filter(~general), where_found)
    order = pl.concat([(~general).arg_true(), general.arg_true()]).arg_sort()
    return pl.concat([changed, frame.filter(general)])[order]


def _simplified(kind: str, frame: pl.DataFrame) -> pl.DataFrame:
    trigger = _traditional_trigger()
    convert = python_change(lambda text: str(_converter().convert(text)))
    after = map_texts(kind, frame, lambda texts: changed_where(texts, trigger, convert))
    if kind != DOCUMENT:
        return after
    changed = pl.lit(frame.get_column("text")) != pl.col("text")
    original = pl.when(changed & pl.col("original_text").is_null()).then(pl.lit(frame.get_column("text")))
    return after.with_columns(original.otherwise(pl.col("original_text")).alias("original_text"))


@functools.cache
def _converter() -> Any:
    import opencc

    return opencc.OpenCC("t2s")


@functools.cache
def _traditional_trigger() -> str:
    """A class of the characters that simplification changes, so that simplified text is left in peace."""
    block = "".join(map(chr, range(0x3400, 0xA000)))
    simple = "".join(_converter().convert(c) for c in block)
    return "[" + "".join(c for c, s in zip(block, simple, strict=True) if c != s) + "]"
