"""Overlap as tasks that any engine runs: gather what is held, index it, search every shard, sum up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl

from pipelines.base import DECISION
from pipelines.overlap_items import (
    BENCHMARK,
    EVALUATION,
    ROLES,
    TEST,
    VALIDATION,
    WHOLE_LETTERS,
    field_texts,
    held_items,
)
from pipelines.shuffle import decisions
from pipelines.tasks import read_shard, write_shard
from pipelines.workspace import Result, Shard
from schemas.arrow import read_rows, scan_rows
from schemas.fingerprints import code_fingerprint, fingerprint

STAGE: Final = "drop_contaminated"
_ALL_RANKS: Final = len(ROLES)
_LIMITS: Final = {TEST: 0, VALIDATION: ROLES.index(VALIDATION)}
"""Which ranks a row of a split is held against; a row to train on against all."""
_WORDS: Final = 60
_REASONS: Final = {BENCHMARK: "benchmark", EVALUATION: "evaluation", TEST: "held_out", VALIDATION: "held_out"}
_HOW: Final = ("{n_same} of its {n_letters} letters in a row", "all of it, {n_same} of {n_letters} letters the same")
"""By `overlap_search.RUN` and `TEXT`."""
_DECISIONS: Final = {
    "shard": pl.Int32, "row": pl.UInt32, "record_id": pl.String, "drop_reason": pl.String, "drop_detail": pl.String,
}  # fmt: skip


def _key(*what: Any) -> str:
    return fingerprint([*what, code_fingerprint("schemas", "pipelines")])


@dataclass(frozen=True)
class HeldTask:
    """The texts of one shard's held rows."""

    root: str
    eval_sources: tuple[str, ...]
    shard: Shard

    @property
    def key(self) -> str:
        return _key("held", self.eval_sources, self.shard.kind, self.shard.key)

    def run(self, folder: Path) -> Result:
        """One shard of `overlap_items.ITEMS`."""
        held = scan_rows(self.shard.path).filter(pl.col("split").is_in([TEST, VALIDATION])).collect()
        items = held_items(self.shard.kind, held, self.eval_sources)
        return Result([write_shard(folder, "items", "items", self.key, items)])


@dataclass(frozen=True)
class IndexTask:
    """The index of all texts that are held, in one place: it must see them all to know which n-grams are rare."""

    root: str
    items: tuple[Shard, ...]

    @property
    def key(self) -> str:
        return _key("overlap_index", [s.key for s in self.items])

    def run(self, folder: Path) -> Result:
        """A shard of names (each item with the number of its text and how it is checked) and the index beside it."""
        from pipelines.overlap_index import SEARCHED, UNCHECKED, WHOLE_ONLY, build_index, numbered

        items = pl.concat([read_shard(s) for s in self.items if s.n_rows])
        ranks = {role: rank for rank, role in enumerate(ROLES)}
        ranked = items.with_columns(pl.col("role").replace_strict(ranks, return_dtype=pl.Int8).alias("rank"))
        ordered = ranked.sort("rank", "source", "number", "place", "part", "content")
        named, texts = numbered(ordered)
        whole = pl.col("whole") & (pl.col("n_letters") >= WHOLE_LETTERS)
        by_text = named.group_by("text").agg(pl.col("rank").min(), pl.col("shortest").min(), whole=whole.any())
        by_text = by_text.sort("text")
        index, checked = build_index(
            texts, by_text["rank"].to_numpy(), by_text["shortest"].to_numpy(), by_text["whole"].to_numpy()
        )
        index.save(folder)
        how = np.array([UNCHECKED, WHOLE_ONLY, SEARCHED, SEARCHED])[checked]
        named = named.with_columns(
            pl.Series("checked", how[named["text"].to_numpy()]),
            pl.Series("weak", (checked == 3)[named["text"].to_numpy()]),
        )
        names = named.select("text", "role", "source", "place", "part", "n_letters", "checked", "weak")
        return Result([write_shard(folder, "names", "names", self.key, names)])


