"""What a stretch of text speaks of: pairs and characters of its content, since lay words share characters only."""

from __future__ import annotations

import functools
import math
from bisect import bisect_left
from collections import Counter
from itertools import groupby
from typing import Final

from pipelines.check.concepts import concepts
from pipelines.check.content import grams, runs
from pipelines.check.reading import Reading

Topic = frozenset[str]

NOTHING: Final[Topic] = frozenset()
MAX_READ: Final = 800
MAX_CLAUSES: Final = 8
MAX_WEIGHTS: Final = 4096
UNKNOWN: Final = 0.3
"""Weight of a pair that the evidence lacks: it is another word for something, more often than something else."""
MEANING: Final = 0.5
CHARACTER: Final = 0.5
"""Weight of a group of words of one meaning, and of a character, beside that of a pair."""


@functools.lru_cache(maxsize=8192)
def topic(text: str) -> Topic:
    """Pairs and characters of the content of a text, and the groups of words of one meaning that it has."""
    pairs = grams(text)
    meant = frozenset(f"#{key}" for concept in concepts(text) if not concept.light for key in concept.keys)
    return pairs | meant | frozenset(c for _, run in runs(text) for c in run)


@functools.lru_cache(maxsize=64)
def _meanings(reading: Reading) -> tuple[list[int], list[frozenset[str]]]:
    """Where the words with a meaning begin in a text, and the groups of each."""
    found = [c for c in concepts(reading.folded) if not c.light and c.keys]
    return [c.start for c in found], [frozenset(f"#{key}" for key in c.keys) for c in found]


def topic_at(reading: Reading, start: int, end: int) -> Topic:
    """The topic of a stretch of a text that is looked at more than once."""
    starts, keys = _meanings(reading)
    text = reading.folded[start:end]
    pairs = grams(text)
    meant = keys[bisect_left(starts, start) : bisect_left(starts, end)]
    return pairs.union(*meant, *(run for _, run in runs(text)))


@functools.lru_cache(maxsize=64)
def clause_topics(reading: Reading) -> tuple[Topic, ...]:
    """The topic of each clause; nothing for those after the first `MAX_READ`."""
    read = [topic_at(reading, clause.start, clause.end) for clause in reading.clauses[:MAX_READ]]
    return (*read, *(NOTHING for _ in reading.clauses[MAX_READ:]))


@functools.lru_cache(maxsize=64)
def sentence_topics(reading: Reading) -> tuple[Topic, ...]:
    """For each clause what its sentence says; of a long sentence the part of `MAX_CLAUSES` clauses that it is in."""
    found: list[Topic] = []
    own = clause_topics(reading)
    for _, group in groupby(reading.clauses, key=lambda c: c.sentence):
        clauses = list(group)
        for i in range(0, len(clauses), MAX_CLAUSES):
            part = clauses[i : i + MAX_CLAUSES]
            found += [NOTHING.union(*(own[c.number] for c in part))] * len(part)
    return tuple(found)


class Rarities(dict[str, float]):
    """Pair, character or group of meanings → how much it tells clauses of this evidence apart."""

    def __init__(self, known: dict[str, float]) -> None:
        super().__init__(known)
        self.weights: dict[Topic, float] = {}

    def __missing__(self, gram: str) -> float:
        return UNKNOWN if len(gram) > 1 else UNKNOWN * CHARACTER


@functools.lru_cache(maxsize=16)
def rarities(evidence: tuple[Reading, ...]) -> Rarities:
    """How rare everything is that this evidence says."""
    topics = [each for reading in evidence for each in clause_topics(reading)]
    seen = Counter(gram for each in topics for gram in each)
    whole = math.log(1 + len(topics)) or 1.0
    by_count = {n: max(0.12, math.log((1 + len(topics)) / n) / whole) for n in set(seen.values())}
    return Rarities({gram: by_count[n] * _worth(gram) for gram, n in seen.items()})


def _worth(gram: str) -> float:
    if len(gram) == 1:
        return CHARACTER
    return MEANING if gram[0] == "#" else 1.0


def weight(said: Topic, known: Rarities) -> float:
    """The weights of a topic together."""
    found = known.weights.get(said)
    if found is None:
        found = math.fsum(map(known.__getitem__, said))
        if len(known.weights) < MAX_WEIGHTS:
            known.weights[said] = found
    return found


def covered(said: Topic, here: Topic, around: Topic, known: Rarities) -> float:
    """Share of the weight of `said` that is `here`, and, at half, `around`; from 0 to 1."""
    whole = weight(said, known)
    if not whole:
        return 0.0
    at_hand = said & here
    found = math.fsum(map(known.__getitem__, at_hand))
    if around and len(at_hand) < len(said):
        found += 0.5 * math.fsum(map(known.__getitem__, (said & around) - at_hand))
    return found / whole
