"""How tasks are run: the one seam between what is done and where.

An engine maps a picklable function over picklable tasks. Tasks name files; workers read and write them and
return small results, so that nothing large crosses the seam and any engine with a shared file system will do.
Barriers and shuffles are built from maps (`pipelines.shuffle`), hence every engine has them.
"""

from __future__ import annotations

import multiprocessing
import multiprocessing.connection
import os
import pickle
import signal
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Final, Protocol, TypeVar

from schemas.errors import PedCorpusError

T = TypeVar("T")
R = TypeVar("R")

ENGINE_KINDS: Final = ("local", "ray")


def end_with_parent() -> None:
    """Ends this process when its parent is gone, or at Ctrl-C, so that a stopped build leaves no workers behind.

    At once and without a word: what a worker had not finished lies in the workspace's `tmp`, and nowhere else.
    """
    # The system's own way to end: a handler of Python's waits for the main thread, which may wait for a lock that a
    # worker held who has just ended.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})  # held back while it started
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_watch, args=(parent.sentinel,), daemon=True).start()


@contextmanager
def interrupts_held() -> Iterator[None]:
    """Ctrl-C waits; processes that are started meanwhile hold it back until `end_with_parent`.

    One that is still importing would answer it with a traceback. Another thread may take the signal all the same, and
    Python then interrupts this one: so its handler waits too.
    """
    came: list[int] = []
    handler = signal.getsignal(signal.SIGINT) if threading.current_thread() is threading.main_thread() else None
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    if handler is not None:
        signal.signal(signal.SIGINT, lambda number, _: came.append(number))
    try:
        yield
    finally:
        if handler is not None:
            signal.signal(signal.SIGINT, handler)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        if came:
            signal.raise_signal(signal.SIGINT)


def _watch(sentinel: int) -> None:
    multiprocessing.connection.wait([sentinel])
    os._exit(1)


class WorkerLost(PedCorpusError):
    """A worker process died; what was finished stays finished."""


class EngineUnavailable(PedCorpusError):
    """The engine that was asked for is not installed, does not start, or cannot work where it is."""


def call_in_worker(function: Callable[[T], R], task: T) -> R:
    """The result; an error that would not survive the way back is told in one that does, with its traceback."""
    try:
        return function(task)
    except Exception as error:
        try:
            pickle.loads(pickle.dumps(error))
        except Exception:
            raise RuntimeError("".join(traceback.format_exception(error))) from None
        raise


class Engine(Protocol):
    """Runs tasks; results come as they are done, each with the index of its task."""

    def map(self, function: Callable[[T], R], tasks: Sequence[T]) -> Iterator[tuple[int, R]]: ...

    def renew(self) -> None:
        """Gives back what workers hold on to between tasks; results stay."""

    def close(self) -> None: ...


class InlineEngine:
    """One task after another in this process."""

    def map(self, function: Callable[[T], R], tasks: Sequence[T]) -> Iterator[tuple[int, R]]:
        for index, task in enumerate(tasks):
            yield index, function(task)

    def renew(self) -> None:
        """Nothing that this process could give back."""

    def close(self) -> None:
        """Nothing to give back."""


class PoolEngine:
    """A pool of spawned processes on this machine.

    Spawned, not forked: polars and pyarrow hold threads and locks that a fork would copy in mid-flight.
    """

    def __init__(self, n_workers: int) -> None:
        self._n_workers = n_workers
        self._pool = self._new_pool()

    def _new_pool(self) -> ProcessPoolExecutor:
        context = multiprocessing.get_context("spawn")
        return ProcessPoolExecutor(self._n_workers, mp_context=context, initializer=end_with_parent)

    def map(self, function: Callable[[T], R], tasks: Sequence[T]) -> Iterator[tuple[int, R]]:
        with interrupts_held():  # the first task starts the workers
            futures = {self._pool.submit(call_in_worker, function, task): index for index, task in enumerate(tasks)}
        try:
            for future in as_completed(futures):
                yield futures[future], future.result()
        except BrokenProcessPool:
            raise WorkerLost(
                "A worker process died, most likely for want of memory. Run the same command again to go on from "
                "where it was, with fewer workers (`engine: {workers: 1}`)."
            ) from None
        finally:
            for future in futures:
                future.cancel()

    def renew(self) -> None:
        """New workers: allocators keep the largest that they ever needed, readers and caches stay open."""
        self.close()
        self._pool = self._new_pool()

    def close(self) -> None:
        """Stops the workers after what they are doing."""
        self._pool.shutdown(wait=True, cancel_futures=True)


class ThreadEngine:
    """Threads of this process: no start-up, for tasks that spend their time outside the interpreter's lock."""

    def __init__(self, n_workers: int) -> None:
        self._pool = ThreadPoolExecutor(n_workers)

    def map(self, function: Callable[[T], R], tasks: Sequence[T]) -> Iterator[tuple[int, R]]:
        futures = {self._pool.submit(function, task): index for index, task in enumerate(tasks)}
        try:
            for future in as_completed(futures):
                yield futures[future], future.result()
        finally:
            for future in futures:
                future.cancel()

    def renew(self) -> None:
        """Nothing that threads hold for themselves."""

    def close(self) -> None:
        """Stops after what is being done."""
        self._pool.shutdown(wait=True, cancel_futures=True)


def local_engine(n_workers: int) -> Engine:
    """Inline for one worker, a pool for more."""
    return InlineEngine() if n_workers <= 1 else PoolEngine(n_workers)


def make_engine(
    kind: str, n_workers: int | None, root: Path, *, address: str | None = None, folders: Sequence[Path] = ()
) -> Engine:
    """An engine of a kind, ready to work.

    Args:
        kind: One of `ENGINE_KINDS`.
        n_workers: Tasks at a time; None: as many as there are cores, here or in the cluster.
        root: The workspace of the tasks.
        address: Of a Ray cluster to join; None starts one on this machine.
        folders: What tasks read besides the workspace; every machine must see them.

    Raises:
        EngineUnavailable: Ray is not installed, does not start, or a node of the cluster cannot work for us.
    """
    if kind == "local":
        return local_engine(n_workers or n_cores())
    if find_spec("ray") is None:
        raise EngineUnavailable(
            "engine: Ray is not installed. Run `pip install 'pedcorpus[ray]'`, or take `engine: {kind: local}`."
        )
    from pipelines.ray_engine import RayEngine

    return RayEngine(n_workers, address, root, folders, n_cores())


def n_cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
