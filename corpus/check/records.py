"""A line or a row → a conversation and its evidence."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from corpus.check.inputs import Entry
from pipelines.check.answers import Unfit
from sources.json_rows import read_json_lines

_ROLES: Final = {
    **dict.fromkeys(("user", "human", "patient", "患者"), "user"),
    **dict.fromkeys(("assistant", "gpt", "doctor", "医生"), "assistant"),
    **dict.fromkeys(("system", "tool", "observation"), "system"),
}
_CONTENTS: Final = ("content", "value")
_ROLE_NAMES: Final = ("role", "from")


class Record(NamedTuple):
    """What is checked.

    Attributes:
        id: As given; the place in the file where none is.
        messages: `role` (system, user, assistant) and `content`.
        evidence: Texts.
        is_conversation: Whether it came as `messages`, so that a finding's message has a meaning for the user.
    """

    id: str | int | float
    messages: list[dict[str, str]]
    evidence: list[str]
    is_conversation: bool


def values_of(entry: Entry) -> Mapping[str, Any]:
    """The fields of an entry.

    Raises:
        Unfit: `bad_utf8`, `bad_json`, `too_deep`, `lone_surrogate`, `not_an_object`, or the reader's problem.
    """
    if entry.problem:
        raise Unfit(entry.problem, "the reader could not make a record of it")
    if entry.values is not None:
        return entry.values
    try:
        line = entry.raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Unfit("bad_utf8", f"byte {error.start} of the line is no UTF-8") from None
    row = next(read_json_lines(io.StringIO(line.strip())), None)
    if row is None or row.problem:
        raise Unfit(row.problem if row and row.problem else "bad_json", "no JSON object")
    if "_0" in row.values:
        raise Unfit("not_an_object", "a list or a bare value where an object is needed")
    return row.values


def record_of(values: Mapping[str, Any], locator: str) -> Record:
    """The record of an entry's fields.

    Raises:
        Unfit: `no_answer`, `answer_twice`, `no_evidence`, or `bad_field` where a field holds something else.
    """
    given = values.get("id", values.get("record_id"))
    if given is not None and not isinstance(given, str | int | float):
        raise Unfit("bad_field", "`id` is neither text nor a number")
    messages = _messages(values)
    evidence = _evidence(values.get("evidence"))
    return Record(locator if given is None else given, messages, evidence, values.get("messages") is not None)


def _messages(values: Mapping[str, Any]) -> list[dict[str, str]]:
    """The conversation; `messages` may be all of it, or what came before `answer`."""
    answer, given = values.get("answer"), values.get("messages")
    messages = [] if given is None else [_message(m) for m in _listed(given, "messages")]
    if answer is None:
        if not messages:
            raise Unfit("no_answer", "neither `answer` nor `messages`")
        return messages
    if not isinstance(answer, str):
        raise Unfit("bad_field", "`answer` is no text")
    if messages and messages[-1]["role"] == "assistant":
        raise Unfit("answer_twice", "`answer` beside `messages` that end with an answer; leave one out")
    question = values.get("question")
    if question is not None and not isinstance(question, str):
        raise Unfit("bad_field", "`question` is no text")
    asked = [{"role": "user", "content": question}] if question else []
    return [*messages, *asked, {"role": "assistant", "content": answer}]


def _message(value: Any) -> dict[str, str]:
    if not isinstance(value, Mapping):
        raise Unfit("bad_field", "a message is no object with `role` and `content`")
    role = _ROLES.get(str(next((value[k] for k in _ROLE_NAMES if k in value), "")).lower())
    content = next((value[k] for k in _CONTENTS if k in value), None)
    if role is None or not isinstance(content, str):
        raise Unfit("bad_field", "a message has no `role` of user, assistant or system, or no `content`")
    return {"role": role, "content": content}


def _evidence(value: Any) -> list[str]:
    """Texts, given as one, as several, or as objects with `text` (as our own rows have them)."""
    if value is None or value == []:
        raise Unfit("no_evidence", "no `evidence`")
    if isinstance(value, str) and not value.lstrip().startswith("["):
        return [value]
    given = [v.get("text") if isinstance(v, Mapping) else v for v in _listed(value, "evidence")]
    texts = [text for text in given if isinstance(text, str)]
    if len(texts) < len(given):
        raise Unfit("bad_field", "`evidence` holds something that is neither text nor an object with `text`")
    return texts


def _listed(value: Any, name: str) -> list[Any]:
    """A list; in tables that know only text, written as JSON."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            if name == "evidence":
                return [value]
            raise Unfit("bad_field", f"`{name}` is neither a list nor JSON of one") from None
    if not isinstance(value, list):
        raise Unfit("bad_field", f"`{name}` is no list")
    return value
