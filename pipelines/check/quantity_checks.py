"""Amounts of an answer against those of its evidence: value, unit, frequency, comparator. One signal an amount."""

from __future__ import annotations

import re
from itertools import islice
from typing import Final

from pipelines.check.absences import absent_amounts
from pipelines.check.comparators import INCLUSIVE, STRICT, direction
from pipelines.check.comparisons import (
    Comparison,
    changed_unit,
    comparison,
    finding,
    is_reckoned,
    is_worked_out,
    kind_of,
)
from pipelines.check.facts import QUESTION, Fact, are_alike, facts_of, part_of, pers_agree, same, sides
from pipelines.check.items import is_strength
from pipelines.check.numerals import MAX_DIGITS, ONE, SPOKEN
from pipelines.check.orders import order
from pipelines.check.quantities import MAX_AMOUNTS, Quantity
from pipelines.check.reading import MAX_CHARS, Clause
from pipelines.check.records import head_before
from pipelines.check.signals import Case, Signal
from pipelines.check.units import PREFIXED

MAX_PAIRS: Final = 20_000
"""Amounts of the answer times amounts of the evidence that are compared; of more nothing is said to be right."""

MAX_UNREADABLE: Final = 20
_UNREADABLE: Final = re.compile(
    rf"[0-9]{{{MAX_DIGITS + 1},}}|[0-9]{{1,3}}(?:,[0-9]{{3}}){{5,}}|\.[0-9]{{11,}}|[{SPOKEN}]{{17,}}"
    r"|[0-9)]\s?\*\*|\^\s?-?[0-9]{3,}"
)
_NEGATION: Final = re.compile(
    r"不(?![超低少足到满大小高短长早晚多及适同])|没|无|禁|勿|别|未(?!满|到|足|达|成)|忌|免|外"
)
_BEFORE_OR_AFTER: Final = re.compile(r"(?<![目以之此最先今])([前后])(?:的|第|约|至少|不到)?$")
_CHANGE: Final = re.compile(
    r"(?:(?P<up>[上往向][上高]?调|升高?|增[加高多大]?|提高|上浮|上升|加[到至上]?|涨)|(?P<down>[下往向][下低]?调|降低?|减[少低轻去]?|调低|下浮|下降|掉))"
    r"[了约至到为大]{0,2}$"
)
_IN_PASSING: Final = frozenset(("after", "before", "ge"))
"""Bounds that are said in passing: 三天后, 满一岁; 以上 and 不超过 are not."""
_ONLY: Final = re.compile(r"才|方可|要满|须满|必须|除非")
_SAID_BEFORE: Final = 60
_PER_KG: Final = re.compile(r"公斤|千克|kg")
_STRENGTH: Final = re.compile(r"[里中]?(?:含|:)")


def check(case: Case) -> list[Signal]:
    """What is wrong with the amounts of an answer and with what it says comes first."""
    if len(case.answer.raw) > MAX_CHARS:
        return _unreadable(case)
    found = [*_unreadable(case), *_amounts(case)]
    told = [s for s in found if s.kind == "comparator"]
    found += [s for s in order(case) if not any(s.start - 2 <= t.end and t.start <= s.end + 2 for t in told)]
    return sorted(found, key=lambda signal: (signal.start, signal.end))


def _unreadable(case: Case) -> list[Signal]:
    """Numbers that are too long to be read, unless the evidence has them in the same digits."""
    if len(case.answer.folded) > MAX_CHARS:
        says = "答案太长，其后的数量没有核对。"
        return [Signal("quantity.unreadable", "quantity", MAX_CHARS, len(case.answer.folded), -1, 0, 0, 1.0, says)]
    for match in islice(_UNREADABLE.finditer(case.answer.folded), MAX_UNREADABLE):
        if not any(match[0] in reading.folded for reading in case.evidence):
            says = f"“{case.answer.raw[match.start() : match.end()][:20]}…”无法作为数读出，没有核对。"
            return [Signal("quantity.unreadable", "quantity", match.start(), match.end(), -1, 0, 0, 1.0, says)]
    return []


