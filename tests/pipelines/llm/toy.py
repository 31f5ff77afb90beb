"""A stage that asks about documents, and an LLM of one line, for tests of what lies around them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import polars as pl

from pipelines.ask.rows import instruction
from pipelines.llm.exchange import Ask, Reply, conversation
from pipelines.llm.stage import AskStage, Drop, Job, Outcome, Row
from pipelines.llm.wire import Interrupted
from pipelines.tasks import write_shard
from pipelines.workspace import Shard
from schemas.records import DOCUMENT, INSTRUCTION, frame_of, span


@dataclass(frozen=True)
class Echo(AskStage):
    """Asks each document with 问 in it, twice where it also says 再."""

    kind: ClassVar[str] = "make_echo"
    reads: ClassVar[tuple[str, ...]] = (DOCUMENT,)
    asks: ClassVar[tuple[str, ...]] = ("writer",)
    prompt_names: ClassVar[tuple[str, ...]] = ()

    def asked_of(self, kind: str, frame: pl.DataFrame) -> pl.DataFrame:
        return frame.filter(pl.col("text").str.contains("问"))

    def job(self, kind: str, rows: Sequence[Row]) -> Job:
        (row,) = rows
        ask = Ask("writer", "echo", "1", conversation("复述", row["text"]))
        reply = yield ask
        if not reply.ok:
            return Outcome.of(reply)
        if "再" in row["text"]:
            first, second = yield (ask, Ask("writer", "echo", "1", conversation("复述", row["text"] + reply.text)))
            assert first.key == reply.key
            assert second.key != reply.key
        messages = [{"role": "user", "content": row["text"]}, {"role": "assistant", "content": reply.text}]
        made = instruction(
            row, ask, reply, task="medkqa", messages=messages, evidence=[span(DOCUMENT, row, 0, len(row["text"]))]
        )
        if "坏" in reply.text:
            return Outcome(dropped=[Drop(INSTRUCTION, made, "bad_word", "坏")])
        return Outcome(made=[(INSTRUCTION, made)])


@dataclass(frozen=True)
class Polish(AskStage):
    """Rewrites every instruction's last answer; keeps the original where the model will not."""

    kind: ClassVar[str] = "polish"
    reads: ClassVar[tuple[str, ...]] = (INSTRUCTION,)
    asks: ClassVar[tuple[str, ...]] = ("polisher",)
    prompt_names: ClassVar[tuple[str, ...]] = ()
    replaces: ClassVar[tuple[str, ...]] = (INSTRUCTION,)

    def asked_of(self, kind: str, frame: pl.DataFrame) -> pl.DataFrame:
        return frame.filter(pl.col("task") == "medkqa")

    def job(self, kind: str, rows: Sequence[Row]) -> Job:
        (row,) = rows
        reply = yield Ask("polisher", "polish", "1", conversation("润色", row["messages"][-1]["content"]))
        if not reply.ok:
            return Outcome.of(reply)
        messages = [*row["messages"][:-1], {"role": "assistant", "content": reply.text}]
        return Outcome(made=[(INSTRUCTION, {**row, "messages": messages})])


class Parrot:
    """Answers by a function of the last message; counts what it is asked, and how many wait at a time."""

    def __init__(self, answer: Callable[[str], str | Reply | Exception] = lambda text: text, delay_s: float = 0.0):
        self.answer, self.delay_s = answer, delay_s
        self.asked: list[str] = []
        self.in_flight = self.peak = 0

    async def __aenter__(self) -> Parrot:
        return self

    async def __aexit__(self, *error: object) -> None:
        """Nothing to give back."""

    async def ask(self, ask: Ask) -> Reply:
        text = ask.messages[-1]["content"]
        self.asked.append(text)
        self.in_flight += 1
        self.peak = max(self.peak, self.in_flight)
        try:
            await asyncio.sleep(self.delay_s)
            answer = self.answer(text)
        finally:
            self.in_flight -= 1
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, Reply) else Reply(ask.key("parrot"), "ok", answer, model="parrot")

    def stop(self) -> int:
        self.answer = lambda text: Interrupted("stopped")
        return self.in_flight

    def status(self) -> str:
        return f"{len(self.asked)} asked"

    def report(self) -> dict[str, Any]:
        return {"asked": len(self.asked)}


class Seen:
    """A watcher that counts."""

    def __init__(self) -> None:
        self.n, self.notes = 0, [""]

    def advance(self, n: int = 1) -> None:
        self.n += n

    def note(self, text: str) -> None:
        self.notes.append(text)

    def say(self, text: str) -> None:
        self.notes.append(text)


def shard_of(folder: Path, kind: str, rows: list[Row], name: str = "rows") -> Shard:
    """Rows as a shard in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    return write_shard(folder, name, kind, f"key-{name}-{len(rows)}", frame_of(kind, rows))
