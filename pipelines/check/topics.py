"""What a stretch of text speaks of: pairs and characters of its content, since lay words share characters only."""

from __future__ import annotations

import functools
import math
from collections import Counter
from collections.abc import Mapping
from typing import Final

from pipelines.check.concepts import concepts
from pipelines.check.content import grams, runs
from pipelines.check.reading import Reading

Topic = frozenset[str]

NOTHING: Final[Topic] = frozenset()
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


@functools.lru_cache(maxsize=16)
def rarities(evidence: tuple[Reading, ...]) -> Mapping[str, float]:
    """Pair or character → how much it tells clauses of this evidence apart; see `rarity` for what it lacks."""
    topics = [topic(clause.text) for reading in evidence for clause in reading.clauses]
    seen = Counter(gram for each in topics for gram in each)
    whole = math.log(1 + len(topics)) or 1.0
    return {
        gram: max(0.12, math.log((1 + len(topics)) / n) / whole)
        * (MEANING if gram[0] == "#" else 1.0 if len(gram) > 1 else CHARACTER)
        for gram, n in seen.items()
    }


def rarity(gram: str, known: Mapping[str, float]) -> float:
    """The weight of a pair or character in this evidence."""
    return known.get(gram, UNKNOWN if len(gram) > 1 else UNKNOWN * CHARACTER)


def weight(said: Topic, known: Mapping[str, float]) -> float:
    """The weights of a topic together."""
    return sum(rarity(gram, known) for gram in said)


def covered(said: Topic, here: Topic, around: Topic, known: Mapping[str, float]) -> float:
    """Share of the weight of `said` that is `here`, and, at half, `around`; from 0 to 1."""
    whole = weight(said, known)
    if not whole:
        return 0.0
    at_hand = said & here
    nearby = (said & around) - at_hand
    return (weight(at_hand, known) + 0.5 * weight(nearby, known)) / whole