def _amounts(case: Case) -> list[Signal]:
    """At most one signal for each amount of the answer; none for what evidence, question or plain arithmetic gives."""
    amounts = [q for q in case.answer.quantities if q.role != "number"]
    if not amounts:
        return []
    if any(len(reading.quantities) >= MAX_AMOUNTS for reading in (case.answer, *case.evidence)):
        return [_too_many(amounts)]
    mine = facts_of(case.answer, QUESTION)
    theirs = [fact for number, reading in enumerate(case.evidence) for fact in facts_of(reading, number)]
    known = [fact for reading in (case.question, *case.heard) for fact in facts_of(reading, QUESTION)]
    if len(mine) * len(theirs) > MAX_PAIRS:
        return [_too_many(amounts)]
    found: list[Signal] = []
    absent: list[Comparison] = []
    standing: list[Quantity] = []
    for fact in mine:
        look = comparison(case, fact, theirs)
        equal = [(score, f) for score, f in look.ranked if same(look.fact, f)]
        equal = equal or [(score, f) for score, f in look.ranked if part_of(look.fact, f) == "end"]
        if equal and _is_other_rate(look, equal):
            equal = []
        if not equal and any(_is_known(look.fact, f) for f in known):
            standing.append(look.quantity)
        elif not equal:
            absent.append(look)
        else:
            standing.append(look.quantity)
            if signal := _compared(case, look, equal, (mine, known)):
                found.append(signal)
    if absent:
        found += absent_amounts(case, absent, standing, (mine, theirs, known))
    return found


def _is_known(fact: Fact, asked: Fact) -> bool:
    """Whether the question gives it; 多久一次 says nothing of how often."""
    if fact.based[0] == "rate" and asked.based[0] != "rate":
        return False
    return same(fact, asked) or part_of(fact, asked) == "end"


def _too_many(amounts: list[Quantity]) -> Signal:
    first, last = amounts[0], amounts[-1]
    says = "数量太多，没有逐一核对。"
    return Signal("quantity.too_many", "quantity", first.start, max(first.end, last.end), -1, 0, 0, 0.5, says)


def _is_other_rate(look: Comparison, equal: list[tuple[float, Fact]]) -> bool:
    """Whether the answer says how often, and only a duration elsewhere has that value."""
    if look.fact.based[0] != "rate" or any(f.based[0] == "rate" for _, f in equal):
        return False
    rate = next((score for score, f in look.ranked if f.based[0] == "rate"), 0.0)
    return rate > equal[0][0]


def _compared(
    case: Case, look: Comparison, equal: list[tuple[float, Fact]], said: tuple[list[Fact], list[Fact]]
) -> Signal | None:
    """What is wrong with an amount whose value the evidence has: what it is for, its comparator, its place."""
    quantity = look.quantity
    fitting = [(score, f) for score, f in equal if pers_agree(quantity, f.quantity)]
    if not fitting:
        said_before = case.answer.folded[max(0, quantity.start - _SAID_BEFORE) : quantity.start]
        if "kg" not in quantity.per and _PER_KG.search(said_before + _sentence(case, look.clause)):
            signal = changed_unit(look)
            return signal if signal and _is_nearer(look, signal, equal[0][0]) else None
        return _other_per(look, equal[0][1], case.answer.folded)
    if look.fact.based[0] == "rate" and (rates := [p for p in fitting if p[1].based[0] == "rate"]):
        fitting = rates
    return (
        _order(case, look, fitting)
        or _change(case, look, fitting[0][1])
        or _comparator(case, look, fitting)
        or _elsewhere(case, look, fitting[0], said)
    )


def _sentence(case: Case, clause: Clause) -> str:
    return "".join(c.text for c in case.answer.clauses if c.sentence == clause.sentence)


