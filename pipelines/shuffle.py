"""Barriers and groupings, built from maps over files: what needs more than one shard at a time.

A shuffle writes each shard's rows into partitions by a hash of their key; a second map then sees every row of
a key together. The hash is ours and stable, so the same rows meet on every machine and in every engine.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from pipelines.base import DECISION, BarrierStage, CorpusStage, MakeStage, RunTasks, Stage
from pipelines.engine import Engine
from pipelines.tasks import DropTask, MakeTask, read_shard, stage_fingerprint, write_shard
from pipelines.workspace import Count, Result, Shard, Task
from schemas.fingerprints import code_fingerprint, fingerprint

ROWS_PER_PARTITION = 250_000
"""Keys to a partition: some 20 MB in memory."""
GROUP_ROWS_PER_PARTITION = 20_000
"""Whole records to a partition of a grouping."""

_AT = ("record_id", "shard", "row")

Run = Callable[[Engine, Sequence[Task]], list[Result]]
"""Runs tasks and returns their results in the order of the tasks."""


def partition_of(key: str, n_partitions: int) -> int:
    """The partition of a key; the same everywhere and always."""
    return int.from_bytes(hashlib.blake2b(key.encode("utf-8", "surrogatepass"), digest_size=8).digest()) % n_partitions


def n_partitions(shards: Sequence[Shard], rows_per_partition: int) -> int:
    """Enough partitions for the rows; a function of the data alone, so that workers do not matter."""
    return max(1, -(-sum(s.n_rows for s in shards) // rows_per_partition))


def _partitioned(frame: pl.DataFrame, column: str, n: int) -> list[pl.DataFrame]:
    if n == 1:
        return [frame]
    keys = frame[column].fill_null("")
    numbers = {key: partition_of(key, n) for key in keys.unique().to_list()}
    numbered = frame.with_columns(keys.replace_strict(numbers, return_dtype=pl.Int64).alias("_partition"))
    return [numbered.filter(pl.col("_partition") == i).drop("_partition") for i in range(n)]


@dataclass(frozen=True)
class KeysTask:
    """A barrier's keys for one shard, by partition."""

    root: str
    stage: BarrierStage
    shard: Shard
    n_partitions: int

    @property
    def key(self) -> str:
        return fingerprint(["keys", stage_fingerprint(self.stage), self.shard.key, self.n_partitions])

    def run(self, folder: Path) -> Result:
        """One shard of keys a partition, each with the number of its row."""
        rows = read_shard(self.shard)
        keys = self.stage.keys(self.shard.kind, rows)
        if keys["record_id"].to_list() != rows["record_id"].to_list():
            raise AssertionError(f"{self.stage.kind}: keys must be a row for each row of the shard, in its order")
        keys = keys.with_row_index("row")
        parts = _partitioned(keys, "key", self.n_partitions)
        return Result([write_shard(folder, f"p{i:05d}", "keys", f"{self.key}-{i}", p) for i, p in enumerate(parts)])


@dataclass(frozen=True)
class DecideTask:
    """A barrier's decision over one partition of keys."""

    root: str
    stage: BarrierStage
    shards: tuple[Shard, ...]
    """The partition's keys, one entry for each data shard, in their order."""

    @property
    def key(self) -> str:
        return fingerprint(["decide", stage_fingerprint(self.stage), [s.key for s in self.shards]])

    def run(self, folder: Path) -> Result:
        """The drops with the number of the shard and of the row; the report has a hash of them a shard."""
        keys = pl.concat([read_shard(s).with_columns(shard=pl.lit(i)) for i, s in enumerate(self.shards)])
        firsts = keys.unique("record_id", keep="first", maintain_order=True)
        again = keys.join(firsts.select("shard", "row"), on=["shard", "row"], how="anti")
        decided = self.stage.decide(firsts.drop("shard", "row")).join(keys.select(_AT), on="record_id")
        drops = pl.concat([decided.select(DECISION), self._repeated(again, decided).select(DECISION)])
        return decisions(folder, self.key, drops)

    def _repeated(self, again: pl.DataFrame, decided: pl.DataFrame) -> pl.DataFrame:
        """Rows that a stage cannot tell apart, since their ids are equal: the first stands for all."""
        left = again.join(decided.select("shard", "row"), on=["shard", "row"], how="anti")
        return left.with_columns(
            pl.lit(f"{self.stage.kind}:same_record").alias("drop_reason"), pl.col("record_id").alias("drop_detail")
        )


