"""What became of an answer: keep, quarantine or reject, and why."""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

from pipelines.check.signals import Signal

Verdict = Literal["keep", "quarantine", "reject"]
VERDICTS: Final = ("keep", "quarantine", "reject")


class Judgement(NamedTuple):
    """The verdict on one answer.

    Attributes:
        verdict: What to do with it.
        probability: That something in it lacks evidence, calibrated on the planted cases; of the answer.
        findings: What the checks found, those of the worst clause first, then the strongest. May be non-empty for an
            answer that is kept: single weak signals are no proof.
        worst: Number of the clause that decided, among the answer's clauses.
        clauses: Probability per clause of the answer, in order.
    """

    verdict: Verdict
    probability: float
    findings: tuple[Signal, ...]
    worst: int
    clauses: tuple[float, ...]


class Thresholds(NamedTuple):
    """Probabilities from which an answer is no longer kept; `quarantine` ≤ `reject`."""

    quarantine: float
    reject: float

    def verdict(self, probability: float) -> Verdict:
        """What a probability means."""
        if probability >= self.reject:
            return "reject"
        return "quarantine" if probability >= self.quarantine else "keep"
