"""For whom it holds: is age, sex, condition the evidence's? What holds for a band holds for a part of it."""

from __future__ import annotations

import functools
import re
from fractions import Fraction
from typing import Final

from pipelines.check.mentions import OPPOSITES, Mention, bounds
from pipelines.check.places import clause_of, names
from pipelines.check.reading import Reading
from pipelines.check.signals import Case, Signal
from pipelines.check.slots import Rival, rival
from pipelines.check.support import beside, known, own_names

_Band = tuple[Fraction, Fraction]
_MOST = 10**6
MIN_AGE_MARGIN, MIN_AGED, MIN_COPIED, MIN_LIMITED = 0.2, 0.25, 0.4, 0.5
_VAGUE: Final = frozenset(("儿童", "age:0-12", "age:0-36", "age:0-1", "家庭成员"))  # said of anyone
_GROUPS: Final = "男|女|城市|农村|早产|足月|成人|儿童|小儿"
_ORDER: Final = re.compile(
    rf"(?P<one>{_GROUPS})[孩童婴性生儿的]{{0,3}}(?:发病|患病|患者|发生率?|明显|比例){{0,2}}"
    rf"(?:(?P<more>[多少高低大小强弱快慢早晚])于(?P<other>{_GROUPS})"
    rf"|[比较](?P<than>{_GROUPS})[孩童婴性生儿的]{{0,3}}(?:要|更|明显|发病率?|常见|容易|得){{0,3}}"
    rf"(?P<how>[多少高低大小强弱快慢早晚]))"
)
_DIGITS = frozenset("0123456789一二两三四五六七八九十半零")


def population(case: Case) -> list[Signal]:
    """Ages, sexes and conditions of the answer that no text known to it has, or that are wider than there."""
    found = []
    for mention in own_names(case, "population"):
        if mention.key in OPPOSITES:
            signal = _opposite(case, mention)
        elif mention.key.startswith("grade:"):
            signal = _grade(case, mention)
        elif bounds(mention.key):
            signal = _interval(case, mention) or _aged(case, mention) or _limited(case, mention)
        else:
            signal = _who(case, mention)
        if signal := signal or _misplaced(case, mention):
            found.append(signal)
    return [*found, *_orders(case)]


def _who(case: Case, mention: Mention) -> Signal | None:
    """A group of persons that nobody named."""
    if mention.key in _VAGUE or mention.key.startswith("condition:") or known(case.known).has(mention):
        return None
    return _signal("population.absent", mention, (-1, 0, 0), 0.3, f"原文和问题都没有提到“{_said(case, mention)}”。")


def _misplaced(case: Case, mention: Mention) -> Signal | None:
    """A group of persons or a condition where the evidence has another that the answer does not have there."""
    better = rival(case, mention)
    if not better or bounds(mention.key) or mention.key.startswith("grade"):
        return None
    other = better.slot.mention
    is_pair = OPPOSITES.get(mention.key) == other.key
    if better.margin < (0.1 if is_pair else 0.25) or (not is_pair and _VAGUE & {mention.key, other.key}):
        return None
    rule = "population.swap" if better.is_said else "population.slot"
    says = f"答案说的对象是“{_said(case, mention)}”，原文相应处是“{_theirs(case, better)}”。"
    place = (better.slot.source, other.start, other.end)
    return _signal(rule, mention, place, min(1.0, 0.2 + better.margin), says)


def _orders(case: Case) -> list[Signal]:
    """男孩多于女孩 told the other way round."""
    theirs = {order: (s, m) for s, r in enumerate(case.evidence) for order, m in _compared(r)}
    found = []
    for (one, other, more), match in _compared(case.answer):
        if (one, other, more) in theirs or (other, one, not more) in theirs:
            continue
        for turned in ((other, one, more), (one, other, not more)):
            if turned in theirs:
                source, place = theirs[turned]
                says = f"答案说“{match[0]}”，原文是“{place[0]}”。"
                at = (source, place.start(), place.end())
                found.append(Signal("population.order", "population", match.start(), match.end(), *at, 0.9, says))
                break
    return found


@functools.lru_cache(maxsize=256)
def _compared(reading: Reading) -> tuple[tuple[tuple[str, str, bool], re.Match[str]], ...]:
    """Who is said to be more than whom."""
    found = []
    for match in _ORDER.finditer(reading.folded):
        one, other = match["one"][0], (match["other"] or match["than"])[0]
        if one != other:
            found.append(((one, other, (match["more"] or match["how"]) in "多高大强快早"), match))
    return tuple(found)


