"""Amounts of an answer that neither evidence nor question has: what follows by arithmetic stands."""

from __future__ import annotations

import re
from typing import Final

from pipelines.check.comparators import direction
from pipelines.check.comparisons import Comparison, changed_unit, finding, kind_of
from pipelines.check.derivations import Ground, counts_of, ground, is_derived
from pipelines.check.facts import Fact, base, ends, part_of, same
from pipelines.check.numerals import HALF, ONE, TWO
from pipelines.check.quantities import Quantity
from pipelines.check.signals import Case, Signal
from pipelines.check.units import COUNTED, DOSED

_SOFT: Final = frozenset(("种", "所", "项", "处", "级", "times", "fold", "行", "人", "point", "步", "层", "篇", "张"))
_TOTAL: Final = re.compile(r"(?:一共|共|前后|总共|合计|加起来|统共|等于|最长|最多|累计)[^,。;]{0,4}$")
_CHILD: Final = re.compile(r"\s?重?的?(?:宝|孩|娃|小|儿|患|婴|幼)")
_FOR_EXAMPLE: Final = re.compile(r"(?:比如|例如|譬如|假如|假设|如果|举例|若|按)[^,。;]{0,6}$")
_RATED: Final = re.compile(r"[^,。;:前后内里时]{0,8}?[\d一二两三四五六七八九十半]")
_EACH: Final = re.compile(r"每隔?(?:1|一)?个?(?:周|星期|礼拜|月|年|小时|天|日|晚|分钟)")


def absent_amounts(
    case: Case, looks: list[Comparison], standing: list[Quantity], facts: tuple[list[Fact], list[Fact], list[Fact]]
) -> list[Signal]:
    """Signals for the amounts that neither evidence nor question has, but for those that follow from them."""
    mine, theirs, known = facts
    by_text = [(reading, [f.quantity for f in theirs if f.source == i]) for i, reading in enumerate(case.evidence)]
    asked = [(case.question, [f.quantity for f in known])]
    said = {base(q)[0] for q in standing if "kg" in q.per}
    given_freely = ground([*asked, *by_text, (case.answer, standing)], False)
    given_strictly = ground([*asked, *by_text, (case.answer, standing)], True) if said else given_freely
    examples = [look for look in looks if _is_example(case, look, [f.quantity for f in known])]
    for look in examples:
        for each in (given_freely, given_strictly):
            each.add(look.quantity, takes_per_kg=False)
    found = []
    for look in looks:
        if look in examples:
            continue
        if _assembled(look.fact, theirs) or _is_each(case, look.quantity):
            standing.append(look.quantity)
            continue
        near = [p for p in look.ranked[:6] if p[0] > 0.5 * look.ranked[0][0]] if look.quantity.per else []
        said_per_kg = look.fact.based[0] in said
        given = given_strictly if said_per_kg else given_freely
        often = given.counts | {c for _, f in near for c in counts_of(f.quantity)}
        sentence = [q for q in standing if case.answer.clause_at(q.start).sentence == look.clause.sentence] + [
            f.quantity for f in known
        ]
        if _TOTAL.search(case.answer.folded, max(0, look.quantity.start - 9), look.quantity.start + 2):
            sentence = standing + [f.quantity for f in known]
        if is_derived(look.quantity, given._replace(counts=often), sentence):
            standing.append(look.quantity)
            for each in (given_freely, given_strictly):
                each.add(look.quantity, takes_per_kg=True)
            if signal := _over_maximum(look.fact, mine, theirs) or _of_another(look, given):
                found.append(signal)
        elif said_per_kg and is_derived(look.quantity, ground([*asked, *by_text], False), []):
            says = f"“{look.quantity.text}”与答案自己说的每公斤用量算不到一起。"
            found.append(finding("quantity.arithmetic", "quantity", look.quantity, None, 0.25, says))
        elif signal := _unsupported(case, look):
            found.append(signal)
        else:
            for each in (given_freely, given_strictly):
                each.add(look.quantity, takes_per_kg=True)
    return found