@dataclass(frozen=True)
class MatchTask:
    """Holds the rows of one shard against the index."""

    root: str
    names: Shard
    """The shard that `IndexTask` gave; the index lies beside it."""
    shard: Shard
    number: int
    """The shard's place among those of the stage."""

    @property
    def key(self) -> str:
        return _key("overlap", self.names.key, self.shard.kind, self.shard.key, self.number)

    def run(self, folder: Path) -> Result:
        """The decisions, and every match as `row`, `text` and the row's `limit`."""
        frame = read_shard(self.shard)
        limits = frame["split"].replace_strict(_LIMITS, default=_ALL_RANKS, return_dtype=pl.Int8)
        found = self._found(frame, limits.to_numpy())
        best = found.sort("row", "how", "n_same", "text", descending=[False, True, True, False]).unique(
            "row", keep="first", maintain_order=True
        )
        result = decisions(folder, self.key, self._decided(frame, best))
        met = found.select("row", "text", limit=limits.gather(found["row"]))
        result.shards.append(write_shard(folder, "found", "found", f"{self.key}-found", met))
        return result

    def _found(self, frame: pl.DataFrame, limits: Any) -> pl.DataFrame:
        """Every text that stands in a row, once."""
        from pipelines.overlap_index import Index
        from pipelines.overlap_letters import letters_of
        from pipelines.overlap_search import Fields, find, find_whole

        texts = field_texts(self.shard.kind, frame)
        n_fields = texts.list.len().to_numpy().astype(np.int64)
        letters = letters_of(texts.list.explode(empty_as_null=False))
        field_starts = np.concatenate([[0], letters.ends])[:-1].astype(np.int64)
        bounds = np.concatenate([[0], letters.ends])[np.concatenate([[0], np.cumsum(n_fields)])].astype(np.int64)
        starts, ends = bounds[:-1], bounds[1:]
        all_rows = np.arange(frame.height)
        rows = np.concatenate([np.repeat(all_rows, n_fields), all_rows])  # each field, and each row as one
        fields = Fields(
            np.concatenate([field_starts, starts]),
            np.concatenate([letters.ends, ends]),
            rows,
            starts[rows],
            limits[rows],
        )
        index = Index.load(Path(self.names.path).parent)
        whole = find_whole(index, letters.codes, fields)
        return pl.concat([find(index, letters.codes, starts, ends, limits), whole])

    def _decided(self, frame: pl.DataFrame, best: pl.DataFrame) -> pl.DataFrame:
        """Why each of the rows goes."""
        from pipelines.overlap_letters import words_at

        wanted = scan_rows(self.names.path).filter(pl.col("text").is_in(best["text"].unique().implode()))
        names = wanted.collect().unique("text", keep="first", maintain_order=True)
        texts = field_texts(self.shard.kind, frame[best["row"].to_list()]).list.join("")
        made = []
        for match, text in zip(
            best.join(names, "text", maintain_order="left").iter_rows(named=True), texts, strict=True
        ):
            words = " ".join(words_at(text, match["start"], match["end"]).split())
            shown = words if len(words) <= _WORDS else f"{words[: _WORDS // 2]}…{words[-_WORDS // 2 :]}"
            how = _HOW[match["how"]]
            detail = f"{match['source']} {match['place']} {match['part']}: {how.format(**match)}｜{shown}"
            made.append((match["row"], f"{STAGE}:{_REASONS[match['role']]}", detail))
        drops = pl.DataFrame(made, schema=["row", "drop_reason", "drop_detail"], orient="row") if made else None
        if drops is None:
            return pl.DataFrame(schema=_DECISIONS)
        ids = frame.select("record_id").with_row_index("row").with_columns(shard=pl.lit(self.number))
        return drops.cast({"row": pl.UInt32}).join(ids, "row").cast({"shard": pl.Int32}).select(DECISION)


