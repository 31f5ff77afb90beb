"""Where things stand in a text: clauses, sentences and names, found by place in no time, made once for each text."""

from __future__ import annotations

import bisect
import functools

from pipelines.check.mentions import Mention
from pipelines.check.reading import Clause, Reading


@functools.lru_cache(maxsize=512)
def _starts(reading: Reading) -> list[int]:
    return [clause.start for clause in reading.clauses]


def clause_of(reading: Reading, at: int) -> Clause:
    """The clause that holds a place, or the last one before it."""
    return reading.clauses[max(0, bisect.bisect_right(_starts(reading), at) - 1)]


@functools.lru_cache(maxsize=512)
def sentences(reading: Reading) -> dict[int, tuple[int, int]]:
    """Number of a sentence → where it begins and ends."""
    found: dict[int, tuple[int, int]] = {}
    for clause in reading.clauses:
        start, _ = found.get(clause.sentence, (clause.start, 0))
        found[clause.sentence] = (start, clause.end)
    return found


@functools.lru_cache(maxsize=512)
def names(reading: Reading) -> dict[int, tuple[Mention, ...]]:
    """Number of a clause → its names."""
    found: dict[int, list[Mention]] = {}
    for mention in reading.mentions:
        found.setdefault(clause_of(reading, mention.start).number, []).append(mention)
    return {number: tuple(each) for number, each in found.items()}


@functools.lru_cache(maxsize=512)
def sentence_names(reading: Reading) -> dict[int, tuple[Mention, ...]]:
    """Number of a sentence → its names."""
    found: dict[int, list[Mention]] = {}
    for mention in reading.mentions:
        found.setdefault(clause_of(reading, mention.start).sentence, []).append(mention)
    return {number: tuple(each) for number, each in found.items()}
