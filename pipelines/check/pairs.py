"""Each stance of an answer beside those that its evidence takes on the same."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Final, NamedTuple

from pipelines.check.alignment import Match, aligned
from pipelines.check.content import grams, overlap, weights
from pipelines.check.reading import Reading
from pipelines.check.signals import Case
from pipelines.check.stances import Stance, distance, stances

MIN_SCORE: Final = 0.15


class Pair(NamedTuple):
    """A stance of the answer and what the evidence has beside it.

    Attributes:
        mine: In the answer.
        theirs: Those of the evidence on the same, each with the number of its text, the nearest on the scale first.
        score: How sure it is that both speak of the same, from 0 to 1.
    """

    mine: Stance
    theirs: tuple[tuple[int, Stance], ...]
    score: float


@functools.lru_cache(maxsize=8)
def pairs(case: Case) -> tuple[Pair, ...]:
    """All stances of the answer on which the evidence takes one; 不行。 speaks of what the question asks."""
    weight = weights(case.evidence)
    found = []
    for clause, mine, matches in zip(case.answer.clauses, stances(case.answer), case.alignment, strict=True):
        about = grams(clause.text)
        if mine and not about and clause.number == 0:
            asked, matches = _question(case.question, case.evidence)
            about = grams(asked)
        for stance in mine:
            said = grams(case.answer.folded[stance.start : stance.end]) or about
            theirs = list(_beside(case, matches, said, about, weight))
            best = max((score for score, *_ in theirs), default=0.0)
            near = sorted(
                ((s, t) for score, s, t in theirs if score >= 0.75 * best or _first(matches, s, t)),
                key=lambda t: abs(distance(stance, t[1])),
            )
            if near and best > 0:
                found.append(Pair(stance, tuple(near), best))
    return tuple(found)


def _first(matches: tuple[Match, ...], source: int, stance: Stance) -> bool:
    """Whether a stance is of the clause that speaks of the same most."""
    return matches[0].source == source and matches[0].clause == stance.clause


@functools.lru_cache(maxsize=8)
def _question(question: Reading, evidence: tuple[Reading, ...]) -> tuple[str, tuple[Match, ...]]:
    """The last clause of a question that says what it is about, and what the evidence has of it."""
    for clause, matches in zip(reversed(question.clauses), reversed(aligned(question, evidence)), strict=True):
        if len(grams(clause.text)) >= 2:
            return clause.text, matches
    return "", ()


def _beside(
    case: Case, matches: tuple[Match, ...], said: frozenset[str], about: frozenset[str], weight: dict[str, float]
) -> Iterator[tuple[float, int, Stance]]:
    for match in matches:
        if match.score < MIN_SCORE or match.score < 0.5 * matches[0].score:
            break
        evidence = case.evidence[match.source]
        whole = grams(evidence.clauses[match.clause].text)
        for theirs in stances(evidence)[match.clause]:
            there = grams(evidence.folded[theirs.start : theirs.end])
            score = 0.5 * overlap(said, there, weight) + 0.2 * overlap(said, whole, weight)
            same = overlap(about, whole, weight)
            yield max(score + 0.3 * same, 0.85 * same), match.source, theirs
