"""Amounts of an answer against those of its evidence: value, unit, frequency, comparator. One signal an amount."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from pipelines.check.comparators import INCLUSIVE, STRICT, direction
from pipelines.check.derivations import counts_of, ground, is_derived
from pipelines.check.facts import (
    QUESTION,
    Fact,
    ends,
    facts_of,
    nearness,
    part_of,
    pers_agree,
    same,
    sides,
)
from pipelines.check.numerals import HALF
from pipelines.check.quantities import Quantity
from pipelines.check.reading import Clause
from pipelines.check.signals import Case, Signal
from pipelines.check.units import COUNTED, DOSED, PREFIXED

MAX_PAIRS: Final = 20_000
"""Amounts of the answer times amounts of the evidence that are compared; of more nothing is said to be right."""

_SOFT: Final = frozenset(("种", "所", "项", "处", "级", "times", "fold", "行", "人", "point", "步", "层", "篇", "张"))
_TIMED: Final = frozenset(("frequency", "interval", "duration"))
_NEGATION: Final = re.compile(r"不(?!超|低|少|足|到|满|大|小|高|适|同)|没|无|禁|勿|别|未(?!满|到|足|达|成)|忌|免|外")
_BEFORE_OR_AFTER: Final = re.compile(r"(?<![目以之此最先今])([前后])(?:的|第|约|至少|不到)?$")
_CHANGE: Final = re.compile(
    r"(?:(?P<up>[上往向][上高]?调|升高?|增[加高多大]?|提高|上浮|上升|加[到至上]?|涨)|(?P<down>[下往向][下低]?调|降低?|减[少低轻去]?|调低|下浮|下降|掉))"
    r"[了约至到为大]{0,2}$"
)
_PER_KG: Final = re.compile(r"公斤|千克|kg")
_STRENGTH: Final = re.compile(r"[里中]?(?:含|:)")
_TOTAL: Final = re.compile(r"(?:一共|共|前后|总共|合计|加起来|统共|等于)[^,。;]{0,4}$")
_EACH: Final = re.compile(r"每隔?(?:1|一)?个?(?:周|星期|礼拜|月|年|小时|天|日|晚|分钟)")


class _Look(NamedTuple):
    """An amount of the answer with what it is compared with.

    Attributes:
        fact: The amount.
        clause: Its clause.
        ranked: The facts of the evidence, the nearest first, with how near they are.
    """

    fact: Fact
    clause: Clause
    ranked: list[tuple[float, Fact]]

    @property
    def quantity(self) -> Quantity:
        """The amount itself."""
        return self.fact.quantity


def check(case: Case) -> list[Signal]:
    """At most one signal for each amount of the answer; none for what evidence, question or plain arithmetic gives."""
    mine = facts_of(case.answer, QUESTION)
    if not mine:
        return []
    theirs = [fact for number, reading in enumerate(case.evidence) for fact in facts_of(reading, number)]
    known = [fact for reading in (case.question, *case.heard) for fact in facts_of(reading, QUESTION)]
    if len(mine) * len(theirs) > MAX_PAIRS:
        return [_too_many(mine)]
    found: list[Signal] = []
    absent: list[_Look] = []
    standing: list[Quantity] = []
    for fact in mine:
        look = _look(case, fact, theirs)
        equal = [(score, f) for score, f in look.ranked if same(look.fact, f)]
        equal = equal or [(score, f) for score, f in look.ranked if part_of(look.fact, f) == "end"]
        if equal and _is_other_rate(look, equal):
            equal = []
        if not equal and any(same(look.fact, f) or part_of(look.fact, f) == "end" for f in known):
            standing.append(look.quantity)
        elif not equal:
            absent.append(look)
        else:
            standing.append(look.quantity)
            if signal := _compared(case, look, equal, mine):
                found.append(signal)
    if absent:
        found += _absent(case, absent, standing, (mine, theirs, known))
    return sorted(found, key=lambda signal: (signal.start, signal.end))


def _too_many(mine: list[Fact]) -> Signal:
    first, last = mine[0].quantity, mine[-1].quantity
    says = "数量太多，没有逐一核对。"
    return Signal("quantity.too_many", "quantity", first.start, max(first.end, last.end), -1, 0, 0, 0.5, says)


def _is_other_rate(look: _Look, equal: list[tuple[float, Fact]]) -> bool:
    """Whether the answer says how often, and only a duration elsewhere has that value."""
    if look.fact.based[0] != "rate" or any(f.based[0] == "rate" for _, f in equal):
        return False
    rate = next((score for score, f in look.ranked if f.based[0] == "rate"), 0.0)
    return rate > equal[0][0]


def _look(case: Case, fact: Fact, theirs: list[Fact]) -> _Look:
    matches = case.alignment[fact.clause] if fact.clause < len(case.alignment) else ()
    scores = {(match.source, match.clause): match.score for match in matches}
    ranked = [(nearness(fact, other, scores.get((other.source, other.clause), 0.0)), other) for other in theirs]
    ranked.sort(key=lambda pair: -pair[0])
    return _Look(fact, case.answer.clauses[fact.clause], ranked)


def _compared(case: Case, look: _Look, equal: list[tuple[float, Fact]], mine: list[Fact]) -> Signal | None:
    """What is wrong with an amount whose value the evidence has: what it is for, its comparator, its place."""
    quantity = look.quantity
    fitting = [(score, f) for score, f in equal if pers_agree(quantity, f.quantity)]
    if not fitting:
        if "kg" not in quantity.per and _PER_KG.search(_sentence(case, look.clause)):
            return _changed_unit(look)
        return _other_per(look, equal[0][1], case.answer.folded)
    if look.fact.based[0] == "rate" and (rates := [p for p in fitting if p[1].based[0] == "rate"]):
        fitting = rates
    return (
        _order(case, look, fitting)
        or _change(case, look, fitting[0][1])
        or _comparator(case, look, fitting)
        or _elsewhere(case, look, fitting[0], mine)
    )


def _sentence(case: Case, clause: Clause) -> str:
    return "".join(c.text for c in case.answer.clauses if c.sentence == clause.sentence)


def _other_per(look: _Look, fact: Fact, text: str) -> Signal | None:
    quantity, other = look.quantity, fact.quantity
    ahead = max(look.clause.start, quantity.start - 6)
    if match := PREFIXED.search(text, ahead, quantity.start):
        quantity = quantity._replace(start=match.start(), text=text[match.start() : quantity.end])
    mine, theirs = set(quantity.per), set(other.per)
    given = {"dose", "day"} <= mine ^ theirs
    says = f"答案“{quantity.text}”与原文“{other.text}”数值相同，但所按的单位不同（每次、每日、每公斤、每小时等）。"
    kind = "frequency" if quantity.unit == "times" else "unit"
    return _signal("unit.per", kind, quantity, fact, 0.5 if given else 0.9, says)


def _order(case: Case, look: _Look, ranked: list[tuple[float, Fact]]) -> Signal | None:
    """Before for after: 出疹前24小时 and 出疹后24小时."""
    mine = _side_in_time(case.answer.folded, look.quantity)
    if not mine:
        return None
    best = ranked[0]
    theirs = {
        _side_in_time(case.evidence[f.source].folded, f.quantity) for score, f in ranked if score >= best[0] - 0.15
    }
    if mine in theirs or not theirs <= {"before", "after"}:
        return None
    says = f"答案“{look.quantity.text}”与原文“{best[1].quantity.text}”前后相反。"
    return _signal("comparator.order", "comparator", look.quantity, best[1], 0.9, says)


def _change(case: Case, look: _Look, fact: Fact) -> Signal | None:
    """Up for down: 上调4% and 下调4%."""
    if look.quantity.role in ("age", "weight", "frequency", "interval", "duration", "count", "date"):
        return None
    mine = _up_or_down(case.answer.folded, look.quantity)
    theirs = _up_or_down(case.evidence[fact.source].folded, fact.quantity)
    if mine is None or theirs is None or mine.lastgroup == theirs.lastgroup:
        return None
    quantity = look.quantity._replace(start=mine.start())
    says = f"答案“{look.quantity.text}”与原文“{fact.quantity.text}”一增一减。"
    return _signal("comparator.change", "comparator", quantity, fact, 0.8, says)


def _up_or_down(text: str, quantity: Quantity) -> re.Match[str] | None:
    return _CHANGE.search(text, max(0, quantity.start - 6), quantity.start)


def _side_in_time(text: str, quantity: Quantity) -> str:
    """Whether a time lies before or after something, by the word on either side of it."""
    if quantity.unit not in ("minute", "month", "workday") or quantity.role == "age":
        return ""
    if quantity.comparator in ("before", "after"):
        return quantity.comparator
    match = _BEFORE_OR_AFTER.search(text, max(0, quantity.start - 3), quantity.start)
    return {"前": "before", "后": "after"}[match[1]] if match else ""


def _comparator(case: Case, look: _Look, ranked: list[tuple[float, Fact]]) -> Signal | None:
    quantity = look.quantity
    mine = direction(quantity.comparator)
    if not mine:
        return None
    facts = [fact for score, fact in ranked if score >= ranked[0][0] - 0.08]
    fact = facts[0]
    other = fact.quantity
    theirs = set().union(*(sides(f.quantity, quantity) for f in facts))
    if mine in theirs:
        pairs = {quantity.comparator, other.comparator}
        if quantity.role != "age" and pairs & STRICT and pairs & INCLUSIVE and direction(other.comparator) == mine:
            says = f"答案“{quantity.text}”与原文“{other.text}”对界限值本身是否包括说得不同。"
            return _signal("comparator.strict", "comparator", quantity, fact, 0.3, says)
        return None
    if 0 not in theirs:
        turned = _negations(look.clause.text) != _negations(_clause_text(case, fact))
        strength = 0.45 if turned else 1.0
        for score, also in ranked:
            if mine in sides(also.quantity, quantity):
                strength *= 0.45 if score > ranked[0][0] - 0.35 else 0.9
                break
        if quantity.comparator == "ge" and quantity.role == "duration":
            strength *= 0.6
        says = f"答案“{quantity.text}”与原文“{other.text}”方向相反。"
        return _signal("comparator.reversed", "comparator", quantity, fact, strength, says)
    says = f"原文“{other.text}”没有答案“{quantity.text}”所说的界限。"
    return _signal("comparator.added", "comparator", quantity, fact, 0.25, says)


def _negations(text: str) -> int:
    return len(_NEGATION.findall(text)) % 2


def _clause_text(case: Case, fact: Fact) -> str:
    return case.evidence[fact.source].clauses[fact.clause].text


def _elsewhere(case: Case, look: _Look, equal: tuple[float, Fact], mine: list[Fact]) -> Signal | None:
    """The value is in the evidence, but where the evidence speaks of this, another stands."""
    quantity = look.quantity
    unit = look.fact.based[0]
    for score, fact in look.ranked[:6]:
        margin = score - equal[0]
        if margin < 0.2:
            return None
        other = fact.quantity
        if fact.based[0] != unit or other.role != quantity.role or not pers_agree(quantity, other):
            continue
        if _STRENGTH.match(case.evidence[fact.source].folded, other.end):
            continue
        if part_of(look.fact, fact) or part_of(fact, look.fact) or any(same(f, fact) for f in mine):
            continue
        says = f"原文说到此处的是“{other.text}”，答案的“{quantity.text}”在原文另一处。"
        kind = "frequency" if quantity.role in _TIMED else "quantity"
        verbatim = 0.2 if score > 1.2 else 0.0
        strength = min(0.9, 0.1 + margin + verbatim) * (0.5 if quantity.role in ("age", "weight") else 1.0)
        return _signal(f"{kind}.elsewhere", kind, quantity, fact, strength, says)
    return None


def _absent(
    case: Case, looks: list[_Look], standing: list[Quantity], facts: tuple[list[Fact], list[Fact], list[Fact]]
) -> list[Signal]:
    """Signals for the amounts that neither evidence nor question has, but for those that follow from them."""
    mine, theirs, known = facts
    by_text = [(reading, [f.quantity for f in theirs if f.source == i]) for i, reading in enumerate(case.evidence)]
    asked = [(case.question, [f.quantity for f in known])]
    said_per_kg = any("kg" in q.per for q in standing)
    given = ground([*asked, *by_text, (case.answer, standing)], said_per_kg)
    found = []
    for look in looks:
        if _assembled(look.fact, theirs) or _is_each(case, look.quantity):
            standing.append(look.quantity)
            continue
        often = given.counts | {c for _, f in look.ranked[:6] for c in counts_of(f.quantity)}
        sentence = [q for q in standing if case.answer.clause_at(q.start).sentence == look.clause.sentence] + [
            f.quantity for f in known
        ]
        if is_derived(look.quantity, given._replace(counts=often), sentence):
            standing.append(look.quantity)
            given.add(look.quantity, takes_per_kg=True)
            if signal := _over_maximum(look.fact, mine, theirs):
                found.append(signal)
        elif said_per_kg and is_derived(look.quantity, ground([*asked, *by_text], False), []):
            says = f"“{look.quantity.text}”与答案自己说的每公斤用量算不到一起。"
            found.append(_signal("quantity.arithmetic", "quantity", look.quantity, None, 0.45, says))
        elif signal := _unsupported(case, look):
            found.append(signal)
    return found


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
    if quantity.written != (1,) or quantity.unit not in ("minute", "month") or quantity.role == "age":
        return False
    if quantity.comparator not in ("", "about"):
        return False
    words = {m[0].lstrip("每隔1一个") for reading in case.evidence for m in _EACH.finditer(reading.folded)}
    spelled = {"星期": "周", "礼拜": "周", "日": "天", "晚": "天", "周岁": "年"}
    return spelled.get(quantity.spelled, quantity.spelled) in {spelled.get(word, word) for word in words}


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
    return _signal("quantity.over_maximum", "quantity", quantity, most[0], 0.7, says)


def _unsupported(case: Case, look: _Look) -> Signal | None:
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
    if signal := _changed_unit(look):
        return signal
    nearest = alike[0] if alike else (look.ranked[0][1] if look.ranked else None)
    kind = "frequency" if quantity.role in _TIMED else "quantity"
    strength = _certainty(quantity) if alike else 0.8 * _certainty(quantity)
    if quantity.unit in COUNTED and _TOTAL.search(case.answer.folded, max(0, quantity.start - 9), quantity.start):
        strength *= 0.4
    if nearest is None:
        return _signal(f"{kind}.absent", kind, quantity, None, strength, f"原文没有“{quantity.text}”。")
    for fact in alike[:6]:
        if quantity.low != quantity.high and set(ends(quantity)) & set(ends(fact.quantity)):
            says = f"原文为“{fact.quantity.text}”，答案“{quantity.text}”只有一端相同。"
            return _signal(f"{kind}.bound", kind, quantity, fact, strength, says)
    says = f"原文没有“{quantity.text}”；相近处为“{nearest.quantity.text}”。"
    return _signal(f"{kind}.absent", kind, quantity, nearest, strength, says)


def _inside(quantity: Quantity, fact: Fact) -> Signal | None:
    is_one = quantity.low == quantity.high
    if (quantity.role in ("age", "weight") and is_one) or quantity.unit == "":
        return None
    says = f"答案“{quantity.text}”在原文“{fact.quantity.text}”之内，但原文没有这个值。"
    kind = "frequency" if quantity.role in _TIMED else "quantity"
    return _signal(f"{kind}.inside", kind, quantity, fact, 0.4, says)


def _changed_unit(look: _Look) -> Signal | None:
    fact = _other_unit(look)
    if fact is None:
        return None
    says = f"答案“{look.quantity.text}”与原文“{fact.quantity.text}”数字相同，单位不同。"
    return _signal("unit.changed", "unit", look.quantity, fact, 0.95, says)


def _other_unit(look: _Look) -> Fact | None:
    """A near amount with the same number and another unit."""
    quantity = look.quantity
    if quantity.unit in COUNTED - DOSED:
        return None
    for score, fact in look.ranked[:12]:
        other = fact.quantity
        if other.written == quantity.written and other.spelled and quantity.spelled and score > 0.1:
            if same(look.fact, fact):
                continue
            if other.unit in COUNTED and quantity.unit in COUNTED and not {other.unit, quantity.unit} & DOSED:
                continue
            if quantity.written == (1,) and score < 0.5:
                continue
            return fact
    return None


def _says_nothing(quantity: Quantity) -> bool:
    """One of something, and 一天, are ways of speaking."""
    if quantity.written != (1,) or quantity.comparator not in ("", "about"):
        return False
    return quantity.unit in COUNTED or quantity.unit in ("times", "fold", "point") or quantity.spelled in ("天", "日")


def _certainty(quantity: Quantity) -> float:
    """How much an unsupported amount counts: a dose wholly, two things that one speaks of hardly."""
    if quantity.unit in _SOFT:
        return 0.45 if not quantity.per else 0.9
    if quantity.unit.startswith("第") or quantity.role == "date":
        return 0.7
    if not quantity.unit:
        return 0.6
    if quantity.unit == "percent" and quantity.written == (HALF,):
        return 0.3
    return 1.0


def _signal(check_name: str, kind: str, quantity: Quantity, fact: Fact | None, strength: float, says: str) -> Signal:
    source, start, end = (-1, 0, 0) if fact is None else (fact.source, fact.quantity.start, fact.quantity.end)
    return Signal(check_name, kind, quantity.start, quantity.end, source, start, end, round(strength, 3), says)
