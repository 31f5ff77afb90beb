"""An amount of an answer beside the amounts of the evidence, the nearest first; and what is then said of it."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from pipelines.check.facts import Fact, base, close, ends, nearness, same
from pipelines.check.numerals import ONE
from pipelines.check.quantities import Quantity
from pipelines.check.reading import Clause, Reading
from pipelines.check.signals import Case, Signal
from pipelines.check.units import COUNTED, DOSED

TIMED: Final = frozenset(("frequency", "interval", "duration"))
"""Roles whose errors are errors of frequency."""
_WORKED_OUT: Final = re.compile(
    r"(?:就是|也就是|即|等于|合|折合|相当于|算下来|算出|换算|合计|一共|共|=|÷|×|\*|\+|乘|加|减|除以)[^,。;\d]{0,5}$"
)
_OPERATOR: Final = re.compile(r"\s?(?:[+×*÷=]|加|乘|除以|减去)")


class Comparison(NamedTuple):
    """An amount of the answer with what it is compared with.

    Attributes:
        fact: The amount.
        clause: Its clause.
        ranked: The facts of the evidence, the nearest first, with how near they are.
    """

    fact: Fact
    clause: Clause
    ranked: list[tuple[float, Fact]]

    @property
    def quantity(self) -> Quantity:
        """The amount itself."""
        return self.fact.quantity


def comparison(case: Case, fact: Fact, theirs: list[Fact]) -> Comparison:
    """An amount of the answer beside those of the evidence."""
    matches = case.alignment[fact.clause] if fact.clause < len(case.alignment) else ()
    scores = {(match.source, match.clause): match.score for match in matches}
    ranked = [(nearness(fact, other, scores.get((other.source, other.clause), 0.0)), other) for other in theirs]
    ranked.sort(key=lambda pair: -pair[0])
    return Comparison(fact, case.answer.clauses[fact.clause], ranked)


def changed_unit(look: Comparison) -> Signal | None:
    """The same number near by with another unit."""
    fact = _other_unit(look)
    if fact is None:
        return None
    says = f"答案“{look.quantity.text}”与原文“{fact.quantity.text}”数字相同，单位不同。"
    return finding("unit.changed", "unit", look.quantity, fact, 0.95, says)


def _other_unit(look: Comparison) -> Fact | None:
    """A near amount with the same number and another unit."""
    quantity = look.quantity
    if quantity.unit in COUNTED - DOSED or (quantity.unit == "times" and quantity.role == "count"):
        return None
    for score, fact in look.ranked[:12]:
        other = fact.quantity
        if other.written == quantity.written and other.spelled and quantity.spelled and score > 0.1:
            if same(look.fact, fact) or _group(other) != _group(quantity):
                continue
            if other.unit in COUNTED and quantity.unit in COUNTED and not {other.unit, quantity.unit} & DOSED:
                continue
            if quantity.written == (ONE,) and score < 0.5:
                continue
            return fact
    return None


def _group(quantity: Quantity) -> str:
    """What one may be taken for another: a dose in ml for one in mg, days for months, but no years for yuan."""
    if quantity.unit in ("minute", "month", "workday", "lesson", "term") or quantity.role in TIMED:
        return "time"
    return quantity.role if quantity.role in ("money", "share", "temperature", "date") else "measure"


def is_worked_out(answer: Reading, start: int, end: int) -> bool:
    """Whether an amount is reckoned or converted in the answer itself: 就是40克, (300微克), 8+9."""
    folded = answer.folded
    before = folded[max(0, start - 9) : start]
    if _WORKED_OUT.search(before) or _OPERATOR.match(folded, end):
        return True
    if not before.endswith("("):
        return False
    near = [q for q in answer.quantities if start - 12 < q.end <= start or q.start == start]
    if len(near) < 2:
        return False
    (unit, low, high), (unit2, low2, high2) = base(near[-2]), base(near[-1])
    return unit == unit2 and close(low, low2) and close(high, high2)


def is_reckoned(case: Case, quantity: Quantity) -> bool:
    """Whether a dose is an amount for each kg of the evidence times the weight that the question names."""
    if quantity.role != "dose" or {"kg", "l", "m2"} & set(quantity.per):
        return False
    weights = [float(v) for q in case.question.quantities if q.role == "weight" for v in set(ends(q))]
    if not weights:
        return False
    unit, low, high = base(quantity)
    return any(
        other == unit and bottom * weight * 0.99 <= low and high <= top * weight * 1.01
        for reading in case.evidence
        for q in reading.quantities
        if "kg" in q.per
        for other, bottom, top in (base(q),)
        for weight in weights[:4]
    )


def kind_of(quantity: Quantity) -> str:
    """Whether an error in it is one of frequency or of quantity."""
    return "frequency" if quantity.role in TIMED else "quantity"


def finding(check_name: str, kind: str, quantity: Quantity, fact: Fact | None, strength: float, says: str) -> Signal:
    """A signal at an amount of the answer, against one of the evidence."""
    source, start, end = (-1, 0, 0) if fact is None else (fact.source, fact.quantity.start, fact.quantity.end)
    return Signal(check_name, kind, quantity.start, quantity.end, source, start, end, round(strength, 3), says)
