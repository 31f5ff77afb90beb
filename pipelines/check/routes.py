"""By which way a drug is given: is it the evidence's way?"""

from __future__ import annotations

import functools
import re
from typing import Final

from pipelines.check.mentions import Mention, kinds_of
from pipelines.check.places import clause_of
from pipelines.check.reading import Reading
from pipelines.check.signals import Case, Signal
from pipelines.check.slots import rival
from pipelines.check.support import beside, denied, denied_after, kin, own_names

_LOOSE: Final = frozenset((*"吃喝喂服抹擦涂喷吸", "漱口", "注射", "打针", "滴注", "吸入", "肌肉", "静脉"))
"""Words that name a way only by the way."""
MIN_MARGIN: Final = 0.1
MAX_WAYS: Final = 40
_IMPLIED: Final = {
    "oral": re.compile(r"口服|服用|片|胶囊|颗粒|餐|饭|顿服|混悬|糖浆|冲服|吃|喝|[内分送嚼]服|服"),
    "topical": re.compile(r"外用|膏|霜|洗剂|凝胶|搽|涂|护臀|皮肤|患处"),
    "inhale": re.compile(r"雾化|气雾|吸入|储雾|粉雾"),
    "nasal": re.compile(r"鼻"),
    "eye": re.compile(r"眼"),
    "ear": re.compile(r"耳"),
    "rectal": re.compile(r"栓|肛|灌肠|直肠"),
    "gargle": re.compile(r"漱"),
    "injection": re.compile(r"注射|滴注|静脉|肌注|皮下|输液"),
}
"""Words that imply a way without naming it."""


_Way = tuple[int, Reading, Mention]


def route(case: Case) -> list[Signal]:
    """Ways of giving that the evidence does not have, denies, or has for something else."""
    found = []
    theirs = _ways(case.evidence)
    asked = {m.key for r in (case.question, *case.heard) for m in r.mentions if m.type == "route"}
    for mention in own_names(case, "route"):
        if signal := _judged(case, mention, theirs, asked):
            found.append(signal)
    return found


@functools.lru_cache(maxsize=256)
def _ways(evidence: tuple[Reading, ...]) -> dict[str, tuple[_Way, ...]]:
    """Key → where it is, the first few."""
    found: dict[str, list[_Way]] = {}
    for source, reading in enumerate(evidence):
        for m in reading.mentions:
            if m.type == "route" and len(others := found.setdefault(m.key, [])) < MAX_WAYS:
                others.append((source, reading, m))
    return {key: tuple(ways) for key, ways in found.items()}


def _judged(case: Case, mention: Mention, theirs: dict[str, tuple[_Way, ...]], asked: set[str]) -> Signal | None:
    if denied(case.answer, mention) or denied_after(case.answer, mention):
        return None
    if signal := _refused(case, mention, theirs):
        return signal
    if mention.key == "oral" and mention.text in "吃喝喂服":
        return None
    nearby = beside(case, mention)
    others = [(source, m, score) for source, m, score in nearby if not kin(m.key, mention.key)]
    if not any(kin(key, mention.key) for key in theirs):
        return None if any(kin(key, mention.key) for key in asked) else _absent(case, mention, theirs, others)
    if len(others) < len(nearby) or not others or mention.text in _LOOSE:
        return _misplaced(case, mention)
    source, other, score = others[0]
    said = case.answer.raw[mention.start : mention.end]
    says = f"答案说“{said}”，原文相应处是“{case.evidence[source].raw[other.start : other.end]}”。"
    return _signal("route.other", mention, (source, other.start, other.end), min(1.0, 0.2 + score), says)


def _misplaced(case: Case, mention: Mention) -> Signal | None:
    """A way that the evidence has, where it has another."""
    better = rival(case, mention)
    if not better or better.is_said or better.margin < MIN_MARGIN or kin(better.slot.mention.key, mention.key):
        return None
    other = better.slot.mention
    theirs = case.evidence[better.slot.source].raw[other.start : other.end]
    strength = min(1.0, 0.2 + 1.2 * better.margin) * (0.6 if mention.text in _LOOSE else 1.0)
    says = f"答案说“{case.answer.raw[mention.start : mention.end]}”，原文相应处是“{theirs}”。"
    return _signal("route.slot", mention, (better.slot.source, other.start, other.end), strength, says)


def _refused(case: Case, mention: Mention, theirs: dict[str, tuple[_Way, ...]]) -> Signal | None:
    """The evidence says not to give it so: everywhere it names the way, or right where it speaks of the same."""
    own = [way for key, ways in theirs.items() if _family(key) == _family(mention.key) for way in ways]
    refused = [way for way in own if denied(way[1], way[2])]
    if not refused or (len(refused) < len(own) and not _is_near(case, mention, refused)):
        return None
    source, reading, other = refused[0]
    said, clause = case.answer.raw[mention.start : mention.end], clause_of(reading, other.start)
    says = f"答案让用“{said}”，原文说的是不可以：“{clause.text[:60]}”。"
    strength = 0.9 if len(refused) == len(own) else 0.6
    return _signal("route.denied", mention, (source, other.start, other.end), strength, says)


def _absent(
    case: Case, mention: Mention, theirs: dict[str, tuple[_Way, ...]], others: list[tuple[int, Mention, float]]
) -> Signal:
    """The evidence names other ways, or none."""
    said = case.answer.raw[mention.start : mention.end]
    strength = 0.4 if mention.text in _LOOSE else 0.7
    implied = next((_IMPLIED[kind] for kind in kinds_of(mention.key) if kind in _IMPLIED), None)
    if implied and any(implied.search(reading.folded) for reading in case.known):
        strength = 0.3 if mention.key in ("oral", "topical", "inhale", "injection") else strength * 0.7
    if not theirs:
        return _signal("route.absent", mention, (-1, 0, 0), strength * 0.6, f"原文没有提到给药途径“{said}”。")
    first = next(iter(theirs.values()))[0]
    source, other = others[0][:2] if others else (first[0], first[2])
    words = case.evidence[source].raw[other.start : other.end]
    says = f"答案说“{said}”，原文没有这种给药途径，写的是“{words}”。"
    strength = min(1.0, strength + (0.3 if others else 0.1))
    return _signal("route.absent", mention, (source, other.start, other.end), strength, says)


def _family(key: str) -> str:
    """Its widest kind but injection: pushed and dripped into a vein is one way, a muscle another."""
    kinds = [kind for kind in kinds_of(key) if kind != "injection"]
    return kinds[-1] if kinds else key


def _is_near(case: Case, mention: Mention, refused: list[_Way]) -> bool:
    """Whether one of the refusals is what the mention's clause is aligned with first."""
    clause = clause_of(case.answer, mention.start)
    matches = case.alignment[clause.number][:1]
    return any(
        match.source == source and match.clause == clause_of(reading, other.start).number
        for match in matches
        for source, reading, other in refused
    )


def _signal(check: str, mention: Mention, place: tuple[int, int, int], strength: float, says: str) -> Signal:
    return Signal(check, "route", mention.start, mention.end, *place, strength, says)
