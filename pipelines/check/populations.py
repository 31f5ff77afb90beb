"""For whom it holds: is the age, the sex, the condition the evidence's? A part of a band is in it, a wider one is not."""

from __future__ import annotations

from fractions import Fraction
from typing import Final

from pipelines.check.mentions import Mention, bounds
from pipelines.check.reading import Reading
from pipelines.check.signals import Case, Signal
from pipelines.check.support import beside, known

_OPPOSITES: Final = {
    "早产": ("足月",), "足月": ("早产",), "男": ("女",), "女": ("男",), "age:216-": ("儿童",), "小学": ("中学",),
    "中学": ("小学",), "同学": ("家庭成员",), "家庭成员": ("同学",), "学龄": ("学龄前",), "学龄前": ("学龄",),
}  # fmt: skip


def population(case: Case) -> list[Signal]:
    """Ages, sexes and conditions of the answer that no text known to it has, or that are wider than there."""
    found = []
    for mention in case.answer.mentions:
        if mention.type != "population":
            continue
        band = bounds(mention.key)
        is_word = band is None or mention.key in _OPPOSITES
        signal = _other(case, mention) if is_word or band is None else _interval(case, mention, band)
        if signal:
            found.append(signal)
    return found


def _interval(case: Case, mention: Mention, band: tuple[Fraction, Fraction]) -> Signal | None:
    kind = mention.key.partition(":")[0]
    bands = [
        (source, each, other)
        for source, reading in enumerate(case.evidence)
        for each in reading.mentions
        if each.key.startswith(kind) and (other := bounds(each.key))
    ]
    asked = [bounds(m.key) for r in (case.question, *case.heard) for m in r.mentions if m.key.startswith(kind)]
    if band in asked or any(other == band for *_, other in bands):
        return None
    ends = {end for *_, other in bands for end in other} | {end for other in asked if other for end in other}
    ends |= _months(case.known) if kind == "age" else set()
    is_new = any(end not in ends and 0 < end < 10**6 for end in band)
    near = [(s, m, score, other) for s, m, score in beside(case, mention) if (other := _band(m, kind))]
    if any(other[0] <= band[0] and band[1] <= other[1] for *_, other in near) or (not is_new and band[0] == band[1]):
        return None
    within = any(other[0] <= band[0] and band[1] <= other[1] for *_, other in bands)
    if within and (band[0] == band[1] or not near):
        return None
    said = case.answer.raw[mention.start : mention.end]
    if near:
        source, other, score, _ = near[0]
        theirs = case.evidence[source].raw[other.start : other.end]
        says = f"答案说的对象是“{said}”，原文相应处是“{theirs}”。"
        strength = min(1.0, (0.4 if is_new else 0.2) + 0.5 * score)
        return _signal("population.interval", mention, source, other.start, other.end, strength, says)
    says = f"原文没有“{said}”这个{'年龄' if kind == 'age' else '体重'}界限。"
    return _signal("population.interval", mention, -1, 0, 0, 0.4 if is_new else 0.25, says)


def _band(mention: Mention, kind: str) -> tuple[Fraction, Fraction] | None:
    return bounds(mention.key) if mention.key.startswith(kind) else None


def _months(readings: tuple[Reading, ...]) -> set[Fraction]:
    """All ends of times in months: a limit of age may be said as a time."""
    return {end for r in readings for q in r.quantities if q.unit == "month" for end in (q.low, q.high) if end is not None}


def _other(case: Case, mention: Mention) -> Signal | None:
    if mention.key not in _OPPOSITES:
        return None
    return _opposite(case, mention, known(case.known).has(mention))


def _opposite(case: Case, mention: Mention, is_known: bool) -> Signal | None:
    near = beside(case, mention)
    own = {m.key for m in case.answer.mentions}
    if is_known and (not near or any(m.key == mention.key or m.key in own for _, m, _ in near)):
        return None
    said = case.answer.raw[mention.start : mention.end]
    for source, other, score in near:
        if other.key in _OPPOSITES[mention.key] or other.text in _OPPOSITES[mention.key]:
            theirs = case.evidence[source].raw[other.start : other.end]
            says = f"答案说的对象是“{said}”，原文相应处是“{theirs}”。"
            return _signal(
                "population.other", mention, source, other.start, other.end, min(1.0, (0.2 if is_known else 0.5) + 0.5 * score), says
            )
    if is_known:
        return None
    return _signal("population.other", mention, -1, 0, 0, 0.35, f"原文和问题都没有提到“{said}”。")


def _signal(check: str, mention: Mention, source: int, start: int, end: int, strength: float, says: str) -> Signal:
    return Signal(check, "population", mention.start, mention.end, source, start, end, strength, says)
