"""A whole record judged: every answer of it, the worst one decides, and what a person needs to see why."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from pipelines.check.answers import Turn, turns
from pipelines.check.signals import Case, Signal
from pipelines.check.verdict import VERDICTS, Judgement, Verdict

Judge = Callable[[Case], Judgement]
MAX_FINDINGS: Final = 20
"""Of a record."""
SEVERITIES: Final = ("error", "warning", "note")
"""`error` is of the clause for which an answer is rejected, `warning` of one for which it is held back, or of another
clause that is likely wrong; `note` decided nothing."""
COVERAGE: Final = "support.coverage"
"""The finding of a clause that no check objects to, and that the evidence does not bear out as a whole."""
_LIKELY: Final = 0.5
_QUOTED_CHARS: Final = 60


class Span(NamedTuple):
    """`text[start:end]` of an answer, and those characters."""

    start: int
    end: int
    text: str


class EvidenceSpan(NamedTuple):
    """The same of the evidence text of the number `source`."""

    source: int
    start: int
    end: int
    text: str


class Finding(NamedTuple):
    """What a check found in a record.

    Attributes:
        check: Which check, and which of its rules.
        kind: What is wrong, one of `signals.KINDS`.
        severity: One of `SEVERITIES`.
        message: Number of the message that it is in.
        answer: Where in the answer.
        evidence: What speaks for or against it; None where nothing does.
        says: A Chinese sentence for a reviewer.
    """

    check: str
    kind: str
    severity: str
    message: int
    answer: Span
    evidence: EvidenceSpan | None
    says: str


@dataclass(frozen=True)
class Review:
    """The verdict on a record.

    Attributes:
        verdict: Of its worst answer.
        probability: That the worst answer says what its evidence does not.
        findings: The deciding one first.
        worst: The turn that decided.
        judgement: Of that turn.
    """

    verdict: Verdict
    probability: float
    findings: tuple[Finding, ...]
    worst: Turn
    judgement: Judgement


def review(
    messages: Sequence[Mapping[str, str]], evidence: Sequence[str], judge: Judge, known: Sequence[str] = ()
) -> Review:
    """The review of a conversation against its evidence; `known` is what needs none.

    Raises:
        Unfit: it cannot be checked.
    """
    judged = [(turn, judge(turn.case)) for turn in turns(messages, evidence, known)]
    judged.sort(key=lambda pair: (-VERDICTS.index(pair[1].verdict), -pair[1].probability, pair[0].message))
    findings = [finding for turn, judgement in judged for finding in _findings(turn, judgement)]
    turn, judgement = judged[0]
    return Review(judgement.verdict, judgement.probability, tuple(findings[:MAX_FINDINGS]), turn, judgement)


def _findings(turn: Turn, judgement: Judgement) -> list[Finding]:
    """Those of the clause that decided first; there is one where the verdict is not `keep`."""
    answer = turn.case.answer
    found = [s for s in judgement.findings if 0 <= s.start < s.end <= len(answer.raw)]
    numbers = [answer.clause_at(s.start).number for s in found]
    deciding = [s for s, n in zip(found, numbers, strict=True) if n == judgement.worst]
    if judgement.verdict != "keep" and not deciding:
        deciding = [_uncovered(turn.case, judgement.worst)]
    decided: str = {"reject": "error", "quarantine": "warning", "keep": "note"}[judgement.verdict]
    made = [_finding(turn, s, decided) for s in deciding]
    for signal, number in zip(found, numbers, strict=True):
        if number != judgement.worst:
            likely = judgement.verdict != "keep" and judgement.clauses[number] >= _LIKELY
            made.append(_finding(turn, signal, "warning" if likely else "note"))
    return made


def _finding(turn: Turn, signal: Signal, severity: str) -> Finding:
    answer = turn.case.answer.raw
    span = Span(signal.start, signal.end, answer[signal.start : signal.end])
    return Finding(signal.check, signal.kind, severity, turn.message, span, _evidence_span(turn, signal), signal.says)


def _evidence_span(turn: Turn, signal: Signal) -> EvidenceSpan | None:
    """In the evidence text as it was given, of which the reading may be a piece."""
    if not 0 <= signal.source < len(turn.case.evidence):
        return None
    text = turn.case.evidence[signal.source].raw
    start, end = signal.evidence_start, signal.evidence_end
    if not 0 <= start < end <= len(text):
        return None
    piece = turn.pieces[signal.source]
    return EvidenceSpan(piece.text, piece.offset + start, piece.offset + end, text[start:end])


def _uncovered(case: Case, number: int) -> Signal:
    """The clause that decided, beside what comes nearest to it."""
    clause = case.answer.clauses[number]
    said = case.answer.raw[clause.start : clause.end][:_QUOTED_CHARS]
    matches = case.alignment[number]
    if not matches:
        says = f"「{said}」在证据中找不到依据。"
        return Signal(COVERAGE, "unsupported", clause.start, clause.end, -1, 0, 0, 1.0, says)
    match = matches[0]
    near = case.evidence[match.source].clauses[match.clause]
    quoted = case.evidence[match.source].raw[near.start : near.end][:_QUOTED_CHARS]
    says = f"「{said}」与证据不完全一致，最接近的原文是「{quoted}」。"
    return Signal(COVERAGE, "unsupported", clause.start, clause.end, match.source, near.start, near.end, 1.0, says)
