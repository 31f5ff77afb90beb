"""Plain text for continued pre-training: documents, verbalised triples, and instructions without a chat template.

The third is hybrid instruction pre-training: instructions rewritten in the format that the base model has learnt
from, so that injected knowledge is not tied to a chat template (PediatricsGPT, section 3.2).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final

import polars as pl

from pipelines.base import MakeStage
from pipelines.teacher.diseases import diseases
from pipelines.teacher.passages import sentences, stands_alone
from pipelines.teacher.phrasing import pick
from pipelines.teacher.verbalisation import paragraph
from schemas.records import (
    COMPLETION,
    DOCUMENT,
    INSTRUCTION,
    PAEDIATRIC_TASKS,
    SEED,
    TRIPLE,
    frame_of,
    make_record_id,
)

Row = Mapping[str, Any]
_COPIED: Final = ("source_id", "part", "locator", "license", "group_id", "topic", "domain", "split")
_SINGLE: Final = (
    "{q}\n{a}",
    "问：{q}\n答：{a}",
    "问题：{q}\n\n解答：{a}",
    "{q}\n\n{a}",
    "【问】{q}\n【答】{a}",
    "提问：{q}\n回答：{a}",
)
_NEUTRAL: Final = (("问", "答"), ("提问", "回答"), ("甲", "乙"))
_FAMILY: Final = (("家长", "医生"), ("家属", "大夫"), ("咨询者", "医生"), ("问", "答"))
_PATIENT: Final = (("患者", "医生"), ("病人", "大夫"), ("问", "答"))
_COLLEAGUES: Final = (("住院医师", "主任医师"), ("年轻医生", "上级医生"), ("学生", "老师"))
# A section's own number in front of its heading; an age is none.
_NUMBER: Final = re.compile(r"^\d+(?:\.\d+)*\s+(?=\D|\d+\s*(?:月|岁))")
_ASKED_BY_COLLEAGUES: Final = re.compile(r"clinician|/(?:student|resident|nurse)$")
_SHORT_CHARS: Final = 80
_SIDES: Final = {"user": 0, "assistant": 1}


@dataclass(frozen=True)
class MakeCompletions(MakeStage):
    """Rewrites what the corpus holds as text completion.

    Attributes:
        tasks: Instructions of these tasks are rewritten.
        min_chars: Shorter texts are left out; they teach nothing.
    """

    kind: ClassVar[str] = "make_completions"
    reads: ClassVar[tuple[str, ...]] = (DOCUMENT, TRIPLE, INSTRUCTION)

    tasks: tuple[str, ...] = ("medkqa", "evidiag", "trerecom", "general", "safety")
    min_chars: int = field(default=20, metadata={"min": 1})

    def group_by(self, kind: str) -> str | None:
        """Triples come by disease, to become one paragraph."""
        return "head" if kind == TRIPLE else None

    def make(self, kind: str, frame: pl.DataFrame) -> dict[str, pl.DataFrame]:
        """Completions made from the rows; none from rows of evaluation sources, which have their split already."""
        frame = frame.filter(pl.col("split").is_null())
        rows = {DOCUMENT: self._documents, TRIPLE: self._triples, INSTRUCTION: self._instructions}[kind](frame)
        return {COMPLETION: frame_of(COMPLETION, [row for row in rows if len(row["text"]) >= self.min_chars])}

    def _documents(self, frame: pl.DataFrame) -> Iterator[dict[str, Any]]:
        for row in frame.filter(pl.col("source_kind") != SEED).iter_rows(named=True):
            if _says_something(row["text"]):
                yield _completion(row, _under_its_headings(row), DOCUMENT, [row["record_id"]])

    def _triples(self, frame: pl.DataFrame) -> Iterator[dict[str, Any]]:
        for disease in diseases(frame.iter_rows(named=True)):
            told = paragraph(disease)
            if told:
                yield _completion(disease.rows[0], told[0], TRIPLE, told[1])

    def _instructions(self, frame: pl.DataFrame) -> Iterator[dict[str, Any]]:
        for row in frame.filter(pl.col("task").is_in(self.tasks)).iter_rows(named=True):
            yield _completion(row, _without_template(row), INSTRUCTION, [row["record_id"]], row["task"])


def _completion(row: Row, text: str, origin: str, derived_from: list[str], task: str | None = None) -> dict[str, Any]:
    return {
        "record_id": make_record_id(COMPLETION, row["record_id"], origin, text),
        **{name: row[name] for name in _COPIED},
        "text": text,
        "origin": origin,
        "task": task,
        "derived_from": derived_from,
    }


def _says_something(text: str) -> bool:
    """Whether it says more than where to look: `理化指标：应符合表 B.1 的规定。` alone teaches nothing."""
    return len(text) > _SHORT_CHARS or any(stands_alone(sentence.text) for sentence in sentences(text))


def _under_its_headings(row: Row) -> str:
    """The section as a book prints it: title and headings without their numbers, an article with its own."""
    title, article = row["title"] or "", row["number"] or ""
    headings = [_NUMBER.sub("", h) for h in row["section_path"] or [] if h and h != title]
    head = "　".join(part for part in (f"《{title.strip('《》')}》" if title else "", *headings) if part)
    named = article.startswith("第") and not row["text"].startswith(article)
    text = f"{article}　{row['text']}" if named else row["text"]
    return f"{head}\n{text}" if head else text


def _without_template(row: Row) -> str:
    """One question as prose, a conversation as a script."""
    messages = [m for m in row["messages"] if m["role"] in _SIDES]
    if len(messages) == 2:
        return pick(_SINGLE, row["record_id"]).format(q=messages[0]["content"], a=messages[1]["content"])
    names = pick(_speakers(row), row["record_id"])
    return "\n".join(f"{names[_SIDES[m['role']]]}：{m['content']}" for m in messages)


def _speakers(row: Row) -> tuple[tuple[str, str], ...]:
    """Who talks: a family about a child, a patient, two doctors over a bed, or anybody."""
    if _ASKED_BY_COLLEAGUES.search(row["generator"]["template"] or ""):
        return _COLLEAGUES
    if row["task"] in PAEDIATRIC_TASKS:
        return _FAMILY
    return _PATIENT if row["domain"] == "medical" and row["generator"]["method"] == "extractive" else _NEUTRAL
