"""A value and the class that it falls into: 血红蛋白75 is 中度 where the evidence says 中度60～90, not 重度."""

from __future__ import annotations

import functools
from bisect import bisect_left
from typing import Final, NamedTuple

from pipelines.check.facets import Facet, facets
from pipelines.check.facts import base, ends
from pipelines.check.quantities import Quantity
from pipelines.check.reading import Reading
from pipelines.check.signals import Case, Signal

MAX_CLASSES: Final = 60
_OUTCOMES: Final = frozenset(
    ("轻度", "中度", "重度", "极重度", "绿区", "黄区", "红区", "阳性", "阴性", "高危", "中危", "低危")
)
"""Facets that a measured value decides; whether a child is premature it does not."""
_NEAR: Final = 12
"""Characters between a class and its bounds."""
_NOT_MEASURED: Final = frozenset(("age", "weight", "date", "number", "frequency", "interval"))


class _Class(NamedTuple):
    facet: Facet
    source: int
    quantity: Quantity


def grade(case: Case) -> list[Signal]:
    """Classes of the answer into which the value that it (or the question) names does not fall."""
    classes = [each for s, reading in enumerate(case.evidence) for each in _classes(reading, s)]
    if len({each.facet.key for each in classes}) < 2:
        return []
    found: list[Signal] = []
    for facet in (f for f in facets(case.answer) if f.key in _OUTCOMES):
        rows = [each for each in classes if each.facet.type == facet.type]
        if len({each.facet.key for each in rows}) < 2:
            continue
        for value in _values(case, facet):
            fitting = [each for each in rows if _holds(each.quantity, value)]
            if not fitting or facet.key in {each.facet.key for each in fitting}:
                continue
            if not any(each.facet.key == facet.key and _is_alike(each.quantity, value) for each in rows):
                continue
            right = fitting[0]
            said, there = case.answer.raw[facet.start : facet.end], right.facet.key
            says = f"按原文“{right.quantity.text}”，“{value.text}”属“{there}”，答案说“{said}”。"
            place = (right.source, right.quantity.start, right.quantity.end)
            found.append(Signal("pairing.class", "pairing", facet.start, facet.end, *place, 0.7, says))
            break
    return found


@functools.lru_cache(maxsize=256)
def _classes(reading: Reading, source: int) -> tuple[_Class, ...]:
    """The bounds of classes: a facet with an amount right behind it, or right before it."""
    named = facets(reading)
    if not named:
        return ()
    amounts = [q for q in reading.quantities if q.role not in _NOT_MEASURED and (q.low != q.high or q.comparator)]
    starts = [q.start for q in amounts]
    found = []
    for facet in [f for f in named if f.key in _OUTCOMES][:MAX_CLASSES]:
        at = bisect_left(starts, facet.end)
        behind = amounts[at] if at < len(amounts) else None
        before = amounts[at - 1] if at else None
        if behind and behind.start - facet.end <= _NEAR and not _cut(reading.folded[facet.end : behind.start]):
            found.append(_Class(facet, source, behind))
        elif before and 0 <= facet.start - before.end <= 4 and not _cut(reading.folded[before.end : facet.start]):
            found.append(_Class(facet, source, before))
    return tuple(found)


def _cut(between: str) -> bool:
    return any(c in between for c in ",。;\n)")


def _values(case: Case, facet: Facet) -> list[Quantity]:
    """Single measured values of the facet's sentence, else of the question."""
    sentence = case.answer.clause_at(facet.start).sentence
    mine = [q for q in case.answer.quantities if case.answer.clause_at(q.start).sentence == sentence]
    measured = [q for q in mine if _is_single(q)]
    return measured or [q for q in case.question.quantities if _is_single(q)]


def _is_single(quantity: Quantity) -> bool:
    return quantity.low == quantity.high and not quantity.comparator and quantity.role not in _NOT_MEASURED


def _is_alike(one: Quantity, other: Quantity) -> bool:
    return base(one)[0] == base(other)[0] or not other.unit


def _holds(bounds: Quantity, value: Quantity) -> bool:
    """Whether a value lies between the bounds of a class; a bare one is compared with the numbers as written."""
    if not _is_alike(bounds, value):
        return False
    if value.unit:
        _, low, high = base(bounds)
        at = base(value)[1]
    else:
        low, high = float(min(bounds.written)), float(max(bounds.written))
        at = float(ends(value)[0])
    return (bounds.low is None or low <= at) and (bounds.high is None or at <= high)
