"""By which way a drug is given: is it the evidence's way?"""

from __future__ import annotations

import re
from typing import Final

from pipelines.check.mentions import Mention, kinds_of
from pipelines.check.places import clause_of
from pipelines.check.reading import Reading
from pipelines.check.signals import Case, Signal
from pipelines.check.support import beside, denied, kin

_LOOSE: Final = frozenset((*"吃喝喂服抹擦涂喷", "漱口", "注射", "打针", "滴注", "吸入", "肌肉", "静脉"))
"""Words that name a way only by the way."""
_ORAL: Final = re.compile(r"口服|服用|片|胶囊|颗粒|餐|饭|顿服|混悬|糖浆|冲服|吃|喝|[内分送嚼]服|服")


def route(case: Case) -> list[Signal]:
    """Ways of giving that the evidence does not have, denies, or has for something else."""
    found = []
    theirs = [(s, reading, m) for s, reading in enumerate(case.evidence) for m in reading.mentions if m.type == "route"]
    for mention in case.answer.mentions:
        if mention.type == "route" and (signal := _judged(case, mention, theirs)):
            found.append(signal)
    return found


def _judged(case: Case, mention: Mention, theirs: list[tuple[int, Reading, Mention]]) -> Signal | None:
    same = [(s, r, m) for s, r, m in theirs if kin(m.key, mention.key)]
    own = [(s, r, m) for s, r, m in theirs if _family(m.key) == _family(mention.key)]
    is_denied = denied(case.answer, mention)
    said = case.answer.raw[mention.start : mention.end]
    refused = [(s, r, m) for s, r, m in own if denied(r, m)]
    if refused and not is_denied and (len(refused) == len(own) or _is_near(case, mention, refused)):
        source, reading, other = refused[0]
        clause = clause_of(reading, other.start)
        says = f"答案让用“{said}”，原文说的是不可以：“{clause.text[:60]}”。"
        strength = 0.9 if len(refused) == len(own) else 0.6
        return _signal("route.denied", mention, source, other.start, other.end, strength, says)
    if is_denied or (mention.key == "oral" and mention.text in "吃喝喂服"):
        return None
    near = [(s, m, score) for s, m, score in beside(case, mention) if not kin(m.key, mention.key)]
    held = any(kin(m.key, mention.key) for _, m, _ in beside(case, mention))
    if same:
        if held or not near or mention.text in _LOOSE:
            return None
        source, other, score = near[0]
        words = case.evidence[source].raw[other.start : other.end]
        says = f"答案说“{said}”，原文相应处是“{words}”。"
        return _signal("route.other", mention, source, other.start, other.end, min(1.0, 0.2 + score), says)
    if mention.key == "oral" and any(_ORAL.search(reading.folded) for reading in case.known):
        strength = 0.3
    else:
        strength = 0.4 if mention.text in _LOOSE else 0.7
    if any(kin(m.key, mention.key) for r in (case.question, *case.heard) for m in r.mentions):
        return None
    if near or theirs:
        source, other = (near[0][0], near[0][1]) if near else (theirs[0][0], theirs[0][2])
        words = case.evidence[source].raw[other.start : other.end]
        says = f"答案说“{said}”，原文没有这种给药途径，写的是“{words}”。"
        strength = min(1.0, strength + (0.3 if near else 0.1))
        return _signal("route.absent", mention, source, other.start, other.end, strength, says)
    return _signal("route.absent", mention, -1, 0, 0, strength * 0.6, f"原文没有提到给药途径“{said}”。")


def _family(key: str) -> str:
    """Its widest kind but injection: pushed and dripped into a vein is one way, a muscle another."""
    kinds = [kind for kind in kinds_of(key) if kind != "injection"]
    return kinds[-1] if kinds else key


def _is_near(case: Case, mention: Mention, refused: list[tuple[int, Reading, Mention]]) -> bool:
    """Whether one of the refusals is what the mention's clause is aligned with first."""
    clause = clause_of(case.answer, mention.start)
    matches = case.alignment[clause.number][:1]
    return any(
        match.source == source and match.clause == clause_of(reading, other.start).number
        for match in matches
        for source, reading, other in refused
    )


def _signal(check: str, mention: Mention, source: int, start: int, end: int, strength: float, says: str) -> Signal:
    return Signal(check, "route", mention.start, mention.end, source, start, end, strength, says)
