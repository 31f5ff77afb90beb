"""The scan itself, compiled."""

from __future__ import annotations

from typing import Any

import numpy as np

from pipelines.jit import jit
from pipelines.overlap_kernels import _BASE, _POWER, GRAM, mixed, prefix_distance

_STEPS, _STEPS_A_LETTER = 100_000_000, 200
"""Steps of comparison that a row may cost: some tenths of a second, and as much again for each 500,000 letters."""
_SEVEN, _THREE, _ONE = np.uint64(7), np.uint64(3), np.uint8(1)


@jit
def aligned(
    codes: Any, low: int, high: int, at: int, own: Any, start: int, end: int, place: int, limit: int, work: Any
) -> Any:
    """How a piece stands in a row around a seed that both have.

    Args:
        codes: Letters of the rows.
        low: Where the row begins.
        high: Where it ends.
        at: Where the seed stands in it.
        own: Letters of the texts.
        start: Where the piece begins.
        end: Where it ends.
        place: Where the seed stands in it.
        limit: The most edits.
        work: Two lines of at least `2 * limit + 1`.

    Returns:
        The edits (more than `limit`: it does not stand there), where it begins and where it ends in the row, and
        the steps that this took.
    """
    # Equal letters beside the seed cost nothing and never make an alignment worse.
    left = right = 0
    while place - left > start and at - left > low and own[place - left - 1] == codes[at - left - 1]:
        left += 1
    while place + right < end and at + right < high and own[place + right] == codes[at + right]:
        right += 1
    before, after = place - left - start, end - place - right
    room_before, room_after = at - left - low, high - at - right
    if max(0, before - room_before) + max(0, after - room_after) > limit:
        return limit + 1, 0, 0, 0
    edits, n_left, n_steps = prefix_distance(
        own, place - left - 1, before, codes, at - left - 1, room_before, -1, limit, work
    )
    if edits > limit:
        return limit + 1, 0, 0, n_steps
    more, n_right, n_more = prefix_distance(
        own, place + right, after, codes, at + right, room_after, 1, limit - edits, work
    )
    return edits + more, at - left - n_left, at + right + n_right, n_steps + n_more


@jit
def run_around(codes: Any, low: int, high: int, at: int, own: Any, start: int, end: int, place: int) -> Any:
    """Where the run of equal letters around a place begins and ends in the row."""
    left = right = 0
    while place - left > start and at - left > low and own[place - left - 1] == codes[at - left - 1]:
        left += 1
    while place + right < end and at + right < high and own[place + right] == codes[at + right]:
        right += 1
    return at - left, at + right


@jit
def noted(found: Any, n: int, slot: Any, row: int, text: int, how: int, n_same: int, start: int, end: int) -> Any:
    """Writes a match, or betters the row's match with that text; the table may have grown."""
    at = slot[text]
    if at >= 0 and at < n and found[at, 0] == row and found[at, 1] == text:
        if (found[at, 2], found[at, 3]) >= (how, n_same):
            return n, found
    else:
        if n == len(found):
            grown = np.empty((2 * n, 6), np.int64)
            grown[:n] = found
            found = grown
        at = n
        slot[text] = n
        n += 1
    found[at, 0], found[at, 1], found[at, 2], found[at, 3], found[at, 4], found[at, 5] = (
        row, text, how, n_same, start, end,
    )  # fmt: skip
    return n, found


@jit
def added(covered: Any, row: int, text: int, n_letters: int, n_same: int, start: int, end: int) -> Any:
    """What the pieces of a text that stand in a row have together: letters, equal letters, where from, where to."""
    at = covered[text]
    if at[0] != row:
        at[0], at[1], at[2], at[3], at[4] = row, 0, 0, start, end
    at[1] += n_letters
    at[2] += n_same
    at[3], at[4] = min(at[3], start), max(at[4], end)
    return at[1], at[2], at[3], at[4]


