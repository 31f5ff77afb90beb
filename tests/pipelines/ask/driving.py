"""Jobs driven by hand: scripted replies, one after another, and the questions that were asked."""

from __future__ import annotations

from typing import Any

from pipelines.llm.exchange import Ask, Reply
from pipelines.llm.stage import Job, Outcome
from schemas.records import INSTRUCTION, SCHEMAS


def ok(value: Any = None, text: str = "{}", key: str = "k1") -> Reply:
    return Reply(key, "ok", text, value, "", "model")


def ended(state: str, reason: str) -> Reply:
    return Reply("k9", state, "", None, reason, "model")


def drive(job: Job, *replies: Reply) -> tuple[Outcome, list[Ask]]:
    """The outcome, and what was asked; every reply must be asked for, and no more."""
    asked: list[Ask] = []
    left = list(replies)
    try:
        question = next(job)
        while True:
            assert isinstance(question, Ask)
            asked.append(question)
            assert left, f"asked for more: {question.prompt}"
            question = job.send(left.pop(0))
    except StopIteration as end:
        assert not left, "asked for less"
        outcome: Outcome = end.value
        return outcome, asked


def dialogue(*turns: str, **columns: Any) -> dict[str, Any]:
    """A conversation that begins with the patient."""
    roles = ("patient", "doctor")
    said = [{"role": roles[i % 2], "content": turn} for i, turn in enumerate(turns)]
    given = {"turns": said, "title": None, "department": None, "age": None, "diagnosis": None}
    return {**_common("d0123456789abcdef0123"), **given, **columns}


def instruction_row(*contents: str, **columns: Any) -> dict[str, Any]:
    """An instruction of a distilled source."""
    roles = ("user", "assistant")
    messages = [{"role": roles[i % 2], "content": content} for i, content in enumerate(contents)]
    source = {"method": "source", "name": "set", "version": None, "template": None, "call_key": None}
    given = {"task": "medkqa", "aspect": None, "department": None, "messages": messages, "evidence": []}
    made = {**_common("i0123456789abcdef0123"), **given, "generator": source, "verdicts": [], **columns}
    assert set(made) == set(SCHEMAS[INSTRUCTION])
    return made


def _common(record_id: str) -> dict[str, Any]:
    names = {"source_id": "s", "part": "a.json", "locator": "[1]", "license": "MIT", "group_id": "g1"}
    rest = {"topic": "paediatric", "domain": "paediatric", "split": None, "drop_reason": None, "drop_detail": None}
    return {"record_id": record_id, **names, **rest}
