"""What can be wrong with a text, one function a defect: each says for every row what it found, or null.

A finding is a short string for `drop_detail`, so that a person can judge the drop. Patterns run in polars (linear
time); only rows that a pattern hits reach Python.
"""

from __future__ import annotations

import functools
import zlib
from typing import Final

import polars as pl

from pipelines import markup
from pipelines.lexicons import rows, words

_MOJIBAKE: Final = (
    r"[\x{FFFD}\x{E000}-\x{F8FF}\x{F0000}-\x{10FFFD}]|锟斤拷|烫烫烫|屯屯屯|鈥[檚滄淨]|ï»¿|Ã[\x{80}-\x{BF}¤¥©«¨ª¡]|â€[œ™“˜]"
    r"|(?:[\x{C0}-\x{FF}]{2}[\x{A1}-\x{FE}]{2}){2}"
)
_PAGE_LINES: Final = (
    r"(?m)^[ \t]*[-—–]+ ?\d{1,4} ?[-—–]+[ \t]*$|^[ \t]*第 ?\d{1,4} ?页(?: ?[，,/]? ?共 ?\d{1,4} ?页)?[ \t]*$"
    r"|(?:(?:\. ?){6,}|(?:· ?){4,}|…{3,}) ?\(?[0-9IVXivx]{1,5}\)?[ \t]*$"
)
_PAGE_TRIGGER: Final = r"[-—–] ?\d|第 ?\d{1,4} ?页|\. ?\. ?\.|·· ?|· ·|…{3}"
_NOT_A_NUMBER: Final = r"(?:^|[^A-Za-z0-9_])(?:nan|NaN|NAN)(?:[^A-Za-z0-9_]|$)"
_CODE: Final = (
    r"```|#include\s*<|public static void|(?m)^\s*(?:def|import|function|const|var|let) \w+.{0,60}[({:;=]"
    r"|console\.log\(|SELECT .{1,80} FROM "
)
_HAN: Final = r"\p{Han}"
_LETTER: Final = r"[\p{L}]"
_OTHER_SCRIPTS: Final = r"[[\p{L}--\p{Han}]&&[\x{800}-\x{10FFFF}]]|^[\P{L}]*$"
_OPEN_END: Final = (
    r"[，、：；,;（(《“‘—]\s*$|[\n。；;]\s*(?:\d{1,2}|[一二三四五六七八九十])[.、．)）]\s*$"
    r"|(?:以及|由于|因为|包括|例如)\s*$"
)
_TYPED_END: Final = r"(?:等等?|等(?:情况|症状|问题|现象|方法|药物?|食物|治疗|检查)|[了的吧哦啊呢])[，,]\s*$"
"""A comma after a clause that is whole: how people type, not where a text was cut."""
_NO_END: Final = r"[^。！？!?.…）)”』」】~～\s的了等吧呢啊哦呀好康愈善疗查诊考法]\s*$"
MIN_OPEN_CHARS: Final = 40
"""Shorter replies are typed messages, which often end in a comma."""
_SELF: Final = r"我是|我叫|我的名字(?:是|叫)|作为(?:一个|一名|一款|由)?|I am |I'm "


MAX_COURTESY_CHARS: Final = 120
"""Longer answers are never courtesies alone."""
SHORT_CHARS: Final = 30
_COURTESY_TRIGGER: Final = (
    "感谢|谢谢|祝|愿|希望|期望|很高兴|就诊|就医|看医生|检查|明确诊断|咨询|面诊|以上|遵医嘱|遵照医嘱"
    "|有其他|有任何|有什么|有别的|提问过于|无法给|完整的病历"
)
"""Without any of these an answer loses a few words at most (好的, 是的), which decide about short ones only."""
PROBE_CHARS: Final = 5
MIN_REPETITIVE_CHARS: Final = 50


def mojibake(text: pl.Series) -> pl.Series:
    """Characters that no one typed: U+FFFD, private use, UTF-8 read as something else."""
    return text.str.extract(f"({_MOJIBAKE})", 1)


def markup_left(text: pl.Series, code_too: pl.Series) -> pl.Series:
    """Tags, entities, tokens, page lines, dot leaders, `nan`; and code where `code_too`."""
    found = text.str.extract(f"({markup.TAG}|{markup.COMMENT}|{markup.TOKEN}|{markup.REMNANT}|{markup.ENTITY})", 1)
    found = _first(found, _extracted(text, _PAGE_TRIGGER, _PAGE_LINES), _extracted(text, "nan|NaN|NAN", _NOT_A_NUMBER))
    code = pl.select(pl.when(code_too).then(text.str.extract(f"({_CODE})", 1))).to_series()
    return _first(found, code).str.strip_chars().str.head(40)


def without_chinese(text: pl.Series, min_ratio: float) -> pl.Series:
    """The share of Chinese among the letters, where it is below `min_ratio`.

    Text of three bytes a character is Chinese unless it holds other scripts of three bytes (kana, Hangul): only the
    rest is counted character by character.
    """
    in_doubt = (text.str.len_bytes() < 2 * text.str.len_chars()) | text.str.contains(_OTHER_SCRIPTS)
    some = text.filter(in_doubt)
    frame = pl.DataFrame({"han": some.str.count_matches(_HAN), "letters": some.str.count_matches(_LETTER)})
    ratio = pl.when(pl.col("letters") > 0).then(pl.col("han") / pl.col("letters")).otherwise(0.0)
    low = pl.when(ratio < min_ratio).then((ratio * 100).round(0).cast(pl.Int64).cast(pl.String) + "%")
    found = frame.select(low.alias("found")).to_series()
    return pl.Series([None] * len(text), dtype=pl.String).scatter(in_doubt.arg_true(), found)


