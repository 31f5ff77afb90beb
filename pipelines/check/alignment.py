"""Which clauses of the evidence speak of what a clause of the answer says."""

from __future__ import annotations

import functools
import math
from collections import defaultdict
from collections.abc import Hashable, Mapping
from heapq import nsmallest
from operator import add
from typing import Final, NamedTuple

from pipelines.check.concepts import SILENT, concepts
from pipelines.check.reading import Reading

N_BEST: Final = 5
_DIGITS: Final = 9
"""Sums over sets differ beyond that from process to process."""
MIN_SCORE: Final = 0.05
_SENTENCE: Final = 0.35
"""What a word counts that stands in another clause of the sentence, or in its heading."""
_CONTEXT: Final = 0.12
"""What the other clauses of the answer's sentence count."""
_MAX_STEPS: Final = 100_000
"""Of places looked at for one answer; of long texts only what is rare in them is looked up."""
_PAIR: Final = 1.6
_SINGLE: Final = 0.7
_WORD: Final = 0.8
_LIGHT: Final = 0.4
_PART: Final = 0.8
_VALUE: Final = 2.0
_UNIT: Final = 2.5

Weights = Mapping[Hashable, float]


class Match(NamedTuple):
    """A clause of the evidence beside a clause of the answer.

    Attributes:
        source: The number of the evidence text.
        clause: The number of the clause there.
        score: Share of what the answer's clause says that this one says too, from 0 to 1.
    """

    source: int
    clause: int
    score: float


class _Index(NamedTuple):
    """What the evidence says where; clauses and sentences are numbered through all texts.

    Attributes:
        places: Source and number of each clause.
        sentences: The sentence of each clause.
        headings: The heading of each clause: beyond the last clause, as if it were one; -1 for none.
        clauses_with: Feature → clauses and headings.
    """

    places: list[tuple[int, int]]
    sentences: list[int]
    headings: list[int]
    clauses_with: Mapping[Hashable, list[int]]


def aligned(answer: Reading, evidence: tuple[Reading, ...]) -> tuple[tuple[Match, ...], ...]:
    """For each clause of the answer its best `N_BEST` matches, the best first; none below `MIN_SCORE`.

    Concepts, amounts and characters, weighted by how rare they are in the evidence. What stands in the rest of the
    sentence or in the heading counts a little, since subjects are said once, and so do the neighbours of the answer's
    clause.
    """
    index = _index(evidence)
    said = features(answer)
    limit = max(4, _MAX_STEPS // (1 + sum(map(len, said))))
    scores = [_scores(weights, index, limit) for weights in said]
    found = []
    for number, (clause, own) in enumerate(zip(answer.clauses, scores, strict=True)):
        total = own.copy()
        for other in (number - 1, number + 1):
            if 0 <= other < len(scores) and answer.clauses[other].sentence == clause.sentence:
                for at in own.keys() & scores[other].keys():
                    total[at] += _CONTEXT * scores[other][at]
        best = nsmallest(N_BEST, ((-round(score, _DIGITS), at) for at, score in total.items() if score >= MIN_SCORE))
        found.append(tuple(Match(*index.places[at], min(1.0, -score)) for score, at in best))
    return tuple(found)


@functools.lru_cache(maxsize=64)
def features(reading: Reading) -> tuple[Weights, ...]:
    """For each clause what it says and how much each of it counts.

    Concepts, amounts, and where no known word stands, characters and pairs of them.
    """
    amounts = reading.quantities
    words = concepts(reading.folded)
    letters = list(reading.folded)
    for start, end in (*((w.start, w.end) for w in words), *((q.start, q.end) for q in amounts)):
        letters[start:end] = " " * (end - start)
    rest = "".join(letters).translate(_empty())
    found: list[dict[Hashable, float]] = []
    for start, end, *_ in reading.clauses:
        pieces = rest[start:end].split()
        said: dict[Hashable, float] = dict.fromkeys("".join(pieces), _SINGLE)
        for piece in pieces:
            if len(piece) > 1:
                said.update(dict.fromkeys(map(add, piece, piece[1:]), _PAIR))
        found.append(said)
    for amount in amounts:
        said = found[reading.clause_at(amount.start).number]
        said[amount.unit, amount.per] = _UNIT
        values = [v for v in (amount.low, amount.high) if v is not None][: 1 + (amount.low != amount.high)]
        for value in values:
            said[amount.unit, value.numerator, value.denominator] = _VALUE / len(values)
    number = 0
    ends = [clause.end for clause in reading.clauses]
    for start, end, keys, light, parts in words:
        if keys:
            while ends[number] <= start and number + 1 < len(ends):
                number += 1
            weight = (_LIGHT if light else _WORD) * (1 + min(end - start, 4)) / len(keys)
            for key in keys:
                found[number][key] = weight
            for key in parts:
                found[number].setdefault(key, _PART / len(parts))
    return tuple(found)


@functools.cache
def _empty() -> dict[int, str]:
    """Characters that say nothing wherever they stand; digits are read as amounts."""
    return dict.fromkeys(map(ord, SILENT | frozenset(",。;:?!()[]\"'、…·-~/<>《》*#|+=\t\n0123456789")), " ")


@functools.lru_cache(maxsize=16)
def _index(evidence: tuple[Reading, ...]) -> _Index:
    places: list[tuple[int, int]] = []
    sentences: list[int] = []
    names: list[str] = []
    having: defaultdict[Hashable, list[int]] = defaultdict(list)
    for source, reading in enumerate(evidence):
        before = 1 + sentences[-1] if sentences else 0
        for clause, said in zip(reading.clauses, features(reading), strict=True):
            for feature in said:
                having[feature].append(len(places))
            places.append((source, clause.number))
            sentences.append(before + clause.sentence)
            names.append(clause.heading)
    numbers = {name: len(places) + i for i, name in enumerate(dict.fromkeys(filter(None, names)))}
    for name, number in numbers.items():
        for feature in features(Reading(name))[0]:
            having[feature].append(number)
    return _Index(places, sentences, [numbers.get(name, -1) for name in names], dict(having))


def _scores(weights: Weights, index: _Index, limit: int) -> dict[int, float]:
    """Clause of the evidence → share of the weight that it has in common."""
    n = len(index.places)
    here: defaultdict[int, float] = defaultdict(float)
    having = index.clauses_with
    whole = 0.0
    for feature, count in weights.items():
        clauses = having.get(feature, ())
        weight = count * _rarity(n, len(clauses))
        whole += weight
        for at in clauses[:limit]:
            here[at] += weight
    if not here:
        return {}
    around: defaultdict[int, float] = defaultdict(float)
    for at, score in here.items():
        if at < n:
            around[index.sentences[at]] += score
    found = {}
    for at, score in here.items():
        if at < n:
            near = around[index.sentences[at]] - score
            if (heading := index.headings[at]) in here:
                near += here[heading]
            found[at] = (score + _SENTENCE * min(near, whole - score)) / whole
    return found


@functools.lru_cache(maxsize=4096)
def _rarity(n_clauses: int, n_having: int) -> float:
    return math.log(1 + n_clauses / (1 + n_having))
