"""What a value or a name stands with in its text: the words before and after it, the names and ages it is said of."""

from __future__ import annotations

import functools
from fractions import Fraction
from itertools import pairwise
from typing import Final, NamedTuple

from pipelines.check.mentions import bounds
from pipelines.check.reading import Clause, Reading

NAME_WEIGHT: Final = 3.0
"""Of a name beside that of a pair of characters: a name is one pair's worth in any spelling."""
_LEAD, _TAIL, _SENTENCE, _LAST, _HEADING = 1.0, 0.7, 0.45, 0.15, 0.35
_MAX_CHARS: Final = 120
"""Of a lead: what is further away binds nothing."""
_PLAIN_PER: Final = ("day", "dose")  # often left out: 每日, 每次


class Item(NamedTuple):
    """A thing whose company is compared: an amount or a name.

    Attributes:
        group: What it could be exchanged for: amounts of one unit and role, names of one type.
        value: What it says.
        start, end: In the text.
    """

    group: str
    value: str
    start: int
    end: int


class Context(NamedTuple):
    """What an item stands with.

    Attributes:
        words: Pairs of characters and keys of names → how near they stand, from 0 to 1 (names: times `NAME_WEIGHT`).
        band: The interval of the age that the item is said of, in months, None where none is said.
        weight: The same of a body weight in kg.
    """

    words: dict[str, float]
    band: tuple[Fraction, Fraction] | None
    weight: tuple[Fraction, Fraction] | None


@functools.lru_cache(maxsize=512)
def items(reading: Reading) -> dict[str, tuple[Item, ...]]:
    """Group → its items in order."""
    found: dict[str, list[Item]] = {}
    for q in reading.quantities:
        if q.role == "number" or not q.written:
            continue
        kind = q.role if q.role in ("age", "weight", "frequency", "money", "temperature", "share") else ""
        group = f"{kind}:{q.unit}:{'/'.join(unit for unit in q.per if unit not in _PLAIN_PER)}"
        value = "~".join(str(bound) for bound in dict.fromkeys((q.low, q.high)) if bound is not None)
        found.setdefault(group, []).append(Item(group, value, q.start, q.end))
    for m in reading.mentions:
        if bounds(m.key) is None:
            found.setdefault(m.type, []).append(Item(m.type, m.key, m.start, m.end))
    return {group: tuple(each) for group, each in found.items()}


@functools.lru_cache(maxsize=4096)
def context(reading: Reading, item: Item) -> Context:
    """What an item of a text stands with there."""
    clause = reading.clause_at(item.start)
    fellows = items(reading).get(item.group, ())
    opened, closed = _sentence(reading, clause)
    last_end = max((f.end for f in fellows if f.end <= item.start and f.end > opened), default=opened)
    next_start = min((f.start for f in fellows if f.start >= item.end), default=len(reading.raw))
    lead = max(last_end, item.start - _MAX_CHARS)
    tail = min(next_start, max(clause.end, item.end))
    words: dict[str, float] = {}
    if clause.heading:
        _add(words, reading, _HEADING, clause.heading)
    last = clause.sentence - 1
    if last >= 0:
        before = _sentence_text(reading, last)
        _add(words, reading, _LAST, before[-_MAX_CHARS:])
    _add(words, reading, _SENTENCE, reading.folded[max(opened, item.start - 2 * _MAX_CHARS) : last_end])
    _add(words, reading, _SENTENCE, reading.folded[tail : min(closed, tail + _MAX_CHARS)])
    _add(words, reading, _TAIL, reading.folded[item.end : tail])
    _add(words, reading, _LEAD, reading.folded[lead : item.start])
    for m in reading.mentions:
        if opened <= m.start < closed and m.start != item.start and bounds(m.key) is None:
            level = _LEAD if lead <= m.start < item.start else _TAIL if item.end <= m.start < tail else _SENTENCE
            words[f"={m.key}"] = max(words.get(f"={m.key}", 0.0), NAME_WEIGHT * level)
    return Context(words, _band(reading, item, "age", opened, closed), _band(reading, item, "weight", opened, closed))


def _add(words: dict[str, float], reading: Reading, level: float, text: str) -> None:
    for gram in grams(text):
        words[gram] = level if level > words.get(gram, 0.0) else words[gram]


def grams(text: str) -> set[str]:
    """Its characters and pairs of characters that say something."""
    kept = [c for c in text if c.isalnum() or c in "%℃<>≥≤"]
    return {c for c in kept if not c.isascii()} | {a + b for a, b in pairwise(kept)}


@functools.lru_cache(maxsize=1024)
def _spans(reading: Reading) -> dict[int, tuple[int, int]]:
    """Number of a sentence → where it begins and ends."""
    found: dict[int, tuple[int, int]] = {}
    for clause in reading.clauses:
        start, _ = found.get(clause.sentence, (clause.start, 0))
        found[clause.sentence] = (start, clause.end)
    return found


def _sentence(reading: Reading, clause: Clause) -> tuple[int, int]:
    return _spans(reading)[clause.sentence]


def _sentence_text(reading: Reading, number: int) -> str:
    start, end = _spans(reading).get(number, (0, 0))
    return reading.folded[start:end]


def _band(reading: Reading, item: Item, kind: str, opened: int, closed: int) -> tuple[Fraction, Fraction] | None:
    """The last age or weight before the item in its sentence, or the first right after it in its clause."""
    if item.group.startswith(kind):
        return None
    before, after = None, None
    for m in reading.mentions:
        if m.start == item.start or not opened <= m.start < closed or not m.key.startswith(f"{kind}:"):
            continue
        if m.end <= item.start:
            before = bounds(m.key)
        elif after is None and m.start - item.end <= 12:
            after = bounds(m.key)
    return before or after
