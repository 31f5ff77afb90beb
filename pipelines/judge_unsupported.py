"""Asks an LLM about what `drop_unsupported` held back: a stage over `pipelines.ask.verdict`."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import polars as pl

from pipelines.ask.verdict import PROMPT, Decision, decided, verdict_job
from pipelines.check.answers import Unfit
from pipelines.check.review import Review
from pipelines.check.rows import detail_of
from pipelines.drop_unsupported import HELD, DropUnsupported, noted_in
from pipelines.llm.stage import AskStage, Drop, Job, Outcome, Row
from pipelines.workspace import Shard
from schemas.errors import ConfigError
from schemas.records import INSTRUCTION, PREFERENCE


@dataclass(frozen=True)
class JudgeUnsupported(AskStage):
    """Keeps what an LLM finds borne out by the evidence, with a quote that stands there; drops the rest.

    Reasons: the finding's kind where the evidence says otherwise, `unsupported` where it says nothing,
    `quarantine_<kind>` where no reply was of use.

    Attributes:
        votes: Replies for each row, of which more than half decide; an odd number.
        drop: Whose verdicts these are.
    """

    kind: ClassVar[str] = "judge_unsupported"
    reads: ClassVar[tuple[str, ...]] = (INSTRUCTION, PREFERENCE)
    replaces: ClassVar[tuple[str, ...]] = (INSTRUCTION, PREFERENCE)
    asks: ClassVar[tuple[str, ...]] = ("judge",)
    prompt_names: ClassVar[tuple[str, ...]] = (PROMPT,)
    calls_per_job: ClassVar[float] = 1.0
    input_tokens_per_call: ClassVar[int] = 1_100
    output_tokens_per_call: ClassVar[int] = 90
    jobs_per_record: ClassVar[Mapping[str, float]] = {INSTRUCTION: 0.1, PREFERENCE: 0.1}

    votes: int = field(default=1, metadata={"min": 1, "max": 9})
    drop: DropUnsupported = field(default_factory=DropUnsupported)

    def __post_init__(self) -> None:
        if self.votes % 2 == 0:
            raise ConfigError([f"votes: {self.votes} may end in a tie; take an odd number."])

    def settings(self) -> dict[str, Any]:
        """Its configuration; whose verdicts these are by that stage's."""
        return {**super().settings(), "drop": self.drop.settings()}

    def with_triples(self, triples: tuple[Shard, ...]) -> JudgeUnsupported:
        """The stage that judges again with the corpus's graph, as `drop` did."""
        return dataclasses.replace(self, drop=dataclasses.replace(self.drop, triples=triples))

    def asked_of(self, kind: str, frame: pl.DataFrame) -> pl.DataFrame:
        """What was held back; of preferences, which keep no verdicts, by judging again."""
        if not self.has_teacher:
            return frame.clear()
        if kind == INSTRUCTION:
            held = [_is_held(verdicts) for verdicts in frame["verdicts"].to_list()]
        else:
            reviews = (self._review(kind, row) for row in frame.iter_rows(named=True))
            held = [found is not None and found.verdict == HELD for found in reviews]
        return frame.filter(pl.Series(held, dtype=pl.Boolean))

    def _review(self, kind: str, row: Row) -> Review | None:
        try:
            return self.drop.review(kind, row)
        except Unfit:
            return None

    def job(self, kind: str, rows: Sequence[Row]) -> Job:
        """The question about one row, asked as often as there are votes."""
        row = rows[0]
        found = self._review(kind, row)
        assert found is not None, "only what was held back is asked about"
        decision = yield from verdict_job(found, self.prompts, self.votes)
        row = self._noted(kind, row, decision)
        found = decided(found, decision)
        if found.verdict == "keep":
            return Outcome(made=[(kind, row)])
        reason = found.findings[0].kind
        drop = Drop(kind, row, reason if decision.state == "ok" else f"{HELD}_{reason}", detail_of(found))
        if decision.reason == "too_long":  # nobody was asked
            return Outcome(dropped=[drop])
        return Outcome(decision.state, decision.reason, f"call {decision.call_key}", dropped=[drop])

    def _noted(self, kind: str, row: Row, decision: Decision) -> Row:
        """The row with what was decided, where its kind keeps verdicts."""
        if kind != INSTRUCTION:
            return row
        said = f"{decision.verdict} {decision.n_for}/{decision.n_votes} ({decision.call_key})"
        verdict = said if decision.state == "ok" else f"{decision.reason} ({decision.call_key})"
        return {**row, "verdicts": noted_in(row["verdicts"], self.kind, verdict)}


def _is_held(verdicts: Sequence[Mapping[str, str]] | None) -> bool:
    return any(v["check"] == DropUnsupported.kind and v["verdict"].startswith(HELD) for v in verdicts or ())
