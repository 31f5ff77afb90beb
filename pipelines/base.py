"""What a stage is. Engines touch shards, stages touch batches; a stage never opens a file.

Five shapes, told apart by class:

    BatchStage     rows → the same rows, changed or with `drop_reason` set; row-independent
    MakeStage      rows → new rows of other kinds; row-independent, or on whole groups (`group_by`)
    BarrierStage   every row's small key → which rows go; sees the whole corpus, a group of equal keys at a time
    CorpusStage    the same where no key will do (similarity, overlap): it brings tasks of its own
    AskStage       rows → new or changed rows, by way of an LLM (`pipelines.llm.stage`); no engine runs it

Row-independent means `apply(a ++ b) == apply(a) ++ apply(b)`: the one property that makes engines, shard
sizes and worker counts interchangeable. Engines pass a stage only rows whose `drop_reason` is null.
"""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import polars as pl

from pipelines.workspace import Result, Shard, Task
from schemas.records import canonical_text

RunTasks = Callable[[Sequence[Task]], list[Result]]
"""Runs tasks on an engine; results in the order of the tasks."""


@dataclass(frozen=True)
class Stage(ABC):
    """Base of all stages: a frozen dataclass whose fields are its configuration.

    Class attributes:
        kind: The verb that names it, as in the configuration.
        reads: The record kinds that it looks at; rows of other kinds pass untouched.
    """

    kind: ClassVar[str]
    reads: ClassVar[tuple[str, ...]]

    def settings(self) -> dict[str, Any]:
        """Its configuration, for fingerprints and for `plan`."""
        return dataclasses.asdict(self)


@dataclass(frozen=True)
class BatchStage(Stage):
    """Changes rows or sets `drop_reason`; keeps their number, order and schema."""

    @abstractmethod
    def apply(self, kind: str, frame: pl.DataFrame) -> pl.DataFrame:
        """Rows of one kind in, the same rows out."""


@dataclass(frozen=True)
class MakeStage(Stage):
    """Makes new records from records; what it reads stays as it is."""

    @property
    def makes(self) -> bool:
        """False where its configuration leaves the making to something else."""
        return True

    def group_by(self, kind: str) -> str | None:
        """The column whose equal values must come in one batch (an engine shuffles by it), or None."""
        return None

    @abstractmethod
    def make(self, kind: str, frame: pl.DataFrame) -> dict[str, pl.DataFrame]:
        """New rows by record kind. With `group_by`, every group is whole in `frame` and rows are sorted by id."""


@dataclass(frozen=True)
class BarrierStage(Stage):
    """Decides over all rows. `keys` runs in the workers, `decide` on what they return, small by design.

    Class attributes:
        across_kinds: Whether rows of all kinds that it reads are decided together, or each kind by itself.
    """

    across_kinds: ClassVar[bool] = False

    @abstractmethod
    def keys(self, kind: str, frame: pl.DataFrame) -> pl.DataFrame:
        """A small row for each row, in order: `record_id`, `key` (equal ones are decided together) and more."""

    @abstractmethod
    def decide(self, keys: pl.DataFrame) -> pl.DataFrame:
        """Whole groups of equal `key` in; `record_id`, `drop_reason` and `drop_detail` of the rows to drop out.

        The answer for a group depends on that group alone, so a distributed engine may shuffle by `key`.
        """


@dataclass(frozen=True)
class CorpusStage(Stage):
    """Decides over all rows with tasks of its own, which any engine runs.

    Class attributes:
        across_kinds: Whether rows of all kinds that it reads are decided together, or each kind by itself.
    """

    across_kinds: ClassVar[bool] = False

    @abstractmethod
    def decide(self, run: RunTasks, root: str, shards: Sequence[Shard]) -> list[Result]:
        """Runs tasks over all shards; which rows go.

        Each result has one shard of decisions, `DECISION` rows, where `shard` is the place of the row's shard in
        `shards` and `row` its place in the shard; and in its report under `digests` a hash of the decisions that
        concern a shard, by that place as a string. Equal rows must give equal decisions whatever the shards' sizes
        and the engine.
        """


DECISION: Final = ("shard", "row", "record_id", "drop_reason", "drop_detail")
"""Columns of a decision: which row goes and why."""


def dropped(frame: pl.DataFrame, stage: str, reason: pl.Expr | pl.Series) -> pl.DataFrame:
    """`frame` with `drop_reason` = `<stage>:<reason>` where `reason` (a string column) is not null."""
    named = pl.lit(f"{stage}:") + (pl.lit(reason) if isinstance(reason, pl.Series) else reason)
    return frame.with_columns(named.alias("drop_reason"))


def with_canonical_text(kind: str, frame: pl.DataFrame, name: str = "canonical") -> pl.DataFrame:
    """`frame` plus the column that evidence spans count in."""
    texts = [canonical_text(kind, row) for row in frame.iter_rows(named=True)]
    return frame.with_columns(pl.Series(name, texts, dtype=pl.String))
