"""Requests and tokens per minute: no window of a minute holds more, wherever it begins, and nobody is overtaken.

Two rules together. The sum of what was sent within the last minute never exceeds the limit, which alone would send a
minute's worth at once and then stand still. And sends are spread evenly, but for what a second or so may catch up.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any, Final

from pipelines.llm.wire import Completion, Request

MINUTE_S: Final = 60.0
_AIM: Final = 0.98
"""Of the limit: a call may reach the server later, or sooner, than it was sent."""
_CATCH_UP: Final = 0.015
"""Of a minute: so much may be sent at once. With `_AIM` it stays below the limit."""


class Window:
    """Amounts that were sent, and when the next one may be.

    Args:
        limit: The most within any `span_s`.
    """

    def __init__(self, limit: float, span_s: float = MINUTE_S) -> None:
        self.limit, self.span_s = limit, span_s
        self._rate = _AIM * limit / span_s
        self._log: deque[list[float]] = deque()
        self._total = 0.0
        self._next = float("-inf")

    def wait_s(self, amount: float, now: float) -> float:
        """How long until an amount may be sent, in seconds; 0 for at once. One beyond the limit goes alone."""
        while self._log and self._log[0][0] <= now - self.span_s:
            self._total -= self._log.popleft()[1]
        if self._log and self._total + amount > self.limit:
            return max(self._log[0][0] + self.span_s - now, 1e-3)
        return max(0.0, self._next - now)

    def send(self, amount: float, now: float) -> list[float]:
        """Books an amount; returns the entry, for `correct`."""
        self._next = max(self._next, now - _CATCH_UP * self.span_s) + amount / self._rate
        entry = [now, amount]
        self._log.append(entry)
        self._total += amount
        return entry

    def correct(self, entry: list[float], amount: float) -> None:
        """What was sent came out as another amount."""
        change = amount - entry[1]
        if self._log and entry[0] >= self._log[0][0]:
            self._total += change
        entry[1] = amount
        self._next += change / self._rate


class Expectation:
    """How many tokens a call takes: its upper bounds, times what past calls made of theirs."""

    def __init__(self) -> None:
        self._input, self._output, self._n = 1.0, 1.0, 0

    def tokens(self, request: Request) -> float:
        return max(1.0, request.max_input_tokens * self._input + request.max_output_tokens * self._output)

    def learn(self, request: Request, completion: Completion) -> None:
        self._n += 1
        weight = max(1 / self._n, 0.02)
        if completion.input_tokens >= 0 and request.max_input_tokens > 0:
            self._input += weight * (completion.input_tokens / request.max_input_tokens - self._input)
        if completion.output_tokens >= 0 and request.max_output_tokens > 0:
            self._output += weight * (completion.output_tokens / request.max_output_tokens - self._output)


class Permit:
    """A call that went out, for when its true size is known."""

    __slots__ = ("tokens", "window")

    def __init__(self, window: Window | None, tokens: list[float] | None) -> None:
        self.window, self.tokens = window, tokens


class Pace:
    """The limits of one account.

    Args:
        requests: Per minute, None for no limit.
        tokens: Per minute, likewise.
        future: Makes the futures that calls wait on, so that a stop of the run can reach them.
    """

    def __init__(
        self,
        requests: int | None,
        tokens: int | None,
        future: Callable[[], asyncio.Future[Any]],
        minute_s: float = MINUTE_S,
    ) -> None:
        self._requests = Window(requests, minute_s) if requests else None
        self._tokens = Window(tokens, minute_s) if tokens else None
        self._expected = Expectation()
        self._future = future
        self._waiting: deque[tuple[asyncio.Future[Permit], Request]] = deque()
        self._timer: asyncio.TimerHandle | None = None

    async def permit(self, request: Request) -> Permit:
        """Returns when a call may go out; in the order of asking."""
        loop = asyncio.get_running_loop()
        if self._waiting or self._wait_s(request, loop.time()) > 0:
            turn: asyncio.Future[Permit] = self._future()
            self._waiting.append((turn, request))
            self._schedule(loop)
            return await turn
        return self._book(request, loop.time())

    def settle(self, permit: Permit, request: Request, completion: Completion | None) -> None:
        """What the call took: its usage; nothing where it was refused; as expected where nobody knows."""
        if permit.window is None or permit.tokens is None:
            return
        if completion is None:
            permit.window.correct(permit.tokens, 0.0)
        elif completion.input_tokens >= 0 and completion.output_tokens >= 0:
            permit.window.correct(permit.tokens, float(completion.input_tokens + completion.output_tokens))
            self._expected.learn(request, completion)

    def _wait_s(self, request: Request, now: float) -> float:
        wait = self._requests.wait_s(1, now) if self._requests else 0.0
        return max(wait, self._tokens.wait_s(self._expected.tokens(request), now)) if self._tokens else wait

    def _book(self, request: Request, now: float) -> Permit:
        if self._requests:
            self._requests.send(1, now)
        if not self._tokens:
            return Permit(None, None)
        return Permit(self._tokens, self._tokens.send(self._expected.tokens(request), now))

    def _schedule(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._timer is None and self._waiting:
            wait = self._wait_s(self._waiting[0][1], loop.time())
            self._timer = loop.call_later(wait, self._let_go, loop)

    def _let_go(self, loop: asyncio.AbstractEventLoop) -> None:
        """Those whose time has come go, in order."""
        self._timer = None
        while self._waiting:
            turn, request = self._waiting[0]
            if not turn.done():
                if self._wait_s(request, loop.time()) > 0:
                    break
                turn.set_result(self._book(request, loop.time()))
            self._waiting.popleft()
        self._schedule(loop)

    def close(self) -> None:
        """No timer is left."""
        if self._timer is not None:
            self._timer.cancel()
