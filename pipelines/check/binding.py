"""Is a value bound to what the evidence binds it to: its drug, illness, age, weight, way, case?

For a value or name of the answer that the evidence has too, all values of its kind there compete: whose company is most
like that of the answer's? Where another one wins clearly, the answer gives the right value to the wrong thing. A value
that has a better place elsewhere in the answer does not compete, unless the two are exchanged.
"""

from __future__ import annotations

import functools
import math
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Final, NamedTuple

from pipelines.check.comparisons import is_reckoned, is_worked_out
from pipelines.check.facets import facets
from pipelines.check.grades import grade
from pipelines.check.items import Item, grams, items
from pipelines.check.mentions import kinds_of
from pipelines.check.places import clause_of, names
from pipelines.check.reading import Reading
from pipelines.check.records import BINDING, Context, agreement, asked_band, context, within
from pipelines.check.signals import Case, Signal
from pipelines.check.support import acts
from pipelines.check.terms import families, places

MIN_MARGIN: Final = 0.12
"""By which another value must fit better, as a share of what tells the candidates apart."""
MAX_RATIO: Final = 200.0
MAX_TIMES: Final = 15.0
MIN_FIT: Final = 0.2
MAX_CANDIDATES: Final = 60
_COPIED: Final = 12
"""Characters before a value that an answer has in common with the evidence only by taking its place over too."""
_COPIED_LEAD: Final = 5
"""Characters of a clause before a value that are copied with it."""
_QUESTION: Final = 0.3
_BARE_QUESTION: Final = 0.7  # where the answer says nothing but the value
_AGE: Final = 0.5
_NAMED: Final = 0.15
NAME_WEIGHT: Final = 3.0
"""Of a name beside that of a pair of characters: a name is one pair's worth in any spelling."""
_SIDE: Final = 0.12
_HEAD: Final = 0.15
_EXCEPTION: Final = 0.8
_EXCEPTION_CHARS: Final = 40
_DENIAL: Final = 0.08
_COVERED: Final = 0.2
_TOLD_APART: Final = 0.2
"""How much surer an objection is that names its reason."""
_TAKEN_OVER: Final = 0.6
_FACET: Final = 1.6
_NAMES: Final = ("drug", "vaccine", "disease", "food", "test", "route", "actor", "organ")
_LISTED: Final = ("term", "food", "test")
"""Groups that stand in lists, where any place is as good; only an exchange counts."""
_KINDS: Final = {"food": "entity", "test": "entity", "organ": "entity", "actor": "actor", "route": "route"}
_WHYS: Final = ("age", "weight", "facet", *BINDING)
_Rival = tuple[int, Reading, Item]


class _Candidate(NamedTuple):
    source: int
    reading: Reading
    item: Item
    company: Context


class _Contest:
    """The candidates of a group, and how well each fits each member of the answer."""

    def __init__(self, case: Case, members: tuple[Item, ...], candidates: list[_Candidate]) -> None:
        self.case, self.members, self.candidates = case, members, candidates
        self._fits: dict[int, list[float]] = {}
        leads = [[(pair, 1.0) for pair in c.company.lead] for c in candidates] if _is_amount(members[0].group) else []
        self.rare = _weights(leads) if leads else {}

    def fits(self, member: int) -> list[float]:
        """How well each candidate fits a member; reckoned when it is asked for."""
        if member not in self._fits:
            self._fits[member] = _fits(self.case, self.members[member], self.candidates, self.rare)
        return self._fits[member]

    def best(self, member: int, value: str) -> tuple[float, int]:
        """How well a value fits a member at its best place, and the candidate there; -1 where there is none."""
        places = [(fit, i) for i, fit in enumerate(self.fits(member)) if _has(self.candidates[i].item.value, value)]
        return max(places, default=(0.0, -1))


def _has(there: str, value: str) -> bool:
    """Whether a value, or a range that it ends, is the value."""
    return there == value or ("~" in there and value in there.split("~"))


def pairing(case: Case) -> list[Signal]:
    """Values and names of the answer whose company in the evidence is another."""
    found = grade(case)
    for members, rivals in _groups(case):
        members = members[:MAX_CANDIDATES]
        own = [i for i, member in enumerate(members) if not _is_copied(case, member)]
        contest = _contest(case, members, rivals[:MAX_CANDIDATES]) if own else None
        if contest is None:
            continue
        for number in own:
            if signal := _judged(case, contest, number):
                found.append(signal)
    return found


