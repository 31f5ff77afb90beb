"""Cases in one line, and what a check says of them."""

from __future__ import annotations

from pipelines.check.reading import Reading
from pipelines.check.signals import Case, Check, Signal


def case(answer: str, *evidence: str, question: str = "") -> Case:
    return Case(Reading(question), Reading(answer), tuple(map(Reading, evidence)))


def found(check: Check, answer: str, *evidence: str, question: str = "", at_least: float = 0.4) -> set[str]:
    """The names of a check's signals that are strong enough."""
    return {s.check for s in signals(check, answer, *evidence, question=question) if s.strength >= at_least}


def signals(check: Check, answer: str, *evidence: str, question: str = "") -> list[Signal]:
    return check(case(answer, *evidence, question=question))
