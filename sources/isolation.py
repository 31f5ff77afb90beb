"""Reads parts in a child process, because a parser of foreign files may hang, crash or swallow all memory.

One child reads part after part. It is given up, and a new one started, when a part takes too long or kills it;
the part is then refused and the build goes on.

Does not cover: a parser that is made to write files or open connections; the child has the user's rights.
"""

from __future__ import annotations

import multiprocessing
import multiprocessing.connection
import os
import resource
import sys
import threading
import traceback
from dataclasses import asdict, dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import polars as pl

from schemas.arrow import write_shard_file
from schemas.errors import PartRefused, PedCorpusError, ShardNotWritten
from sources.base import Batch, Part, ReadReport, Source
from sources.hub import is_remote

SHARD_ROWS = 8_000
SHARD_CHARS = 6_000_000
"""A shard is closed when it has either; bounds the memory of every later stage."""


@dataclass(frozen=True)
class Limits:
    """What one part may cost before it is refused.

    Attributes:
        seconds: Wall-clock time, to which each MB of the file adds `seconds_per_mb`.
        seconds_per_mb: For each MB of the file.
        memory_mb: Private memory of the reading process (RLIMIT_DATA; Linux only).
    """

    seconds: float = field(default=120.0, metadata={"min": 0.1, "max": 86_400.0})
    seconds_per_mb: float = field(default=3.0, metadata={"min": 0.0, "max": 3_600.0})
    memory_mb: int = field(default=3_072, metadata={"min": 256, "max": 1 << 24})

    def seconds_for(self, part: Part) -> float:
        """The wall-clock limit of a part; a part on the Hub has an hour, since its size is not known before."""
        if is_remote(part):
            return 3_600
        return self.seconds + self.seconds_per_mb * part.n_bytes / 1e6


@dataclass(frozen=True)
class ReadSummary:
    """What reading a part gave: shards as `(kind, file name, rows)`, drops as `(kind, reason, rows)`."""

    shards: list[tuple[str, str, int]]
    rejects: list[tuple[str, str, int]]
    dropped: list[tuple[str, str, int]]
    report: dict[str, Any]


class ReaderNotStarted(PedCorpusError):
    """The reading process died before it read anything."""


class Reader:
    """A child process that reads parts into Parquet shards."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._child: Any = None
        self._pipe: Connection | None = None

    def read(self, source: Source, part: Part, folder: Path) -> ReadSummary:
        """Writes the part's records to `folder` and says what there is.

        Raises:
            PartRefused: the part cannot be read, took too long, took too much memory, or killed its reader.
        """
        pipe = self._start()
        try:
            pipe.send((source, part, str(folder)))
            seconds = self.limits.seconds_for(part)
            if not pipe.poll(seconds):
                self.close()
                raise PartRefused(
                    "timeout", f"{_at(part)} was not read within {seconds:.0f} s. Split or mend the file."
                )
            outcome = pipe.recv()
        except (EOFError, BrokenPipeError, ConnectionResetError):
            code = self._reap()
            raise PartRefused(
                "parser_crashed", f"{_at(part)} killed the process that read it ({code}). Mend the file, or skip it."
            ) from None
        if isinstance(outcome, BaseException):
            raise outcome
        summary: ReadSummary = outcome
        return summary

    def close(self) -> None:
        """Ends the child; a later `read` starts another."""
        if self._child is not None:
            self._child.kill()
            self._reap()

    def _start(self) -> Connection:
        if self._pipe is not None and not self._child.is_alive():
            self._reap()
        if self._pipe is None:
            context = multiprocessing.get_context("spawn")
            self._pipe, theirs = context.Pipe()
            self._child = context.Process(target=_serve, args=(theirs, self.limits), daemon=True)
            self._child.start()
            theirs.close()
            self._await_start(self._pipe)
        return self._pipe

    def _await_start(self, pipe: Connection) -> None:
        """Waits for the child's first word: one that dies before it can read has no part to blame."""
        try:
            pipe.recv()
        except EOFError:
            code = self._reap()
            raise ReaderNotStarted(
                f"The process that reads files did not start ({code}). In a script of your own, call the build under "
                "`if __name__ == '__main__':`, since child processes import the script."
            ) from None

    def _reap(self) -> str:
        self._child.join()
        code = self._child.exitcode
        self._child.close()
        if self._pipe is not None:
            self._pipe.close()
        self._child = self._pipe = None
        return f"signal {-code}" if code < 0 else f"exit code {code}"


