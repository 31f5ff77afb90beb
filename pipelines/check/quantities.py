"""Amounts: numbers with their units, ranges and comparators, however they are written."""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

from pipelines.check.reading import Reading


class Quantity(NamedTuple):
    """One amount in a text.

    Attributes:
        low, high: Its bounds in `unit`, exact; equal for a single number; None where a range is open on that side.
        unit: The unit of its dimension: `mg`, `ml`, `month` (ages, long times), `minute` (times), `celsius`, `times`
            (counts of doing), `percent`, `yuan`, `kg` …; the noun itself for counted things (片, 袋, 人, 所); empty for
            none.
        per: What it is for, in a fixed order: `kg`, `day`, `dose`, `hour`, `m2`, `100ml` …; empty tuple for nothing.
        comparator: `ge`, `gt`, `le`, `lt`, `about`, `not_more` (不超过), `at_least` …, empty where none is said.
        role: `age`, `weight`, `dose`, `frequency`, `interval`, `duration`, `temperature`, `count`, `share`, `money`,
            `number` (of an article, a step, a table: no fact), `other`.
        start, end: In the text, with the comparator.
        text: As written there.
    """

    low: Fraction | None
    high: Fraction | None
    unit: str
    per: tuple[str, ...]
    comparator: str
    role: str
    start: int
    end: int
    text: str


def quantities(reading: Reading) -> tuple[Quantity, ...]:
    """The amounts of a text, in order."""
    return ()
