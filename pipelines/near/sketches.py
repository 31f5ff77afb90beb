"""MinHash over character n-grams, cut into bands.

A pair whose n-grams have Jaccard similarity s shares a band of r rows with probability s^r, hence at least one of b
bands with 1 - (1 - s^r)^b. Edits at random leave t^n of the n-grams whole where t is the share of characters left, and
then s = t^n / (2 - t^n). At the default threshold 0.9: n = 3, s = 0.573, r = 3, and b = 34 bands give 0.9991.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipelines.jit import jit
from pipelines.near.comparison import Offsets, Units

RECALL = 0.999
"""Probability with which a pair exactly at the threshold becomes a candidate."""
_MOST_BANDS = 400


@dataclass(frozen=True)
class Banding:
    """How signatures are made and cut.

    Attributes:
        ngram: Characters to an n-gram.
        rows: MinHashes to a band.
        bands: Bands.
    """

    ngram: int
    rows: int
    bands: int

    def probability(self, jaccard: float) -> float:
        """That a pair of that n-gram similarity shares a band."""
        return float(1 - (1 - jaccard**self.rows) ** self.bands)


def banding(threshold: float, similarity: str, ngram: int | None = None) -> Banding:
    """The cheapest bands that find a pair at the threshold with probability `RECALL`.

    Args:
        threshold: Of the similarity, above 0.
        similarity: `levenshtein` or `jaccard`.
        ngram: None: 3 where the threshold is high, 2 where it is not. With `levenshtein`, where this only helps to
            find pairs, shorter ones are taken than such as few similar texts have in common.
    """
    n = ngram or (3 if threshold >= 0.85 else 2)
    if similarity == "jaccard":
        return _cheapest(n, threshold)
    plans = (_cheapest(m, threshold**m / (2 - threshold**m)) for m in range(n, 0, -1))
    return next((plan for plan in plans if plan.bands <= _MOST_BANDS), _cheapest(1, threshold / (2 - threshold)))


def _cheapest(n: int, s: float) -> Banding:
    rows = 3 if s >= 0.5 else 2
    return Banding(n, rows, math.ceil(math.log(1 - RECALL) / math.log1p(-(s**rows))) if s < 1 else 1)


def band_keys(
    units: Units, starts: Offsets, ends: Offsets, plan: Banding, bands: npt.NDArray[np.int64]
) -> npt.NDArray[np.uint32]:
    """The keys of some bands of each text, shape (bands, texts); texts that share one are candidates.

    Cost: about 0.1 ns a hash, rows * bands hashes a character.
    """
    functions = (bands[:, None] * plan.rows + np.arange(plan.rows)).ravel().astype(np.uint32)
    multipliers = _spread(functions * np.uint32(2) + np.uint32(1)) | np.uint32(1)
    masks = _spread(functions * np.uint32(2) + np.uint32(2))
    keys = np.empty((len(bands), len(starts)), np.uint32)
    _band_keys(units, starts, ends, plan.ngram, plan.rows, multipliers, masks, keys)
    return keys


def _spread(x: npt.NDArray[np.uint32]) -> npt.NDArray[np.uint32]:
    """A fixed permutation of 32-bit numbers (the finaliser of MurmurHash3, public domain)."""
    x = (x ^ (x >> np.uint32(16))) * np.uint32(0x85EBCA6B)
    x = (x ^ (x >> np.uint32(13))) * np.uint32(0xC2B2AE35)
    return x ^ (x >> np.uint32(16))


@jit
def gram_hash(units: Units, at: int, n: int) -> np.uint32:
    """A hash of `units[at:at + n]`."""
    h = np.uint32(0x811C9DC5)
    for i in range(at, at + n):
        h = (h ^ np.uint32(units[i])) * np.uint32(0x9E3779B1)
        h ^= h >> np.uint32(15)
    h = (h ^ (h >> np.uint32(16))) * np.uint32(0x85EBCA6B)
    return h ^ (h >> np.uint32(13))


@jit
def _band_keys(
    units: Units,
    starts: Offsets,
    ends: Offsets,
    n: int,
    rows: int,
    multipliers: npt.NDArray[np.uint32],
    masks: npt.NDArray[np.uint32],
    keys: npt.NDArray[np.uint32],
) -> None:
    least = np.empty(len(masks), np.uint32)
    for i in range(len(starts)):
        least[:] = np.uint32(0xFFFFFFFF)
        width = min(n, ends[i] - starts[i])
        for at in range(starts[i], ends[i] - width + 1):
            gram = gram_hash(units, at, width)
            for k in range(len(masks)):
                value = np.uint32((gram ^ masks[k]) * multipliers[k])
                least[k] = min(least[k], value)
        for band in range(keys.shape[0]):
            h = np.uint32(band)
            for k in range(band * rows, (band + 1) * rows):
                h = (h ^ least[k]) * np.uint32(0x9E3779B1)
                h ^= h >> np.uint32(15)
            keys[band, i] = h
