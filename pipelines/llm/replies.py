"""The body of an answer of 200: a completion, or what is wrong with it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, Final

import orjson

from pipelines.llm.failures import Fault, fault_of
from pipelines.llm.redaction import Redaction
from pipelines.llm.wire import Completion

MAX_REPLY_BYTES: Final = 16 << 20
_MAX_TOKENS: Final = 1_000_000_000
_MAX_SHOWN: Final = 200


def parsed(data: bytes) -> Any:
    """JSON as servers write it: NaN, lone surrogates, NUL and stray bytes spoil nothing else. None where it is none."""
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        pass
    try:
        return json.loads(data.decode("utf-8-sig", "replace"), strict=False)
    except (ValueError, RecursionError):
        return None


def completion(data: bytes, latency_s: float, redaction: Redaction) -> Completion | tuple[Fault, Completion]:
    """The completion in an answer of 200; else what is wrong, and what it may have cost."""
    answer = parsed(data)
    if answer is None:
        return _spoilt("the answer is no JSON", data[:_MAX_SHOWN].decode("utf-8", "replace"), -1, -1)
    usage = answer.get("usage") if isinstance(answer, Mapping) else None
    n_in, n_out, n_cached = _usage(usage)
    choices = answer.get("choices") if isinstance(answer, Mapping) else None
    if not isinstance(choices, list) or not choices:
        return _without_choices(answer, n_in, n_out)
    choice = choices[0]
    message = choice.get("message") if isinstance(choice, Mapping) else None
    if not isinstance(message, Mapping):
        return _spoilt("the first choice has no message", "", n_in, n_out)
    finish = choice.get("finish_reason")
    if finish == "error" or choice.get("error"):
        fault = fault_of(_status(choice.get("error")), choice)
        return fault, Completion(200, fault.failure, input_tokens=n_in, output_tokens=n_out)
    text, refusal = _text(message.get("content")), message.get("refusal")
    if text is None:
        return _spoilt("the message's content is no text", "", n_in, n_out)
    return Completion(
        status=200,
        text=redaction.reply(_encodable(text)),
        finish_reason=redaction.reply(_encodable(finish[:100])) if isinstance(finish, str) else "",
        refusal=redaction.reply(_encodable(refusal)) if isinstance(refusal, str) else "",
        input_tokens=n_in,
        output_tokens=n_out,
        cached_tokens=n_cached,
        latency_s=latency_s,
    )


def _without_choices(answer: Any, n_in: int, n_out: int) -> tuple[Fault, Completion]:
    """An error in an answer of 200, or nothing at all."""
    error = answer if isinstance(answer, Mapping) and "choices" not in answer else None
    if error is not None and any(error.get(name) for name in ("error", "message", "code", "base_resp", "detail")):
        fault = fault_of(_status(error.get("error") or error), error)
        return fault, Completion(200, fault.failure, input_tokens=n_in, output_tokens=n_out)
    return _spoilt("the answer has no choices", "", n_in, n_out)


def _spoilt(what: str, shown: str, n_in: int, n_out: int) -> tuple[Fault, Completion]:
    words = f"{what}: {shown}" if shown else what
    made = Completion(200, "malformed_response", input_tokens=n_in, output_tokens=n_out)
    return Fault("retry", "malformed_response", words), made


def _status(error: Any) -> int:
    """The HTTP status that an error inside an answer of 200 names; 200 where it names none."""
    code = error.get("code") if isinstance(error, Mapping) else None
    number = int(code) if isinstance(code, str) and code.isascii() and code.isdigit() and len(code) == 3 else code
    return number if type(number) is int and 400 <= number < 600 else 200


def _text(content: Any) -> str | None:
    """The text of a message's content: a string, nothing, or a list of parts; None where it is something else."""
    if isinstance(content, str):
        return content
    if content is None:
        return ""
    if not isinstance(content, list):
        return None
    parts = [part.get("text") if isinstance(part, Mapping) else part for part in content]
    return "".join(part for part in parts if isinstance(part, str))


def _encodable(text: str) -> str:
    """The text as UTF-8 can hold it: half a surrogate pair becomes a question mark."""
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").replace("\ufffd", "?")
    return text


def _usage(usage: Any) -> tuple[int, int, int]:
    """Tokens of the prompt, of the reply, and of the prompt's part that was cached; -1 where it does not say."""
    if not isinstance(usage, Mapping):
        return -1, -1, 0
    n_in, n_out = _count(usage.get("prompt_tokens")), _count(usage.get("completion_tokens"))
    details = usage.get("prompt_tokens_details")
    cached = _count(details.get("cached_tokens")) if isinstance(details, Mapping) else -1
    if cached < 0:
        cached = _count(usage.get("prompt_cache_hit_tokens"))  # DeepSeek's word for it
    return n_in, n_out, max(0, min(cached, n_in))


def _count(value: Any) -> int:
    if isinstance(value, float) and math.isfinite(value) and value.is_integer():
        value = int(value)
    return value if type(value) is int and 0 <= value <= _MAX_TOKENS else -1
