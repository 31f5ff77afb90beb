"""What a value or a name is said of: the words around it, and its record of age, weight, names, side.

A second item that leaves its subject out (…每次5 mg,≥2岁10 mg) takes it over from the first; an age before a colon
holds for the whole list behind it; two bounds side by side (1岁以上、不足3岁) are one band.
"""

from __future__ import annotations

import functools
import re
from bisect import bisect_left
from collections.abc import Iterable
from fractions import Fraction
from typing import Final, NamedTuple

from pipelines.check.comparators import direction
from pipelines.check.facets import Facet, facets
from pipelines.check.items import Item, items
from pipelines.check.mentions import OPPOSITES, Mention, bounds, kinds_of
from pipelines.check.places import clause_of, sentence_names, sentences
from pipelines.check.reading import Reading

Band = tuple[Fraction, Fraction]
BINDING: Final = ("drug", "vaccine", "route", "disease", "test", "population")
"""Types of names by which two records differ."""
_LEAD, _TAIL, _BEFORE, _SENTENCE, _LAST, _HEADING = 1.0, 0.6, 0.6, 0.4, 0.15, 0.35
_BRACKETED: Final = 0.9  # what stands before brackets with an exception is said of both
_MAX_CHARS: Final = 80
"""Of a lead: what is further away binds nothing."""
_LIST_CHARS: Final = 300
_JOINT: Final = re.compile(r"[\s,、至到~\-且并而又但]{0,3}(?:年龄|体重|月龄)?")
_DENIED: Final = re.compile(r"[没未无非](?!来|必|免)|不(?![超少足到满低得大小多高短长早晚迟应宜可能要])")
_GRAMMAR: Final = frozenset("者的时则为每可须应约最大多少小高低限即般均在于至次日天")
_FOR: Final = re.compile(r",?[^,。;\d]{0,6}?(?:用于|适用于|给|适合|供|限|\()[^,。;\d]{0,4}$")
_SUBJECTS: Final = frozenset(("drug", "vaccine", "test", "disease", "route"))
_STOP: Final = re.compile(r"[。\n!?]")
_SINCE: Final = re.compile(r"\s?(?:起|开始|后|以后|之后|始)")
_NO_SUBJECT: Final = frozenset(
    "的了约为是至到在于以不超过低高大小多少最每次日天一服用给按可应宜须要该得吃喝打就也都只能再需者时内后前共各均分别其中含有达满个或及和与或"
)


class Context(NamedTuple):
    """What an item stands with.

    Attributes:
        words: Characters, pairs of them and keys of names (behind `=`) → how near they stand, from 0 to 1.
        lead: The pairs of characters right before it.
        head: The last two characters of content before it, empty where there are none.
        band: The interval of the age that the item is said of, in months, None where none is said.
        weight: The same of a body weight in kg.
        names: Type → keys of the names in its own clause.
        inherited: Type → keys of the last name of a type that its own clause lacks.
        side: 1 for at least or more, -1 for at most or less, 0 for neither; of amounts.
        exception: The pairs of characters between it and the bracket that opens before it, behind another of its group.
        denied: Whether what stands before it in its clause is denied (未冷藏者24小时).
    """

    words: dict[str, float]
    lead: frozenset[str]
    head: str
    band: Band | None
    weight: Band | None
    names: dict[str, frozenset[str]]
    inherited: dict[str, frozenset[str]]
    side: int
    denied: bool
    exception: frozenset[str]


class _Grams(NamedTuple):
    """The characters that say something, pairs of neighbours, and where each stands."""

    places: list[int]
    singles: list[str]
    pairs: list[str]

    def between(self, start: int, end: int) -> list[str]:
        """Characters and pairs of a stretch."""
        first, last = bisect_left(self.places, start), bisect_left(self.places, end)
        return self.singles[first:last] + self.pairs[first : max(first, last - 1)]

    def pairs_between(self, start: int, end: int) -> list[str]:
        """Pairs of a stretch."""
        first, last = bisect_left(self.places, start), bisect_left(self.places, end)
        return self.pairs[first : max(first, last - 1)]