def _other_per(look: Comparison, fact: Fact, text: str) -> Signal | None:
    quantity, other = look.quantity, fact.quantity
    ahead = max(look.clause.start, quantity.start - 6)
    if match := PREFIXED.search(text, ahead, quantity.start):
        quantity = quantity._replace(start=match.start(), text=text[match.start() : quantity.end])
    mine, theirs = set(quantity.per), set(other.per)
    given = {"dose", "day"} <= mine ^ theirs
    says = f"答案“{quantity.text}”与原文“{other.text}”数值相同，但所按的单位不同（每次、每日、每公斤、每小时等）。"
    kind = "frequency" if quantity.unit == "times" else "unit"
    return finding("unit.per", kind, quantity, fact, 0.5 if given else 0.9, says)


def _order(case: Case, look: Comparison, ranked: list[tuple[float, Fact]]) -> Signal | None:
    """Before for after: 出疹前24小时 and 出疹后24小时."""
    mine = _side_in_time(case.answer.folded, look.quantity)
    if not mine:
        return None
    best = ranked[0]
    first = _side_in_time(case.evidence[best[1].source].folded, best[1].quantity)
    theirs = {
        _side_in_time(case.evidence[f.source].folded, f.quantity) for score, f in ranked if score >= best[0] - 0.15
    }
    if mine in theirs or first not in ("before", "after"):
        return None
    says = f"答案“{look.quantity.text}”与原文“{best[1].quantity.text}”前后相反。"
    strength = 0.9 if theirs <= {"before", "after"} else 0.5
    return finding("comparator.order", "comparator", look.quantity, best[1], strength, says)


def _change(case: Case, look: Comparison, fact: Fact) -> Signal | None:
    """Up for down: 上调4% and 下调4%."""
    if look.quantity.role in ("age", "weight", "frequency", "interval", "duration", "count", "date"):
        return None
    mine = _up_or_down(case.answer.folded, look.quantity)
    theirs = _up_or_down(case.evidence[fact.source].folded, fact.quantity)
    if mine is None or theirs is None or mine.lastgroup == theirs.lastgroup:
        return None
    quantity = look.quantity._replace(start=mine.start())
    says = f"答案“{look.quantity.text}”与原文“{fact.quantity.text}”一增一减。"
    return finding("comparator.change", "comparator", quantity, fact, 0.8, says)


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


def _comparator(case: Case, look: Comparison, ranked: list[tuple[float, Fact]]) -> Signal | None:
    quantity = look.quantity
    mine = direction(quantity.comparator)
    if not mine:
        return None
    facts = [fact for score, fact in ranked if score >= ranked[0][0] - 0.08]
    fact = facts[0]
    other = fact.quantity
    theirs = set().union(*(sides(f.quantity, quantity) for f in facts))
    if mine in theirs:
        if direction(other.comparator) == -mine and mine not in sides(other, quantity):
            says = f"与答案“{quantity.text}”最相近的原文“{other.text}”方向相反，别处的方向相同。"
            return finding("comparator.nearest", "comparator", quantity, fact, 0.2, says)
        pairs = {quantity.comparator, other.comparator}
        if pairs & STRICT and pairs & INCLUSIVE and direction(other.comparator) == mine:
            says = f"答案“{quantity.text}”与原文“{other.text}”对界限值本身是否包括说得不同。"
            rule = "comparator.strict_age" if quantity.role == "age" else "comparator.strict"
            lead = case.answer.folded[max(0, quantity.start - 3) : quantity.start]
            source = case.evidence[fact.source].folded
            is_copied = len(lead) == 3 and source[max(0, other.start - 3) : other.start] == lead
            return finding(rule, "comparator", quantity, fact, 0.45 if is_copied else 0.3, says)
        return None
    if 0 not in theirs:
        turned = _is_turned(case, look, [f for score, f in ranked if score >= ranked[0][0] - 0.3])
        strength = 0.45 if turned else 1.0
        rule = "comparator.turned" if turned else "comparator.reversed"
        if quantity.role in ("age", "weight") and not same(look.fact, fact):
            rule, strength = "comparator.edge", 0.3  # 不满5岁 beside 5~11岁
        also = next((score for score, f in ranked if mine in sides(f.quantity, quantity)), None)
        if also is not None:
            rule, strength = "comparator.either", min(0.9, strength * (0.3 + 1.5 * (ranked[0][0] - also)))
        if quantity.comparator == "ge" and quantity.role == "duration":
            strength *= 0.6
        says = f"答案“{quantity.text}”与原文“{other.text}”方向相反。"
        return finding(rule, "comparator", quantity, fact, strength, says)
    says = f"原文“{other.text}”没有答案“{quantity.text}”所说的界限。"
    if quantity.comparator in _IN_PASSING:
        return finding("comparator.passing", "comparator", quantity, fact, 0.12, says)
    return finding("comparator.added", "comparator", quantity, fact, 0.25, says)


