"""Keeps a task from filling the corpus: mixing by shares."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Final

import polars as pl

from pipelines.base import BarrierStage
from schemas.errors import ConfigError
from schemas.records import INSTRUCTION, TASKS

_ALL: Final = "all"


@dataclass(frozen=True)
class DropSurplus(BarrierStage):
    """Of a task with more than its share of the instructions, the surplus goes, the highest ids first.

    Ids are hashes, so what stays is a fair sample, and most of it stays the same when other rows come or go. A share
    is one of all instructions that stay; where several tasks have one, each gets what the uncapped tasks leave it.

    Attributes:
        shares: Task → its largest share, e.g. `{general: 0.3, safety: 0.05}`; tasks that are not named keep all.
    """

    kind: ClassVar[str] = "drop_surplus"
    reads: ClassVar[tuple[str, ...]] = (INSTRUCTION,)

    shares: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        problems = [f"shares: `{task}` is no task. There is: {', '.join(TASKS)}." for task in {*self.shares} - {*TASKS}]
        problems += [
            f"shares.{task}: {share} should be from 0 up to, not including, 1."
            for task, share in self.shares.items()
            if not 0 <= share < 1
        ]
        if not problems and sum(self.shares.values()) >= 1:
            problems.append("shares: together they reach 1, which leaves nothing for the other tasks.")
        if problems:
            raise ConfigError(sorted(problems))

    def keys(self, kind: str, frame: pl.DataFrame) -> pl.DataFrame:
        """Every row to train on under one key, since a share is one of all; rows for evaluation under none."""
        key = pl.when(pl.col("split").is_null()).then(pl.lit(_ALL)).otherwise("record_id")
        return frame.select("record_id", "task", key=key)

    def decide(self, keys: pl.DataFrame) -> pl.DataFrame:
        """The surplus of each task."""
        keys = keys.filter(pl.col("key") == _ALL)
        limits = self.limits(dict(keys.group_by("task").len().iter_rows()))
        place = pl.col("record_id").rank("ordinal").over("task")
        kept, share = self._columns(limits)
        surplus = keys.with_columns(place=place).filter(pl.col("task").is_in(list(limits)) & (pl.col("place") > kept))
        detail = pl.format("{} of this task stay, its share is {}", kept, share)
        return surplus.select("record_id", drop_reason=pl.lit(f"{self.kind}:over_share"), drop_detail=detail)

    def _columns(self, limits: Mapping[str, int]) -> tuple[pl.Expr, pl.Expr]:
        kept = pl.col("task").replace_strict(limits or {"": 0}, default=0, return_dtype=pl.Int64)
        share = pl.col("task").replace_strict(dict(self.shares) or {"": 0.0}, default=0.0, return_dtype=pl.Float64)
        return kept, share

    def limits(self, n_rows: Mapping[str, int]) -> dict[str, int]:
        """Task → how many of it may stay, for tasks with more than their share.

        A task that has less than its share is as good as uncapped, and leaves the others the more room.
        """
        allowed = {task: n_rows[task] for task in self.shares if n_rows.get(task)}
        free = sum(n for task, n in n_rows.items() if task not in allowed)
        while True:  # down to the largest numbers that fit together
            total = free + sum(allowed.values())
            fitting = {task: min(n, math.floor(self.shares[task] * total + 1e-9)) for task, n in allowed.items()}
            if fitting == allowed:
                return {task: n for task, n in allowed.items() if n < n_rows[task]}
            allowed = fitting