@jit
def scan(
    codes: Any, row_starts: Any, row_ends: Any, limits: Any,
    own: Any, text_starts: Any, ranks: Any, piece_starts: Any, piece_texts: Any, piece_edits: Any,
    seed_hashes: Any, seed_places: Any, seed_pieces: Any, buckets: Any, shift: Any, bitmap: Any, map_shift: Any,
    run_letters: int, all_of_rank: int,
) -> Any:  # fmt: skip
    """Every match of every row; see `overlap_search.FOUND` for its columns. The table's rows beyond `n` are void.

    Seeds on one diagonal within one run of equal letters lead to the same alignment, so only the first is followed;
    and a piece that stands in a row once is not aligned there again. What the pieces of a text cover is added up. A
    row of endless repetition is given up after `_STEPS` and `_STEPS_A_LETTER`, with what was found by then.
    """
    n, found = 0, np.empty((64, 6), np.int64)
    slot = np.full(len(ranks), -1, np.int64)
    last_diagonal = np.full(len(piece_edits), -1, np.int64)
    last_end = np.full(len(piece_edits), -1, np.int64)
    done = np.full(len(piece_edits), -1, np.int64)
    covered = np.full((len(ranks), 5), -1, np.int64)
    widest = 0
    for piece in range(len(piece_edits)):
        widest = max(widest, piece_edits[piece])
    work = np.empty((2, 2 * widest + 1), np.int64)
    for row in range(len(row_starts)):
        low, high, limit = row_starts[row], row_ends[row], limits[row]
        if limit == 0 or high - low < GRAM:
            continue
        value = np.uint64(0)
        budget = _STEPS + _STEPS_A_LETTER * (high - low)
        for i in range(low, high):
            value = value * _BASE + np.uint64(codes[i])
            if i - low >= GRAM:
                value -= np.uint64(codes[i - GRAM]) * _POWER
            if i - low < GRAM - 1:
                continue
            gram = mixed(value)
            bit = gram >> map_shift
            if not (bitmap[bit >> _THREE] >> np.uint8(bit & _SEVEN)) & _ONE:
                continue
            at, bucket = i - GRAM + 1, gram >> shift
            for seed in range(buckets[bucket], buckets[bucket + np.uint64(1)]):
                if seed_hashes[seed] != gram:
                    continue
                piece, place = seed_pieces[seed], seed_places[seed]
                text = piece_texts[piece]
                # `at` counts through all rows, so a run of an earlier row has ended before it.
                diagonal = at - place + len(own)
                if ranks[text] >= limit or (last_diagonal[piece] == diagonal and at < last_end[piece]):
                    continue
                if budget < 0:
                    continue
                first, last = run_around(codes, low, high, at, own, text_starts[text], text_starts[text + 1], place)
                budget -= last - first
                if last - first < GRAM:
                    continue  # another n-gram of the same hash
                last_diagonal[piece], last_end[piece] = diagonal, last
                n_letters, n_row = text_starts[text + 1] - text_starts[text], high - low
                start, end, edits = piece_starts[piece], piece_starts[piece + 1], piece_edits[piece]
                least = min(n_letters, n_row) if ranks[text] >= all_of_rank else 0
                if done[piece] != row and place + GRAM <= end:
                    used, begins, ends, n_steps = aligned(codes, low, high, at, own, start, end, place, edits, work)
                    budget -= n_steps
                    if used <= edits:
                        done[piece] = row
                        n_there, n_same, begins, ends = added(
                            covered, row, text, end - start, end - start - used, begins, ends
                        )
                        if 2 * n_same >= least:
                            how = 1 if n_there == n_letters else 0
                            n, found = noted(found, n, slot, row, text, how, n_same, begins - low, ends - low)
                if last - first >= run_letters and 2 * (last - first) >= least:
                    n, found = noted(found, n, slot, row, text, 0, last - first, first - low, last - low)
    return n, found
