"""From a conversation and the texts that it may rest on to cases: one for each answer in it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

from pipelines.check.reading import MAX_CHARS, Reading, reading_of
from pipelines.check.signals import Case

MAX_ANSWER_CHARS: Final = 4_000
"""Of one answer; the longest that doctors and models give have half of it."""
MAX_EVIDENCE_CHARS: Final = 16_000
"""Of all evidence of a record together that is looked at; of more, the parts nearest to what is asked and answered."""
MAX_GIVEN_CHARS: Final = 200_000
"""Of all evidence of a record together."""
PART_CHARS: Final = 1_000
"""A part of evidence that is chosen or left out as a whole."""
MAX_TEXTS: Final = 256
"""Evidence texts of a record, and messages of a conversation."""
MAX_ANSWER_CLAUSES: Final = 1_000
MAX_EVIDENCE_CLAUSES: Final = 6_000
MAX_PAIRS: Final = 250_000
"""Clauses of an answer times those of its evidence: each is compared with each."""
_ENDS: Final = ("\n", "。", "；", "，", "、")
MAX_COMPARED_PAIRS: Final = 1_000


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
        evidence: Texts; one longer than a reading may be is read in pieces, cut where a sentence ends. Of a whole
            statute or leaflet the parts are read that share most with the conversation, up to `MAX_EVIDENCE_CHARS`.
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
    pieces, readings = _evidence(evidence, "\n".join(m["content"] for m in messages if m["role"] != "system"))
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


def _evidence(texts: Sequence[str], said: str) -> tuple[tuple[Piece, ...], tuple[Reading, ...]]:
    n_chars = sum(map(len, texts))
    if n_chars > MAX_GIVEN_CHARS:
        raise Unfit("too_long", f"evidence of {n_chars:,} characters; at most {MAX_GIVEN_CHARS:,} are checked")
    is_long = n_chars > MAX_EVIDENCE_CHARS
    parts = [
        (Piece(index, start), text[start:end])
        for index, text in enumerate(texts)
        for start, end in _cut(text, PART_CHARS if is_long else MAX_CHARS)
    ]
    if not parts:
        raise Unfit("no_evidence", "no evidence text with anything in it")
    if is_long:
        parts = _nearest(parts, said)
    readings = tuple(reading_of(text) for _, text in parts)
    n_clauses = sum(len(r.clauses) for r in readings)
    if n_clauses > MAX_EVIDENCE_CLAUSES:
        raise Unfit("too_many_clauses", f"evidence of {n_clauses} clauses; at most {MAX_EVIDENCE_CLAUSES} are checked")
    return tuple(piece for piece, _ in parts), readings


def _nearest(parts: Sequence[tuple[Piece, str]], said: str) -> list[tuple[Piece, str]]:
    """The parts that share most of their rare pairs of characters with what was said, in their order."""
    pairs = sorted({a + b for a, b in pairwise(said) if a.isalnum() and b.isalnum()})[:MAX_COMPARED_PAIRS]
    holders = [[n for n, (_, text) in enumerate(parts) if pair in text] for pair in pairs]
    worth = [0.0] * len(parts)
    for held in holders:
        for n in held:
            worth[n] += math.log(1 + len(parts) / len(held))
    kept: list[int] = []
    n_chars = 0
    for n in sorted(range(len(parts)), key=lambda n: (-worth[n], n)):
        n_chars += len(parts[n][1])
        if n_chars > MAX_EVIDENCE_CHARS:
            break
        kept.append(n)
    return _joined([parts[n] for n in sorted(kept)])


def _joined(parts: Sequence[tuple[Piece, str]]) -> list[tuple[Piece, str]]:
    """Parts that follow one another as one, so that no sentence ends where a part does."""
    found: list[tuple[Piece, str]] = []
    for piece, text in parts:
        if found:
            before, said = found[-1]
            follows = before.text == piece.text and before.offset + len(said) == piece.offset
            if follows and len(said) + len(text) <= MAX_CHARS:
                found[-1] = before, said + text
                continue
        found.append((piece, text))
    return found


def _cut(text: str, size: int) -> Iterator[tuple[int, int]]:
    start = 0
    while text[start:].strip():
        end = _end_of_piece(text, start, size)
        yield start, end
        start = end


def _end_of_piece(text: str, start: int, size: int) -> int:
    """Where a piece that begins at `start` ends: with the text, or after the last stop within bounds."""
    limit = start + size
    if limit >= len(text):
        return len(text)
    for mark in _ENDS:
        at = text.rfind(mark, limit - size // 4, limit)
        if at >= 0:
            return at + 1
    return limit
