"""JSON for the ledger: whatever the text, one line of UTF-8 out, and the same text back in."""

from __future__ import annotations

import json
from typing import Any

import orjson


def dump_json(value: Any) -> bytes:
    """One line; NUL and half surrogate pairs are kept as escapes."""
    try:
        return orjson.dumps(value, default=dict)
    except TypeError:  # half a surrogate pair has no UTF-8, only an escape; integers beyond 64 bits
        return json.dumps(value, ensure_ascii=True, separators=(",", ":"), allow_nan=False, default=dict).encode(
            "ascii"
        )


def load_json(data: bytes) -> Any:
    """What a line says, None where it is not JSON."""
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        try:
            return json.loads(data)
        except (ValueError, RecursionError):
            return None


def writable(text: str) -> str:
    """The text with pairs of surrogates joined, and halves replaced by U+FFFD: what UTF-8 can hold."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text
