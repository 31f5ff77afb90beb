"""Runs the jobs of a stage over shards: thousands side by side in one process, which is the only one that asks.

Workers of an engine never ask: limits, budget and ledger are one for a run. A shard whose jobs are all done is
written at once, and stays in the workspace; of the others the ledger has the replies.
"""

from __future__ import annotations

import asyncio
import gc
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

import orjson
import polars as pl

from pipelines.llm.exchange import Ask, Reply
from pipelines.llm.interrupts import gentle_interrupt
from pipelines.llm.stage import AskStage, Drop, Job, Outcome, Row
from pipelines.llm.wire import Interrupted
from pipelines.tasks import MAX_OUTPUT_ROWS, read_shard, stage_fingerprint, write_shard
from pipelines.workspace import Count, Result, Shard, finished, run_task
from schemas.fingerprints import fingerprint
from schemas.records import QUESTION, frame_of

FAILED: Final = "failed"
_MADE_BETWEEN_COLLECTIONS: Final = 50_000
"""Objects; Python's own 700 has the collector run hundreds of times a second over what thousands of jobs hold."""


class Asker(Protocol):
    """What jobs are run against: `pipelines.llm.client.LlmClient`, or a stand-in."""

    async def ask(self, ask: Ask) -> Reply: ...

    def stop(self) -> int: ...

    def status(self) -> str: ...

    def report(self) -> dict[str, Any]: ...


class Watcher(Protocol):
    """Is told how far the jobs are."""

    def advance(self, n: int = 1) -> None: ...

    def note(self, text: str) -> None: ...

    def say(self, text: str) -> None: ...


@dataclass(frozen=True)
class AskTask:
    """The jobs of a stage for some shards: one, or all that hold a partition's whole groups."""

    root: str
    stage: AskStage
    kind: str
    shards: tuple[Shard, ...]

    @property
    def key(self) -> str:
        return fingerprint(["ask", stage_fingerprint(self.stage), self.kind, [s.key for s in self.shards]])

    @property
    def n_rows(self) -> int:
        """Rows to look at."""
        return sum(s.n_rows for s in self.shards)

    def groups(self) -> list[tuple[list[Row], bool]]:
        """Rows that belong together, and whether there is a job for them; in an order that only the rows decide."""
        frame = pl.concat([read_shard(s) for s in self.shards])
        asked = set(self.stage.asked_of(self.kind, frame)["record_id"])
        column = self.stage.group_by(self.kind)
        if column is None:
            return [([row], row["record_id"] in asked) for row in frame.iter_rows(named=True)]
        groups: dict[str, list[Row]] = {}
        for row in frame.sort("record_id").iter_rows(named=True):
            if row["record_id"] in asked:
                groups.setdefault(row[column] or "", []).append(row)
        return [(groups[name], True) for name in sorted(groups)]


@dataclass
class _Sheet:
    """A task on its way: outcomes come in as they like, and lie in the order of the groups."""

    task: AskTask
    groups: list[tuple[list[Row], bool]]
    outcomes: list[Outcome | None]
    n_left: int


def run_jobs(
    loop: asyncio.Runner, tasks: Sequence[AskTask], client: Asker, n_jobs: int, watcher: Watcher
) -> list[Result]:
    """The results of all tasks, in their order; those of earlier runs without a question.

    A result with a job that `failed` is not kept under its task's key, so that the next run asks again.

    Args:
        loop: Where the client lives.
        tasks: What to do.
        client: Answers.
        n_jobs: Jobs side by side; more than calls in flight, since jobs also wait for one another's turn.
        watcher: Is told of rows that are done, and twice a second where things stand.

    Raises:
        TeacherStopped: nothing more can be asked for now; what was answered is in the ledger.
        KeyboardInterrupt: at Ctrl-C, when the calls in flight have ended; at a second one, at once.
    """
    results: dict[int, Result] = {}
    todo: list[int] = []
    for at, task in enumerate(tasks):
        if finished(task.root, task.key):
            results[at] = _kept(task, watcher)
        else:
            todo.append(at)

    def stop() -> None:
        if n := client.stop():
            watcher.say(f"Stopping when {n} calls have ended, since they are paid for; Ctrl-C again abandons them.")

    async def run() -> None:
        source = _source(tasks, todo)
        ticking = asyncio.create_task(_tick(client, watcher))
        try:
            with gentle_interrupt(stop):
                await work(source)
        except Interrupted:
            raise KeyboardInterrupt from None
        finally:
            ticking.cancel()

    async def work(source: Iterator[tuple[int, _Sheet, int | None]]) -> None:
        async with _unwrapped(), asyncio.TaskGroup() as group:
            for _ in range(n_jobs):
                group.create_task(_worker(source, client, results, watcher))

    if todo:
        with _collected_seldom():
            loop.run(run())
    return [results[at] for at in range(len(tasks))]


