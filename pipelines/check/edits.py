"""Where a clause was taken over word for word but for a word that turns it: 无脱皮 made 有脱皮, 先不吃 made 先吃."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from itertools import islice
from typing import Any, Final, NamedTuple

from rapidfuzz.distance import Levenshtein

from pipelines.check.reading import Clause, Reading
from pipelines.check.signals import Case
from pipelines.check.stances import asked

N_MATCHES: Final = 3
MIN_SCORE: Final = 0.3
MIN_ALIKE: Final = 0.7
MAX_CHARS: Final = 160
MAX_CHANGED: Final = 6
MIN_HELD: Final = 2
MAX_AT_EDGE: Final = 1
_NEGATES: Final = re.compile(
    "(?:并非|没有|不是|不得|不可|不能|不应|不宜|不要|不必|无须|无需|毋须|未必|未曾|禁止|严禁|[不无没未非勿别莫免禁忌])"
)
_NO_DENIAL: Final = re.compile(
    "不但|不仅|不同|不过|不少|非常|无论|不论|不管|别的|特别|区别|分别|不良|不足|不全|不超过|不低于|不高于|不少于|未来|免疫|免费"
)
_STRONG: Final = (
    (4, re.compile("必须|务必|一定要|强制|一律")),
    (3, re.compile("应当|应该|应|须|需要|需|要(?!是|素|求|么)")),
    (2, re.compile("首选|优先|推荐|建议|宜|最好")),
    (1, re.compile("可以|可(?!能|见|致|引)|能够|允许|有权|酌情|也行|即可")),
)


_BANS: Final = (
    (3, re.compile("严禁|禁止|禁用|不得|不准|不可|不能|切勿")),
    (2, re.compile("不应|不要|避免|别")),
    (1, re.compile("不宜|不建议|不推荐|慎用|谨慎|小心|尽量")),
)


class Edit(NamedTuple):
    """A place where a clause of the answer departs from the clause of the evidence that it was taken from.

    Attributes:
        start, end: In the answer; the neighbour where only the evidence has something.
        source: The number of the evidence text.
        there, until: In the evidence text.
        mine, theirs: What stands there.
        alike: How alike the clauses are, from 0 to 1.
        turns: It denies, or takes a denial away, and so does the clause as a whole.
    """

    start: int
    end: int
    source: int
    there: int
    until: int
    mine: str
    theirs: str
    alike: float
    turns: bool


@functools.lru_cache(maxsize=8)
def edits(case: Case) -> tuple[Edit, ...]:
    """The small departures of every clause that was taken over, from the clause most like it."""
    return tuple(edit for clause in case.answer.clauses if not asked(case.answer, clause) for edit in _of(case, clause))


def _of(case: Case, clause: Clause) -> Iterator[Edit]:
    best: tuple[float, int, Clause] | None = None
    if not 3 <= len(clause.text) <= MAX_CHARS:
        return
    for match in islice(case.alignment[clause.number], N_MATCHES):
        there = case.evidence[match.source].clauses[match.clause]
        if (
            match.score < MIN_SCORE
            or len(there.text) > MAX_CHARS
            or "|" in there.text
            or asked(case.evidence[match.source], there)
        ):
            continue
        alike = _alike(clause.text, there.text)
        if alike >= MIN_ALIKE and (best is None or alike > best[0]):
            best = alike, match.source, there
    if best is None or best[2].text == clause.text:
        return
    alike, source, there = best
    ops = list(Levenshtein.opcodes(clause.text, there.text))
    ours, others = _denials(clause.text), _denials(there.text)
    odd = (len(ours) - len(others)) % 2
    for i, op in enumerate(ops):
        mine, theirs = clause.text[op.src_start : op.src_end], there.text[op.dest_start : op.dest_end]
        if op.tag == "equal" or max(len(mine), len(theirs)) > MAX_CHANGED or not _held(ops, i):
            continue
        start = clause.start + min(op.src_start, len(clause.text) - 1)
        at = there.start + op.dest_start
        yield Edit(
            start, max(start + 1, clause.start + op.src_end), source,
            at, max(at + 1, there.start + op.dest_end), mine, theirs, alike,
            bool(odd) and _within(ours, op.src_start, op.src_end) != _within(others, op.dest_start, op.dest_end),
        )  # fmt: skip


def _held(ops: list[Any], i: int) -> bool:
    """Whether what is before and behind a departure agrees, a few characters long or up to the end of the clause."""
    before, after = ops[i - 1] if i else None, ops[i + 1] if i + 1 < len(ops) else None
    lengths = [op.src_end - op.src_start for op in (before, after) if op is not None]
    longest = max(ops[i].src_end - ops[i].src_start, ops[i].dest_end - ops[i].dest_start)
    if len(lengths) < 2 and longest > MAX_AT_EDGE:
        return False  # 者禁用 behind, or a clause that was joined to this one
    return bool(lengths) and min(lengths) >= MIN_HELD and sum(lengths) >= 2 * MIN_HELD


def _alike(one: str, other: str) -> float:
    """Share of the shorter clause that is in the longer one in the same order."""
    distance = Levenshtein.distance(one, other, weights=(1, 1, 2))
    return (len(one) + len(other) - distance) / 2 / max(1, min(len(one), len(other)))


def steps(edit: Edit) -> int:
    """How many steps a departure goes up from 可 to 必须 or from 不宜 to 严禁, negative downwards; else 0."""
    for scale in (_BANS, _STRONG):
        mine, theirs = _strength(edit.mine, scale), _strength(edit.theirs, scale)
        if mine or theirs:
            return mine - theirs if mine and theirs else 0
    return 0


@functools.lru_cache(maxsize=1024)
def _denials(text: str) -> tuple[int, ...]:
    """Where a clause denies."""
    masked = _NO_DENIAL.sub(lambda m: " " * len(m[0]), text)
    return tuple(m.start() for m in _NEGATES.finditer(masked))


def _within(places: tuple[int, ...], start: int, end: int) -> int:
    """Whether an odd number of denials is in a stretch."""
    return sum(start <= at < end for at in places) % 2


def _strength(text: str, scale: tuple[tuple[int, re.Pattern[str]], ...]) -> int:
    return next((place for place, pattern in scale if pattern.search(text)), 0)


def around(reading: Reading, edit: Edit) -> str:
    """The words about a departure in the evidence, for a reviewer."""
    return reading.raw[max(0, edit.there - 4) : edit.until + 6]