def _is_example(case: Case, look: Comparison, known: list[Quantity]) -> bool:
    """Whether it is a child that the answer makes up to reckon a dose for: 3公斤的宝宝, 比如体重10公斤."""
    quantity = look.quantity
    if quantity.role != "weight" or quantity.low != quantity.high or any(q.role == "weight" for q in known):
        return False
    start, end = look.clause.start, look.clause.end + 20
    if not any(q.role == "dose" and start <= q.start < end for q in case.answer.quantities):
        return False
    text = case.answer.folded
    before, after = text[max(0, quantity.start - 8) : quantity.start], text[quantity.end : quantity.end + 5]
    return bool(_CHILD.match(after) or _FOR_EXAMPLE.search(before))


def _assembled(fact: Fact, theirs: list[Fact]) -> bool:
    """Whether a range has its two ends from one place: 五千元以上五万元以下."""
    unit, low, high = fact.based
    if low == high:
        return False
    ends_there = [
        [f for f in theirs if f.based[0].removeprefix("第") == unit and value in f.based[1:]] for value in (low, high)
    ]
    return any(
        one.source == other.source and abs(one.quantity.start - other.quantity.start) < 24
        for one in ends_there[0]
        for other in ends_there[1]
    )


def _is_each(case: Case, quantity: Quantity) -> bool:
    """Whether 一个星期 is the evidence's 每周."""
    if quantity.written != (ONE,) or quantity.unit not in ("minute", "month") or quantity.role == "age":
        return False
    if quantity.comparator not in ("", "about"):
        return False
    text = case.answer.folded
    if not _RATED.match(text, quantity.end) or text[quantity.start - 1 : quantity.start] in ("前", "后"):
        return False
    words = {m[0].lstrip("每隔1一个") for reading in case.evidence for m in _EACH.finditer(reading.folded)}
    spelled = {"星期": "周", "礼拜": "周", "日": "天", "晚": "天", "周岁": "年"}
    return spelled.get(quantity.spelled, quantity.spelled) in {spelled.get(word, word) for word in words}


def _of_another(look: Comparison, given: Ground) -> Signal | None:
    """A dose that follows from an amount for each kg, but from one further away: that of another drug."""
    unit, low, high = look.fact.based
    if look.quantity.role != "dose" or "kg" in look.quantity.per or not given.weights:
        return None
    per_kg = [(score, f) for score, f in look.ranked if "kg" in f.quantity.per and f.based[0] == unit]
    if len(per_kg) < 2:
        return None
    gives = [(score, f) for score, f in per_kg if _gives(f, low, high, given.weights)]
    if not gives or per_kg[0][0] - gives[0][0] < 0.1:
        return None
    margin = per_kg[0][0] - gives[0][0]
    other = per_kg[0][1]
    says = f"“{look.quantity.text}”是按“{gives[0][1].quantity.text}”算出的，与此处相应的原文是“{other.quantity.text}”。"
    return finding("quantity.reckoned", "quantity", look.quantity, other, min(0.9, 0.3 + margin), says)


def _gives(fact: Fact, low: float, high: float, weights: list[float]) -> bool:
    """Whether an amount for each kg makes the dose, for once or for a day."""
    _, bottom, top = fact.based
    return any(
        bottom * w * n * 0.97 <= low and high <= top * w * n * 1.03
        for w in weights[:6]
        for n in (1, 0.5, 1 / 3, 0.25, 2, 3, 4)
    )


def _over_maximum(fact: Fact, mine: list[Fact], theirs: list[Fact]) -> Signal | None:
    """A calculated dose above every maximum of the evidence, none of which the answer names."""
    quantity, (unit, low, _) = fact.quantity, fact.based
    if quantity.role != "dose" or "kg" in quantity.per:
        return None
    most = [
        f
        for f in theirs
        if f.quantity.role == "dose"
        and f.based[0] == unit
        and direction(f.quantity.comparator) < 0
        and not {"kg", "l", "m2"} & set(f.quantity.per)
    ]
    if not most or any(low <= f.based[2] for f in most) or any(same(q, f) for q in mine for f in most):
        return None
    says = f"算得的“{quantity.text}”超过原文的上限“{most[0].quantity.text}”。"
    return finding("quantity.over_maximum", "quantity", quantity, most[0], 0.7, says)


