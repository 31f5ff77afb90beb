"""Which character of one text stands for which of another: the cheapest edits, found diagonal by diagonal."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from pipelines.jit import jit

Units = npt.NDArray[np.uint16]
Places = npt.NDArray[np.int32]
Flags = npt.NDArray[np.uint8]

MAX_EDITS = 256  # of one window: texts further apart are aligned window by window, in linear time
KEPT_EDITS = 192  # of a full window, the edits that are believed; the rest is found again from there
MAX_SLIDE = 32


@jit
def common(a: Units, b: Units) -> int:
    """How many code units two texts begin with alike."""
    n = min(len(a), len(b))
    at = 0
    while at < n and a[at] == b[at]:
        at += 1
    return at


@jit
def align(a: Units, b: Units, to_b: Places, to_a: Places, reach: Places) -> None:
    """`to_b[i]` is the place in b of character i of a, equal or put in its place; -1 where it was deleted. So `to_a`.

    Args:
        a: One text.
        b: The other.
        to_b: At least as long as a.
        to_a: At least as long as b.
        reach: Room for (MAX_EDITS + 1) ** 2 numbers.

    Cost: length + the square of the edits, up to MAX_EDITS; beyond that length x MAX_EDITS, and edits that are cheap
        but not always the cheapest.
    """
    to_b[: len(a)] = -1
    to_a[: len(b)] = -1
    x0 = y0 = 0
    while x0 < len(a) and y0 < len(b):
        edits, k = _reached(a[x0:], b[y0:], reach)
        cut = edits if edits < MAX_EDITS else KEPT_EDITS
        x, y = _traced(a[x0:], b[y0:], to_b, to_a, x0, y0, reach, edits, k, cut)
        if edits < MAX_EDITS:
            return
        x0 += x
        y0 += y


@jit
def _reached(a: Units, b: Units, reach: Places) -> tuple[int, int]:
    """Fills `reach` (edits, diagonal → furthest place in a); the edits and the diagonal where it ended."""
    n, m = len(a), len(b)
    for edits in range(MAX_EDITS + 1):
        row = edits * edits + edits
        for k in range(-edits, edits + 1):
            x, _ = _stepped(reach, edits, k, n, m)
            if x >= 0:
                while x < n and x - k < m and a[x] == b[x - k]:
                    x += 1
                if x == n and x - k == m:
                    reach[row + k] = x
                    return edits, k
            reach[row + k] = x
    best, furthest = 0, -1
    row = MAX_EDITS * MAX_EDITS + MAX_EDITS
    for k in range(-MAX_EDITS, MAX_EDITS + 1):
        if reach[row + k] >= 0 and 2 * reach[row + k] - k > furthest:
            best, furthest = k, 2 * reach[row + k] - k
    return MAX_EDITS, best


@jit
def _stepped(reach: Places, edits: int, k: int, n: int, m: int) -> tuple[int, int]:
    """Where edit number `edits` leads on diagonal k (-1: nowhere), and the step to k from the diagonal before.

    A character put in another's place comes first, then one left out of a, then one added.
    """
    if edits == 0:
        return 0, 0
    start, step = -1, 0
    before = (edits - 1) * (edits - 1) + edits - 1
    if -edits < k < edits and 0 <= reach[before + k] < n and reach[before + k] - k < m:
        start = reach[before + k] + 1
    if k - 1 > -edits and reach[before + k - 1] >= start and 0 <= reach[before + k - 1] < n:
        start, step = reach[before + k - 1] + 1, 1
    if k + 1 < edits and reach[before + k + 1] > start and reach[before + k + 1] - k <= m:
        start, step = reach[before + k + 1], -1
    return start, step


@jit
def _traced(
    a: Units,
    b: Units,
    to_b: Places,
    to_a: Places,
    x0: int,
    y0: int,
    reach: Places,
    edits: int,
    k: int,
    cut: int,
) -> tuple[int, int]:
    """Writes the path that ended at diagonal k with its first `cut` edits; the places where those end."""
    end_x = end_y = 0
    n, m = len(a), len(b)
    while True:
        x = reach[edits * edits + edits + k]
        if edits == cut:
            end_x, end_y = x, x - k
        start, step = _stepped(reach, edits, k, n, m)
        if edits <= cut:
            for i in range(start, x):
                to_b[x0 + i] = y0 + i - k
                to_a[y0 + i - k] = x0 + i
            if edits and step == 0:
                to_b[x0 + start - 1] = y0 + start - 1 - k
                to_a[y0 + start - 1 - k] = x0 + start - 1
        if edits == 0:
            return end_x, end_y
        edits -= 1
        k -= step


@jit
def settle_gaps(a: Units, b: Units, to_b: Places, to_a: Places, inside_a: Flags, inside_b: Flags) -> None:
    """Moves every run of characters that only a has to where it cuts the fewest words, at equal cost.

    阿莫西林、阿奇霉素 against 阿奇霉素 may have lost 阿莫西林、 or 莫西林、阿; the former is what was meant.

    Args:
        a: The text whose runs move.
        b: The other.
        to_b: As `align` left it; changed.
        to_a: As `align` left it; changed.
        inside_a: 1 at a place of a that has characters of one word before and after it.
        inside_b: The same of b.
    """
    at = 0
    while at < len(a):
        if to_b[at] >= 0:
            at += 1
            continue
        start = at
        while at < len(a) and to_b[at] < 0:
            at += 1
        end = at
        slid = 0
        while slid < MAX_SLIDE and start > 0 and to_b[start - 1] >= 0 and _slides_left(a, b, to_b, start, end):
            place = to_b[start - 1]
            start, end, slid = start - 1, end - 1, slid + 1
            to_b[start], to_b[end], to_a[place] = -1, place, end
        best, best_cuts = 0, 9
        moved = 0
        while True:
            cuts = _cuts(to_b, inside_a, inside_b, start, end, len(a))
            if cuts < best_cuts:
                best, best_cuts = moved, cuts
            if moved == MAX_SLIDE + slid or end == len(a) or to_b[end] < 0:
                break
            if a[end] != a[start] or a[end] != b[to_b[end]]:
                break
            place = to_b[end]
            to_b[start], to_b[end], to_a[place] = place, -1, start
            start, end, moved = start + 1, end + 1, moved + 1
        at = max(at, end)
        while moved > best:
            place = to_b[start - 1]
            start, end, moved = start - 1, end - 1, moved - 1
            to_b[start], to_b[end], to_a[place] = -1, place, end


@jit
def _slides_left(a: Units, b: Units, to_b: Places, start: int, end: int) -> bool:
    return a[start - 1] == a[end - 1] and a[start - 1] == b[to_b[start - 1]]  # type: ignore[no-any-return]


@jit
def _cuts(to_b: Places, inside_a: Flags, inside_b: Flags, start: int, end: int, n: int) -> int:
    """How many words the gap `start:end` cuts into."""
    found = int(inside_a[start]) + int(inside_a[end])
    if start > 0 and to_b[start - 1] >= 0:
        found += int(inside_b[to_b[start - 1] + 1])
    elif end < n and to_b[end] >= 0:
        found += int(inside_b[to_b[end]])
    return found


@jit
def find_hunks(a: Units, b: Units, to_b: Places, low: Places, high: Places, shrunk: Flags) -> None:
    """`low[i]:high[i]` is what stands in b for character i of a: its equal, or all of the hunk that i was changed in.

    Which of two changed neighbours became which is for no alignment to say, so they share what stands there.

    Args:
        a: One text.
        b: The other.
        to_b: As `align` left it.
        low: Room as long as a.
        high: The same.
        shrunk: 1 where the hunk of a character is shorter in b; room as long as a.
    """
    at = place = 0
    while at < len(a):
        if to_b[at] >= 0 and a[at] == b[to_b[at]]:
            low[at], high[at], shrunk[at] = to_b[at], to_b[at] + 1, 0
            at, place = at + 1, to_b[at] + 1
            continue
        start = at
        while at < len(a) and not (to_b[at] >= 0 and a[at] == b[to_b[at]]):
            at += 1
        end = to_b[at] if at < len(a) else len(b)
        low[start:at] = place
        high[start:at] = end
        shrunk[start:at] = end - place < at - start
        place = end
