"""Does an answer leave out whom the evidence forbids what it recommends, or part of the list that was asked for?"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from pipelines.check.content import learned, overlap, weights
from pipelines.check.lists import left_out_of_lists
from pipelines.check.omissions import asked_but_untold, left_out_beside, named_but_untold
from pipelines.check.quantities import Quantity
from pipelines.check.reading import Reading
from pipelines.check.signals import Case, Signal
from pipelines.check.stances import HEADING, Stance, stances

_LIST: Final = re.compile(r"哪|什么|谁|有何|禁忌|注意|几种|列出|总结")
_WARN: Final = re.compile(
    r"不能|不可|不得|不让|不宜|不适合|不行|禁|忌|慎用|慎|留心|小心|注意|警惕|避|当心|例外|限制|讲究|要求|马上|急诊|120|就医|危险"
)
_FORBIDS: Final = re.compile("(?:哪|什么|谁|何|哪些|有没有).{0,8}(?:不能|不可|不宜|不得|禁)|禁忌|禁用")
_CAREFUL: Final = re.compile("慎用|留心|小心|当心")
_LEGAL: Final = frozenset(
    (
        "不得",
        "不准",
        "不许",
        "禁止",
        "严禁",
        "拒绝",
        "不常规",
        "不作",
        "不作为",
        "不作常规",
        "不作为常规",
        "不可",
        "不首选",
    )
)
_EVENTS: Final = ("避免", "防止", "代替", "尽量避免")
"""避免低血压 speaks of what should not happen, not of whom."""
_PART: Final = re.compile(r"(?:(?!以及|或者|还有)[^、,;:。()/和或及])+")
_WHOLE: Final = re.compile(r"[^;。]+")
_BULLET: Final = re.compile(r"^[\s\])]*(?:\(?\d{1,2}[.、)]|\(?[一二三四五六七八九十]{1,2}[、)])*\s*")
MIN_TOPIC: Final = 0.42
MIN_RARITY: Final = 0.57
_WHO: Final = re.compile("(?:者|的|时|期间|人群|儿童|婴儿|妇女|孩子|患儿|均|都|一律|也)$")


class Item(NamedTuple):
    """One thing or person that a prohibition or a caution names.

    Attributes:
        source: The number of the evidence text.
        group: Items of one list have one number.
        start, end: In the text.
        said: Pairs and characters of its content.
        high: Of its stance.
        legal: The words are those of laws (不得), which speak of acts, not of patients.
    """

    source: int
    group: int
    start: int
    end: int
    said: frozenset[str]
    high: int
    legal: bool


def warnings(case: Case) -> list[Signal]:
    """What the evidence warns of and the answer should have said."""
    items = tuple(i for s, reading in enumerate(case.evidence) for i in _items(reading, s))
    return [
        *_contraindicated(case, items),
        *_too_young(case),
        *_incomplete(case, items),
        *named_but_untold(case),
        *asked_but_untold(case),
        *left_out_beside(case),
        *left_out_of_lists(case),
    ]


@functools.lru_cache(maxsize=128)
def _items(reading: Reading, source: int) -> tuple[Item, ...]:
    found: list[Item] = []
    group, last = 0, ""
    for clause, each in zip(reading.clauses, stances(reading), strict=True):
        stance = next((s for s in each if s.high < 0 and not s.text.startswith(_EVENTS)), None)
        if stance is None:
            continue
        above = stance.mark_start if stance.inherited else stance.start
        key = clause.heading if HEADING.search(clause.heading) else str(above)
        if key != last:
            group, last = group + 1, key
        for start, end in _parts(reading.folded, *_whom(reading.folded, clause.start, stance)):
            said = _content(reading.folded[start:end])
            if len(said) >= 3:
                found.append(Item(source, group, start, end, said, stance.high, stance.text in _LEGAL))
    return tuple(found)


def _whom(text: str, start: int, stance: Stance) -> tuple[int, int]:
    """Where the list stands: before 者禁止入池, after 禁用于."""
    behind = stance.end - stance.mark_end
    if (
        not stance.inherited
        and stance.start >= stance.mark_end
        and behind <= 5
        and _WHO.search(text, start, stance.mark_start)
    ):
        return start, stance.mark_start
    return stance.start, stance.end


def _parts(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    pattern = _PART if "过敏" not in text[start:end] else _WHOLE
    for part in pattern.finditer(text, start, end):
        bullet = _BULLET.match(part[0])
        start = part.start() + (bullet.end() if bullet else 0)
        if start < part.end():
            yield start, part.end()


def _contraindicated(case: Case, items: tuple[Item, ...]) -> Iterator[Signal]:
    """What the question says of the patient is a contraindication, and the answer says nothing of it."""
    weight = weights(case.evidence)
    asked, told = _content(case.question.folded), _content(case.answer.folded)
    drugs = _drugs(case.question)
    found = []
    for item in items:
        topic = overlap(item.said, asked, weight)
        if _rarity(item.said & asked, weight) < MIN_RARITY or _too_old(case, item):
            continue
        if item.legal or topic < MIN_TOPIC or overlap(item.said, told, weight) >= 0.9 or _denies(case, item, weight):
            continue
        found.append((topic - (0.3 if item.said & asked <= drugs else 0.0), item))
    if found:
        topic, item = max(found, key=lambda f: f[0])
        drug = _rarity((item.said & asked) - drugs, weight) < MIN_RARITY
        rule, strength = ("_drug", 0.5) if drug else ("", 1.0)
        yield _signal(case, f"warning.contraindicated{rule}", item, strength * min(1.0, 0.2 + 0.7 * topic))


def _drugs(question: Reading) -> frozenset[str]:
    """What the names of drugs in a question say: of the drug that is asked about much is forbidden."""
    names = (question.folded[m.start : m.end] for m in question.mentions if m.type in ("drug", "vaccine"))
    return frozenset().union(*map(_content, names))


def _rarity(said: frozenset[str], weight: dict[str, float]) -> float:
    """How rare what is said is in this evidence: low for the drug of a leaflet, high for an illness named once."""
    pairs = [weight[g] for g in said if len(g) == 2 and g in weight]
    return sum(pairs) / len(pairs) if pairs else 0.0


def _denies(case: Case, item: Item, weight: dict[str, float]) -> bool:
    """Whether the answer forbids or warns, in general or of this."""
    for clause, each in zip(case.answer.clauses, stances(case.answer), strict=True):
        if any(s.high < 0 for s in each):
            said = _content(clause.text)
            if len(said) < 3 or overlap(item.said, said, weight) >= 0.25:
                return True
    return False


def _too_young(case: Case) -> Iterator[Signal]:
    """A drug that the evidence forbids below an age, for a child below it."""
    ages = [q for q in (*case.question.quantities, *case.answer.quantities) if q.role == "age" and q.low is not None]
    if not ages:
        return
    weight = weights(case.evidence)
    told = _content(case.question.folded) | _content(case.answer.folded)
    child = next((q for q in ages if q.low == q.high), None)
    for source, reading in enumerate(case.evidence):
        for clause, each in zip(reading.clauses, stances(reading), strict=True):
            stance = next((s for s in each if s.high <= -2 and not s.inherited), None)
            bounds = [q for q in reading.quantities if q.role == "age" and clause.start <= q.start < clause.end]
            if stance is None or child is None or not any(_below(child, q) for q in bounds):
                continue
            said = _content(clause.text)
            item = Item(source, 0, clause.start, clause.end, said, stance.high, False)
            if len(said) >= 3 and overlap(said, told, weight) >= MIN_TOPIC and not _denies(case, item, weight):
                yield _signal(case, "warning.too_young", item, 0.8)
                return


def _too_old(case: Case, item: Item) -> bool:
    """Whether an item names an age that the child is above."""
    child = next((q for q in case.question.quantities if q.role == "age" and q.low is not None), None)
    if child is None:
        return False
    bounds = (q for q in case.evidence[item.source].quantities if item.start <= q.start < item.end)
    return any(q.role == "age" and q.low is None and not _below(child, q) for q in bounds)


def _below(age: Quantity, bound: Quantity) -> bool:
    """Whether an age is below one that is a bound upwards only (2岁以下)."""
    return bound.low is None and bound.high is not None and age.high is not None and age.high < bound.high


def _incomplete(case: Case, items: tuple[Item, ...]) -> Iterator[Signal]:
    """A list was asked for, and part of it is missing."""
    question = case.question.folded
    if not (_LIST.search(question) and _WARN.search(question)):
        return
    weight = weights(case.evidence)
    told = _content(case.answer.folded)
    groups: dict[tuple[int, int], list[Item]] = {}
    for item in items:
        groups.setdefault((item.source, item.group), []).append(item)
    for members in groups.values():
        missing = [i for i in members if overlap(i.said, told, weight) < 0.3]
        named = len(members) - len(missing)
        if missing and named and named >= len(missing):
            yield _signal(case, "warning.incomplete", missing[0], min(0.9, 0.3 + 0.6 * named / len(members)))
    forbids = [m for m in groups.values() if m[0].high <= -2]
    if _FORBIDS.search(question) and forbids and not any(s.high < 0 for e in stances(case.answer) for s in e):
        yield _signal(case, "warning.unanswered", forbids[0][0], 0.6)
    careful = [m for m in groups.values() if m[0].high == -1]
    if _CAREFUL.search(question) and careful and not any(s.high == -1 for e in stances(case.answer) for s in e):
        missing = [i for i in careful[0] if overlap(i.said, told, weight) < 0.3]
        if len(missing) == len(careful[0]):
            yield _signal(case, "warning.incomplete", missing[0], 0.6)


@functools.lru_cache(maxsize=4096)
def _content(text: str) -> frozenset[str]:
    """Pairs and characters of what is no word of every day."""
    pairs = {run[i : i + 2] for _, run in learned(text) for i in range(len(run) - 1)}
    return frozenset(pairs) | frozenset(c for pair in pairs for c in pair)


def _signal(case: Case, check: str, item: Item, strength: float) -> Signal:
    missing = case.evidence[item.source].raw[item.start : item.end]
    advises = (
        c for c, each in zip(case.answer.clauses, stances(case.answer), strict=True) if any(s.low > 0 for s in each)
    )
    clause = next(advises, case.answer.clauses[0])
    return Signal(
        check, "omitted_warning", clause.start, max(clause.end, clause.start + 1),
        item.source, item.start, item.end, strength, f"依据中的“{missing}”答案没有提到",
    )  # fmt: skip
