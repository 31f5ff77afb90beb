"""Draws the splits, whole groups at a time and the same in every view."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import ClassVar

import polars as pl

from pipelines.base import BatchStage
from schemas.errors import ConfigError
from schemas.records import COMPLETION, INSTRUCTION, PREFERENCE

_BUCKETS = 1 << 32


@dataclass(frozen=True)
class AssignSplits(BatchStage):
    """Fills `split` from a hash of `group_id`, so that a group never moves when others come or go.

    Attributes:
        validation: Share of groups, by expectation.
        test: Share of groups, by expectation; they are what the `eval` view is made of.
        salt: Another salt draws other splits.
    """

    kind: ClassVar[str] = "assign_splits"
    reads: ClassVar[tuple[str, ...]] = (INSTRUCTION, PREFERENCE, COMPLETION)

    validation: float = field(default=0.05, metadata={"min": 0.0, "max": 0.5})
    test: float = field(default=0.05, metadata={"min": 0.0, "max": 0.5})
    salt: str = "pedcorpus"

    def __post_init__(self) -> None:
        if self.validation + self.test >= 1:
            raise ConfigError([f"validation {self.validation} and test {self.test} leave nothing to train on."])

    def apply(self, kind: str, frame: pl.DataFrame) -> pl.DataFrame:
        """`split` set where it was null; a source with `role: eval` keeps its `test`."""
        groups = frame["group_id"].unique()
        drawn = {group: self.split_of(group) for group in groups.to_list()}
        split = frame["group_id"].replace_strict(drawn, return_dtype=pl.String) if drawn else frame["split"]
        return frame.with_columns(pl.coalesce("split", pl.lit(split)).alias("split"))

    def split_of(self, group_id: str) -> str:
        """The split of a group: `test`, `validation` or `train`."""
        digest = hashlib.blake2b(f"{self.salt}\0{group_id}".encode(), digest_size=4).digest()
        share = int.from_bytes(digest, "little") / _BUCKETS
        if share < self.test:
            return "test"
        return "validation" if share < self.test + self.validation else "train"
