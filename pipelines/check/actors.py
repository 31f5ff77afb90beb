"""Who does it, who is told, who answers for it: is it the one whom the evidence names?"""

from __future__ import annotations

import itertools
import re
from typing import Final

from pipelines.check.lexicon import kinds_of
from pipelines.check.mentions import Mention
from pipelines.check.places import clause_of
from pipelines.check.reading import Reading
from pipelines.check.signals import Case, Signal
from pipelines.check.slots import rival
from pipelines.check.support import BY, MIN_ALIGNED, acts, beside, denied, kin, known, own_names

_ADVICE: Final = re.compile(
    r"(?:去|到|看|问|找|上|请|送|咨询|听|遵|跟|和|在|带去?|带着|告诉|联系)(?:一下|当地|正规|附近|儿科|专科|急诊|儿|小)*$"
)
_VAGUE: Final = frozenset(("医生", "医疗机构", "家长", "本人", "医务人员", "学校", "教师"))

MIN_MARGIN: Final = 0.1
MAX_ALONE: Final = 10
_ALONE: Final = re.compile(
    r"(?:自己|自行|单独|一个人|独自|擅自|本人)[\u4e00-\u9fff]{0,6}?[定做打加减停调换拿量喂用涂配吃]|自行处理|自行判断"
)
_MAY_NOT: Final = re.compile(r"[^,;:]{0,6}?(?:均|都|也|一律)?(?:不(?:得|可|能|应|准|许|要)|禁止|严禁|无权|别)")
_NOT: Final = re.compile(r"(?:不|勿|禁|避免|别|莫|无|未)[^,;]{0,8}$")
_TOGETHER: Final = re.compile(
    r"由|共同|会同|指导|监护下|监督|陪同|协助|在[^,]{2,8}下|遵医嘱|批准|同意|不得|医院|医师|医生"
)
_CARE: Final = frozenset(("医生", "医疗机构", "医务人员", "药师"))  # to be sent to them is plain advice


def actor(case: Case) -> list[Signal]:
    """Persons and bodies that act in the answer, and others, or none, in the evidence."""
    there = known(case.known)
    found = []
    for mention in own_names(case):
        if mention.type == "relative":
            signal = _relative(case, mention)
        elif mention.type == "actor":
            signal = _judged(case, mention, there.has(mention)) or _misplaced(case, mention) or _barred(case, mention)
        else:
            continue
        if signal:
            found.append(signal)
    return [*found, *_alone(case)]


def _judged(case: Case, mention: Mention, is_known: bool) -> Signal | None:
    answer = case.answer
    lead = answer.folded[max(0, mention.start - 12) : mention.start]
    agency = acts(answer, mention)
    if mention.key in _VAGUE and (not agency or (_ADVICE.search(lead) and not BY.search(lead))):
        return None
    if not is_known and not _CARE.isdisjoint(kinds_of(mention.key)) and not lead.endswith(("由", "归")):
        return None
    near = beside(case, mention)
    if any(kin(other.key, mention.key) for _, other, _ in near):
        above = [each for each in near if each[1].key in kinds_of(mention.key)[1:]]
        is_new = not is_known and BY.search(lead) and len(above) == len(near)
        return _signal(case, "actor.member", mention, above[0][:2], 0.35) if is_new else None
    own = {m.key for m in own_names(case, "actor")}
    for source, other, score in near:
        if is_known and (not agency or other.key in own):
            continue
        strength = (0.2 if is_known else 0.45) + agency + 0.5 * score
        return _signal(case, "actor.other", mention, (source, other), strength)
    if is_known:
        return None
    better = rival(case, mention)
    if better and better.margin >= MIN_MARGIN:
        place = (better.slot.source, better.slot.mention)
        return _signal(case, "actor.other", mention, place, 0.4 + agency + better.margin)
    says = f"原文和问题都没有提到“{answer.raw[mention.start : mention.end]}”。"
    return Signal("actor.absent", "actor", mention.start, mention.end, -1, 0, 0, 0.25 + agency, says)


