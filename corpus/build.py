"""Runs a plan: the steps over shards, then a published version.

Everything is done in tasks whose results stay in the workspace, so a build that was killed, or whose inputs
changed in one file, does only what is missing.
"""

from __future__ import annotations

import dataclasses
import fcntl
import functools
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from corpus.benchmarks import with_items
from corpus.outlook import Outlook, asking_stages, counted, guessed_of, sentence
from corpus.plan import MAKE, Plan, Step
from corpus.progress import Progress, Silent
from corpus.publish import Outcome, lost_parts, publish, replies_of
from corpus.reading import close_reader
from corpus.store import Store
from corpus.teacher import doubts, new_teacher
from pipelines import shuffle
from pipelines.base import BarrierStage, BatchStage, CorpusStage, MakeStage, Stage
from pipelines.drop_unsupported import DropUnsupported
from pipelines.engine import Engine, make_engine
from pipelines.judge_unsupported import JudgeUnsupported
from pipelines.llm.run import AskTask, Teacher
from pipelines.llm.stage import AskStage
from pipelines.tasks import BatchTask, bundles, stage_fingerprint, total
from pipelines.workspace import Count, Result, Shard, Task, finished, run_task, sweep_unfinished, sweep_unused
from schemas.errors import PedCorpusError, StoreError
from schemas.fingerprints import code_fingerprint, fingerprint
from schemas.manifest import Manifest
from schemas.records import INSTRUCTION, TRIPLE
from sources.base import location_of
from sources.hub import is_remote

MAX_FOLDERS = 1_000
"""Folders of sources that every node of a cluster is asked for; one mount holds them as a rule."""
MANY_TASKS = 64
"""Tasks of a step from which on starting new workers afterwards costs less than what the old ones hold."""