def decisions(folder: Path, key: str, drops: pl.DataFrame, extra: Sequence[str] = ()) -> Result:
    """The result of a task that decided: its drops, and a hash of them for each shard that they concern.

    Args:
        folder: The task's.
        key: The task's.
        drops: `DECISION` columns and maybe more.
        extra: Which others to write too.
    """
    drops = drops.select(*DECISION, *extra).sort("shard", "row")
    digests = {
        str(number): fingerprint(rows.drop("shard").rows())
        for (number,), rows in drops.partition_by("shard", as_dict=True, maintain_order=True).items()
    }
    return Result([write_shard(folder, "drops", "drops", key, drops)], report={"digests": digests})


def barrier(
    engine: Engine, run: Run, root: str, stage: BarrierStage | CorpusStage, shards: Sequence[Shard]
) -> list[Result]:
    """Runs a barrier over the shards that it reads; one result a shard, in their order."""
    return carry_out(engine, run, root, stage, shards, decide(engine, run, root, stage, shards))


def decide(
    engine: Engine, run: Run, root: str, stage: BarrierStage | CorpusStage, shards: Sequence[Shard]
) -> list[Result]:
    """What a barrier decides of its shards; a report may say more."""
    run_tasks = functools.partial(run, engine)
    if isinstance(stage, CorpusStage):
        return stage.decide(run_tasks, root, shards)
    return _decide_by_keys(run_tasks, root, stage, shards)


def carry_out(
    engine: Engine, run: Run, root: str, stage: Stage, shards: Sequence[Shard], decided: Sequence[Result]
) -> list[Result]:
    """Parts kept and dropped rows; one result a shard, in their order. A shard that loses nothing stays what it is."""
    files = tuple(r.shards[0].path for r in decided)
    tasks: list[DropTask] = []
    untouched: dict[int, Result] = {}
    for index, shard in enumerate(shards):
        digests = [r.report["digests"].get(str(index)) for r in decided]
        if any(digests):
            tasks.append(DropTask(root, stage.kind, shard, files, index, fingerprint(digests)))
        else:
            count = Count(stage.kind, shard.kind, shard.n_rows, shard.n_rows)
            untouched[index] = Result([shard], counts=[count])
    done = iter(run(engine, tasks))
    return [untouched[index] if index in untouched else next(done) for index in range(len(shards))]


def _decide_by_keys(run: RunTasks, root: str, stage: BarrierStage, shards: Sequence[Shard]) -> list[Result]:
    n = n_partitions(shards, ROWS_PER_PARTITION)
    keyed = run([KeysTask(root, stage, s, n) for s in shards])
    partitions = [tuple(r.shards[i] for r in keyed) for i in range(n)] if keyed else []
    return run([DecideTask(root, stage, p) for p in partitions])


@dataclass(frozen=True)
class GroupTask:
    """Whole records of one shard, by partition of their group."""

    root: str
    column: str
    shard: Shard
    n_partitions: int

    @property
    def key(self) -> str:
        code = code_fingerprint("schemas", "pipelines")
        return fingerprint(["group", self.column, self.shard.key, self.n_partitions, code])

    def run(self, folder: Path) -> Result:
        """One shard of records a partition."""
        parts = _partitioned(read_shard(self.shard), self.column, self.n_partitions)
        kind = self.shard.kind
        return Result([write_shard(folder, f"p{i:05d}", kind, f"{self.key}-{i}", p) for i, p in enumerate(parts)])


def make(engine: Engine, run: Run, root: str, stage: MakeStage, kind: str, shards: Sequence[Shard]) -> list[Result]:
    """Runs a make stage over the shards of one kind, whole groups together where it asks for them."""
    partitions = grouped(engine, run, root, stage.group_by(kind), shards)
    return run(engine, [MakeTask(root, stage, kind, p) for p in partitions])


def grouped(
    engine: Engine, run: Run, root: str, column: str | None, shards: Sequence[Shard]
) -> list[tuple[Shard, ...]]:
    """The shards so parted that no group of equal values in `column` is cut; each by itself where that is None."""
    if column is None:
        return [(s,) for s in shards]
    n = n_partitions(shards, GROUP_ROWS_PER_PARTITION)
    parted = run(engine, [GroupTask(root, column, s, n) for s in shards])
    return [tuple(r.shards[i] for r in parted) for i in range(n)] if parted else []
