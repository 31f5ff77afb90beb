"""Words that turn a statement: negation, permission, modality, universals, causes, before and after."""

from __future__ import annotations

import functools
import re
from typing import Final, NamedTuple

from pipelines.check.reading import Reading
from pipelines.lexicons import rows

TYPES: Final = (
    "negation",
    "permission",
    "modality",
    "universal",
    "only",
    "cause",
    "order",
    "hedge",
    "reassurance",
    "urgency",
)
_QUESTION: Final = re.compile(r"([\u4e00-\u9fff])[不没]\1(?:[\u4e00-\u9fff])?|能否|可否|是否|有无|与否|要不要紧")
"""能不能, 有没有: what is asked or left open is not denied."""
_DOUBLE: Final = re.compile(r"(?:非|不)[^,。;!?不非]{1,8}不可(?!以|能|逆)")
"""非做不可: required."""
_AFTER: Final = re.compile(
    "禁用|禁忌|慎用|忌用|停用|禁服|不行|不配|[使用吃碰]不得|没问题|[都也就]行|为宜|为好|除外|例外|不用|不能用|不吃|不服|不打|不做|不选|不推荐|不建议"
)
"""They stand behind what they turn: 肝功能不全者禁用."""


class Mark(NamedTuple):
    """One such word.

    Attributes:
        type: One of `TYPES`.
        value: Of permission and modality a place on an ordered scale (禁用 -3, 不宜 -2, 慎用 -1, 不必 0, 可 1, 宜 2,
            应 3, 必须 4; `-3..-2` where the word leaves it open, see `scale`); otherwise the sense: `before`,
            `after`, `all`, `causes`, `caused_by` …
        start, end: In the text.
        scope_start, scope_end: What it turns, in the text; the clause, where nothing better is known.
        text: As written there.
    """

    type: str
    value: str
    start: int
    end: int
    scope_start: int
    scope_end: int
    text: str


def marks(reading: Reading) -> tuple[Mark, ...]:
    """The marks of a text, in order; a word that turns in two ways (没问题) gives two."""
    pattern, senses = _lexicon()
    found = []
    for clause in reading.clauses:
        open_questions = [m.span() for m in _QUESTION.finditer(clause.text)]
        double = _DOUBLE.search(clause.text) if "不可" in clause.text else None
        if double is not None:
            begin, end = clause.start + double.start(), clause.start + double.end()
            found.append(Mark("modality", "4", begin, end, begin, clause.end, double[0]))
        for match in pattern.finditer(clause.text):
            if any(a < match.end() and match.start() < b for a, b in open_questions):
                continue
            if double is not None and double.start() <= match.start() < double.end():
                continue
            begin, end = clause.start + match.start(), clause.start + match.end()
            for type_, value in senses[match[0]]:
                scope = (
                    (clause.start, begin) if _AFTER.fullmatch(match[0]) and clause.end - end < 3 else (end, clause.end)
                )
                if scope[0] >= scope[1]:
                    scope = (clause.start, clause.end)
                found.append(Mark(type_, value, begin, end, *scope, match[0]))
    return tuple(found)


def scale(mark: Mark) -> tuple[int, int] | None:
    """Lowest and highest place of a mark on the scale of permission and modality; None for other marks."""
    if mark.type not in ("permission", "modality"):
        return None
    low, _, high = mark.value.partition("..")
    return int(low), int(high or low)


@functools.cache
def _lexicon() -> tuple[re.Pattern[str], dict[str, list[tuple[str, str]]]]:
    """A pattern of all words, the longest first at each place, and the senses of each; none for plain words."""
    senses: dict[str, list[tuple[str, str]]] = {}
    for row in rows("check_marks"):
        for word in row["words"].split():
            known = senses.setdefault(word, [])
            if row["type"] != "plain" and (row["type"], row["value"]) not in known:
                known.append((row["type"], row["value"]))
    by_first: dict[str, list[str]] = {}
    for word in senses:
        by_first.setdefault(word[0], []).append(word[1:])
    branches = (
        re.escape(first) + "(?:" + "|".join(map(re.escape, sorted(rests, key=lambda w: (-len(w), w)))) + ")"
        for first, rests in sorted(by_first.items())
    )
    return re.compile("|".join(branches)), senses
