"""How many calls at a time a server takes: found by asking, and followed as it changes.

It begins with many, in a ramp of milliseconds, since a server without a limit should be full within its first round
trip. What happens then decides:

    refusals (429, 503)     the calls still in flight are those that the server took: that is its limit. It is probed
                            again by one more call after a quiet round trip, then after two, four … so that a limit
                            that stays costs next to nothing; when probes succeed they grow.
    timeouts                half as many, once for all calls that were sent before.
    latency at twice its    a trial with fewer. Where the throughput stays, the calls had only been waiting in line
    best or more            (vLLM does not refuse, it queues), and the next trial goes on from there; where it falls,
                            back, and the next trial waits longer.

A round trip is from sending a call to the first completion of that call or of a later one.
"""

from __future__ import annotations

from typing import Final

_START: Final = 32
RAMP_S: Final = 0.004
"""While nothing is refused the ramp doubles this often."""
_MAX_PATIENCE: Final = 32
_GROUP: Final = 8
_INFLATED: Final = 2.0
_KEPT_THROUGHPUT: Final = 0.92
_TRIAL: Final = 0.7
_INFLATED_ROUNDS: Final = 2
_MAX_PARKED: Final = 8
_FORGOTTEN: Final = 5e-4
"""A second: what was once quick need not stay so."""
_BAD_SHARE: Final = 0.2
"""Below this share of 503 and timeouts they are accidents, not congestion."""


