"""From what an LLM wrote to a row of the schema: the one place where the common columns are copied."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from pipelines.llm.exchange import Ask, Message, Reply
from schemas.records import INSTRUCTION, PREFERENCE, make_record_id

_COPIED: Final = ("source_id", "part", "locator", "license", "group_id", "topic", "domain", "split")


def instruction(
    row: Mapping[str, Any],
    asked: Ask,
    reply: Reply,
    *,
    task: str,
    messages: Sequence[Message],
    evidence: Sequence[Mapping[str, Any]],
    template: str | None = None,
    aspect: str | None = None,
    department: str | None = None,
    verdicts: Sequence[Mapping[str, str]] = (),
) -> dict[str, Any]:
    """An instruction made from the source record `row`; `template` is the prompt's name unless it says more."""
    questions = [m["content"] for m in messages if m["role"] == "user"]
    return {
        "record_id": make_record_id(INSTRUCTION, row["record_id"], "llm", *questions),
        **{name: row[name] for name in _COPIED},
        "task": task,
        "aspect": aspect,
        "department": department,
        "messages": [dict(m) for m in messages],
        "evidence": [dict(e) for e in evidence],
        "generator": generator(asked, reply, template),
        "verdicts": [dict(v) for v in verdicts],
    }


def preference(
    row: Mapping[str, Any],
    asked: Ask,
    reply: Reply,
    *,
    prompt: Sequence[Message],
    chosen: str,
    rejected: str,
    template: str | None = None,
) -> dict[str, Any]:
    """A preference made from the instruction `row`; `asked` and `reply` are the ones that wrote `chosen`."""
    return {
        "record_id": make_record_id(PREFERENCE, row["record_id"], "llm", chosen, rejected),
        **{name: row[name] for name in _COPIED},
        "task": row["task"],
        "prompt": [dict(m) for m in prompt],
        "chosen": chosen,
        "rejected": rejected,
        "evidence": [dict(e) for e in row["evidence"]],
        "generator": generator(asked, reply, template),
    }


def generator(asked: Ask, reply: Reply, template: str | None = None) -> dict[str, str | None]:
    """Who wrote it: model, prompt and its version, and the call in the ledger."""
    return {
        "method": "llm",
        "name": reply.model,
        "version": asked.version,
        "template": template or asked.prompt,
        "call_key": reply.key,
    }
