"""Who does it, who is told, who answers for it: is it the one whom the evidence names?"""

from __future__ import annotations

import re
from typing import Final

from pipelines.check.mentions import Mention
from pipelines.check.signals import Case, Signal
from pipelines.check.support import BY, acts, beside, kin, known, own_names

_ADVICE: Final = re.compile(
    r"(?:去|到|看|问|找|上|请|送|咨询|听|遵|跟|和|在|带去?|带着|告诉|联系)(?:一下|当地|正规|附近|儿科|专科|急诊|儿|小)*$"
)
_VAGUE: Final = frozenset(("医生", "医疗机构", "家长", "本人", "医务人员", "学校", "教师"))

_CARE: Final = frozenset(("医生", "医疗机构", "医务人员", "药师"))  # to be sent to them is plain advice


def actor(case: Case) -> list[Signal]:
    """Persons and bodies that act in the answer, and others, or none, in the evidence."""
    there = known(case.known)
    found = []
    for mention in own_names(case, "actor"):
        if signal := _judged(case, mention, there.has(mention)):
            found.append(signal)
    return found


def _judged(case: Case, mention: Mention, is_known: bool) -> Signal | None:
    answer = case.answer
    lead = answer.folded[max(0, mention.start - 12) : mention.start]
    agency = acts(answer, mention)
    if mention.key in _VAGUE and (not agency or (_ADVICE.search(lead) and not BY.search(lead))):
        return None
    if mention.key in _CARE and not is_known and not lead.endswith(("由", "归")):
        return None
    near = beside(case, mention)
    said = answer.raw[mention.start : mention.end]
    if any(kin(other.key, mention.key) for _, other, _ in near):
        return None
    own = {m.key for m in own_names(case, "actor")}
    for source, other, score in near:
        if is_known and (not agency or other.key in own):
            continue
        theirs = case.evidence[source].raw[other.start : other.end]
        strength = min(1.0, (0.2 if is_known else 0.45) + agency + 0.5 * score)
        says = f"答案说是“{said}”，原文相应处是“{theirs}”。"
        return Signal(
            "actor.other", "actor", mention.start, mention.end, source, other.start, other.end, strength, says
        )
    if is_known:
        return None
    says = f"原文和问题都没有提到“{said}”。"
    return Signal("actor.absent", "actor", mention.start, mention.end, -1, 0, 0, 0.25 + agency, says)
