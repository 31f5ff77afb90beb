"""The amounts of a case side by side: which of the evidence's an amount of the answer is, and which is near it."""

from __future__ import annotations

import re
from bisect import bisect_right
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING, Final, NamedTuple

from pipelines.check.comparators import direction
from pipelines.check.frequencies import PERIOD_MINUTES
from pipelines.check.units import COUNTED, factor_of

if TYPE_CHECKING:
    from pipelines.check.quantities import Quantity
    from pipelines.check.reading import Reading

_STOPS: Final = re.compile(r"[。;!?\n]")
_ENDS: Final = re.compile(r"[。;!?\n,]")
_WORDS: Final = re.compile(r"[\w|]")
QUESTION: Final = -1
"""The source of what the question or the patient says."""
_LEFT, _RIGHT, _WIDE = 12, 9, 44
_DAYS_IN_MONTH: Final = (28.0, 31.0)
_SAID_WITH_UNIT: Final = frozenset(("minute", "month", "yuan", "times", "rate", "workday", "kg", "ratio"))
_NOTHING: Final = Fraction(0)
_TOLERANCE: Final = 0.006
_INEXACT: Final = frozenset(("mmhg", "kcal", "rate"))
"""Dimensions where conversions are rounded: kPa, kJ, months."""
_SAME_GIVEN: Final = {"dose", "piece", "day", "person"}


class Fact(NamedTuple):
    """An amount of the evidence (or of the question), with where it stands.

    Attributes:
        quantity: The amount.
        source: Number of the evidence text, or `QUESTION`.
        clause: Number of its clause.
        near: Characters and pairs of characters around it.
        before: Pairs of characters before it in its half sentence.
        based: Its dimension and bounds, as `base` says them.
    """

    quantity: Quantity
    source: int
    clause: int
    near: frozenset[str]
    before: frozenset[str]
    based: tuple[str, float, float]


N_RECENT: Final = 16
"""Texts whose amounts are kept: answers come passage by passage, and most of the time goes into reading them."""

_RECENT: Final[dict[tuple[str, int], list[Fact]]] = {}


def facts_of(reading: Reading, source: int) -> list[Fact]:
    """The amounts of one text that state something; numbers of articles and steps do not."""
    key = reading.raw, source
    if key in _RECENT:
        return _RECENT[key]
    if len(_RECENT) >= N_RECENT:
        _RECENT.clear()
    _RECENT[key] = found = _facts_of(reading, source)
    return found


def _facts_of(reading: Reading, source: int) -> list[Fact]:
    starts = [clause.start for clause in reading.clauses]
    return [
        Fact(q, source, max(0, bisect_right(starts, q.start) - 1), around(reading, q), before(reading, q), base(q))
        for q in reading.quantities
        if q.role != "number"
    ]


def around(reading: Reading, quantity: Quantity) -> frozenset[str]:
    """What is written near an amount, in characters and pairs; not the amount itself."""
    text = reading.folded
    left = text[max(0, quantity.start - _LEFT) : quantity.start]
    right = text[quantity.end : quantity.end + _RIGHT]
    kept = _WORDS.findall(_STOPS.split(left)[-1] + "|" + _ENDS.split(right, maxsplit=1)[0])
    return frozenset((*kept, *map("".join, pairwise(kept))))


def before(reading: Reading, quantity: Quantity) -> frozenset[str]:
    """Pairs of characters further before an amount, as far as its half sentence goes: of what it is said."""
    left = reading.folded[max(0, quantity.start - _WIDE) : quantity.start]
    return frozenset(map("".join, pairwise(_WORDS.findall(_STOPS.split(left)[-1]))))


def nearness(mine: Fact, other: Fact, score: float) -> float:
    """How much an amount of the answer and one of the evidence speak of the same, from 0 to about 2.

    Args:
        mine: Of the answer.
        other: Of the evidence.
        score: How well their clauses are aligned.
    """
    local = len(mine.near & other.near) / (6 + len(mine.near))
    wide = len(mine.before & other.before) / (4 + len(mine.before))
    return 0.6 * score + local + 0.8 * wide


def ends(quantity: Quantity) -> tuple[Fraction, Fraction]:
    """Its two bounds; an open side takes the other's number."""
    low = quantity.low if quantity.low is not None else quantity.high
    high = quantity.high if quantity.high is not None else quantity.low
    return low or _NOTHING, high or _NOTHING


def base(quantity: Quantity) -> tuple[str, float, float]:
    """Dimension and bounds in one unit for all that can be compared: mass in mg, times in minutes, rates a day."""
    bottom, top = ends(quantity)
    low = _plain(bottom)
    high = low if top is bottom else _plain(top)
    unit = quantity.unit
    if unit == "kg":
        return "mg", low * 1e6, high * 1e6
    if quantity.role == "interval" and unit in ("minute", "month"):
        scale = 1 if unit == "minute" else 43800
        low, high = low * scale, high * scale
        return "rate", 1440 / high if high else 0.0, 1440 / low if low else 0.0
    if unit == "times" and quantity.per and quantity.per[0] in PERIOD_MINUTES:
        rate = 1440 / PERIOD_MINUTES[quantity.per[0]]
        return "rate", low * rate, high * rate
    return unit, low, high


def _plain(value: Fraction) -> float:
    return value.numerator / value.denominator