def _misplaced(case: Case, mention: Mention) -> Signal | None:
    """One whom the evidence has, where it names another."""
    better = rival(case, mention)
    if not better or better.margin < MIN_MARGIN / 2 or kin(better.slot.mention.key, mention.key):
        return None
    if better.margin < MIN_MARGIN:
        if better.is_said or not acts(case.answer, mention):
            return None
        return _signal(case, "actor.slot_weak", mention, (better.slot.source, better.slot.mention), 0.2 + better.margin)
    lead = case.answer.folded[max(0, mention.start - 12) : mention.start]
    is_subject = acts(case.answer, mention) or clause_of(case.answer, mention.start).start == mention.start
    if mention.key in _VAGUE and (not is_subject or (_ADVICE.search(lead) and not BY.search(lead))):
        return None
    rule = "actor.swap" if better.is_said else "actor.slot"
    strength = 0.2 + better.margin + (0.0 if better.is_said else acts(case.answer, mention))
    return _signal(case, rule, mention, (better.slot.source, better.slot.mention), strength)


def _barred(case: Case, mention: Mention) -> Signal | None:
    """One who does what the evidence only says that they may not do."""
    if mention.key in _CARE or not acts(case.answer, mention) or _is_barred(case.answer, mention):
        return None
    own = [
        (s, m) for s, r in enumerate(case.evidence) for m in r.mentions if m.type == "actor" and m.key == mention.key
    ]
    if not own or not all(_is_barred(case.evidence[source], m) for source, m in own[:MAX_ALONE]):
        return None
    return _signal(case, "actor.barred", mention, own[0], 0.6)


def _is_barred(reading: Reading, mention: Mention) -> bool:
    return denied(reading, mention) or bool(_MAY_NOT.match(reading.folded, mention.end))


def _relative(case: Case, mention: Mention) -> Signal | None:
    """Another member of the family than the evidence tells of."""
    better = rival(case, mention)
    if not better or better.margin < MIN_MARGIN or better.is_said:
        return None
    base = 0.4 if known(case.known).has(mention) else 0.5
    return _signal(case, "actor.relative", mention, (better.slot.source, better.slot.mention), base + better.margin)


def _alone(case: Case) -> list[Signal]:
    """Done by oneself, where the evidence has someone decide, watch or help."""
    texts = known(case.known).text
    found: list[Signal] = []
    for match in itertools.islice(_ALONE.finditer(case.answer.folded), MAX_ALONE):
        clause = clause_of(case.answer, match.start())
        if _NOT.search(case.answer.folded[max(clause.start, match.start() - 12) : match.start()]):
            continue
        theirs = itertools.islice(_ALONE.finditer(texts), MAX_ALONE)
        if any(not _NOT.search(texts[max(0, m.start() - 10) : m.start()]) for m in theirs):
            continue
        found += _together(case, match, clause.number)
    return found


def _together(case: Case, match: re.Match[str], number: int) -> list[Signal]:
    for aligned in case.alignment[number][:2]:
        theirs = case.evidence[aligned.source].clauses[aligned.clause]
        if aligned.score >= MIN_ALIGNED - 0.05 and (other := _TOGETHER.search(theirs.text)):
            says = f"答案说“{match[0]}”，原文是“{theirs.text[:60]}”。"
            place = (aligned.source, theirs.start + other.start(), theirs.start + other.end())
            strength = min(1.0, 0.4 + aligned.score / 2)
            return [Signal("actor.alone", "actor", match.start(), match.end(), *place, strength, says)]
    return []


def _signal(case: Case, rule: str, mention: Mention, place: tuple[int, Mention], strength: float) -> Signal:
    source, other = place
    said, theirs = case.answer.raw[mention.start : mention.end], case.evidence[source].raw[other.start : other.end]
    says = f"答案说是“{said}”，原文相应处是“{theirs}”。"
    return Signal(rule, "actor", mention.start, mention.end, source, other.start, other.end, min(1.0, strength), says)
