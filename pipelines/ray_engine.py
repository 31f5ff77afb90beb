"""The engine for what outgrows one machine: the same tasks over files, run by a Ray cluster.

Ray places tasks and starts workers; what tasks read and write lies in the workspace, which every node sees. So the
loss of a worker or of a node costs the tasks that it had under way, and those are done again.

Cost: 0.4 ms a task on top of the work; starting a cluster on this machine takes some 3 s, joining one 1 s.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import time
import traceback
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

from pipelines.engine import EngineUnavailable, WorkerLost, call_in_worker
from pipelines.ray_cluster import Cluster, Terms, check_nodes, join_cluster, refusal, start_cluster
from schemas.errors import PedCorpusError

T = TypeVar("T")
R = TypeVar("R")

MAX_DEATHS: Final = 3
"""Workers that one task may cost before it is taken for their murderer."""
MAX_NODES: Final = 20
"""Nodes that may be lost under one task; they die of other things than tasks, but not for ever."""
LOOK_SECONDS: Final = 5
"""Between two looks at the size of the cluster."""
NO_NODES_SECONDS: Final = 300
"""A cluster without any processor may get one, from an autoscaler or a person; not for ever."""
PASSED_ON: Final = ("PYTHONHASHSEED", "_RJEM_MALLOC_CONF", "POLARS_MAX_THREADS", "HF_ENDPOINT", "HF_HUB_OFFLINE")
"""Settings of this process that workers elsewhere need too; no secrets, since Ray shows them to its users."""


_ENDED: Final = (
    "The Ray node on this machine has ended. Run the same command again to go on from where it was; a cluster that it "
    "joins must be started before."
)


@dataclass(frozen=True)
class _Fault:
    """An error on its way back, with the traceback that the way would lose."""

    error: BaseException
    trace: str


def _work(terms: Terms, function: Callable[[T], R], task: T) -> R | _Fault:
    """Runs a task in a worker; errors are returned, or Ray would wrap them in its own."""
    try:
        _settle(terms)
        return call_in_worker(function, task)
    except Exception as error:
        return _Fault(error, "".join(traceback.format_exception(error)))


_settled: set[Terms] = set()


def _settle(terms: Terms) -> None:
    """Makes sure, once, that this process may work: its node may have joined long after the start."""
    if terms in _settled:
        return
    if (reason := refusal(terms)) is not None:
        raise EngineUnavailable(reason)
    # Children that this process spawns (readers of files) would import its main script, which is Ray's.
    vars(sys.modules["__main__"]).pop("__file__", None)
    try:
        os.getcwd()
    except FileNotFoundError:  # where the node was started, long ago; nothing of ours depends on it, but it must be
        os.chdir("/")
    _settled.add(terms)


class RayEngine:
    """Runs tasks on a Ray cluster; tasks of lost workers and nodes are done again."""

    def __init__(
        self, n_workers: int | None, address: str | None, root: Path, folders: Sequence[Path] = (), n_cores: int = 1
    ) -> None:
        """Starts a cluster or joins one, and looks at every node of it.

        Args:
            n_workers: Tasks at a time; None: as many as the cluster has processors.
            address: Of a running cluster; None starts one on this machine.
            root: The workspace.
            folders: What else every node must see.
            n_cores: Processors of a cluster that is started, where `n_workers` is None.

        Raises:
            EngineUnavailable: no cluster, or a node of it cannot work for us.
        """
        self._cluster: Cluster = join_cluster(address) if address else start_cluster(n_workers or n_cores)
        self._ray = self._cluster.ray
        self._terms: Terms | None = None
        self._generation = 0
        self._slots = _Slots(self._ray, n_workers, self._cluster.is_own)
        try:
            self._terms = check_nodes(self._cluster, root, folders, self._environment())
        except BaseException:
            self.close()
            raise

    def map(self, function: Callable[[T], R], tasks: Sequence[T]) -> Iterator[tuple[int, R]]:
        """Results as they come, each with the index of its task; a bounded number of tasks is in flight.

        Raises:
            WorkerLost: workers died again and again on one task, or nothing is left to work with.
        """
        ray = self._ray
        # No retries by Ray: it would go on without end where memory is short, and say nothing of it.
        work = ray.remote(num_cpus=1, max_retries=0, scheduling_strategy="SPREAD")(_work)
        work = work.options(runtime_env=self._environment())
        todo, running, lost = deque(range(len(tasks))), dict[Any, int](), Counter[tuple[int, str]]()
        try:
            while todo or running:
                while todo and len(running) < self._slots.limit():
                    index = todo.popleft()
                    running[work.remote(self._terms, function, tasks[index])] = index
                done, _ = ray.wait(list(running), num_returns=1, timeout=LOOK_SECONDS)
                if not done and self._cluster.has_ended:
                    raise WorkerLost(_ENDED) from None
                for ref in done:
                    index = running.pop(ref)
                    try:
                        outcome = ray.get(ref)
                    except ray.exceptions.RayError as error:
                        self._lose(error, index, tasks[index], lost)
                        todo.appendleft(index)
                    else:
                        yield index, _result(outcome)
        finally:
            for ref in running:
                with contextlib.suppress(Exception):
                    ray.cancel(ref, force=True)

    def _lose(self, error: Exception, index: int, task: object, lost: Counter[tuple[int, str]]) -> None:
        """Counts a loss.

        Raises:
            WorkerLost: it is one too many.
            EngineUnavailable: it is no loss, the worker could not begin.
        """
        kinds = self._ray.exceptions
        if isinstance(error, kinds.RayTaskError | kinds.RuntimeEnvSetupError | kinds.AuthenticationError):
            raise EngineUnavailable(f"engine: a Ray worker could not begin its task:\n{error}") from error
        if isinstance(error, kinds.LocalRayletDiedError):
            raise WorkerLost(_ENDED) from None
        if isinstance(error, kinds.OutOfMemoryError) and self._slots.shrink():
            return
        is_node = isinstance(error, kinds.NodeDiedError | kinds.ObjectLostError)
        lost[index, "node" if is_node else "worker"] += 1
        if lost[index, "worker"] >= MAX_DEATHS or lost[index, "node"] >= MAX_NODES:
            raise WorkerLost(
                f"{sum(lost[index, what] for what in ('worker', 'node'))} worker processes died one after another on "
                f"the same task ({_name(task)}), most likely for want of memory. Run the same command again to go on "
                "from where it was, with fewer workers (`engine: {workers: 1}`)."
            ) from None

    def _environment(self) -> dict[str, Any]:
        """What sets a worker apart: Ray keeps workers of another environment out, which is how they are renewed."""
        passed = {} if self._cluster.is_own else {k: os.environ[k] for k in PASSED_ON if k in os.environ}
        if self._generation:
            passed["PEDCORPUS_WORKERS"] = str(self._generation)
        return {"env_vars": passed} if passed else {}

    def renew(self) -> None:
        """Later tasks go to new processes; Ray ends the old ones when they have been idle for a second."""
        self._generation += 1

    def close(self) -> None:
        """Ends our own cluster, leaves a joined one as it is, but for our workers there."""
        self._cluster.close()
        if self._terms is not None:
            shutil.rmtree(Path(self._terms.sign).parent, ignore_errors=True)


def _result(outcome: Any) -> Any:
    if not isinstance(outcome, _Fault):
        return outcome
    if not isinstance(outcome.error, PedCorpusError):
        outcome.error.add_note(f"In a Ray worker:\n{outcome.trace}")
    raise outcome.error


def _name(task: object) -> str:
    """A task as a person may know it: its kind, and the file where it reads one."""
    path = getattr(getattr(task, "part", None), "path", None)
    return type(task).__name__ + (f" of {path}" if path else "")


class _Slots:
    """How many tasks may be in flight: those that run, and where Ray bounds them, as many that wait at the door."""

    def __init__(self, ray: Any, n_workers: int | None, is_own: bool) -> None:
        self._ray, self._is_own = ray, is_own
        self._n_workers = n_workers
        self._most: int | None = None
        self._n_cpus, self._looked = 0, float("-inf")
        self._empty_since: float | None = None

    def limit(self) -> int:
        """The number now; the cluster may grow and shrink.

        Raises:
            WorkerLost: there has been no node with a processor for `NO_NODES_SECONDS`.
        """
        self._look()
        joined = None if self._is_own else self._n_workers
        limit = joined if joined is not None else 2 * max(1, self._n_cpus)
        return limit if self._most is None else min(limit, self._most)

    def shrink(self) -> bool:
        """Halves it, for memory is short; False: it is one already."""
        limit = self.limit()
        self._most = max(1, limit // 2)
        return limit > 1

    def _look(self) -> None:
        now = time.monotonic()
        if now - self._looked < LOOK_SECONDS:
            return
        self._looked, self._n_cpus = now, int(self._ray.cluster_resources().get("CPU", 0))
        if self._n_cpus:
            self._empty_since = None
        elif self._empty_since is None:
            self._empty_since = now
        elif now - self._empty_since > NO_NODES_SECONDS:
            raise WorkerLost(
                f"The Ray cluster has had no node with a processor for {NO_NODES_SECONDS} s. Add one with `ray start "
                "--address=HEAD:PORT`, and run the same command again to go on from where it was."
            )
