"""Instructions and preferences from the source records themselves, without any LLM (`method: extractive`).

Every answer is its own evidence: spans of the passage, the names of the triples, or the doctor's own sentences,
joined by set phrases. What is doubtful is left out, so a record may well yield nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import polars as pl

from pipelines.base import MakeStage
from pipelines.drop_off_topic import retasked
from pipelines.teacher.clause_questions import clause_rows
from pipelines.teacher.consultations import consultations
from pipelines.teacher.conversation_preferences import conversation_preferences
from pipelines.teacher.conversations import conversation_rows
from pipelines.teacher.diseases import diseases
from pipelines.teacher.food_tables import table_rows
from pipelines.teacher.graph_advice import advice
from pipelines.teacher.graph_questions import knowledge
from pipelines.teacher.section_questions import section_rows
from pipelines.teacher.statute_questions import statute_rows
from schemas.records import DIALOGUE, DOCUMENT, INSTRUCTION, PREFERENCE, TRIPLE, frame_of


@dataclass(frozen=True)
class MakeInstructions(MakeStage):
    """The embedded teacher as a stage.

    Attributes:
        max_per_disease: MedKQ&A instructions from the triples of one disease.
        max_advice: TreRecom instructions from the triples of one disease.
        max_consultations: EviDiag instructions from the triples of one disease.
        max_per_section: Instructions from one section, article or recommendation.
        max_per_table: Instructions from the food tables in one section.
        max_per_dialogue: Instructions from one conversation.
        max_preferences: Preferences from one conversation.
    """

    kind: ClassVar[str] = "make_instructions"
    reads: ClassVar[tuple[str, ...]] = (DOCUMENT, TRIPLE, DIALOGUE)

    max_per_disease: int = field(default=20, metadata={"min": 0})
    max_advice: int = field(default=6, metadata={"min": 0})
    max_consultations: int = field(default=3, metadata={"min": 0})
    max_per_section: int = field(default=4, metadata={"min": 0})
    max_per_table: int = field(default=60, metadata={"min": 0})
    max_per_dialogue: int = field(default=3, metadata={"min": 0})
    max_preferences: int = field(default=2, metadata={"min": 0})

    def group_by(self, kind: str) -> str | None:
        """Triples come by disease: a question is about all that the graph knows of one."""
        return "head" if kind == TRIPLE else None

    def make(self, kind: str, frame: pl.DataFrame) -> dict[str, pl.DataFrame]:
        """Instructions and preferences made from the rows; empty frames where nothing good can be made."""
        instructions: list[dict[str, Any]] = []
        preferences: list[dict[str, Any]] = []
        if kind == TRIPLE:
            instructions = self._from_triples(frame)
        elif kind == DOCUMENT:
            instructions = self._from_documents(frame)
        elif kind == DIALOGUE:
            for row in frame.filter(_not_general()).iter_rows(named=True):
                instructions += conversation_rows(row, self.max_per_dialogue)
                preferences += conversation_preferences(row, self.max_preferences)
        return {
            INSTRUCTION: retasked(frame_of(INSTRUCTION, instructions)),
            PREFERENCE: retasked(frame_of(PREFERENCE, preferences)),
        }

    def _from_triples(self, frame: pl.DataFrame) -> list[dict[str, Any]]:
        made = []
        for disease in diseases(frame.filter(_not_general()).iter_rows(named=True)):
            made += knowledge(disease, self.max_per_disease)
            made += advice(disease, self.max_advice)
            made += consultations(disease, self.max_consultations)
        return made

    def _from_documents(self, frame: pl.DataFrame) -> list[dict[str, Any]]:
        """Classical texts go to pre-training, never into modern questions and answers."""
        made: list[dict[str, Any]] = []
        modern = (pl.col("register").fill_null("modern") != "classical") & (pl.col("source_kind") != "plain")
        for row in frame.filter(_not_general() & modern).iter_rows(named=True):
            rules = (statute_rows, clause_rows) if row["number"] else (section_rows,)
            for rule in rules:
                made += rule(row, self.max_per_section)
            made += table_rows(row, self.max_per_table)
        return made


def _not_general() -> pl.Expr:
    return pl.col("domain").fill_null("") != "general"
