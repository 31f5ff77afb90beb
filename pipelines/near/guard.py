"""What forbids a merge: two texts nearly the same in letters, and not the same in fact.

A dose variant is not a duplicate. Numbers with their units, ages, negations and comparators must agree, opposites must
not stand for one another, and no drug or disease may stand where the other text has another one, or none. A typo is no
fact: 布咯芬 is still 布洛芬, 5豪克 is still 5毫克; but 5克 is not, 有发热 is not 没有发热, 支气管炎 is not 支气管肺炎.

    guard_lexicon    the words, as a trie
    guard_facts      numbers, signs and single negations in order; the unit after each number
    guard_alignment  which character stands for which
    guard            words that have no equal on the other side, judged by what stands there

The same lists of words on both sides settle most pairs without an alignment.

Does not cover: drugs and diseases that no list names; a fact said in other words (that is no near-duplicate); a typo
that happens to be another word (胃炎 for 肾炎), which keeps both texts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from pipelines.jit import jit
from pipelines.near.guard_alignment import MAX_EDITS, Flags, Places, Units, align, common, find_hunks, settle_gaps
from pipelines.near.guard_facts import MARKS, Marks, child, fact_disagreement
from pipelines.near.guard_lexicon import (
    AXIS,
    BROADER,
    CAUTIOUS,
    CORE,
    MEANING,
    NAMES,
    RULE,
    RULES,
    WORDS,
    Lexicon,
    lexicon,
)

Offsets = npt.NDArray[np.int64]

_CHUNK: Final = 8192
_DRUG, _DISEASE = RULES.index("drug"), RULES.index("disease")
_CONTEXT: Final = 8
_NESTED: Final = 4
_START, _STOP, _WORD, _INSIDE, _FIELDS = 0, 1, 2, 3, 4
_NONE, _EQUAL, _ANOTHER = 0, 1, 2


def disagreements(left: Sequence[str], right: Sequence[str]) -> list[str | None]:
    """For each pair of comparison texts the first rule of `RULES` that forbids a merge, None where it may be merged.

    Symmetric, and a function of the two texts alone.

    Cost: about 8 µs a pair of 165 characters with eight edits, 3 µs with one; for a tenth of that the interpreter's
        lock is held.
    """
    found: list[str | None] = []
    for begin in range(0, len(left), _CHUNK):
        texts = [*left[begin : begin + _CHUNK], *right[begin : begin + _CHUNK]]
        data = "".join(texts).encode("utf-16-le", "surrogatepass")
        units: Any = np.frombuffer(data, np.uint16)
        lengths = np.fromiter(map(len, texts), np.int64, len(texts))
        if len(units) != lengths.sum():  # characters beyond the first plane take two units
            lengths = np.fromiter((len(t.encode("utf-16-le", "surrogatepass")) // 2 for t in texts), np.int64)
        ends = np.cumsum(lengths)
        half = len(texts) // 2
        pairs = np.arange(2 * half, dtype=np.int64).reshape(2, half).T.copy()
        codes = rule_numbers(units, ends - lengths, ends, pairs)
        found += [RULES[code] if code >= 0 else None for code in codes.tolist()]
    return found


def rule_numbers(units: Units, starts: Offsets, ends: Offsets, pairs: npt.NDArray[np.int64]) -> npt.NDArray[np.int8]:
    """The same for texts that lie as UTF-16 code units in one array: numbers of `RULES`, -1 for a pair that may merge.

    Args:
        units: Code units of all texts.
        starts: Text i is `units[starts[i]:ends[i]]`.
        ends: See `starts`.
        pairs: Two texts a row.
    """
    if not len(pairs):
        return np.empty(0, np.int8)
    longest_text = int((ends - starts)[np.unique(pairs)].max()) + 1
    return _judged_all(units, starts, ends, pairs, lexicon(), MARKS, _room(longest_text))


class _Side(NamedTuple):
    """Of one text, where its characters stand in the other; as `align` and `find_hunks` say it."""

    places: Places
    low: Places
    high: Places
    shrunk: Flags


class _Room(NamedTuple):
    """Where a pair's working is kept, so that no pair asks for memory."""

    words: npt.NDArray[np.int32]
    to_b: _Side
    to_a: _Side
    inside_a: Flags
    inside_b: Flags
    reach: Places


def _room(n: int) -> _Room:
    words: Any = np.empty((4, _FIELDS, _NESTED * n), np.int32)
    inside, reach = np.zeros((2, n), np.uint8), np.empty((MAX_EDITS + 1) ** 2, np.int32)
    return _Room(words, _side(n), _side(n), inside[0], inside[1], reach)


def _side(n: int) -> _Side:
    return _Side(np.empty(n, np.int32), np.empty(n, np.int32), np.empty(n, np.int32), np.empty(n, np.uint8))


