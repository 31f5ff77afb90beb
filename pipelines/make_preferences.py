"""Preferences from instructions, by two models: a stage over `pipelines.ask.preferences`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import polars as pl

from pipelines.ask.preferences import PROMPTS, Limits, preference_job
from pipelines.llm.stage import AskStage, Job, Outcome, Row
from pipelines.reconstruct import is_drawn
from schemas.records import INSTRUCTION, PAEDIATRIC_TASKS

MAX_CHARS = 6_000
"""Of an instruction; longer ones are not asked about."""


@dataclass(frozen=True)
class MakePreferences(AskStage):
    """Makes a preference from each instruction of a sample; asks nothing where no `assistant` is configured.

    Attributes:
        share: Of the instructions of the three paediatric tasks, drawn by their ids.
        medkqa_share: Of MedKQ&A; `share` where it is left out.
        evidiag_share: Of EviDiag, likewise.
        trerecom_share: Of TreRecom, likewise.
        min_answer_chars: Shorter answers leave nothing to rephrase.
        max_length_ratio: Of the longer to the shorter answer of a pair.
        n_mends: How often the polisher is told which facts differ and may write again.
    """

    kind: ClassVar[str] = "make_preferences"
    reads: ClassVar[tuple[str, ...]] = (INSTRUCTION,)
    asks: ClassVar[tuple[str, ...]] = ("polisher", "assistant")
    prompt_names: ClassVar[tuple[str, ...]] = PROMPTS
    calls_per_job: ClassVar[float] = 2.2
    input_tokens_per_call: ClassVar[int] = 350
    output_tokens_per_call: ClassVar[int] = 250
    jobs_per_record: ClassVar[Mapping[str, float]] = {INSTRUCTION: 0.08}

    share: float = field(default=0.1, metadata={"min": 0.0, "max": 1.0})
    medkqa_share: float | None = field(default=None, metadata={"min": 0.0, "max": 1.0})
    evidiag_share: float | None = field(default=None, metadata={"min": 0.0, "max": 1.0})
    trerecom_share: float | None = field(default=None, metadata={"min": 0.0, "max": 1.0})
    min_answer_chars: int = field(default=40, metadata={"min": 1})
    max_length_ratio: float = field(default=3.0, metadata={"min": 1.0, "max": 50.0})
    n_mends: int = field(default=1, metadata={"min": 0, "max": 3})

    def asked_of(self, kind: str, frame: pl.DataFrame) -> pl.DataFrame:
        """The sample: paediatric, not of the test split, drawn, with an answer that can be rephrased."""
        if not self.has_teacher:
            return frame.clear()
        drawn = [self._is_asked(row) for row in frame.iter_rows(named=True)]
        return frame.filter(pl.Series(drawn, dtype=pl.Boolean))

    def _is_asked(self, row: dict[str, Any]) -> bool:
        if row["task"] not in PAEDIATRIC_TASKS or row["split"] == "test":
            return False
        share = getattr(self, f"{row['task']}_share")
        if not is_drawn(row["record_id"], "preference", self.share if share is None else share):
            return False
        messages = row["messages"] or []
        if len(messages) < 2 or messages[-1]["role"] != "assistant" or not all(m["content"] for m in messages):
            return False
        return (
            len(messages[-1]["content"]) >= self.min_answer_chars
            and sum(len(m["content"]) for m in messages) <= MAX_CHARS
        )

    def job(self, kind: str, rows: Sequence[Row]) -> Job:
        """The two questions about one instruction."""
        if not self.has_teacher:
            return _nothing()
        return preference_job(rows[0], self.prompts, Limits(self.max_length_ratio, self.n_mends))


def _nothing() -> Job:
    return Outcome(reason="no_model")
    yield