@dataclass
class _State:
    """The corpus between two steps."""

    shards: dict[str, list[Shard]] = field(default_factory=dict)
    rejects: list[tuple[str, Shard]] = field(default_factory=list)
    stages: list[dict[str, Any]] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)
    reads: list[Result] = field(default_factory=list)
    contamination: list[dict[str, Any]] = field(default_factory=list)
    asked: dict[str, dict[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class Built:
    """What a build gave.

    Attributes:
        version_dir: Where the version is.
        manifest: What it is.
        is_new: False: the version was there already, with the same content hash, and nothing was done.
        teacher: What the LLM was asked and what it cost, as its client reports; None where none was needed.
    """

    version_dir: Path
    manifest: Manifest
    is_new: bool
    teacher: dict[str, Any] | None = None


class CallsFailed(PedCorpusError):
    """More calls to an LLM failed than a version may be published with."""


def build(plan: Plan, progress: Progress | None = None, fresh: bool = False) -> Built:
    """The published version of a plan; builds it unless it is there.

    Args:
        plan: What to do.
        progress: Told of every task.
        fresh: True does all work again instead of reusing what earlier builds finished.

    Raises:
        StoreError: the version's name is taken by other content, or another build is running in this store.
    """
    store = Store(plan.config.store)
    if (there := _published(plan, store)) is not None:
        return there
    with locked(plan.config.store):
        if (there := _published(plan, store)) is not None:  # by a build that ended just now
            return there
        sweep_unfinished(str(plan.workspace))
        store.sweep_unfinished()
        if fresh:
            sweep_unused(str(plan.workspace), ())
        for doubt in doubts(plan.config, {role for stage in asking_stages(plan) for role in stage.asks}):
            (progress or Silent()).say(f"{doubt} (Said now; what the ledger has needs no asking.)")
        engine, teacher = _engine(plan), new_teacher(plan.config)
        try:
            runner = _Runner(engine, plan, progress or Silent(), teacher)
            outcome = runner.run()
            report = teacher.report()
            manifest = publish(plan, store, outcome, lambda tasks: runner.tasks("publish", tasks))
        finally:
            teacher.close()
            engine.close()
            close_reader()
        sweep_unused(str(plan.workspace), runner.state.keys)
    return Built(store.version_dir(manifest.version), manifest, is_new=True, teacher=report)


def look_ahead(plan: Plan, progress: Progress | None = None) -> list[Outlook]:
    """What the build will ask an LLM, counted: does all the work before the first question, and asks nothing.

    Stages that ask about what others are yet to make are guessed from the number of their questions.

    Raises:
        StoreError: another build is running in this store.
    """
    with locked(plan.config.store):
        sweep_unfinished(str(plan.workspace))
        engine = _engine(plan)
        try:
            return _Runner(engine, plan, progress or Silent(), new_teacher(plan.config)).look_ahead()
        finally:
            engine.close()
            close_reader()


def _engine(plan: Plan) -> Engine:
    settings = plan.config.header.engine
    folders = sorted({location_of(part).parent for _, part in plan.parts if not is_remote(part)})
    return make_engine(
        settings.kind, settings.workers, plan.workspace, address=settings.address, folders=folders[:MAX_FOLDERS]
    )


def _published(plan: Plan, store: Store) -> Built | None:
    """The version where it is there with the plan's content.

    Raises:
        StoreError: the name is taken by other content.
    """
    version = plan.config.header.version
    folder = store.version_dir(version)
    replies = replies_of(folder) if plan.asks else ""
    existing = store.claim(version, plan.content_hash_without(lost_parts(folder), replies))
    return None if existing is None else Built(store.version_dir(version), existing, is_new=False)


@contextmanager
def locked(store: Path) -> Iterator[None]:
    """Holds the store's lock; the system lets go of it when the process ends, however it ends."""
    store.mkdir(parents=True, exist_ok=True)
    with (store / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StoreError(f"{store}: another build is running here. Wait for it, or use another `store:`.") from None
        file.write(str(os.getpid()))
        file.flush()
        yield


class _Runner:
    """Takes the corpus from step to step."""

    def __init__(self, engine: Engine, plan: Plan, progress: Progress, teacher: Teacher) -> None:
        self.engine, self.plan, self.progress, self.teacher = engine, plan, progress, teacher
        self.state = _State()
        self._step = ""

    def run(self) -> Outcome:
        """Every step in order; what is left to publish."""
        self._read()
        for step in self.plan.steps:
            self._step = step.name
            self._run_step(step)
            self._renew()
        at = self.state
        return Outcome(at.shards, at.rejects, at.stages, at.reads, at.contamination, at.asked)

    def look_ahead(self) -> list[Outlook]:
        """The outlook of every asking stage; work goes as far as it goes without an answer."""
        self._read()
        found: list[Outlook] = []
        left = asking_stages(self.plan)
        for step in self.plan.steps:
            self._step = step.name
            mine = [stage for stage in step.stages if stage in left]
            if not mine:
                self._run_step(step)
            for stage in mine:
                assert isinstance(stage, AskStage)
                kinds = [kind for kind in step.reads if kind in stage.reads]
                found.append(counted(stage, self.ask_tasks(stage, kinds), self.plan.config.header.llm))
                left.remove(stage)
            if step.name == MAKE:
                break
        there = {kind: float(sum(s.n_rows for s in shards)) for kind, shards in self.state.shards.items()}
        by_stage = {stage.kind: stage for stage in asking_stages(self.plan)}
        made = sum(o.n_jobs * by_stage[o.stage].rows_per_job for o in found)
        there[INSTRUCTION] = there.get(INSTRUCTION, 0.0) + made
        return found + guessed_of(self.plan, left, there)

    def tasks(self, name: str, tasks: Sequence[Task]) -> list[Result]:
        """Runs tasks under a step's name; results in the order of the tasks."""
        self._step = name
        return self._run(self.engine, tasks)

    def _run(self, engine: Engine, tasks: Sequence[Task]) -> list[Result]:
        self.progress.begin(self._step, len(tasks))
        results: list[Result | None] = [None] * len(tasks)
        keys = [t.key for t in tasks]
        self.state.keys.update(keys)
        todo = []
        for i, task in enumerate(tasks):
            if finished(task.root, keys[i]):
                results[i] = run_task(task)
                self.progress.advance()
            else:
                todo.append(i)
        for at, result in engine.map(run_task, [tasks[i] for i in todo]):
            results[todo[at]] = result
            self.progress.advance()
        return [r for r in results if r is not None]

    def _read(self) -> None:
        results = self.tasks("read", self.plan.read_tasks())
        self.state.reads = results
        close_reader()
        if len(results) > MANY_TASKS:
            self.engine.renew()
        for result in results:
            self._take(result)
            self._add(result)
        self._record("read", code_fingerprint("schemas", "sources"), {}, [c for r in results for c in r.counts])

    def _renew(self) -> None:
        """New workers between the steps of a large build, since each keeps the most that it ever held."""
        if sum(len(shards) for shards in self.state.shards.values()) > MANY_TASKS:
            self.engine.renew()

    def _run_step(self, step: Step) -> None:
        if isinstance(step.stages[0], BatchStage):
            self._batch(step)
            return
        for stage in step.stages:
            if isinstance(stage, BarrierStage | CorpusStage):
                self._barrier(stage, step.reads)
            else:
                self._make_and_ask(stage, step.reads)

    def _batch(self, step: Step) -> None:
        """One pass over every shard for all stages of the step."""
        root = str(self.plan.workspace)
        work: list[Task] = []
        for kind in step.reads:
            mine = [self._informed(s) for s in step.stages if kind in s.reads]
            stages = tuple(s for s in mine if isinstance(s, BatchStage))
            if stages:
                work.extend(BatchTask(root, stages, b) for b in bundles(self.state.shards.pop(kind, [])))
        results = self._run(self.engine, work)
        for result in results:
            self._take(result)
            self._add(result)
        counts = [c for r in results for c in r.counts]
        for stage in step.stages:
            of_stage = [c for c in counts if c.stage == stage.kind]
            self._record(stage.kind, stage_fingerprint(stage), stage.settings(), of_stage)

    def _informed(self, stage: Stage) -> Stage:
        """The stage with the corpus's knowledge graph, where it holds answers against one."""
        triples = tuple(self.state.shards.get(TRIPLE, []))
        if isinstance(stage, DropUnsupported):
            return dataclasses.replace(stage, triples=triples)
        return stage.with_triples(triples) if isinstance(stage, JudgeUnsupported) else stage

    def _barrier(self, stage: BarrierStage | CorpusStage, reads: tuple[str, ...]) -> None:
        root, counts = str(self.plan.workspace), []
        kinds = [kind for kind in reads if kind in stage.reads]
        for together in [kinds] if stage.across_kinds else [[kind] for kind in kinds]:
            shards = [shard for kind in together for shard in self.state.shards.pop(kind, [])]
            stage = with_items(stage, functools.partial(self._run, self.engine), root)
            decided = shuffle.decide(self.engine, self._run, root, stage, shards)
            self.state.contamination += [s for r in decided for s in r.report.get("contamination", ())]
            for result in shuffle.carry_out(self.engine, self._run, root, stage, shards, decided):
                self._take(result)
                self._add(result)
                counts += result.counts
        self._record(stage.kind, stage_fingerprint(stage), stage.settings(), counts)

    def _make_and_ask(self, stage: Stage, reads: tuple[str, ...]) -> None:
        """What a stage makes by itself, and what it has an LLM make, side by side."""
        kinds = [kind for kind in reads if kind in stage.reads]
        counts: list[Count] = []
        if isinstance(stage, MakeStage) and stage.makes:
            counts += self._make(stage, kinds)
        if isinstance(stage, AskStage) and stage.has_teacher:
            passed = {c.kind for c in counts if c.n_in}
            counts += [c for c in self._ask(stage, kinds) if c.kind not in passed]
        self._record(stage.kind, stage_fingerprint(stage), stage.settings(), counts)

    def _make(self, stage: MakeStage, kinds: Sequence[str]) -> list[Count]:
        root = str(self.plan.workspace)
        made: list[Result] = []
        for kind in kinds:
            made += shuffle.make(self.engine, self._run, root, stage, kind, self.state.shards.get(kind, []))
        return self._taken(made)

    def _ask(self, stage: AskStage, kinds: Sequence[str]) -> list[Count]:
        """The driver alone asks; workers only shuffle rows that belong together.

        Raises:
            CallsFailed: so many calls failed that the version would lack what tomorrow may bring.
        """
        tasks = self.ask_tasks(stage, kinds)
        self.state.keys.update(task.key for task in tasks)
        llm = self.plan.config.header.llm
        if (ahead := counted(stage, tasks, llm)).n_jobs:
            self.progress.say(sentence(ahead, llm.currency))
        self.progress.begin(self._step, sum(task.n_rows for task in tasks))
        results = self.teacher.ask(tasks, llm.n_jobs(stage.asks), self.progress)
        for kind in kinds:
            if kind in stage.replaces:
                self.state.shards.pop(kind, None)
        jobs: Counter[str] = Counter()
        for result in results:
            jobs.update(result.report["jobs"])
            self.state.keys.add(result.report["key"])
        self._check_failed(stage, jobs)
        digest = fingerprint([result.report["digest"] for result in results])
        self.state.asked[stage.kind] = {"jobs": dict(sorted(jobs.items())), "replies": digest}
        return self._taken(results)

    def ask_tasks(self, stage: AskStage, kinds: Sequence[str]) -> list[AskTask]:
        """The tasks of an asking stage over the corpus as it is now."""
        root, tasks = str(self.plan.workspace), []
        informed = self._informed(stage)
        assert isinstance(informed, AskStage)
        for kind in kinds:
            shards = self.state.shards.get(kind, [])
            for group in shuffle.grouped(self.engine, self._run, root, stage.group_by(kind), shards):
                tasks.append(AskTask(root, informed, kind, group))
        return tasks

    def _check_failed(self, stage: AskStage, jobs: Counter[str]) -> None:
        failed = {why.partition(":")[2]: n for why, n in sorted(jobs.items()) if why.startswith("failed")}
        n_failed, n_jobs = sum(failed.values()), sum(jobs.values())
        if n_failed > self.plan.config.header.llm.max_failed_ratio * n_jobs:
            said = ", ".join(f"{why} {n}" for why, n in failed.items())
            raise CallsFailed(
                f"{stage.kind}: {n_failed} of {n_jobs} questions to the LLM failed ({said}). Nothing is published. Run "
                "the same command again to ask only these anew, or allow some with `llm: {max_failed_ratio: 0.01}`."
            )

    def _taken(self, results: Sequence[Result]) -> list[Count]:
        counts: list[Count] = []
        for result in results:
            self._take(result)
            self._add(result)
            counts += result.counts
        return counts

    def _take(self, result: Result) -> None:
        self.state.rejects += result.rejects

    def _add(self, result: Result) -> None:
        for shard in result.shards:
            self.state.shards.setdefault(shard.kind, []).append(shard)

    def _record(self, stage: str, identity: str, settings: dict[str, Any], counts: list[Count]) -> None:
        summed = [
            {"kind": c.kind, "n_in": c.n_in, "n_out": c.n_out, "dropped": dict(sorted(c.dropped.items()))}
            for c in sorted(total(counts), key=lambda c: c.kind)
        ]
        self.state.stages.append({"stage": stage, "fingerprint": identity, "settings": settings, "counts": summed})