def _kept(task: AskTask, watcher: Watcher) -> Result:
    """The result of an earlier run."""
    watcher.advance(task.n_rows)
    return run_task(_Written(task.root, task.key, ()))


@contextmanager
def _collected_seldom() -> Iterator[None]:
    """The garbage collector looks rarely, and not at what was there before, such as modules: a fifth of the time."""
    before, freezes = gc.get_threshold(), not gc.get_freeze_count()
    gc.set_threshold(max(before[0], _MADE_BETWEEN_COLLECTIONS) if before[0] else 0, *before[1:])
    if freezes:
        gc.freeze()
    try:
        yield
    finally:
        if freezes:
            gc.unfreeze()
        gc.set_threshold(*before)


@asynccontextmanager
async def _unwrapped() -> AsyncIterator[None]:
    """What ended the group, not the group of what ended: one call is refused, and all that wait are."""
    try:
        yield
    except BaseExceptionGroup as group:
        first: BaseException = group
        while isinstance(first, BaseExceptionGroup):
            first = first.exceptions[0]
        raise first from None


def _source(tasks: Sequence[AskTask], todo: Sequence[int]) -> Iterator[tuple[int, _Sheet, int | None]]:
    """Every job as (task, its sheet, group), opened one shard at a time; None for a task without a single job."""
    for at in todo:
        groups = tasks[at].groups()
        waiting = [i for i, (_, has_job) in enumerate(groups) if has_job]
        sheet = _Sheet(tasks[at], groups, [None] * len(groups), len(waiting))
        for i in waiting:
            yield at, sheet, i
        if not waiting:
            yield at, sheet, None


async def _worker(
    source: Iterator[tuple[int, _Sheet, int | None]],
    client: Asker,
    results: dict[int, Result],
    watcher: Watcher,
) -> None:
    for at, sheet, group in source:
        if group is not None:
            rows = sheet.groups[group][0]
            sheet.outcomes[group] = await _answered(sheet.task.stage.job(sheet.task.kind, rows), client, rows)
            sheet.n_left -= 1
            watcher.advance(len(rows))
        if sheet.n_left == 0:
            results[at] = await asyncio.to_thread(_written, sheet)
            watcher.advance(sheet.task.n_rows - sum(len(rows) for rows, has_job in sheet.groups if has_job))


async def _tick(client: Asker, watcher: Watcher) -> None:
    while True:
        await asyncio.sleep(0.5)
        watcher.note(client.status())


async def _answered(job: Job, client: Asker, rows: list[Row]) -> Outcome:
    """What came of a job, its questions asked one after the other or, where it gives several, at once."""
    try:
        asked = next(job)
        while True:
            if isinstance(asked, Ask):
                asked = job.send(await client.ask(asked))
            else:
                asked = job.send(await asyncio.gather(*map(client.ask, asked)))
    except StopIteration as end:
        outcome: Outcome = end.value
        return outcome
    except Exception as error:
        error.add_note(f"in the job of record {rows[0]['record_id']}")
        raise
    finally:
        job.close()


def _written(sheet: _Sheet) -> Result:
    """The outcomes of a task as its shards, in the workspace."""
    task = sheet.task
    sorted_out = _SortedOut(task)
    for (rows, _), outcome in zip(sheet.groups, sheet.outcomes, strict=True):
        sorted_out.add(rows, outcome)
    tables = sorted_out.tables()
    digest = fingerprint([[t.kind, t.stage, orjson.dumps(t.rows).hex()] for t in tables])
    # What failed may be answered tomorrow, so it is not what this task came to.
    key = fingerprint([task.key, digest]) if sorted_out.jobs_in(FAILED) else task.key
    report = {**sorted_out.report(digest), "key": key}
    return run_task(_Written(task.root, key, tuple(tables), sorted_out.counts(), report, digest))


@dataclass(frozen=True)
class _Table:
    """Rows of one kind that go to one shard; dropped ones name the stage."""

    kind: str
    rows: list[Row]
    stage: str = ""
    shape: str = ""
    """The record kind whose schema the rows have; `kind` may be `question`."""