@functools.lru_cache(maxsize=4096)
def context(reading: Reading, item: Item) -> Context:
    """What an item of a text stands with there."""
    clause = clause_of(reading, item.start)
    fellows = items(reading).get(item.group, ())
    opened, closed = sentences(reading)[clause.sentence]
    place = bisect_left(fellows, item.start, key=lambda f: f.start)
    last_end = max(opened, fellows[place - 1].end) if place else opened
    after_place = bisect_left(fellows, item.end, key=lambda f: f.start)
    next_start = fellows[after_place].start if after_place < len(fellows) else len(reading.raw)
    text, grams = _masked(reading)
    lead = max(last_end, clause.start, item.start - _MAX_CHARS)
    before = max(last_end, item.start - _MAX_CHARS)
    is_listed = text[closed : closed + 2].lstrip()[:1] == ";"
    colon = text.rfind(":", opened, item.start)
    if colon >= 0 and not text[colon : item.start].isascii() and (last_end > colon or next_start < closed or is_listed):
        lead, before = max(lead, colon), max(before, colon)  # what stands before it is of the whole list
        last_end = max(last_end, colon)
    tail = min(next_start, max(clause.end, item.end))
    opening = text.rfind("(", item.end, tail)
    if tail == next_start and opening >= 0 and text.find(")", opening, tail) < 0:
        tail = opening  # what stands in brackets with the next is said of that
    leads = text[item.start - 1] != ":" and not text[lead : item.start].isascii()
    after = _TAIL if leads else _LEAD
    words: dict[str, float] = {}
    if clause.sentence:
        start, end = sentences(reading).get(clause.sentence - 1, (0, 0))
        words = dict.fromkeys(grams.between(max(start, end - _MAX_CHARS // 2), end), _LAST)
    if clause.heading:
        words.update(dict.fromkeys(_heading(clause.heading), _HEADING))
    in_brackets = text.rfind("(", opened, item.start) > text.rfind(")", opened, item.start) and last_end > opened
    opening = text.rfind("(", last_end, item.start) if in_brackets else -1
    level = _BRACKETED if opening >= 0 else _SENTENCE
    exception = grams.pairs_between(opening, item.start) if opening >= 0 else []
    words.update(dict.fromkeys(grams.between(max(opened, item.start - 2 * _MAX_CHARS), last_end), level))
    intro = _intro(reading, opened)
    if intro[1]:
        words.update(dict.fromkeys(grams.between(*intro), _SENTENCE))
    words.update(dict.fromkeys(grams.between(tail, min(closed, tail + _MAX_CHARS)), _SENTENCE))
    words.update(dict.fromkeys(grams.between(before, lead), _BEFORE if leads else _SENTENCE))
    words.update(dict.fromkeys(grams.between(item.end, tail), after))
    words.update(dict.fromkeys(grams.between(lead, item.start), _LEAD))
    words[f"<{text[max(lead, item.start - 2) : item.start]}"] = 1.0
    words[f">{text[item.end : min(tail, item.end + 2)]}"] = 1.0
    names: dict[str, set[str]] = {}
    last: dict[str, tuple[int, frozenset[str]]] = {}
    around = _around(reading, item, clause.sentence)
    for facet in _facets_around(reading, max(opened, item.start - 2 * _MAX_CHARS), min(closed, item.end + _MAX_CHARS)):
        if lead <= facet.start < item.start or item.end <= facet.start < tail:
            names.setdefault(facet.type, set()).add(facet.key)
        elif facet.end <= item.start:
            _take_over(text, last, facet, (facet.key,))
    for m in around:
        if m.start == item.start or bounds(m.key) is not None:
            continue
        near = lead <= m.start < item.start
        level = _LEAD if near else after if item.end <= m.start < tail else _SENTENCE
        words[f"={m.key}"] = max(words.get(f"={m.key}", 0.0), level)
        if near or item.end <= m.start < tail:
            names.setdefault(m.type, set()).update(kinds_of(m.key))
        elif m.end <= item.start:
            _take_over(text, last, m, kinds_of(m.key))
    begin, colon = intro
    listed: tuple[Mention | Facet, ...] = (
        ()
        if not colon
        else (
            *(m for m in _names_between(reading, begin, _first_item(reading, begin, opened)) if m.type in _SUBJECTS),
            *_facets_around(reading, begin, colon),
        )
    )
    for name in listed:
        if name.type not in names and name.type not in last:
            keys = (name.key,) if isinstance(name, Facet) else kinds_of(name.key)
            last[name.type] = name.end, frozenset(keys)
    return Context(
        words,
        frozenset(grams.pairs_between(lead, item.start)),
        head_before(text, lead, item.start),
        _band(reading, item, "age", around),
        _band(reading, item, "weight", around),
        {type_: frozenset(keys) for type_, keys in names.items()},
        {type_: keys for type_, (_, keys) in last.items() if type_ not in names},
        _side(reading, item),
        _DENIED.search(text, max(lead, item.start - 20), item.start) is not None,
        frozenset(pair for pair in exception if not pair.isascii() and not set(pair) & _GRAMMAR),
    )


def _take_over(
    text: str, last: dict[str, tuple[int, frozenset[str]]], name: Mention | Facet, keys: Iterable[str]
) -> None:
    """The last name of a type before the item, with those beside it in its clause (乙类、丙类)."""
    end, known = last.get(name.type, (-1, frozenset[str]()))
    beside = end >= 0 and "," not in text[end : name.start]
    last[name.type] = name.end, frozenset(keys) | known if beside else frozenset(keys)


def _intro(reading: Reading, opened: int) -> tuple[int, int]:
    """Where the words before the colon stand that a sentence is listed under, behind a semicolon: 维持量:成人…;儿童…"""
    text = reading.folded
    if text[max(0, opened - 3) : opened].rstrip()[-1:] != ";":
        return 0, 0
    begin = max(text.rfind(mark, max(0, opened - _LIST_CHARS), opened) for mark in "。\n") + 1
    return begin, max(begin, text.rfind(":", begin, text.find(";", begin, opened)))


def _first_item(reading: Reading, begin: int, opened: int) -> int:
    """Where the first item of a list ends: it may name the subject of all (肌酐清除率>50…;25~50…)."""
    return max(begin, reading.folded.find(";", begin, opened)) if begin else begin


def _names_between(reading: Reading, start: int, end: int) -> tuple[Mention, ...]:
    found = reading.mentions
    first = bisect_left(found, start, key=lambda m: m.start)
    return tuple(m for m in found[first : bisect_left(found, end, key=lambda m: m.start)] if bounds(m.key) is None)


def _facets_around(reading: Reading, start: int, end: int) -> tuple[Facet, ...]:
    found = facets(reading)
    first = bisect_left(found, start, key=lambda f: f.start)
    return found[first : bisect_left(found, end, key=lambda f: f.start)]


@functools.lru_cache(maxsize=256)
def _heading(heading: str) -> tuple[str, ...]:
    grams = _grams(heading)
    return (*grams.singles, *grams.pairs[:-1])


def head_before(text: str, start: int, end: int) -> str:
    """What the amount is of: the last two characters of content right before it."""
    found = ""
    for c in reversed(text[max(start, end - 14) : end]):
        if c in ",:;)(":
            if found:
                break
        elif "\u4e00" <= c <= "\u9fff" and c not in _NO_SUBJECT:
            found = c + found
            if len(found) == 2:
                break
        elif found:
            break
    return found


def _side(reading: Reading, item: Item) -> int:
    quantity = _starting(reading).get(item.start)
    return direction(quantity) if quantity else 0


@functools.lru_cache(maxsize=512)
def _starting(reading: Reading) -> dict[int, str]:
    return {q.start: q.comparator for q in reading.quantities}


def _around(reading: Reading, item: Item, sentence: int) -> tuple[Mention, ...]:
    """The names of its sentence that are not too far away to bind it."""
    there = sentence_names(reading).get(sentence, ())
    first = bisect_left(there, item.start - 2 * _MAX_CHARS, key=lambda m: m.start)
    last = bisect_left(there, item.end + 2 * _MAX_CHARS, key=lambda m: m.start)
    return there[first:last]


def _grams(text: str) -> _Grams:
    places = [i for i, c in enumerate(text) if c.isalnum() or c in "%℃<>≥≤"]
    kept = [text[i] for i in places]
    pairs = [a + b for a, b in zip(kept, [*kept[1:], ""], strict=True)]
    return _Grams(places, ["" if c.isascii() else c for c in kept], pairs)


@functools.lru_cache(maxsize=1024)
def _masked(reading: Reading) -> tuple[str, _Grams]:
    """The text without its ages and weights, which are compared as intervals, and its grams."""
    text = list(reading.folded)
    for m in reading.mentions:
        if bounds(m.key) is not None and any(c.isdigit() for c in m.text):
            text[m.start : m.end] = " " * (m.end - m.start)
    masked = "".join(text)
    return masked, _grams(masked)


def _band(reading: Reading, item: Item, kind: str, around: tuple[Mention, ...]) -> Band | None:
    """The age or weight that it is said of: the last one before it, one in brackets behind it, that of its list."""
    if item.group.startswith(kind) or kind not in _kinds(reading):
        return None
    text = reading.folded
    last: Mention | None = None
    first = -1
    band: Band | None = None
    whole: Band | None = None
    for m in around:
        if m.start == item.start or not m.key.startswith(f"{kind}:"):
            continue
        there = bounds(m.key)
        if there is None:
            continue
        if _SINCE.match(text, m.end) or m.text.endswith(("起", "后", "以上")):
            there = there[0], Fraction(10**6)
        if m.end <= item.start:
            joint = band is not None and last is not None and _JOINT.fullmatch(text, last.end, m.start)
            band = _met(band, there) if joint and band is not None else there
            whole = (min(whole[0], band[0]), max(whole[1], band[1])) if whole else band
            first = m.start if first < 0 else first
            last = m
        elif band is None and m.start >= item.end and _behind(text, item.end, m.start):
            return there
    if band != whole and last is not None and _is_common(reading, item, first, last.end):
        return whole
    return band or _of_list(reading, item, kind)


def _is_common(reading: Reading, item: Item, first: int, last: int) -> bool:
    """Whether it stands behind a list of ages with amounts of other units, for all of them: …1岁以上20万IU,连用2日."""
    if any(first < other.start < item.start for other in items(reading).get(item.group, ())):
        return False
    return any(last <= q.start and q.end <= item.start for q in reading.quantities)


@functools.lru_cache(maxsize=512)
def _kinds(reading: Reading) -> frozenset[str]:
    """Whether it speaks of ages, and of weights."""
    return frozenset(m.key.partition(":")[0] for m in reading.mentions if bounds(m.key) is not None)


def _behind(text: str, end: int, start: int) -> bool:
    return start - end < 14 and (text[end:start].strip() in ("", "(") or _FOR.fullmatch(text, end, start) is not None)


def _met(one: Band, other: Band) -> Band:
    """What two bands have in common, or the second where that is nothing."""
    low, high = max(one[0], other[0]), min(one[1], other[1])
    return (low, high) if low < high or one == other else other


def _of_list(reading: Reading, item: Item, kind: str) -> Band | None:
    """The age before the colon under which a list stands that the item belongs to."""
    introduced = _introduced(reading)
    if not introduced:
        return None
    text = reading.folded
    begin = max(0, item.start - _LIST_CHARS)
    begin = max((m.end() for m in _STOP.finditer(text, begin, item.start)), default=begin)
    found = None
    for place, there in introduced:
        if begin <= place < item.start and there[0] == kind:
            found = bounds(there[1])
    return found


@functools.lru_cache(maxsize=512)
def _introduced(reading: Reading) -> tuple[tuple[int, tuple[str, str]], ...]:
    """Ages and weights right before a colon."""
    return tuple(
        (m.start, (m.key.partition(":")[0], m.key))
        for m in reading.mentions
        if bounds(m.key) is not None and reading.folded[m.end : m.end + 5].lstrip("儿童者婴幼患的").startswith(":")
    )


def asked_band(question: Reading, kind: str) -> Band | None:
    """The age or weight that the question names; the narrowest of several that lie in each other, else None."""
    known = [band for m in question.mentions if m.key.startswith(kind) and (band := bounds(m.key))]
    if not known:
        return None
    low, high = max(b[0] for b in known), min(b[1] for b in known)
    return (low, high) if low <= high else None


def within(ours: Band | None, theirs: Band | None) -> float:
    """1 where our band lies in theirs, -1 where they have nothing in common, 0 for unknown, little for partly."""
    if ours is None or theirs is None:
        return 0.0
    if theirs[0] <= ours[0] and ours[1] <= theirs[1]:
        return 1.0
    if ours[0] == ours[1]:
        return -1.0 if not theirs[0] <= ours[0] <= theirs[1] else 1.0
    return -1.0 if ours[1] <= theirs[0] or theirs[1] <= ours[0] else 0.2


def agreement(ours: frozenset[str], theirs: frozenset[str], type_: str) -> int:
    """1 where two records share a name of a type, -1 where they exclude each other, 0 where neither."""
    if ours & theirs:
        return 1
    if type_ != "population":
        return -1
    if any(OPPOSITES.get(key) in theirs for key in ours):
        return -1
    grades = {key.rpartition(":")[0] for key in ours if key.startswith("grade:")}
    return -1 if any(key.rpartition(":")[0] in grades for key in theirs if key.startswith("grade:")) else 0
