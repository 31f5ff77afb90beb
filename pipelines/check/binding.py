"""Is a value bound to what the evidence binds it to: its drug, illness, age, weight, way, case?

For a value or name of the answer that the evidence has too, all values of its kind there compete: whose company is most
like that of the answer's? Where another one wins clearly, the answer gives the right value to the wrong thing. A value
that has a better place elsewhere in the answer does not compete, unless the two are exchanged.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from fractions import Fraction
from typing import Final, NamedTuple

from pipelines.check.contexts import NAME_WEIGHT, Context, Item, context, grams, items
from pipelines.check.mentions import bounds, kinds_of
from pipelines.check.places import clause_of, names
from pipelines.check.reading import Reading
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
_QUESTION: Final = 0.3
_BARE_QUESTION: Final = 0.7  # where the answer says nothing but the value
_AGE: Final = 0.5
_NAMED: Final = 0.15
_BINDING: Final = ("drug", "vaccine", "route", "disease")
_NAMES: Final = ("drug", "vaccine", "disease", "food", "test", "route", "actor", "organ")
_LISTED: Final = ("term", "food", "test")
"""Groups that stand in lists, where any place is as good; only an exchange counts."""
_KINDS: Final = {"food": "entity", "test": "entity", "organ": "entity", "actor": "actor", "route": "route"}
_Rival = tuple[int, Reading, Item]


class _Candidate(NamedTuple):
    source: int
    reading: Reading
    item: Item
    company: Context


class _Contest(NamedTuple):
    """The candidates of a group, and how well each fits each member of the answer: `fits[member][candidate]`."""

    members: tuple[Item, ...]
    candidates: list[_Candidate]
    fits: list[list[float]]

    def best(self, member: int, value: str) -> tuple[float, int]:
        """How well a value fits a member at its best place, and the candidate there; -1 where there is none."""
        places = [(fit, i) for i, fit in enumerate(self.fits[member]) if self.candidates[i].item.value == value]
        return max(places, default=(0.0, -1))


def pairing(case: Case) -> list[Signal]:
    """Values and names of the answer whose company in the evidence is another."""
    found = []
    for members, rivals in _groups(case):
        if all(_is_copied(case, member) for member in members[:MAX_CANDIDATES]):
            continue
        contest = _contest(case, members[:MAX_CANDIDATES], rivals[:MAX_CANDIDATES])
        if contest is None:
            continue
        for number in range(len(contest.members)):
            if signal := _judged(case, contest, number):
                found.append(signal)
    return found


def _is_copied(case: Case, member: Item) -> bool:
    """Whether it stands in the evidence behind the same words."""
    folded = case.answer.folded
    copied = folded[max(0, member.start - _COPIED) : member.end]
    return len(copied) == _COPIED + member.end - member.start and any(copied in r.folded for r in case.evidence)


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
    shared = {member.value for member in members} & values
    if len(values) < 2 or not shared or (len(shared) < 2 and members[0].group in _LISTED):
        return None
    candidates = [_Candidate(s, r, item, context(r, item)) for s, r, item in rivals]
    seen: Counter[str] = Counter()
    for each in candidates:
        seen.update(each.company.words)
    n = len(candidates)
    weights = {word: math.log((n + 0.5) / count) * _size(word) for word, count in seen.items() if count < n}
    return _Contest(members, candidates, [_fits(case, member, candidates, weights) for member in members])


def _size(word: str) -> float:
    return NAME_WEIGHT if word[0] == "=" else 0.5 * len(word)


def _fits(case: Case, member: Item, candidates: list[_Candidate], weights: dict[str, float]) -> list[float]:
    own = context(case.answer, member)
    words = {word: level for word, level in own.words.items() if word in weights}
    level = _BARE_QUESTION if sum(own.words.values()) < 6 else _QUESTION
    for word in (*grams(case.question.folded), *(f"={mention.key}" for mention in case.question.mentions)):
        if word in weights:
            words[word] = max(words.get(word, 0.0), level)
    whole = max(2.0, sum(weights[word] * level for word, level in words.items()))
    band = own.band or _asked(case.question, "age:")
    weight = own.weight or _asked(case.question, "weight:")
    made = []
    for each in candidates:
        theirs = each.company.words
        score = sum(weights[w] * level * theirs[w] for w, level in words.items() if w in theirs) / whole
        score += _AGE * (_within(band, each.company.band) + _within(weight, each.company.weight))
        if member.per and each.item.per:
            score += _NAMED if member.per == each.item.per else -_NAMED
        made.append(score + _NAMED * _named(own, each.company, member.group))
    return made


def _judged(case: Case, contest: _Contest, number: int) -> Signal | None:
    member, row = contest.members[number], contest.fits[number]
    same, place = contest.best(number, member.value)
    if place < 0 or _is_beside_the_point(case.answer, member):
        return None
    home = contest.candidates[place].item
    is_amount = _is_amount(member.group)
    needed = MIN_MARGIN if is_amount else 2 * MIN_MARGIN
    asked = {item.value for item in items(case.question).get(member.group, ())}
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
        if gain is None and member.group not in _LISTED and theirs.item.sort in (home.sort, member.sort):
            rule = "value" if is_amount else member.group.partition(" ")[0]
            return _signal(case, member, theirs, rule, min(1.0, margin * 1.5))
        if gain is not None and margin + gain > 1.5 * MIN_MARGIN:
            return _signal(case, member, theirs, "swap", min(1.0, (margin + gain) * 1.5))
    return None


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


def _within(ours: tuple[Fraction, Fraction] | None, theirs: tuple[Fraction, Fraction] | None) -> float:
    """1 where our band lies in theirs, -1 where they have nothing in common, 0 for unknown, little for partly."""
    if ours is None or theirs is None:
        return 0.0
    if theirs[0] <= ours[0] and ours[1] <= theirs[1]:
        return 1.0
    return -1.0 if ours[1] <= theirs[0] or theirs[1] <= ours[0] else 0.2


def _named(ours: Context, theirs: Context, group: str) -> float:
    """By how many types of names the two agree, less those by which they differ."""
    balance = 0.0
    for type_ in _BINDING:
        if type_ != group and (mine := ours.names.get(type_)) and (other := theirs.names.get(type_)):
            balance += 1.0 if mine & other else -1.0
    return balance


def _asked(question: Reading, kind: str) -> tuple[Fraction, Fraction] | None:
    """The one age or weight that the question names, None where there are several."""
    known = [band for m in question.mentions if m.key.startswith(kind) and (band := bounds(m.key))]
    return known[0] if len(known) == 1 else None
