"""What goes wrong: kinds of faults, and the answers that they make."""

from __future__ import annotations

import email.utils
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

STATUSES = (400, 401, 402, 403, 404, 408, 409, 413, 422, 429, 500, 502, 503, 504, 529, 301, 307)


@dataclass(frozen=True)
class Kind:
    """A fault: a word and its settings, written `hang seconds=2`."""

    word: str
    settings: dict[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> Kind:
        word, *rest = text.split()
        if word not in KINDS:
            raise ValueError(f"{word} is no fault. There is: {', '.join(sorted(KINDS))}")
        return cls(word, dict(item.split("=", 1) for item in rest))

    def seconds(self, default: float) -> float:
        return float(self.settings.get("seconds", default))


@dataclass
class Answer:
    """What is written to the socket."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = "application/json"

    def encode(self) -> bytes:
        lines = [f"HTTP/1.1 {self.status} {'OK' if self.status == 200 else 'Because'}"]
        lines += [f"{k}: {v}" for k, v in self.headers.items()]
        lines += [f"Content-Type: {self.content_type}", f"Content-Length: {len(self.body)}", "", ""]
        return "\r\n".join(lines).encode() + self.body


def error(status: int, message: str, code: Any = None, param: Any = None, kind: str = "error") -> Answer:
    body = {"error": {"message": message, "type": kind, "param": param, "code": code}}
    return Answer(status, json.dumps(body, ensure_ascii=False).encode("utf-8", "surrogatepass"))


_WORDS = {
    400: ("The request is wrong.", "invalid_request"),
    401: ("Incorrect API key provided.", "invalid_api_key"),
    402: ("Insufficient Balance", "insufficient_balance"),
    403: ("You are not allowed to sample from this model.", "forbidden"),
    404: ("The model `m` does not exist or you do not have access to it.", "model_not_found"),
    429: ("Rate limit reached.", "rate_limit_exceeded"),
    529: ("Overloaded", "overloaded_error"),
}


def refusal_of(kind: Kind) -> Answer:
    """An error status, with the headers that the settings ask for."""
    status = int(kind.word)
    message, code = _WORDS.get(status, ("Something went wrong.", None))
    made = error(status, kind.settings.get("words", message).replace("_", " "), kind.settings.get("code", code))
    for name, value in kind.settings.items():
        if name == "retry-after":
            made.headers["Retry-After"] = value
        elif name == "date":
            made.headers["Retry-After"] = email.utils.formatdate(time.time() + float(value), usegmt=True)
        elif name == "ms":
            made.headers["retry-after-ms"] = value
        elif name == "reset":
            made.headers |= {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": value}
        elif name == "location":
            made.headers["Location"] = value
    return made


def _filtered(kind: Kind, head: dict[str, str]) -> Answer:
    inner = {"code": "ResponsibleAIPolicyViolation"}
    body = {"message": "The response was filtered.", "type": None, "param": "prompt", "code": "content_filter"}
    return Answer(400, json.dumps({"error": body | {"status": 400, "innererror": inner}}).encode())


def _too_long(kind: Kind, head: dict[str, str]) -> Answer:
    words = "This model's maximum context length is 4096 tokens. However, you requested 9000 tokens."
    return error(400, words, "context_length_exceeded", "messages", "invalid_request_error")


def _unsupported(kind: Kind, head: dict[str, str]) -> Answer:
    param = kind.settings.get("param", "seed")
    words = f"Unsupported parameter: '{param}' is not supported with this model."
    return error(400, words, "unsupported_parameter", param, "invalid_request_error")


def _echo(kind: Kind, head: dict[str, str]) -> Answer:
    return error(int(kind.settings.get("status", 500)), f"Could not serve {head}", "internal")


def _error_200(kind: Kind, head: dict[str, str]) -> Answer:
    made = error(200, kind.settings.get("words", "Upstream failed.").replace("_", " "), None)
    if code := kind.settings.get("code"):
        made.body = made.body.replace(b'"code": null', b'"code": ' + code.encode())
    return made


def _html(kind: Kind, head: dict[str, str]) -> Answer:
    page = b"<html><head><title>502</title></head><body><h1>Bad gateway</h1></body></html>"
    return Answer(int(kind.settings.get("status", 200)), page, content_type="text/html")


REFUSALS: dict[str, Callable[[Kind, dict[str, str]], Answer]] = {
    **{str(status): lambda kind, head: refusal_of(kind) for status in STATUSES},
    "context": _too_long,
    "filter": _filtered,
    "unsupported": _unsupported,
    "echo": _echo,
    "error-200": _error_200,
    "html": _html,
}
"""Faults that answer at once and bill nothing."""

_LONG = "孩子发热时多饮水，密切观察精神状态。"

CONTENTS: dict[str, Callable[[str], Any]] = {
    "fenced": lambda content: f"好的，结果如下：\n```json\n{content}\n```\n希望对您有帮助。",
    "empty": lambda content: "",
    "truncated": lambda content: content[: len(content) // 2],
    "invalid": lambda content: content.replace('"', "“", 1) + ",}",
    "schema": lambda content: json.dumps({"unexpected": ["别的", 1, None]}, ensure_ascii=False),
    "large": lambda content: content + " " * 8 + _LONG * (1_000_000 // len(_LONG.encode())),
    "null": lambda content: None,
    "parts": lambda content: [{"type": "text", "text": content[:5]}, {"type": "text", "text": content[5:]}],
    "surrogate": lambda content: content + "\ud83d",
    "refusal": lambda content: None,
    "cut-by-filter": lambda content: "",
}
"""Faults of the content: a whole completion, billed."""

_FINISH = {"truncated": "length", "cut-by-filter": "content_filter"}


def finish_reason(word: str) -> str:
    return _FINISH.get(word, "stop")


BODIES: dict[str, Callable[[bytes], bytes]] = {
    "malformed": lambda body: body[:-20] + b"]]]",
    "nan": lambda body: body[:-1] + b', "score": NaN, "other": Infinity}',
    "no-choices": lambda body: body.replace(b'"choices": [', b'"choices": [], "gone": ['),
    "empty-body": lambda body: b"",
    "bytes": lambda body: body[:-1] + b', "x": "\xff\xfe\x00"}',
    "nested": lambda body: b"[" * 200_000,
    "huge": lambda body: body[:-1] + b', "padding": "' + b"x" * (17 << 20) + b'"}',
    "usage": lambda body: body.replace(b'"prompt_tokens":', b'"prompt_tokens": "many", "was":').replace(
        b'"completion_tokens":', b'"completion_tokens": -5, "is":'
    ),
}
"""Faults of the answer's bytes: billed."""

KINDS = frozenset({"ok", "reset", "reset-middle", "hang", "drip", *REFUSALS, *CONTENTS, *BODIES})
