"""Which clauses of the evidence speak of what a clause of the answer says."""

from __future__ import annotations

import math
from collections import Counter
from itertools import pairwise
from typing import Final, NamedTuple

from pipelines.check.reading import Reading

N_BEST: Final = 5


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


def aligned(answer: Reading, evidence: tuple[Reading, ...]) -> tuple[tuple[Match, ...], ...]:
    """For each clause of the answer its best `N_BEST` matches, the best first; none below a score of 0.05.

    Character pairs and single characters, weighted by how rare they are in the evidence; the neighbouring clauses of a
    sentence count a little, since subjects are said once.
    """
    clauses = [(s, c.number, c.sentence, _grams(c.text)) for s, r in enumerate(evidence) for c in r.clauses]
    seen = Counter(gram for *_, grams in clauses for gram in grams)
    n = max(1, len(clauses))
    around = {
        (s, i): set().union(*(g for t, _, other, g in clauses if t == s and other == sentence))
        for s, i, sentence, _ in clauses
    }
    found = []
    for clause in answer.clauses:
        grams = _grams(clause.text)
        weights = {gram: math.log(1 + n / (1 + seen[gram])) * (2 if len(gram) > 1 else 1) for gram in grams}
        whole = sum(weights.values()) or 1.0
        matches = []
        for source, index, _, theirs in clauses:
            here = sum(weights[gram] for gram in grams & theirs)
            near = sum(weights[gram] for gram in grams & around[source, index]) - here
            score = (here + 0.35 * near) / whole
            if score >= 0.05:
                matches.append(Match(source, index, min(1.0, score)))
        matches.sort(key=lambda m: (-m.score, m.source, m.clause))
        found.append(tuple(matches[:N_BEST]))
    return tuple(found)


def _grams(text: str) -> set[str]:
    kept = [c for c in text if c.isalnum() or c in "%℃°"]
    return {*kept, *("".join(pair) for pair in pairwise(kept))}
