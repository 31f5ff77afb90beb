"""Is cause made effect, first made last, or a cause or purpose made up?"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from itertools import groupby
from typing import Final, NamedTuple

from pipelines.check.content import grams, overlap, weights
from pipelines.check.marks import Mark, by_clause
from pipelines.check.reading import Clause, Reading
from pipelines.check.signals import Case, Signal
from pipelines.check.stances import asked

CAUSAL: Final = frozenset(("because", "causes", "caused_by", "therefore", "lowers", "raises", "shows", "purpose"))
_GROUPS: Final = {"replaces": "replaces", "exceeds": "compares", "below": "compares"}
_OF: Final = re.compile("由于|是由|由|因为|因|被")
_ORDER: Final = re.compile(r"([\u4e00-\u9fff]{2})(之前|以前|之后|以后|前|后)(?![臂囟期果续面者庭列腺])")
_END: Final = re.compile(r"[。;\n]")
_FIRST: Final = re.compile("首先|先")
_THEN: Final = re.compile("然后|接着|随后|再|之后|后")
_NO_EDGE: Final = re.compile(r"(?:别|不得?|不可以|不能)因为?$|(?:向|跟|先|面|要|应|医生|情况)说明$")
"""不得因此, 书面说明: neither a cause nor a sign."""
_WEIGHT: Final = {"therefore": 0.5, "shows": 0.7}
"""How much a word claims: 所以 often sums up only."""
MAX_EDGES: Final = 60
"""Of one text; the rest is not looked at."""
_SURE: Final = 0.35
_REVERSED: Final = 0.3


class Edge(NamedTuple):
    """A leads to B.

    Attributes:
        group: `causal`, `replaces` or `compares`; edges of different groups are not compared.
        value: Of the mark.
        one, other: The text of A and of B, folded.
        start, end: Of both, in the text.
        source: The number of the evidence text, -1 in an answer.
        text: The mark.
    """

    group: str
    value: str
    one: str
    other: str
    start: int
    end: int
    source: int
    text: str


def relations(case: Case) -> list[Signal]:
    """Relations turned round or made up, and orders turned round."""
    return [*_related(case), *_ordered(case), *_sequence(case)]


def _related(case: Case) -> Iterator[Signal]:
    mine = edges(case.answer)
    if not mine:
        return
    weight = weights(case.evidence)
    theirs = [e._replace(source=s) for s, reading in enumerate(case.evidence) for e in edges(reading)]
    sentences = _sentences(case.evidence)
    for edge in mine:
        one, other = _said(edge.one), _said(edge.other)
        if len(one) < 2 or len(other) < 2:
            continue
        same = [e for e in theirs if e.group == edge.group]
        straight = max((_both(one, other, e, weight) for e in same), default=0.0)
        turned, against = max(
            ((_both(other, one, e, weight), e) for e in same), key=lambda t: t[0], default=(0.0, None)
        )
        exchanged = next((e for e in same if _exchanged(one, other, e, weight)), None)
        other_way = next((e for e in same if _other_way(edge, e) and _both(one, other, e, weight) >= _SURE), None)
        if other_way is not None:
            yield _signal("relation.effect", edge, other_way, 0.7, f"依据为“{other_way.text}”")
        elif exchanged is not None:
            yield _signal("relation.reversed", edge, exchanged, 0.75, "方向相反")
        elif against is not None and turned >= _REVERSED and turned > straight + 0.1:
            yield _signal("relation.reversed", edge, against, min(1.0, 0.4 + turned), "方向相反")
        elif edge.group == "causal" and edge.value != "purpose" and straight < _SURE:
            near = max((min(overlap(one, s, weight), overlap(other, s, weight)) for s in sentences), default=0.0)
            strength = (0.45 + 0.4 * near) * (1 - straight) * _WEIGHT.get(edge.value, 1.0)
            yield _signal("relation.invented", edge, None, strength, "依据没有这样的联系")
        elif edge.value == "purpose" and straight < _SURE:
            yield _signal("relation.purpose", edge, None, 0.5 * (1 - straight), "依据没有这样的目的")


def _other_way(edge: Edge, other: Edge) -> bool:
    """增强 for 干扰, 高于 for 低于, of the same two things."""
    return {edge.value, other.value} in ({"lowers", "raises"}, {"exceeds", "below"})


def _exchanged(one: frozenset[str], other: frozenset[str], edge: Edge, weight: dict[str, float]) -> bool:
    """Whether what the evidence says first is what the answer says second: 甲抑制乙 for 乙抑制本品."""
    first = _said(edge.one)
    return (
        len(first) > 2
        and overlap(first, other, weight) >= 0.6
        and overlap(first, one, weight) < 0.2
        and overlap(other - first, _said(edge.other), weight) >= 0.25
    )


def _both(one: frozenset[str], other: frozenset[str], edge: Edge, weight: dict[str, float]) -> float:
    return min(overlap(one, _said(edge.one), weight), overlap(other, _said(edge.other), weight))


def _signal(check: str, edge: Edge, against: Edge | None, strength: float, says: str) -> Signal:
    place = (against.source, against.start, against.end) if against else (-1, 0, 0)
    return Signal(
        check, "relation", edge.start, edge.end, *place, min(1.0, strength),
        f"答案说“{edge.one.strip()}”{edge.text}“{edge.other.strip()}”，{says}",
    )  # fmt: skip


@functools.lru_cache(maxsize=4096)
def _said(text: str) -> frozenset[str]:
    """Pairs of the content, and its characters, since lay words share characters only."""
    pairs = grams(text)
    return pairs | frozenset(c for pair in pairs for c in pair)


@functools.lru_cache(maxsize=16)
def _sentences(evidence: tuple[Reading, ...]) -> tuple[frozenset[str], ...]:
    found: dict[tuple[int, int], frozenset[str]] = {}
    for source, reading in enumerate(evidence):
        for clause in reading.clauses:
            key = (source, clause.sentence)
            found[key] = found.get(key, frozenset()) | _said(clause.text)
    return tuple(found.values())


@functools.lru_cache(maxsize=128)
def edges(reading: Reading) -> tuple[Edge, ...]:
    """The relations that a text states by words for them."""
    found: list[Edge] = []
    for clause, every in zip(reading.clauses, by_clause(reading), strict=True):
        marks = [m for m in every if m.type == "cause"]
        if marks and not asked(reading, clause):
            found.extend(edge for i in range(len(marks)) if (edge := _edge(reading, clause, marks, i)) is not None)
        if len(found) >= MAX_EDGES:
            break
    return tuple(found)


def _edge(reading: Reading, clause: Clause, marks: list[Mark], i: int) -> Edge | None:
    mark = marks[i]
    if _NO_EDGE.search(reading.folded[max(clause.start, mark.start - 3) : mark.end]):
        return None
    begin = marks[i - 1].end if i else clause.start
    end = marks[i + 1].start if i + 1 < len(marks) else clause.end
    left, right = (begin, mark.start), (mark.end, end)
    value = mark.value
    if value == "causes" and reading.folded[mark.end : mark.end + 1] in ("的", ""):
        value = "caused_by"
    if value == "caused_by":
        of = _OF.search(reading.folded, begin, mark.start)
        one, other = ((of.end(), mark.start), (begin, of.start())) if of else (left, (begin, begin))
        other = _or_near(reading, clause, other, -1)
    elif value == "because":
        one, other = right, _or_near(reading, clause, left, 1)
    elif value == "therefore":
        one, other = _or_near(reading, clause, left, -1), right
    else:
        one, other = _or_near(reading, clause, left, -1), right
        if value in ("causes", "lowers", "raises", "shows", "purpose", "replaces") and not grams(_text(reading, right)):
            return None
    start, stop = min(one[0], other[0]), max(one[1], other[1])
    return Edge(
        _GROUPS.get(value, "causal"), value, _text(reading, one), _text(reading, other),
        min(start, mark.start), max(stop, mark.end), -1, mark.text,
    )  # fmt: skip


def _text(reading: Reading, span: tuple[int, int]) -> str:
    return reading.folded[span[0] : span[1]]


def _or_near(reading: Reading, clause: Clause, span: tuple[int, int], step: int) -> tuple[int, int]:
    """The span, or where it says nothing the clause before (or after) it in the sentence."""
    if grams(_text(reading, span)):
        return span
    for number in (clause.number + step, clause.number - step) if step > 0 else (clause.number + step,):
        if 0 <= number < len(reading.clauses):
            other = reading.clauses[number]
            if other.sentence == clause.sentence and grams(other.text):
                return other.start, other.end
    return span


def _ordered(case: Case) -> Iterator[Signal]:
    """停药前 for 停药后."""
    theirs: dict[str, tuple[str, int, int, int]] = {}
    both: set[str] = set()
    for source, reading in enumerate(case.evidence):
        for m in _ORDER.finditer(reading.folded):
            side = m[2][-1]
            stop = _END.search(reading.folded, m.end())
            begin = max(reading.folded.rfind(c, 0, m.start()) for c in "。;\n") + 1
            around = reading.folded[begin : m.start()] + reading.folded[m.end() : stop.start() if stop else None]
            known = theirs.setdefault(m[1], (side, source, m.start(), m.end()))
            if known[0] != side or ("前" if side == "后" else "后") in around:
                both.add(m[1])
    for m in _ORDER.finditer(case.answer.folded):
        known = theirs.get(m[1], ("", -1, 0, 0))
        if known[0] and m[1] not in both and known[0] != m[2][-1] and m[0] not in case.question.folded:
            yield Signal(
                "relation.order", "relation", m.start(), m.end(), known[1], known[2], known[3], 0.8,
                f"答案为“{m[0]}”，依据为“{m[1]}{known[0]}”",
            )  # fmt: skip


def _sequence(case: Case) -> Iterator[Signal]:
    """先甲再乙 for 先乙再甲."""
    theirs = [(s, *each) for s, reading in enumerate(case.evidence) for each in _steps(reading)]
    if not theirs:
        return
    weight = weights(case.evidence)
    for first, then, start, end in _steps(case.answer):
        for source, one, other, there, stop in theirs:
            turned = min(overlap(first, other, weight), overlap(then, one, weight))
            straight = max(overlap(first, one, weight), overlap(then, other, weight))
            if turned >= 0.4 and turned > straight:
                yield Signal(
                    "relation.sequence", "relation", start, end, source, there, stop, min(1.0, 0.3 + turned),
                    "答案的先后次序与依据相反",
                )  # fmt: skip
                break


@functools.lru_cache(maxsize=128)
def _steps(reading: Reading) -> tuple[tuple[frozenset[str], frozenset[str], int, int], ...]:
    """What comes first, what then, and where both stand, for each sentence that says so."""
    found: list[tuple[frozenset[str], frozenset[str], int, int]] = []
    for _, group in groupby(reading.clauses, key=lambda c: c.sentence):
        clauses = list(group)
        if len(found) >= MAX_EDGES:
            break
        start, end = clauses[0].start, clauses[-1].end
        first = _FIRST.search(reading.folded, start, end)
        then = _THEN.search(reading.folded, first.end(), end) if first else None
        if first and then:
            one = _said(reading.folded[first.end() : then.start()])
            other = _said(reading.folded[then.end() : end])
            if len(one) > 1 and len(other) > 1:
                found.append((one, other, first.start(), end))
    return tuple(found)
