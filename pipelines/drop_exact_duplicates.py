"""Drops records that say the same as another, letter for letter.

Space is no letter: two copies of one text that differ only in line breaks are the same text. Between two digits it
is one, for 第1 2周 is not 第12周.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any, ClassVar

import polars as pl

from pipelines.base import BarrierStage
from schemas.records import COMPLETION, DIALOGUE, DOCUMENT, INSTRUCTION, PREFERENCE, TRIPLE


@dataclass(frozen=True)
class DropExactDuplicates(BarrierStage):
    """Of records with equal text, the first source's stays, and of one source's the one with the lowest id.

    Attributes:
        source_order: Source ids, the preferred first; the configuration's order.
    """

    kind: ClassVar[str] = "drop_exact_duplicates"
    reads: ClassVar[tuple[str, ...]] = (DOCUMENT, TRIPLE, DIALOGUE, INSTRUCTION, PREFERENCE)

    source_order: tuple[str, ...] = ()

    def keys(self, kind: str, frame: pl.DataFrame) -> pl.DataFrame:
        """`key`: a hash of the record's text without space; `rank`: of its source."""
        ranks = {source: i for i, source in enumerate(self.source_order)}
        texts = frame.select(_without_space(_TEXTS[kind]).alias("text"))["text"].fill_null("")
        key = pl.Series("key", [_hash(kind, text) for text in texts.to_list()], dtype=pl.String)
        rank = frame["source_id"].replace_strict(ranks, default=len(ranks), return_dtype=pl.Int64)
        return pl.DataFrame({"record_id": frame["record_id"], "key": key, "rank": rank})

    def decide(self, keys: pl.DataFrame) -> pl.DataFrame:
        """Every record but the keeper of its group; `drop_detail` is the keeper's id."""
        ordered = keys.sort("key", "rank", "record_id")
        marked = ordered.with_columns(pl.col("record_id").first().over("key").alias("drop_detail"))
        return marked.filter(pl.col("record_id") != pl.col("drop_detail")).select(
            "record_id",
            pl.lit(f"{self.kind}:same_text").alias("drop_reason"),
            "drop_detail",
        )


def _hash(kind: str, text: str) -> str:
    return hashlib.blake2b(f"{kind}\0{text}".encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()


def _without_space(text: pl.Expr) -> pl.Expr:
    """The text without its space, but for one blank where there is space between two digits."""
    single = text.str.replace_all(r"\s+", " ")
    return single.str.replace_all(r"(^|[^0-9]) ", "$1").str.replace_all(r" ([^0-9]|$)", "$1")


def _messages_text(column: str) -> pl.Expr:
    item = pl.element().struct.field("role") + "\x1f" + pl.element().struct.field("content")
    return pl.col(column).list.eval(item).list.join("\x1e")


def _joined(*columns: Any) -> pl.Expr:
    return pl.concat_str(columns, separator="\x1f", ignore_nulls=True)


_TEXTS = {
    # The heading is part of what a section says: 治疗 of one disease and of another may share a sentence.
    DOCUMENT: _joined(pl.col("section_path").list.join("\x1e"), "text"),
    TRIPLE: _joined("head", "relation", "tail"),
    DIALOGUE: _messages_text("turns"),
    INSTRUCTION: _messages_text("messages"),
    PREFERENCE: _joined(_messages_text("prompt"), "chosen", "rejected"),
    COMPLETION: pl.col("text"),
}