def same(first: Fact, second: Fact) -> bool:
    """Whether two amounts have the same value, whatever their units; a bare number is that of any unit."""
    one, other = first.quantity, second.quantity
    if not one.unit or not other.unit:
        return _same_number(one, other)
    if ("l" in one.per) != ("l" in other.per):
        return one.written == other.written and factor_of(one.spelled) == factor_of(other.spelled)
    unit, low, high = first.based
    unit2, low2, high2 = second.based
    if (unit == "rate") != (unit2 == "rate"):
        if "frequency" == one.role == other.role or ("times" in (unit, unit2) and "interval" in (one.role, other.role)):
            return close(low, low2) and close(high, high2)  # 分3次 is three times a day
        unit, low, high = _length(one)
        unit2, low2, high2 = _length(other)
    unit, unit2 = unit.removeprefix("第"), unit2.removeprefix("第")
    if unit == unit2:
        tolerance = _TOLERANCE if unit in _INEXACT else 1e-9
        return close(low, low2, tolerance) and close(high, high2, tolerance)
    if {unit, unit2} == {"month", "minute"}:
        return _same_time(low, low2, unit) and _same_time(high, high2, unit)
    return one.written == other.written and are_alike(unit, unit2)


def _same_number(one: Quantity, other: Quantity) -> bool:
    """The same, where one of both is bare: of the evidence it may be a value of a table, but no time and no count."""
    if one.unit == other.unit and one.per and other.per:
        return ends(one) == ends(other)
    if one.unit and (one.unit in _SAID_WITH_UNIT or one.unit in COUNTED):
        return False
    if "percent" in (one.unit, other.unit) and one.written != other.written:
        return _same_share(one, other)
    if one.written == other.written or ends(one) == ends(other):
        return bool(one.written)
    if other.unit or not other.written or len(one.written) != len(other.written):
        return False  # the head of a table says the unit: 730 (mm) is 73 cm
    return any(
        all(float(b) * f == float(a) for a, b in zip(ends(one), (other.written[0], other.written[-1]), strict=True))
        for f in _HEADS.get(one.unit, ())
    )


def _length(quantity: Quantity) -> tuple[str, float, float]:
    low, high = (float(v) for v in ends(quantity))
    return quantity.unit, low, high


def _same_share(one: Quantity, other: Quantity) -> bool:
    """Whether 1/2 and 50 % are meant."""
    low, high = (float(v) * (100 if one.unit != "percent" else 1) for v in ends(one))
    low2, high2 = (float(v) * (100 if other.unit != "percent" else 1) for v in ends(other))
    return close(low, low2) and close(high, high2)


_HEADS: Final = {"cm": (0.1, 100.0), "mg": (1000.0, 0.001), "ml": (1000.0,), "minute": (60.0, 1440.0), "kg": (0.001,)}
"""By what the bare numbers of a table may have to be multiplied."""
_ALIKE: Final = {
    ("种", "项"), ("种", "处"), ("项", "处"), ("例", "人"), ("例", "处"), ("人", "处"), ("所", "处"), ("只", "支"),
    ("剂", "支"), ("份", "处"), ("根", "处"), ("剂", "times"), ("行", "级"), ("喷", "times"), ("种", "所"),
    ("支", "处"), ("份", "支"), ("餐", "times"), ("份", "times"),
}  # fmt: skip
"""Nouns that people put for one another when they count."""


def are_alike(unit: str, unit2: str) -> bool:
    """Whether two nouns may count the same things (个, 人), or are one."""
    return unit == unit2 or (unit, unit2) in _ALIKE or (unit2, unit) in _ALIKE


def _same_time(one: float, other: float, unit: str) -> bool:
    months, minutes = (one, other) if unit == "month" else (other, one)
    days = minutes / 1440
    return months * _DAYS_IN_MONTH[0] <= days + 0.01 and days <= months * _DAYS_IN_MONTH[1] + 0.01


def part_of(first: Fact, second: Fact) -> str:
    """How a single value stands to a range: `end` of it, `inside` it, or nothing (an empty text)."""
    one, other = first.quantity, second.quantity
    if not one.unit or not other.unit:
        is_both = one.unit == other.unit and bool(one.per) and bool(other.per)
        is_end = bool(one.written) and set(one.written) <= set(other.written)
        return "end" if is_end and not is_both and one.unit not in _SAID_WITH_UNIT else ""
    unit, low, high = first.based
    unit2, low2, high2 = second.based
    if unit != unit2 or low2 == high2 or ("kg" in one.per) != ("kg" in other.per):
        return ""
    if unit == "rate" and one.role != other.role:
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
    if (
        ("kg" in mine) != ("kg" in theirs)
        and one.unit in ("mg", "ml", "iu", "mmol")
        and not {"l", "m2"} & (mine | theirs)
    ):
        return False
    if not mine or not theirs or mine <= theirs or theirs <= mine:
        return True
    return not (mine ^ theirs) - _SAME_GIVEN and not {"dose", "day"} <= mine ^ theirs


def sides(quantity: Quantity, other: Quantity) -> set[int]:
    """On which sides the amount lies of the value of another: 1 more, -1 less; of the end of a range also inwards."""
    found = {direction(quantity.comparator)}
    if (quantity.role == "interval") != (other.role == "interval") and "frequency" in (quantity.role, other.role):
        return {-side for side in found}  # at least 6 hours apart is at most 4 times a day
    low, high = ends(quantity)
    value, top = ends(other)
    if low != high and value == top:
        found |= {1} if value == low else {-1} if value == high else set()
    return found - {0} or {0}
