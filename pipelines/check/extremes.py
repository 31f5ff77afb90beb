"""Does an answer make a rule without exception of what the evidence says of some, or promise what nobody promised?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from pipelines.check.alignment import Match
from pipelines.check.content import grams
from pipelines.check.marks import Mark, by_clause
from pipelines.check.reading import Clause, Reading
from pipelines.check.signals import Case, Signal
from pipelines.check.stances import asked

_EVEN: Final = re.compile("仍|也|即使|不论|无论|不管|不必等|均不|一律")
_STRENGTH: Final = {"all": 0.7, "certain": 0.7, "even": 0.6, "provided": 0.4, "each": 0.3, "only": 0.3}
_WHOLE: Final = ("all", "certain", "even")
"""What leaves no exception; 都 and 均 often only gather what was counted before."""
_NOTHING: Final = re.compile("(?:什么|哪个|哪种|谁|怎么|啥)都[不没别勿]")


class _Claim(NamedTuple):
    """A word that leaves no exception, and what the evidence on the same has."""

    mark: Mark
    hedge: Mark | None
    same: bool
    gathered: bool
    source: int


_COURTESY: Final = re.compile(
    "您.{0,6}(?:一定|肯定)|(?:一定|肯定).{0,4}(?:担心|着急|揪心|难受|焦虑|心疼|辛苦|紧张|害怕|累|心急|不舒服|不好受|困扰)"
)


def extremes(case: Case) -> Iterator[Signal]:
    """所有, 一律, 肯定, 无论 and 只 that the evidence on the same lacks; more so where it says 一般 or 可能."""
    asked_all = any(m.type == "universal" for m in case.question.marks)
    for clause, matches in zip(case.answer.clauses, case.alignment, strict=True):
        claim = None if asked(case.answer, clause) else _claim(case, clause, matches)
        if claim is None:
            continue
        mark, hedge = claim.mark, claim.hedge
        strength = _STRENGTH[mark.value] + (0.2 if hedge else 0.0)
        strength *= 0.5 if claim.same else 1.0
        strength *= 0.7 if claim.gathered else 1.0
        strength *= 0.5 if asked_all and len(grams(clause.text)) < 3 else 1.0
        rule = f"claim.universal_{mark.value}" + ("_hedged" if hedge else "")
        start, end = (hedge.start, hedge.end) if hedge else (0, 0)
        yield Signal(
            rule, "overgeneralisation", clause.start, clause.end, claim.source, start, end, min(1.0, strength),
            f"答案为“{mark.text}”，依据" + (f"为“{hedge.text}”" if hedge else "没有这样说"),
        )  # fmt: skip


def _claim(case: Case, clause: Clause, matches: tuple[Match, ...]) -> _Claim | None:
    every = by_clause(case.answer)[clause.number]
    mine = [m for m in every if m.type in ("universal", "only") and m.value in _STRENGTH]
    if not mine or _NOTHING.search(clause.text) or _COURTESY.search(clause.text):
        return None
    near = [m for m in matches if m.score >= max(0.1, 0.4 * matches[0].score)]
    theirs = [mark for m in near for mark in _around(case.evidence[m.source], m.clause)]
    mark = max(mine, key=lambda m: (_STRENGTH[m.value], -m.start))
    there = [t for m in near for t in by_clause(case.evidence[m.source])[m.clause]]
    kinds = ("universal",) if mark.value in _WHOLE else ("universal", "only")
    as_strong = [t for t in there if t.type in kinds and t.value not in ("except", "provided")]
    gathered = mark.value in _WHOLE and bool(as_strong) and all(t.value == "each" for t in as_strong)
    if as_strong and not gathered:
        return None
    hedge = next((t for t in theirs if _limits(t, mark)), None)
    if mark.value in ("each", "only") and hedge is None:
        return None
    close = [m for m in matches if m.score >= 0.5 * matches[0].score]
    beside = [*theirs, *(t for m in close for t in by_clause(case.evidence[m.source])[m.clause])]
    far = any(t.type == "universal" and t.value in _WHOLE for t in beside)
    same = far or (mark.value == "even" and any(_EVEN.search(_text(case, m)) for m in near))
    return _Claim(mark, hedge, same, gathered, near[0].source if near else -1)


def _limits(theirs: Mark, mine: Mark) -> bool:
    """Whether a word of the evidence leaves room that one of the answer does not: 多数, 除外, and 仅 for 所有."""
    if theirs.type == "hedge":
        return True
    return theirs.type == "only" and mine.value != "only" and (theirs.value == "except" or mine.value in _WHOLE)


def _text(case: Case, match: Match) -> str:
    return case.evidence[match.source].clauses[match.clause].text


def reassurance(case: Case) -> Iterator[Signal]:
    """没事, 放心, 无副作用 where nobody said so."""
    if any(m.type == "reassurance" for reading in case.evidence for m in reading.marks):
        return
    for clause, marks in zip(case.answer.clauses, by_clause(case.answer), strict=True):
        mark = next((m for m in marks if m.type == "reassurance"), None)
        if mark is not None and not asked(case.answer, clause):
            yield Signal(
                "claim.reassurance", "overgeneralisation", mark.start, mark.end, -1, 0, 0, 0.5,
                f"依据没有说“{mark.text}”",
            )  # fmt: skip


def _around(reading: Reading, number: int) -> Iterator[Mark]:
    """The marks of a clause and of the rest of its sentence."""
    sentence = reading.clauses[number].sentence
    for clause in reading.clauses[max(0, number - 3) : number + 4]:
        if clause.sentence == sentence:
            yield from by_clause(reading)[clause.number]
