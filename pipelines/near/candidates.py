"""Pairs worth a real check: all of a small group of equal facts, those that share a MinHash band in a large one.

Texts are numbered in the order of their groups, and in a group in the order of preference, so of a pair (i, j) with
i < j the keeper-to-be is i. What a cheap bound rules out for certain is left out: lengths too far apart, or too
different counts of characters (no edit changes more than one character's count up and one's down).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from pipelines.jit import jit
from pipelines.near.comparison import Hashes, Offsets, Units
from pipelines.near.sketches import Banding, band_keys

SMALL_GROUP: Final = 24
"""Texts up to which every pair of a group is a candidate: cheaper than sketches."""
FULL_BUCKET: Final = 64
"""Texts up to which every pair of a bucket is a candidate; a larger one is cut by one to three more MinHashes."""
NEXT: Final = 16
"""Texts that each meets in what is still larger then, besides the first."""
_FINER: Final = 8
"""MinHashes to cut large buckets by, another of them for every band."""
_KEY_BYTES: Final = 1 << 26
"""Band keys held at once; more bands than fit are done in several passes over the texts."""
_CODES_AT_ONCE: Final = 1 << 17
"""Texts in buckets whose pairs are held at once, before those that cannot be similar are left out."""

Pairs = npt.NDArray[np.int64]
"""Shape (pairs, 2), i < j, sorted, no pair twice."""


@dataclass(frozen=True)
class Texts:
    """The texts of a partition that may have a near-duplicate, in groups.

    Attributes:
        units: Code units.
        starts: Where each text begins in `units`.
        ends: Where it ends.
        group: Of each text; equal numbers lie together.
    """

    units: Units
    starts: Offsets
    ends: Offsets
    group: npt.NDArray[np.int64]

    def text(self, i: int) -> str:
        """Text i as a string."""
        return self.units[self.starts[i] : self.ends[i]].tobytes().decode("utf-16-le")


def bounds(group: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Where each run of equal numbers begins, and the end."""
    cuts = np.flatnonzero(group[1:] != group[:-1]) + 1
    return np.concatenate([[0], cuts, [len(group)]]).astype(np.int64)