def _is_copied(case: Case, member: Item) -> bool:
    """Whether it stands in the evidence behind the same words."""
    folded = case.answer.folded
    copied = folded[max(0, member.start - _COPIED) : member.end]
    if len(copied) == _COPIED + member.end - member.start and any(copied in r.folded for r in case.evidence):
        return True
    copied = folded[clause_of(case.answer, member.start).start : member.end]
    lead = sum("\u4e00" <= c <= "\u9fff" for c in copied[: member.start - member.end])
    return lead >= _COPIED_LEAD and any(copied in r.folded for r in case.evidence)


def _groups(case: Case) -> Iterator[tuple[tuple[Item, ...], list[_Rival]]]:
    """What could be exchanged: what the answer has of each group, and what the evidence has."""
    for group, members in list(items(case.answer).items())[:MAX_CANDIDATES]:
        if _is_amount(group) or group in _NAMES or group.startswith("pair "):
            yield members, _rivals(case, group, members)
    for terms in families(case.evidence):
        if members := places(case.answer, terms):
            yield members, [(s, r, item) for s, r in enumerate(case.evidence) for item in places(r, terms)]


def _rivals(case: Case, group: str, members: tuple[Item, ...]) -> list[_Rival]:
    """What the evidence has of a group; of amounts all of the unit or of none, where the group has no such value."""
    found = [(s, r, item) for s, r in enumerate(case.evidence) for item in items(r).get(group, ())]
    values = {item.value for *_, item in found}
    if not _is_amount(group) or any(member.value in values for member in members):
        return found
    unit = group.split(":")[1]
    return [
        (s, r, item)
        for s, r in enumerate(case.evidence)
        for other, each in items(r).items()
        if _is_amount(other) and other.split(":")[1] in (unit, "")
        for item in each
    ]


def _is_amount(group: str) -> bool:
    return ":" in group and not group.startswith("pair ")


def _contest(case: Case, members: tuple[Item, ...], rivals: list[_Rival]) -> _Contest | None:
    values = {item.value for *_, item in rivals}
    shared = {member.value for member in members if any(_has(value, member.value) for value in values)}
    if len(values) < 2 or not shared or (len(shared) < 2 and members[0].group in _LISTED):
        return None
    candidates = [_Candidate(s, r, item, context(r, item)) for s, r, item in rivals]
    return _Contest(case, members, candidates)


def _fits(case: Case, member: Item, candidates: list[_Candidate], rare: dict[str, float]) -> list[float]:
    own = context(case.answer, member)
    words = dict(own.words)
    level = _BARE_QUESTION if sum(own.words.values()) < 6 else _QUESTION
    for word in _asked_words(case.question):
        if words.get(word, 0.0) < level:
            words[word] = level
    shared = [[(w, t[w]) for w in words.keys() & t.keys()] for t in (each.company.words for each in candidates)]
    weights = _weights(shared)
    whole = max(2.0, math.fsum(weight * words[word] for word, weight in weights.items()))
    said = frozenset(words)
    is_amount = _is_amount(member.group)
    record = _Record.of(case.question, own)
    made = []
    for each, mine in zip(candidates, shared, strict=True):
        theirs = each.company
        score = math.fsum(weights[w] * words[w] * level for w, level in mine) / whole
        score += _AGE * (within(record.band, theirs.band) + within(record.weight, theirs.weight))
        if member.per and each.item.per:
            score += _NAMED if member.per == each.item.per else -_NAMED
        if own.side:
            score += _SIDE if own.side == theirs.side else -_SIDE if theirs.side else 0.0
        if is_amount:
            lead = math.fsum(rare.get(pair, 0.0) for pair in theirs.lead)
            score += _COVERED * (math.fsum(rare.get(pair, 0.0) for pair in theirs.lead & said) / (3 + lead))
            if theirs.exception and _excepts(each, candidates, member.value):
                score += _EXCEPTION if theirs.exception <= said else -_NAMED
            score += 0.0 if own.denied == theirs.denied else -_DENIAL
            score += _HEAD if own.head and own.head == theirs.head else 0.0
        made.append(round(score + _NAMED * record.balance(theirs, member.group), 9))
    return made


def _excepts(exception: _Candidate, candidates: list[_Candidate], value: str) -> bool:
    """Whether a candidate in brackets has the value, or is the exception to one that has it right before."""
    return _has(exception.item.value, value) or any(
        each.reading is exception.reading
        and 0 < exception.item.start - each.item.end < _EXCEPTION_CHARS
        and _has(each.item.value, value)
        for each in candidates
    )


