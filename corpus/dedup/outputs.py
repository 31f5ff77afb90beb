"""What a deduplication leaves: rows kept as they were, rows removed with their reasons, and what was not read."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from corpus.dedup.fold import ahead
from corpus.dedup.inputs import RESULTS, Table
from pipelines.workspace import sweep_unfinished
from schemas.errors import InputError, PedCorpusError

KEPT, REMOVED, SUMMARY, REJECTED = RESULTS
_GROUP_ROWS: Final = 131_072
_REMOVAL: Final = {"record_id": pa.string(), "keeper_id": pa.string(), "similarity": pa.float64(), "rule": pa.string()}


class Output:
    """A folder whose files appear when all of them are written, the summary last."""

    def __init__(self, folder: Path, force: bool) -> None:
        self.folder, self.work = folder, folder / ".work"
        if folder.exists() and not folder.is_dir():
            raise InputError([f"{folder}: is a file, and results are several. Name a folder with --out."])
        if (folder / SUMMARY).exists() and not force:
            raise InputError([f"{folder}: holds the results of an earlier run. Name another --out, or say --force."])
        others = [name for name in (KEPT, REMOVED, REJECTED) if (folder / name).exists()]
        if others and not self.work.exists() and not force:
            raise InputError([f"{folder}: holds {others[0]}, not of a run here. Name another --out, or say --force."])
        self._fresh = self.work / "out"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Holds the folder; the system lets go of it when the process ends, however it ends.

        Raises:
            InputError: another run is under way in it.
        """
        self.work.mkdir(parents=True, exist_ok=True)
        with (self.folder / ".lock").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                message = f"{self.folder}: another run is under way here. Wait for it, or name another --out."
                raise InputError([message]) from None
            try:
                yield
            except PedCorpusError:
                self._clear()
                raise
            finally:
                (self.folder / ".lock").unlink(missing_ok=True)

    def _clear(self) -> None:
        """Leaves nothing of a run that a mistake ended, but finished work and what others put there."""
        sweep_unfinished(str(self.work))
        (self.folder / ".lock").unlink()
        for folder in (self.work, self.folder):
            with suppress(OSError):
                folder.rmdir()

    def begin(self) -> Path:
        """An empty folder to write into."""
        self._fresh.mkdir(parents=True, exist_ok=True)
        for path in self._fresh.iterdir():
            path.unlink()
        return self._fresh

    def finish(self, summary: dict[str, Any]) -> None:
        """Puts the files in their place; the summary says that they are whole."""
        (self.folder / SUMMARY).unlink(missing_ok=True)
        (self.folder / REJECTED).unlink(missing_ok=True)
        for path in sorted(self._fresh.iterdir()):
            os.replace(path, self.folder / path.name)
        unfinished = self.work / SUMMARY
        unfinished.write_text(json.dumps(summary, ensure_ascii=False, indent=2) + "\n", "utf-8")
        os.replace(unfinished, self.folder / SUMMARY)


def write_rows(
    folder: Path, tables: Sequence[Table], removed: pl.DataFrame, text: Sequence[str], told: Callable[[], None]
) -> None:
    """Writes kept and removed rows, in the order of the input.

    Args:
        folder: Where.
        tables: The input.
        removed: `row` (number over all tables), `record_id`, `keeper_id`, `similarity`, `rule`, by row.
        text: Columns whose text a removed row shows.
        told: Called after each batch.
    """
    schema = _common_schema(tables)
    shown = {name: pa.large_string() for name in text if name not in _REMOVAL}
    removals = pa.schema({**_REMOVAL, "file": pa.string(), "row": pa.int64(), **shown})
    at, gone, place = 0, 0, removed["row"].to_numpy()
    with (
        pq.ParquetWriter(folder / KEPT, schema, compression="zstd", compression_level=1) as kept_file,
        pq.ParquetWriter(folder / REMOVED, removals, compression="zstd", compression_level=1) as removed_file,
    ):
        for table in tables:
            first = at
            for batch in ahead(_batches(table)):
                end = int(np.searchsorted(place, at + batch.num_rows))
                drops = place[gone:end] - at
                if len(drops):
                    columns = removed[gone:end].select(*_REMOVAL).to_arrow()
                    where = [pa.array([table.source.name] * len(drops)), pa.array(drops + (at - first) + 1)]
                    texts = [batch.column(name).take(pa.array(drops)) for name in shown]
                    arrays = [*columns.columns, *where, *texts]
                    rows = pa.table(arrays, names=removals.names).cast(removals)
                    removed_file.write_table(rows, row_group_size=_GROUP_ROWS)
                    mask = np.ones(batch.num_rows, np.bool_)
                    mask[drops] = False
                    batch_kept = batch.filter(pa.array(mask))
                else:
                    batch_kept = batch
                kept_file.write_table(_as(batch_kept, schema), row_group_size=_GROUP_ROWS)
                at, gone = at + batch.num_rows, end
                told()


def _batches(table: Table) -> Iterator[pa.RecordBatch]:
    for row_group in range(len(table.row_groups)):
        yield from table.batches(row_group)


def _common_schema(tables: Sequence[Table]) -> pa.Schema:
    """Columns of all tables, each with a type that holds every table's values.

    Raises:
        InputError: two tables give a column types that nothing holds.
    """
    schema = tables[0].schema.remove_metadata()
    for table in tables[1:]:
        try:
            schema = pa.unify_schemas([schema, table.schema.remove_metadata()], promote_options="permissive")
        except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
            raise InputError(
                [f"{table.source.name}: its columns do not fit those of the files before it ({error}). "
                 "Give a column one type in all files, or run them apart."]
            ) from None  # fmt: skip
    return schema


def _as(batch: pa.RecordBatch, schema: pa.Schema) -> pa.Table:
    if batch.schema.equals(schema):
        return pa.Table.from_batches([batch])
    names = set(batch.schema.names)
    columns = [
        batch.column(f.name).cast(f.type) if f.name in names else pa.nulls(batch.num_rows, f.type) for f in schema
    ]
    return pa.table(columns, schema=schema)
