"""What a completion amounts to, and which question follows a reply that is of no use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final, NamedTuple

from pipelines.llm.exchange import Ask
from pipelines.llm.json_text import writable
from pipelines.llm.reply_schema import ReplySchema
from pipelines.llm.structured import complaint_turns, read_reply, said
from pipelines.llm.wire import Completion

REJECTED: Final = frozenset({"context_overflow", "content_filter", "bad_request"})
"""Failures that would be the same again."""
FOLLOW_UP_IN_VAIN: Final = frozenset({"context_overflow", "bad_request"})
"""A question that follows a useless reply may be too long, or allow more tokens than the model writes; then the reply
stands as it was."""
REPAIR, LONGER, AGAIN = "repair", "longer", "again"
MOST_TOKENS: Final = 65_536
"""No draw is longer."""
_CUT: Final = frozenset({"length", "max_tokens", "model_length"})
_FILTERED: Final = frozenset({"content_filter", "sensitive", "safety"})
_SECOND_DRAW: Final = 1_000_000
"""Added to `sample` for another draw, so that it is a call of its own."""


class Judged(NamedTuple):
    """A call's end: state and reason as in a `Reply`, the words to hand on, the value, and the complaint."""

    state: str
    reason: str = ""
    words: str = ""
    value: Any = None
    complaint: str = ""


def judge(completion: Completion, schema: ReplySchema | None) -> Judged:
    """What a completion amounts to."""
    if completion.failure:
        return Judged("rejected" if completion.failure in REJECTED else "failed", completion.failure)
    if completion.refusal:
        return Judged("rejected", "refused", writable(completion.refusal))
    if completion.finish_reason.lower() in _FILTERED:
        return Judged("rejected", "content_filter", writable(completion.text))
    return judge_text(completion.text, completion.finish_reason, schema)


def judge_text(text: str, finish_reason: str, schema: ReplySchema | None) -> Judged:
    """What a text amounts to, new or out of the ledger."""
    words, is_cut = said(writable(text)), finish_reason.lower() in _CUT
    blank = not words.strip()
    if schema is not None and not blank:
        reading = read_reply(words, schema)
        if not reading.reason:
            return Judged("ok", "", words, reading.value)
        if not is_cut:
            return Judged("invalid", reading.reason, words, None, reading.complaint)
    if is_cut:
        return Judged("invalid", "truncated", words)
    return Judged("invalid", "empty", words) if blank else Judged("ok", "", words)


def next_question(
    ask: Ask, judged: Judged, schema: ReplySchema | None, turns: tuple[str, ...], window: int | None
) -> tuple[str, Ask] | None:
    """What follows a useless reply, each at most once: one turn of repair, one longer draw, one more draw.

    Args:
        ask: The question.
        judged: What came of it.
        schema: Of the reply.
        turns: What followed before.
        window: Tokens that prompt and reply may have together, as far as that is known.
    """
    if judged.reason == "truncated" and LONGER not in turns:
        longest = min(2 * ask.sampling.max_tokens, MOST_TOKENS if window is None else window)
        if longest > ask.sampling.max_tokens:
            return LONGER, replace(ask, sampling=replace(ask.sampling, max_tokens=longest))
    if judged.reason == "empty" and AGAIN not in turns:
        return AGAIN, replace(ask, sample=ask.sample + _SECOND_DRAW)
    if judged.complaint and schema is not None and REPAIR not in turns:
        asked: tuple[Mapping[str, str], ...] = complaint_turns(judged.words, judged.complaint, schema)
        return REPAIR, replace(ask, messages=(*ask.messages, *asked))
    return None
