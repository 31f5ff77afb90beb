"""Consultations: what a patient and a doctor said in turn, out of tables, JSON and tagged text.

Rows of a second kind in the same file, questions on a false premise with an answer that corrects it, become
instructions of the task `safety`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from schemas.records import DIALOGUE, INSTRUCTION
from sources.base import Batch, Part, ReadReport, location_of
from sources.conversations import (
    DOCTOR,
    PATIENT,
    Conversation,
    Turn,
    is_tagged,
    is_transcript,
    merged,
    tagged_conversations,
    transcripts,
    turns_of,
    without_age,
)
from sources.distilled import Unusable, pairs_of, question_group
from sources.false_premise import refutes_premise
from sources.formats import HEAD_BYTES, MARKDOWN, TXT, sniff_path
from sources.hub import is_remote
from sources.mapping import Binding, Layout
from sources.rows import Row, bounded_lines, excerpt, open_text
from sources.table_source import Record, TableSource, shown

_NOTHING: Final = re.compile(r"(?:无|没有|如题|同上|略|暂无|[\W_]*)")
_REPEATS: Final = 0.7
"""Share of the title's character pairs that the description holds when it only says the same at length."""
_MIN_GROUP_CHARS: Final = 8


@dataclass(frozen=True)
class Dialogue(TableSource):
    """Rows or lines become conversations; a group is a conversation, or all answers to one question."""

    kind: ClassVar[str] = "dialogue"
    LAYOUTS: ClassVar[tuple[Layout, ...]] = (
        Layout("turns", ("turns",), ("opening", "title", "department", "section", "diagnosis", "age")),
        Layout("history", ("ask", "answer", "history"), ("title", "department", "section", "diagnosis", "age")),
        Layout("question and answer", ("ask", "answer"), ("title", "department", "section", "diagnosis", "age")),
        Layout("title and answer", ("title", "answer"), ("department", "section", "diagnosis", "age")),
    )
    NAMES: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "turns": (
            *("turns", "dialog", "dialogue", "dialogs", "conversation", "conversations", "messages", "utterances"),
            *("对话", "对话内容", "问诊对话", "content"),
        ),
        "opening": ("self_repo", "self_report", "chief_complaint", "主诉", "自述"),
        "title": ("title", "标题", "主题"),
        "ask": (
            *("ask", "question", "instruction", "instruct", "query", "prompt", "description", "patient"),
            *("问题", "提问", "病情描述", "描述", "患者", "问"),
        ),
        "answer": (
            *("answer", "output", "response", "reply", "doctor", "raw_answer"),
            *("回答", "答案", "回复", "医生", "医生回复", "答"),
        ),
        "history": ("history", "历史"),
        "department": ("department", "cate1", "科室", "就诊科室"),
        "section": ("cate2",),
        "diagnosis": ("disease_tag", "diagnosis", "disease", "诊断", "疾病"),
        "age": ("age", "年龄"),
    }

    def read(self, part: Part, report: ReadReport) -> Iterator[Batch]:
        """Dialogues and safety instructions in the order of the part, kinds apart."""
        yield from self.batches(part, self._records(part, report))

    def _records(self, part: Part, report: ReadReport) -> Iterator[Record]:
        conversations = None if is_remote(part) else self._written(part, report)
        if conversations is not None:
            yield from ((DIALOGUE, self._written_record(part, found)) for found in conversations)
            return
        for row, binding in self.bound_rows(part, report):
            if binding is None:
                yield DIALOGUE, self._dropped(part, row.locator, row.problem or "unreadable", row.raw)
                continue
            try:
                yield self._record(part, row, binding)
            except Unusable as error:
                yield DIALOGUE, self._dropped(part, row.locator, str(error), shown(row))

    def _written(self, part: Part, report: ReadReport) -> Iterator[Conversation] | None:
        """Conversations of a text that is no table, or None where it is one."""
        path = location_of(part)
        if path.is_dir() or sniff_path(path) not in (TXT, MARKDOWN):
            head = ""
        else:
            with path.open("rb") as file:
                head = file.read(HEAD_BYTES).decode("latin-1")
        if "<|" in head and is_tagged(head):
            return self._folded(part, report)
        if head:
            stream, encoding = open_text(path, self.encoding)
            if is_transcript(stream.read(HEAD_BYTES)):
                stream.seek(0)
                report.format, report.encoding = "transcript", encoding
                return transcripts(bounded_lines(stream))
        return None

    def _folded(self, part: Part, report: ReadReport) -> Iterator[Conversation]:
        stream, report.encoding = open_text(location_of(part), self.encoding)
        report.format = "tagged"
        n_lines = n = 0
        for found in tagged_conversations(bounded_lines(stream)):
            n_lines, n = n_lines + found.n_lines, n + 1
            yield found
        report.notes.append(f"{n_lines} lines folded into {n} conversations")

    def _written_record(self, part: Part, found: Conversation) -> dict[str, Any]:
        if found.problem:
            return self._dropped(part, found.locator, found.problem, excerpt(found.raw))
        try:
            return self._dialogue(part, found.locator, merged(found.turns))
        except Unusable as error:
            text = "｜".join(turn["content"][:100] for turn in found.turns)
            return self._dropped(part, found.locator, str(error), excerpt(text))

    def _record(self, part: Part, row: Row, binding: Binding) -> Record:
        values = row.values
        columns = {name: binding.text(values, name) for name in ("title", "diagnosis", "age")}
        sections = (binding.text(values, "department"), binding.text(values, "section"))
        columns["department"] = "/".join(dict.fromkeys(name for name in sections if name)) or None
        if binding.layout == "turns":
            turns = turns_of(binding.get(values, "turns"), binding.text(values, "opening"))
            return DIALOGUE, self._dialogue(part, row.locator, turns, **columns)
        asked = _asked(columns["title"], binding.text(values, "ask"))
        answer = binding.text(values, "answer")
        if asked is None:
            raise Unusable("no_patient_turn")
        if answer is None:
            raise Unusable("no_doctor_turn")
        pairs = pairs_of(binding.get(values, "history"))
        is_bare = not pairs and not any(columns.values())
        if is_bare and refutes_premise(asked, answer):
            return INSTRUCTION, self._safety(part, row.locator, asked, answer)
        said = [text for pair in pairs for _, text in pair] + [asked, answer]
        turns = [{"role": (PATIENT, DOCTOR)[i % 2], "content": text} for i, text in enumerate(said)]
        return DIALOGUE, self._dialogue(part, row.locator, merged(turns), **columns)

    def _dialogue(self, part: Part, locator: str, turns: list[Turn], **columns: str | None) -> dict[str, Any]:
        turns, age = without_age(turns)
        first = next(turn["content"] for turn in turns if turn["role"] == PATIENT)
        content = "\x1f".join(f"{turn['role']}:{turn['content']}" for turn in turns)
        record = self.record(
            DIALOGUE, part, locator, content, turns=turns, **{**columns, "age": columns.get("age") or age}
        )
        if len(first) >= _MIN_GROUP_CHARS:
            record["group_id"] = question_group(first)
        return record

    def _safety(self, part: Part, locator: str, asked: str, answer: str) -> dict[str, Any]:
        return self.record(
            INSTRUCTION,
            part,
            locator,
            f"{asked}\x1f{answer}",
            group_id=question_group(asked),
            task="safety",
            messages=[{"role": "user", "content": asked}, {"role": "assistant", "content": answer}],
            evidence=[],
            generator={
                "method": "source",
                "name": self.source_id,
                "version": self.revision,
                "template": "false premise",
                "call_key": None,
            },
            verdicts=[],
        )

    def _dropped(self, part: Part, locator: str, reason: str, raw: str) -> dict[str, Any]:
        turns = [{"role": PATIENT, "content": raw}] if raw else []
        return self.record(DIALOGUE, part, locator, raw, turns=turns, drop_reason=f"read:{reason}")


def _asked(title: str | None, ask: str | None) -> str | None:
    """What the patient wants to know: title and description, unless one only repeats the other."""
    if ask is None or _NOTHING.fullmatch(ask):
        return title
    if title is None or _share(title, ask) >= _REPEATS:
        return ask
    return title if ask in title else f"{title}\n{ask}"


def _share(title: str, ask: str) -> float:
    """The share of the title's character pairs that stand in the description too."""
    plain = re.sub(r"[\W_]+", "", title)
    pairs = [plain[i : i + 2] for i in range(len(plain) - 1)] or [plain]
    return sum(pair in ask for pair in pairs) / len(pairs)
