"""What could be exchanged in a text: amounts of one unit and role, names of one type."""

from __future__ import annotations

import functools
import re
from bisect import bisect_left
from itertools import pairwise
from typing import Final, NamedTuple

from pipelines.check.mentions import MINUTES_A_MONTH, OPPOSITES, bounds
from pipelines.check.places import clause_of
from pipelines.check.quantities import Quantity
from pipelines.check.reading import Reading

_PLAIN_PER: Final = ("day", "dose")  # often left out: 每日, 每次
_THINGS: Final = frozenset(("种", "处", "项", "所", "份"))
"""What one counts in speaking."""
_SCOPE: Final = 16
"""Characters between an age and the dose for it."""
_DISSOLVED: Final = frozenset(("mg", "ml", "iu", "mmol"))
_HOLDING: Final = frozenset(("ml", "片", "袋", "支", "粒", "瓶"))
_HOLDS: Final = re.compile(r"\s?(?:[:/]|[里中]?[含装有][有量]?[a-z\u4e00-\u9fff]{0,8}|装|的)?\s?")
_SHORT: Final = frozenset(("秒", "秒钟", "分", "分钟", "min", "s", "小时", "h", "钟头", "个小时", "个钟头"))


class Item(NamedTuple):
    """A thing whose company is compared: an amount or a name.

    Attributes:
        group: What it could be exchanged for: amounts of one unit and role, names of one type.
        value: What it says.
        start, end: In the text.
        sort: Of amounts their role, and whether times are short ones (hours) or long ones (days); else empty.
        per: Of amounts `day` or `dose`, where that is said.
    """

    group: str
    value: str
    start: int
    end: int
    sort: str = ""
    per: str = ""


@functools.lru_cache(maxsize=512)
def items(reading: Reading) -> dict[str, tuple[Item, ...]]:
    """Group → its items in order."""
    found: dict[str, list[Item]] = {}
    ages = {m.start for m in reading.mentions if m.key.startswith("age:")}
    doses = [q.start for q in reading.quantities if q.role == "dose"] if ages else []
    for q in reading.quantities:
        if q.role == "number" or not q.written or (q.unit == "times" and q.low == q.high == 1 and not q.per):
            continue
        kind = q.role if q.role in ("age", "weight", "frequency", "money", "temperature", "share") else ""
        if q.start in ages and bisect_left(doses, q.end) < bisect_left(doses, q.end + _SCOPE):
            kind = "age"
        is_time = q.unit == "month" and not kind
        if (
            q.unit.startswith("第")
            or is_strength(reading, q)
            or (q.unit in _THINGS and q.written[-1] <= 5 and not q.comparator)
        ):
            continue
        if not q.unit and clause_of(reading, q.start).start == q.start:
            continue
        group = f"{kind}:{'minute' if is_time else q.unit}:{'/'.join(unit for unit in q.per if unit not in _PLAIN_PER)}"
        scale = MINUTES_A_MONTH if is_time else 1
        value = "~".join(str(bound * scale) for bound in dict.fromkeys((q.low, q.high)) if bound is not None)
        sort = f"{q.role}{'~' if q.spelled in _SHORT else ''}{q.text[-1] if q.text[-1] in '内后前' else ''}"
        if not value:
            continue
        others = found.setdefault(group, [])
        if others and q.comparator == "under" and others[-1].end == q.start and "~" not in others[-1].value:
            others[-1] = Item(group, f"{others[-1].value}~{value}", others[-1].start, q.end, sort)
        else:
            others.append(Item(group, value, q.start, q.end, sort, next((u for u in q.per if u in _PLAIN_PER), "")))
    for m in reading.mentions:
        if m.key in OPPOSITES:
            group = f"pair {min(m.key, OPPOSITES[m.key])}"
            found.setdefault(group, []).append(Item(group, m.key, m.start, m.end))
        elif bounds(m.key) is None and not (m.type == "route" and len(m.text) < 2):
            found.setdefault(m.type, []).append(Item(m.type, m.key, m.start, m.end))
    return {group: tuple(each) for group, each in found.items()}


def is_strength(reading: Reading, quantity: Quantity) -> bool:
    """Whether it says how much is in how much: 100毫升2克, 每片含0.2 g, 5 ml:100 mg."""
    if quantity.unit not in _DISSOLVED:
        return False
    amounts = reading.quantities
    at = bisect_left(amounts, quantity.start, key=lambda q: q.start)
    for one, other in ((at - 1, at), (at, at + 1)):
        if one >= 0 and other < len(amounts):
            first, second = amounts[one], amounts[other]
            between = reading.folded[first.end : second.start]
            if first.unit in _HOLDING and second.unit in _DISSOLVED and first.unit != second.unit and len(between) < 14:
                return _HOLDS.fullmatch(between) is not None
    return False


def grams(text: str) -> set[str]:
    """Its characters and pairs of characters that say something."""
    kept = [c for c in text if c.isalnum() or c in "%℃<>≥≤"]
    return {c for c in kept if not c.isascii()} | {a + b for a, b in pairwise(kept)}
