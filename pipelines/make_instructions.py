"""Instructions and preferences from source records: by the embedded teacher, by an LLM, or by both side by side.

Extractive (`method: extractive`): every answer is its own evidence, spans of the passage, names of the triples or the
doctor's own sentences, joined by set phrases. What is doubtful is left out, so a record may well yield nothing.

By an LLM (`method: llm`): role-play over passages and diseases, safety and self-cognition from seeds, and
conversations rewritten in the manner of polished ones. What it writes is checked against its source row by row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import polars as pl

from pipelines.ask.polished_pool import PolishedPool, our_pool
from pipelines.ask.regularize import Regularization, asks_of_dialogue, dialogue_job
from pipelines.ask.role_play import PROMPTS as ROLE_PLAY_PROMPTS
from pipelines.ask.role_play import RolePlay, asks_of_passage, passage_job
from pipelines.ask.role_play_graph import asks_of_triple, graph_job
from pipelines.ask.seeds import PROMPTS as SEED_PROMPTS
from pipelines.ask.seeds import SeedRows, asks_of_seed, seed_job
from pipelines.base import MakeStage
from pipelines.drop_off_topic import retasked
from pipelines.llm.stage import AskStage, Job, Row
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
from schemas.records import DIALOGUE, DOCUMENT, INSTRUCTION, PREFERENCE, SEED, TRIPLE, frame_of

EXTRACTIVE, LLM = "extractive", "llm"


@dataclass(frozen=True)
class MakeInstructions(MakeStage, AskStage):
    """Makes instructions from passages, diseases and conversations; extractively, by an LLM, or both.

    Attributes:
        methods: `extractive`, `llm` or both; left out: `llm` where a writer is configured, else `extractive`.
        max_per_disease: Extractive: MedKQ&A instructions from the triples of one disease.
        max_advice: Extractive: TreRecom instructions from the triples of one disease.
        max_consultations: Extractive: EviDiag instructions from the triples of one disease.
        max_per_section: Extractive: instructions from one section, article or recommendation.
        max_per_table: Extractive: instructions from the food tables in one section.
        max_per_dialogue: Extractive: instructions from one conversation.
        max_preferences: Extractive: preferences from one conversation.
        role_play: By an LLM: over passages and diseases.
        seeds: By an LLM: safety and self-cognition, from the sources of kind `seeds`.
        regularization: By an LLM: of conversations.
        assistant: Who the assistant says it is; from `assistant:`.
        pool: Polished conversations; from `regularization.pool`.
    """

    kind: ClassVar[str] = "make_instructions"
    reads: ClassVar[tuple[str, ...]] = (DOCUMENT, TRIPLE, DIALOGUE)
    asks: ClassVar[tuple[str, ...]] = ("writer", "polisher")
    prompt_names: ClassVar[tuple[str, ...]] = (*ROLE_PLAY_PROMPTS, *SEED_PROMPTS, "regularize")
    calls_per_job: ClassVar[float] = 1.1
    output_tokens_per_call: ClassVar[int] = 900
    jobs_per_record: ClassVar[Mapping[str, float]] = {DOCUMENT: 0.5, TRIPLE: 1 / 15, DIALOGUE: 0.6}
    rows_per_job: ClassVar[float] = 2.0

    methods: tuple[str, ...] = field(default=(), metadata={"choices": (EXTRACTIVE, LLM)})
    max_per_disease: int = field(default=20, metadata={"min": 0})
    max_advice: int = field(default=6, metadata={"min": 0})
    max_consultations: int = field(default=3, metadata={"min": 0})
    max_per_section: int = field(default=4, metadata={"min": 0})
    max_per_table: int = field(default=60, metadata={"min": 0})
    max_per_dialogue: int = field(default=3, metadata={"min": 0})
    max_preferences: int = field(default=2, metadata={"min": 0})
    role_play: RolePlay = field(default_factory=RolePlay)
    seeds: SeedRows = field(default_factory=SeedRows)
    regularization: Regularization = field(default_factory=Regularization)
    assistant: Mapping[str, str] = field(default_factory=dict, kw_only=True)
    pool: PolishedPool = field(default_factory=our_pool, kw_only=True)

    @property
    def chosen(self) -> tuple[str, ...]:
        """The methods, where none is given those that there is a model for."""
        return self.methods or ((LLM,) if super().has_teacher else (EXTRACTIVE,))

    @property
    def makes(self) -> bool:
        """Whether the embedded teacher works."""
        return EXTRACTIVE in self.chosen

    @property
    def has_teacher(self) -> bool:
        """Whether an LLM is asked."""
        return LLM in self.chosen and super().has_teacher

    def settings(self) -> dict[str, Any]:
        """Its configuration; what only an LLM needs is part of it where one is asked."""
        found = super().settings()
        pool = found.pop("pool", None)
        for name in (
            () if self.has_teacher else ("role_play", "seeds", "regularization", "assistant", "models", "prompts")
        ):
            found.pop(name, None)
        return {**found, "pool": self.pool.version} if self.has_teacher and pool is not None else found

    def asked_of(self, kind: str, frame: pl.DataFrame) -> pl.DataFrame:
        """Passages with content, triples of diseases, conversations."""
        frame = frame.filter(_not_general() | _of_seeds(kind))
        asks: dict[str, Callable[[Row], bool]] = {
            DOCUMENT: self._asks_of_document,
            TRIPLE: asks_of_triple,
            DIALOGUE: lambda row: asks_of_dialogue(row, self.regularization),
        }
        wanted = [asks[kind](row) for row in frame.iter_rows(named=True)]
        return frame.filter(pl.Series(wanted, dtype=pl.Boolean))

    def _asks_of_document(self, row: Row) -> bool:
        return bool(self.seeds.items) if asks_of_seed(row) else asks_of_passage(row, self.role_play)

    def job(self, kind: str, rows: Sequence[Row]) -> Job:
        """Role-play over a passage or a disease, rows from a seed, or a conversation rewritten."""
        if kind == TRIPLE:
            return graph_job(rows, self.role_play, self.models, self.prompts)
        (row,) = rows
        if kind == DIALOGUE:
            return dialogue_job(row, self.regularization, self.models, self.prompts, self.pool)
        if asks_of_seed(row):
            return seed_job(row, self.seeds, self.assistant, self.models, self.prompts)
        return passage_job(row, self.role_play, self.models, self.prompts)

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
        modern = (pl.col("register").fill_null("modern") != "classical") & ~pl.col("source_kind").is_in(("plain", SEED))
        for row in frame.filter(_not_general() & modern).iter_rows(named=True):
            rules = (statute_rows, clause_rows) if row["number"] else (section_rows,)
            for rule in rules:
                made += rule(row, self.max_per_section)
            made += table_rows(row, self.max_per_table)
        return made


def _of_seeds(kind: str) -> pl.Expr:
    return pl.col("source_kind") == SEED if kind == DOCUMENT else pl.lit(False)


def _not_general() -> pl.Expr:
    return pl.col("domain").fill_null("") != "general"