@dataclass(frozen=True)
class DerivedTask:
    """Adds the completions that were rewritten from an instruction that goes."""

    root: str
    shard: Shard
    number: int
    decided: Shard
    """What was decided of this shard by itself."""
    gone: tuple[Shard, ...]
    """What was decided of the shards of instructions."""

    @property
    def key(self) -> str:
        return _key("derived", self.shard.key, self.number, self.decided.key, [s.key for s in self.gone])

    def run(self, folder: Path) -> Result:
        """The decisions on the shard, all together."""
        decided = read_shard(self.decided)
        gone = pl.concat([scan_rows(s.path).select("record_id") for s in self.gone]).unique().collect()
        rows = read_rows(self.shard.path).select("record_id", "derived_from", "split").with_row_index("row")
        origins = rows.filter(pl.col("split").fill_null("train") != TEST).explode("derived_from", empty_as_null=False)
        derived = (
            origins.join(gone, left_on="derived_from", right_on="record_id", how="semi")
            .join(decided, on="row", how="anti")
            .group_by("row", "record_id")
            .agg(pl.col("derived_from").min().alias("drop_detail"))
            .with_columns(shard=pl.lit(self.number, pl.Int32), drop_reason=pl.lit(f"{STAGE}:derived"))
        )
        return decisions(folder, self.key, pl.concat([decided, derived.select(DECISION)]))


@dataclass(frozen=True)
class SettleTask:
    """All decisions in one place, and what was found of each benchmark, evaluation source and split."""

    root: str
    names: Shard
    found: tuple[Shard, ...]
    decided: tuple[Shard, ...]

    @property
    def key(self) -> str:
        inputs = [[s.key for s in shards] for shards in (self.found, self.decided)]
        return _key("overlap_settled", self.names.key, inputs)

    def run(self, folder: Path) -> Result:
        """The decisions; the report has under `contamination` an object a set."""
        drops = pl.concat([pl.DataFrame(schema=_DECISIONS), *(read_shard(s) for s in self.decided if s.n_rows)])
        result = decisions(folder, self.key, drops)
        result.report["contamination"] = self._sets().to_dicts()
        return result

    def _sets(self) -> pl.DataFrame:
        from pipelines.overlap_index import SEARCHED, UNCHECKED, WHOLE_ONLY

        names, of = read_shard(self.names), ["role", "source"]
        best = (
            pl.when((pl.col("checked") == SEARCHED).any()).then(pl.lit(SEARCHED))
            .when((pl.col("checked") == WHOLE_ONLY).any()).then(pl.lit(WHOLE_ONLY))
            .otherwise(pl.lit(UNCHECKED))
        )  # fmt: skip
        by_row = names.group_by(*of, "place").agg(best.alias("checked"), pl.col("weak").any())
        sets = by_row.group_by(of).agg(
            n_rows=pl.len(),
            n_searched=(pl.col("checked") == SEARCHED).sum(),
            n_whole_only=(pl.col("checked") == WHOLE_ONLY).sum(),
            n_unchecked=(pl.col("checked") == UNCHECKED).sum(),
            n_weak=pl.col("weak").sum(),
        )
        ranks = {role: rank for rank, role in enumerate(ROLES)}
        rank = pl.col("role").replace_strict(ranks, return_dtype=pl.Int8)
        frames = [read_shard(s).with_columns(shard=pl.lit(i)) for i, s in enumerate(self.found)]
        # A text may be held by several sets, of which the row is held against some.
        met = pl.concat(frames).join(names, "text").filter(rank < pl.col("limit"))
        n_met = met.group_by(of).agg(n_found=pl.col("place").n_unique(), n_matched=pl.struct("shard", "row").n_unique())
        told = sets.join(n_met, of, how="left").with_columns(pl.col("n_found", "n_matched").fill_null(0))
        return told.sort(rank, "source")


@dataclass(frozen=True)
class NothingTask:
    """No text is held, so no row goes."""

    root: str

    @property
    def key(self) -> str:
        return _key("overlap_nothing")

    def run(self, folder: Path) -> Result:
        """An empty decision."""
        return decisions(folder, self.key, pl.DataFrame(schema=_DECISIONS))


def of_kind(kind: str, shards: Sequence[Shard], results: Sequence[Result]) -> tuple[Shard, ...]:
    """The decisions on the shards of a kind that concern any row."""
    return tuple(r.shards[0] for s, r in zip(shards, results, strict=True) if s.kind == kind and r.shards[0].n_rows)
