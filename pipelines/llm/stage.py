"""A stage whose work is asking: for each row a job, which asks, looks at the replies, and says what came of it.

    class Rhyme(AskStage):
        def job(self, kind, rows):
            reply = yield Ask("writer", …)             # one question; or a tuple of them, for a tuple of replies
            if not reply.ok:
                return Outcome.of(reply)
            return Outcome(made=[(INSTRUCTION, {...})])

A job is a plain generator that does no input or output of its own: thousands of them wait side by side, and with a
ledger full of replies the same job gives the same outcome again, without a call.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import polars as pl

from pipelines.base import Stage
from pipelines.llm.exchange import Ask, Reply
from pipelines.prompts import PromptBook

Row = dict[str, Any]


@dataclass(frozen=True)
class Drop:
    """A row that was made and did not pass: a word for why, and what a person needs to judge it."""

    kind: str
    row: Row
    reason: str
    detail: str


@dataclass
class Outcome:
    """What came of a job.

    Attributes:
        state: As of a reply: `ok` where every question was answered, whatever was made of it.
        reason: Where it is not `ok`, why; where nothing was made of an answer, why too (`no_content`).
        detail: Where it is not `ok`, what a person needs to judge it: call key, the endpoint's words.
        made: `(record kind, row)` of what is kept. For a stage that replaces rows, the row itself or its new form.
        dropped: What was made and did not pass.
    """

    state: str = "ok"
    reason: str = ""
    detail: str = ""
    made: list[tuple[str, Row]] = field(default_factory=list)
    dropped: list[Drop] = field(default_factory=list)

    @classmethod
    def of(cls, reply: Reply) -> Outcome:
        """The outcome of a job that a reply without content ends."""
        return cls(reply.state, reply.reason, f"call {reply.key}")


Job = Generator[Ask | tuple[Ask, ...], Any, Outcome]
"""Yields one question and is sent its `Reply`, or yields a tuple of questions and is sent a list of replies."""


@dataclass(frozen=True)
class AskStage(Stage):
    """Asks an LLM about rows.

    Class attributes:
        asks: Roles that it asks.
        prompt_names: Prompt files that it uses; their versions are part of its fingerprint.
        replaces: Record kinds whose rows it takes and gives back, changed or not; all others stay as they are.
        calls_per_job: Questions that a job asks on average, for estimates before a run.
        input_tokens_per_call: Tokens of a question on average, likewise, where no row is at hand yet.
        output_tokens_per_call: Tokens of a reply on average, likewise.
        jobs_per_record: Record kind → jobs that a record of a source makes on average, likewise.
        rows_per_job: Instructions that a job makes on average, likewise.

    Attributes:
        models: Role → model, of the roles in `asks` that the configuration has; empty: nothing is asked.
        prompts: The prompts, ours or the user's.
    """

    asks: ClassVar[tuple[str, ...]]
    prompt_names: ClassVar[tuple[str, ...]]
    replaces: ClassVar[tuple[str, ...]] = ()
    calls_per_job: ClassVar[float] = 1.0
    input_tokens_per_call: ClassVar[int] = 1_200
    output_tokens_per_call: ClassVar[int] = 600
    jobs_per_record: ClassVar[Mapping[str, float]] = {}
    rows_per_job: ClassVar[float] = 0.0

    models: dict[str, str] = field(default_factory=dict, kw_only=True)
    prompts: PromptBook = field(default_factory=PromptBook, kw_only=True)

    def settings(self) -> dict[str, Any]:
        """Its configuration; the prompts by their versions, and only those that it uses."""
        found = {f: v for f, v in super().settings().items() if f != "prompts"}
        if not self.models:
            return {k: v for k, v in found.items() if k != "models"}
        return {**found, "prompts": {name: self.prompts.version(name) for name in self.prompt_names}}

    @property
    def has_teacher(self) -> bool:
        """Whether every role that it asks has a model; without, it is left out of a build."""
        return all(role in self.models for role in self.asks)

    def group_by(self, kind: str) -> str | None:
        """The column whose equal values make one job, or None for a job a row."""
        return None

    @abstractmethod
    def asked_of(self, kind: str, frame: pl.DataFrame) -> pl.DataFrame:
        """The rows that get a job, in order; the others pass as they are. By the row alone, and the same columns."""

    @abstractmethod
    def job(self, kind: str, rows: Sequence[Row]) -> Job:
        """The job for one row (the only item of `rows`), or for a group, sorted by id."""
