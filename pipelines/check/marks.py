"""Words that turn a statement: negation, permission, modality, universals, causes, before and after."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from pipelines.check.reading import Clause, Reading
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
MAX_SCOPE: Final = 200
"""Characters that a word turns; no clause that means something is longer."""
_QUESTION: Final = re.compile(r"([\u4e00-\u9fff])[不没]\1(?:[\u4e00-\u9fff])?|能否|可否|是否|有无|与否|要不要紧")
"""能不能, 有没有: what is asked or left open is not denied."""
_DOUBLE: Final = re.compile(r"(?:非|不)[^,。;!?不非]{1,8}不可(?!以|能|逆)")
"""非做不可: required."""
_DENIED: Final = re.compile("(?:不是|并非|未必|不必)$")
_AFTER: Final = re.compile(
    "禁用|禁忌|慎用|忌用|禁服|不行|不配|[使用吃碰]不得|没问题|[都也就]行|为宜|为好|除外|例外"
    "|不用|不能用|不吃|不服|不打|不做|不选|不推荐|不建议"
)
"""They stand behind what they turn: 肝功能不全者禁用."""


_CLOSES: Final = re.compile("就|则|才|但|而|者|时|的(?=孩子|宝宝|患|人|儿)")
"""没有出血就先观察: what follows is not denied."""


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
    return tuple(mark for clause in reading.clauses for mark in _of(clause))


@functools.lru_cache(maxsize=128)
def by_clause(reading: Reading) -> tuple[tuple[Mark, ...], ...]:
    """For each clause its marks, in order."""
    found: list[list[Mark]] = [[] for _ in reading.clauses]
    number = 0
    for mark in reading.marks:
        while number + 1 < len(found) and reading.clauses[number].end <= mark.start:
            number += 1
        found[number].append(mark)
    return tuple(map(tuple, found))


def _of(clause: Clause) -> Iterator[Mark]:
    pattern, senses = _lexicon()
    text = clause.text
    taken = bytearray(len(text))  # by open questions and double negations, which have a sense of their own
    for question in _QUESTION.finditer(text):
        taken[question.start() : question.end()] = b"\1" * (question.end() - question.start())
    if (double := _DOUBLE.search(text)) is not None:
        begin, end = clause.start + double.start(), clause.start + double.end()
        taken[double.start() : double.end()] = b"\1" * (double.end() - double.start())
        place = "0" if _DENIED.search(text, 0, double.start()) else "4"
        yield Mark("modality", place, begin, end, begin, clause.end, double[0])
    for match in pattern.finditer(text):
        if any(taken[match.start() : match.end()]):
            continue
        for type_, value in senses[match[0]]:
            begin, end = _scope(text, match, type_)
            yield Mark(
                type_, value, clause.start + match.start(), clause.start + match.end(),
                clause.start + begin, clause.start + end, match[0],
            )  # fmt: skip


def _scope(text: str, match: re.Match[str], type_: str) -> tuple[int, int]:
    """Of 不 what follows, of 禁用 at the end what is before it."""
    if _AFTER.fullmatch(match[0]) and len(text) - match.end() < 3 and match.start():
        return max(0, match.start() - MAX_SCOPE), match.start()
    stop = _CLOSES.search(text, match.end()) if type_ == "negation" else None
    end = min(stop.start() if stop else len(text), match.end() + MAX_SCOPE)
    return (match.end(), end) if match.end() < end else (max(0, len(text) - MAX_SCOPE), len(text))


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
