"""Puts the assistant's name and maker where an instruction leaves room for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import polars as pl

from pipelines.base import BatchStage
from schemas.records import INSTRUCTION, PREFERENCE

NAME, MAKER = "{assistant_name}", "{assistant_maker}"


@dataclass(frozen=True)
class FillAssistant(BatchStage):
    """Replaces `{assistant_name}` and `{assistant_maker}`: the only two placeholders that a source may hold.

    Attributes:
        name: What the assistant calls itself.
        maker: Who made it.
    """

    kind: ClassVar[str] = "fill_assistant"
    reads: ClassVar[tuple[str, ...]] = (INSTRUCTION, PREFERENCE)

    name: str = "儿科小助手"
    maker: str = "PedCorpus 项目组"

    def apply(self, kind: str, frame: pl.DataFrame) -> pl.DataFrame:
        """The same rows with both placeholders replaced in every text."""
        if kind == INSTRUCTION:
            return frame.with_columns(self._filled_messages("messages"))
        return frame.with_columns(self._filled_messages("prompt"), self._filled("chosen"), self._filled("rejected"))

    def _filled(self, column: str) -> pl.Expr:
        return self._replaced(pl.col(column))

    def _filled_messages(self, column: str) -> pl.Expr:
        message = pl.element().struct.with_fields(self._replaced(pl.field("content")).alias("content"))
        return pl.col(column).list.eval(message)

    def _replaced(self, text: pl.Expr) -> pl.Expr:
        return text.str.replace_all(NAME, self.name, literal=True).str.replace_all(MAKER, self.maker, literal=True)