def _weights(candidates: Sequence[Sequence[tuple[str, float]]]) -> dict[str, float]:
    """Word → how well it tells the candidates apart: the fewer have it, and the less near, the more."""
    top = math.log(len(candidates) + 0.5)
    mass: dict[str, float] = {}
    for words in candidates:
        for word, level in words:
            mass[word] = mass.get(word, 0.0) + level
    return {
        word: max(0.0, top - math.log(max(level, 0.5))) * (NAME_WEIGHT if word[:1] == "=" else 0.5 * len(word))
        for word, level in mass.items()
    }


@functools.lru_cache(maxsize=256)
def _asked_words(question: Reading) -> tuple[str, ...]:
    return (*grams(question.folded), *(f"={mention.key}" for mention in question.mentions))


class _Record(NamedTuple):
    """What a member is said of, completed by the question.

    Attributes:
        names: Type → keys, of its own clause.
        further: The same, from its sentence or else the question.
    """

    band: tuple[Fraction, Fraction] | None
    weight: tuple[Fraction, Fraction] | None
    names: dict[str, frozenset[str]]
    further: dict[str, frozenset[str]]

    @staticmethod
    def of(question: Reading, own: Context) -> _Record:
        """The record of a member."""
        return _Record(
            own.band or asked_band(question, "age:"),
            own.weight or asked_band(question, "weight:"),
            own.names,
            {**_asked_names(question), **own.inherited},
        )

    def balance(self, theirs: Context, group: str) -> float:
        """By how many types of names the two agree, less those by which they differ; what is taken over counts less."""
        found = 0.0
        for type_ in (self.names.keys() | self.further.keys()) & (theirs.names.keys() | theirs.inherited.keys()):
            if type_ == group or (type_ not in BINDING and type_[:5] != "facet"):
                continue
            mine, other = self.names.get(type_), theirs.names.get(type_)
            share = (1.0 if mine else _TAKEN_OVER) * (1.0 if other else _TAKEN_OVER)
            share *= _FACET if type_[:5] == "facet" else 1.0
            found += share * agreement(mine or self.further[type_], other or theirs.inherited[type_], type_)
        return found

    def parted(self, theirs: Context, group: str) -> frozenset[str]:
        """In what the two exclude each other: `age`, `weight`, types of names."""
        found = {"age"} if within(self.band, theirs.band) < 0 else set()
        found |= {"weight"} if within(self.weight, theirs.weight) < 0 else set()
        for type_ in (
            *BINDING,
            *(t for t in self.names if t[:5] == "facet"),
            *(t for t in self.further if t[:5] == "facet"),
        ):
            mine = self.names.get(type_) or self.further.get(type_)
            other = theirs.names.get(type_) or theirs.inherited.get(type_)
            if type_ != group and mine and other and agreement(mine, other, type_) < 0:
                found.add("facet" if type_[:5] == "facet" else type_)
        return frozenset(found)


@functools.lru_cache(maxsize=256)
def _asked_names(question: Reading) -> dict[str, frozenset[str]]:
    """Type → keys, of the types of which the question names one thing."""
    found: dict[str, set[str]] = {}
    for facet in facets(question):
        found.setdefault(facet.type, set()).add(facet.key)
    one = {type_: frozenset(keys) for type_, keys in found.items() if len(keys) == 1}
    for type_ in BINDING:
        named = {m.key for m in question.mentions if m.type == type_}
        if len(named) == 1 and type_ != "population":
            one[type_] = frozenset(kinds_of(named.pop()))
    return one