@jit
def _judged_all(
    units: Units,
    starts: Offsets,
    ends: Offsets,
    pairs: npt.NDArray[np.int64],
    lexicon: Lexicon,
    marks: Marks,
    room: _Room,
) -> npt.NDArray[np.int8]:
    found = np.empty(len(pairs), np.int8)
    for i in range(len(pairs)):
        a, b = units[starts[pairs[i, 0]] : ends[pairs[i, 0]]], units[starts[pairs[i, 1]] : ends[pairs[i, 1]]]
        start, end_a, end_b = _difference(a, b, marks.bounds)
        if start == len(a) and start == len(b):
            found[i] = -1
            continue
        first = start + common(a[start:], b[start:])
        is_later = len(a) > len(b) if first == min(len(a), len(b)) else a[first] > b[first]
        a, b = a[start:end_a], b[start:end_b]
        if is_later:  # a fixed order makes the answer symmetric, whichever of several alignments is found
            a, b = b, a
        rule = fact_disagreement(a, b, lexicon, marks)
        if rule < 0:
            rule = _judged(a, b, lexicon, room)
        found[i] = rule
    return found


@jit
def _difference(a: Units, b: Units, bounds: npt.NDArray[np.bool_]) -> tuple[int, int, int]:
    """Where to begin in both texts, and where to end in each, so that all that differs is in between, in context.

    Context goes to the punctuation next to the last character but `_CONTEXT`, so that no word and no number is cut.
    """
    start = common(a, b)
    if start == len(a) and start == len(b):
        return start, start, start
    same = 0
    while same < min(len(a), len(b)) - start and a[len(a) - 1 - same] == b[len(b) - 1 - same]:
        same += 1
    start = max(0, start - _CONTEXT)
    while start > 0 and not bounds[a[start]]:
        start -= 1
    same = max(0, same - _CONTEXT)
    while same > 0 and not bounds[a[len(a) - same]]:
        same -= 1
    return start, len(a) - same, len(b) - same


@jit
def _judged(a: Units, b: Units, lexicon: Lexicon, room: _Room) -> int:
    """The rule that the words of two texts with equal facts forbid a merge by, or -1."""
    names_a = _words_of(a, NAMES, lexicon, room.words[0])
    names_b = _words_of(b, NAMES, lexicon, room.words[1])
    words_a = _words_of(a, WORDS, lexicon, room.words[2])
    words_b = _words_of(b, WORDS, lexicon, room.words[3])
    same_names, same_words = _same(names_a, names_b), _same(words_a, words_b)
    if same_names and same_words:
        return -1
    to_b, to_a = room.to_b.places, room.to_a.places
    align(a, b, to_b, to_a, room.reach)
    _mark(names_a, room.inside_a, 1)
    _mark(names_b, room.inside_b, 1)
    settle_gaps(a, b, to_b, to_a, room.inside_a, room.inside_b)
    settle_gaps(b, a, to_a, to_b, room.inside_b, room.inside_a)
    _mark(names_a, room.inside_a, 0)
    _mark(names_b, room.inside_b, 0)
    find_hunks(a, b, to_b, room.to_b.low, room.to_b.high, room.to_b.shrunk)
    find_hunks(b, a, to_a, room.to_a.low, room.to_a.high, room.to_a.shrunk)
    rule = -1
    if not same_words:
        rule = _without_equal(words_a, words_b, a, b, room.to_b, room.to_a, lexicon.about)
    if rule < 0 and not same_words:
        rule = _without_equal(words_b, words_a, b, a, room.to_a, room.to_b, lexicon.about)
    if rule < 0 and not same_names:
        rule = _without_equal(names_a, names_b, a, b, room.to_b, room.to_a, lexicon.about)
    if rule < 0 and not same_names:
        rule = _without_equal(names_b, names_a, b, a, room.to_a, room.to_b, lexicon.about)
    return rule


@jit
def _words_of(text: Units, layer: int, lexicon: Lexicon, found: Places) -> Places:
    """The words of a text with the words inside them: 维生素a in 维生素a缺乏, but nothing in a plain word.

    Columns of start, stop, number, and whether inside a longer one. At one place no more than `_NESTED` begin.
    """
    n = furthest = start = 0
    begins, pairs, first = lexicon.begins[layer], lexicon.pairs[layer], lexicon.first[layer]
    nodes, edges, about, opening = lexicon.nodes, lexicon.edges, lexicon.about, lexicon.opening
    while start < len(text):
        if not _may_begin(text, start, begins, pairs):
            start += 1
            continue
        before, stop, plain = n, start + 1, -1
        is_open = start > 0 and opening[text[start - 1]]
        node, at = first[text[start]], start + 1
        while node > 0:
            word = nodes[node, 2]
            if word >= 0 and about[word, RULE] < 0:
                plain = at
            elif word >= 0 and n < before + _NESTED and (is_open or not about[word, CAUTIOUS]):
                for i in range(n, before, -1):  # the longest comes first
                    _put(found, i, start, found[_STOP, i - 1], found[_WORD, i - 1], True)
                _put(found, before, start, at, word, at <= furthest)
                n, plain = n + 1, -1
            if at == len(text):
                break
            node = child(node, text[at], nodes, edges)
            at += 1
        if plain > 0:
            n, stop = before, plain
        if n > before:
            furthest = max(furthest, found[_STOP, before])
        start = stop
    return found[:, :n]


