"""Drops what a model must not have seen before it is tested on it: overlap with benchmarks and between splits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from pipelines.base import CorpusStage, RunTasks
from pipelines.overlap_tasks import DerivedTask, HeldTask, IndexTask, MatchTask, NothingTask, SettleTask, of_kind
from pipelines.workspace import Result, Shard
from schemas.errors import ConfigError
from schemas.records import COMPLETION, INSTRUCTION, PREFERENCE


@dataclass(frozen=True)
class Benchmark:
    """Files of test questions that no row to train on may overlap with.

    Attributes:
        path: A file, folder or pattern, from the configuration's folder: JSON, JSON Lines, CSV, Parquet …
        columns: What to look for, the question first: column names or key paths (`meta.question`).
        encoding: Overrides detection.
    """

    path: str
    columns: tuple[str, ...]
    encoding: str | None = None

    def __post_init__(self) -> None:
        if not self.columns:
            raise ConfigError(["`columns:` is empty; name the question's column, and the answer's."])


@dataclass(frozen=True)
class BenchmarkFile:
    """A file of a benchmark.

    Attributes:
        path: Relative to the configuration's folder; it stands in reports and hashes.
        sha256: Of its bytes.
        columns: As configured.
        encoding: As configured.
        location: Where to open it on this machine; never part of a hash.
    """

    path: str
    sha256: str
    columns: tuple[str, ...]
    encoding: str | None
    location: str


@dataclass(frozen=True)
class DropContaminated(CorpusStage):
    """Drops rows that overlap with benchmark files, with sources of `role: eval`, or with a split that is held out.

    A held text is found wherever it stands in a row, with up to 5 % of its characters edited (punctuation, width and
    case aside; `overlap_index` has the proof); near-duplicates, and runs of 50 of its letters, are found too. Texts of
    fewer than 16 letters count only as a whole field. What a held text consists of is told in `overlap_items`.

    Of the train split every such row goes. Of the validation split those go that overlap with a benchmark, an
    evaluation source or the test split, so that no checkpoint is chosen by what it is tested on. Rows of the test
    split stay. Between the corpus's own splits, question and answer are judged together, and a run counts only if it
    is half of either text: a shared template or sentence is no contamination. A completion goes with the instruction
    that it was rewritten from. Doses are not guarded here: an exam question with another dose is the exam question.

    Attributes:
        benchmarks: Benchmark files, each with the columns to look for.
        eval_sources: Ids of the sources with `role: eval`.
        files: The files of the benchmarks, as found when the plan is made.
        items: Their texts, as read when the build runs (`overlap_items.ITEMS`).

    Does not cover: the same matter in other words or another language; a question of fewer than 16 letters within a
    longer text; a text that is mostly names or numbers which `deidentify` has hidden in the row.
    """

    kind: ClassVar[str] = "drop_contaminated"
    reads: ClassVar[tuple[str, ...]] = (INSTRUCTION, PREFERENCE, COMPLETION)
    across_kinds: ClassVar[bool] = True

    benchmarks: tuple[Benchmark, ...] = ()
    eval_sources: tuple[str, ...] = ()
    files: tuple[BenchmarkFile, ...] = ()
    items: tuple[Shard, ...] = ()

    def settings(self) -> dict[str, Any]:
        """What decides the outcome: the files by their bytes, wherever they lie."""
        names = ("path", "sha256", "columns", "encoding")
        files = [{name: getattr(file, name) for name in names} for file in self.files]
        return {"benchmarks": files, "eval_sources": self.eval_sources}

    def decide(self, run: RunTasks, root: str, shards: Sequence[Shard]) -> list[Result]:
        """One result; its report has under `contamination` what was found of each set that is held."""
        held = run([HeldTask(root, self.eval_sources, shard) for shard in shards])
        items = (*self.items, *(r.shards[0] for r in held))
        if not shards or not any(shard.n_rows for shard in items):
            return run([NothingTask(root)])
        names = run([IndexTask(root, items)])[0].shards[0]
        matched = run([MatchTask(root, names, shard, number) for number, shard in enumerate(shards)])
        decided = self._with_derived(run, root, shards, matched)
        found = tuple(r.shards[1] for r in matched)
        return run([SettleTask(root, names, found, tuple(r.shards[0] for r in decided))])

    def _with_derived(self, run: RunTasks, root: str, shards: Sequence[Shard], matched: list[Result]) -> list[Result]:
        gone = of_kind(INSTRUCTION, shards, matched)
        places = [i for i, shard in enumerate(shards) if shard.kind == COMPLETION and gone]
        derived = run([DerivedTask(root, shards[i], i, matched[i].shards[0], gone) for i in places])
        return [dict(zip(places, derived, strict=True)).get(i, result) for i, result in enumerate(matched)]