def _said(case: Case, mention: Mention) -> str:
    return case.answer.raw[mention.start : mention.end]


def _theirs(case: Case, better: Rival) -> str:
    return case.evidence[better.slot.source].raw[better.slot.mention.start : better.slot.mention.end]


def _interval(case: Case, mention: Mention) -> Signal | None:
    kind = mention.key.partition(":")[0]
    band = _band(mention, kind)
    theirs, asked = _bands(case.evidence, kind), _bands((case.question, *case.heard), kind)
    if band is None or band in asked or band in theirs or (kind == "weight" and band[0] == band[1]):
        return None
    ends = {end for other in theirs | asked for end in other} | (_months(case.known) if kind == "age" else frozenset())
    is_new = not _ends(band) <= ends
    near = [(s, m, score, other) for s, m, score in beside(case, mention) if (other := _band(m, kind))]
    better = rival(case, mention)
    if better and better.margin >= MIN_AGE_MARGIN and not near:
        slot = better.slot
        near = [(slot.source, slot.mention, better.fit, other)] if (other := _band(slot.mention, kind)) else []
    near = [each for each in near if _DIGITS & set(each[1].text)] or near
    if any(_holds(other, band) or _ends(other) >= _ends(band) for *_, other in near):
        return None
    is_point, is_part = band[0] == band[1], any(_holds(other, band) for other in theirs)
    is_limit = len(_ends(band)) == 1 and not is_point
    if (not is_new and (is_point or not near)) or (is_part and (is_point or not (near or is_limit))):
        return None
    said = case.answer.raw[mention.start : mention.end]
    if near:
        source, each, score, _ = near[0]
        words = case.evidence[source].raw[each.start : each.end]
        says = f"答案说的对象是“{said}”，原文相应处是“{words}”。"
        strength = min(1.0, (0.4 if is_new else 0.2) + 0.5 * score)
        return _signal("population.interval", mention, (source, each.start, each.end), strength, says)
    if not _DIGITS & set(mention.text):
        return None
    says = f"原文没有“{said}”这个{'年龄' if kind == 'age' else '体重'}界限。"
    return _signal("population.interval", mention, (-1, 0, 0), 0.3 if is_part else 0.4, says)


def _aged(case: Case, mention: Mention) -> Signal | None:
    """An age or weight that the evidence has for something else, where it has another limit."""
    band, better = bounds(mention.key), rival(case, mention)
    if (
        not better
        or not band
        or better.is_said
        or better.margin < MIN_AGED
        or mention.key.startswith("weight")
        or not _DIGITS & set(mention.text)
    ):
        return None
    other = bounds(better.slot.mention.key)
    asked = {m.key for reading in (case.question, *case.heard) for m in reading.mentions}
    if not other or _holds(other, band) or band[0] == band[1] or other[0] == other[1] or mention.key in asked:
        return None
    if any(abs(one - end) <= 1 for one in _ends(band) for end in _ends(other)):
        return None
    says = f"答案说的对象是“{_said(case, mention)}”，原文相应处是“{_theirs(case, better)}”。"
    place = (better.slot.source, better.slot.mention.start, better.slot.mention.end)
    return _signal("population.age", mention, place, min(1.0, 0.1 + better.margin), says)


def _limited(case: Case, mention: Mention) -> Signal | None:
    """An age below or above which it holds, where the clause it is taken from has another on the same side."""
    band = bounds(mention.key)
    if not band or not mention.key.startswith("age:") or not _DIGITS & set(mention.text) or len(_ends(band)) != 1:
        return None
    clause, limit = clause_of(case.answer, mention.start), next(iter(_ends(band)))
    said = [b for r in (case.question, *case.heard) for m in r.mentions if (b := bounds(m.key))]
    asked = {end for each in said for end in _ends(each)}
    for match in case.alignment[clause.number][:1]:
        there = names(case.evidence[match.source]).get(match.clause, ())
        bands = [(m, b) for m in there if m.key.startswith("age:") and (b := bounds(m.key))]
        if (
            match.score < MIN_LIMITED
            or limit in asked
            or any(2 * abs(end - limit) <= 1 for _, each in bands for end in each)
        ):
            continue
        for other, theirs in bands:
            if len(_ends(theirs)) == 1 and (theirs[0] == 0) == (band[0] == 0) and theirs[0] != theirs[1]:
                words = case.evidence[match.source].raw[other.start : other.end]
                says = f"答案的年龄界限是“{_said(case, mention)}”，原文相应处是“{words}”。"
                place = (match.source, other.start, other.end)
                return _signal("population.limit", mention, place, min(1.0, match.score), says)
    return None


