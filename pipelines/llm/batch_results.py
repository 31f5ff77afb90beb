"""What a line of results means: a completion, or why there is none."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import orjson

from pipelines.llm import replies
from pipelines.llm.batch_files import BatchState
from pipelines.llm.failures import STOP, Fault, error_words, fault_of
from pipelines.llm.redaction import Redaction
from pipelines.llm.wire import Completion

AGAIN: Final = frozenset({"timeout", "connection", "rate_limited", "server_error", "malformed_response"})
"""Failures that may be others another time; everything else would be the same again."""
_LATER_CODES: Final = ("token_limit", "rate_limit", "quota_exceeded", "queue", "too_many", "server_error", "internal")
_EXPIRED: Final = ("batch_expired", "expired")
_CANCELLED: Final = ("batch_cancelled", "cancelled")


@dataclass(frozen=True)
class BatchResult:
    """What came of one request of a batch.

    Attributes:
        completion: As of a live call.
        billed: Whether it was paid for, or may have been.
        stop: Why the endpoint will have none of our calls, as of `failures.Fault`; empty where it may.
    """

    completion: Completion
    billed: bool = False
    stop: str = ""


def result_of(line: Mapping[str, Any] | None, state: BatchState, redaction: Redaction) -> BatchResult:
    """The result that a line holds; for a request that has none, what the batch's end says."""
    if line is None:
        return _missing(state)
    error, response = line.get("error"), line.get("response")
    response = response if isinstance(response, Mapping) else {}
    body, status = response.get("body"), response.get("status_code")
    if isinstance(body, Mapping) and "choices" in body and status in (200, None, 0):
        return _completion(body, redaction)
    if isinstance(error, Mapping) and error.get("code") in (*_EXPIRED, *_CANCELLED):
        failure = "timeout" if error["code"] in _EXPIRED else "server_error"
        return BatchResult(Completion(0, failure, detail=redaction.detail(error_words({"error": error})[0])))
    said = body if isinstance(body, Mapping) and body else {"error": error}
    return _no_completion(status if type(status) is int and 100 <= status < 600 else 200, said, redaction)


def _missing(state: BatchState) -> BatchResult:
    batch = f"batch {state.batch_id}"
    if state.status in ("expired", "failed"):
        return BatchResult(Completion(0, "timeout", detail=f"{batch} was {state.status} before its turn"))
    if state.status == "cancelled":
        return BatchResult(Completion(0, "server_error", detail=f"{batch} was cancelled by somebody"))
    detail = f"{batch} is {state.status or 'over'}, and the request is in none of its files"
    return BatchResult(Completion(0, "server_error", detail=detail), billed=True)


def _no_completion(status: int, said: Mapping[str, Any], redaction: Redaction) -> BatchResult:
    return _faulty(fault_of(status, said), Completion(0 if status == 200 else status), redaction)


def _faulty(fault: Fault, completion: Completion, redaction: Redaction) -> BatchResult:
    failure = "bad_request" if fault.then == STOP else fault.failure
    detail = redaction.detail(fault.words or "no reason given")
    stop = fault.failure if fault.then == STOP else ""
    return BatchResult(replace(completion, failure=failure, detail=detail), stop=stop)


def _completion(body: Mapping[str, Any], redaction: Redaction) -> BatchResult:
    try:
        data = orjson.dumps(body)
    except TypeError:  # half a surrogate pair
        data = json.dumps(body).encode()
    found = replies.completion(data, 0.0, redaction)
    if isinstance(found, Completion):
        return BatchResult(found, billed=True)
    return replace(_faulty(*found, redaction), billed=True)


@dataclass(frozen=True)
class Refusal:
    """A file that the endpoint refused whole.

    Attributes:
        lines: Key → what is wrong with its request.
        later: It was no fault of the file: the same may do later.
        sentence: What was said, for a person.
    """

    lines: dict[str, str] = field(default_factory=dict)
    later: bool = False
    sentence: str = ""


def refusal_of(state: BatchState, keys: Sequence[str], redaction: Redaction) -> Refusal:
    """What a failed batch says about its file: which line, and why."""
    lines: dict[str, str] = {}
    for line, code, message in state.problems:
        if line is not None and 1 <= line <= len(keys):
            where = f"line {line} of {len(keys)}"
            lines.setdefault(
                keys[line - 1], redaction.detail(f"batch {state.batch_id} was refused for {where}: {code}: {message}")
            )
    said = "; ".join(f"{code}: {message}" for _, code, message in state.problems[:3]) or "no reason given"
    words = said.lower()
    return Refusal(lines, not lines and any(code in words for code in _LATER_CODES), redaction.detail(said))