def _unsupported(case: Case, look: Comparison) -> Signal | None:
    """A value that nothing gives: by what stands in its place in the evidence, another unit, a bound, or nothing."""
    quantity = look.quantity
    if not quantity.written or _says_nothing(quantity):
        return None
    unit = look.fact.based[0]
    alike = [fact for _, fact in look.ranked if fact.based[0] == unit]
    for fact in alike:
        part = part_of(look.fact, fact)
        if part == "inside":
            return _inside(quantity, fact)
    if signal := changed_unit(look):
        return signal
    nearest = alike[0] if alike else (look.ranked[0][1] if look.ranked else None)
    kind = kind_of(quantity)
    strength = _certainty(quantity) if alike else 0.8 * _certainty(quantity)
    if _is_count(quantity):
        return finding("quantity.count", kind, quantity, nearest, min(strength, 0.36), f"原文没有“{quantity.text}”。")
    if quantity.unit in COUNTED and _TOTAL.search(case.answer.folded, max(0, quantity.start - 9), quantity.start):
        strength *= 0.4
    if nearest is None:
        return finding(f"{kind}.absent", kind, quantity, None, strength, f"原文没有“{quantity.text}”。")
    for fact in alike[:6]:
        if quantity.low != quantity.high and set(ends(quantity)) & set(ends(fact.quantity)):
            says = f"原文为“{fact.quantity.text}”，答案“{quantity.text}”只有一端相同。"
            return finding(f"{kind}.bound", kind, quantity, fact, strength, says)
    says = f"原文没有“{quantity.text}”；相近处为“{nearest.quantity.text}”。"
    return finding(f"{kind}.absent", kind, quantity, nearest, strength, says)


def _is_count(quantity: Quantity) -> bool:
    """Two or three things that one speaks of (两样, 三项): counted by the answer rather than told."""
    is_thing = quantity.unit in COUNTED - DOSED or (quantity.unit == "times" and not quantity.per)
    is_few = len(quantity.written) == 1 and TWO <= quantity.written[0] <= 5 and not direction(quantity.comparator)
    return is_thing and is_few and quantity.role == "count"


def _inside(quantity: Quantity, fact: Fact) -> Signal | None:
    is_one = quantity.low == quantity.high and not direction(quantity.comparator)
    if (quantity.role in ("age", "weight") and is_one) or quantity.unit == "":
        return None
    says = f"答案“{quantity.text}”在原文“{fact.quantity.text}”之内，但原文没有这个值。"
    kind = kind_of(quantity)
    return finding(f"{kind}.inside", kind, quantity, fact, 0.4, says)


def _says_nothing(quantity: Quantity) -> bool:
    """One of something, and 一天, are ways of speaking."""
    if quantity.written != (ONE,):
        return False
    if quantity.unit == "times" and not quantity.per:
        return True
    if quantity.unit in DOSED and "1" in quantity.text:
        return False
    is_plain = quantity.comparator in ("", "about")
    return is_plain and (
        quantity.unit in COUNTED or quantity.unit in ("times", "fold", "point") or quantity.spelled in "天日"
    )


def _certainty(quantity: Quantity) -> float:
    """How much an unsupported amount counts: a dose wholly, two things that one speaks of hardly."""
    if quantity.unit in _SOFT:
        if quantity.unit == "fold" and direction(quantity.comparator):
            return 0.9
        if quantity.per or quantity.role == "frequency":
            return 0.9
        return 0.45 if quantity.unit != "times" or quantity.written != (TWO,) else 0.3
    if quantity.unit.startswith("第") or quantity.role == "date":
        return 0.7
    if not quantity.unit or quantity.written == (ONE,):
        return 0.6
    if quantity.unit == "percent" and quantity.written == (HALF,):
        return 0.3
    return 1.0
