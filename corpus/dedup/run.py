"""A whole deduplication, from files to files."""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from corpus.dedup.fold import Columns, FoldTask, prepared_chunks
from corpus.dedup.inputs import ConvertTask, Input, Table, checked_columns, find_inputs, open_table, parquet, unchanged
from corpus.dedup.outputs import REJECTED, Output, write_rows
from corpus.progress import Progress
from pipelines.engine import Engine, ThreadEngine, make_engine, n_cores
from pipelines.near.settings import Near
from pipelines.near.tasks import BYTES_PER_CHAR, CHARS_PER_PARTITION, n_partitions, resolve
from pipelines.workspace import Result, Task, run_task, sweep_unfinished
from schemas.errors import InputError
from schemas.fingerprints import fingerprint

_BASE_MB: Final = 300
"""What the libraries take before there is any text."""
LARGEST = 5
"""Clusters that the summary names."""


@dataclass(frozen=True)
class Request:
    """What a user asks for.

    Attributes:
        files: Tables, or folders of them; a row of an earlier one is preferred.
        texts: Columns to compare; of several each must be similar.
        record_id: The column of ids; None: `record_id` or `id` where every table has it, else file and row.
        out: The folder to write to.
        near: What near-duplicates are.
        memory_mb: What the work may take, about; more partitions where it is little.
        force: Whether results in that folder may be replaced.
    """

    files: tuple[Path, ...]
    texts: tuple[str, ...]
    record_id: str | None
    out: Path
    near: Near
    memory_mb: int = 1_000
    force: bool = False

    def chars_at_once(self, workers: int) -> int:
        """Characters of text to a task."""
        share = (self.memory_mb - _BASE_MB) * 1_000_000 // workers
        return min(CHARS_PER_PARTITION, max(1_000_000, share // BYTES_PER_CHAR))


def run(request: Request, kind: str, workers: int | None, address: str | None, progress: Progress) -> dict[str, Any]:
    """`dedup` on an engine that is made for it: threads of this process, or a Ray cluster.

    Raises:
        InputError: a file is not there, or the folder holds results, or another run is under way in it.
        EngineUnavailable: Ray is not installed, does not start, or a node cannot work for us.
    """
    output, inputs = Output(request.out, request.force), find_inputs(request.files, request.out)
    with output.locked():
        sweep_unfinished(str(output.work))
        if kind == "local":
            engine: Engine = ThreadEngine(workers or n_cores())
        else:
            folders = tuple(dict.fromkeys(i.path.parent for i in inputs))
            engine = make_engine(kind, workers, output.work.absolute(), address=address, folders=folders)
        try:
            return dedup(request, output, inputs, engine, workers or n_cores(), progress)
        finally:
            engine.close()


def dedup(
    request: Request, output: Output, inputs: Sequence[Input], engine: Engine, workers: int, progress: Progress
) -> dict[str, Any]:
    """Writes `kept.parquet`, `removed.parquet` and `summary.json`; returns the summary.

    Killed at any moment, the same call goes on from where it was; `OUT/.work` is what it goes on from.

    Raises:
        InputError: a column is not there, or a file is not what it should be.
    """
    began = time.perf_counter()
    runner = _Runner(engine, str(output.work.absolute()), progress, request.chars_at_once(workers))
    with unchanged(inputs):
        tables, rejected = runner.tables(inputs)
        columns = Columns(request.texts, checked_columns(tables, request.texts, request.record_id))
        folded = runner.fold(tables, columns, request.near)
        removed = runner.removed(folded, request.near)
        folder = output.begin()
        progress.begin("write", sum(t.n_batches for t in tables))
        write_rows(folder, tables, removed, request.texts, progress.advance)
    if rejected.num_rows:
        pq.write_table(rejected, folder / REJECTED)
    summary = _summary(request, tables, columns, folded, removed, rejected.num_rows)
    output.finish(summary)
    shutil.rmtree(output.work)
    return {**summary, "seconds": round(time.perf_counter() - began, 2)}


class _Runner:
    """Takes files through the steps."""

    def __init__(self, engine: Engine, root: str, progress: Progress, chars_at_once: int) -> None:
        self._engine, self._root, self._progress, self._at_once = engine, root, progress, chars_at_once

    def run(self, step: str, tasks: Sequence[Task]) -> list[Result]:
        """The results of a step's tasks, in their order."""
        if not tasks:
            return []
        self._progress.begin(step, len(tasks))
        results: list[Result | None] = [None] * len(tasks)
        for index, result in self._engine.map(run_task, tasks):
            results[index] = result
            self._progress.advance()
        return [r for r in results if r is not None]

    def tables(self, inputs: Sequence[Input]) -> tuple[list[Table], pa.Table]:
        """Every input as Parquet, and what of it could not be read as rows."""
        others = [i for i in inputs if i.path.suffix.lower() != ".parquet"]
        converted = dict(zip(others, self.run("read", [ConvertTask(self._root, i) for i in others]), strict=True))
        refused = [r.report["refused"] for r in converted.values() if "refused" in r.report]
        if refused:
            raise InputError(refused)
        rejected = [pq.read_table(r.shards[1].path) for r in converted.values()]
        tables = []
        for source in inputs:
            if source in converted:
                shard = converted[source].shards[0]
                tables.append(open_table(source, shard.path, shard.key))
            else:
                tables.append(open_table(source, str(source.path), fingerprint(source.identity)))
        return tables, pa.concat_tables(rejected) if rejected else pa.table({})

    def fold(self, tables: Sequence[Table], columns: Columns, near: Near) -> list[Result]:
        """The folded texts of every row group of every table."""
        n_bytes = sum(_text_bytes(table, columns.texts) for table in tables)
        n = n_partitions(n_bytes // 3, self._at_once) if near.guard else 1
        tasks: list[Task] = []
        for rank, table in enumerate(tables):
            first = 0
            for group, n_rows in enumerate(table.row_groups):
                tasks.append(FoldTask(self._root, table, group, first, rank, columns, near, n))
                first += n_rows
        return self.run("fold", tasks)

    def removed(self, folded: Sequence[Result], near: Near) -> pl.DataFrame:
        """Rows to remove, by their number over all tables."""
        chunks = prepared_chunks(list(folded))
        decided = resolve(lambda tasks: self.run("compare", tasks), self._root, near, "dedup", chunks, self._at_once)
        sizes = [shard.n_rows for result in folded for shard in result.shards]
        places = {"shard": range(len(sizes)), "first": [0, *sizes][: len(sizes)]}
        firsts = pl.DataFrame(places, schema={"shard": pl.Int32, "first": pl.Int64})
        firsts = firsts.with_columns(pl.col("first").cum_sum())
        wanted = ("shard", "row", "record_id", "keeper_id", "similarity", "rule")
        frames = [pl.read_parquet(r.shards[0].path, columns=list(wanted), glob=False) for r in decided]
        if not frames:
            return pl.DataFrame(schema=dict.fromkeys(("row", *wanted[2:]), pl.String)).with_columns(row=pl.lit(0))
        rows = pl.concat(frames).join(firsts, on="shard").with_columns((pl.col("row") + pl.col("first")).alias("row"))
        return rows.sort("row").drop("shard", "first")


def _text_bytes(table: Table, texts: Sequence[str]) -> int:
    """Bytes of the text columns, unpacked."""
    with parquet(table.path) as file:
        meta, total = file.metadata, 0
        for g in range(meta.num_row_groups):
            group = meta.row_group(g)
            columns = (group.column(c) for c in range(group.num_columns))
            total += sum(c.total_uncompressed_size for c in columns if c.path_in_schema in texts)
        return total


def _summary(
    request: Request, tables: Sequence[Table], columns: Columns, folded: Sequence[Result], removed: pl.DataFrame,
    n_rejected: int,
) -> dict[str, Any]:  # fmt: skip
    n_rows = sum(sum(t.row_groups) for t in tables)
    largest = removed.group_by("keeper_id").len().sort(["len", "keeper_id"], descending=[True, False]).head(LARGEST)
    return {
        "files": [{"file": t.source.name, "rows": sum(t.row_groups)} for t in tables],
        "text_columns": list(columns.texts),
        "id_column": columns.record_id,
        "settings": request.near.settings(),
        "records": n_rows,
        "kept": n_rows - removed.height,
        "removed": dict(removed["rule"].value_counts().sort("rule").iter_rows()),
        "without_text": sum(r.report["n_empty"] for r in folded),
        "rejected": n_rejected,
        "largest_clusters": [{"keeper_id": k, "removed": n} for k, n in largest.iter_rows()],
    }