class _SortedOut:
    """Rows kept and dropped, and how the jobs ended."""

    def __init__(self, task: AskTask) -> None:
        self._task = task
        self._made: dict[str, list[Row]] = {kind: [] for kind in task.stage.replaces if kind == task.kind}
        self._dropped: dict[str, list[Row]] = {}
        self._unanswered: list[Row] = []
        self._ended: Counter[str] = Counter()

    def add(self, rows: list[Row], outcome: Outcome | None) -> None:
        """A group and what came of it; None where it had no job."""
        replaced = self._task.kind in self._task.stage.replaces
        if outcome is None:
            if replaced:
                self._made[self._task.kind] += rows
            return
        state = outcome.state if outcome.state == "ok" else f"{outcome.state}:{outcome.reason}"
        self._ended[state] += 1
        for kind, row in outcome.made:
            self._made.setdefault(kind, []).append(row)
        if replaced and not any(kind == self._task.kind for kind, _ in outcome.made):
            gone = {drop.row["record_id"] for drop in outcome.dropped if drop.kind == self._task.kind}
            self._made[self._task.kind] += [row for row in rows if row["record_id"] not in gone]
        for drop in outcome.dropped:
            self._dropped.setdefault(drop.kind, []).append(self._with_reason(drop))
        if outcome.state != "ok":
            reason = f"{self._task.stage.kind}:{outcome.reason or outcome.state}"
            self._unanswered.append({**rows[0], "drop_reason": reason, "drop_detail": outcome.detail or None})

    def _with_reason(self, drop: Drop) -> Row:
        return {**drop.row, "drop_reason": f"{self._task.stage.kind}:{drop.reason}", "drop_detail": drop.detail}

    def jobs_in(self, state: str) -> int:
        """Jobs that ended so."""
        return sum(n for ended, n in self._ended.items() if ended.split(":")[0] == state)

    def tables(self) -> list[_Table]:
        """What to write, in a fixed order."""
        stage = self._task.stage.kind
        return [
            *(_Table(kind, rows, shape=kind) for kind, rows in sorted(self._made.items())),
            *(_Table(kind, rows, stage, kind) for kind, rows in sorted(self._dropped.items())),
            *([_Table(QUESTION, self._unanswered, stage, self._task.kind)] if self._unanswered else []),
        ]

    def counts(self) -> list[Count]:
        """As every stage counts, and the jobs as records of the kind `question`."""
        stage, kind = self._task.stage.kind, self._task.kind
        gone = dict(Counter(r["drop_reason"] for r in self._dropped.get(kind, ()))) if kind in self._made else {}
        n_out = self._task.n_rows - sum(gone.values())
        counts = [Count(stage, kind, self._task.n_rows, n_out, gone)]  # with those that were not asked about
        for made in sorted({*self._made, *self._dropped} - set(self._task.stage.replaces)):
            dropped = dict(Counter(row["drop_reason"] for row in self._dropped.get(made, ())))
            counts.append(Count(stage, made, 0, len(self._made.get(made, ())), dropped))
        if n_jobs := sum(self._ended.values()):
            unanswered = dict(Counter(row["drop_reason"] for row in self._unanswered))
            counts.append(Count(stage, QUESTION, n_jobs, self._ended["ok"], unanswered))
        return counts

    def report(self, digest: str) -> dict[str, Any]:
        """How the jobs ended, and a hash of what came of them."""
        return {"jobs": dict(sorted(self._ended.items())), "digest": digest}


@dataclass(frozen=True)
class _Written:
    """Puts what came of a task into the workspace."""

    root: str
    key: str
    tables: tuple[_Table, ...]
    counts: list[Count] | None = None
    report: dict[str, Any] | None = None
    digest: str = ""

    def run(self, folder: Path) -> Result:
        """The rows made, a shard a kind (more where there are many), and the dropped ones."""
        result = Result(counts=self.counts or [], report=self.report or {})
        for number, table in enumerate(self.tables):
            frame = frame_of(table.shape, table.rows)
            for part, rows in enumerate(frame.iter_slices(MAX_OUTPUT_ROWS)):
                name = f"{number}-{table.kind}-{part:05d}"
                # Named by what is in it: another ledger may have other replies to the same questions.
                shard = write_shard(folder, name, table.kind, fingerprint([self.key, self.digest, name]), rows)
                if table.stage:
                    result.rejects.append((table.stage, shard))
                else:
                    result.shards.append(shard)
        return result


class Teacher:
    """A client that lives as long as a build, and starts when the first question is asked."""

    def __init__(self, client: Callable[[], AbstractAsyncContextManager[Asker]]) -> None:
        self._new_client = client
        self._loop: asyncio.Runner | None = None
        self._context: AbstractAsyncContextManager[Asker] | None = None
        self._client: Asker | None = None

    def report(self) -> dict[str, Any] | None:
        """What was asked and what it cost; None where nothing had to be asked."""
        return None if self._client is None else self._client.report()

    def ask(self, tasks: Sequence[AskTask], n_jobs: int, watcher: Watcher) -> list[Result]:
        """As `run_jobs`."""
        if all(finished(task.root, task.key) for task in tasks):
            return [_kept(task, watcher) for task in tasks]
        loop, client = self._open()
        return run_jobs(loop, tasks, client, n_jobs, watcher)

    def _open(self) -> tuple[asyncio.Runner, Asker]:
        if self._loop is None:
            self._loop = asyncio.Runner()
        if self._client is None:
            self._context = self._new_client()
            self._client = self._loop.run(self._context.__aenter__())
        return self._loop, self._client

    def close(self) -> None:
        """Ends the client; what is in flight is abandoned."""
        if self._loop is None:
            return
        try:
            if self._context is not None and self._client is not None:
                self._loop.run(self._context.__aexit__(None, None, None))
        finally:
            self._client = self._context = None
            self._loop.close()
            self._loop = None