@jit
def _put(found: Places, n: int, start: int, stop: int, word: int, inside: bool) -> None:
    found[_START, n] = start
    found[_STOP, n] = stop
    found[_WORD, n] = word
    found[_INSIDE, n] = inside


@jit
def _may_begin(text: Units, at: int, begins: npt.NDArray[np.uint8], pairs: npt.NDArray[np.bool_]) -> bool:
    kind = begins[text[at]]
    if kind == 1 and at + 1 < len(text):
        return bool(pairs[(int(text[at]) * 40503 ^ int(text[at + 1])) & 0xFFFF])
    return bool(kind == 2)


@jit
def _same(words_a: Places, words_b: Places) -> bool:
    n = words_a.shape[1]
    return bool(n == words_b.shape[1] and common(words_a[_WORD], words_b[_WORD]) == n)


@jit
def _mark(words: Places, flags: Flags, value: int) -> None:
    for i in range(words.shape[1]):
        for at in range(words[_START, i] + 1, words[_STOP, i]):
            flags[at] = value


@jit
def _without_equal(
    words_a: Places, words_b: Places, a: Units, b: Units, to_b: _Side, to_a: _Side, about: Places
) -> int:
    """The rule by which a word of a has another, or nothing, on the other side; -1 for none."""
    first = 0
    for i in range(words_a.shape[1]):
        start, stop, word = words_a[_START, i], words_a[_STOP, i], words_a[_WORD, i]
        while first < words_b.shape[1] and words_b[_STOP, first] <= to_b.low[start]:
            first += 1
        if first < words_b.shape[1] and words_b[_WORD, first] == word and words_b[_START, first] == to_b.low[start]:
            continue
        facing = _facing(start, stop, word, words_b, first, to_b, to_a, about)
        is_alone = facing == _NONE and not words_a[_INSIDE, i]
        if facing == _ANOTHER or (is_alone and _is_missing(start, stop, word, a, b, to_b, about)):
            return int(about[word, RULE])
    return -1


@jit
def _facing(
    start: int, stop: int, word: int, others: Places, first: int, to_b: _Side, to_a: _Side, about: Places
) -> int:
    """What stands in b where a has the word: an equal one, another one that takes its place, or none.

    Another word takes its place where nothing of either is outside of the other: 肺炎 in 小几肺炎 is what a typo left
    of 小儿肺炎, 肺炎 alone is another name.
    """
    found = _NONE
    low, high = to_b.low[start], to_b.high[stop - 1]
    for j in range(first, others.shape[1]):
        if others[_START, j] >= high:
            break
        other = others[_WORD, j]
        if others[_STOP, j] > low and (
            about[other, MEANING] == about[word, MEANING]
            or about[other, BROADER] == about[word, MEANING]
            or about[word, BROADER] == about[other, MEANING]
        ):
            found = _EQUAL
        elif (
            about[other, AXIS] == about[word, AXIS]
            and others[_STOP, j] > low
            and _is_within(start, stop, to_b.low, to_b.high, others[_START, j], others[_STOP, j])
            and _is_within(others[_START, j], others[_STOP, j], to_a.low, to_a.high, start, stop)
        ):
            return _ANOTHER
    return found


@jit
def _is_within(start: int, stop: int, lows: Places, highs: Places, low: int, high: int) -> bool:
    """Whether all that stands on the other side for `start:stop` may stand at `low:high`."""
    n_outside = 0
    for at in range(start, stop):
        n_outside += lows[at] < highs[at] and (lows[at] >= high or highs[at] <= low)
    return n_outside == 0


@jit
def _is_missing(start: int, stop: int, word: int, a: Units, b: Units, to_b: _Side, about: Places) -> bool:
    """Whether what is left of a word without an equal is too little to be a typo of it."""
    n_placed = n_equal = n_left = 0
    length, core = stop - start, about[word, CORE]
    has_core = length == 1 or core != (1 << length) - 1
    for at in range(start, stop):
        is_placed = to_b.places[at] >= 0
        n_placed += is_placed
        n_equal += is_placed and a[at] == b[to_b.places[at]]
        n_left += core >> (at - start) & 1 and is_placed and not (has_core and to_b.shrunk[at])
    if about[word, RULE] == _DRUG or about[word, RULE] == _DISEASE:
        return n_placed == 0 or (length == 3 and n_equal == 0) or (length > 3 and 2 * n_equal < length)
    return core != 0 and n_left == 0
