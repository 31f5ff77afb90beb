"""What a value or a name stands with in its text: the words before and after it, the names and ages it is said of."""

from __future__ import annotations

import bisect
import functools
from fractions import Fraction
from itertools import pairwise
from typing import Final, NamedTuple

from pipelines.check.mentions import MINUTES_A_MONTH, OPPOSITES, Mention, bounds, kinds_of
from pipelines.check.places import clause_of, sentence_names, sentences
from pipelines.check.reading import Reading

NAME_WEIGHT: Final = 3.0
"""Of a name beside that of a pair of characters: a name is one pair's worth in any spelling."""
_LEAD, _TAIL, _BEFORE, _SENTENCE, _LAST, _HEADING = 1.0, 0.6, 0.6, 0.4, 0.15, 0.35
_MAX_CHARS: Final = 80
"""Of a lead: what is further away binds nothing."""
_PLAIN_PER: Final = ("day", "dose")  # often left out: 每日, 每次
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


class Context(NamedTuple):
    """What an item stands with.

    Attributes:
        words: Characters, pairs of them and keys of names (behind `=`) → how near they stand, from 0 to 1.
        band: The interval of the age that the item is said of, in months, None where none is said.
        weight: The same of a body weight in kg.
        names: Type → keys of the names in its own clause.
    """

    words: dict[str, float]
    band: tuple[Fraction, Fraction] | None
    weight: tuple[Fraction, Fraction] | None
    names: dict[str, frozenset[str]]


@functools.lru_cache(maxsize=512)
def items(reading: Reading) -> dict[str, tuple[Item, ...]]:
    """Group → its items in order."""
    found: dict[str, list[Item]] = {}
    for q in reading.quantities:
        if q.role == "number" or not q.written or (q.unit == "times" and q.low == q.high == 1):
            continue
        kind = q.role if q.role in ("age", "weight", "frequency", "money", "temperature", "share") else ""
        is_time = q.unit == "month" and not kind
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


@functools.lru_cache(maxsize=4096)
def context(reading: Reading, item: Item) -> Context:
    """What an item of a text stands with there."""
    clause = clause_of(reading, item.start)
    fellows = items(reading).get(item.group, ())
    opened, closed = sentences(reading)[clause.sentence]
    place = bisect.bisect_left(fellows, item.start, key=lambda f: f.start)
    last_end = max(opened, fellows[place - 1].end) if place else opened
    after_place = bisect.bisect_left(fellows, item.end, key=lambda f: f.start)
    next_start = fellows[after_place].start if after_place < len(fellows) else len(reading.raw)
    text = _masked(reading)
    lead = max(last_end, clause.start, item.start - _MAX_CHARS)
    before = max(last_end, item.start - _MAX_CHARS)
    tail = min(next_start, max(clause.end, item.end))
    leads = any(not c.isascii() for c in text[lead : item.start]) and text[item.start - 1] != ":"
    after = _TAIL if leads else _LEAD
    words: dict[str, float] = {}
    if clause.heading:
        _add(words, _HEADING, clause.heading)
    if clause.sentence:
        start, end = sentences(reading).get(clause.sentence - 1, (0, 0))
        _add(words, _LAST, text[max(start, end - _MAX_CHARS // 2) : end])
    _add(words, _SENTENCE, text[max(opened, item.start - 2 * _MAX_CHARS) : last_end])
    _add(words, _SENTENCE, text[tail : min(closed, tail + _MAX_CHARS)])
    _add(words, _BEFORE if leads else _SENTENCE, text[before:lead])
    _add(words, after, text[item.end : tail])
    _add(words, _LEAD, text[lead : item.start])
    words[f"<{text[max(lead, item.start - 2) : item.start]}"] = words[
        f">{text[item.end : min(tail, item.end + 2)]}"
    ] = 1.0
    names: dict[str, set[str]] = {}
    for m in _around(reading, item, clause.sentence):
        if m.start != item.start and bounds(m.key) is None:
            near = lead <= m.start < item.start
            level = _LEAD if near else after if item.end <= m.start < tail else _SENTENCE
            words[f"={m.key}"] = max(words.get(f"={m.key}", 0.0), level)
            if near or item.end <= m.start < tail:
                names.setdefault(m.type, set()).update(kinds_of(m.key))
    return Context(
        words,
        _band(reading, item, "age", clause.sentence),
        _band(reading, item, "weight", clause.sentence),
        {type_: frozenset(keys) for type_, keys in names.items()},
    )


def _around(reading: Reading, item: Item, sentence: int) -> tuple[Mention, ...]:
    """The names of its sentence that are not too far away to bind it."""
    there = sentence_names(reading).get(sentence, ())
    first = bisect.bisect_left(there, item.start - 2 * _MAX_CHARS, key=lambda m: m.start)
    last = bisect.bisect_left(there, item.end + 2 * _MAX_CHARS, key=lambda m: m.start)
    return there[first:last]


def _add(words: dict[str, float], level: float, text: str) -> None:
    for gram in grams(text):
        words[gram] = level if level > words.get(gram, 0.0) else words[gram]


def grams(text: str) -> set[str]:
    """Its characters and pairs of characters that say something."""
    kept = [c for c in text if c.isalnum() or c in "%℃<>≥≤"]
    return {c for c in kept if not c.isascii()} | {a + b for a, b in pairwise(kept)}


@functools.lru_cache(maxsize=1024)
def _masked(reading: Reading) -> str:
    """The text without its ages and weights: they are compared as intervals, not as characters."""
    text = list(reading.folded)
    for m in reading.mentions:
        if bounds(m.key) is not None and any(c.isdigit() for c in m.text):
            text[m.start : m.end] = " " * (m.end - m.start)
    return "".join(text)


def _band(reading: Reading, item: Item, kind: str, sentence: int) -> tuple[Fraction, Fraction] | None:
    """The last age or weight before the item in its sentence, or one in brackets right behind it."""
    if item.group.startswith(kind):
        return None
    before, after = None, None
    for m in _around(reading, item, sentence):
        if m.start == item.start or not m.key.startswith(f"{kind}:"):
            continue
        if m.end <= item.start:
            before = bounds(m.key)
        elif after is None and reading.folded[item.end : m.start].strip() in ("", "("):
            after = bounds(m.key)
    return before or after
