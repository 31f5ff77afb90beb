"""What a check says of an answer, and what it is shown."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NamedTuple

from pipelines.check.alignment import Match, aligned
from pipelines.check.reading import Reading

KINDS: Final = (
    "quantity", "unit", "frequency", "pairing", "entity", "actor", "population", "route", "polarity", "comparator",
    "modality", "relation", "omitted_warning", "fabricated_authority", "unsupported", "overgeneralisation",
)  # fmt: skip
"""What can be wrong with an answer."""


class Signal(NamedTuple):
    """One finding of one check.

    Attributes:
        check: Of which check, and which of its rules: `quantity.absent`, `pairing.other_drug`; a feature of its own.
        kind: One of `KINDS`.
        start, end: The span in the answer (raw characters), never empty.
        source: Which evidence text speaks for or against it, -1 for none.
        evidence_start, evidence_end: The span there; equal where there is none.
        strength: From 0 (nothing) to 1 (as sure as this rule gets).
        says: One sentence in Chinese for a reviewer, with the words of both sides.
        traits: What else is known of the place, for the classifier: name and value from 0 to 1.
    """

    check: str
    kind: str
    start: int
    end: int
    source: int
    evidence_start: int
    evidence_end: int
    strength: float
    says: str
    traits: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True)
class Case:
    """An answer to be judged.

    Attributes:
        question: What was asked; what the asker says is known, not claimed.
        answer: One answer; of a conversation the turns are cases of their own.
        evidence: What it may rest on.
        heard: What the patient said before, in conversations.
    """

    question: Reading
    answer: Reading
    evidence: tuple[Reading, ...]
    heard: tuple[Reading, ...] = ()

    @functools.cached_property
    def known(self) -> tuple[Reading, ...]:
        """Everything that the answer may take up: evidence, question, and what the patient said."""
        return (*self.evidence, self.question, *self.heard)

    @functools.cached_property
    def alignment(self) -> tuple[tuple[Match, ...], ...]:
        """For each clause of the answer the clauses of the evidence that speak of the same, the best first."""
        return aligned(self.answer, self.evidence)


Check = Callable[[Case], list[Signal]]
"""A check; never raises for any text, and is linear in its length."""
