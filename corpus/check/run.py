"""Chunks of a file over processes; results in the file's order, and never more of it in memory than is being worked on.

The output does not depend on the number of workers. Files appear under their names when all is done.
"""

from __future__ import annotations

import multiprocessing
import os
import shutil
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any, BinaryIO, Final, Protocol

import orjson

from corpus.check.inputs import Chunk, Entry, chunks, count_entries
from corpus.check.records import Record, record_of, values_of
from corpus.check.summary import Tally
from corpus.progress import Progress
from pipelines.check.answers import Unfit
from pipelines.check.review import EvidenceSpan, Finding, Judge, Review, review
from pipelines.engine import WorkerLost, call_in_worker, end_with_parent, interrupts_held
from schemas.errors import InputError

PROBABILITY_DIGITS: Final = 4
_AHEAD: Final = 3
"""Chunks under way for each worker."""


@dataclass(frozen=True)
class Request:
    """What is to be done.

    Attributes:
        file: The records.
        out: The verdicts, a line a record.
        judge: Gives the verdict on a case; travels to the workers.
        workers: Processes; 1 is this one.
    """

    file: Path
    out: Path
    judge: Judge
    workers: int = 1

    @property
    def refused(self) -> Path:
        """Where lines go that are no records."""
        return self.out.with_name(f"{self.out.stem}.refused.jsonl")


class Teacher(Protocol):
    """Is asked about what is held back."""

    def verdicts(self, held: Iterator[tuple[int, Record]], judge: Judge, progress: Progress) -> dict[int, bytes]: ...


@dataclass
class Checked:
    """What came of a chunk."""

    lines: list[bytes] = field(default_factory=list)
    refused: bytes = b""
    tally: Tally = field(default_factory=Tally)
    held: list[tuple[int, Record]] = field(default_factory=list)
    """Number among `lines` and record of what is held back, where it will be asked about."""


@dataclass(frozen=True)
class Work:
    """A chunk and who judges it."""

    chunk: Chunk
    judge: Judge
    keeps_held: bool = False


def check_file(request: Request, progress: Progress, teacher: Teacher | None = None) -> Tally:
    """Checks a file.

    Args:
        request: What is to be done.
        progress: Told how far it is.
        teacher: Is asked about what is held back; None: it stays so.

    Raises:
        InputError: it is not there, is no table, or is the output.
    """
    _refuse_paths(request)
    progress.begin("check", count_entries(request.file))
    total = Tally()
    with ExitStack() as stack:
        out = stack.enter_context(Appearing(request.out))
        refused = stack.enter_context(Appearing(request.refused, only_if_filled=True))
        held = stack.enter_context(TemporaryFile()) if teacher else None
        work = (Work(chunk, request.judge, teacher is not None) for chunk in chunks(request.file))
        n_lines = 0
        for checked in in_order(check_chunk, work, request.workers):
            out.writelines(checked.lines)
            refused.write(checked.refused)
            if held:
                held.writelines(orjson.dumps([n_lines + at, *record]) + b"\n" for at, record in checked.held)
            n_lines += len(checked.lines)
            total.merge(checked.tally)
            progress.advance(checked.tally.n_records)
        if teacher and held:
            _ask(teacher, request, held, out, total, progress)
    return total


def _ask(teacher: Teacher, request: Request, held: IO[bytes], out: BinaryIO, total: Tally, progress: Progress) -> None:
    """Puts what the teacher says in the place of what was held back, and counts anew."""
    progress.begin("ask", total.verdicts["quarantine"])
    said = teacher.verdicts(_held_records(held), request.judge, progress)
    total.forget_verdicts()
    out.seek(0)
    with TemporaryFile() as before:
        shutil.copyfileobj(out, before)
        out.seek(0)
        out.truncate()
        before.seek(0)
        for at, line in enumerate(before):
            line = said.get(at, line)
            out.write(line)
            total.add(orjson.loads(line))


def _held_records(held: IO[bytes]) -> Iterator[tuple[int, Record]]:
    held.seek(0)
    for line in held:
        at, *fields = orjson.loads(line)
        yield at, Record(*fields)


def check_chunk(work: Work) -> Checked:
    """The verdicts on a chunk's records."""
    checked, refused = Checked(), []
    for entry in work.chunk.entries:
        try:
            record = record_of(values_of(entry), entry.locator)
            line = line_of(record, review(record.messages, record.evidence, work.judge))
        except Unfit as unfit:
            bad = _refused_line(entry, unfit)
            refused.append(orjson.dumps(bad) + b"\n")
            checked.tally.refuse(bad)
            continue
        if line["verdict"] == "quarantine" and work.keeps_held:
            checked.held.append((len(checked.lines), record))
        checked.lines.append(orjson.dumps(line) + b"\n")
        checked.tally.add(line)
    checked.refused = b"".join(refused)
    return checked


