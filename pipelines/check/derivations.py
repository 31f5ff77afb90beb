"""Values that the evidence does not have but gives: mg/kg × weight, mg ↔ ml by the strength, a day's ÷ doses, sums."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING, Final, NamedTuple

from pipelines.check.facts import base, close, ends
from pipelines.check.units import COUNTED

if TYPE_CHECKING:
    from pipelines.check.quantities import Quantity
    from pipelines.check.reading import Reading

_EQUALS: Final = re.compile(
    r"\s?(?:[:=/]|\(|相当于|约|大约|等于|合|即|就是|也就是|折合|里?[^,。;\d]{0,6}[含有]|=|为|[^,。;\d]{1,6}:)?[^,。;:\d(]{0,8}\s?"
)
_FORMULA: Final = re.compile(
    r"(?:(\d{1,3})\s?[+]\s?)?(?:年龄|月龄|周龄|岁数)(?:\([岁月]\))?\s?(?:[×x*]\s?(\d{1,2}(?:\.\d)?))?"
    r"\s?(?:([+-])\s?(\d{1,3}(?:\.\d)?))?\s?[\])]?(?:\s?[/÷]\s?(\d{1,2}))?(?<=\d)"
)
_WIDEST: Final = 2.6
_MOST: Final = 48
_HALVED: Final = re.compile(r"减半|一半|折半|对半|半量|二分之一|1/2")
_DOUBLED: Final = re.compile(r"加倍|两倍|2倍|双倍|翻倍|增倍|倍量")


class Value(NamedTuple):
    """An amount in one unit, between two bounds."""

    unit: str
    low: float
    high: float


class Ground(NamedTuple):
    """What may be calculated with.

    Attributes:
        amounts: Known amounts, near ones first.
        weights: Of bodies, in kg.
        per_kg: Amounts for each kg: unit, bounds.
        daily: Those of them that are for a whole day.
        ratios: Strengths: so much of one unit is so much of another.
        counts: How often a day, by which amounts are multiplied or divided.
        formulas: Of an age: 年龄×2＋8, (月龄＋9)/2.
    """

    amounts: list[Value]
    weights: list[float]
    per_kg: list[Value]
    daily: list[Value]
    ratios: list[tuple[Value, Value]]
    counts: set[float]
    formulas: list[re.Match[str]]

    def add(self, quantity: Quantity, *, takes_per_kg: bool) -> None:
        """Takes in one more amount."""
        unit, low, high = base(quantity)
        if quantity.unit == "kg" and not quantity.per:
            self.weights.extend({float(v) for v in ends(quantity)})
        elif "kg" in quantity.per:
            if takes_per_kg:
                self.per_kg.append(Value(unit, low, high))
                if "day" in quantity.per:
                    self.daily.append(Value(unit, low, high))
        elif unit != "rate" and not unit.startswith("第"):
            self.amounts.append(Value(unit, low, high))
            if "l" in quantity.per and low == high and unit != "":
                self.ratios.append((Value("ml", 1000, 1000), Value(unit, low, high)))
            if "piece" in quantity.per and low == high and quantity.text[-1] in _PIECE:
                self.ratios.append((Value(_PIECE[quantity.text[-1]], 1, 1), Value(unit, low, high)))


def ground(texts: list[tuple[Reading, list[Quantity]]], said_per_kg: bool) -> Ground:
    """What the given texts give to calculate with; the first is the question, the last the answer with what stands.

    Args:
        texts: Readings with those of their amounts that count, the answer last.
        said_per_kg: Whether the answer itself says how much for each kg; then only that counts.
    """
    made = Ground([], [], [], [], [], set(), [])
    for index, (reading, quantities) in enumerate(texts):
        is_answer = index == len(texts) - 1
        for quantity in quantities:
            made.add(quantity, takes_per_kg=is_answer or not said_per_kg)
            if is_answer or index == 0:
                made.counts.update(counts_of(quantity))
        made.formulas.extend(_FORMULA.finditer(reading.folded))
        made.ratios.extend(_ratios(reading.folded, quantities))
        if _HALVED.search(reading.folded) or _DOUBLED.search(reading.folded):
            made.counts.add(2.0)
    return made


def counts_of(quantity: Quantity) -> set[float]:
    """By what an amount for once may be multiplied to be one for a day: how often a day."""
    found = {float(v) for v in quantity.written} if quantity.role == "frequency" else set()
    unit, low, high = base(quantity)
    return found | {v for v in (low, high) if unit == "rate" and v == int(v)}


def _ratios(text: str, quantities: list[Quantity]) -> list[tuple[Value, Value]]:
    found = []
    for one, other in pairwise(quantities):
        if one.unit == other.unit or not one.unit or not other.unit or other.start - one.end > 14:
            continue
        if "times" in (one.unit, other.unit):
            continue
        if one.low is None or other.low is None or one.low != one.high or other.low != other.high:
            continue
        between = text[one.end : other.start]
        if _EQUALS.fullmatch(between) and one.role in _MEASURED and other.role in _MEASURED:
            found.append((Value(*base(one)), Value(*base(other))))
    for quantity in quantities:
        before = text[max(0, quantity.start - 3) : quantity.start].rstrip()
        if before.endswith(_PIECES) and "每" in before and quantity.role in _MEASURED and quantity.low == quantity.high:
            found.append((Value(_PIECE[before[-1]], 1, 1), Value(*base(quantity))))
    return found


_MEASURED: Final = frozenset(("dose", "other", "weight", "count"))
_PIECE: Final = {
    "片": "片",
    "袋": "袋",
    "包": "袋",
    "支": "支",
    "粒": "粒",
    "丸": "粒",
    "瓶": "瓶",
    "喷": "喷",
    "揿": "喷",
    "吸": "喷",
}
_PIECES: Final = tuple(_PIECE)


def is_derived(quantity: Quantity, given: Ground, sentence: list[Quantity]) -> bool:
    """Whether the value follows by plain arithmetic from what is given, or from the amounts of its own sentence."""
    unit, low, high = base(quantity)
    tolerance = 0.06 if quantity.comparator == "about" else 0.025
    if _among(unit, low, high, _by_weight(unit, given), tolerance):
        return True
    if low != high and len(quantity.written) == 1 and _rounded(unit, low, high, given):
        return True
    given_out = quantity.role == "dose" or unit in COUNTED
    first = [v for v in given.amounts if v.unit == unit][:_MOST] + _by_weight(unit, given)
    whole = set(_by_weight(unit, given._replace(per_kg=given.daily)))
    for value, count in ((v, c) for v in first for c in given.counts if given_out and 1 < c <= 12):
        times = [Value(unit, value.low * count, value.high * count)]
        if "dose" not in quantity.per and value not in whole and _among(unit, low, high, times, tolerance):
            return True
        share = [Value(unit, value.low / count, value.high / count)]
        if "day" not in quantity.per and _among(unit, low, high, share, tolerance):
            return True
    if _among(unit, low, high, _by_ratio(unit, given), tolerance):
        return True
    if "l" in quantity.per and low == high and _is_strength(unit, low, given):
        return True
    if given.formulas and unit in ("mg", "cm", "mmhg", "ml", "") and _by_formula(quantity, given):
        return True
    return _in_sentence(quantity, sentence, tolerance) or (not quantity.comparator and _from_known(unit, low, given))


def _among(unit: str, low: float, high: float, values: list[Value], tolerance: float) -> bool:
    for value in values:
        if value.unit != unit:
            continue
        ends_match = (close(low, value.low, tolerance) or close(low, value.high, tolerance)) and (
            close(high, value.high, tolerance) or close(high, value.low, tolerance)
        )
        inside = value.low * (1 - tolerance) <= low and high <= value.high * (1 + tolerance)
        if ends_match or (inside and value.low > 0 and value.high / value.low <= _WIDEST):
            return True
    return False


def _by_weight(unit: str, given: Ground) -> list[Value]:
    return [
        Value(p.unit, p.low * w, p.high * w) for p in given.per_kg[:_MOST] for w in given.weights[:8] if p.unit == unit
    ]


def _by_ratio(unit: str, given: Ground) -> list[Value]:
    made = []
    for one, other in given.ratios[:12]:
        for source, target in ((one, other), (other, one)):
            if target.unit != unit or not source.low:
                continue
            factor = target.low / source.low
            known = [v for v in given.amounts if v.unit == source.unit][:_MOST] + _by_weight(source.unit, given)
            made += [Value(unit, v.low * factor, v.high * factor) for v in known]
            made += [
                Value(unit, v.low * factor / c, v.high * factor / c) for v in known for c in given.counts if 1 < c <= 12
            ]
    return made


def _is_strength(unit: str, value: float, given: Ground) -> bool:
    """Whether so much a litre is a strength that is given: 20毫克每毫升 where 100 ml hold 2 g."""
    return any(
        target.unit == unit and source.unit == "ml" and source.low and close(value, 1000 * target.low / source.low)
        for one, other in given.ratios[:12]
        for source, target in ((one, other), (other, one))
    )


def _by_formula(quantity: Quantity, given: Ground) -> bool:
    """Whether one of the formulas gives the number for one of the known ages."""
    ages = {v.low / scale for v in given.amounts if v.unit == "month" for scale in (1, 12)}
    for formula in given.formulas[:8]:
        first, times, plus, over = (float(formula[i] or default) for i, default in ((1, 0), (2, 1), (4, 0), (5, 1)))
        plus = -plus if formula[3] == "-" else plus
        for age in ages:
            if any(close(float(v), (first + age * times + plus) / (over or 1.0), 0.02) for v in quantity.written):
                return True
    return False


def _rounded(unit: str, low: float, high: float, given: Ground) -> bool:
    """Whether a value said in one breath (十二三斤) has a known one between its ends."""
    values = [v.low for v in given.amounts if v.unit == unit] + [w * 1e6 for w in given.weights if unit == "mg"]
    return any(low <= value <= high for value in values)


def _from_known(unit: str, low: float, given: Ground) -> bool:
    """The rest of a hundred per cent."""
    return any(value.unit == unit == "percent" and close(low, 100 - value.high) for value in given.amounts[:_MOST])


def _in_sentence(quantity: Quantity, sentence: list[Quantity], tolerance: float) -> bool:
    """Sums, differences, products and quotients of two other amounts of the sentence, and the sum of all before."""
    unit, low, high = base(quantity)
    if low != high or not low:
        return False
    others = [base(q) for q in sentence if q is not quantity][:10]
    alike = [value for name, value, top in others if name == unit and value == top]
    if len(alike) > 1 and close(low, sum(alike), tolerance):
        return True
    if "kg" in quantity.per or not unit:
        weights = [float(v) for q in sentence if q.role == "weight" for v in set(ends(q))]
        if any(close(low, a / w, 0.02) for name, a, _ in others if name == unit or not unit for w in weights if w):
            return True
    for i, (unit1, a, a2) in enumerate(others):
        for unit2, b, b2 in others[i + 1 :]:
            if a != a2 or b != b2:
                continue
            if unit1 == unit2 == unit and (close(low, a + b, tolerance) or close(low, abs(a - b), tolerance)):
                return True
            if unit in (unit1, unit2) and unit1 != unit2 and close(low, a * b, tolerance) and a != 1 and b != 1:
                return True
    return False