def _is_turned(case: Case, look: Comparison, facts: list[Fact]) -> bool:
    """Whether the other side is negated: 未满16岁不得 is 满16岁才能; a short clause before may say so (不强制)."""
    clauses = case.answer.clauses
    mine = {_negations(look.clause.text)}
    if look.clause.number and len(clauses[look.clause.number - 1].text) < 6:
        mine.add(_negations(look.clause.text + clauses[look.clause.number - 1].text))
    if _ONLY.search(look.clause.text):
        mine.add(1 - _negations(look.clause.text))
    return any(mine - {_negations(_clause_text(case, fact))} for fact in facts[:4])


def _is_nearer(look: Comparison, signal: Signal, score: float) -> bool:
    """Whether what a signal points to stands nearer than what is equal."""
    return any(
        s > score + 0.12 and (f.source, f.quantity.start) == (signal.source, signal.evidence_start)
        for s, f in look.ranked[:6]
    )


def _head_of(case: Case, fact: Fact) -> str:
    reading = case.evidence[fact.source]
    return head_before(reading.folded, reading.clauses[fact.clause].start, fact.quantity.start)


def _negations(text: str) -> int:
    return len(_NEGATION.findall(text)) % 2


def _clause_text(case: Case, fact: Fact) -> str:
    return case.evidence[fact.source].clauses[fact.clause].text


def _elsewhere(
    case: Case, look: Comparison, equal: tuple[float, Fact], said: tuple[list[Fact], list[Fact]]
) -> Signal | None:
    """The value is in the evidence, but where the evidence speaks of this, another stands."""
    quantity = look.quantity
    unit = look.fact.based[0]
    mine, known = said
    if is_worked_out(case.answer, quantity.start, quantity.end) or unit.startswith("第"):
        return None
    if quantity.unit == "times" and quantity.written == (ONE,) and not quantity.per:
        return None
    if any(same(look.fact, f) for f in known):
        return None
    if (
        quantity.written != (ONE,)
        and quantity.role not in ("frequency", "age")
        and (signal := changed_unit(look))
        and _is_nearer(look, signal, equal[0])
    ):
        return signal._replace(check="unit.swapped", strength=0.6)
    head = head_before(case.answer.folded, look.clause.start, quantity.start)
    needed = 0.2 if same(look.fact, equal[1]) else 0.1  # the end of a range is not quite the same
    for score, fact in look.ranked[:6]:
        margin = score - equal[0]
        if margin < needed:
            return None
        other = fact.quantity
        if not are_alike(fact.based[0], unit) or other.role != quantity.role or not pers_agree(quantity, other):
            continue
        if _STRENGTH.match(case.evidence[fact.source].folded, other.end):
            continue
        if is_strength(case.evidence[fact.source], other):
            continue
        if part_of(look.fact, fact) or part_of(fact, look.fact) or any(same(f, fact) for f in mine):
            continue
        if head and head == _head_of(case, equal[1]) != _head_of(case, fact):
            return None
        says = f"原文说到此处的是“{other.text}”，答案的“{quantity.text}”在原文另一处。"
        if is_reckoned(case, quantity):
            return None
        kind = kind_of(quantity)
        verbatim = 0.2 if score > 1.2 else 0.0
        strength = min(0.9, 0.1 + margin + verbatim) * (0.5 if quantity.role in ("age", "weight") else 1.0)
        return finding(f"{kind}.elsewhere", kind, quantity, fact, strength, says)
    return None
