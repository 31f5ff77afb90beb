"""The Batch API as a backend: many requests in one file, half the price, an answer within a day.

Jobs ask one request at a time and know nothing of files. What they ask is gathered until it goes quiet, sent as a
file, watched (`batch_watch`), and handed back by key. A request that an earlier run sent is never sent again: it waits
for its batch, or finds its result on disk.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from pipelines.llm.batch_files import BatchLog, request_line, terms_of
from pipelines.llm.batch_remote import BatchRemote
from pipelines.llm.batch_results import AGAIN, BatchResult, Refusal, refusal_of, result_of
from pipelines.llm.batch_watch import BatchPace, BatchWatch, Watched
from pipelines.llm.settings import Endpoint
from pipelines.llm.wire import BudgetReached, Completion, EndpointRefused, Interrupted, Meter, Request, TeacherStopped
from schemas.fingerprints import fingerprint

log: Final = logging.getLogger("pedcorpus.llm")


@dataclass(eq=False)
class _Waiting:
    """A request that somebody waits for; `amount` is set aside for it."""

    request: Request
    n_bytes: int
    answer: asyncio.Future[Completion]
    n_askers: int = 0
    n_attempts: int = 0
    queued: bool = True
    amount: float | None = None


class BatchBackend:
    """Implements `wire.Backend` by batches of one role's endpoint.

    Args:
        role: Whose endpoint.
        endpoint: With `mode: batch`; of several URLs the first is used.
        meter: Told of each request before its file is created, and of each result.
        folder: Of the ledger; one run at a time.
        pace: For tests.
    """

    def __init__(
        self, role: str, endpoint: Endpoint, meter: Meter, folder: Path, *, pace: BatchPace | None = None
    ) -> None:
        self._role, self._endpoint, self._meter, self._pace = role, endpoint, meter, pace or BatchPace()
        url = endpoint.base_url[0] if endpoint.base_url else ""
        self._terms = terms_of(url)
        if endpoint.api_version:
            self._terms = replace(self._terms, url="/chat/completions")
        self._log = BatchLog(folder, fingerprint([role, url, endpoint.model, endpoint.api_version])[:12])
        self._remote = BatchRemote(endpoint, role, self._terms)
        self._watch = BatchWatch(
            self._log, self._remote, self._pace, endpoint.max_outage_s, f"llm.{role}: {self._remote.host}"
        )
        self._asked: dict[str, _Waiting] = {}
        self._queue: list[_Waiting] = []
        self._queue_bytes = 0
        self._out: dict[str, Watched] = {}
        """Key → the batch that it is in, on its way."""
        self._here: dict[str, Watched] = {}
        """Key → the batch whose results are here."""
        self._settled: set[str] = set()
        self._changed = asyncio.Event()
        self._runner: asyncio.Task[None] | None = None
        self._took_up = False
        self._over_budget: BudgetReached | None = None
        self._stopped: Exception | None = None
        self._counts: Counter[str] = Counter()
        self._failures: Counter[str] = Counter()

    async def complete(self, request: Request) -> Completion:
        """The request's completion, once its batch is over."""
        if self._stopped is not None:
            raise self._stopped
        if self._runner is None:
            self._runner = asyncio.create_task(self._run())
        waiting = self._asked.get(request.key)
        if waiting is None:
            n_bytes = len(request_line(request, self._terms.url))
            if n_bytes > self._terms.line_bytes:
                said = f"{n_bytes:,} bytes, where a line of a batch may have {self._terms.line_bytes:,}"
                return Completion(0, "bad_request", n_attempts=0, detail=said)
            waiting = _Waiting(request, n_bytes, asyncio.get_running_loop().create_future(), queued=False)
            self._asked[request.key] = waiting
            if not (self._took_up and self._known(waiting)):
                self._enqueue(waiting)
        return await self._answered(waiting)

    async def _answered(self, waiting: _Waiting) -> Completion:
        waiting.n_askers += 1
        key = waiting.request.key
        try:
            completion = await asyncio.shield(waiting.answer)
        finally:
            waiting.n_askers -= 1
            if not waiting.n_askers and self._asked.get(key) is waiting:
                del self._asked[key]
                waiting.answer.cancel()
        if key in self._here:
            self._here[key].taken.add(key)
        return completion

    def _enqueue(self, waiting: _Waiting) -> None:
        if not waiting.queued:
            waiting.queued = True
            self._queue.append(waiting)
            self._queue_bytes += waiting.n_bytes
        self._changed.set()

    # ---- gathering and sending

    async def _run(self) -> None:
        """Takes up earlier batches, then gathers and sends until it is closed."""
        try:
            for watched in await self._watch.earlier():
                self._counts["from_earlier_runs"] += 1
                if watched.results is None:
                    self._start(watched)
                else:
                    self._here.update(dict.fromkeys(watched.keys, watched))
            self._took_up = True
            self._unqueue([w for w in self._queue if self._known(w)])
            while True:
                await self._gathered()
                await self._send()
        except Exception as error:
            self._stop(error)

    async def _gathered(self) -> None:
        """Returns when a file is full, or when nothing new came for a moment; a longer one while others are out."""
        while not self._full():
            self._changed.clear()
            if not self._queue:
                await self._changed.wait()
                continue
            busy = any(watched.ours for watched in self._out.values())
            try:
                await asyncio.wait_for(self._changed.wait(), self._pace.held_s if busy else self._pace.quiet_s)
            except TimeoutError:
                return

    def _full(self) -> bool:
        return len(self._queue) >= self._terms.requests or self._queue_bytes >= self._terms.file_bytes

    async def _send(self) -> None:
        """A file of what was gathered is on its way, as much as there is room and money for."""
        self._unqueue([w for w in self._queue if w.answer.done()])
        chosen = self._chosen()
        self._unqueue(chosen)
        if not chosen:
            if self._queue and not self._out:
                self._refuse_the_rest()
            elif self._queue:
                await self._something_settled()
            return
        keys = [w.request.key for w in chosen]
        name = f"pedcorpus-{fingerprint([self._log.endpoint, self._log.n_known, keys])[:16]}"
        lines = (request_line(w.request, self._terms.url) for w in chosen)
        state = await asyncio.to_thread(self._log.plan, name, lines)
        for waiting in chosen:
            waiting.n_attempts += 1
        self._counts["batches"] += 1
        self._counts["requests"] += len(chosen)
        self._start(Watched(state, keys, ours=True))

    def _chosen(self) -> list[_Waiting]:
        """What goes into the next file, its money set aside."""
        n_bytes = 0
        for i, waiting in enumerate(self._queue):
            n_bytes += waiting.n_bytes
            too_much = i >= self._terms.requests or n_bytes > self._terms.file_bytes
            if too_much or not self._set_aside(waiting):
                return self._queue[:i]
        return list(self._queue)

    def _unqueue(self, those: Sequence[_Waiting]) -> None:
        for waiting in those:
            waiting.queued = False
        self._queue = [w for w in self._queue if w.queued]
        self._queue_bytes = sum(w.n_bytes for w in self._queue)

    def _set_aside(self, waiting: _Waiting) -> bool:
        """Whether the money for a request is there."""
        if waiting.amount is None:
            try:
                waiting.amount = self._meter.reserve(waiting.request)
            except BudgetReached as error:
                self._over_budget = error
                return False
        return True

    def _refuse_the_rest(self) -> None:
        """Nothing is out that could give anything back: those who wait are told."""
        rest = list(self._queue)
        self._unqueue(rest)
        for waiting in rest:
            self._fail(waiting, self._over_budget or BudgetReached("The budget is reached."))

    async def _something_settled(self) -> None:
        """Returns when a batch has given back what it did not need."""
        n_out = len(self._out)
        while len(self._out) >= n_out and self._out:
            self._changed.clear()
            await self._changed.wait()

    def _start(self, watched: Watched) -> None:
        self._out.update(dict.fromkeys(watched.keys, watched))
        watched.task = asyncio.create_task(self._follow(watched))

    # ---- answering

    def _known(self, waiting: _Waiting) -> bool:
        """Whether a request needs no sending: its result is here, or its batch is on its way."""
        key = waiting.request.key
        here = self._here.get(key)
        if here is not None:
            result = self._result(here, key)
            if result.completion.failure in AGAIN or result.stop:
                del self._here[key]
                return False
            if key not in self._settled:
                self._counts["results_from_earlier"] += not here.ours
                self._bought_before(waiting)
            self._answer(waiting, result)
            return True
        if key in self._out:
            waiting.n_attempts += 1
            self._bought_before(waiting)
            return True
        return False

    def _bought_before(self, waiting: _Waiting) -> None:
        """Sets its money aside; what an earlier run has bought is taken even where more than that is not left."""
        if not self._set_aside(waiting):
            waiting.amount = 0.0

    async def _follow(self, watched: Watched) -> None:
        """A batch from its file to everybody's answers."""
        try:
            await self._watch.follow(watched)
            await self._hand_out(watched)
        except Exception as error:
            self._stop(error)

    async def _hand_out(self, watched: Watched) -> None:
        """Everybody who waits for a request of this batch has an answer, or is in the queue again."""
        refusal = refusal_of(watched.state, watched.keys, self._remote.redaction)
        if watched.state.status == "failed":
            self._counts["refused_files"] += 1
            if not refusal.lines and not refusal.later:
                raise EndpointRefused(self._file_refused(refusal))
            if refusal.later:
                await asyncio.sleep(self._pace.last_poll_s)
        self._here.update(dict.fromkeys(watched.keys, watched))
        for key in watched.keys:
            if self._out.get(key) is watched:
                del self._out[key]
            waiting = self._asked.get(key)
            if waiting is not None and not waiting.answer.done():
                self._take(waiting, watched, refusal)
        self._changed.set()

    def _take(self, waiting: _Waiting, watched: Watched, refusal: Refusal) -> None:
        key = waiting.request.key
        result = self._result(watched, key)
        if key in refusal.lines:
            result = BatchResult(Completion(400, "bad_request", detail=refusal.lines[key]))
        elif refusal.later:
            result = BatchResult(Completion(429, "rate_limited", detail=refusal.sentence))
        elif refusal.lines:  # no fault of its own, and the lines that are go out: this ends
            waiting.n_attempts -= 1
        if result.stop:
            raise EndpointRefused(
                f"llm.{self._role}: {self._remote.host} refused requests of batch {watched.state.batch_id} for the "
                f"{result.stop} ({result.completion.detail}). Check the key, the account and `model:`."
            )
        again = result.completion.failure in AGAIN and watched.state.status != "cancelled"
        if again and waiting.n_attempts < self._endpoint.max_attempts:
            self._counts["asked_again"] += 1
            self._here.pop(key, None)
            self._settle(waiting, result)
            self._enqueue(waiting)
        else:
            self._answer(waiting, result)

    def _result(self, watched: Watched, key: str) -> BatchResult:
        assert watched.results is not None
        return result_of(watched.results.get(key), watched.state, self._remote.redaction)

    def _answer(self, waiting: _Waiting, result: BatchResult) -> None:
        self._settle(waiting, result)
        completion = replace(result.completion, n_attempts=max(1, waiting.n_attempts))
        self._counts["answered"] += 1
        if completion.failure:
            self._failures[completion.failure] += 1
        waiting.answer.set_result(completion)

    def _settle(self, waiting: _Waiting, result: BatchResult) -> None:
        if waiting.amount is not None:
            self._meter.settle(waiting.request, waiting.amount, result.completion if result.billed else None)
            waiting.amount = None
            if result.billed and not result.completion.failure:
                self._settled.add(waiting.request.key)

    def _file_refused(self, refusal: Refusal) -> str:
        where = f"llm.{self._role}: {self._remote.host}"
        return f"{where} refused the batch's file ({refusal.sentence}). Mend that, or use `mode: live`."

    # ---- the end

    def _fail(self, waiting: _Waiting, error: Exception) -> None:
        if waiting.amount is not None:
            self._meter.settle(waiting.request, waiting.amount, None)
            waiting.amount = None
        if not waiting.answer.done():
            waiting.answer.set_exception(error)
            waiting.answer.exception()  # looked at: nobody who stopped waiting leaves a warning behind

    def _stop(self, error: Exception) -> None:
        """Everybody who waits, and whoever asks later, gets the error; batches go on at the endpoint."""
        self._stopped = self._stopped or error
        sent = {key for key, watched in self._out.items() if watched.state.batch_id}
        for key, waiting in list(self._asked.items()):
            if key in sent:
                waiting.amount = None  # it is spent there, or will be
            self._fail(waiting, error)
        for task in self._tasks():
            if task is not asyncio.current_task():
                task.cancel()

    def _tasks(self) -> list[asyncio.Task[None]]:
        followers = {w.task for w in self._out.values() if w.task is not None}
        return [*followers, *([self._runner] if self._runner is not None else [])]

    def stop(self, words: str) -> None:
        """See `wire.Backend`; batches go on at the endpoint."""
        self._stop(Interrupted(words))

    async def close(self) -> None:
        """Gives connections back. Batches go on at the endpoint, and the next run takes their results."""
        tasks = self._tasks()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._remote.close()
        self._runner = None
        self._stopped = self._stopped or TeacherStopped(f"llm.{self._role}: the batches' backend is closed.")
        for watched in {id(w): w for w in self._here.values()}.values():
            if watched.taken.issuperset(watched.keys):
                self._log.step(watched.state, "done")
                self._log.remove_files(watched.state.name)
        if self._going_on():
            log.warning("%s", self._going_on())

    def _going_on(self) -> str:
        """A sentence on batches that nobody waits for any more; empty where there are none."""
        ids = sorted({w.state.batch_id for w in self._out.values() if w.state.batch_id})
        if not ids or self._runner is not None:
            return ""
        named = ", ".join(ids[:5]) + (", …" if len(ids) > 5 else "")
        return (
            f"llm.{self._role}: {len(ids)} batch{'es' * (len(ids) > 1)} ({named}) at {self._remote.host} "
            "will be answered, and paid for, without us. Run the same again to take the results."
        )

    def describe(self) -> dict[str, Any]:
        """For the report: batches, requests, what is out and since when, failures."""
        out = {w.state.name: w for w in self._out.values()}.values()
        waiting_for = [
            {
                "batch": w.state.batch_id,
                "status": w.seen.status if w.seen is not None else w.state.step,
                "requests": len(w.keys),
                "completed": w.seen.n_completed if w.seen is not None else 0,
                "since": _iso(w.state.created_at),
            }
            for w in out
        ]
        found = {"mode": "batch", **self._counts, "failures": dict(sorted(self._failures.items())), "out": waiting_for}
        return {**found, "note": note} if (note := self._going_on()) else found


def _iso(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat() if 0 < seconds < 1 << 33 else ""