def unfinished(answer: pl.Series, min_chars: int) -> pl.Series:
    """How an answer ends that stops in the middle: on a comma or a bare number, or, from `min_chars` on, unmarked."""
    length = answer.str.len_chars()
    is_open = (length >= MIN_OPEN_CHARS) & ~answer.str.contains(_TYPED_END)
    open_end = _where(is_open, answer.str.extract(f"(.{{0,12}}(?:{_OPEN_END}))", 1))
    return _first(open_end, _where(length >= min_chars, answer.str.extract(f"(.{{0,12}}{_NO_END})", 1)))


def boilerplate_only(answer: pl.Series, min_han: int) -> pl.Series:
    """What is left of an answer without its courtesies, where that is less than `min_han` Chinese characters."""
    courtesies = "|".join(row["pattern"] for row in rows("boilerplate"))
    length = answer.str.len_chars()
    foreign = answer.str.len_bytes() < 2 * length  # most of it is no Chinese
    some = answer.str.contains(_COURTESY_TRIGGER) | (length <= SHORT_CHARS) | foreign
    short = (length <= MAX_COURTESY_CHARS) & some
    rest = _where(short, answer).str.replace_all(courtesies, "")
    return _where(rest.str.count_matches(_HAN) < min_han, rest.str.strip_chars().str.head(20))


def repetitive(text: pl.Series, min_ratio: float) -> pl.Series:
    """The zlib ratio of texts that say the same over and over: below `min_ratio` of their bytes carry anything.

    Source: compression as a measure of repetition; prose in Chinese stays above 0.25, a sentence copied ten times
    falls below 0.12. Only texts in which one of three short probes comes back four times are compressed.
    """
    length = text.str.len_chars()
    frame = pl.DataFrame({"text": text, "length": length})
    probes = [pl.col("text").str.slice(pl.col("length") * part // 4, PROBE_CHARS) for part in (1, 2, 3)]
    again = pl.any_horizontal(pl.col("text").str.count_matches(probe, literal=True) >= 4 for probe in probes)
    suspect = frame.select((again & (pl.col("length") > MIN_REPETITIVE_CHARS)).alias("suspect")).to_series()
    values = [_ratio(value) for value in text.filter(suspect).to_list()]
    found = pl.Series([f"{value:.2f}" if value < min_ratio else None for value in values], dtype=pl.String)
    return pl.Series([None] * len(text), dtype=pl.String).scatter(suspect.arg_true(), found)


def _ratio(text: str) -> float:
    data = text.encode("utf-8", "replace")
    return len(zlib.compress(data, 1)) / len(data)


@functools.cache
def _artefacts(weight: str) -> str:
    return "|".join(row["pattern"] for row in rows("paraphrase_artefacts") if row["weight"] == weight)


def paraphrase_artefacts(text: pl.Series, threshold: int) -> pl.Series:
    """The words that machine substitution left, where the weights of the different ones reach `threshold`."""
    strong, medium, weak = (text.str.extract_all(_artefacts(w)).list.unique(maintain_order=True) for w in "321")
    score = strong.list.len() * 3 + medium.list.len() * 2 + weak.list.len()
    found = pl.DataFrame({"s": strong, "m": medium, "w": weak})
    named = pl.concat_list("s", "m", "w").list.head(6).list.join(" ")
    return found.select(pl.when(score >= threshold).then(named).alias("found")).to_series()


def adverts(question: pl.Series, answer: pl.Series) -> pl.Series:
    """A question that only asks where and for how much, or an answer that touts."""
    texts = {"question": question, "answer": answer}
    return _first(*(_extracted(texts[row["where"]], row["trigger"], row["pattern"]) for row in rows("adverts")))


def _extracted(text: pl.Series, trigger: str, pattern: str) -> pl.Series:
    """What `pattern` finds, looked for only where the cheaper `trigger` is."""
    hit = text.str.contains(trigger)
    found = pl.Series([None] * len(text), dtype=pl.String)
    return found.scatter(hit.arg_true(), text.filter(hit).str.extract(f"({pattern})", 1)) if hit.any() else found


@functools.cache
def _identities() -> str:
    names = "|".join(word.replace(".", r"\.") for word in words("identities"))
    return f"(?:{_SELF})[^。！？\\n，,]{{0,16}}(?i:{names})"


def other_identities(answer: pl.Series) -> pl.Series:
    """Where the assistant says that it is another one."""
    return answer.str.extract(f"({_identities()})", 1)


def _where(condition: pl.Series, found: pl.Series) -> pl.Series:
    return pl.select(pl.when(condition).then(pl.lit(found))).to_series()


def _first(*found: pl.Series) -> pl.Series:
    return pl.select(pl.coalesce([pl.lit(series) for series in found])).to_series()
