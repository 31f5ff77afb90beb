"""The real check of a pair: Levenshtein or Jaccard similarity, every field for itself."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from rapidfuzz.distance import Levenshtein
from rapidfuzz.process import cpdist

from pipelines.jit import jit
from pipelines.near.candidates import Pairs, Texts
from pipelines.near.comparison import Offsets, Units
from pipelines.near.settings import FIELD, JACCARD
from pipelines.near.sketches import gram_hash

Similarities = npt.NDArray[np.float64]
Hashes32 = npt.NDArray[np.uint32]
_ROUNDING = 1e-9
"""1 - 7 / 100 is a little less than 0.93, and reaches it."""


def similarities(
    texts: Texts, pairs: Pairs, measure: str, threshold: float, ngram: int, min_chars: int
) -> Similarities:
    """Of each pair the similarity of its least similar field; 0 where that is under the threshold.

    Levenshtein similarity is 1 - distance / characters of the longer; Jaccard is of the sets of n-grams. A field
    shorter than `min_chars` in either text must be equal: one character of 头痛 is all the difference to 腹痛.
    """
    if not len(pairs):
        return np.zeros(0)
    unique, places = np.unique(pairs, return_inverse=True)
    strings = [texts.text(i) for i in unique.tolist()]
    left, right = places.reshape(pairs.shape).T
    several = np.fromiter((FIELD in s for s in strings), np.bool_, len(strings))
    found = np.zeros(len(pairs))
    plain = np.flatnonzero(~several[left] & ~several[right])
    if measure == JACCARD:
        found[plain] = _jaccard(texts, pairs[plain], ngram)
        found[found < threshold] = 0
    elif len(plain):
        a, b = [strings[i] for i in left[plain]], [strings[i] for i in right[plain]]
        # Its own cutoff loses some of those just at it.
        cutoff = threshold - 1e-5
        found[plain] = cpdist(a, b, scorer=Levenshtein.normalized_similarity, score_cutoff=cutoff, dtype=np.float64)
        found[:] = np.where(found < threshold - _ROUNDING, 0, np.maximum(found, threshold))
    short = np.fromiter((len(s) < min_chars for s in strings), np.bool_, len(strings))
    too_short = plain[(short[left] | short[right])[plain]]
    found[too_short] = [float(strings[i] == strings[j]) for i, j in zip(left[too_short], right[too_short], strict=True)]
    for k in np.flatnonzero(several[left] | several[right]).tolist():
        found[k] = _least_field(strings[left[k]], strings[right[k]], measure, threshold, ngram, min_chars)
    return found


def _least_field(left: str, right: str, measure: str, threshold: float, ngram: int, min_chars: int) -> float:
    a, b = left.split(FIELD), right.split(FIELD)
    if len(a) != len(b):
        return 0.0
    least = 1.0
    for x, y in zip(a, b, strict=True):
        if x == y:
            continue
        if min(len(x), len(y)) < min_chars:
            return 0.0
        one = _jaccard_of(x, y, ngram) if measure == JACCARD else Levenshtein.normalized_similarity(x, y)
        if one < threshold - _ROUNDING:
            return 0.0
        least = min(least, max(one, threshold))
    return least


def _jaccard_of(x: str, y: str, n: int) -> float:
    a, b = ({s[i : i + n] for i in range(max(1, len(s) - n + 1))} for s in (x, y))
    return len(a & b) / len(a | b)


def _jaccard(texts: Texts, pairs: Pairs, n: int) -> Similarities:
    if not len(pairs):
        return np.zeros(0)
    unique, places = np.unique(pairs, return_inverse=True)
    starts, ends = texts.starts[unique], texts.ends[unique]
    offsets = np.concatenate([[0], np.cumsum(np.maximum(1, ends - starts))]).astype(np.int64)
    grams, sizes = np.empty(int(offsets[-1]), np.uint32), np.empty(len(unique), np.int64)
    _all_grams(texts.units, starts, ends, n, offsets, grams, sizes)
    return _jaccard_all(grams, offsets, sizes, places.reshape(pairs.shape))


@jit
def grams_of(units: Units, start: int, end: int, n: int, out: npt.NDArray[np.uint32]) -> int:
    """The sorted set of a text's n-gram hashes in `out`; their number. A text shorter than n is one n-gram."""
    width = min(n, end - start)
    count = end - start - width + 1
    for k in range(count):
        out[k] = gram_hash(units, start + k, width)
    out[:count].sort()
    used = 0
    for k in range(count):
        if used == 0 or out[k] != out[used - 1]:
            out[used] = out[k]
            used += 1
    return used


@jit
def _all_grams(
    units: Units, starts: Offsets, ends: Offsets, n: int, offsets: Offsets, grams: Hashes32, sizes: Offsets
) -> None:
    for i in range(len(starts)):
        sizes[i] = grams_of(units, starts[i], ends[i], n, grams[offsets[i] : offsets[i + 1]])


@jit
def _jaccard_all(grams: Hashes32, offsets: Offsets, sizes: Offsets, pairs: Pairs) -> Similarities:
    found = np.empty(len(pairs))
    for k in range(len(pairs)):
        i, j = pairs[k]
        x, y = offsets[i], offsets[j]
        x_end, y_end = x + sizes[i], y + sizes[j]
        both = 0
        while x < x_end and y < y_end:
            if grams[x] == grams[y]:
                both += 1
                x += 1
                y += 1
            elif grams[x] < grams[y]:
                x += 1
            else:
                y += 1
        found[k] = both / (sizes[i] + sizes[j] - both)
    return found
