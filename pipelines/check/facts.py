"""The amounts of a case side by side: which of the evidence's amounts an amount of the answer is, and which is near it."""

from __future__ import annotations

from bisect import bisect_right
from fractions import Fraction
from typing import TYPE_CHECKING, Final, NamedTuple

from pipelines.check.comparators import direction
from pipelines.check.frequencies import PERIOD_MINUTES
from pipelines.check.units import COUNTED

if TYPE_CHECKING:
    from pipelines.check.quantities import Quantity
    from pipelines.check.reading import Reading
    from pipelines.check.signals import Case

QUESTION: Final = -1
"""The source of what the question or the patient says."""
_LEFT, _RIGHT = 14, 8
_DAYS_IN_MONTH: Final = (28.0, 31.0)
_TOLERANCE: Final = 0.006
_SAME_GIVEN: Final = {"dose", "piece", "day", "person"}


class Fact(NamedTuple):
    """An amount of the evidence (or of the question), with where it stands.

    Attributes:
        quantity: The amount.
        source: Number of the evidence text, or `QUESTION`.
        clause: Number of its clause.
        near: Characters and pairs of characters around it.
    """

    quantity: Quantity
    source: int
    clause: int
    near: frozenset[str]


def facts_of(reading: Reading, source: int) -> list[Fact]:
    """The amounts of one text that state something; numbers of articles and steps do not."""
    if not reading.quantities:
        return []
    starts = [clause.start for clause in reading.clauses]
    return [
        Fact(q, source, max(0, bisect_right(starts, q.start) - 1), around(reading, q))
        for q in reading.quantities
        if q.role != "number"
    ]


def around(reading: Reading, quantity: Quantity) -> frozenset[str]:
    """What is written near an amount, in characters and pairs; not the amount itself."""
    text = reading.folded
    left = text[max(0, quantity.start - _LEFT) : quantity.start]
    cut = max(left.rfind(mark) for mark in "。;!?\n")
    right = text[quantity.end : quantity.end + _RIGHT]
    ends = [at for at in (right.find(mark) for mark in "。;!?\n,") if at >= 0]
    right = right[: min(ends)] if ends else right
    kept = [c for c in left[cut + 1 :] + "|" + right if c.isalpha() or c == "|"]
    return frozenset((*kept, *(a + b for a, b in zip(kept, kept[1:], strict=False))))


def nearness(case: Case, clause: int, near: frozenset[str], fact: Fact) -> float:
    """How much an amount of the answer's clause and one of the evidence speak of the same, from 0 to about 1.5."""
    score = 0.0
    if fact.source >= 0 and clause < len(case.alignment):
        for match in case.alignment[clause]:
            if match.source == fact.source and match.clause == fact.clause:
                score = match.score
                break
    shared = sum(len(gram) for gram in near & fact.near)
    return score + 0.8 * shared / (6 + sum(len(gram) for gram in near))


def ends(quantity: Quantity) -> tuple[Fraction, Fraction]:
    """Its two bounds; an open side takes the other's number."""
    low = quantity.low if quantity.low is not None else quantity.high
    high = quantity.high if quantity.high is not None else quantity.low
    assert low is not None and high is not None
    return low, high


def base(quantity: Quantity) -> tuple[str, float, float]:
    """Dimension and bounds in one unit for all that can be compared: mass in mg, times in minutes, rates a day."""
    low, high = (float(v) for v in ends(quantity))
    unit = quantity.unit
    if unit == "kg":
        return "mg", low * 1e6, high * 1e6
    if quantity.role == "interval" and unit in ("minute", "month"):
        scale = 1 if unit == "minute" else 43200
        low, high = low * scale, high * scale
        return "rate", 1440 / high if high else 0.0, 1440 / low if low else 0.0
    if unit == "times" and quantity.per and quantity.per[0] in PERIOD_MINUTES:
        scale = 1440 / PERIOD_MINUTES[quantity.per[0]]
        return "rate", low * scale, high * scale
    return unit, low, high


def same(one: Quantity, other: Quantity) -> bool:
    """Whether two amounts have the same value, whatever their units; a bare number is that of any unit."""
    if not one.unit or not other.unit:
        if one.per and other.per and one.unit == other.unit:
            return ends(one) == ends(other)
        return bool(one.written) and set(one.written) <= set(other.written)
    if (one.unit[0] == "第") != (other.unit[0] == "第"):
        return False
    unit, low, high = base(one)
    unit2, low2, high2 = base(other)
    if unit == unit2:
        return close(low, low2) and close(high, high2)
    if {unit, unit2} == {"month", "minute"}:
        return _same_time(low, low2, unit) and _same_time(high, high2, unit)
    if {unit, unit2} == {"times", "rate"}:
        return set(one.written) == set(other.written)
    if unit in COUNTED and unit2 in COUNTED and one.written == other.written:
        return (unit, unit2) in _ALIKE or (unit2, unit) in _ALIKE
    return {unit, unit2} == {"mg", "iu"} and False


_ALIKE: Final = {
    ("种", "项"), ("种", "处"), ("项", "处"), ("例", "人"), ("例", "处"), ("人", "处"), ("所", "处"), ("只", "支"), ("片", "粒"),
    ("剂", "支"), ("份", "处"), ("根", "处"), ("剂", "times"), ("行", "级"),
}  # fmt: skip


def _same_time(one: float, other: float, unit: str) -> bool:
    months, minutes = (one, other) if unit == "month" else (other, one)
    days = minutes / 1440
    return months * _DAYS_IN_MONTH[0] <= days + 0.01 and days <= months * _DAYS_IN_MONTH[1] + 0.01


def part_of(one: Quantity, other: Quantity) -> str:
    """How a single value stands to a range: `end` of it, `inside` it, or nothing (an empty text)."""
    if not one.unit or not other.unit:
        return "end" if one.written and set(one.written) <= set(other.written) else ""
    unit, low, high = base(one)
    unit2, low2, high2 = base(other)
    if unit != unit2 or low2 == high2:
        return ""
    if close(low, high) and (close(low, low2) or close(low, high2)):
        return "end"
    return "inside" if low2 <= low and high <= high2 else ""


def close(one: float, other: float, tolerance: float = _TOLERANCE) -> bool:
    """Whether two values are one, but for rounding in a conversion."""
    return abs(one - other) <= tolerance * max(abs(one), abs(other))


def pers_agree(one: Quantity, other: Quantity) -> bool:
    """Whether what they are for can be the same; an amount that does not say it agrees with all."""
    mine, theirs = set(one.per), set(other.per)
    if not mine or not theirs or mine <= theirs or theirs <= mine:
        return True
    return not (mine ^ theirs) - _SAME_GIVEN and not {"dose", "day"} <= mine ^ theirs


def side_of(quantity: Quantity, value: Fraction | None = None) -> int:
    """On which side of its value the amount lies: 1 more, -1 less, 0 neither; of a range's end, inwards."""
    if quantity.low is not None and quantity.high is not None and quantity.low != quantity.high and value is not None:
        return 1 if value == quantity.low else -1 if value == quantity.high else 0
    return direction(quantity.comparator)
