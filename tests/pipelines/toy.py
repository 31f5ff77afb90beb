"""Stages small enough to know the right answer of, for the tests of engines; importable by spawned workers."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import polars as pl

from pipelines.base import BatchStage, MakeStage
from schemas.records import TRIPLE, frame_of, make_record_id


@dataclass(frozen=True)
class DropShort(BatchStage):
    """Drops triples whose tail is shorter than `n` characters."""

    kind: ClassVar[str] = "drop_short"
    reads: ClassVar[tuple[str, ...]] = (TRIPLE,)
    n: int = 2

    def apply(self, kind: str, frame: pl.DataFrame) -> pl.DataFrame:
        short = pl.when(pl.col("tail").str.len_chars() < self.n).then(pl.lit("drop_short:short"))
        return frame.with_columns(pl.coalesce("drop_reason", short).alias("drop_reason"))


@dataclass(frozen=True)
class LosesRows(BatchStage):
    """Breaks the contract."""

    kind: ClassVar[str] = "loses_rows"
    reads: ClassVar[tuple[str, ...]] = (TRIPLE,)

    def apply(self, kind: str, frame: pl.DataFrame) -> pl.DataFrame:
        return frame.head(1)


@dataclass(frozen=True)
class CountTails(MakeStage):
    """One triple for each head: how many tails it has. Right only if every group is whole."""

    kind: ClassVar[str] = "count_tails"
    reads: ClassVar[tuple[str, ...]] = (TRIPLE,)

    def group_by(self, kind: str) -> str | None:
        return "head"

    def make(self, kind: str, frame: pl.DataFrame) -> dict[str, pl.DataFrame]:
        rows = [
            {**triple(head, "有", str(n)), "relation": "数"}
            for head, n in frame.group_by("head", maintain_order=True).len().iter_rows()
        ]
        return {TRIPLE: frame_of(TRIPLE, rows)}


@dataclass(frozen=True)
class KillOnce:
    """A task function's payload that kills its worker the first time it is run."""

    flag: str

    def __call__(self) -> str:
        path = Path(self.flag)
        if not path.exists():
            path.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return "done"


def call(payload: KillOnce) -> str:
    """Runs a payload; a module-level function, as engines want it."""
    return payload()


class Stubborn(Exception):
    """Does not survive pickling: it cannot be made from its own arguments."""

    def __init__(self, where: str, what: str) -> None:
        super().__init__(f"{where}: {what}")


def fail_stubbornly(where: str) -> None:
    """Raises what the way back to the parent would break on."""
    raise Stubborn(where, "is wrong")


def double(n: int) -> int:
    """Twice `n`."""
    return 2 * n


def triple(head: str, relation: str, tail: str, source: str = "kg") -> dict[str, str]:
    """A triple row."""
    record_id = make_record_id(TRIPLE, source, head, relation, tail)
    return {
        "record_id": record_id,
        "source_id": source,
        "part": "kg.csv",
        "locator": "row 1",
        "license": "CC0-1.0",
        "group_id": make_record_id("group", head),
        "topic": "paediatric",
        "head": head,
        "relation": relation,
        "tail": tail,
    }
