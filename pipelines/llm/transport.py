"""Calls sent live: each ends exactly once, in a completion, a failure, or what stops the run.

LiveBackend     what a call goes through, attempt by attempt       this module
lanes           the endpoint's URLs, and who waits for which
concurrency     how many calls at a time each of them takes
outage          when one answers nothing
pace            the account's requests and tokens per minute
attempt         one HTTP request, over aiohttp
connection      address, headers, proxy, from the SDK's configuration
failures        what an answer means; replies: what a completion holds; waits: how long to wait
redaction       keys taken out of what comes back
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import orjson

from pipelines.llm.attempt import Outcome, Wire, sent_headers
from pipelines.llm.concurrency import Limit
from pipelines.llm.connection import addresses
from pipelines.llm.failures import FINAL, STOP, Fault
from pipelines.llm.lanes import Halt, Lane, Rotation
from pipelines.llm.open_files import connections_allowed
from pipelines.llm.outage import Breaker
from pipelines.llm.pace import MINUTE_S, Pace, Permit
from pipelines.llm.redaction import Redaction
from pipelines.llm.settings import Endpoint
from pipelines.llm.waits import backoff_s
from pipelines.llm.wire import Completion, EndpointDown, EndpointRefused, Interrupted, Meter, Request, TeacherStopped

_UNCERTAIN: Final = Completion(0, "connection")
_MIN_LONGEST_PAUSE_S: Final = 60.0


@dataclass(frozen=True)
class Timing:
    """Times of waiting, in seconds; tests take shorter ones.

    Attributes:
        first_backoff_s, longest_backoff_s: Between the attempts of one call.
        first_probe_s: Before a silent server is asked again for the first time.
        unheard_s: How long a server is waited for that nobody has reached in this run: a wrong address, as a rule.
        minute_s: What the limits per minute count as one.
    """

    first_backoff_s: float = 0.5
    longest_backoff_s: float = 30.0
    first_probe_s: float = 0.5
    unheard_s: float = 30.0
    minute_s: float = MINUTE_S


class LiveBackend:
    """Sends the calls of one role over HTTP; a `wire.Backend`.

    Nothing is connected, imported or looked up before the first call, so that a run without calls needs no key.

    Args:
        role: For messages.
        endpoint: Where to, and how fast.
        meter: Told about every attempt.
        timing: Times of waiting.
    """

    def __init__(self, role: str, endpoint: Endpoint, meter: Meter, timing: Timing = Timing()) -> None:
        self.role, self.endpoint, self._meter, self._timing = role, endpoint, meter, timing
        self._opening: asyncio.Task[None] | None = None
        self._wire: Wire | None = None
        self._pace: Pace | None = None
        self._deadline: asyncio.TimerHandle | None = None
        self._redaction = Redaction(())
        self._headers: dict[Lane, Mapping[str, str]] = {}

    def __repr__(self) -> str:
        return f"LiveBackend({self.role!r}, {self.endpoint.model!r})"

    async def complete(self, request: Request) -> Completion:
        """The completion, or the failure that every retry ended in.

        Raises:
            EndpointRefused: the endpoint will have none of our calls.
            EndpointDown: it answered nothing for `max_outage_s`.
            BudgetReached: the meter says so.
        """
        if self._wire is None:
            await self._open()
        self._halt.check()
        try:
            body = _encoded(request.body)
        except (TypeError, ValueError) as error:
            return Completion(0, "bad_request", n_attempts=0, detail=f"The request cannot be written as JSON: {error}.")
        n_attempts = n_counted = 0
        while True:
            lane, probe = await self._rotation.place(again=n_attempts > 0)
            outcome = await self._attempt(lane, probe, request, body)
            if outcome is None:
                continue  # the lane was closed while the call waited for its turn
            n_attempts += 1
            if outcome.completion is not None:
                return replace(outcome.completion, n_attempts=n_attempts) if n_attempts > 1 else outcome.completion
            n_counted += not probe  # who asks for all the others does not use up its own tries
            assert outcome.fault is not None
            if outcome.fault.then == FINAL or n_counted >= self.endpoint.max_attempts:
                return self._failure(outcome, n_attempts)
            self._halt.check()
            crowded_out = outcome.fault.failure == "rate_limited" and n_counted == 1 and lane.limit.in_flight > 0
            if not probe and not crowded_out:  # that one's turn comes as soon as a place is free
                await self._halt.sleep(
                    backoff_s(n_counted, self._timing.first_backoff_s, self._timing.longest_backoff_s)
                )

    def stop(self, words: str) -> None:
        """See `wire.Backend`."""
        if self._wire is not None:
            self._halt.stop(Interrupted, words)

    async def close(self) -> None:
        """Gives connections back; what waits is told, what is in flight is abandoned."""
        if self._opening is not None and not self._opening.done():
            self._opening.cancel()
            await asyncio.wait([self._opening])
        if self._wire is None:
            return
        self._halt.stop(TeacherStopped, f"llm.{self.role}: closed while calls were waiting; run the same again.")
        self._rotation.close()
        if self._pace is not None:
            self._pace.close()
        if self._deadline is not None:
            self._deadline.cancel()
        await self._wire.close()

    def describe(self) -> dict[str, Any]:
        """What it did and found out: for each URL attempts, successes, failures by kind, and calls in flight."""
        lanes = self._rotation.lanes if self._wire is not None else []
        note = self._note(lanes)
        return {
            **({"note": note} if note else {}),
            "role": self.role,
            "model": self.endpoint.model,
            "mode": "live",
            "urls": [
                {
                    "url": lane.address.shown,
                    "n_attempts": lane.n_attempts,
                    "n_successes": lane.n_successes,
                    "failures": dict(sorted(lane.failures.items())),
                    "in_flight_limit": lane.limit.value,
                    "peak_in_flight": lane.limit.peak,
                    "n_outages": lane.breaker.n_outages,
                }
                for lane in lanes
            ],
        }

    def _note(self, lanes: Sequence[Lane]) -> str:
        """What a person who watches should know: who answers nothing, or has asked for a pause."""
        notes = []
        now = self._loop.time() if lanes else 0.0
        for lane in lanes:
            url = self._redaction.detail(lane.address.shown)
            if lane.breaker.open:
                silent_s = now - (lane.breaker.since or now)
                notes.append(f"{url} has answered nothing for {silent_s:.0f} s ({lane.breaker.words[:80]})")
            elif lane.paused_until > now + 1:
                notes.append(f"{url} asks to wait {lane.paused_until - now:.0f} s")
        return "; ".join(notes)

    # opening

    async def _open(self) -> None:
        """Once, whoever comes first; the others wait for it, and for its exception too."""
        if self._opening is None:
            self._opening = asyncio.ensure_future(self._connect())
        try:
            await asyncio.shield(self._opening)
        except EndpointRefused as refused:
            raise EndpointRefused(str(refused)) from None

    async def _connect(self) -> None:
        found = await addresses(self.role, self.endpoint)
        ends = self.endpoint
        self._redaction = Redaction(secret for address in found for secret in address.secrets)
        self._halt = Halt()
        most = max(1, connections_allowed(ends.max_in_flight * len(found)) // len(found))
        lanes = [Lane(address, Limit(most, ends.timeout_s), Breaker(self._timing.first_probe_s)) for address in found]
        self._headers = {lane: sent_headers(lane.address) for lane in lanes}
        self._rotation = Rotation(lanes, self._halt)
        if ends.requests_per_minute or ends.tokens_per_minute:
            self._pace = Pace(
                ends.requests_per_minute, ends.tokens_per_minute, self._halt.future, self._timing.minute_s
            )
        self._loop = asyncio.get_running_loop()
        self._wire = Wire(ends.timeout_s, self._redaction)

    # one attempt

    async def _attempt(self, lane: Lane, probe: bool, request: Request, body: bytes) -> Outcome | None:
        """Money, pace, the request, and what is learnt from it. None where nothing was sent after all."""
        try:
            amount = await self._meter.reserved(request)
        except BaseException:
            self._release(lane, probe)
            raise
        billed: Completion | None = None
        permit = None
        outcome = None
        try:
            if self._pace is not None:
                permit = await self._parked(self._pace, lane, request)
            if not probe and (lane.breaker.open or self._loop.time() < lane.paused_until):
                return None
            self._halt.check()
            assert self._wire is not None
            ticket = lane.limit.sent(self._loop.time())
            billed = _UNCERTAIN  # from here on, until we know better
            outcome = await self._wire.send(lane.address, self._headers[lane], body)
            billed = outcome.billed
        finally:
            self._meter.settle(request, amount, billed)
            if permit is not None and self._pace is not None:
                self._pace.settle(permit, request, billed)
            if outcome is None:
                self._release(lane, probe)
        self._learn(lane, probe, request, outcome, ticket)
        return outcome

    async def _parked(self, pace: Pace, lane: Lane, request: Request) -> Permit:
        """Waits for the account's turn, beside the few that may wait with a place of their own."""
        lane.limit.parked += 1
        try:
            return await pace.permit(request)
        finally:
            lane.limit.parked -= 1
            self._rotation.go_on()

    def _release(self, lane: Lane, probe: bool) -> None:
        self._rotation.release(lane, probe)
        self._rotation.go_on()

    def _learn(self, lane: Lane, probe: bool, request: Request, outcome: Outcome, ticket: int) -> None:
        """Tells the lane what happened, and whoever waits for a place there."""
        now = self._loop.time()
        lane.n_attempts += 1
        fault = outcome.fault
        if fault is None or fault.then == FINAL:
            # an answer, whatever it says: the server is there and takes calls
            lane.limit.succeeded(ticket, now, outcome.latency_s)
            self._rotation.release(lane, probe)
            if fault is None:
                lane.n_successes += 1
            else:
                lane.failures[fault.failure] += 1
            if lane.breaker.succeeded():
                lane.limit.restart()
        else:
            lane.failures[fault.failure] += 1
            self._rotation.release(lane, probe)
            if fault.then == STOP:
                self._refuse(lane, outcome.status, fault)
            self._suffer(lane, probe, request, outcome, ticket, now)
        self._rotation.go_on()

    def _suffer(self, lane: Lane, probe: bool, request: Request, outcome: Outcome, ticket: int, now: float) -> None:
        """A transient failure: fewer calls, a pause, or an outage."""
        fault, limit, breaker = outcome.fault, lane.limit, lane.breaker
        assert fault is not None
        if outcome.wait_s is not None:
            longest = max(_MIN_LONGEST_PAUSE_S, self.endpoint.max_outage_s)
            lane.paused_until = max(lane.paused_until, now + min(outcome.wait_s, longest))
        if fault.failure == "rate_limited":
            limit.refused(ticket)
        elif fault.failure == "timeout":
            limit.timed_out(ticket)
        elif fault.congested:
            limit.overloaded(ticket)
        if fault.failure == "rate_limited" and limit.in_flight > limit.parked and not probe:
            return  # it works on the others
        words = self._redaction.detail(f"{outcome.status or fault.failure}: {fault.words}")
        breaker.failed(request.key, now, words, idle=limit.in_flight == limit.parked)
        if probe:
            breaker.probe_failed(now)
        if breaker.open:
            self._check_outage(now, asked=True)

    # what stops the run

    def _refuse(self, lane: Lane, status: int, fault: Fault) -> None:
        """Ends the run: the key, the account, the model's name or the address is wrong."""
        words = self._redaction.detail(fault.words)
        said = f"({status}: {words})" if status else f"({words})"
        env, url = self.endpoint.api_key_env, self._redaction.detail(lane.address.shown)
        text = {
            "key": f"{url} refuses the key in {env} {said}. Put a valid one into {env}",
            "money": f"{url} has no credit left for the account {said}. Top it up",
            "model": f"{url} has no model `{self.endpoint.model}`, or nothing at this address {said}. "
            "Correct `model:` or `base_url:`",
            "address": f"{url} cannot be used {said}. Correct `base_url:`, or the proxy in the environment",
        }[fault.failure]
        if fault.failure == "key" and not lane.address.secrets:
            text = f"{url} asks for a key, and {env} is not set {said}. Set it, or name another with `api_key_env:`"
        self._halt.stop(EndpointRefused, f"llm.{self.role}: {text}, and run the same again; what was bought is kept.")

    def _check_outage(self, now: float, asked: bool = False) -> None:
        """Ends the run where no URL has answered anything for too long.

        Args:
            asked: Somebody has just asked and got nothing; else a server may still have a pause that it asked for.
        """
        lanes = self._rotation.lanes
        if not all(lane.breaker.open and lane.breaker.since is not None for lane in lanes):
            return
        since = max(lane.breaker.since or now for lane in lanes)
        until = since + self._patience_s(lanes)
        if not asked:
            until = max(until, *(lane.paused_until + 1.0 for lane in lanes if lane.paused_until > until), until)
        if now >= until:
            self._halt.stop(EndpointDown, self._outage(now - since))
        elif self._deadline is None or self._deadline.when() < now:
            self._deadline = self._loop.call_at(until, self._look_at_outage)

    def _patience_s(self, lanes: Sequence[Lane]) -> float:
        """How long an outage may last."""
        longest = self.endpoint.max_outage_s
        return min(self._timing.unheard_s, longest) if _unheard(lanes) else longest

    def _look_at_outage(self) -> None:
        self._deadline = None
        self._check_outage(self._loop.time() + 1e-3)

    def _outage(self, seconds: float) -> str:
        lanes = self._rotation.lanes
        where = ", ".join(self._redaction.detail(lane.address.shown) for lane in lanes)
        mend = "correct `base_url:`" if _unheard(lanes) else "raise `max_outage_s:`"
        return (
            f"llm.{self.role}: {where} answered nothing for {seconds:.3g} s (last: {lanes[-1].breaker.words}). "
            f"See whether the server runs, or {mend}, and run the same again; what was bought is kept."
        )

    def _failure(self, outcome: Outcome, n_attempts: int) -> Completion:
        assert outcome.fault is not None
        billed = outcome.billed
        return Completion(
            status=outcome.status,
            failure=outcome.fault.failure,
            input_tokens=billed.input_tokens if billed else -1,
            output_tokens=billed.output_tokens if billed else -1,
            n_attempts=n_attempts,
            latency_s=outcome.latency_s,
            detail=self._redaction.detail(outcome.fault.words),
        )


def _unheard(lanes: Sequence[Lane]) -> bool:
    """Whether nobody was ever there: no answer of any kind, at any of the addresses."""
    return all(not lane.n_successes and {*lane.failures} <= {"connection"} for lane in lanes)


def _encoded(body: Mapping[str, Any]) -> bytes:
    """JSON in UTF-8. Numbers beyond 64 bits take the slow way; half a surrogate pair is an error."""
    try:
        return orjson.dumps(body)
    except orjson.JSONEncodeError:
        return json.dumps(body, ensure_ascii=False, allow_nan=False).encode()
