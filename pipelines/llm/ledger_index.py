"""Which call lies where in the ledger: 28 bytes a call, however many there are."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

_NEW: Final = 50_000
"""Calls that wait in a dict before they join the sorted arrays."""


class LedgerIndex:
    """Key → (offset, length) of its line; of several lines with one key the one added last."""

    def __init__(self) -> None:
        self._new: dict[bytes, tuple[int, int]] = {}
        self._highs: Any = np.empty(0, np.uint64)
        self._lows: Any = np.empty(0, np.uint64)
        self._offsets: Any = np.empty(0, np.int64)
        self._lengths: Any = np.empty(0, np.uint32)

    def __len__(self) -> int:
        return len(self._highs) + sum(self._find_settled(key) < 0 for key in self._new)

    def add(self, key: bytes, offset: int, length: int) -> None:
        """A line; it takes the place of an earlier one with that key."""
        self._new[key] = (offset, length)
        if len(self._new) >= _NEW:
            self.settle()

    def find(self, key: bytes) -> tuple[int, int] | None:
        """Where the line of a key is."""
        if (place := self._new.get(key)) is not None:
            return place
        at = self._find_settled(key)
        return None if at < 0 else (int(self._offsets[at]), int(self._lengths[at]))

    def _find_settled(self, key: bytes) -> int:
        high = np.uint64(int.from_bytes(key[:8], "big"))
        low = np.uint64(int.from_bytes(key[8:], "big"))
        at = int(self._highs.searchsorted(high))
        while at < len(self._highs) and self._highs[at] == high:
            if self._lows[at] == low:
                return at
            at += 1
        return -1

    def settle(self) -> None:
        """Moves what waits in the dict into the arrays."""
        if not self._new:
            return
        halves = np.frombuffer(b"".join(self._new), ">u8").reshape(-1, 2).astype(np.uint64)
        places = list(self._new.values())
        highs = np.concatenate([self._highs, halves[:, 0]])
        lows = np.concatenate([self._lows, halves[:, 1]])
        offsets = np.concatenate([self._offsets, np.array([p[0] for p in places], np.int64)])
        lengths = np.concatenate([self._lengths, np.array([p[1] for p in places], np.uint32)])
        self._new = {}
        order = np.lexsort((offsets, lows, highs))
        highs, lows = highs[order], lows[order]
        last = np.ones(len(highs), bool)  # of equal keys the one furthest on in the file
        last[:-1] = (highs[1:] != highs[:-1]) | (lows[1:] != lows[:-1])
        self._highs, self._lows = highs[last], lows[last]
        self._offsets, self._lengths = offsets[order][last], lengths[order][last]

    def latest(self, n: int) -> list[tuple[int, int]]:
        """Places of the `n` lines furthest on in the file, in its order."""
        self.settle()
        chosen = np.sort(np.argpartition(self._offsets, -n)[-n:]) if n < len(self._offsets) else slice(None)
        places = zip(self._offsets[chosen].tolist(), self._lengths[chosen].tolist(), strict=True)
        return sorted(places)
