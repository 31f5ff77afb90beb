"""From a conversation and the texts that it may rest on to cases: one for each answer in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from pipelines.check.reading import MAX_CHARS, Reading, reading_of
from pipelines.check.signals import Case

MAX_ANSWER_CHARS: Final = 4_000
"""Of one answer; the longest that doctors and models give have half of it."""
MAX_EVIDENCE_CHARS: Final = 16_000
"""Of all evidence of a record together."""
MAX_TEXTS: Final = 256
"""Evidence texts of a record, and messages of a conversation."""
MAX_ANSWER_CLAUSES: Final = 1_000
MAX_EVIDENCE_CLAUSES: Final = 6_000
MAX_PAIRS: Final = 250_000
"""Clauses of an answer times those of its evidence: each is compared with each."""
_ENDS: Final = ("\n", "。", "；", "，", "、")
_SEARCHED_CHARS: Final = 2_000


class Unfit(Exception):
    """A record that cannot be checked: `reason` is a short token, `detail` a sentence for a person."""

    def __init__(self, reason: str, detail: str) -> None:
        self.reason, self.detail = reason, detail
        super().__init__(reason, detail)


class Piece(NamedTuple):
    """Part of an evidence text as a check reads it.

    Attributes:
        text: The number of the evidence text.
        offset: Where the piece begins in it.
    """

    text: int
    offset: int


class Turn(NamedTuple):
    """One answer to be judged.

    Attributes:
        message: Its number in the conversation.
        case: The answer with what was said before it.
        pieces: Where each of the case's evidence readings comes from.
    """

    message: int
    case: Case
    pieces: tuple[Piece, ...]


def turns(messages: Sequence[Mapping[str, str]], evidence: Sequence[str], known: Sequence[str] = ()) -> list[Turn]:
    """A case for each answer of a conversation; what the asker said before it is known, not claimed.

    Args:
        messages: `role` (system, user, assistant) and `content`.
        evidence: Texts; one longer than a reading may be is read in pieces, cut where a sentence ends.
        known: What needs no evidence besides.

    Raises:
        Unfit: `no_answer`, `no_evidence`, `too_long`, `too_many_texts`, `too_many_clauses`.
    """
    if len(messages) > MAX_TEXTS or len(evidence) > MAX_TEXTS:
        raise Unfit("too_many_texts", f"more than {MAX_TEXTS} messages or evidence texts")
    if not any(m["role"] == "assistant" and m["content"].strip() for m in messages):
        raise Unfit("no_answer", "nothing to check")
    for name, is_answer, limit in (("an answer", True, MAX_ANSWER_CHARS), ("a message", False, MAX_CHARS)):
        longest = max((len(m["content"]) for m in messages if is_answer == (m["role"] == "assistant")), default=0)
        if longest > limit:
            raise Unfit("too_long", f"{name} of {longest:,} characters; at most {limit:,} are checked")
    pieces, readings = _evidence(evidence)
    found: list[Turn] = []
    asked: list[Reading] = []
    besides = tuple(map(Reading, known))
    for number, message in enumerate(messages):
        if message["role"] == "user":
            asked.append(Reading(message["content"]))
        elif message["role"] == "assistant" and message["content"].strip():
            question = asked[-1] if asked else Reading("")
            case = Case(question, Reading(message["content"]), readings, (*asked[:-1], *besides))
            n, n_theirs = len(case.answer.clauses), sum(len(r.clauses) for r in readings)
            if n > MAX_ANSWER_CLAUSES or n * n_theirs > MAX_PAIRS:
                raise Unfit("too_many_clauses", f"an answer of {n} clauses beside evidence of {n_theirs}")
            found.append(Turn(number, case, pieces))
    return found


def _evidence(texts: Sequence[str]) -> tuple[tuple[Piece, ...], tuple[Reading, ...]]:
    n_chars = sum(map(len, texts))
    if n_chars > MAX_EVIDENCE_CHARS:
        raise Unfit("too_long", f"evidence of {n_chars:,} characters; at most {MAX_EVIDENCE_CHARS:,} are checked")
    pieces: list[Piece] = []
    readings: list[Reading] = []
    for index, text in enumerate(texts):
        start = 0
        while text[start:].strip():
            end = _end_of_piece(text, start)
            pieces.append(Piece(index, start))
            readings.append(reading_of(text[start:end]))
            start = end
    if not readings:
        raise Unfit("no_evidence", "no evidence text with anything in it")
    n_clauses = sum(len(r.clauses) for r in readings)
    if n_clauses > MAX_EVIDENCE_CLAUSES:
        raise Unfit("too_many_clauses", f"evidence of {n_clauses} clauses; at most {MAX_EVIDENCE_CLAUSES} are checked")
    return tuple(pieces), tuple(readings)


def _end_of_piece(text: str, start: int) -> int:
    """Where a piece that begins at `start` ends: with the text, or after the last stop within bounds."""
    limit = start + MAX_CHARS
    if limit >= len(text):
        return len(text)
    for mark in _ENDS:
        at = text.rfind(mark, limit - _SEARCHED_CHARS, limit)
        if at >= 0:
            return at + 1
    return limit
