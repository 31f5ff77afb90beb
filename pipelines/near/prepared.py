"""Records ready for comparison, in files: one Arrow file a shard, one record batch in it a partition.

A record's partition comes from the hash of its strict facts, so that all it could be merged with lies in the same one.
A reader maps the file into memory and touches its own partition only.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.near.comparison import Compared, Units, compared, gather
from pipelines.near.settings import FIELD

_SCHEMA: Final = pa.schema(
    {
        "row": pa.uint32(),
        "record_id": pa.large_string(),
        "rank": pa.int32(),
        "context": pa.large_string(),
        "apart": pa.large_string(),
        "chars": pa.int64(),
        "facts": pa.uint64(),
        "texts": pa.uint64(),
        "units": pa.large_list(pa.uint16()),
    }
)
_FIELD_UNIT: Final = ord(FIELD)


@dataclass(frozen=True)
class Written:
    """What was put into a file.

    Attributes:
        n_rows: Records, those with nothing to compare among them.
        n_empty: Records with no character to compare; they are in no partition.
        chars: Characters a partition.
    """

    n_rows: int
    n_empty: int
    chars: tuple[int, ...]


def write_prepared(path: Path, records: pa.Table, n_partitions: int, by_facts: bool) -> Written:
    """Folds texts and writes them by partition.

    Args:
        path: The file.
        records: `record_id`, `rank`, `text`, and maybe `context` and `apart`, in the order of the shard's rows; a null
            counts as empty. Texts whose contexts (words with `|` between them) have nothing in common, though both
            have some, are no duplicates; nor are texts that `apart` gives one name.
        n_partitions: How many.
        by_facts: False: strict facts do not count, all records are of one group.
    """
    table = _folded(records, by_facts)
    chars = []
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, _SCHEMA) as writer:
        for part in _parted(table, n_partitions):
            writer.write_batch(part)
            chars.append(int(part.column("chars").to_numpy().sum()))
    return Written(records.num_rows, records.num_rows - table.num_rows, tuple(chars))


def _folded(records: pa.Table, by_facts: bool) -> pa.RecordBatch:
    """The rows that have something to compare, their texts folded."""
    rows = records.combine_chunks()
    text, context, apart = (_filled(rows, name) for name in ("text", "context", "apart"))
    folded = compared(text)
    chars = np.diff(folded.offsets)
    batch = pa.record_batch(
        [
            pa.array(np.arange(records.num_rows, dtype=np.uint32)),
            _whole(rows, "record_id"),
            rows["rank"].cast(pa.int32()).combine_chunks(),
            context,
            apart,
            pa.array(chars),
            pa.array(folded.facts if by_facts else np.zeros(len(folded), np.uint64)),
            pa.array(folded.texts),
            pa.LargeListArray.from_arrays(pa.array(folded.offsets), pa.array(folded.units)),
        ],
        schema=_SCHEMA,
    )
    empty = _without_letters(folded)
    return batch.filter(pa.array(~empty)) if empty.any() else batch


def _filled(rows: pa.Table, name: str) -> pa.Array:
    empty = pa.scalar("", pa.large_string())
    return pc.fill_null(_whole(rows, name), empty) if name in rows.schema.names else pa.repeat(empty, rows.num_rows)


def _whole(rows: pa.Table, name: str) -> pa.Array:
    column = rows[name].cast(pa.large_string())
    return column.chunk(0) if column.num_chunks == 1 else pa.concat_arrays(column.chunks or [pa.array([], column.type)])


def _without_letters(folded: Compared) -> Any:
    """Which texts hold nothing but field separators."""
    empty = np.diff(folded.offsets) == 0
    full = np.flatnonzero(~empty)
    for i in full[folded.units[folded.offsets[full]] == _FIELD_UNIT].tolist():
        empty[i] = bool((folded.units[folded.offsets[i] : folded.offsets[i + 1]] == _FIELD_UNIT).all())
    return empty


def _parted(table: pa.RecordBatch, n: int) -> Iterator[pa.RecordBatch]:
    if n == 1:
        yield table
        return
    partition = (table.column("facts").to_numpy() % np.uint64(n)).astype(np.uint16 if n < 1 << 16 else np.uint32)
    order = np.argsort(partition, kind="stable")
    ends = np.cumsum(np.bincount(partition, minlength=n))
    ordered = _taken(table, order)
    for begin, end in zip([0, *ends[:-1].tolist()], ends.tolist(), strict=True):
        yield ordered.slice(begin, end - begin)


def _taken(table: pa.RecordBatch, order: npt.NDArray[np.int64]) -> pa.RecordBatch:
    """The rows in that order; Arrow's own way copies lists element by element."""
    texts = table.column("units")
    offsets, units = texts.offsets.to_numpy(), texts.values.to_numpy()
    lengths = np.diff(offsets)[order]
    out, out_offsets = np.empty(int(lengths.sum()), np.uint16), np.zeros(len(order) + 1, np.int64)
    gather(units, offsets, order, out, out_offsets)
    others = table.drop_columns(["units"]).take(pa.array(order))
    return others.append_column("units", pa.LargeListArray.from_arrays(pa.array(out_offsets), pa.array(out)))


def read_partition(paths: Iterable[str], partition: int) -> tuple[pl.DataFrame, list[pa.RecordBatch]]:
    """One partition of many files: its columns but the texts, with the file's number as `shard`, and the batches."""
    frames: list[pl.DataFrame] = []
    batches: list[pa.RecordBatch] = []
    for shard, path in enumerate(paths):
        with pa.ipc.open_file(pa.memory_map(path)) as reader:
            batch = reader.get_batch(partition)
        if batch.num_rows:
            frame = pl.from_arrow(batch.drop_columns(["units"]))
            assert isinstance(frame, pl.DataFrame)
            at = pl.int_range(pl.len(), dtype=pl.Int64)
            frames.append(frame.with_columns(at=at, batch=pl.lit(len(batches)), shard=pl.lit(shard)))
            batches.append(batch)
    if not frames:
        empty = pl.from_arrow(_SCHEMA.empty_table().drop_columns(["units"]))
        assert isinstance(empty, pl.DataFrame)
        number = pl.lit(0).cast(pl.Int64)
        return empty.with_columns(at=number, batch=number.cast(pl.Int32), shard=number.cast(pl.Int32)), []
    return pl.concat(frames), batches


def gathered(batches: list[pa.RecordBatch], batch: Any, at: Any) -> tuple[Units, Any, Any]:
    """The texts of some rows in one buffer: units, and where each row's text begins and ends there."""
    starts, ends = np.zeros(len(at), np.int64), np.zeros(len(at), np.int64)
    pieces, used = [], 0
    for number, table in enumerate(batches):
        mine = np.flatnonzero(batch == number)
        if not len(mine):
            continue
        texts = table.column("units")
        offsets, order = texts.offsets.to_numpy(), at[mine]
        lengths = np.diff(offsets)[order]
        out, out_offsets = np.empty(int(lengths.sum()), np.uint16), np.zeros(len(order) + 1, np.int64)
        gather(texts.values.to_numpy(), offsets, order, out, out_offsets)
        starts[mine], ends[mine] = out_offsets[:-1] + used, out_offsets[1:] + used
        pieces.append(out)
        used += len(out)
    return (np.concatenate(pieces) if pieces else np.zeros(0, np.uint16)), starts, ends
