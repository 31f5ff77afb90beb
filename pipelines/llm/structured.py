"""From what a model wrote to the value that was asked for, or to a complaint that the model can understand.

Models wrap JSON in fences, talk before and after it, and think aloud in front. That much is put right here; what is
not JSON, or does not hold to the schema, goes back to the model once, with the complaint.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

from pipelines.llm.json_text import writable
from pipelines.llm.reply_schema import ReplySchema

MAX_REPLY_CHARS: Final = 4_000_000
"""A longer text is no reply in JSON."""
MAX_DEPTH: Final = 64
MAX_QUOTED_CHARS: Final = 12_000
"""How much of a useless reply is sent back with the complaint."""
_MAX_BEGINNINGS: Final = 32
"""Opening braces in a text that are tried."""
_MAX_INT: Final = 1 << 63

_THOUGHT: Final = re.compile(r"\s*<think(?:ing)?>", re.IGNORECASE)
_THOUGHT_END: Final = re.compile(r"</think(?:ing)?>\s*", re.IGNORECASE)
_FENCED: Final = re.compile(r"```[a-zA-Z0-9_-]*[ \t]*\n?(.*?)```", re.DOTALL)


class NotJson(Exception):
    """Where a text is no JSON of ours, in Chinese, for the model."""


@dataclass(frozen=True)
class Reading:
    """What a text comes to.

    Attributes:
        value: The object that was asked for; None where there is none.
        reason: `malformed` or `wrong_schema`; empty where there is a value.
        complaint: What is wrong, in Chinese, for the model.
    """

    value: Any
    reason: str = ""
    complaint: str = ""


def said(text: str) -> str:
    """What a model says, less what it thinks aloud in front of that; nothing where it never came to an end."""
    if ("</think" not in text and _THOUGHT.match(text) is None) or text.lstrip().startswith("{"):
        return text
    end = _THOUGHT_END.search(text)
    if _THOUGHT.match(text):
        return text[end.end() :] if end else ""
    return text[end.end() :] if end else text  # the template may have opened the thought


def read_reply(text: str, schema: ReplySchema) -> Reading:
    """The value in a text that holds to the schema; else what to complain of."""
    if len(text) > MAX_REPLY_CHARS:
        return Reading(None, "malformed", "回答过长。")
    wrong = ""
    try:
        for value, meant in _values(text):
            problems = schema.problems(value := schema.without_nulls(value))
            if not problems:
                return Reading(value)
            if meant and not wrong:
                wrong = "\n".join(f"- {problem}" for problem in problems)
    except NotJson as error:
        if not wrong:
            return Reading(None, "malformed", str(error))
    return Reading(None, "wrong_schema", f"JSON 可以解析，但内容不符合要求：\n{wrong}")


def _values(text: str) -> Iterator[tuple[Any, bool]]:
    """What in the text may be meant: the whole, or what stands in fences, or every object in the midst of words.

    With each, whether it is surely meant: what follows a brace that began nothing may be a piece of something broken.

    Raises:
        NotJson: nothing more is to be found, and what is there is not JSON.
    """
    text = text.strip().removeprefix("\ufeff")
    try:
        yield parsed(text), True
        return
    except NotJson as error:
        broken = error if "{" in text else NotJson("没有找到 JSON 对象。")
    for piece in [m[1].strip() for m in _FENCED.finditer(text)][:_MAX_BEGINNINGS]:
        try:
            yield parsed(piece), True
        except NotJson as error:
            broken = error
    at, tries, meant = text.find("{"), 0, True
    while at >= 0 and tries < _MAX_BEGINNINGS:
        tries += 1
        try:
            value, end = _DECODER.raw_decode(text, at)
            yield _bounded(value), meant
        except (NotJson, ValueError, RecursionError) as error:
            if meant:
                broken = error if isinstance(error, NotJson) else _not_json(error)
            end, meant = at + 1, False
        at = text.find("{", end)
    raise broken


def parsed(text: str) -> Any:
    """The JSON value that the whole text is, every number finite and no key twice.

    Raises:
        NotJson: it is none.
    """
    try:
        value = orjson.loads(text)
    except (orjson.JSONDecodeError, UnicodeEncodeError):
        pass  # half a surrogate pair, or no JSON: the slower parser says which, and where
    else:
        _, n_texts = _looked_through(value)
        # Of a text without a key given twice every quotation mark is accounted for; if not, the slower parser looks.
        if text.count('"') - text.count('\\"') == 2 * n_texts:
            return value
    try:
        return _bounded(_DECODER.decode(text))
    except (ValueError, RecursionError) as error:
        raise _not_json(error) from None


def _bounded(value: Any) -> Any:
    depth, _ = _looked_through(value)
    return _mended(value) if depth else value


def _looked_through(value: Any) -> tuple[int, int]:
    """Depth of a value, and how many texts it has, keys and all.

    Raises:
        NotJson: it is nested too deeply, or has a number that no column holds.
    """
    level, depth, n_texts = [value], 0, 0
    while level:
        depth += 1
        if depth > MAX_DEPTH:
            raise NotJson(f"嵌套超过 {MAX_DEPTH} 层。")
        below: list[Any] = []
        for item in level:
            kind = type(item)
            if kind is str:
                n_texts += 1
            elif kind is dict:
                n_texts += len(item)
                below += item.values()
            elif kind is list:
                below += item
            elif (kind is int and not -_MAX_INT <= item < _MAX_INT) or (kind is float and not _sound(item)):
                raise NotJson("有一个数值过大。")
        level = below
    return depth, n_texts


def _sound(number: float) -> bool:
    return math.isfinite(number) and abs(number) < 1e18


def _mended(value: Any) -> Any:
    """The value with texts that UTF-8 can hold; called for values of bounded depth."""
    if isinstance(value, str):
        return writable(value)
    if isinstance(value, dict):
        return {writable(key): _mended(item) for key, item in value.items()}
    return [_mended(item) for item in value] if isinstance(value, list) else value


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise NotJson(f"键 “{writable(twice[:40])}” 出现了两次。")
    return found


def _constant(name: str) -> Any:
    raise NotJson(f"{name} 不是合法的 JSON 数值。")


_DECODER: Final = json.JSONDecoder(object_pairs_hook=_pairs, parse_constant=_constant)


def _not_json(error: Exception) -> NotJson:
    if isinstance(error, json.JSONDecodeError):
        near = error.doc[max(0, error.pos - 12) : error.pos + 12].replace("\n", " ")
        return NotJson(f"第 {error.lineno} 行第 {error.colno} 个字符处（“{writable(near)}”附近）不是合法的 JSON。")
    return NotJson("嵌套过深。" if isinstance(error, RecursionError) else "有一个数值过长。")


def complaint_turns(text: str, complaint: str, schema: ReplySchema) -> tuple[Mapping[str, str], Mapping[str, str]]:
    """What follows a useless reply: the reply itself, and what is wrong with it."""
    quoted = text if len(text) <= MAX_QUOTED_CHARS else text[:MAX_QUOTED_CHARS] + "……"
    asked = (
        f"上面的回答无法使用：{complaint}\n\n"
        "请改正后重新给出完整的回答：只输出一个 JSON 对象，不要代码块标记，不要任何解释；"
        f"除改正上述问题外，内容保持不变。JSON 对象必须符合这个 JSON Schema：\n{schema.text}"
    )
    return {"role": "assistant", "content": quoted}, {"role": "user", "content": asked}
