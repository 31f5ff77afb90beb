"""Drops records that say the same as another in nearly the same letters.

A dose is not noise: texts that differ in a number, a unit, an age, a negation, a comparator, or that name another drug
or disease, are never merged, however similar they are. See `pipelines.near` for how pairs are found.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Final

import polars as pl

from pipelines.base import CorpusStage, RunTasks
from pipelines.lexicons import words
from pipelines.near.settings import FIELD, Criteria, Near
from pipelines.tasks import read_shard, stage_fingerprint
from pipelines.workspace import Result, Shard
from schemas.fingerprints import fingerprint
from schemas.records import DIALOGUE, DOCUMENT, INSTRUCTION, PREFERENCE

_CHARS_PER_ROW: Final = 400
"""A guess that only decides into how many partitions a corpus is cut."""
_COURTESY: Final = (
    r"^(?:(?:好|好的|嗯|恩|哦|噢|行|可以|是的?|对|知道|明白|了解|收到|谢谢?|多谢|感谢|感激|辛苦|麻烦|打扰|您|你|医生|大夫|主任|老师|"
    r"啊|呀|了|吧|哈|啦|呢|哟|喔|嘛|哒|滴|不客气|别客气|客气|不用谢|不谢|不用客气|应该的|再见|拜拜|您好|你好|祝|愿|孩子|宝宝|宝贝|早日|康复|"
    r"健康|平安|愉快|快乐|ok|OK|thanks?|非常|十分|万分|特别|真|太|就|那|我|先|这样|的|给|耐心|解答|回复|指导|帮助|"
    r"有(?:什么|其他|任何|不懂的?)?(?:问题|疑问|事|需要)(?:请|可以|可)?(?:再|随时)*(?:联系|咨询|问)?我?)|[^\p{L}\p{N}])*$"
)
"""Turns of which nothing is left without thanks and greetings."""


@dataclass(frozen=True)
class DropNearDuplicates(Criteria, CorpusStage):
    """Of records alike, the first source's stays, of one source's the longest, of those the one with the lowest id.

    Each kind is compared on what it says: documents on their text (short ones with their heading; the diseases that
    longer ones name in their headings must not differ), dialogues on what patient and doctor each say without the
    turns of thanks, instructions on question and answer, preferences on prompt, chosen and rejected. Every one of
    these fields must be similar by itself, so that one question with two answers stays, and so do two questions with
    one answer. Sections of one file, and what we made of them, are never merged: 乳基婴儿配方食品 and 豆基婴儿配方食品
    are defined in the same words on purpose.

    Attributes:
        source_order: Source ids, the preferred first; the configuration's order.
    """

    kind: ClassVar[str] = "drop_near_duplicates"
    reads: ClassVar[tuple[str, ...]] = (DOCUMENT, DIALOGUE, INSTRUCTION, PREFERENCE)

    source_order: tuple[str, ...] = ()

    @cached_property
    def near(self) -> Near:
        """What near-duplicates are here."""
        return Near(**{f.name: getattr(self, f.name) for f in fields(Criteria)})

    def decide(self, run: RunTasks, root: str, shards: Sequence[Shard]) -> list[Result]:
        """Folds and shuffles every shard, then decides each partition."""
        from pipelines.near.tasks import Prepared, n_partitions, resolve  # compiled loops: not for every command

        n = n_partitions(sum(s.n_rows for s in shards) * _CHARS_PER_ROW) if self.guard else 1
        folded = run([PrepareTask(root, self, shard, n) for shard in shards])
        prepared = [Prepared(r.shards[0].path, r.shards[0].key, tuple(r.report["chars"])) for r in folded]
        return resolve(run, root, self.near, self.kind, prepared)

    def compared(self, kind: str, frame: pl.DataFrame) -> pl.DataFrame:
        """What is compared of each row: `record_id`, `rank` of its source, `text` in fields, `context`, `apart`."""
        ranks = {source: i for i, source in enumerate(self.source_order)}
        rank = frame["source_id"].replace_strict(ranks, default=len(ranks), return_dtype=pl.Int32)
        columns = frame.select("record_id", text=_TEXTS[kind], apart=_APART.get(kind, pl.lit("")))
        context = _headings(frame).alias("context") if kind == DOCUMENT and self.guard else pl.lit("").alias("context")
        return columns.with_columns(rank.alias("rank"), context)


@dataclass(frozen=True)
class PrepareTask:
    """One shard's records folded, by partition."""

    root: str
    stage: DropNearDuplicates
    shard: Shard
    n_partitions: int

    @property
    def key(self) -> str:
        return fingerprint(["prepare", stage_fingerprint(self.stage), self.shard.key, self.n_partitions])

    def run(self, folder: Path) -> Result:
        """One Arrow file; the report says how many characters each partition has."""
        from pipelines.near.prepared import write_prepared

        frame = self.stage.compared(self.shard.kind, read_shard(self.shard))
        path = folder / "prepared.arrow"
        records = frame.to_arrow(compat_level=pl.CompatLevel.oldest())
        written = write_prepared(path, records, self.n_partitions, self.stage.guard)
        return Result([Shard("prepared", str(path), self.key, written.n_rows)], report={"chars": list(written.chars)})


def _headings(frame: pl.DataFrame) -> pl.Series:
    """The diseases that title and headings name, sorted, with `|` between them."""
    headings = frame.select(pl.concat_list("title", "section_path").list.join("\n", ignore_nulls=True).alias("h"))["h"]
    names = sorted(_diseases(), key=lambda name: (-len(name), name))
    found = headings.fill_null("").str.extract_many(names, leftmost=True)
    return found.list.unique().list.sort().list.join("|")


def _diseases() -> tuple[str, ...]:
    return words("paediatric_diseases")


def _said(column: str, role: str) -> pl.Expr:
    """What one side says, a line a turn, without turns that only thank or greet."""
    content = pl.element().struct.field("content")
    mine = (pl.element().struct.field("role") == role) & ~content.str.contains(_COURTESY)
    return pl.col(column).list.eval(pl.when(mine).then(content)).list.drop_nulls().list.join("\n")


def _turns(column: str, role: str) -> pl.Expr:
    mine = pl.when(pl.element().struct.field("role") == role).then(pl.element().struct.field("content"))
    return pl.col(column).list.eval(mine).list.drop_nulls().list.join("\n")


def _fields(*columns: Any) -> pl.Expr:
    # A separator that a text brings itself would make it another number of fields.
    clean = [(pl.col(c) if isinstance(c, str) else c).str.replace_all(FIELD, " ", literal=True) for c in columns]
    return pl.concat_str([c.fill_null("") for c in clean], separator=FIELD)


_FILE: Final = pl.concat_str("source_id", "part", separator="/")
_APART: Final = {
    DOCUMENT: _FILE,
    INSTRUCTION: pl.when(pl.col("generator").struct.field("method") == "extractive").then(_FILE).otherwise(pl.lit("")),
}
"""Texts of one name here are parallel on purpose, and no duplicates of each other."""
_SHORT_SECTION: Final = 100
"""Characters up to which a section says little without its heading."""
_TEXTS: Final = {
    DOCUMENT: pl.when(pl.col("text").str.len_chars() > _SHORT_SECTION)
    .then(pl.col("text"))
    .otherwise(_fields(pl.col("section_path").list.last(), "text")),
    DIALOGUE: _fields(_said("turns", "patient"), _said("turns", "doctor")),
    INSTRUCTION: _fields(_turns("messages", "user"), _turns("messages", "assistant")),
    PREFERENCE: _fields(_turns("prompt", "user"), "chosen", "rejected"),
}
