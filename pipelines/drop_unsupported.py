"""Drops answers that say what their evidence does not, and holds back doubtful ones: a stage over `pipelines.check`."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Final

import polars as pl

from pipelines.base import BatchStage
from pipelines.check.answers import Unfit
from pipelines.check.judge import CHECKS
from pipelines.check.judging import Judging
from pipelines.check.review import Judge, Review, review
from pipelines.check.rows import conversation_of, detail_of, evidence_of, is_extractive, known_of
from pipelines.workspace import Shard
from schemas.errors import ConfigError
from schemas.fingerprints import sha256_file
from schemas.records import INSTRUCTION, PREFERENCE
from schemas.settings import did_you_mean

NO_EVIDENCE: Final = "no_evidence"
HELD: Final = "quarantine"


@dataclass(frozen=True)
class DropUnsupported(BatchStage):
    """Drops instructions, and preferences by their chosen answer, whose evidence does not bear them out.

    Reasons: a kind of `pipelines.check.signals.KINDS` for what is rejected, `quarantine_<kind>` for what is held back
    where nobody is asked about it, `unchecked_<why>` for rows too long to be checked. Rows without evidence pass.

    Attributes:
        quarantine: Probability of an unsupported statement from which a row is held back; None: as calibrated.
        reject: Probability from which it is dropped, likewise.
        off: Checks to leave out, by name.
        model: File of a classifier of the user's own, as `pedcorpus check --train` writes it.
        lexicon: File of names of the user's own, as `pedcorpus check --lexicon` reads it.
        graph: Hold answers against the corpus's own knowledge graph too: what contradicts a triple is held back.
        triples: The shards of that graph; a build fills them in.
        leaves_middle: What is held back passes, with a verdict that says so, for `judge_unsupported` to ask about.

    Cost: about 7 ms a row, start of a worker aside.
    Does not cover: whether the evidence is right.
    """

    kind: ClassVar[str] = "drop_unsupported"
    reads: ClassVar[tuple[str, ...]] = (INSTRUCTION, PREFERENCE)

    quarantine: float | None = field(default=None, metadata={"min": 0.0, "max": 1.0})
    reject: float | None = field(default=None, metadata={"min": 0.0, "max": 1.0})
    off: tuple[str, ...] = ()
    model: str | None = None
    lexicon: str | None = None
    graph: bool = True
    triples: tuple[Shard, ...] = ()
    leaves_middle: bool = False

    def __post_init__(self) -> None:
        problems = [f"off: `{n}` is no check.{did_you_mean(n, CHECKS)}" for n in self.off if n not in CHECKS]
        if self.quarantine is not None and self.reject is not None and self.quarantine > self.reject:
            problems.append("quarantine: is above `reject:`; what is held back is less likely wrong.")
        if problems:
            raise ConfigError(problems)

    def settings(self) -> dict[str, Any]:
        """Its configuration; a classifier and a list of names by their content, the graph by its shards' keys."""
        found = {name: value for name, value in super().settings().items() if name != "triples"}
        if self.triples:
            found["triples"] = [shard.key for shard in self.triples]
        files = {"model": self.model, "lexicon": self.lexicon}
        return {**found, **{name: sha256_file(Path(path)) for name, path in files.items() if path is not None}}

    @property
    def judge(self) -> Judge:
        """Gives the verdicts."""
        graph = tuple(shard.path for shard in self.triples) if self.graph else ()
        off = tuple(sorted(self.off))
        return Judging(off, self.quarantine, self.reject, self.model, graph=graph, lexicon=self.lexicon)

    def apply(self, kind: str, frame: pl.DataFrame) -> pl.DataFrame:
        """The same rows: `drop_reason` and `drop_detail` of what goes, and of instructions the verdict."""
        if frame.is_empty():
            return frame
        judged = [self._judged(kind, row) for row in frame.iter_rows(named=True)]
        reasons, details, verdicts = zip(*judged, strict=True)
        named = [None if reason is None else f"{self.kind}:{reason}" for reason in reasons]
        after = frame.with_columns(
            pl.Series("drop_reason", named, dtype=pl.String), pl.Series("drop_detail", details, dtype=pl.String)
        )
        if kind == INSTRUCTION:
            noted = [noted_in(r, self.kind, v) for r, v in zip(frame["verdicts"].to_list(), verdicts, strict=True)]
            after = after.with_columns(pl.Series("verdicts", noted, dtype=frame.schema["verdicts"]))
        return after.select(frame.columns)

    def _judged(self, kind: str, row: dict[str, Any]) -> tuple[str | None, str | None, str]:
        """Drop reason, detail, and the verdict as the row keeps it."""
        try:
            found = self.review(kind, row)
        except Unfit as unfit:
            return f"unchecked_{unfit.reason}", unfit.detail, unfit.reason
        if found is None:
            return None, None, NO_EVIDENCE
        said = f"{found.verdict} {found.probability:.2f}"
        if found.verdict == "reject":
            return found.findings[0].kind, detail_of(found), said
        if found.verdict == HELD and not self.leaves_middle:
            return f"{HELD}_{found.findings[0].kind}", detail_of(found), said
        return None, None, said

    def review(self, kind: str, row: dict[str, Any]) -> Review | None:
        """What is said of a row; None where it has no evidence.

        Raises:
            Unfit: it is too long to be checked.
        """
        evidence = evidence_of(row)
        if not evidence:
            return None
        judge = self.judge
        if isinstance(judge, Judging) and is_extractive(row):
            judge = dataclasses.replace(judge, own_wording=True)
        return review(conversation_of(kind, row), evidence, judge, known_of(kind, row))


def noted_in(verdicts: list[dict[str, str]] | None, check: str, verdict: str) -> list[dict[str, str]]:
    """A row's verdicts with one of that check, in place of an earlier one."""
    return [*(v for v in verdicts or () if v["check"] != check), {"check": check, "verdict": verdict}]
