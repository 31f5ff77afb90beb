"""The loops of overlap detection, compiled: folding, rolling hashes, choosing seeds, scanning, checking.

Importing this module imports numba; tasks do so when they run, the command does not.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pipelines.jit import jit

GRAM = 8
"""Letters to a seed. The choice of n is derived in `overlap_index`."""
_BASE = np.uint64(0x9E3779B97F4A7C15)
_POWER = np.uint64(pow(0x9E3779B97F4A7C15, GRAM, 1 << 64))
_MIX_1, _MIX_2 = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_S30, _S27, _S31 = np.uint64(30), np.uint64(27), np.uint64(31)
_FAR = 1 << 30


@jit
def fold(data: Any, offsets: Any, table: Any, codes: Any, ends: Any, sizes: Any) -> int:
    """Writes the letters of UTF-8 texts into `codes`; how many there are."""
    at = 0
    for number in range(len(ends)):
        i, stop, size = offsets[number], offsets[number + 1], 0
        while i < stop:
            byte = np.int64(data[i])
            if byte < 0x80:
                char, i = byte, i + 1
            elif byte < 0xE0:
                char, i = ((byte & 0x1F) << 6) | (data[i + 1] & 0x3F), i + 2
            elif byte < 0xF0:
                char = ((byte & 0x0F) << 12) | (np.int64(data[i + 1] & 0x3F) << 6) | (data[i + 2] & 0x3F)
                i += 3
            else:
                char = (np.int64(data[i + 1] & 0x3F) << 12) | (np.int64(data[i + 2] & 0x3F) << 6) | (data[i + 3] & 0x3F)
                char |= (byte & 0x07) << 18
                i += 4
            letter = table[char] if char < len(table) else 0
            if letter != 1:
                size += 1
                if letter:
                    codes[at] = letter
                    at += 1
        ends[number], sizes[number] = at, size
    return at


@jit
def mixed(value: Any) -> Any:
    """A hash whose every bit depends on every bit of `value` (the finaliser of splitmix64)."""
    value = (value ^ (value >> _S30)) * _MIX_1
    value = (value ^ (value >> _S27)) * _MIX_2
    return value ^ (value >> _S31)


@jit
def hashes_of(codes: Any, starts: Any, ends: Any, out: Any) -> None:
    """The hash of each text as a whole."""
    for number in range(len(starts)):
        value = np.uint64(ends[number] - starts[number])
        for i in range(starts[number], ends[number]):
            value = value * _BASE + np.uint64(codes[i])
        out[number] = mixed(value)


@jit
def gram_hashes(codes: Any, out: Any) -> None:
    """The hash of the `GRAM` letters that begin at each place."""
    value = np.uint64(0)
    for i in range(len(codes)):
        value = value * _BASE + np.uint64(codes[i])
        if i >= GRAM:
            value -= np.uint64(codes[i - GRAM]) * _POWER
        if i >= GRAM - 1:
            out[i - GRAM + 1] = mixed(value)


@jit
def count_grams(hashes: Any, counts: Any, shift: Any) -> None:
    """How often each n-gram comes, in a table of saturating counters by the hash's first bits.

    Two n-grams may share a counter: a count is never too low.
    """
    for i in range(len(hashes)):
        at = hashes[i] >> shift
        if counts[at] < 65_535:
            counts[at] += 1


@jit
def choose_seeds(costs: Any, n_seeds: int, stride: int, chosen: Any) -> int:
    """Marks the places of `n_seeds` n-grams that do not overlap and cost least, 1 each; and 2 in every empty stride.

    Args:
        costs: Of the n-gram at each place.
        n_seeds: So many that they fit: `(n_seeds - 1) * GRAM < len(costs)`.
        stride: Every so many places there is at least one seed.
        chosen: Of the length of `costs`, zeros; takes the marks.
    """
    n = len(costs)
    best = np.full((n_seeds + 1, n + 1), _FAR, np.int64)  # best[m, i]: m seeds at places from i on
    best[0, :] = 0
    for m in range(1, n_seeds + 1):
        for i in range(n - 1, -1, -1):
            after = i + GRAM
            rest = best[m - 1, after] if after <= n else best[m - 1, n]
            best[m, i] = min(best[m, i + 1], costs[i] + rest)
    i, m = 0, n_seeds
    while m:
        if best[m, i] == best[m, i + 1]:
            i += 1
            continue
        chosen[i] = 1
        m -= 1
        i = min(i + GRAM, n)
    for start in range(0, n - stride + 1, stride):
        cheapest = start
        for j in range(start, start + stride):
            if chosen[j]:
                cheapest = -1
                break
            if costs[j] < costs[cheapest]:
                cheapest = j
        if cheapest >= 0:
            chosen[cheapest] = 2
    return n_seeds


@jit
def choose_all(
    grams: Any, counts: Any, shift: Any, starts: Any, text_ends: Any, edits: Any, stride: int,
    places: Any, pieces: Any, needed: Any,
) -> int:  # fmt: skip
    """The seeds of every piece that may have 0 edits or more; how many were written.

    Args:
        grams: Hash of the n-gram at each place.
        counts: Of n-grams, by the first bits of the hash.
        shift: What leaves those bits.
        starts: Of the pieces; one more.
        text_ends: Where each piece's text ends.
        edits: Of each piece.
        stride: As in `choose_seeds`.
        places: Takes the places of seeds.
        pieces: Takes their pieces.
        needed: Takes whether the guarantee for edits rests on the seed.
    """
    n = 0
    for piece in range(len(edits)):
        if edits[piece] < 0:
            continue
        start, end = starts[piece], starts[piece + 1]
        costs = np.empty(end - GRAM + 1 - start, np.int64)
        for i in range(len(costs)):
            costs[i] = counts[grams[start + i] >> shift]
        marks = np.zeros(len(costs), np.int8)
        choose_seeds(costs, edits[piece] + 1, stride, marks)
        for i in range(len(costs)):
            if marks[i]:
                places[n], pieces[n], needed[n] = start + i, piece, marks[i] == 1
                n += 1
        if end < text_ends[piece]:  # one across the end of the piece: good for a run, not for the piece
            places[n], pieces[n], needed[n] = end - GRAM + 1, piece, False
            n += 1
    return n


@jit
def prefix_distance(
    codes: Any, at: int, n: int, other: Any, other_at: int, n_other: int, step: int, limit: int, work: Any
) -> Any:
    """The least edits that turn `n` letters from `at` into the beginning of what follows `other_at`; and its length.

    Both are read in the direction of `step`. `(limit + 1, 0)` where more than `limit` edits are needed. The third
    is the cost in steps: O(n · limit), and less where the texts part early.
    """
    if n == 0:
        return 0, 0, 0
    width = 2 * limit + 1
    old, new = 0, 1
    for b in range(width):
        j = b - limit
        work[old, b] = j if 0 <= j <= n_other else _FAR
    for i in range(1, n + 1):
        least = _FAR
        letter = codes[at + (i - 1) * step]
        for b in range(width):
            j = i + b - limit
            value = _FAR
            if 0 <= j <= n_other:
                if j > 0:
                    value = work[old, b] + (1 if other[other_at + (j - 1) * step] != letter else 0)
                if b + 1 < width:
                    value = min(value, work[old, b + 1] + 1)
                if b > 0:
                    value = min(value, work[new, b - 1] + 1)
            work[new, b] = value
            least = min(least, value)
        if least > limit:
            return limit + 1, 0, i * width
        old, new = new, old
    found, length = limit + 1, 0
    for b in range(width):
        if work[old, b] < found:
            found, length = work[old, b], n + b - limit
    return found, length, n * width
