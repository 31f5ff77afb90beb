"""A batch on its way: each step on disk before and after it is taken, so that the next run can go on from any of them.

planned, uploading, uploaded   nothing was bought: dropped by the next run
creating                       the answer is not here: looked for, by file and by name, before anything is sent
created, finished              watched on
fetched                        its results lie here until somebody asks for them
done, dropped                  over
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeVar

from pipelines.llm.batch_files import BatchLog, BatchResults, BatchState
from pipelines.llm.batch_remote import BatchRemote, Gone, RemoteBatch, Unreached
from pipelines.llm.wire import EndpointDown, EndpointRefused

T = TypeVar("T")
log: Final = logging.getLogger("pedcorpus.llm")


@dataclass(frozen=True)
class BatchPace:
    """How patiently.

    Attributes:
        quiet_s: No new request for so long, and what is gathered goes out.
        held_s: As long as that where a batch of ours is out, whose results will bring more to ask.
        first_poll_s, last_poll_s, growth: From the first wait between two looks at a batch to the longest.
        lookups: Waits, in seconds, before each look for a batch whose creation got no answer.
    """

    quiet_s: float = 2.0
    held_s: float = 30.0
    first_poll_s: float = 5.0
    last_poll_s: float = 60.0
    growth: float = 1.5
    lookups: tuple[float, ...] = (0.0, 5.0, 10.0)


@dataclass(eq=False)
class Watched:
    """A batch and its requests.

    Attributes:
        ours: This run sent it.
        seen: How the endpoint last told of it.
        results: Once they are here.
        taken: Keys whose results somebody has.
    """

    state: BatchState
    keys: list[str]
    ours: bool
    seen: RemoteBatch | None = None
    results: BatchResults | None = None
    taken: set[str] = field(default_factory=set)
    task: asyncio.Task[None] | None = None


class BatchWatch:
    """Takes batches from one step to the next."""

    def __init__(self, log_: BatchLog, remote: BatchRemote, pace: BatchPace, max_outage_s: float, where: str) -> None:
        self._log, self._remote, self._pace = log_, remote, pace
        self._max_outage_s, self._where = max_outage_s, where

    async def earlier(self) -> list[Watched]:
        """The batches of earlier runs that were bought and whose results nobody has yet."""
        found = []
        for state in await asyncio.to_thread(self._log.load):
            if state.step == "creating":
                made = await self._found(state)
                if made is not None:
                    self._log.step(state, "created", batch_id=made.id, created_at=made.created_at)
            if not state.batch_id:
                await self._drop(state)
                continue
            watched = Watched(state, await asyncio.to_thread(self._log.keys, state.name), ours=False)
            if state.step == "fetched":
                await self._read(watched)
            found.append(watched)
        return found

    async def _drop(self, state: BatchState) -> None:
        """A batch that was never created is no more; its uploaded file goes, where that can be done."""
        if state.file_id:
            try:
                await self._remote.forget(state.file_id)
            except (Gone, Unreached, EndpointRefused) as error:
                log.info("%s stays at %s: %s", state.file_id, self._remote.host, error)
        self._log.step(state, "dropped")
        self._log.remove_files(state.name)

    async def follow(self, watched: Watched) -> None:
        """From the input file on disk to the results on disk.

        Raises:
            TeacherStopped: the endpoint refuses, or cannot be reached for too long.
        """
        state = watched.state
        if not state.batch_id:
            await self._create(watched)
        if state.step == "created":
            await self._over(watched)
        if state.step == "finished":
            await self._fetch(state)
        await self._read(watched)

    async def _create(self, watched: Watched) -> None:
        state = watched.state
        self._log.step(state, "uploading")
        path = self._log.requests(state.name)
        file_id = await self._reached(lambda: self._remote.upload(path, state.name))
        self._log.step(state, "uploaded", file_id=file_id)
        self._log.step(state, "creating")
        watched.seen = made = await self._reached(lambda: self._made(state))
        self._log.step(state, "created", batch_id=made.id, created_at=made.created_at)

    async def _made(self, state: BatchState) -> RemoteBatch:
        """Creates a batch; where no answer comes, looks whether it is there before anything is tried again."""
        try:
            return await self._remote.create(state.file_id, state.name)
        except Unreached as error:
            found = await self._found(state) if error.sent else None
            if found is None:
                raise
            return found

    async def _found(self, state: BatchState) -> RemoteBatch | None:
        for wait_s in self._pace.lookups:
            await asyncio.sleep(wait_s)
            found = await self._reached(lambda: self._remote.find(state.file_id, state.name))
            if found is not None:
                return found
        return None

    async def _over(self, watched: Watched) -> None:
        """Returns when the endpoint is done with a batch, or knows it no longer."""
        state, wait_s = watched.state, self._pace.first_poll_s
        while True:
            try:
                watched.seen = seen = await self._reached(lambda: self._remote.look(state.batch_id))
            except Gone:
                log.warning("Batch %s is gone from %s; what it held is asked again.", state.batch_id, self._remote.host)
                self._log.step(state, "fetched", status="gone")
                return
            if seen.over:
                self._log.step(
                    state,
                    "finished",
                    status=seen.status,
                    output_file_id=seen.output_file_id,
                    error_file_id=seen.error_file_id,
                    problems=[list(problem) for problem in seen.problems[:1_000]],
                )
                return
            await asyncio.sleep(wait_s)
            wait_s = min(self._pace.last_poll_s, wait_s * self._pace.growth)

    async def _fetch(self, state: BatchState) -> None:
        """The files of results are on disk, as far as the endpoint still has them."""
        ids = (state.output_file_id, state.error_file_id)
        for file_id, path in zip(ids, self._log.results(state.name), strict=True):
            if not file_id or path.exists():
                continue
            download = _Download(self._remote, file_id)
            try:
                await self._reached(lambda to=path, download=download: download.to(to))  # type: ignore[misc]
            except Gone:
                log.warning("Results %s of batch %s are gone from %s.", file_id, state.batch_id, self._remote.host)
        self._log.step(state, "fetched")

    async def _read(self, watched: Watched) -> None:
        watched.results = await asyncio.to_thread(BatchResults, self._log.results(watched.state.name))

    async def _reached(self, step: Callable[[], Awaitable[T]]) -> T:
        """Takes a step, again and again where the endpoint cannot be reached, for as long as it may be out.

        Raises:
            EndpointDown: that was too long.
        """
        began, wait_s = time.monotonic(), min(1.0, self._pace.first_poll_s)
        while True:
            try:
                return await step()
            except Unreached as error:
                if time.monotonic() - began >= self._max_outage_s:
                    raise EndpointDown(
                        f"{self._where} does not answer for {self._max_outage_s:g} s ({error}). "
                        "Batches that were sent go on there; run the same again to take their results."
                    ) from None
                await asyncio.sleep(max(wait_s, error.retry_after_s))
                wait_s = min(self._pace.last_poll_s, wait_s * 2)


@dataclass(frozen=True)
class _Download:
    remote: BatchRemote
    file_id: str

    async def to(self, path: Path) -> None:
        await self.remote.download(self.file_id, path)
