"""Public instruction sets: Alpaca, ShareGPT, messages, questions with answers, better and worse replies."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final

from schemas.records import INSTRUCTION, PREFERENCE, TASKS
from sources.base import Batch, Part, ReadReport, group_key
from sources.distilled_task import task_of
from sources.mapping import Binding, Layout, text_of
from sources.rows import Row
from sources.table_source import Record, TableSource, shown

Message = dict[str, str]

ROLES: Final = {
    "system": "system",
    "user": "user",
    "human": "user",
    "prompter": "user",
    "patient": "user",
    "患者": "user",
    "病人": "user",
    "用户": "user",
    "assistant": "assistant",
    "gpt": "assistant",
    "bot": "assistant",
    "chatgpt": "assistant",
    "model": "assistant",
    "doctor": "assistant",
    "医生": "assistant",
}
ROLE_KEYS: Final = ("role", "from", "speaker", "user", "author")
CONTENT_KEYS: Final = ("content", "value", "text", "sentence", "message", "utterance")
_NO_WORD: Final = re.compile(r"[\W_]+")
_NOTHING_ASKED: Final = re.compile(r"[，,。；;\s]+无[。.]?$")
"""`…怎么办？，无`: title and an empty description, joined by whoever made the set."""


class Unusable(Exception):
    """The row cannot become a record; the argument is the reason token."""


@dataclass(frozen=True)
class Distilled(TableSource):
    """Rows become instructions, or preferences where there is a rejected reply.

    Attributes:
        task: Names every row's task; by default the wording of each question decides.
    """

    kind: ClassVar[str] = "distilled"
    LAYOUTS: ClassVar[tuple[Layout, ...]] = (
        Layout("preference", ("question", "chosen", "rejected"), ("input", "history", "system", "department")),
        Layout("preference chat", ("messages", "chosen", "rejected"), ("system", "department")),
        Layout("messages", ("messages",), ("system", "department")),
        Layout("question and answer", ("question", "answer"), ("input", "history", "system", "department")),
    )
    NAMES: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "question": (
            *("instruction", "instruct", "question", "prompt", "query", "ask", "problem", "q"),
            *("指令", "问题", "提问", "问", "用户"),
        ),
        "input": ("input", "输入"),
        "answer": (
            *("output", "answer", "response", "completion", "reply", "raw_answer", "best_answer", "target", "a"),
            *("输出", "回答", "答案", "回复", "答"),
        ),
        "history": ("history", "历史"),
        "system": ("system", "system_prompt"),
        "messages": ("conversations", "messages", "conversation", "dialog", "dialogue", "chat"),
        "chosen": ("chosen", "preferred", "accepted", "win"),
        "rejected": ("rejected", "dispreferred", "lose"),
        "department": ("department", "科室", "cate1"),
    }

    task: str | None = field(default=None, metadata={"choices": TASKS})

    def read(self, part: Part, report: ReadReport) -> Iterator[Batch]:
        """Instructions and preferences in the order of the part, kinds apart."""
        yield from self.batches(part, self._records(part, report))

    def _records(self, part: Part, report: ReadReport) -> Iterator[Record]:
        generator = {"method": "source", "name": self.source_id, "version": self.revision}
        for row, binding in self.bound_rows(part, report):
            if binding is None:
                yield INSTRUCTION, self._dropped(part, row, row.problem or "unreadable", row.raw)
                continue
            try:
                yield self._record(part, row, binding, {**generator, "template": binding.layout, "call_key": None})
            except Unusable as error:
                yield INSTRUCTION, self._dropped(part, row, str(error), shown(row))

    def _record(self, part: Part, row: Row, binding: Binding, generator: dict[str, Any]) -> Record:
        is_preference = binding.layout.startswith("preference")
        if "messages" in binding.paths:
            messages = self._with_system(row, binding, messages_of(binding.get(row.values, "messages")))
        else:
            messages = self._asked(row, binding)
        if is_preference:
            return PREFERENCE, self._preference(part, row, binding, messages, generator)
        if "messages" not in binding.paths:
            messages.append({"role": "assistant", "content": _reply(binding.get(row.values, "answer"), "no_answer")})
        messages = until_assistant(messages)
        asked = [m["content"] for m in messages if m["role"] == "user"]
        if not asked:
            raise Unusable("no_question")
        content = "\x1f".join(m["content"] for m in messages)
        return INSTRUCTION, self.record(
            INSTRUCTION,
            part,
            row.locator,
            content,
            group_id=question_group(asked[0]),
            task=self._task(asked, messages[-1]["content"]),
            department=binding.text(row.values, "department"),
            messages=messages,
            evidence=[],
            generator=generator,
            verdicts=[],
        )

    def _preference(
        self, part: Part, row: Row, binding: Binding, prompt: list[Message], generator: dict[str, Any]
    ) -> dict[str, Any]:
        while prompt and prompt[-1]["role"] == "assistant":
            prompt.pop()
        asked = [m["content"] for m in prompt if m["role"] == "user"]
        if not asked or prompt[-1]["role"] != "user":
            raise Unusable("no_question")
        chosen = _reply(binding.get(row.values, "chosen"), "no_chosen")
        rejected = _reply(binding.get(row.values, "rejected"), "no_rejected")
        if chosen == rejected:
            raise Unusable("chosen_is_rejected")
        content = "\x1f".join([*(m["content"] for m in prompt), chosen, rejected])
        return self.record(
            PREFERENCE,
            part,
            row.locator,
            content,
            group_id=question_group(asked[0]),
            task=self._task(asked, chosen),
            prompt=prompt,
            chosen=chosen,
            rejected=rejected,
            evidence=[],
            generator=generator,
        )

    def _asked(self, row: Row, binding: Binding) -> list[Message]:
        """System, history and question of a row that is laid out in columns."""
        question = binding.text(row.values, "question")
        given = binding.text(row.values, "input")
        if question is None and given is None:
            raise Unusable("no_question")
        asked = "\n".join(text for text in (question, given if given != question else None) if text)
        messages = [{"role": "user", "content": _question(asked)}]
        if "history" in binding.paths:
            pairs = pairs_of(binding.get(row.values, "history"))
            messages = [{"role": role, "content": text} for pair in pairs for role, text in pair] + messages
        return self._with_system(row, binding, messages)

    def _with_system(self, row: Row, binding: Binding, messages: list[Message]) -> list[Message]:
        system = binding.text(row.values, "system") if "system" in binding.paths else None
        if system and not (messages and messages[0]["role"] == "system"):
            return [{"role": "system", "content": system}, *messages]
        return messages

    def _task(self, asked: list[str], answer: str) -> str:
        return self.task or task_of(asked[0] if len(asked) > 1 else asked[-1], answer, self.topic, len(asked))

    def _dropped(self, part: Part, row: Row, reason: str, raw: str) -> dict[str, Any]:
        return self.record(
            INSTRUCTION,
            part,
            row.locator,
            raw,
            drop_reason=f"read:{reason}",
            task=self.task or "general",
            messages=[{"role": "user", "content": raw}],
            evidence=[],
            generator={"method": "source", "name": self.source_id, "version": None, "template": None, "call_key": None},
            verdicts=[],
        )


def messages_of(value: Any) -> list[Message]:
    """A list of turns as messages: roles by one name, equal neighbours joined, empty ones and a leading reply gone.

    Raises:
        Unusable: `no_messages` where it is no list of turns; `unknown_role` where a role is none of `ROLES`, such
            as a tool's, since the replies after it would hang in the air.
    """
    if not isinstance(value, list):
        raise Unusable("no_messages")
    messages: list[Message] = []
    for turn in value:
        role, text = turn_of(turn)
        if text is None:
            continue
        if role not in ROLES:
            raise Unusable("unknown_role")
        role = ROLES[role]
        text = _question(text) if role == "user" else text
        if messages and messages[-1]["role"] == role:
            messages[-1]["content"] += "\n" + text
        elif role != "assistant" or any(m["role"] == "user" for m in messages):
            messages.append({"role": role, "content": text})
    if not messages:
        raise Unusable("no_messages")
    return messages


def turn_of(turn: Any) -> tuple[str, str | None]:
    """`(role as written in lower case, text)` of one turn; role is empty where there is none."""
    if not isinstance(turn, Mapping):
        return "", text_of(turn)
    role = next((turn[key] for key in ROLE_KEYS if key in turn), "")
    text = next((turn[key] for key in CONTENT_KEYS if key in turn), None)
    return str(role).strip().lower(), text_of(text)


def until_assistant(messages: list[Message]) -> list[Message]:
    """The messages without a last question that nobody answered.

    Raises:
        Unusable: `no_answer` where no reply is left.
    """
    while messages and messages[-1]["role"] != "assistant":
        messages = messages[:-1]
    if not messages:
        raise Unusable("no_answer")
    return messages


def pairs_of(value: Any) -> list[list[tuple[str, str]]]:
    """`[[question, reply], …]` as pairs of `(role, text)`, without what is empty."""
    if not isinstance(value, list):
        return []
    pairs = []
    for pair in value:
        if isinstance(pair, list | tuple) and len(pair) == 2:
            asked, replied = text_of(pair[0]), text_of(pair[1])
            if asked and replied:
                pairs.append([("user", asked), ("assistant", replied)])
    return pairs


def question_group(question: str) -> str:
    """The group of everything that answers the same question, blanks and punctuation aside."""
    return group_key("question", _NO_WORD.sub("", question).casefold() or question)


def _reply(value: Any, reason: str) -> str:
    """The text of a reply that is written as text, as one message, or as a conversation that ends with it."""
    if isinstance(value, list) and value:
        value = value[-1]
    text = turn_of(value)[1] if isinstance(value, Mapping) else text_of(value)
    if text is None:
        raise Unusable(reason)
    return text


def _question(text: str) -> str:
    return (_NOTHING_ASKED.sub("", text) or text) if text[-2:].rstrip("。.").endswith("无") else text
