"""Distilled instructions made better step by step: a stage over `pipelines.ask.reconstruction`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final

import polars as pl

from pipelines.ask.reconstruction import MAX_CHARS, PROMPTS, density, reconstruct_job
from pipelines.llm.stage import AskStage, Job, Outcome, Row
from pipelines.teacher.phrasing import draw
from schemas.records import INSTRUCTION, PAEDIATRIC_TASKS

_LOTS: Final = 1_000_000_000


@dataclass(frozen=True)
class Reconstruct(AskStage):
    """Improves a sample of knowledge-dense instructions of distilled sources; one that gets no better stays as it is.

    Attributes:
        share: Of the knowledge-dense instructions, drawn by their ids: another source moves nothing.
        min_score: Distinct medical facts (amounts, drugs, diseases, symptoms, examinations) in 100 characters of the
            answer, from which an instruction counts as knowledge-dense; 3 is about the upper quarter of public sets.
        general: Also those of general medicine and others; else only the paediatric tasks.
        safety: Also safety and self-cognition, whose wording is deliberate.
    """

    kind: ClassVar[str] = "reconstruct"
    reads: ClassVar[tuple[str, ...]] = (INSTRUCTION,)
    replaces: ClassVar[tuple[str, ...]] = (INSTRUCTION,)
    asks: ClassVar[tuple[str, ...]] = ("judge", "polisher")
    prompt_names: ClassVar[tuple[str, ...]] = PROMPTS
    calls_per_job: ClassVar[float] = 2.8
    input_tokens_per_call: ClassVar[int] = 500
    output_tokens_per_call: ClassVar[int] = 250
    jobs_per_record: ClassVar[Mapping[str, float]] = {INSTRUCTION: 0.05}

    share: float = field(default=0.2, metadata={"min": 0.0, "max": 1.0})
    min_score: float = field(default=3.0, metadata={"min": 0.0, "max": 100.0})
    general: bool = False
    safety: bool = False

    def asked_of(self, kind: str, frame: pl.DataFrame) -> pl.DataFrame:
        """The sample: distilled, of the tasks that are meant, not of the test split, drawn, and dense."""
        if not self.has_teacher or not self.share:
            return frame.clear()
        tasks = [*PAEDIATRIC_TASKS, *(["general"] if self.general else [])]
        tasks += ["safety", "self_cognition"] if self.safety else []
        likely = (pl.col("generator").struct.field("method") == "source") & pl.col("task").is_in(tasks)
        likely &= pl.col("split").fill_null("") != "test"
        drawn = [
            likely_row and is_drawn(row["record_id"], "reconstruct", self.share) and self._is_dense(row)
            for row, likely_row in zip(frame.iter_rows(named=True), frame.select(likely).to_series(), strict=True)
        ]
        return frame.filter(pl.Series(drawn, dtype=pl.Boolean))

    def _is_dense(self, row: dict[str, Any]) -> bool:
        messages = row["messages"] or []
        if len(messages) < 2 or messages[-1]["role"] != "assistant" or not all(m["content"] for m in messages):
            return False
        return sum(len(m["content"]) for m in messages) <= MAX_CHARS and density(row) >= self.min_score

    def job(self, kind: str, rows: Sequence[Row]) -> Job:
        """The steps for one instruction."""
        if not self.has_teacher:
            return _unchanged(rows[0])
        return reconstruct_job(rows[0], self.prompts)


def _unchanged(row: Row) -> Job:
    return Outcome(made=[(INSTRUCTION, row)])
    yield


def is_drawn(record_id: str, purpose: str, share: float) -> bool:
    """Whether a record is in the sample of that share; by its id alone."""
    return draw(_LOTS, purpose, record_id) < share * _LOTS