def _at(part: Part) -> str:
    return f"sources.{part.source_id}: {part.path}"


def _serve(pipe: Connection, limits: Limits) -> None:
    """The child's loop: one part after another until the pipe closes."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    if sys.platform == "linux":
        ceiling = limits.memory_mb * 1024 * 1024
        resource.setrlimit(resource.RLIMIT_DATA, (ceiling, ceiling))
    pipe.send("ready")
    while True:
        try:
            source, part, folder = pipe.recv()
        except (EOFError, KeyboardInterrupt):
            return
        try:
            pipe.send(read_part(source, part, Path(folder)))
        except (PartRefused, ShardNotWritten) as error:
            pipe.send(error)
        except MemoryError:
            pipe.send(
                PartRefused("memory", f"{_at(part)} needs more than {limits.memory_mb} MB to read. Split the file.")
            )
        except RecursionError:
            pipe.send(PartRefused("nested_too_deeply", f"{_at(part)} is nested too deeply to be read. Mend the file."))
        except KeyboardInterrupt:
            return
        except Exception as error:
            pipe.send(_failed(part, error))


def _failed(part: Part, error: Exception) -> PartRefused:
    """A reader that fails in a way nobody foresaw costs its part, named with the fault, and not the build."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "?"
    fault = f"{type(error).__name__}: {str(error)[:200]}"
    detail = (
        f"{_at(part)} made its reader fail ({fault}, at {place}). Skip it, and report this: it is a defect of ours."
    )
    return PartRefused("reader_failed", detail)


def _end_with_parent() -> None:
    """A killed build leaves no reader behind, even one that hangs in a parser."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        multiprocessing.connection.wait([parent.sentinel])
        os._exit(1)


def read_part(source: Source, part: Part, folder: Path) -> ReadSummary:
    """Reads a part in this process into `<folder>/<kind>-00000.parquet` …; rows dropped go to `rejected-…`."""
    report = ReadReport()
    writer = _ShardWriter(folder)
    for batch in source.read(part, report):
        writer.add(batch)
    return writer.close(report)


class _ShardWriter:
    """Gathers batches into shards of bounded size, kept rows and dropped rows apart."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._held: dict[tuple[str, bool], list[pl.DataFrame]] = {}
        self._sizes: dict[tuple[str, bool], tuple[int, int]] = {}
        self._written: dict[tuple[str, bool], list[tuple[str, str, int]]] = {}
        self._dropped: dict[tuple[str, str], int] = {}

    def add(self, batch: Batch) -> None:
        kept = pl.col("drop_reason").is_null()
        for is_kept, frame in ((True, batch.frame.filter(kept)), (False, batch.frame.filter(~kept))):
            if frame.height:
                self._hold((batch.kind, is_kept), frame)
            if not is_kept:
                for reason, n in frame.group_by("drop_reason").len().iter_rows():
                    at = (batch.kind, reason)
                    self._dropped[at] = self._dropped.get(at, 0) + n

    def _hold(self, at: tuple[str, bool], frame: pl.DataFrame) -> None:
        self._held.setdefault(at, []).append(frame)
        rows, size = self._sizes.get(at, (0, 0))
        self._sizes[at] = rows + frame.height, size + int(frame.estimated_size())
        if self._sizes[at][0] >= SHARD_ROWS or self._sizes[at][1] >= SHARD_CHARS:
            self._flush(at)

    def _flush(self, at: tuple[str, bool]) -> None:
        frames = self._held.pop(at, [])
        if frames:
            kind, is_kept = at
            done = self._written.setdefault(at, [])
            name = f"{'' if is_kept else 'rejected-'}{kind}-{len(done):05d}.parquet"
            frame = pl.concat(frames)
            write_shard_file(frame, self._folder / name)
            done.append((kind, name, frame.height))
            self._sizes[at] = (0, 0)

    def close(self, report: ReadReport) -> ReadSummary:
        for at in list(self._held):
            self._flush(at)
        ordered = sorted(self._written.items())
        return ReadSummary(
            shards=[s for (_, kept), written in ordered if kept for s in written],
            rejects=[s for (_, kept), written in ordered if not kept for s in written],
            dropped=[(kind, reason, n) for (kind, reason), n in sorted(self._dropped.items())],
            report=asdict(report),
        )
