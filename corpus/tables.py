"""The Parquet files of a version, written by tasks: views, what their evidence points at, and the rejects.

Files are zstd with content-defined chunking, so that a small change of the corpus uploads little.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import polars as pl
import pyarrow.parquet as pq

from pipelines.base import with_canonical_text
from pipelines.tasks import read_shard
from pipelines.workspace import Result, Shard
from schemas.arrow import arrow_schema, scan_rows
from schemas.fingerprints import code_fingerprint, fingerprint
from schemas.records import PAEDIATRIC_TASKS, SCHEMAS, SPLITS
from schemas.views import VIEW_SCHEMAS, view_rows

ROWS_PER_FILE = 200_000
ROW_GROUP_ROWS = 5_000
IDS_AT_ONCE = 1_000_000
"""Ids that are looked up together; more are taken in turns, so that memory stays flat."""


def id_partition(n: int) -> pl.Expr:
    """Which of `n` parts a `record_id` falls into: ids are hashes, so their digits spread evenly."""
    return pl.col("record_id").str.slice(1, 4).str.to_integer(base=16) % n


class _Writer:
    """Appends frames to `<stem>-00000.parquet` …, a new file every `ROWS_PER_FILE` rows; memory stays flat."""

    def __init__(self, folder: Path, stem: str, schema: dict[str, Any]) -> None:
        self._folder, self._stem = folder, stem
        self._schema = arrow_schema(schema, large=False)
        self._open: pq.ParquetWriter | None = None
        self._held: list[pl.DataFrame] = []
        self._n_held = 0
        self.rows: list[int] = []

    def add(self, frame: pl.DataFrame) -> None:
        if not frame.height:
            return
        self._held.append(frame)
        self._n_held += frame.height
        if self._n_held >= ROW_GROUP_ROWS:
            self._flush()

    def _flush(self) -> None:
        if not self._held:
            return
        frame, self._held, self._n_held = pl.concat(self._held), [], 0
        if self._open is None or self.rows[-1] >= ROWS_PER_FILE:
            self._close_file()
            path = self._folder / f"{self._stem}-{len(self.rows):05d}.parquet"
            self._open = pq.ParquetWriter(path, self._schema, compression="zstd", use_content_defined_chunking=True)
            self.rows.append(0)
        self._open.write_table(frame.to_arrow().cast(self._schema), row_group_size=ROW_GROUP_ROWS)
        self.rows[-1] += frame.height

    def _close_file(self) -> None:
        if self._open is not None:
            self._open.close()
            self._open = None

    def close(self) -> list[tuple[str, int]]:
        """`(file name, rows)` of what was written."""
        self._flush()
        self._close_file()
        return [(f"{self._stem}-{i:05d}.parquet", n) for i, n in enumerate(self.rows)]


def _numbered(prefix: str, written: list[tuple[str, int]], stem: str) -> list[str]:
    """Where the files go in the version: `data/sft/train-00000-of-00002.parquet`."""
    return [f"{prefix}/{stem}-{i:05d}-of-{len(written):05d}.parquet" for i in range(len(written))]


def _key(*what: Any) -> str:
    return fingerprint([*what, code_fingerprint("schemas", "pipelines", "corpus.tables")])


@dataclass(frozen=True)
class ViewTask:
    """Writes one view, a file or more a split, and the ids that its evidence points at."""

    root: str
    view: str
    tasks: tuple[str, ...] | None
    eval_sources: tuple[str, ...]
    shards: tuple[Shard, ...]

    @property
    def key(self) -> str:
        return _key("view", self.view, self.tasks, self.eval_sources, [s.key for s in self.shards])

    def run(self, folder: Path) -> Result:
        """The view's files; in the report their places, and rows by task and licence."""
        schema = VIEW_SCHEMAS[self.view]
        writers = {split: _Writer(folder, split, schema) for split in SPLITS}
        tally = _Tally()
        ids = _Writer(folder, "referenced", {"record_id": pl.String})
        for shard in self.shards:
            frame = self._members(read_shard(shard))
            tally.add(frame)
            if "evidence" in frame.columns:
                pointed_at = frame["evidence"].explode(empty_as_null=False).struct.field("record_id")
                ids.add(pl.DataFrame({"record_id": pointed_at.drop_nulls().unique(maintain_order=True)}))
            # Without `assign_splits` nothing is held back: what has no split is trained on.
            rows = view_rows(self.view, frame).with_columns(frame["split"].fill_null("train"))
            for split, writer in writers.items():
                writer.add(rows.filter(pl.col("split") == split).drop("split"))
        return self._result(folder, writers, tally, ids)

    def _members(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The rows that belong to this view."""
        from_eval = pl.col("source_id").is_in(self.eval_sources)
        if self.view == "eval":
            is_task = pl.col("task").is_in(PAEDIATRIC_TASKS)
            return frame.filter((pl.col("split") == "test") & (is_task | from_eval))
        if self.tasks is not None:
            frame = frame.filter(pl.col("task").is_in(self.tasks))
        if self.view == "psft":
            # Of general rows only the medical ones: what the LoRA experts are to be general about is medicine.
            frame = frame.filter(pl.col("task").is_in(PAEDIATRIC_TASKS) | pl.coalesce("domain", "topic").ne("general"))
        return frame.filter(~from_eval)

    def _result(self, folder: Path, writers: dict[str, _Writer], tally: _Tally, ids: _Writer) -> Result:
        result = Result(report={"view": self.view, "paths": [], "tasks": tally.tasks, "licenses": tally.licenses})
        for split, writer in writers.items():
            written = writer.close()
            result.report["paths"] += _numbered(f"data/{self.view}", written, split)
            for name, n in written:
                result.shards.append(Shard(self.view, str(folder / name), f"{self.key}-{name}", n))
        for name, n in ids.close():
            result.rejects.append(("referenced", Shard("ids", str(folder / name), f"{self.key}-{name}", n)))
        return result


@dataclass
class _Tally:
    tasks: dict[str, int] = field(default_factory=dict)
    licenses: dict[str, int] = field(default_factory=dict)

    def add(self, frame: pl.DataFrame) -> None:
        for column, into in (("task", self.tasks), ("license", self.licenses)):
            for value, n in frame.filter(pl.col(column).is_not_null()).group_by(column).len().sort(column).iter_rows():
                into[value] = into.get(value, 0) + n


@dataclass(frozen=True)
class ProvenanceTask:
    """Writes the source records of one kind that some evidence points at, with the text that spans count in."""

    root: str
    kind: str
    shards: tuple[Shard, ...]
    referenced: tuple[Shard, ...]

    @property
    def key(self) -> str:
        return _key("provenance", self.kind, [s.key for s in self.shards], [s.key for s in self.referenced])

    def run(self, folder: Path) -> Result:
        """The records; the report has their places."""
        writer = _Writer(folder, self.kind, {**SCHEMAS[self.kind], "canonical": pl.String})
        n = max(1, -(-sum(s.n_rows for s in self.referenced) // IDS_AT_ONCE))
        for number in range(n):
            mine = id_partition(n) == number
            empty = pl.LazyFrame(schema={"record_id": pl.String})
            ids = pl.concat([empty, *(scan_rows(s.path).filter(mine) for s in self.referenced)])
            wanted = ids.unique().collect()
            for shard in self.shards:
                frame = read_shard(shard).filter(mine).join(wanted, on="record_id", how="semi", maintain_order="left")
                writer.add(with_canonical_text(self.kind, frame))
        written = writer.close()
        shards = [Shard(self.kind, str(folder / name), f"{self.key}-{name}", n) for name, n in written]
        return Result(shards, report={"paths": _numbered("provenance", written, self.kind)})


REJECTED: dict[str, Any] = {
    "record_id": pl.String,
    "kind": pl.String,
    "drop_reason": pl.String,
    "drop_detail": pl.String,
    "source_id": pl.String,
    "part": pl.String,
    "locator": pl.String,
    "license": pl.String,
    "record": pl.String,
}
"""Columns of `rejected/<stage>.parquet`; `record` is the rest of the record as JSON."""


@dataclass(frozen=True)
class RejectsTask:
    """Writes what one stage dropped, whole, with the reasons."""

    root: str
    stage: str
    shards: tuple[Shard, ...]

    @property
    def key(self) -> str:
        return _key("rejects", self.stage, [s.key for s in self.shards])

    def run(self, folder: Path) -> Result:
        """One file; the report has its place."""
        writer = _Writer(folder, self.stage, REJECTED)
        for shard in self.shards:
            writer.add(_rejected(shard.kind, read_shard(shard)))
        written = writer.close()
        shards = [Shard("rejected", str(folder / name), f"{self.key}-{name}", n) for name, n in written]
        paths = [f"rejected/{self.stage}.parquet"] if len(written) == 1 else _numbered("rejected", written, self.stage)
        return Result(shards, report={"paths": paths})


def _rejected(kind: str, frame: pl.DataFrame) -> pl.DataFrame:
    rest = [c for c in frame.columns if c not in REJECTED]
    records = [orjson.dumps(row).decode() for row in frame.select(rest).iter_rows(named=True)]
    named = frame.with_columns(pl.lit(kind).alias("kind"), pl.Series("record", records, dtype=pl.String))
    return named.select(list(REJECTED))
