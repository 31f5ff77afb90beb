"""Numbers, signs and single negations in order, and the unit that follows each number."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from pipelines.jit import jit
from pipelines.near.comparison import KINDS, TOKENS, fact_at
from pipelines.near.guard_alignment import Places, Units, common
from pipelines.near.guard_lexicon import MEANING, RULES, UNITS, Lexicon

_RUN, _JOINER, _TOKEN = 1, 2, 3
_SLASH = 47
_NUMBER, _UNIT = RULES.index("number"), RULES.index("unit")
_NEGATION, _COMPARATOR = RULES.index("negation"), RULES.index("comparator")


class Marks(NamedTuple):
    """What a code unit is to the facts.

    Attributes:
        kinds: As `comparison` tells: a digit, what joins digits, a token.
        tokens: The token that it stands for.
        rules: The rule that a token forbids a merge by.
        bounds: Whether no word, number or unit goes across it.
    """

    kinds: npt.NDArray[np.uint8]
    tokens: Units
    rules: npt.NDArray[np.int8]
    bounds: npt.NDArray[np.bool_]


def _marks() -> Marks:
    rules, bounds = np.full(65536, _NUMBER, np.int8), np.zeros(65536, np.bool_)
    for rule, characters in ((_NEGATION, "不无未勿禁忌慎"), (_UNIT, "%‰℃"), (_COMPARATOR, "<>≤≥=±+")):
        rules[[ord(c) for c in characters]] = rule
    bounds[[ord(c) for c in ",;!?()。、《》“”「」【】\x1f"]] = True
    return Marks(KINDS, TOKENS, rules, bounds)


MARKS: Final = _marks()


@jit
def child(node: int, unit: int, nodes: Places, edges: Places) -> int:
    """Where a code unit leads from a node, 0 for nowhere."""
    low, high = nodes[node, 0], nodes[node, 1]
    while high - low > 8:
        middle = (low + high) >> 1
        if edges[middle, 0] <= unit:
            low = middle
        else:
            high = middle
    for edge in range(low, high):
        if edges[edge, 0] == unit:
            return edges[edge, 1]  # type: ignore[no-any-return]
    return 0


@jit
def longest(units: Units, at: int, node: int, nodes: Places, edges: Places) -> tuple[int, int]:
    """The number of the longest word that begins at a place, and its end; -1 and the place for none.

    Args:
        units: The text.
        at: The place.
        node: Where its first code unit leads (`Lexicon.first`), 0 for nowhere.
        nodes: Of the lexicon.
        edges: Of the lexicon.
    """
    found, stop = -1, at
    at += 1
    while node > 0:
        if nodes[node, 2] >= 0:
            found, stop = nodes[node, 2], at
        if at >= len(units):
            break
        node = child(node, units[at], nodes, edges)
        at += 1
    return found, stop


@jit
def _unit(units: Units, at: int, lexicon: Lexicon) -> tuple[int, int]:
    return longest(units, at, lexicon.first[UNITS, units[at]], lexicon.nodes, lexicon.edges)


@jit
def fact_disagreement(a: Units, b: Units, lexicon: Lexicon, marks: Marks) -> int:
    """The rule by which the facts of two texts, or the units after their numbers, disagree; -1 for none."""
    at_a = at_b = 0
    kinds, tokens, rules = marks.kinds, marks.tokens, marks.rules
    while True:
        start_a, at_a, kind_a = _next_fact(a, at_a, kinds)
        start_b, at_b, kind_b = _next_fact(b, at_b, kinds)
        if kind_a == 0 and kind_b == 0:
            return -1
        if not _same_fact(a, start_a, at_a, kind_a, b, start_b, at_b, kind_b, tokens):
            rule = -1
            if kind_a == _TOKEN:
                rule = rules[a[start_a]]
            if kind_b == _TOKEN and rules[b[start_b]] > rule:
                rule = rules[b[start_b]]
            return max(rule, _NUMBER)
        is_number = kind_a == _RUN or rules[a[start_a]] == _NUMBER
        if is_number and at_a < len(a) and at_b < len(b) and _units_differ(a, at_a, b, at_b, lexicon):
            return _UNIT


@jit
def _next_fact(units: Units, at: int, kinds: npt.NDArray[np.uint8]) -> tuple[int, int, int]:
    """Start, end and kind of the next run of digits or token; kind 0 at the end of the text."""
    n = len(units)
    while at < n:
        kind = fact_at(units, at, 0, n, kinds)
        if kind == _TOKEN:
            return at, at + 1, _TOKEN
        if kind == _RUN:
            break
        at += 1
    if at == n:
        return n, n, 0
    start = at
    while at < n:
        kind = kinds[units[at]]
        if kind != _RUN and not (kind == _JOINER and at + 1 < n and kinds[units[at + 1]] == _RUN):
            break
        at += 1
    return start, at, _RUN


@jit
def _same_fact(
    a: Units, start_a: int, end_a: int, kind_a: int, b: Units, start_b: int, end_b: int, kind_b: int, tokens: Units
) -> bool:
    """Whether two facts are written alike, 三 as 3; 0.30 is more exact than 0.3, so another one."""
    if kind_a == 0 or kind_b == 0:
        return kind_a == kind_b
    if end_a - start_a != end_b - start_b:
        return False
    for i in range(end_a - start_a):
        left = tokens[a[start_a + i]] if kind_a == _TOKEN else a[start_a + i]
        right = tokens[b[start_b + i]] if kind_b == _TOKEN else b[start_b + i]
        if left != right:
            return False
    return True


@jit
def _units_differ(a: Units, at_a: int, b: Units, at_b: int, lexicon: Lexicon) -> bool:
    """Whether two chains of units (mg/kg/d) say different things. A unit that is no word is a typo, not another one."""
    while at_a < len(a) and at_b < len(b):
        unit_a, end_a = _unit(a, at_a, lexicon)
        unit_b, end_b = _unit(b, at_b, lexicon)
        if unit_a < 0 or unit_b < 0:
            return False
        if lexicon.about[unit_a, MEANING] != lexicon.about[unit_b, MEANING]:
            a_to_b = _is_garbled(a, at_a, end_a, b, at_b, end_b)
            return not (a_to_b or _is_garbled(b, at_b, end_b, a, at_a, end_a))
        per_a = end_a < len(a) and a[end_a] == _SLASH
        per_b = end_b < len(b) and b[end_b] == _SLASH
        if per_a and not per_b:
            return _per_is_lost(a, end_a, b, end_b, lexicon)
        if per_b and not per_a:
            return _per_is_lost(b, end_b, a, end_a, lexicon)
        if not per_a:
            return False
        at_a, at_b = end_a + 1, end_b + 1
    return False


@jit
def _is_garbled(a: Units, start_a: int, end_a: int, b: Units, start_b: int, end_b: int) -> bool:
    """Whether a typo in the unit of a left the shorter unit of b: 个大 for 个月大, 片mol for mmol, 滴度 for 度.

    A deletion is no typo: 个大 for 个月大 may be one, 个。 for 个月。 is not, for the text goes on alike.
    """
    length, rest = end_a - start_a, end_b - start_b
    if rest == 1 and _begins(a[start_a:end_a], b, end_b):
        return True
    if rest >= length:
        return False
    if _begins(a[start_a + rest : end_a], b, end_b):
        return True
    if not _begins(b[start_b:end_b], a, start_a):
        return False
    if end_a == len(a) or end_b == len(b):
        return end_a - len(a) != end_b - len(b)
    return b[end_b] != a[end_a]  # type: ignore[no-any-return]


@jit
def _begins(part: Units, text: Units, at: int) -> bool:
    """Whether the part stands in the text at a place."""
    return common(part, text[at:]) == len(part)


@jit
def _per_is_lost(a: Units, end_a: int, b: Units, end_b: int, lexicon: Lexicon) -> bool:
    """Whether a goes on with `/kg` and b does not, not even with `kg` or a typo before it."""
    if end_a + 1 >= len(a):
        return False
    unit, _ = _unit(a, end_a + 1, lexicon)
    if unit < 0:
        return False
    for at in range(end_b, min(end_b + 2, len(b))):
        if b[at] == _SLASH:
            return False
        other, _ = _unit(b, at, lexicon)
        if other >= 0 and lexicon.about[other, MEANING] == lexicon.about[unit, MEANING]:
            return False
    return True
