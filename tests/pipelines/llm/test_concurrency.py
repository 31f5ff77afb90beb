"""The limit of calls in flight, against servers that are simulated: no clock but theirs."""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field

import pytest

from pipelines.llm.concurrency import RAMP_S, Limit


@dataclass
class World:
    """A server with a limit or a queue, and a client that always has another call.

    Attributes:
        allowed: Calls beyond them are refused, after 1 ms.
        workers: So many at a time; the others wait.
    """

    limit: Limit
    latency_s: float = 0.2
    allowed: int | None = None
    workers: int | None = None
    now: float = 0.0
    n_done: int = 0
    n_refused: int = 0
    values: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._events: list[tuple[float, int, str, float, int]] = []
        self._number = self._held = 0
        self._free_at: list[float] = []

    def run(self, seconds: float) -> float:
        """Completions per second over a stretch of time."""
        until, before, began = self.now + seconds, self.n_done, self.now
        while self.now < until:
            while self.limit.room:
                self._send()
            if self.limit.ramping:
                self._at(RAMP_S, "ramp", 0)
            at, _, what, sent, ticket = heapq.heappop(self._events)
            self.now = at
            if what == "ramp":
                if self.limit.ramping and not self.limit.room:
                    self.limit.grow()
            elif what == "done":
                self._held -= 1
                self.n_done += 1
                self.limit.succeeded(ticket, at, at - sent)
                self.limit.give_back()
            else:
                self.n_refused += 1
                self.limit.give_back()
                self.limit.refused(ticket)
            self.values.append(self.limit.value)
        return (self.n_done - before) / (self.now - began)

    def _at(self, delay_s: float, what: str, ticket: int) -> None:
        self._number += 1
        heapq.heappush(self._events, (self.now + delay_s, self._number, what, self.now, ticket))

    def _send(self) -> None:
        self.limit.take()
        ticket = self.limit.sent(self.now)
        if self.allowed is not None and self._held >= self.allowed:
            self._at(0.001, "refused", ticket)
            return
        self._held += 1
        wait = 0.0
        if self.workers is not None:
            if len(self._free_at) >= self.workers:
                wait = max(0.0, heapq.heappop(self._free_at) - self.now)
            heapq.heappush(self._free_at, self.now + wait + self.latency_s)
        self._at(wait + self.latency_s + self._number % 7 * 1e-4, "done", ticket)


def test_a_server_without_a_limit_is_full_before_it_answers_for_the_first_time() -> None:
    world = World(Limit(1_024, 120))
    world.run(0.15)
    assert world.limit.peak == 1_024


@pytest.mark.parametrize("allowed", [1, 3, 50, 200])
def test_the_limit_of_a_server_is_found_and_kept(allowed: int) -> None:
    world = World(Limit(256, 120), allowed=allowed)
    world.run(1.0)
    refused, rate = world.n_refused, world.run(60)
    assert rate > 0.95 * allowed / 0.2
    assert world.n_refused - refused < 40  # of up to 60,000 calls


def test_a_limit_that_moves_is_followed_both_ways() -> None:
    world = World(Limit(256, 120), allowed=100)
    world.run(5)
    world.allowed = 20
    world.run(5)
    assert world.run(20) > 0.9 * 20 / 0.2
    world.allowed = 150
    world.run(40)
    assert world.run(20) > 0.9 * 150 / 0.2


def test_a_queue_is_not_fed_without_end_and_loses_no_throughput() -> None:
    world = World(Limit(256, 120), workers=8)
    world.run(60)
    assert world.run(60) > 0.9 * 8 / 0.2
    assert world.limit.value < 48


def test_a_server_whose_latency_grows_with_its_throughput_keeps_its_calls() -> None:
    """As continuous batching does: fewer calls would be quicker, and get less done."""
    world = World(Limit(64, 120))
    rates = []
    for _ in range(40):
        world.latency_s = 0.2 + 0.01 * world.limit.in_flight
        rates.append(world.run(2.0))
    assert max(world.values[-1_000:]) == 64
    assert sum(rates[20:]) / 20 > 0.85 * 64 / (0.2 + 0.64)


def test_one_event_of_timeouts_is_one_decrease() -> None:
    limit = Limit(64, 1.0)
    tickets = []
    for _ in range(32):
        limit.take()
        tickets.append(limit.sent(0.0))
    for ticket in tickets:
        limit.give_back()
        limit.timed_out(ticket)
    assert limit.value == 16


def test_a_few_accidents_are_no_congestion() -> None:
    limit = Limit(32, 1.0)
    for n in range(2_000):
        limit.take()
        ticket = limit.sent(n * 0.1)
        if n % 20 == 0:
            limit.give_back()
            limit.overloaded(ticket)
        else:
            limit.succeeded(ticket, n * 0.1 + 0.05, 0.05)
            limit.give_back()
    assert limit.value == 32
