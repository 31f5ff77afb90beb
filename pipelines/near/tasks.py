"""Near-duplicates as tasks: fold and shuffle by strict facts, then decide every partition by itself.

PrepareTask    a shard → its records folded, by partition
EdgesTask      a share of the work on a partition that is too large for one task → similar pairs
ResolveTask    a partition → which of its records go, with keeper, similarity and rule
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl

from pipelines.base import RunTasks
from pipelines.near.candidates import Pairs, Texts, band_pairs, bounds, large_members, possible, small_pairs
from pipelines.near.clusters import Forest, Removals, removals
from pipelines.near.exact_join import exact_pairs
from pipelines.near.guard import rule_numbers
from pipelines.near.prepared import gathered, read_partition
from pipelines.near.settings import JACCARD, Near
from pipelines.near.similarity import Similarities, similarities
from pipelines.near.sketches import banding
from pipelines.shuffle import decisions
from pipelines.tasks import write_shard
from pipelines.workspace import Result
from schemas.fingerprints import code_fingerprint, fingerprint

CHARS_PER_PARTITION: Final = 32_000_000
"""64 MB of folded text, and some 150 MB with what is reckoned with it."""
BYTES_PER_CHAR: Final = 6
"""What a task holds for each character of its partition, at most, measured."""
_CHECKED_AT_ONCE: Final = 20_000
SAME_TEXT: Final = "same_text"


@dataclass(frozen=True)
class Prepared:
    """A shard's records ready for comparison.

    Attributes:
        path: The file.
        key: Names its content.
        chars: Characters a partition.
    """

    path: str
    key: str
    chars: tuple[int, ...]


def n_partitions(n_chars: int, at_once: int = CHARS_PER_PARTITION) -> int:
    """Enough for so many characters, `at_once` of them in each; any number gives the same removals."""
    return max(1, -(-n_chars // at_once))


def resolve(
    run: RunTasks, root: str, near: Near, stage: str, prepared: Sequence[Prepared], at_once: int | None = None
) -> list[Result]:
    """Runs what finds the near-duplicates of prepared shards; one result a partition, as `CorpusStage.decide` says.

    Args:
        run: Runs tasks.
        root: The workspace.
        near: What near-duplicates are.
        stage: The name that drops bear.
        prepared: The shards.
        at_once: Characters to a task; the work on a partition of more than twice as many is shared by several.
    """
    at_once = at_once or CHARS_PER_PARTITION
    n = len(prepared[0].chars) if prepared else 0
    totals = [sum(p.chars[i] for p in prepared) for i in range(n)]
    shares = [max(1, -(-total // (2 * at_once))) for total in totals]
    edges = [
        EdgesTask(root, near, tuple(prepared), i, share, k) for i, k in enumerate(shares) for share in range(k) if k > 1
    ]
    found = run(edges)
    files: dict[int, list[str]] = {}
    for task, result in zip(edges, found, strict=True):
        files.setdefault(task.partition, []).append(result.shards[0].path)
    return run(
        [ResolveTask(root, near, stage, tuple(prepared), i, k, tuple(files.get(i, ()))) for i, k in enumerate(shares)]
    )


class Partition:
    """The records of a partition that share their strict facts with another, and their texts."""

    def __init__(self, near: Near, prepared: Sequence[Prepared], number: int) -> None:
        self.near = near
        frame, batches = read_partition([p.path for p in prepared], number)
        shared = frame.filter(pl.col("facts").is_duplicated())
        ordered = shared.sort(["facts", "rank", "chars", "record_id", "shard", "row"], descending=[*_DESCENDING])
        # Of equal texts the first stands for all.
        numbered = ordered.with_columns(pl.int_range(pl.len(), dtype=pl.Int64).alias("number"))
        self.rows = numbered.with_columns(
            pl.col("number").first().over("facts", "texts", "context", "apart").alias("first")
        )
        leaders = self.rows.filter(pl.col("first") == pl.col("number"))
        leaders = leaders.filter((pl.col("chars") >= near.min_chars) & pl.col("facts").is_duplicated())
        self.numbers = leaders["first"].to_numpy()
        self.contexts, self.apart = leaders["context"], leaders["apart"]
        group = leaders["facts"].rle_id().cast(pl.Int64).to_numpy()
        self.texts = Texts(*gathered(batches, leaders["batch"].to_numpy(), leaders["at"].to_numpy()), group)

    @cached_property
    def least(self) -> float:
        """The lowest whole-text Levenshtein similarity of a pair whose every field reaches the threshold.

        The longer fields of both texts together are at most the longer text / threshold.
        """
        t = self.near.threshold
        return 0.0 if self.near.similarity == JACCARD else max(0.0, 1 - (1 - t) / t) if self.near.has_fields else t

    def check(self, pairs: Pairs) -> Similarities:
        """Of each pair the similarity, 0 where it is too low or the guard forbids it."""
        near, found = self.near, np.zeros(len(pairs))
        for begin in range(0, len(pairs), _CHECKED_AT_ONCE):
            some = pairs[begin : begin + _CHECKED_AT_ONCE]
            score = similarities(self.texts, some, near.similarity, near.threshold, self.plan.ngram, near.min_chars)
            self._set_apart(some, score)
            if near.guard:
                self._guard(some, score)
            found[begin : begin + _CHECKED_AT_ONCE] = score
        return found

    def _check_any(self, pairs: Pairs) -> Similarities:
        """The same of pairs that no bound has ruled out before, such as the ends of a chain."""
        texts, found = self.texts, np.zeros(len(pairs))
        able = np.flatnonzero(possible(texts.units, texts.starts, texts.ends, pairs, self.least))
        found[able] = self.check(pairs[able])
        return found

    def _guard(self, pairs: Pairs, score: Similarities) -> None:
        passed = np.flatnonzero(score > 0)
        rules = rule_numbers(self.texts.units, self.texts.starts, self.texts.ends, pairs[passed])
        score[passed[rules >= 0]] = 0

    def _set_apart(self, pairs: Pairs, score: Similarities) -> None:
        """No similarity for pairs of one `apart`, nor for those whose contexts have nothing in common."""
        passed = np.flatnonzero(score > 0)
        a, b = (self.apart.gather(pairs[passed, side]) for side in (0, 1))
        score[passed[((a == b) & (a != "")).to_numpy()]] = 0
        a, b = (self.contexts.gather(pairs[passed, side]) for side in (0, 1))
        for k in np.flatnonzero(((a != b) & (a != "") & (b != "")).to_numpy()).tolist():
            if not set(a[k].split("|")) & set(b[k].split("|")):
                score[passed[k]] = 0

    @cached_property
    def plan(self) -> Any:
        """How texts are cut into bands."""
        return banding(self.near.threshold, self.near.similarity, self.near.ngram)

    def edges(self, share: int, shares: int) -> tuple[Pairs, Similarities, Forest]:
        """Similar pairs of a share of the work; pairs that are connected by then are not looked at."""
        forest = Forest(len(self.numbers))
        found: list[tuple[Pairs, Similarities]] = [(np.zeros((0, 2), np.int64), np.zeros(0))]
        for pairs in self._candidates(share, shares, forest):
            for begin in range(0, len(pairs), _CHECKED_AT_ONCE):
                some = pairs[begin : begin + _CHECKED_AT_ONCE]
                some = some[forest.apart(some)]
                score = self.check(some)
                some, score = some[score > 0], score[score > 0]
                forest.join(some)
                found.append((some, score))
        return np.concatenate([f[0] for f in found]), np.concatenate([f[1] for f in found]), forest

    def _candidates(self, share: int, shares: int, forest: Forest) -> Any:
        texts, near = self.texts, self.near
        if share == 0:
            yield small_pairs(texts, self.least)
        members = large_members(texts)
        if not len(members):
            return
        if near.exact:
            yield from self._exact(members, share, shares, forest)
        else:
            yield from band_pairs(texts, members, self.plan, range(share, self.plan.bands, shares), self.least)

    def _exact(self, members: Any, share: int, shares: int, forest: Forest) -> Any:
        edges = bounds(self.texts.group[members])
        threshold = self.near.threshold if self.near.similarity == JACCARD else self.least
        for begin, end in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
            some = members[begin:end]
            turn, ngram = (share, shares), self.plan.ngram
            yield from exact_pairs(self.texts, some, self.near.similarity, threshold, ngram, turn, forest)

    def removed(self, edges: Pairs, score: Similarities, forest: Forest) -> pl.DataFrame:
        """The rows that go: `shard`, `row`, `record_id`, `keeper_id`, `similarity`, `rule`."""
        order = np.lexsort((edges[:, 1], edges[:, 0]))
        near = removals(forest.roots(), edges[order], score[order], self._check_any)
        return self._named(near)

    def _named(self, near: Removals) -> pl.DataFrame:
        """Removals of texts as removals of rows, those with equal texts among them."""
        gone = pl.DataFrame(
            {
                "first": self.numbers[near.removed],
                "keeper": self.numbers[near.keepers],
                "similarity": near.similarities,
            },
            schema={"first": pl.Int64, "keeper": pl.Int64, "similarity": pl.Float64},
        )
        rows = self.rows.join(gone, on="first", how="left", maintain_order="left")
        same = pl.col("keeper").is_null()
        rows = rows.filter(~same | (pl.col("number") != pl.col("first"))).with_columns(
            pl.when(same).then("first").otherwise("keeper").alias("keeper"),
            pl.when(same).then(1.0).otherwise("similarity").alias("similarity"),
            pl.when(same).then(pl.lit(SAME_TEXT)).otherwise(pl.lit(self.near.similarity)).alias("rule"),
        )
        keeper_id = self.rows["record_id"].gather(rows["keeper"]).alias("keeper_id")
        return rows.with_columns(keeper_id).select("shard", "row", "record_id", "keeper_id", "similarity", "rule")


_DESCENDING: Final = (False, False, True, False, False, False)
"""By facts, then preference: the better source, the longer text, the lower id."""


@dataclass(frozen=True)
class EdgesTask:
    """Similar pairs of a share of the candidates of one partition."""

    root: str
    near: Near
    prepared: tuple[Prepared, ...]
    partition: int
    share: int
    shares: int

    @property
    def key(self) -> str:
        return fingerprint(["edges", *_identity(self.near, self.prepared, self.partition), self.share, self.shares])

    def run(self, folder: Path) -> Result:
        """One shard of pairs, in the numbers of the partition's texts."""
        edges, score, _ = Partition(self.near, self.prepared, self.partition).edges(self.share, self.shares)
        frame = pl.DataFrame({"left": edges[:, 0], "right": edges[:, 1], "similarity": score})
        return Result([write_shard(folder, "edges", "edges", self.key, frame)])