def line_of(record: Record, found: Review) -> dict[str, Any]:
    """A record's line of the output."""
    return {
        "id": record.id,
        "verdict": found.verdict,
        "probability": round(found.probability, PROBABILITY_DIGITS),
        "findings": [finding_data(f, record.is_conversation) for f in found.findings],
    }


def finding_data(finding: Finding, names_message: bool) -> dict[str, Any]:
    """A finding for programs; in conversations with the number of its message."""
    return {
        "check": finding.check,
        "kind": finding.kind,
        "severity": finding.severity,
        **({"message": finding.message} if names_message else {}),
        "answer_span": finding.answer._asdict(),
        "evidence_span": _evidence_data(finding.evidence) if finding.evidence else None,
        "says": finding.says,
    }


def _evidence_data(span: EvidenceSpan) -> dict[str, Any]:
    return {"index": span.source, "start": span.start, "end": span.end, "text": span.text}


def _refused_line(entry: Entry, unfit: Unfit) -> dict[str, Any]:
    beginning = entry.raw[:200].decode("utf-8", "replace").replace("\0", "")
    return {"locator": entry.locator, "reason": unfit.reason, "detail": unfit.detail, "line": beginning.strip()}


def in_order(function: Callable[[Work], Checked], work: Iterator[Work], n_workers: int) -> Iterator[Checked]:
    """`function` over `work`, results in its order; a worker that dies ends it.

    Raises:
        WorkerLost: a process died, most likely for want of memory.
    """
    if n_workers <= 1:
        yield from map(function, work)
        return
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(n_workers, mp_context=context, initializer=end_with_parent)
    waiting: deque[Future[Checked]] = deque()
    try:
        for item in work:
            with interrupts_held():  # the first one starts the workers
                waiting.append(pool.submit(call_in_worker, function, item))
            if len(waiting) >= _AHEAD * n_workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    except BrokenProcessPool:
        raise WorkerLost(
            "A worker process died, most likely for want of memory. Run the same again with fewer `--workers`."
        ) from None
    finally:
        for future in waiting:
            future.cancel()
        pool.shutdown(wait=True, cancel_futures=True)


class Appearing:
    """A file that is there under its name when it is whole, and not at all otherwise."""

    def __init__(self, path: Path, only_if_filled: bool = False) -> None:
        self._path, self._only_if_filled = path, only_if_filled
        self._part = path.with_name(f".{path.name}.{os.getpid()}.part")
        self._file: BinaryIO | None = None

    def __enter__(self) -> BinaryIO:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self._part.open("w+b")
        except OSError as error:
            raise InputError([f"{self._path}: cannot be written ({error.strerror}). Name another file."]) from None
        return self._file

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        assert self._file is not None
        is_empty = self._file.tell() == 0
        self._file.close()
        if kind is not None:
            self._part.unlink()
        elif is_empty and self._only_if_filled:
            self._part.unlink()
            self._path.unlink(missing_ok=True)  # of an earlier run
        else:
            self._part.replace(self._path)


def _refuse_paths(request: Request) -> None:
    problems = []
    if request.file.is_dir():
        problems.append(f"{request.file}: a folder. Name a file of records; a folder of texts is for --train.")
    elif not request.file.is_file():
        problems.append(f"{request.file}: no such file. Check the path.")
    elif request.file.resolve() in (request.out.resolve(), request.refused.resolve()):
        problems.append(f"{request.file}: the results would be written over it. Name another --out.")
    if request.out.is_dir():
        problems.append(f"{request.out} is a folder. Name a file, such as {request.out / 'verdicts.jsonl'}.")
    problems += unwritable({"--out": request.out, "its refused lines": request.refused}, {})
    if problems:
        raise InputError(problems)


def unwritable(written: Mapping[str, Path], read: Mapping[str, Path]) -> list[str]:
    """Why a command's files cannot be written: what is no plain file, and what is named twice.

    Args:
        written: The files to be written, by option.
        read: The files that are read besides.
    """
    problems = []
    places: dict[Path, str] = {path.resolve(): name for name, path in read.items()}
    for name, path in written.items():
        if path.exists() and not path.is_file() and not path.is_dir():
            problems.append(f"{name} {path}: a device or a pipe, which would be replaced. Name a file.")
        if path.resolve() in places:
            problems.append(f"{name} {path}: the same as {places[path.resolve()]}. Name another file.")
        places[path.resolve()] = name
    return problems