def small_pairs(texts: Texts, least: float) -> Pairs:
    """Every pair of every small group that the bound does not rule out.

    Args:
        texts: In groups.
        least: The lowest Levenshtein similarity wanted; 0 for every pair.
    """
    edges = bounds(texts.group)
    sizes = np.diff(edges)
    small = np.flatnonzero((sizes > 1) & (sizes <= SMALL_GROUP))
    n = int((sizes[small] * (sizes[small] - 1) // 2).sum())
    out = np.empty((n, 2), np.int64)
    used = _all_pairs(texts.units, texts.starts, texts.ends, edges[small], edges[small + 1], least, out)
    return out[:used]


def large_members(texts: Texts) -> npt.NDArray[np.int64]:
    """The texts of the groups that are not small."""
    edges = bounds(texts.group)
    return np.flatnonzero(np.repeat(np.diff(edges) > SMALL_GROUP, np.diff(edges)))


def band_pairs(
    texts: Texts, members: npt.NDArray[np.int64], plan: Banding, bands: range, least: float
) -> Iterator[Pairs]:
    """Pairs of one group that share a band, a batch of bands at a time.

    Args:
        texts: In groups.
        members: Numbers of the texts to pair, ascending.
        plan: The bands.
        bands: Which of them.
        least: As in `small_pairs`.
    """
    starts, ends, group = texts.starts[members], texts.ends[members], texts.group[members]
    single = Banding(plan.ngram, 1, plan.rows * plan.bands + _FINER)
    finer = band_keys(texts.units, starts, ends, single, np.arange(plan.rows * plan.bands, single.bands))
    at_once = max(1, _KEY_BYTES // (4 * max(1, len(members))))
    for first in range(0, len(bands), at_once):
        some = np.asarray(bands[first : first + at_once], np.int64)
        found = []
        for band, keys in zip(some.tolist(), band_keys(texts.units, starts, ends, plan, some), strict=True):
            order = np.sort((keys.astype(np.uint64) << np.uint64(32)) | np.arange(len(keys), dtype=np.uint64))
            turned = np.roll(finer, -band, axis=0)[:3]
            for some_order in _slices(order):
                out = np.empty((_bucket_pairs(some_order, group, turned, np.empty((0, 2), np.int64)), 2), np.int64)
                _bucket_pairs(some_order, group, turned, out)
                found.append(out[possible(texts.units, starts, ends, out, least)])
        yield members[unique_pairs(np.concatenate(found))]


def _slices(order: Hashes) -> Iterator[Hashes]:
    """The codes, so many at a time, no run of one key cut."""
    begin = 0
    while begin < len(order):
        end = min(len(order), begin + _CODES_AT_ONCE)
        after = np.uint64(((int(order[end - 1]) >> 32) + 1) << 32) if int(order[end - 1]) >> 32 < 0xFFFFFFFF else None
        end = len(order) if after is None else int(np.searchsorted(order, after))
        yield order[begin:end]
        begin = end


def unique_pairs(pairs: Pairs) -> Pairs:
    """Sorted, each once."""
    codes = np.unique((pairs[:, 0].astype(np.uint64) << np.uint64(32)) | pairs[:, 1].astype(np.uint64))
    return np.stack([codes >> np.uint64(32), codes & np.uint64(0xFFFFFFFF)], axis=1).astype(np.int64)


@jit
def _all_pairs(
    units: Units, starts: Offsets, ends: Offsets, firsts: Offsets, lasts: Offsets, least: float, out: Pairs
) -> int:
    counts, used = np.zeros(256, np.int64), 0
    for g in range(len(firsts)):
        for i in range(firsts[g], lasts[g]):
            for j in range(i + 1, lasts[g]):
                if may_be_similar(units, starts[i], ends[i], starts[j], ends[j], least, counts):
                    out[used, 0], out[used, 1] = i, j
                    used += 1
    return used


@jit
def possible(units: Units, starts: Offsets, ends: Offsets, pairs: Pairs, least: float) -> npt.NDArray[np.bool_]:
    counts, found = np.zeros(256, np.int64), np.empty(len(pairs), np.bool_)
    for k in range(len(pairs)):
        i, j = pairs[k]
        found[k] = may_be_similar(units, starts[i], ends[i], starts[j], ends[j], least, counts)
    return found


@jit
def may_be_similar(units: Units, a: int, a_end: int, b: int, b_end: int, least: float, counts: Offsets) -> bool:
    """False only where the Levenshtein similarity of two texts is under `least` for certain.

    An edit changes the bag of characters by at most one in either direction, so the larger of what one bag has beyond
    the other is a lower bound of the distance; characters that fall into one of 256 bins only lower it.
    """
    longer, shorter = max(a_end - a, b_end - b), min(a_end - a, b_end - b)
    most = np.int64((1 - least) * longer + 1e-9)
    if longer - shorter > most:
        return False
    counts[:] = 0
    for i in range(a, a_end):
        counts[(units[i] ^ (units[i] >> 8)) & 255] += 1
    for i in range(b, b_end):
        counts[(units[i] ^ (units[i] >> 8)) & 255] -= 1
    more = less = 0
    for i in range(256):
        if counts[i] > 0:
            more += counts[i]
        else:
            less -= counts[i]
    return bool(max(more, less) <= most)


@jit
def _bucket_pairs(order: Hashes, group: npt.NDArray[np.int64], finer: npt.NDArray[np.uint32], out: Pairs) -> int:
    """How many pairs the buckets give; written to `out` where it has room.

    A bucket is a run of equal keys and equal groups; keys of two groups may be equal by chance, their texts never meet.
    """
    used, n, begin = 0, len(order), 0
    while begin < n:
        end = begin + 1
        key, own = order[begin] >> np.uint64(32), group[order[begin] & np.uint64(0xFFFFFFFF)]
        while end < n and order[end] >> np.uint64(32) == key and group[order[end] & np.uint64(0xFFFFFFFF)] == own:
            end += 1
        if end - begin <= FULL_BUCKET:
            used = _run_pairs(order, begin, end, out, used)
        else:
            used = _cut_pairs(order[begin:end], finer, out, used)
        begin = end
    return used


@jit
def _run_pairs(codes: Hashes, begin: int, end: int, out: Pairs, used: int) -> int:
    """Pairs of a run of texts, whose numbers are in the lower half of the codes, ascending."""
    whole = end - begin <= FULL_BUCKET
    for i in range(begin, end):
        last = end if whole or i == begin else min(end, i + 1 + NEXT)
        for j in range(i + 1, last):
            if len(out):
                out[used, 0] = codes[i] & np.uint64(0xFFFFFFFF)
                out[used, 1] = codes[j] & np.uint64(0xFFFFFFFF)
            used += 1
    return used


@jit
def _cut_pairs(bucket: Hashes, finer: npt.NDArray[np.uint32], out: Pairs, used: int) -> int:
    """Pairs of a large bucket: of the texts in it that share one more MinHash, or more, the larger it is."""
    levels = 1 + (len(bucket) > FULL_BUCKET * 16) + (len(bucket) > FULL_BUCKET * 256)
    codes = np.empty(len(bucket), np.uint64)
    for k in range(len(bucket)):
        number = bucket[k] & np.uint64(0xFFFFFFFF)
        h = np.uint32(0)
        for level in range(levels):
            h = np.uint32((h ^ finer[level, number]) * np.uint32(0x9E3779B1))
        codes[k] = (np.uint64(h) << np.uint64(32)) | number
    codes.sort()
    begin = 0
    while begin < len(codes):
        end = begin + 1
        while end < len(codes) and codes[end] >> np.uint64(32) == codes[begin] >> np.uint64(32):
            end += 1
        used = _run_pairs(codes, begin, end, out, used)
        begin = end
    return used