def _judged(case: Case, contest: _Contest, number: int) -> Signal | None:
    member, row = contest.members[number], contest.fits(number)
    same, place = contest.best(number, member.value)
    is_amount = _is_amount(member.group)
    if place < 0 or _is_beside_the_point(case.answer, member):
        return None
    if is_amount and is_worked_out(case.answer, member.start, member.end):
        return None
    home = contest.candidates[place]
    needed = MIN_MARGIN if is_amount else 2 * MIN_MARGIN
    asked = {item.value for item in items(case.question).get(member.group, ())}
    if member.value in asked:
        return None
    for fit, i in sorted(((fit, i) for i, fit in enumerate(row)), reverse=True):
        theirs, margin = contest.candidates[i], fit - same
        if margin < needed or fit < MIN_FIT:
            return None
        if (
            _alike(theirs.item, member)
            or _is_far(theirs.item, member)
            or _is_asked(theirs)
            or theirs.item.value in asked
        ):
            continue
        gain = _gain(contest, member, theirs.item.value)
        if gain is None and member.group not in _LISTED and theirs.item.sort in (home.item.sort, member.sort):
            if is_amount and _is_reckoned(case, member):
                return None
            rule = _rule(case, member, home, theirs) if is_amount else member.group.partition(" ")[0]
            told_apart = _TOLD_APART if rule.startswith("by_") else 0.0
            return _signal(case, member, theirs, rule, min(1.0, told_apart + margin * 1.5))
        if gain is not None and margin + gain > 1.5 * MIN_MARGIN:
            return _signal(case, member, theirs, "swap", min(1.0, (margin + gain) * 1.5))
    return None


def _is_reckoned(case: Case, member: Item) -> bool:
    amounts = case.answer.quantities
    at = bisect_left(amounts, member.start, key=lambda q: q.start)
    return at < len(amounts) and amounts[at].start == member.start and is_reckoned(case, amounts[at])


def _rule(case: Case, member: Item, home: _Candidate, rival: _Candidate) -> str:
    """By what the place of the answer's value is parted from the answer, and the rival's is not: `age`, `drug` …"""
    record = _Record.of(case.question, context(case.answer, member))
    parted = record.parted(home.company, member.group) - record.parted(rival.company, member.group)
    if why := next((why for why in _WHYS if why in parted), ""):
        return f"by_{why}"
    role, unit = member.group.split(":")[:2]
    if role in ("age", "frequency"):
        return f"value_{role}"
    return "value_time" if unit == "minute" else "value" if unit else "value_bare"


def _acts(reading: Reading, item: Item) -> bool:
    here = names(reading).get(clause_of(reading, item.start).number, ())
    return any(m.start == item.start and acts(reading, m) > 0 for m in here)


def _gain(contest: _Contest, member: Item, value: str) -> float | None:
    """How much better than its own the member's value fits another member that has `value`; None where none has."""
    gains = [
        contest.best(i, member.value)[0] - contest.best(i, value)[0]
        for i, holder in enumerate(contest.members)
        if holder.value == value
    ]
    return max(gains, default=None)


def _alike(one: Item, other: Item) -> bool:
    """Whether both say the same, or one more widely; ages with a common limit are told apart elsewhere."""
    if one.group.startswith("age") and set(one.value.split("~")) & set(other.value.split("~")):
        return True
    return one.value == other.value or (
        not _is_amount(one.group) and (one.value in kinds_of(other.value) or other.value in kinds_of(one.value))
    )


def _is_asked(candidate: _Candidate) -> bool:
    """Whether it stands in a question (早产吗), as in consultations: nobody says it."""
    return clause_of(candidate.reading, candidate.item.start).text.endswith(("吗", "么", "没有", "呢"))


def _is_far(one: Item, other: Item) -> bool:
    """Whether two amounts are of such different size that nobody takes one for the other."""
    if not _is_amount(one.group):
        return False
    low, high = sorted(float(Fraction(item.value.partition("~")[0])) for item in (one, other))
    return low > 0 and high / low > (MAX_TIMES if ":minute" in one.group else MAX_RATIO)


def _is_beside_the_point(reading: Reading, item: Item) -> bool:
    """Whether it is a weight, an age that another amount of its clause is said of, or a body that does nothing."""
    if item.group == "actor":
        return not _acts(reading, item)
    if not item.group.startswith(("age", "weight")):
        return False
    clause = clause_of(reading, item.start)
    return item.group.startswith("weight") or any(
        clause.start <= q.start < clause.end and q.start != item.start and q.role not in ("age", "weight", "number")
        for q in reading.quantities
    )


def _signal(case: Case, member: Item, other: _Candidate, rule: str, strength: float) -> Signal:
    kind = "population" if rule == "pair" else _KINDS.get(member.group, "pairing")
    said, theirs = case.answer.raw[member.start : member.end], other.reading.raw[other.item.start : other.item.end]
    clause = clause_of(other.reading, other.item.start)
    says = f"“{said}”在原文中属于别的对象或情形；与此处相应的原文“{clause.text[:60]}”给的是“{theirs}”。"
    place = (other.source, other.item.start, other.item.end)
    return Signal(f"pairing.{rule}", kind, member.start, member.end, *place, strength, says)
