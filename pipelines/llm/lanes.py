"""The URLs of an endpoint, side by side, and the calls that wait for a place on one of them."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Any

from pipelines.llm.concurrency import RAMP_S, Limit
from pipelines.llm.connection import Address
from pipelines.llm.outage import Breaker
from pipelines.llm.wire import TeacherStopped


class Halt:
    """What stopped the backend, for all calls that wait for anything: they learn of it at once.

    Every call raises an exception of its own, since a shared one would gather a traceback a call.
    """

    def __init__(self) -> None:
        self._kind: type[TeacherStopped] | None = None
        self._text = ""
        self._waiting: set[asyncio.Future[Any]] = set()

    def stop(self, kind: type[TeacherStopped], text: str) -> None:
        """Nothing more is sent; the first reason stays."""
        if self._kind is None:
            self._kind, self._text = kind, text
        for future in list(self._waiting):
            if not future.done():
                future.set_exception(self._kind(self._text))

    def check(self) -> None:
        """Raises what stopped the backend, if anything did."""
        if self._kind is not None:
            raise self._kind(self._text)

    def future(self) -> asyncio.Future[Any]:
        """One to wait on, which a stop ends."""
        made: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting.add(made)
        made.add_done_callback(self._waiting.discard)
        return made

    async def sleep(self, seconds: float) -> None:
        """A pause that a stop ends."""
        self.check()
        future = self.future()
        timer = asyncio.get_running_loop().call_later(seconds, _set, future)
        try:
            await future
        finally:
            timer.cancel()


def _set(future: asyncio.Future[Any]) -> None:
    if not future.done():
        future.set_result(None)


@dataclass(eq=False)
class Lane:
    """One URL: how many calls it takes, whether it answers, and what happened there.

    Attributes:
        paused_until: The server asked to be left alone until then, by the loop's clock.
        failures: Kind → attempts that ended so.
    """

    address: Address
    limit: Limit
    breaker: Breaker
    paused_until: float = 0.0
    n_attempts: int = 0
    n_successes: int = 0
    failures: Counter[str] = field(default_factory=Counter)

    def free(self, now: float) -> bool:
        """Whether a call may be sent now."""
        if now < self.paused_until:
            return False
        if self.breaker.open:
            return not self.breaker.probing and now >= self.breaker.probe_at
        return self.limit.room

    def free_at(self, now: float) -> float | None:
        """When waiting alone may make it free; None where a call has to end first."""
        if self.breaker.open:
            return None if self.breaker.probing else max(self.breaker.probe_at, self.paused_until)
        if self.limit.room:
            return self.paused_until
        return now + RAMP_S if self.limit.ramping else None

    def take(self) -> bool:
        """Takes a place; returns whether the call is a probe."""
        self.limit.take()
        self.breaker.probing = self.breaker.open
        return self.breaker.open


Place = tuple[Lane, bool]
"""A lane that a call may use, and whether it is a probe of an outage there."""


class Rotation:
    """Gives each call a place on the lane that has the least to do; calls that were tried before come first."""

    def __init__(self, lanes: list[Lane], halt: Halt) -> None:
        self.lanes, self._halt = lanes, halt
        self._again: deque[asyncio.Future[Place]] = deque()
        self._new: deque[asyncio.Future[Place]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._loop = asyncio.get_running_loop()

    async def place(self, again: bool) -> Place:
        """A place, when there is one. It is given back with `release`."""
        if not self._again and not (self._new and not again):
            lane = self._best(self._loop.time())
            if lane is not None:
                return lane, lane.take()
        future: asyncio.Future[Place] = self._halt.future()
        (self._again if again else self._new).append(future)
        self._set_timer()
        try:
            return await future
        except asyncio.CancelledError:
            if future.done() and not future.cancelled() and future.exception() is None:
                self.release(*future.result())  # it was given in the same moment
            raise

    def release(self, lane: Lane, probe: bool) -> None:
        """The call has ended."""
        lane.limit.give_back()
        if probe:
            lane.breaker.probing = False

    def go_on(self) -> None:
        """Gives what is free to those who wait."""
        now = self._loop.time()
        while queue := self._again or self._new:
            if queue[0].done():
                queue.popleft()
                continue
            lane = self._best(now)
            if lane is None:
                break
            queue.popleft().set_result((lane, lane.take()))
        self._set_timer()

    def _best(self, now: float) -> Lane | None:
        if len(self.lanes) == 1:
            return self.lanes[0] if self.lanes[0].free(now) else None
        free = [lane for lane in self.lanes if lane.free(now)]
        # a probe is worth sending even where other lanes have room, or a lane would never come back
        return min(
            free, key=lambda lane: (not lane.breaker.open, lane.limit.in_flight / lane.limit.value), default=None
        )

    def _set_timer(self) -> None:
        """Looks again when waiting alone may have made a place."""
        if not self._again and not self._new:
            return
        now = self._loop.time()
        times = [at for lane in self.lanes if (at := lane.free_at(now)) is not None]
        if not times:
            return
        at = max(min(times), now)
        if self._timer is not None:
            if self._timer.when() <= at:
                return
            self._timer.cancel()
        self._timer = self._loop.call_at(at, self._look)

    def _look(self) -> None:
        self._timer = None
        for lane in self.lanes:
            if lane.limit.ramping and not lane.limit.room and not lane.breaker.open:
                lane.limit.grow()
        self.go_on()

    def close(self) -> None:
        """No timer is left."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
