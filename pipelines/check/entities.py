"""Names of drugs, illnesses, tests, things and parts of the body: has anything known to the answer them, and there?"""

from __future__ import annotations

import re
from typing import Final

from pipelines.check.mentions import Mention
from pipelines.check.reading import Reading
from pipelines.check.series import series
from pipelines.check.shapes import shaped
from pipelines.check.signals import Case, Signal
from pipelines.check.slots import Rival, rival
from pipelines.check.support import Known, beside, denied, denied_after, kin, known, own_names

TYPES: Final = {
    "drug": 0.7, "vaccine": 0.7, "disease": 0.6, "test": 0.5, "food": 0.5, "device": 0.5, "document": 0.5, "form": 0.4,
    "penalty": 0.5, "organ": 0.4, "procedure": 0.4, "place": 0.3, "moment": 0.3, "symptom": 0.25,
}  # fmt: skip
"""Types of names → how sure an unknown one is an error, where the evidence names no other in its place."""
_WHAT: Final = {
    "drug": "药物", "vaccine": "疫苗", "disease": "疾病", "test": "检查", "food": "成分", "device": "物品",
    "document": "文件", "form": "剂型", "penalty": "处罚", "organ": "部位", "procedure": "操作", "place": "地点",
    "moment": "时间", "symptom": "症状",
}  # fmt: skip
_TIERS: Final = {
    "drug": "", "vaccine": "", "disease": "", "symptom": "_symptom", "organ": "_organ", "procedure": "_weak",
    "place": "_weak", "moment": "_moment",
}  # fmt: skip
"""Rules are told apart by how often they are right."""
_COMMON: Final = frozenset(("symptom", "food", "test", "place", "moment"))  # stand in lists, side by side
_ABSENT: Final = re.compile(r"(?:没有?|无|未见|否认|不伴|未)[^,;]{0,3}$")
MIN_MARGIN: Final = 0.1
MIN_FIT: Final = 0.2


def entity(case: Case) -> list[Signal]:
    """Names that nothing known has, under any alias, as kind or part of another name, or that stand elsewhere there."""
    there = known(case.known)
    found = []
    for mention in own_names(case):
        if mention.type in TYPES and (signal := _judged(case, mention, there)):
            found.append(signal)
    return [*found, *shaped(case, found), *series(case)]


def _judged(case: Case, mention: Mention, there: Known) -> Signal | None:
    if there.has(mention):
        if mention.type in ("drug", "vaccine") and not there.names(mention):
            signal = _unknown(case, mention)
            return signal if signal and signal.check == "entity.other" else None
        return _misplaced(case, mention)
    if there.has_kind(mention) and _is_example(case.answer, mention):
        return None
    return _unknown(case, mention)


def _unknown(case: Case, mention: Mention) -> Signal | None:
    base, tier = TYPES[mention.type], _TIERS.get(mention.type, "_thing")
    if mention.type in ("disease", "symptom") and _ABSENT.search(case.answer.folded[: mention.start][-6:]):
        says = f"答案说没有“{case.answer.raw[mention.start : mention.end]}”，原文和问题都没有提到它。"
        return Signal("entity.denied", "entity", mention.start, mention.end, -1, 0, 0, 0.3, says)
    own = {m.key for m in own_names(case)}
    said = case.answer.raw[mention.start : mention.end]
    for source, other, score in beside(case, mention):
        if other.key not in own and not kin(other.key, mention.key):
            strength = base if tier == "_symptom" else min(1.0, base + 0.15 + 0.3 * score)
            return _signal(case, "entity.other" + tier, mention, (source, other), strength)
    better = rival(case, mention)
    if better and better.margin >= MIN_MARGIN and tier != "_symptom" and not better.is_said:
        place = (better.slot.source, better.slot.mention)
        return _signal(case, "entity.other" + tier, mention, place, min(1.0, base + better.margin / 2))
    says = f"原文和问题都没有提到{_WHAT[mention.type]}“{said}”。"
    if tier == "_moment":
        return None
    if known(case.known).has_kind(mention):
        return Signal("entity.member", "entity", mention.start, mention.end, -1, 0, 0, base / 2, says)
    return Signal("entity.absent" + tier, "entity", mention.start, mention.end, -1, 0, 0, base, says)


def _is_example(reading: Reading, mention: Mention) -> bool:
    """像庆大霉素那类: named for its kind."""
    after = reading.folded[mention.end : mention.end + 3]
    before = reading.folded[max(0, mention.start - 4) : mention.start]
    return after.startswith(("那类", "这类", "之类", "一类", "等")) or before.endswith(
        ("像", "如", "比如", "例如", "包括")
    )


def _misplaced(case: Case, mention: Mention) -> Signal | None:
    """A name that is known, where the evidence has another in its place."""
    better = rival(case, mention)
    if not better or better.margin < (2 if mention.type in _COMMON else 1) * MIN_MARGIN or better.fit < MIN_FIT:
        return None
    if _is_denied(case.answer, mention) and not _is_denied(case.evidence[better.slot.source], better.slot.mention):
        return None
    if better.is_said:
        return None
    is_asked = any(m.key == better.slot.mention.key for m in case.question.mentions)
    tier = "_asked" if is_asked else _TIERS.get(mention.type, "_thing")
    return _signal(case, "entity.slot" + tier, mention, _place(better), min(1.0, 0.1 + 1.5 * better.margin))


def _is_denied(reading: Reading, mention: Mention) -> bool:
    return denied(reading, mention) or denied_after(reading, mention)


def _place(better: Rival) -> tuple[int, Mention]:
    return better.slot.source, better.slot.mention


def _signal(case: Case, rule: str, mention: Mention, place: tuple[int, Mention], strength: float) -> Signal:
    source, other = place
    said, theirs = case.answer.raw[mention.start : mention.end], case.evidence[source].raw[other.start : other.end]
    says = f"答案写的是{_WHAT[mention.type]}“{said}”，原文相应处是“{theirs}”。"
    return Signal(rule, "entity", mention.start, mention.end, source, other.start, other.end, strength, says)
