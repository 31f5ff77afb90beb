"""Rows of the corpus as conversations with evidence, and what their findings look like in `drop_detail`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any, Final, NamedTuple

from pipelines.check.review import Finding, Review
from pipelines.teacher.stock_wording import stock_in
from schemas.records import PREFERENCE

_MAX_QUOTED: Final = 120
STATE: Final = "中华人民共和国"
"""Acts are quoted with it, and filed without."""
_SEPARATOR: Final = "｜"


class Detail(NamedTuple):
    """What `drop_detail` tells of a dropped row."""

    probability: float
    check: str
    answer: str
    evidence: str
    says: str


def conversation_of(kind: str, row: Mapping[str, Any]) -> list[dict[str, str]]:
    """The messages of an instruction; of a preference the prompt and `chosen`, which alone is judged."""
    if kind == PREFERENCE:
        before = [_message("user" if m["role"] == "user" else "system", m["content"]) for m in row["prompt"] or ()]
        return [*before, _message("assistant", row["chosen"])]
    return [_message(m["role"], m["content"]) for m in row["messages"] or ()]


def _message(role: str, content: str | None) -> dict[str, str]:
    return {"role": role, "content": content or ""}


def evidence_of(row: Mapping[str, Any]) -> list[str]:
    """The evidence's texts, those with anything in them."""
    return [e["text"] for e in row["evidence"] or () if (e["text"] or "").strip()]


def known_of(kind: str, row: Mapping[str, Any]) -> list[str]:
    """What a row needs no evidence for: its document's name, and in extractive rows the teacher's own wording."""
    title = PurePosixPath(row["part"] or "").stem
    known = [f"《{title}》《{STATE}{title}》"]
    if is_extractive(row):
        said = "\n".join(m["content"] for m in conversation_of(kind, row) if m["role"] == "assistant")
        known += ["，".join(stock_in(said))]
    return known


def is_extractive(row: Mapping[str, Any]) -> bool:
    """Whether our teacher put the row together, without an LLM."""
    return (row["generator"] or {}).get("method") == "extractive"


def detail_of(found: Review) -> str:
    """The finding that decided, on one line: how likely, which check, both sides, and the sentence for a reviewer."""
    first: Finding = found.findings[0]
    answer = found.worst.case.answer
    clause = answer.clause_at(first.answer.start)
    sentence = [c for c in answer.clauses if c.sentence == clause.sentence]
    said = answer.raw[sentence[0].start : sentence[-1].end]
    said = said if len(said) <= _MAX_QUOTED else first.answer.text
    evidence = first.evidence.text if first.evidence else ""
    shown = [f"{found.probability:.2f} {first.check}", f"答：{_flat(said)}", f"据：{_flat(evidence)}", first.says]
    return _SEPARATOR.join(shown)


def read_detail(detail: str) -> Detail | None:
    """A detail taken apart again; None where it is another stage's."""
    parts = detail.split(_SEPARATOR, 3)
    head = parts[0].split(" ", 1)
    if len(parts) < 4 or len(head) < 2 or not parts[1].startswith("答：") or not parts[2].startswith("据："):
        return None
    try:
        return Detail(float(head[0]), head[1], parts[1][2:], parts[2][2:], parts[3])
    except ValueError:
        return None


def _flat(text: str) -> str:
    return " ".join(text.replace(_SEPARATOR, "|").split())[:_MAX_QUOTED]