@dataclass(frozen=True)
class ResolveTask:
    """Which records of a partition go."""

    root: str
    near: Near
    stage: str
    prepared: tuple[Prepared, ...]
    partition: int
    shares: int
    edges: tuple[str, ...]
    """Files of `EdgesTask`; none where the partition is small enough to be done here."""

    @property
    def key(self) -> str:
        return fingerprint(["resolve", self.stage, *_identity(self.near, self.prepared, self.partition), self.shares])

    def run(self, folder: Path) -> Result:
        """One shard of decisions that also name keeper, similarity and rule."""
        partition = Partition(self.near, self.prepared, self.partition)
        if self.edges:
            frame = pl.concat([pl.read_parquet(path, glob=False) for path in self.edges]).unique(["left", "right"])
            edges, score = frame.select("left", "right").to_numpy(), frame["similarity"].to_numpy()
            forest = Forest(len(partition.numbers))
            forest.join(edges)
        else:
            edges, score, forest = partition.edges(0, 1)
        removed = partition.removed(edges, score, forest)
        similarity = pl.col("similarity").round(3).cast(pl.String)
        return decisions(
            folder,
            self.key,
            removed.with_columns(
                (pl.lit(f"{self.stage}:") + pl.col("rule")).alias("drop_reason"),
                pl.concat_str("keeper_id", similarity, separator=" ").alias("drop_detail"),
            ),
            extra=("keeper_id", "similarity", "rule"),
        )


def _identity(near: Near, prepared: Sequence[Prepared], partition: int) -> list[Any]:
    code = code_fingerprint("schemas", "pipelines")
    return [near.settings(), [p.key for p in prepared], partition, code]
