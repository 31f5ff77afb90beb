"""What a clause says besides grammar: its content words, and how much each weighs in this evidence."""

from __future__ import annotations

import functools
import math
import re
from collections import Counter
from itertools import pairwise
from typing import Final, NamedTuple

from pipelines.check.reading import Reading
from pipelines.lexicons import rows

_BLANK: Final = frozenset(("negation", "permission", "modality", "universal", "only", "hedge", "reassurance"))
"""Marks that are no content of their own; 升高 and 空腹 are."""


class Run(NamedTuple):
    """Characters of content in a row, between words of grammar and marks; `start` in the text."""

    start: int
    text: str


@functools.lru_cache(maxsize=4096)
def runs(text: str) -> tuple[Run, ...]:
    """The runs of content in a clause, in order."""
    return tuple(Run(m.start(), m[0]) for m in _CONTENT.finditer(_blanked(text, _common())))


@functools.lru_cache(maxsize=4096)
def learned(text: str) -> tuple[Run, ...]:
    """The runs that are left when the words of every day are taken away too."""
    return tuple(Run(m.start(), m[0]) for m in _CONTENT.finditer(_blanked(text, _common("lay"))))


@functools.lru_cache(maxsize=4096)
def grams(text: str) -> frozenset[str]:
    """Pairs of neighbours within the runs of a text, and runs of a single character."""
    found: set[str] = set()
    for _, run in runs(text):
        found.update("".join(pair) for pair in pairwise(run)) if len(run) > 1 else found.add(run)
    return frozenset(found)


@functools.lru_cache(maxsize=16)
def weights(evidence: tuple[Reading, ...]) -> dict[str, float]:
    """Pair → how much it tells clauses of this evidence apart; what the evidence lacks weighs 1."""
    clauses = [grams(clause.text) for reading in evidence for clause in reading.clauses]
    seen = Counter(gram for clause in clauses for gram in clause)
    whole = math.log(1 + len(clauses)) or 1.0
    return {gram: max(0.15, math.log((1 + len(clauses)) / n) / whole) for gram, n in seen.items()}


def overlap(said: frozenset[str], there: frozenset[str], weight: dict[str, float]) -> float:
    """Share of the weight of `said` that is in `there` too, from 0 to 1; 0 where nothing is said."""
    whole = math.fsum(weight.get(g, 1.0) for g in said)  # exact: a set has no order to rely on
    return math.fsum(weight.get(g, 1.0) for g in said & there) / whole if whole else 0.0


def _blanked(text: str, words: tuple[re.Pattern[str], frozenset[str]]) -> str:
    pattern, kept = words
    return pattern.sub(lambda m: m[0] if m[0] in kept else " " * len(m[0]), text)


@functools.cache
def _common(*more: str) -> tuple[re.Pattern[str], frozenset[str]]:
    """A pattern of words without content, and of those that only hold such a word (功能不全) and are kept."""
    listed = [row for row in rows("check_common") if row["kind"] != "lay" or "lay" in more]
    common = {word for row in listed for word in row["words"].split()}
    kept: set[str] = set()
    for row in rows("check_marks"):
        words = set(row["words"].split())
        if row["type"] in _BLANK and row["value"] != "stop":
            common |= words
        elif row["type"] == "plain":
            kept |= words
    kept -= common
    by_first: dict[str, set[str]] = {}
    for word in common | kept:
        by_first.setdefault(word[0], set()).add(word[1:])
    branches = (
        re.escape(first) + "(?:" + "|".join(map(re.escape, sorted(rests, key=lambda w: (-len(w), w)))) + ")"
        for first, rests in sorted(by_first.items())
    )
    return re.compile("|".join(branches)), frozenset(kept)


_CONTENT: Final = re.compile(r"[\u4e00-\u9fffa-z]+")
