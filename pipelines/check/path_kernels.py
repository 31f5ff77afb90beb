"""The loop that lays an answer's tokens along those of its evidence, compiled.

Importing this module imports numba; the first answer that is checked does so, the command does not.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pipelines.jit import jit

OPEN = 0.5
"""Cost of leaving out tokens of the evidence, whatever their number."""
STRETCH = 0.04
"""Cost of each token left out."""
OTHER, LIKE = -0.9, -0.4
"""Gain of a token beside another of its type, and of another type."""


@jit
def lay(mine: Any, my_types: Any, worth: Any, alone: Any, jump: Any, theirs: Any, their_types: Any, first: Any) -> Any:
    """For each token of the answer the token of the evidence it stands beside, -1 for none, on the best path.

    A path goes on in the evidence, leaves out some of it, or jumps anywhere; Cost: O(n · m) time, 4 n m bytes.

    Args:
        mine, theirs: [n], [m] what the tokens mean, equal numbers for equal meanings.
        my_types, their_types: [n], [m]
        worth: [n] gain where both sides agree.
        alone: [n] cost of a token that stands beside nothing.
        jump: [n] cost of going on elsewhere before a token.
        first: [m] whether a text of the evidence begins here; leaving out does not cross it.
    """
    n, m = len(mine), len(theirs)
    steps = np.empty((n, m + 1), dtype=np.int32)
    best = np.zeros(m + 1, dtype=np.float32)
    after = np.zeros(m + 1, dtype=np.float32)
    for i in range(n):
        top = 0
        for j in range(m + 1):
            if best[j] > best[top]:
                top = j
        far = best[top] - jump[i]
        skipped, skipped_from = np.float32(-1e9), 0
        for j in range(m + 1):
            after[j] = best[j] - alone[i]
            steps[i, j] = -1
            if j == 0:
                continue
            come, source = best[j - 1], j - 1
            if skipped - OPEN - STRETCH * (j - 1) > come:
                come, source = skipped - OPEN - STRETCH * (j - 1), skipped_from
            if far > come:
                come, source = far, top
            if mine[i] == theirs[j - 1]:
                come += worth[i]
            elif my_types[i] == their_types[j - 1]:
                come += LIKE
            else:
                come += OTHER
            if come > after[j]:
                after[j] = come
                steps[i, j] = source
            if first[j - 1]:
                skipped, skipped_from = np.float32(-1e9), 0
            if best[j - 1] + STRETCH * (j - 1) > skipped:
                skipped, skipped_from = best[j - 1] + STRETCH * (j - 1), j - 1
        best, after = after, best
    beside = np.full(n, -1, dtype=np.int32)
    j = 0
    for k in range(m + 1):
        if best[k] > best[j]:
            j = k
    for back in range(n):
        i = n - 1 - back
        if steps[i, j] >= 0:
            beside[i] = j - 1
            j = steps[i, j]
    return beside
