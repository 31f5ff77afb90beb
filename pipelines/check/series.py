"""Things told in a row (铅、镉、汞): is one of them not of the row that the evidence has?"""

from __future__ import annotations

import functools
import re
from typing import Final, NamedTuple

from pipelines.check.lexicon import kinds_of
from pipelines.check.places import clause_of, names
from pipelines.check.reading import Reading
from pipelines.check.signals import Case, Signal
from pipelines.check.support import known

MAX_ROWS: Final = 20
MAX_ITEMS: Final = 12
MAX_CHARS: Final = 14
MIN_COMMON: Final = 2
_ROW: Final = re.compile(r"[^、,;:。!?\n()\[\]\"]{1,40}(?:、[^、,;:。!?\n()\[\]\"]{1,40})+")
_JOINS: Final = re.compile(r"以?及|或者?|和|与|、|还有")
_LEAD: Final = re.compile(
    r"^.*(?:的|为|是|有|含|于|对|用|因|如|像|包括|出现|引起|发生|患有?|应当?|可|查|测|防|吃|给|把|到|等)(?=.{2})"
)
_TAIL: Final = re.compile(
    r"(?:等|者|的|时|患儿|患者|病史|史|均|都|应|不|可|则|要|为|是|须|需|禁|慎|而|就|后|也|会|所|引起|病人|儿童|孩子).*$"
)
_TYPES: Final = frozenset(
    ("drug", "vaccine", "test", "food", "form", "device", "document", "disease", "organ", "actor")
)
_LIGHT: Final = frozenset("的了和或不有无大小高低多少发性症病炎者类素药物品酸")
"""Characters that things share which are not the same."""
_MOSTLY: Final = 0.6


class Item(NamedTuple):
    """A thing in a row; `is_name` where it is a listed name and little else."""

    start: int
    end: int
    text: str
    keys: frozenset[str]
    is_name: bool


class Row(NamedTuple):
    """A row of things."""

    start: int
    end: int
    items: tuple[Item, ...]


def series(case: Case) -> list[Signal]:
    """The one name in a row of the answer that the row of the evidence does not have, while all else in it is there."""
    texts = known(case.known)
    found = []
    for row in rows_of(case.answer):
        if best := _best(case, row):
            source, theirs, odd, common = best
            is_known = texts.strange(odd.text, False) < 0.5
            if not odd.is_name or (is_known and common <= MIN_COMMON):
                continue
            rule, strength = ("entity.list_item", 0.3) if is_known else ("entity.list_new", 0.6)
            said, there = case.answer.raw[odd.start : odd.end], case.evidence[source].raw[theirs.start : theirs.end]
            says = f"答案把“{said}”与其他几项并列，原文并列的是“{there[:60]}”。"
            strength += 0.2 * common / len(row.items)
            found.append(Signal(rule, "entity", odd.start, odd.end, source, theirs.start, theirs.end, strength, says))
    return found


def _best(case: Case, row: Row) -> tuple[int, Row, Item, int] | None:
    """The row of the evidence that has most of a row, what that lacks, and how many it has; None unless it is one."""
    best: tuple[int, Row, list[Item]] | None = None
    most = MIN_COMMON - 1
    for source, reading in enumerate(case.evidence):
        for theirs in rows_of(reading):
            odd = [item for item in row.items if not any(_same(item, other) for other in theirs.items)]
            if len(row.items) - len(odd) > most:
                best, most = (source, theirs, odd), len(row.items) - len(odd)
    if best is None or len(best[2]) != 1:
        return None
    return best[0], best[1], best[2][0], most


@functools.lru_cache(maxsize=512)
def rows_of(reading: Reading) -> tuple[Row, ...]:
    """The rows of a text of three and more things, the first ones."""
    found: list[Row] = []
    if "、" not in reading.folded:
        return ()
    for match in _ROW.finditer(reading.folded):
        cuts = [m.span() for m in _JOINS.finditer(reading.folded, match.start(), match.end())]
        edges = [match.start(), *(edge for cut in cuts for edge in cut), match.end()]
        pieces = list(zip(edges[::2], edges[1::2], strict=True))
        spans = [_core(reading.folded, *piece, n, len(pieces)) for n, piece in enumerate(pieces)]
        kept = [span for span in spans if 0 < span[1] - span[0] <= MAX_CHARS]
        items = [_item(reading, *span) for span in kept[:MAX_ITEMS]]
        if len(items) > MIN_COMMON:
            found.append(Row(match.start(), match.end(), tuple(items)))
        if len(found) == MAX_ROWS:
            break
    return tuple(found)


def _core(text: str, start: int, end: int, number: int, count: int) -> tuple[int, int]:
    """An item without what leads to the first of a row and what goes on behind the last."""
    if number == 0 and (lead := _LEAD.match(text[start:end])):
        start += lead.end()
    if number == count - 1 and (tail := _TAIL.search(text[start + 1 : end])):
        end = start + 1 + tail.start()
    return start, end


def _item(reading: Reading, start: int, end: int) -> Item:
    there = names(reading).get(clause_of(reading, start).number, ())
    within = [m for m in there if start <= m.start and m.end <= end]
    chars = sum(m.end - m.start for m in within if m.type in _TYPES)
    keys = frozenset(kind for m in within for kind in kinds_of(m.key))
    return Item(start, end, reading.folded[start:end], keys, chars >= _MOSTLY * (end - start))


def _same(one: Item, other: Item) -> bool:
    if one.text in other.text or other.text in one.text or one.keys & other.keys:
        return True
    return not (one.is_name and other.is_name) and bool(set(one.text) & set(other.text) - _LIGHT)
