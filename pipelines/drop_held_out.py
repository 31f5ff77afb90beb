"""Keeps what is trained on apart from what is evaluated on, group by group and over all views at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import polars as pl

from pipelines.base import BarrierStage
from schemas.records import COMPLETION, INSTRUCTION, PREFERENCE


@dataclass(frozen=True)
class DropHeldOut(BarrierStage):
    """Drops rows of training sources whose group an evaluation source holds too: the same question, or disease.

    Also preferences of evaluation sources, which no view could hold. Runs only where a source has `role: eval`.

    Attributes:
        eval_sources: Ids of the sources with `role: eval`.

    Does not cover: the same matter in other words, or in a group of another kind.
    """

    kind: ClassVar[str] = "drop_held_out"
    reads: ClassVar[tuple[str, ...]] = (INSTRUCTION, PREFERENCE, COMPLETION)
    across_kinds: ClassVar[bool] = True

    eval_sources: tuple[str, ...] = ()

    def keys(self, kind: str, frame: pl.DataFrame) -> pl.DataFrame:
        """`key`: the group; `held`: of an evaluation source; `homeless`: which no view holds."""
        held = pl.col("source_id").is_in(self.eval_sources)
        return frame.select("record_id", key="group_id", held=held, homeless=held & pl.lit(kind == PREFERENCE))

    def decide(self, keys: pl.DataFrame) -> pl.DataFrame:
        """The training rows of held groups, with the evaluation row that holds them; and the homeless."""
        holder = pl.col("record_id").filter(pl.col("held")).min().over("key")
        marked = keys.with_columns(holder.alias("holder"))
        reason = pl.when("homeless").then(pl.lit(f"{self.kind}:no_view")).otherwise(pl.lit(f"{self.kind}:same_group"))
        dropped = marked.filter(pl.col("homeless") | (~pl.col("held") & pl.col("holder").is_not_null()))
        detail = pl.when(~pl.col("homeless")).then(pl.col("holder"))
        return dropped.select("record_id", reason.alias("drop_reason"), detail.alias("drop_detail"))
