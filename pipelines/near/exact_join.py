"""Candidates without a miss: a prefix-filter join over character n-grams.

Order all n-grams by a fixed order, the rare first. Two texts within d edits differ in at most n*d n-grams, hence share
one among the first n*d + 1 of each (Gravano et al. 2001, Xiao et al. 2008, "Ed-Join"). Two sets with Jaccard similarity
t share one among the first |x| - ceil(t*|x|) + 1 of each (Chaudhuri et al. 2006). So an index over these prefixes finds
every pair; texts too short for the bound to bite are compared with every text of fitting length.

Cost: about 0.35 index entries (8 bytes each) a character at Levenshtein 0.9; time grows with the square of the number
of texts that share their rarest n-grams, so it is for up to some millions of texts of which few are alike. Pairs come
some hundred thousand at a time; of what is connected by then, no pair is made, or of 20,000 texts alike there were
200 million.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
import numpy.typing as npt

from pipelines.jit import jit
from pipelines.near.candidates import Pairs, Texts, may_be_similar, unique_pairs
from pipelines.near.clusters import Forest, root_of
from pipelines.near.comparison import Hashes, Offsets, Units
from pipelines.near.settings import FIELD, JACCARD
from pipelines.near.sketches import gram_hash

_BINS: Final = 1 << 20
"""Counters of n-grams; two n-grams in one bin only make the order a little worse."""
_AT_ONCE: Final = 1 << 18
"""Pairs to stop at, when the text at hand is done."""
_FIELD_UNIT: Final = ord(FIELD)


def exact_pairs(
    texts: Texts,
    members: npt.NDArray[np.int64],
    measure: str,
    threshold: float,
    ngram: int,
    turn: tuple[int, int],
    forest: Forest,
) -> Iterator[Pairs]:
    """Every pair of one group that may reach the threshold and is not connected yet, and few others.

    Args:
        texts: In groups.
        members: Numbers of the texts to join, ascending.
        measure: `levenshtein` or `jaccard`.
        threshold: Of the whole text, above 0.
        ngram: Characters to an n-gram; for Levenshtein the join chooses its own.
        turn: `(i, k)`: the pairs whose longer text is number i modulo k in its order; all with `(0, 1)`.
        forest: Of all texts. Who joins in it the similar pairs of what came before is spared those that follow.
    """
    is_jaccard = measure == JACCARD
    n = ngram if is_jaccard else 3 if threshold >= 0.85 else 2 if threshold >= 0.7 else 1
    group = texts.group[members]
    lengths = texts.ends[members] - texts.starts[members]
    if is_jaccard:
        sizes = np.empty(len(members), np.int64)
        _set_sizes(texts.units, texts.starts[members], texts.ends[members], n, sizes)
        lengths = sizes
    order = np.lexsort((members, lengths, group))
    starts, ends, group = texts.starts[members[order]], texts.ends[members[order]], group[order]
    sizes = lengths[order]
    counts = np.zeros(_BINS, np.uint32)
    _count(texts.units, starts, ends, n, is_jaccard, counts)
    prefix = np.empty(len(order), np.int64)
    entries = _prefixes(texts.units, starts, ends, n, threshold, is_jaccard, counts, prefix, np.empty(0, np.uint64))
    index = np.empty(entries, np.uint64)
    _prefixes(texts.units, starts, ends, n, threshold, is_jaccard, counts, prefix, index)
    index.sort()
    names, at = members[order], 0
    while at < len(order):
        before = forest.roots().copy()  # in the chunk, of each tree that a text meets the first text alone is tried
        again, stop, is_whole = False, len(order), False
        while not is_whole:
            found, stop, n_spared = _joined(
                texts.units, starts, ends, sizes, group, n, threshold, is_jaccard, counts, prefix, index, turn[0],
                turn[1], names, before, forest.roots(), at, stop, again
            )  # fmt: skip
            if len(found):
                yield unique_pairs(np.sort(names[found], axis=1))
            is_whole, again = again or not n_spared, True
        at = stop


@jit
def _hashes(units: Units, start: int, end: int, n: int, by_field: bool, out: Hashes) -> int:
    """The n-grams of a text; `by_field` those of each field, which are others in every field.

    Sets of such have at least the Jaccard similarity of the least similar field. An empty field has none.
    """
    used = field = 0
    begin = start
    for at in range(start, end + 1):
        if at < end and not (by_field and units[at] == _FIELD_UNIT):
            continue
        width = min(n, at - begin)
        for k in range(begin, at - width + 1 if width else begin):
            h = gram_hash(units, k, width)
            out[used] = np.uint64(h ^ np.uint32(field * 0x9E3779B1 & 0xFFFFFFFF))
            used += 1
        begin, field = at + 1, field + 1
    return used


@jit
def _grams(
    units: Units, start: int, end: int, n: int, by_field: bool, counts: npt.NDArray[np.uint32], out: Hashes
) -> int:
    """The n-grams of a text, the rare first: count in the upper half, hash in the lower; equal ones stay."""
    used = _hashes(units, start, end, n, by_field, out)
    for k in range(used):
        out[k] |= np.uint64(counts[out[k] & np.uint64(_BINS - 1)]) << np.uint64(32)
    out[:used].sort()
    return used


@jit
def _as_set(grams: Hashes, used: int) -> int:
    kept = 0
    for k in range(used):
        if kept == 0 or grams[k] != grams[kept - 1]:
            grams[kept] = grams[k]
            kept += 1
    return kept


@jit
def _longest(starts: Offsets, ends: Offsets) -> int:
    longest = 1
    for i in range(len(starts)):
        longest = max(longest, ends[i] - starts[i])
    return longest


@jit
def _set_sizes(units: Units, starts: Offsets, ends: Offsets, n: int, sizes: Offsets) -> None:
    room, counts = np.empty(_longest(starts, ends), np.uint64), np.zeros(_BINS, np.uint32)
    for i in range(len(starts)):
        sizes[i] = _as_set(room, _grams(units, starts[i], ends[i], n, True, counts, room))


@jit
def _count(
    units: Units, starts: Offsets, ends: Offsets, n: int, by_field: bool, counts: npt.NDArray[np.uint32]
) -> None:
    room = np.empty(_longest(starts, ends), np.uint64)
    for i in range(len(starts)):
        for k in range(_hashes(units, starts[i], ends[i], n, by_field, room)):
            counts[room[k] & np.uint64(_BINS - 1)] += np.uint32(1)


@jit
def _prefix_length(used: int, length: int, n: int, threshold: float, is_jaccard: bool) -> int:
    """How many of its rarest n-grams a text must be found by; -1 where none will do."""
    if is_jaccard:
        return used - int(np.ceil(threshold * used - 1e-9)) + 1 if used else 0
    if threshold <= 0:
        return -1
    # The partner may be longer, up to length / threshold, and the distance is allowed by the longer.
    edits = int((1 - threshold) * length / threshold + 1e-9)
    return n * edits + 1 if n * edits + 1 <= used and length >= n else -1


@jit
def _prefixes(
    units: Units,
    starts: Offsets,
    ends: Offsets,
    n: int,
    threshold: float,
    is_jaccard: bool,
    counts: npt.NDArray[np.uint32],
    prefix: Offsets,
    index: Hashes,
) -> int:
    """Entries of the index: hash in the upper half, text in the lower; written where `index` has room."""
    room, entries = np.empty(_longest(starts, ends), np.uint64), 0
    for i in range(len(starts)):
        used = _grams(units, starts[i], ends[i], n, is_jaccard, counts, room)
        if is_jaccard:
            used = _as_set(room, used)
        prefix[i] = _prefix_length(used, ends[i] - starts[i], n, threshold, is_jaccard)
        for k in range(prefix[i]):
            if len(index):
                index[entries] = (room[k] << np.uint64(32)) | np.uint64(i)
            entries += 1
    return entries


@jit
def _first_at(index: Hashes, key: np.uint64) -> int:
    low, high = 0, len(index)
    while low < high:
        middle = (low + high) >> 1
        if index[middle] < key:
            low = middle + 1
        else:
            high = middle
    return low


@jit
def _pushed(out: Pairs, used: int, j: int, i: int) -> Pairs:
    if used == len(out):
        wider = np.empty((2 * len(out), 2), np.int64)
        wider[:used] = out
        out = wider
    out[used, 0], out[used, 1] = j, i
    return out


@jit
def _is_spared(met: Offsets, tree: int, i: int, again: bool) -> bool:
    """Whether a pair is left for another time: text i met a text of that tree before, or has not yet if `again`."""
    is_new = bool(met[tree] != i)
    met[tree] = i
    return is_new == again


@jit
def _joined(
    units: Units,
    starts: Offsets,
    ends: Offsets,
    sizes: Offsets,
    group: npt.NDArray[np.int64],
    n: int,
    threshold: float,
    is_jaccard: bool,
    counts: npt.NDArray[np.uint32],
    prefix: Offsets,
    index: Hashes,
    turn: int,
    turns: int,
    names: Offsets,
    before: Offsets,
    parents: Offsets,
    begin: int,
    stop: int,
    again: bool,
) -> tuple[Pairs, int, int]:
    """Pairs (j, i), j before i in the order of length; each text is met with those before it.

    The texts `begin:stop`, or as many of them as give `_AT_ONCE` pairs: where it stopped, and how many pairs were
    left out since a text of their tree was met. `again` gives those.
    """
    room, seen = np.empty(_longest(starts, ends), np.uint64), np.full(len(starts), -1, np.int64)
    met = np.full(len(parents), -1, np.int64)
    bag, out, used, spared = np.zeros(256, np.int64), np.empty((1024, 2), np.int64), 0, 0
    least = 0.0 if is_jaccard else threshold
    first = 0  # of those that are long enough for text i
    plain = np.flatnonzero(prefix < 0)  # found by no index
    for i in range(begin, stop):
        if used >= _AT_ONCE and not again:
            return out[:used], i, spared
        if i % turns != turn:
            continue
        while group[first] != group[i] or sizes[first] < threshold * sizes[i] - 1e-9:
            first += 1
        own = root_of(parents, names[i])
        n_others = i - first if prefix[i] < 0 else np.searchsorted(plain, i) - np.searchsorted(plain, first)
        start = 0 if prefix[i] < 0 else np.searchsorted(plain, first)
        for k in range(n_others):
            j = first + k if prefix[i] < 0 else int(plain[start + k])
            if root_of(parents, names[j]) == own:
                continue
            if may_be_similar(units, starts[j], ends[j], starts[i], ends[i], least, bag):
                if _is_spared(met, before[names[j]], i, again):
                    spared += 1
                    continue
                out = _pushed(out, used, j, i)
                used += 1
        if prefix[i] < 0:
            continue
        have = _grams(units, starts[i], ends[i], n, is_jaccard, counts, room)
        if is_jaccard:
            have = _as_set(room, have)
        for k in range(prefix[i]):
            key = room[k] << np.uint64(32)
            at = _first_at(index, key | np.uint64(first))
            while at < len(index) and index[at] < key | np.uint64(i):
                j = int(index[at] & np.uint64(0xFFFFFFFF))
                at += 1
                if seen[j] == i:
                    continue
                seen[j] = i
                if root_of(parents, names[j]) == own:
                    continue
                if may_be_similar(units, starts[j], ends[j], starts[i], ends[i], least, bag):
                    if _is_spared(met, before[names[j]], i, again):
                        spared += 1
                        continue
                    out = _pushed(out, used, j, i)
                    used += 1
    return out[:used], stop, spared
