"""The tasks that engines run: stages over shards, Parquet in and Parquet out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from pipelines.base import BatchStage, MakeStage, Stage
from pipelines.workspace import Count, Result, Shard
from schemas.arrow import read_rows, scan_rows, write_shard_file
from schemas.fingerprints import code_fingerprint, fingerprint

MIN_BUNDLE_ROWS, MAX_BUNDLE_ROWS = 500, 2_000
MAX_OUTPUT_ROWS = 8_000
"""Rows to a shard that a make stage writes; more than one shard where it makes more."""


def stage_fingerprint(stage: Stage) -> str:
    """The identity of what a stage does: its kind, its settings, and the code of the stages."""
    return fingerprint([stage.kind, stage.settings(), code_fingerprint("schemas", "pipelines")])


def read_shard(shard: Shard) -> pl.DataFrame:
    """The rows of a shard."""
    return read_rows(shard.path)


def write_shard(folder: Path, name: str, kind: str, key: str, frame: pl.DataFrame) -> Shard:
    """Writes rows of `kind` as `<folder>/<name>.parquet`."""
    path = folder / f"{name}.parquet"
    write_shard_file(frame, path)
    return Shard(kind, str(path), key, frame.height)


def bundles(shards: Sequence[Shard]) -> list[tuple[Shard, ...]]:
    """Neighbouring small shards together, so that a thousand small files do not cost a thousand fixed costs.

    A bundle ends at `MAX_BUNDLE_ROWS`, or from `MIN_BUNDLE_ROWS` on at a shard whose key says so: boundaries move
    with the content, and a new file changes the bundle that it falls into and no other.
    """
    made: list[tuple[Shard, ...]] = []
    held: list[Shard] = []
    n_rows = 0
    for shard in shards:
        if held and n_rows + shard.n_rows > MAX_BUNDLE_ROWS:
            made.append(tuple(held))
            held, n_rows = [], 0
        held.append(shard)
        n_rows += shard.n_rows
        if n_rows >= MIN_BUNDLE_ROWS and int(fingerprint(shard.key)[0], 16) < 4:
            made.append(tuple(held))
            held, n_rows = [], 0
    return [*made, tuple(held)] if held else made


@dataclass(frozen=True)
class BatchTask:
    """Applies a chain of batch stages to shards of one kind in one pass; they become one shard."""

    root: str
    stages: tuple[BatchStage, ...]
    shards: tuple[Shard, ...]

    @property
    def key(self) -> str:
        return fingerprint(["batch", [stage_fingerprint(s) for s in self.stages], [s.key for s in self.shards]])

    def run(self, folder: Path) -> Result:
        """Kept rows in one shard, each stage's drops in another, and the counts of each stage."""
        kind, result = self.shards[0].kind, Result()
        frame = pl.concat([read_shard(s) for s in self.shards])
        for stage in self.stages:
            frame, dropped_rows = _apply(stage, kind, frame)
            result.counts.append(_count(stage.kind, kind, frame, dropped_rows))
            _write_rejects(result, folder, stage.kind, kind, self.key, dropped_rows)
        if frame.height:
            result.shards.append(write_shard(folder, kind, kind, self.key, frame))
        return result


def _apply(stage: BatchStage, kind: str, frame: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Kept and dropped rows of a batch, the stage's promises checked."""
    after = stage.apply(kind, frame)
    if after.schema != frame.schema or after.height != frame.height:
        raise AssertionError(
            f"{stage.kind} must keep the rows and the columns of a batch of {kind}: "
            f"{frame.height} rows became {after.height}, columns changed: "
            f"{set(frame.schema.items()) ^ set(after.schema.items())}"
        )
    kept = pl.col("drop_reason").is_null()
    return after.filter(kept), after.filter(~kept)


def _count(stage: str, kind: str, kept: pl.DataFrame, dropped_rows: pl.DataFrame) -> Count:
    reasons = dropped_rows.group_by("drop_reason").len().sort("drop_reason")
    return Count(stage, kind, kept.height + dropped_rows.height, kept.height, dict(reasons.iter_rows()))


def _write_rejects(result: Result, folder: Path, stage: str, kind: str, key: str, rows: pl.DataFrame) -> None:
    if rows.height:
        result.rejects.append(
            (
                stage,
                write_shard(
                    folder,
                    f"rejected-{len(result.rejects)}-{kind}",
                    kind,
                    f"{key}-rejected-{len(result.rejects)}",
                    rows,
                ),
            )
        )


@dataclass(frozen=True)
class DropTask:
    """Carries out a barrier's decision on one shard."""

    root: str
    stage: str
    shard: Shard
    decisions: tuple[str, ...]
    """Parquet files with `shard`, `row`, `drop_reason`, `drop_detail`."""
    index: int
    """The shard's number in the decisions."""
    digest: str
    """Hash of the decisions that concern this shard."""

    @property
    def key(self) -> str:
        return fingerprint(["drop", self.stage, self.shard.key, self.digest, code_fingerprint("schemas", "pipelines")])

    def run(self, folder: Path) -> Result:
        """The rows that stay in one shard, the dropped in another."""
        frame, kind, result = read_shard(self.shard), self.shard.kind, Result()
        drops = (
            scan_rows(list(self.decisions))
            .filter(pl.col("shard") == self.index)
            .select("row", "drop_reason", "drop_detail")
            .collect()
        )
        columns = frame.columns
        numbered = frame.drop("drop_reason", "drop_detail").with_row_index("row")
        marked = numbered.join(drops, on="row", how="left", maintain_order="left").select(columns)
        kept = pl.col("drop_reason").is_null()
        frame, dropped_rows = marked.filter(kept), marked.filter(~kept)
        result.counts.append(_count(self.stage, kind, frame, dropped_rows))
        _write_rejects(result, folder, self.stage, kind, self.key, dropped_rows)
        if frame.height:
            result.shards.append(write_shard(folder, kind, kind, self.key, frame))
        return result


@dataclass(frozen=True)
class MakeTask:
    """Makes new records from the rows of some shards: one, or all that hold a partition's whole groups."""

    root: str
    stage: MakeStage
    kind: str
    shards: tuple[Shard, ...]

    @property
    def key(self) -> str:
        return fingerprint(["make", stage_fingerprint(self.stage), self.kind, [s.key for s in self.shards]])

    def run(self, folder: Path) -> Result:
        """The new rows, a shard a kind (more where there are many)."""
        frame = pl.concat([read_shard(s) for s in self.shards])
        if self.stage.group_by(self.kind):
            frame = frame.sort("record_id")
        result = Result()
        for kind, made in sorted(self.stage.make(self.kind, frame).items()):
            for number, rows in enumerate(made.iter_slices(MAX_OUTPUT_ROWS)):
                name = f"{kind}-{number:05d}"
                result.shards.append(write_shard(folder, name, kind, f"{self.key}-{name}", rows))
            result.counts.append(Count(self.stage.kind, kind, 0, made.height))
        result.counts.append(Count(self.stage.kind, self.kind, frame.height, frame.height))
        return result


def total(counts: Sequence[Count]) -> list[Count]:
    """The counts of many tasks, added up by stage and kind, in the order in which they first appear."""
    sums: dict[tuple[str, str], Count] = {}
    for c in counts:
        at = sums.setdefault((c.stage, c.kind), Count(c.stage, c.kind, 0, 0))
        dropped = dict(at.dropped)
        for reason, n in c.dropped.items():
            dropped[reason] = dropped.get(reason, 0) + n
        sums[c.stage, c.kind] = Count(c.stage, c.kind, at.n_in + c.n_in, at.n_out + c.n_out, dropped)
    return list(sums.values())
