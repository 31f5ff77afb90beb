"""Benchmark files: found and checked when the plan is made, read into texts when the build runs."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

from corpus.config import Config
from corpus.reading import PartChanged
from pipelines.base import RunTasks, Stage
from pipelines.drop_contaminated import Benchmark, BenchmarkFile, DropContaminated
from pipelines.overlap_items import benchmark_items
from pipelines.tasks import write_shard
from pipelines.workspace import Result, finished
from schemas.errors import ConfigError, PartRefused
from schemas.fingerprints import code_fingerprint, fingerprint, sha256_file
from schemas.settings import did_you_mean
from sources.base import ReadReport
from sources.mapping import follow, path_of
from sources.parts import list_parts
from sources.plain import Plain
from sources.rows import Row, excerpt
from sources.tables import read_table

S = TypeVar("S", bound=Stage)

_SKIP: Final = re.compile(r"(?:list it under [`']skip:[`']|skip it)")
_WHERE: Final = "stages.drop_contaminated.benchmarks"


@dataclass(frozen=True)
class BenchmarkTask:
    """Reads one benchmark file into texts."""

    root: str
    file: BenchmarkFile

    @property
    def key(self) -> str:
        file = [self.file.path, self.file.sha256, self.file.columns, self.file.encoding]
        return fingerprint(
            ["benchmark", file, code_fingerprint("schemas", "sources", "pipelines", "corpus.benchmarks")]
        )

    def run(self, folder: Path) -> Result:
        """One shard of `overlap_items.ITEMS`; a row that cannot be read has empty texts, and is counted so.

        Raises:
            PartChanged: the file is not what the plan saw.
            PartRefused: it cannot be read.
        """
        columns = self.file.columns
        rows = [(row.locator, [_text_at(row, column) for column in columns]) for row in _rows(self.file)]
        if sha256_file(Path(self.file.location)) != self.file.sha256:
            raise PartChanged(f"{self.file.location} changed while it was read. Let it rest, and run the same again.")
        items = benchmark_items(self.file.path, columns, rows)
        return Result([write_shard(folder, "items", "items", self.key, items)])


def with_benchmarks(config: Config) -> Config:
    """The configuration with the files of its benchmarks.

    Raises:
        ConfigError: a file is missing or cannot be read, or a column is; with every problem found.
    """
    ours = (config.store_root, *([config.file] if config.file else []))

    def ready(stage: Stage) -> Stage:
        if not isinstance(stage, DropContaminated):
            return stage
        return with_files(stage, config.base, ours, str(config.store / "work"))

    return dataclasses.replace(config, stages=tuple(map(ready, config.stages)))


def with_files(stage: DropContaminated, base: Path, leave_out: Iterable[Path], root: str) -> DropContaminated:
    """The stage with the files of its benchmarks, each of which can be read and has the columns.

    Args:
        stage: As configured.
        base: The configuration's folder.
        leave_out: Files and folders that are ours.
        root: The workspace: what an earlier build has read is not checked again.

    Raises:
        ConfigError: with every problem found.
    """
    files: dict[str, BenchmarkFile] = {}
    problems: list[str] = []
    for number, benchmark in enumerate(stage.benchmarks):
        where = f"{_WHERE}[{number}]"
        for file in _files(benchmark, where, base, leave_out, problems):
            if file.path in files:
                problems.append(f"{where}.path: {file.path} is named twice. Name all its columns in one place.")
                continue
            files[file.path] = file
            if not finished(root, BenchmarkTask(root, file).key):
                problems.extend(f"{where}: {file.path} {problem}" for problem in _faults(file))
    if problems:
        raise ConfigError(problems)
    return dataclasses.replace(stage, files=tuple(files[path] for path in sorted(files)))


def with_items(stage: S, run: RunTasks, root: str) -> S:
    """The stage with the texts of its benchmarks, if it has any."""
    if not isinstance(stage, DropContaminated) or not stage.files:
        return stage
    results = run([BenchmarkTask(root, file) for file in stage.files])
    return dataclasses.replace(stage, items=tuple(r.shards[0] for r in results))


def _files(
    benchmark: Benchmark, where: str, base: Path, leave_out: Iterable[Path], problems: list[str]
) -> Iterator[BenchmarkFile]:
    try:
        parts, refusals = list_parts(Plain("benchmark", path=(benchmark.path,)), base, tuple(leave_out))
    except ConfigError as error:
        problems.extend(f"{where}{p.removeprefix('sources.benchmark')}" for p in error.problems)
        return
    problems.extend(f"{where}: {_advised(r.detail.removeprefix('sources.benchmark: '))}" for r in refusals)
    if not parts and not refusals:
        problems.append(
            f"{where}.path: `{benchmark.path}` is an empty folder. Put the benchmark there, or leave it out."
        )
    for part in parts:
        if Path(part.location).is_dir():
            problems.append(f"{where}.path: {part.path} is a saved data set. Export it to Parquet, and name that file.")
            continue
        yield BenchmarkFile(part.path, part.sha256, benchmark.columns, benchmark.encoding, part.location)


def _rows(file: BenchmarkFile) -> Iterator[Row]:
    known = frozenset(column.lower() for column in file.columns)
    return read_table(Path(file.location), ReadReport(), file.encoding, known)


def _faults(file: BenchmarkFile) -> Iterator[str]:
    """What keeps the file from being compared with anything."""
    there: dict[str, None] = {}
    filled: set[str] = set()
    problem, n_rows, n_read = "", 0, 0
    try:
        for row in _rows(file):
            n_rows += 1
            if row.problem and not row.values:
                problem = problem or f"{row.locator}, {row.problem}: {row.raw[:60]}"
                continue
            n_read += 1
            there.update(dict.fromkeys(row.values))
            filled.update(c for c in file.columns if c not in filled and _text_at(row, c))
    except PartRefused as refused:
        yield f"cannot be read: {_advised(refused.detail)}"
        return
    except OSError as error:
        yield f"cannot be read ({error.strerror}). Mend it, or leave it out."
        return
    if not n_rows:
        yield "has no rows. Fill it, or leave it out."
    elif not n_read:
        yield f"has no row that can be read ({problem}). Mend it, or leave it out."
    else:
        for column in file.columns:
            if path_of(column, there) is None:
                yield f"has no column `{excerpt(column)}`.{did_you_mean(column, list(there)[:50])}"
            elif column not in filled:
                yield f"has nothing in column `{column}`, in all {n_read} rows. Name another column."


def _advised(sentence: str) -> str:
    """What a reader says of a source's file, said of a benchmark's: those have no `skip:`."""
    return _SKIP.sub("leave it out", sentence)


def _text_at(row: Row, column: str) -> str:
    """The text in a column; of a list or an object (the options of a question) all texts in it."""
    path = path_of(column, row.values)
    return "\n".join(_texts(follow(row.values, path))) if path else ""


def _texts(value: Any) -> Iterator[str]:
    """The texts within a value, in order; without recursion, for it may be nested deeply."""
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            yield item
        elif isinstance(item, Mapping):
            waiting.extend(reversed(list(item.values())))
        elif isinstance(item, list | tuple):
            waiting.extend(reversed(item))
        elif item is not None and not isinstance(item, bool | bytes):
            yield str(item)
