"""A server that answers nothing: calls are held back, one at a time asks again, and after a while the run ends."""

from __future__ import annotations

import random
from typing import Final

_FIRST_PROBE_S: Final = 0.5
_LAST_PROBE_S: Final = 15.0
_IN_A_ROW: Final = 10
_IN_A_ROW_WHEN_IDLE: Final = 5
_CALLS: Final = 3
"""Failures of so many different calls: one poisoned request alone is not an outage."""


class Breaker:
    """Open while one URL answers nothing but errors.

    Attributes:
        open: Calls are held; now and then one of them probes.
        since: When the first failure after the last success was, None where there was none.
        words: What the last failure was.
        n_outages: How often it opened.
    """

    def __init__(self, probe_s: float = _FIRST_PROBE_S) -> None:
        self._first_probe_s = probe_s
        self.open = self.probing = False
        self.since: float | None = None
        self.words = ""
        self.probe_at = 0.0
        self.n_outages = 0
        self._wait_s = probe_s
        self._in_a_row = 0
        self._calls: set[str] = set()

    def failed(self, key: str, now: float, words: str, idle: bool) -> None:
        """A call got an error, or nothing.

        Args:
            key: Of the call.
            words: For a person.
            idle: Nothing else is in flight there, so that no success is on its way.
        """
        self.since = now if self.since is None else self.since
        self.words = words
        if self.open:
            return
        self._in_a_row += 1
        if len(self._calls) < _CALLS:
            self._calls.add(key)
        if self._in_a_row >= (_IN_A_ROW_WHEN_IDLE if idle else _IN_A_ROW) and len(self._calls) >= _CALLS:
            self.open = True
            self.n_outages += 1
            self._wait_s = self._first_probe_s
            self.probe_at = now + self._wait_s

    def probe_failed(self, now: float) -> None:
        """The one that asked got nothing: the next one waits longer."""
        self._wait_s = min(2 * self._wait_s, max(_LAST_PROBE_S, self._first_probe_s))
        self.probe_at = now + self._wait_s * random.uniform(0.8, 1.0)

    def succeeded(self) -> bool:
        """A call was answered; returns whether that ends an outage."""
        ended, self.open, self.since, self._in_a_row = self.open, False, None, 0
        if self._calls:
            self._calls.clear()
        return ended
