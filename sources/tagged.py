"""Tagged collections of classical medical books → blocks (`<目录>`, `<篇名>`, `属性：`).

A file is one book: a head with `书名：` and the like, then entries of a `<目录>` line (the path, `\\` between its
levels), a `<篇名>` line (the title) and the text after `属性：`. The text is wrapped by hand, `\\x…\\x` marks
emphasis, `\\r…\\r` a picture. A character that the collection's typesetting lacked is a blank inside a word, or
`HT `/`KT `: it is shown as □, so that a reader sees that something is missing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Final, NamedTuple

from sources.headings import EXPLICIT, Heading, tidy
from sources.sections import Block
from sources.text import PARAGRAPH_LINES, TERMINAL, Line, lines, wrap_chars

LOST_GLYPH: Final = "□"

_TAG: Final = re.compile(r"^[ \t]*<(?P<tag>篇名|目录)>(?P<value>[^\r\n]*)", re.M)
_META: Final = re.compile(r"(?P<key>书名|作者|朝代|年份|编者|版本)[：:](?P<value>.*)")
_BODY: Final = "属性："
_MAX_LEVELS: Final = 8
_PICTURE: Final = re.compile(r"\\r([^\\\r\n]{0,80})\\([^\\\r\n]{0,80})\\r")
_EMPHASIS: Final = re.compile(r"\\[xzqj][ \u3000]*")
_MARK: Final = "\x01"
"""Where emphasis began or ended, or a list was wrapped between two words, until the blanks are judged."""
_BRACKETED: Final = re.compile(r"（[^（）]*）")
_PLACEHOLDER: Final = re.compile(r"[HK]T(?: |$)")
_BLANK: Final = re.compile(r"[ \u3000]+")
_STARTS_NEW: Final = re.compile(r"\\x|【|[○〔●]|[一二三四五六七八九十]{1,3}[、 ]|属性：")
_CLOSING: Final = ("）", ")", "】", "〕")
_PREPARATION: Final = re.compile(r"[上右](?:[药末等件研]|各|为|□|同)|共为|共研|水煎|引用|加?生姜|每服")
_NAME: Final = re.compile(r"[\u4e00-\u9fff□]{2,10}[汤散丸丹膏饮煎方剂]|饮?子|[一二三四五六七八九十]")
_AFTER_NAME: Final = re.compile(r"[治以取用专方主名即]")
_LIST_WORD: Final = re.compile(r"[\u4e00-\u9fff□]{2,6}")


class Book(NamedTuple):
    """What the head of the file says; empty where it says nothing."""

    title: str
    author: str
    dynasty: str
    year: str


def book_of(text: str) -> Book:
    """The book's own data, from the lines before its first `<目录>`."""
    head = text[: text.find("<目录>")] if "<目录>" in text[:8_192] else text[:2_048]
    matches = [match for match in map(_META.match, head.splitlines()) if match]
    found = {match["key"]: match["value"].strip(" \u3000") for match in matches}
    title = next((match["value"].strip() for match in _TAG.finditer(head) if match["tag"] == "篇名"), "")
    return Book(found.get("书名") or title, *(found.get(key, "") for key in ("作者", "朝代", "年份")))


def tagged_blocks(text: str, notes: list[str]) -> Iterator[Block]:
    """The blocks of a tagged book; `notes` gets what the marks were and what is missing."""
    wrap = wrap_chars(text) or 40
    counts = {"pictures": 0, "glyphs": 0}
    tags = list(_TAG.finditer(text))
    first = next((at for at, tag in enumerate(tags) if tag["tag"] == "目录"), 0)
    path: tuple[str, ...] = ()
    opened: tuple[str, ...] = ()
    number = 1 + text.count("\n", 0, tags[first].start()) if tags else 1
    for at, tag in enumerate(tags[first:], first):
        end = tags[at + 1].start() if at + 1 < len(tags) else len(text)
        value = tidy(tag["value"])
        if tag["tag"] == "目录":
            path = tuple(level.strip() for level in value.split("\\", _MAX_LEVELS) if level.strip())
        else:
            levels = path if path and path[-1] == value else (*path, value)
            yield from _headings(levels, opened, tag, number)
            opened = levels
        yield from _paragraphs(text, tag.end(), end, number, wrap, counts)
        number += text.count("\n", tag.start(), end)
    if counts["pictures"]:
        notes.append(f"{counts['pictures']} pictures left out")
    if counts["glyphs"]:
        notes.append(f"{counts['glyphs']} characters that the file lacks shown as {LOST_GLYPH}")


