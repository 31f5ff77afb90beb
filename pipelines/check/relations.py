"""Is cause made effect, first made last, or a cause or purpose made up?"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from itertools import groupby
from typing import Final, NamedTuple

from pipelines.check.content import grams
from pipelines.check.marks import Mark, by_clause
from pipelines.check.reading import Clause, Reading
from pipelines.check.signals import Case, Signal
from pipelines.check.stances import asked
from pipelines.check.topics import NOTHING, Rarities, Topic, clause_topics, covered, rarities, topic

_GROUPS: Final = {"replaces": "replaces", "exceeds": "compares", "below": "compares"}
_CLEAR: Final = frozenset(("causes", "caused_by", "lowers", "raises", "called", "purpose"))
"""Words that name a cause; 所以 and 因为 often only give a reason for what is advised."""
_PRONOUNS: Final = frozenset(("后者", "前者", "其", "它", "他", "这", "此", "这个药", "这药"))
_OF: Final = re.compile("由于|是由|由|因为|因|被|正是|就是|多半是|大多是|都是|是")
_ORDER: Final = re.compile(r"([\u4e00-\u9fff]{2})(之前|以前|之后|以后|前|后)(?![臂囟期果续面者庭列腺])")
_WITH_OBJECT: Final = frozenset(("causes", "lowers", "raises", "shows", "purpose", "replaces", "would"))
_NO_OBJECT: Final = frozenset("时的或、者后及和与等)(,或")
"""加重时, 升高、: what is behind is no object."""
_CALLED: Final = re.compile(
    "^(?P<a>.{2,40}?)(?:为|是|属于|系)(?P<b>.{2,30}?)的?(?P<c>先兆|前兆|苗头|标志|信号|征象|征兆|表现|并发症|后遗症|后果|结果|病因|诱因|原因"
    "|危险因素|根源)$"
)
_TO_SUBJECT: Final = re.compile("病因|诱因|原因|危险因素|预防|治疗|用药")
_TO_OBJECT: Final = re.compile("表现|症状|体征|并发|后果|影响|不良反应")
_FORWARD: Final = frozenset(("病因", "诱因", "原因", "危险因素", "根源"))
"""甲为乙的病因: 甲 leads to 乙; of 乙的后果 and 乙的先兆 the other way round, as a sign follows what it shows."""
_SHOWN: Final = frozenset(("表现为",))
_VAGUE: Final = re.compile(
    "^(?:但|而|且|并|可能)*(?:这|那|它|此|该|本|如果|若|要是|都|重点|平时|家长|同时|一旦|上述|以上|其中)"
)
_END: Final = re.compile(r"[。;\n]")
_FIRST: Final = re.compile("首先|先")
_THEN: Final = re.compile("然后|接着|随后|再|之后|后")
_NO_EDGE: Final = re.compile(r"(?:别|不得?|不可以|不能|曾)因为?$|(?:向|跟|先|面|要|应|医生|情况)说明$")
"""不得因此, 书面说明: neither a cause nor a sign."""
_SAYS: Final = {
    "effect": "依据说的作用相反",
    "reversed": "方向相反",
    "exchanged": "方向相反",
    "other_cause": "依据说的是别的原因",
    "other_effect": "依据说的是别的结果",
    "other_cause_aimed": "依据说的是别的做法",
    "other_effect_aimed": "依据说的是别的目的",
}
_WEIGHT: Final = {"therefore": 0.5, "shows": 0.7, "would": 0.6, "purpose": 0.8, "because": 0.8}
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
    known = rarities(case.evidence)
    theirs = [e._replace(source=s) for s, reading in enumerate(case.evidence) for e in edges(reading)]
    for edge in mine:
        if len(topic(edge.one)) < 2 or len(topic(edge.other)) < 2:
            continue
        found = _compared(edge, [e for e in theirs if e.group == edge.group], known)
        if found is not None:
            rule, strength, against = found
            yield _signal(f"relation.{rule}", edge, against, strength, _SAYS.get(rule, "依据没有这样的联系"))
        elif edge.group == "causal" and not any(_straight(edge, e, known) >= _SURE for e in theirs):
            yield _invented(case, edge, known)


def _compared(edge: Edge, theirs: list[Edge], known: Rarities) -> tuple[str, float, Edge] | None:
    """What is wrong with an edge beside those of the evidence, how surely, and the one that says so."""
    straight = max((_straight(edge, e, known) for e in theirs), default=0.0)
    turned, against = max(
        ((_straight(edge._replace(one=edge.other, other=edge.one), e, known), e) for e in theirs),
        key=lambda t: t[0],
        default=(0.0, edge),
    )
    other_way = next((e for e in theirs if _other_way(edge, e) and _straight(edge, e, known) >= _SURE), None)
    if other_way is not None:
        return "effect", 0.7, other_way
    if turned >= _REVERSED and turned > straight + 0.08 and edge.value != "purpose":
        return "reversed", min(1.0, 0.35 + turned), against
    exchanged = next((e for e in theirs if _exchanged(edge, e, known)), None)
    if exchanged is not None:
        return "exchanged", 0.7, exchanged
    if straight >= _SURE:
        return None
    best: tuple[str, float, Edge] | None = None
    vague = edge.value not in _CLEAR or _VAGUE.match(edge.one) or _VAGUE.match(edge.other)
    for e in () if vague else theirs:
        cause, effect = _alike(edge.one, e.one, known), _alike(edge.other, e.other, known)
        rule, same, differs = ("other_cause", effect, cause) if effect > cause else ("other_effect", cause, effect)
        if same >= 0.4 and differs < 0.2 and (best is None or same > best[1]):
            best = f"{rule}{'_aimed' if 'purpose' in (edge.value, e.value) else ''}", same, e
    return best


def _straight(edge: Edge, other: Edge, known: Rarities) -> float:
    """How much two edges run from the same to the same."""
    return min(_alike(edge.one, other.one, known), _alike(edge.other, other.other, known))


def _alike(one: str, other: str, known: Rarities) -> float:
    """How much two ends speak of the same; the shorter counts more, since the longer may only say more."""
    mine, theirs = topic(one), topic(other)
    shares = covered(mine, theirs, NOTHING, known), covered(theirs, mine, NOTHING, known)
    return 0.65 * max(shares) + 0.35 * min(shares)


def _invented(case: Case, edge: Edge, known: Rarities) -> Signal:
    """A relation of which the evidence has nothing; more so where it speaks of both ends in one breath."""
    one, other = topic(edge.one), topic(edge.other)
    near = max(
        (min(covered(one, s, NOTHING, known), covered(other, s, NOTHING, known)) for s in _sentences(case.evidence)),
        default=0.0,
    )
    strength = (0.45 + 0.4 * near) * _WEIGHT.get(edge.value, 1.0)
    return _signal(f"relation.invented_{edge.value}", edge, None, strength, "依据没有这样的联系")


def _other_way(edge: Edge, other: Edge) -> bool:
    """增强 for 干扰, 高于 for 低于, of the same two things."""
    return {edge.value, other.value} in ({"lowers", "raises"}, {"exceeds", "below"})


def _exchanged(edge: Edge, other: Edge, known: Rarities) -> bool:
    """Whether what the evidence says first is what the answer says second: 甲抑制乙 for 乙抑制本品."""
    first = topic(other.one)
    mine = topic(edge.other)
    return (
        len(first) > 2
        and covered(first, mine, NOTHING, known) >= 0.6
        and covered(first, topic(edge.one), NOTHING, known) < 0.2
        and covered(mine - first, topic(other.other), NOTHING, known) >= 0.25
    )


def _signal(check: str, edge: Edge, against: Edge | None, strength: float, says: str) -> Signal:
    place = (against.source, against.start, against.end) if against else (-1, 0, 0)
    return Signal(
        check, "relation", edge.start, edge.end, *place, min(1.0, strength),
        f"答案说“{edge.one.strip()}”{edge.text}“{edge.other.strip()}”，{says}",
    )  # fmt: skip


@functools.lru_cache(maxsize=16)
def _sentences(evidence: tuple[Reading, ...]) -> tuple[frozenset[str], ...]:
    found: dict[tuple[int, int], Topic] = {}
    for source, reading in enumerate(evidence):
        for clause in reading.clauses:
            key = (source, clause.sentence)
            found[key] = found.get(key, NOTHING) | clause_topics(reading)[clause.number]
    return tuple(found.values())


@functools.lru_cache(maxsize=128)
def edges(reading: Reading) -> tuple[Edge, ...]:
    """The relations that a text states by words for them."""
    found: list[Edge] = []
    for clause, every in zip(reading.clauses, by_clause(reading), strict=True):
        marks = [m for m in every if m.type == "cause"]
        if marks and not asked(reading, clause):
            found.extend(edge for i in range(len(marks)) if (edge := _edge(reading, clause, marks, i)) is not None)
        if (called := _called(clause)) is not None:
            found.append(called)
        found.extend(_triple(clause))
        if len(found) >= MAX_EDGES:
            break
    return tuple(found)


def _triple(clause: Clause) -> Iterator[Edge]:
    """手足口病|病因|肠道病毒, as a graph writes it; where the word in the middle does not tell, both ways."""
    parts = clause.text.split("|")
    if len(parts) != 3:
        return
    one, middle, other = parts
    ways = [(other, one)] if _TO_SUBJECT.search(middle) else [(one, other)]
    if not _TO_SUBJECT.search(middle) and not _TO_OBJECT.search(middle):
        ways.append((other, one))
    for a, b in ways:
        yield Edge("causal", "triple", a, b, clause.start, clause.end, -1, middle)


def _called(clause: Clause) -> Edge | None:
    """库欣三联征为脑疝先兆."""
    match = _CALLED.match(clause.text)
    if match is None:
        return None
    one, other = match["a"], match["b"]
    if match["c"] not in _FORWARD:
        one, other = other, one
    return Edge("causal", "called", one, other, clause.start, clause.end, -1, match["c"])


def _edge(reading: Reading, clause: Clause, marks: list[Mark], i: int) -> Edge | None:
    mark = marks[i]
    if _NO_EDGE.search(reading.folded[max(clause.start, mark.start - 3) : mark.end]):
        return None
    begin = marks[i - 1].end if i else max(clause.start, reading.folded.rfind("]", clause.start, mark.start) + 1)
    end = marks[i + 1].start if i + 1 < len(marks) else clause.end
    left, right = (begin, mark.start), (mark.end, end)
    value = mark.value
    if value == "causes" and (mark.end == clause.end or reading.folded[mark.end] in "的("):
        value = "caused_by"
    if value == "caused_by":
        of = _OF.search(reading.folded, begin, mark.start)
        one, other = ((of.end(), mark.start), (begin, of.start())) if of else (left, (begin, begin))
        other = _or_near(reading, clause, other, -1)
    elif value == "because":
        first = not clause.number or reading.clauses[clause.number - 1].sentence != clause.sentence
        one, other = right, _or_near(reading, clause, left, 1 if first else -1)
    elif value == "therefore":
        one, other = _or_near(reading, clause, left, -1), right
    else:
        one, other = _or_near(reading, clause, left, -1), right
        if value in _WITH_OBJECT and (not grams(_text(reading, right)) or reading.folded[mark.end] in _NO_OBJECT):
            return None
    if value == "shows" and mark.text not in _SHOWN:
        one, other = other, one
    start, stop = min(one[0], other[0]), max(one[1], other[1])
    return Edge(
        _GROUPS.get(value, "causal"), value, _text(reading, one), _text(reading, other),
        min(start, mark.start), max(stop, mark.end), -1, mark.text,
    )  # fmt: skip


def _text(reading: Reading, span: tuple[int, int]) -> str:
    return reading.folded[span[0] : span[1]]


def _or_near(reading: Reading, clause: Clause, span: tuple[int, int], step: int) -> tuple[int, int]:
    """The span, or where it says nothing the clause before (or after) it in the sentence."""
    text = _text(reading, span)
    if grams(text) and text.strip() not in _PRONOUNS and not (step < 0 and _VAGUE.match(text.strip())):
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
    known = rarities(case.evidence)
    for first, then, start, end in _steps(case.answer):
        for source, one, other, there, stop in theirs:
            turned = min(covered(first, other, NOTHING, known), covered(then, one, NOTHING, known))
            straight = max(covered(first, one, NOTHING, known), covered(then, other, NOTHING, known))
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
            one = topic(reading.folded[first.end() : then.start()])
            other = topic(reading.folded[then.end() : end])
            if len(one) > 1 and len(other) > 1:
                found.append((one, other, first.start(), end))
    return tuple(found)
