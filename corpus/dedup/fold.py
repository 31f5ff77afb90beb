"""The texts of a row group, folded and cut into partitions for the comparison."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from corpus.dedup.inputs import Table
from pipelines.near.prepared import write_prepared
from pipelines.near.settings import FIELD, Near
from pipelines.near.tasks import Prepared
from pipelines.workspace import Result, Shard
from schemas.fingerprints import code_fingerprint, fingerprint

T = TypeVar("T")


@dataclass(frozen=True)
class Columns:
    """Which columns say what.

    Attributes:
        texts: Compared, each for itself.
        record_id: None: rows are named by file and number.
    """

    texts: tuple[str, ...]
    record_id: str | None


@dataclass(frozen=True)
class FoldTask:
    """Folds the rows of one row group, a file for each batch of them."""

    root: str
    table: Table
    row_group: int
    first_row: int
    """Number of its first row in the table, from 0."""
    rank: int
    columns: Columns
    near: Near
    n_partitions: int

    @property
    def key(self) -> str:
        what = [self.table.key, self.row_group, self.rank, self.columns.texts, self.columns.record_id]
        code = code_fingerprint("schemas", "pipelines", "corpus")
        return fingerprint(["fold", *what, self.near.guard, self.n_partitions, code])

    def run(self, folder: Path) -> Result:
        """One Arrow file a chunk; the report says how many characters each partition has in each."""
        shards, chars, n_empty, first_row = [], [], 0, self.first_row
        for number, batch in enumerate(ahead(self._batches())):
            path = folder / f"chunk-{number:05d}.arrow"
            records = self._records(batch, first_row)
            first_row += batch.num_rows
            written = write_prepared(path, records, self.n_partitions, self.near.guard)
            shards.append(Shard("prepared", str(path), f"{self.key}-{number}", written.n_rows))
            chars.append(list(written.chars))
            n_empty += written.n_empty
        return Result(shards, report={"chars": chars, "n_empty": n_empty})

    def _batches(self) -> Iterator[pa.RecordBatch]:
        own = [self.columns.record_id] if self.columns.record_id else []
        return self.table.batches(self.row_group, list(dict.fromkeys([*self.columns.texts, *own])))

    def _records(self, batch: pa.RecordBatch, first_row: int) -> pa.Table:
        n = batch.num_rows
        numbered = named_rows(batch, self.table.source.name, self.columns.record_id, first_row)
        return pa.table(
            {
                "record_id": numbered,
                "rank": pa.array(np.full(n, self.rank, np.int32)),
                "text": _joined([batch.column(name) for name in self.columns.texts]),
            }
        )


def named_rows(batch: pa.RecordBatch, file: str, record_id: str | None, first_row: int) -> pa.Array:
    """The id of each row: its own, or `FILE:NUMBER` counted from 1 where it has none."""
    own = None if record_id is None else batch.column(record_id).cast(pa.large_string())
    if own is not None and not own.null_count:
        return own
    places = pa.array(np.arange(first_row + 1, first_row + 1 + batch.num_rows)).cast(pa.large_string())
    by_place = pc.binary_join_element_wise(
        pa.scalar(file, pa.large_string()), places, pa.scalar(":", pa.large_string())
    )
    return by_place if own is None else pc.coalesce(own, by_place)


def _joined(columns: list[Any]) -> pa.Array:
    texts = [column.cast(pa.large_string()) for column in columns]
    # A separator that a text brings itself would make it another number of fields.
    clean = [pc.replace_substring(t, FIELD, " ") if _holds_separator(t) else t for t in texts]
    if len(clean) == 1:
        return clean[0]
    clean = [pc.fill_null(t, "") for t in clean]
    return pc.binary_join_element_wise(*clean, pa.scalar(FIELD, pa.large_string()))


def _holds_separator(texts: Any) -> bool:
    data = texts.buffers()[2]
    return data is not None and bool((np.frombuffer(data, np.uint8) == ord(FIELD)).any())


def ahead(items: Iterator[T]) -> Iterator[T]:
    """The same items, the next one being made by another thread while one is used."""
    with ThreadPoolExecutor(1) as pool:
        done = object()
        coming = pool.submit(next, items, done)
        while (item := coming.result()) is not done:
            coming = pool.submit(next, items, done)
            yield item  # type: ignore[misc]


def prepared_chunks(results: list[Result]) -> list[Prepared]:
    """The chunks of all tasks, in the order of the rows."""
    return [
        Prepared(shard.path, shard.key, tuple(chars))
        for result in results
        for shard, chars in zip(result.shards, result.report["chars"], strict=True)
    ]