def _band(mention: Mention, kind: str) -> _Band | None:
    return bounds(mention.key) if mention.key.startswith(f"{kind}:") else None


@functools.lru_cache(maxsize=512)
def _bands(readings: tuple[Reading, ...], kind: str) -> frozenset[_Band]:
    return frozenset(band for r in readings for m in r.mentions if (band := _band(m, kind)))


def _holds(wide: _Band, narrow: _Band) -> bool:
    return wide[0] <= narrow[0] and narrow[1] <= wide[1]


def _ends(band: _Band) -> set[Fraction]:
    """Its limits: what is under twelve and what is over it share one, and which is meant is another check's matter."""
    return {end for end in band if 0 < end < _MOST}


@functools.lru_cache(maxsize=512)
def _months(readings: tuple[Reading, ...]) -> frozenset[Fraction]:
    """All ends of times in months: a limit of age may be said as a time."""
    found = (q for r in readings for q in r.quantities if q.unit == "month")
    return frozenset(end for q in found for end in (q.low, q.high) if end is not None)


def _grade(case: Case, mention: Mention) -> Signal | None:
    """A class, grade, type or stage where the evidence has others only."""
    start = mention.key[: mention.key.rindex(":") + 1]
    is_limit = case.answer.folded[mention.end : mention.end + 3].startswith(("以上", "及以上", "以下", "及以下"))
    there = _steps(case.evidence if is_limit else case.known, start)
    if not there or _range(mention.key) <= there:
        return None
    said = case.answer.raw[mention.start : mention.end]
    for source, other, score in beside(case, mention):
        if other.key.startswith(start):
            words = case.evidence[source].raw[other.start : other.end]
            says = f"答案写的是“{said}”，原文相应处是“{words}”。"
            place = (source, other.start, other.end)
            return _signal("population.grade", mention, place, min(1.0, 0.5 + 0.4 * score), says)
    return _signal("population.grade", mention, (-1, 0, 0), 0.45, f"原文没有“{said}”，只有别的类别或级别。")


@functools.lru_cache(maxsize=512)
def _steps(readings: tuple[Reading, ...], start: str) -> frozenset[int]:
    keys = {m.key for r in readings for m in r.mentions if m.key.startswith(start)}
    return frozenset(step for key in keys for step in _range(key))


def _range(key: str) -> set[int]:
    low, _, high = key.rpartition(":")[2].partition("-")
    return set(range(int(low), int(high) + 1))


def _opposite(case: Case, mention: Mention) -> Signal | None:
    """A condition where the evidence has its opposite, or that nobody has."""
    is_known = known(case.known).has(mention)
    near = beside(case, mention)
    own = {m.key for m in own_names(case)}
    if signal := _aligned_opposite(case, mention):
        return signal
    if is_known and any(m.key == mention.key or m.key in own for _, m, _ in near):
        return None
    said = case.answer.raw[mention.start : mention.end]
    for source, other, score in near:
        if other.key == OPPOSITES[mention.key]:
            words = case.evidence[source].raw[other.start : other.end]
            says = f"答案说的对象是“{said}”，原文相应处是“{words}”。"
            strength = min(1.0, (0.2 if is_known else 0.5) + 0.5 * score)
            return _signal("population.other", mention, (source, other.start, other.end), strength, says)
    return _who(case, mention)


def _aligned_opposite(case: Case, mention: Mention) -> Signal | None:
    """Where the clause is nearly taken over, and its source has the opposite in it, and not this."""
    clause = clause_of(case.answer, mention.start)
    here = {m.key for m in names(case.answer).get(clause.number, ())}
    for match in case.alignment[clause.number][:1]:
        there = names(case.evidence[match.source]).get(match.clause, ())
        keys = {m.key for m in there}
        opposite = OPPOSITES[mention.key]
        if match.score < MIN_COPIED or mention.key in keys or opposite in here or opposite not in keys:
            continue
        other = next(m for m in there if m.key == opposite)
        words = case.evidence[match.source].raw[other.start : other.end]
        says = f"答案说的对象是“{_said(case, mention)}”，原文相应处是“{words}”。"
        place = (match.source, other.start, other.end)
        return _signal("population.opposite", mention, place, min(1.0, match.score), says)
    return None


def _signal(check: str, mention: Mention, place: tuple[int, int, int], strength: float, says: str) -> Signal:
    return Signal(check, "population", mention.start, mention.end, *place, strength, says)
