"""Names of drugs, illnesses, tests, foods and parts of the body that nothing known to the answer has."""

from __future__ import annotations

from typing import Final

from pipelines.check.mentions import Mention
from pipelines.check.signals import Case, Signal
from pipelines.check.support import beside, kin, known, own_names

TYPES: Final = {
    "drug": 0.7, "vaccine": 0.7, "disease": 0.6, "test": 0.5, "food": 0.5, "organ": 0.4, "symptom": 0.3,
}  # fmt: skip
"""Types of names → how sure an unknown one is an error, where the evidence names no other in its place."""
_WHAT: Final = {
    "drug": "药物", "vaccine": "疫苗", "disease": "疾病", "test": "检查", "food": "成分",
    "organ": "部位", "symptom": "症状",
}  # fmt: skip


def entity(case: Case) -> list[Signal]:
    """Names that neither evidence nor question has, under any alias, as kind or part of another name."""
    there = known(case.known)
    found = []
    for mention in own_names(case):
        if mention.type not in TYPES:
            continue
        if not there.has(mention):
            found.append(_signal(case, mention))
        elif mention.type in ("drug", "vaccine") and not there.names(mention):
            found += [signal for signal in (_signal(case, mention),) if signal.check == "entity.other"]
    return found


def _signal(case: Case, mention: Mention) -> Signal:
    what = _WHAT[mention.type]
    said = case.answer.raw[mention.start : mention.end]
    own = {m.key for m in own_names(case)}
    for source, other, score in beside(case, mention):
        if other.key not in own and not kin(other.key, mention.key):
            theirs = case.evidence[source].raw[other.start : other.end]
            strength = TYPES[mention.type]
            if mention.type != "symptom":
                strength = min(1.0, strength + 0.15 + 0.3 * score)
            says = f"答案写的是{what}“{said}”，原文相应处是“{theirs}”。"
            return Signal(
                "entity.other", "entity", mention.start, mention.end, source, other.start, other.end, strength, says
            )
    says = f"原文和问题都没有提到{what}“{said}”。"
    return Signal("entity.absent", "entity", mention.start, mention.end, -1, 0, 0, TYPES[mention.type], says)
