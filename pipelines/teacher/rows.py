"""From an answer and its evidence to a row of the schema: the one place where the common columns are copied."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from schemas.records import INSTRUCTION, PREFERENCE, make_record_id

NAME: Final = "embedded"
VERSION: Final = "1"

Row = Mapping[str, Any]
Message = dict[str, str]
_COPIED: Final = ("source_id", "part", "locator", "license", "group_id", "topic", "domain", "split")


def user(content: str) -> Message:
    """What the person says."""
    return {"role": "user", "content": content}


def assistant(content: str) -> Message:
    """What the model should say."""
    return {"role": "assistant", "content": content}


def instruction(
    row: Row,
    *,
    task: str,
    aspect: str,
    template: str,
    messages: Sequence[Message],
    evidence: Sequence[dict[str, Any]],
    department: str | None = None,
) -> dict[str, Any]:
    """An instruction made from the source record `row`; `template` names the rule that made it."""
    questions = [m["content"] for m in messages if m["role"] == "user"]
    return {
        **_common(INSTRUCTION, row, template, *questions),
        "task": task,
        "aspect": aspect,
        "department": department,
        "messages": list(messages),
        "evidence": list(evidence),
        "generator": _generator(template),
        "verdicts": [],
    }


def preference(
    row: Row,
    *,
    task: str,
    template: str,
    prompt: Sequence[Message],
    chosen: str,
    rejected: str,
    evidence: Sequence[dict[str, Any]],
) -> dict[str, Any]:
    """A preference made from the source record `row`."""
    return {
        **_common(PREFERENCE, row, template, *[m["content"] for m in prompt]),
        "task": task,
        "prompt": list(prompt),
        "chosen": chosen,
        "rejected": rejected,
        "evidence": list(evidence),
        "generator": _generator(template),
    }


def _common(kind: str, row: Row, *content: str) -> dict[str, Any]:
    return {"record_id": make_record_id(kind, row["record_id"], *content), **{name: row[name] for name in _COPIED}}


def _generator(template: str) -> dict[str, str | None]:
    return {"method": "extractive", "name": NAME, "version": VERSION, "template": template, "call_key": None}