def _headings(levels: tuple[str, ...], opened: tuple[str, ...], tag: re.Match[str], number: int) -> Iterator[Block]:
    """Headings for the levels of an entry that the entry before did not have open; always its own title."""
    n_same = next((n for n, (new, old) in enumerate(zip(levels[:-1], opened, strict=False)) if new != old), None)
    n_same = min(len(levels) - 1, len(opened)) if n_same is None else n_same
    for depth, title in enumerate(levels[n_same:], n_same + 1):
        yield Block("", Heading(EXPLICIT, depth, "", title or "（无题）"), tag.start(), tag.end(), number)


def _paragraphs(text: str, start: int, end: int, number: int, wrap: int, counts: dict[str, int]) -> Iterator[Block]:
    """The paragraphs of `text[start:end]`, hard wraps joined and marks taken out."""
    held: list[Line] = []
    for line in lines(text[start:end].replace(_MARK, " ")):
        if held and len(held) < PARAGRAPH_LINES and _continues(held[-1], line, wrap):
            held.append(line)
            continue
        yield from _paragraph(held, start, number, counts)
        held = [line]
    yield from _paragraph(held, start, number, counts)


def _continues(before: Line, line: Line, wrap: int) -> bool:
    if _STARTS_NEW.match(line.text) or before.text.endswith("\\r"):
        return False
    length = len(before.text.removeprefix(_BODY))
    if _is_list(before.text) and (_PREPARATION.match(line.text) or not _goes_on_list(line.text)):
        return False
    if length >= wrap - 4:
        return True
    # A line may also break where a glyph is missing, in the middle of a sentence.
    is_open = before.text[-1] not in TERMINAL and not before.text.endswith("\\x")
    return is_open and (length <= 4 or not _is_list(before.text)) and not _is_list(line.text)


def _is_between_words(before: str, after: str) -> bool:
    """Whether a list was wrapped between two of its words, not inside one or inside brackets."""
    if before.count("（") > before.count("）") or after.startswith(("（", "）", "，", "、")):
        return False
    if before.endswith("）"):
        return True
    last, first = before.split()[-1], re.split("[ （]", after, maxsplit=1)[0]
    return _is_list(before) and len(last) > 1 and len(first) > 1


def _is_list(text: str) -> bool:
    """Drugs of a prescription, with blanks between them."""
    words = [_BRACKETED.sub("", word) for word in text.removeprefix(_BODY).split()]
    n_short = sum(len(word) <= 5 for word in words)
    return len(words) > 2 and n_short * 3 >= len(words) * 2 and "。" not in _BRACKETED.sub("", text)


def _goes_on_list(text: str) -> bool:
    bare = _BRACKETED.sub("", text)
    return _is_list(text) or "）" in text[:12] or (len(bare) <= 6 and "，" not in bare and "。" not in bare)


def _paragraph(held: list[Line], start: int, number: int, counts: dict[str, int]) -> Iterator[Block]:
    if not held:
        return
    pieces = [held[0].text.removeprefix(_BODY)]
    for before, line in pairwise(held):
        pieces += (_MARK if _is_between_words(before.text, line.text) else "", line.text)
    raw = "".join(pieces)
    raw, n_pictures = _PICTURE.subn("", raw)
    raw, n_glyphs = _PLACEHOLDER.subn(LOST_GLYPH, _EMPHASIS.sub(_MARK, raw))
    text = " ".join(_with_lost_glyphs(piece.strip()) for piece in raw.split(_MARK) if piece.strip())
    counts["pictures"] += n_pictures
    counts["glyphs"] += n_glyphs + text.count(LOST_GLYPH) - raw.count(LOST_GLYPH)
    if text:
        first, last = held[0], held[-1]
        yield Block(text, None, start + first.start, start + last.end, number + first.number - 1)


def _with_lost_glyphs(text: str) -> str:
    """Blanks that stand for a character as □; those between the words of a list stay blanks."""
    text = _BRACKETED.sub(lambda found: _BLANK.sub(LOST_GLYPH, found.group()), text)
    words = _BLANK.split(text)
    pieces = [words[0]]
    for at, (before, after) in enumerate(pairwise(words)):
        is_separator = (
            before.endswith(_CLOSING)
            or (_is_listed(before) and (_is_listed(after) or _is_cut_drug(words[at + 1 : at + 3])))
            or (at == 0 and bool(_AFTER_NAME.match(after) or _NAME.fullmatch(before)))
        )
        pieces += (" " if is_separator else LOST_GLYPH, after)
    return "".join(pieces)


def _is_cut_drug(words: list[str]) -> bool:
    """`黄 （炙）`: a name of which only the first character is there, and how the drug is prepared."""
    return len(words) == 2 and len(words[0]) == 1 and words[1].startswith("（")


def _is_listed(word: str) -> bool:
    return bool(_LIST_WORD.fullmatch(_BRACKETED.sub("", word)))