class Limit:
    """The number of calls that may be in flight to one URL.

    Attributes:
        value: The limit, at least 1.
        in_flight: Calls that were started and have not ended.
        parked: Of those, calls that have a place and wait for the account's pace; the server knows nothing of them.
        peak: The most in flight so far.
    """

    def __init__(self, most: int, timeout_s: float) -> None:
        self.most, self.timeout_s = most, timeout_s
        self.value = min(_START, most)
        self.in_flight = self.peak = self.parked = 0
        self.ramping = self.value < most
        self._ticket = self._event = 0
        self._patience = self._quiet = 0
        self._step = 1
        self._bad = 0.0
        self._slow = self._probed = False
        self._best_latency = 0.0
        self._group_sum, self._group_n = 0.0, 0
        self._trial: tuple[float, int] | None = None
        self._trial_patience = self._trial_wait = self._inflated_rounds = 0
        self._new_round()

    def _new_round(self) -> None:
        self._marker = 0
        self._began = self._latency_sum = 0.0
        self._n_done = 0
        self._full = self._refused = False

    @property
    def room(self) -> bool:
        """Whether one more may be started."""
        return self.in_flight < self.value and self.parked < _MAX_PARKED

    @property
    def load(self) -> float:
        """Calls in flight as a share of the limit."""
        return self.in_flight / self.value

    def grow(self) -> None:
        """The next step of the ramp."""
        self.value = min(self.most, self.value * 2)
        self.ramping = self.value < self.most

    def restart(self) -> None:
        """As at the beginning, after an outage; one by one where the calls had run into timeouts."""
        if not self._slow:
            self.value = max(min(_START, self.most), self.in_flight)
        self.ramping = self.value < self.most and not self._slow
        self._slow = False
        self._patience = self._quiet = 0
        self._probed, self._step, self._bad, self._trial = False, 1, 0.0, None
        self._new_round()

    def take(self) -> None:
        """Takes a place, for a call that will be started."""
        self.in_flight += 1
        if self.in_flight >= self.value:
            self._full = True

    def give_back(self) -> None:
        """The call that had a place has ended, one way or another."""
        self.in_flight -= 1

    def sent(self, now: float) -> int:
        """A call goes out; returns its ticket."""
        self._ticket += 1
        if not self._marker:
            self._marker, self._began = self._ticket, now
        if self.in_flight - self.parked > self.peak:
            self.peak = self.in_flight - self.parked
        return self._ticket

    def succeeded(self, ticket: int, now: float, latency_s: float) -> None:
        """A call was answered; its place is not yet given back."""
        self._bad *= 15 / 16
        self._n_done += 1
        self._latency_sum += latency_s
        self._group_sum += latency_s
        self._group_n += 1
        if self._group_n == _GROUP:
            mean = self._group_sum / _GROUP
            if not self._best_latency or mean < self._best_latency:
                self._best_latency = mean
            self._group_sum, self._group_n = 0.0, 0
        if latency_s > self.timeout_s / 2:
            self._keep_from_timeouts(now, latency_s)
        if ticket >= self._marker > 0:
            self._end_round(now)

    def refused(self, ticket: int) -> None:
        """The server said that it has too much to do; the call's place was given back."""
        self._bad += (1 - self._bad) / 16
        self.value = max(1, min(self.value, self.in_flight - self.parked))
        self._congestion(ticket)

    def overloaded(self, ticket: int) -> None:
        """A 503 or the like, which may be an accident; the call's place was given back."""
        self._bad += (1 - self._bad) / 16
        if self._bad > _BAD_SHARE:
            self.value = max(1, min(self.value, self.in_flight - self.parked))
            self._congestion(ticket)

    def timed_out(self, ticket: int) -> None:
        """No answer in time; the call's place was given back."""
        self._bad += (1 - self._bad) / 16
        self._slow = True
        if self._bad > _BAD_SHARE and ticket > self._event:
            self.value = max(1, self.value // 2)
            self._congestion(ticket)

    def _congestion(self, ticket: int) -> None:
        """Calls that were sent before this moment tell nothing new; one event for all of them."""
        self.ramping, self._trial = False, None
        self._refused, self._probed, self._step, self._quiet = True, False, 1, 0
        if ticket > self._event:
            self._event = self._ticket
            self._patience = min(_MAX_PATIENCE, max(1, 2 * self._patience))

    def _keep_from_timeouts(self, now: float, latency_s: float) -> None:
        """Fewer, where calls wait in line for half of the time that they have (Little's law gives the number)."""
        elapsed = now - self._began
        if self._n_done < _GROUP or elapsed <= 0 or latency_s < _INFLATED * self._best_latency:
            return
        fitting = int(self._n_done / elapsed * self.timeout_s / 2)
        if fitting < self.value:
            self.value, self.ramping, self._trial = max(1, fitting), False, None

    def _end_round(self, now: float) -> None:
        elapsed, refused, full = now - self._began, self._refused, self._full
        throughput = self._n_done / elapsed if elapsed > 0 else 0.0
        latency = self._latency_sum / self._n_done
        self._new_round()
        if refused or not full or not throughput:
            return
        self._slow = False
        self._best_latency *= 1 + _FORGOTTEN * elapsed
        if self._trial is not None:
            self._judge_trial(throughput)
            return
        inflation = latency / self._best_latency if self._best_latency > 0 else 1.0
        self._inflated_rounds = self._inflated_rounds + 1 if inflation > _INFLATED else 0
        self._trial_wait = max(0, self._trial_wait - 1)
        tried = self._inflated_rounds >= (1 if inflation > 2 * _INFLATED else _INFLATED_ROUNDS)
        if tried and not self._trial_wait and self.value > 1:
            self._trial = (throughput, self.value)
            self.value = max(1, int(self.value * (0.5 if inflation > 2 * _INFLATED else _TRIAL)))
            self.ramping = False
        elif inflation <= _INFLATED and self.value < self.most and not self.ramping:
            self._probe()

    def _judge_trial(self, throughput: float) -> None:
        assert self._trial is not None
        before, value = self._trial
        self._trial = None
        if throughput < _KEPT_THROUGHPUT * before:
            self.value = value
            self._trial_patience = min(2 * _MAX_PATIENCE, max(4, 2 * self._trial_patience))
            self._trial_wait = self._trial_patience
        else:
            self._trial_patience = 0

    def _probe(self) -> None:
        """One more after a quiet time; twice as many more, and at once, each time that goes well."""
        if self._probed:
            self._patience, self._step = 0, min(2 * self._step, max(1, self.value // 2))
        self._quiet += 1
        if self._quiet >= self._patience:
            self._quiet, self._probed = 0, True
            self.value = min(self.most, self.value + self._step)
