"""Consultations (EviDiag) told from the facts of one disease.

The asker brings what a parent sees, the doctor asks back for more of it and for what would be dangerous, and then
names the likely diagnosis with the evidence for it and the tests that would prove it. What a parent cannot see stays
in the doctor's mouth; diseases of the ward are brought by a young doctor, who reports findings.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

from pipelines.teacher import consultation_wording as wording
from pipelines.teacher.diseases import Disease
from pipelines.teacher.graph_advice import EMERGENCY
from pipelines.teacher.graph_questions import departments_said
from pipelines.teacher.hallmarks import has_hallmark, tells_apart
from pipelines.teacher.lay_names import in_short, lay_name
from pipelines.teacher.phrasing import pick, shuffled
from pipelines.teacher.rows import Message, assistant, instruction, user

_BOYS: Final = re.compile(r"睾|阴囊|阴茎|鞘膜|包皮|尿道下裂|男")
_GIRLS: Final = re.compile(r"外阴|阴道|卵巢|女|乳房")
# Complaints rather than diseases, and what nobody names after a talk.
_NOT_NAMED: Final = re.compile(
    r"(?:呕吐|发烧|发热|腹胀|腹痛|惊厥|青紫|肝脾肿大|脾大|水肿|口吃|尿床)$|肾功能|风湿热|间质性肺炎|获得性免疫|窦性|隐睾|锌缺乏|斜视|肠系膜淋巴结结核|肾上腺|肾萎缩|费雪|僵人|狂犬|麻痹症|艾滋|维生素(?:B|E|A|C)"
)
# What a doctor asks to be told no: the sign, what makes one ask for it, and what
# forbids it (the disease could say yes).
_ALARMS: Final = (
    ("抽搐", "发烧 发热 高热 低烧 脱水 失水", "抽 惊厥 痉挛 强直 癫痫"),
    ("喘不上气", "咳 发烧 发热 高热 低烧 鼻 咽", "呼吸 喘 气促 气急 发绀 紫 肺 窒息 心力 肌无力"),
    ("大便带血", "呕 腹 肚子 便 泻 恶心", "便血 血便 出血 肠 紫癜 胃 溃疡"),
    ("身上起疹子", "发烧 发热 高热 低烧 咽", "疹 疱 皮 斑 红 紫癜 过敏"),
    ("小便明显减少", "呕 便 泻 水肿", "尿 肾 脱水 失水"),
)


# Which germ or gene it is cannot be heard from a story.
_NEEDS_LAB: Final = re.compile(
    r"真菌|球菌|衣原体|支原体|病毒|结核|弓形|疱疹|梅毒|杆菌|幽门|癫痫|缺乏|间质|增生|先天|发育|肌|胶|缺损|未闭"
)


_FELT: Final = re.compile(r"胸痛|头痛|头晕|耳鸣|心悸|恶心|麻木|视物|烧心|痒")
"""What only somebody who talks can tell: no newborn does."""


class _Story(NamedTuple):
    told: list[str]
    asked: list[list[str]]


def consultations(disease: Disease, at_most: int) -> list[dict[str, Any]]:
    """Up to `at_most` EviDiag instructions on one disease, each with another asker and other symptoms first."""
    if disease.kind.asker == "nobody" or "department" not in disease.facts or not disease.texts("exam"):
        return []
    if _NOT_NAMED.search(disease.name):
        return []
    return [
        instruction(
            dict(disease.facts["symptom"][0].row),
            task="evidiag",
            aspect="diagnosis",
            template=f"graph/{who}_{(len(messages) - 2) // 2}",
            messages=messages,
            evidence=disease.evidence("symptom", "exam", "department", "complication"),
            department=disease.texts("department")[0],
        )
        for who, messages in list(_told(disease))[:at_most]
    ]


def _told(disease: Disease) -> Iterator[tuple[str, list[Message]]]:
    """Two stories by a parent or, where a parent sees too little, by a young doctor; a third where there is more.

    The third is the young doctor's, who knows what the examination found, or begins with still other symptoms.
    """
    seen = disease.noticed() if disease.kind.asker == "parent" else []
    found = disease.texts("symptom")
    if disease.is_newborn:
        seen, found = ([t for t in terms if not _FELT.search(t)] for terms in (seen, found))
    by_parent = len(seen) >= 3 and _speaks_for(disease, seen)
    if not by_parent and (len(found) < 3 or not _speaks_for(disease, found)):
        return
    terms = seen if by_parent else found
    who, tell = ("parent", _by_parent) if by_parent else ("clinician", _by_young_doctor)
    for number in range(min(2, len(terms) - 1)):
        yield who, tell(disease, _told_and_asked(disease, terms, number), str(number))
    if by_parent and len(found) > len(seen) and _speaks_for(disease, found):
        yield "clinician", _by_young_doctor(disease, _told_and_asked(disease, found, 2), "2")
    elif len(terms) >= 5:
        yield who, tell(disease, _told_and_asked(disease, terms, 2), "2")


def _speaks_for(disease: Disease, terms: Sequence[str]) -> bool:
    return has_hallmark(disease.name, terms) and tells_apart(disease.name, terms)


def _told_and_asked(disease: Disease, terms: Sequence[str], number: int) -> _Story:
    """Which symptoms are told at once and which only when asked: another two first in each story."""
    order = shuffled(terms, disease.name, "story")
    order = order[number:] + order[:number]
    told, rest = order[:2], order[2:]
    if len(rest) >= 2 and number % 2:
        return _Story(told, [rest[:1], rest[1:]])
    return _Story(told, [rest])


def _lay(terms: Sequence[str]) -> str:
    words = [lay_name(term) or term for term in terms]
    return ("，" if any("，" in said for said in words) else "、").join(words).removeprefix("一直")


def _plain(terms: Sequence[str]) -> str:
    return "、".join(in_short(term) for term in terms)


def _asker(disease: Disease, *key: str) -> tuple[str, str]:
    if disease.is_newborn:
        return pick(wording.OF_NEWBORNS, *key)
    if _BOYS.search(disease.name):
        return pick(wording.OF_BOYS, *key)
    if _GIRLS.search(disease.name):
        return pick(wording.OF_GIRLS, *key)
    return pick(wording.ASKERS + wording.OF_BOYS + wording.OF_GIRLS, *key)


def _by_parent(disease: Disease, story: _Story, number: str) -> list[Message]:
    key = (disease.name, number)
    opening, who = _asker(disease, *key, "asker")
    alarm = _alarm(disease, "".join(story.told), *key)
    openings = wording.OPENINGS_ACUTE if disease.kind.tempo == "acute" else wording.OPENINGS_LASTING
    messages = [user(pick(openings, *key, "opening").format(a=opening, s=_lay(story.told)))]
    for round_, asked in enumerate(story.asked):
        m = _plain(asked)
        options = (wording.ASK_MORE if alarm else wording.ASK_MORE_PLAIN) if round_ == 0 else wording.ASK_SECOND
        messages.append(assistant(pick(options, *key, "ask", str(round_)).format(who=who, m=m, n=alarm)))
        yes = pick(wording.YES, *key, "yes", str(round_)).format(m=m)
        messages.append(user(yes + (pick(wording.NO, *key, "no").format(n=alarm) if alarm and round_ == 0 else "")))
    messages.append(assistant(_conclusion(disease, story, who, key, on_ward=False)))
    return messages


def _by_young_doctor(disease: Disease, story: _Story, number: str) -> list[Message]:
    key = (disease.name, number)
    who = "患儿"
    patient = "新生儿" if disease.is_newborn else "患儿"
    messages = [user(pick(wording.YOUNG, *key, "young").format(p=patient, s="、".join(story.told)))]
    for round_, asked in enumerate(story.asked):
        m = "、".join(asked)
        options = wording.YOUNG_ASK if round_ == 0 else wording.YOUNG_ASK_SECOND
        messages.append(assistant(pick(options, *key, "ask", str(round_)).format(m=m)))
        messages.append(user(pick(wording.YOUNG_YES, *key, "yes", str(round_)).format(m=m)))
    messages.append(assistant(_conclusion(disease, story, who, key, on_ward=True)))
    return messages


def _conclusion(disease: Disease, story: _Story, who: str, key: tuple[str, str], on_ward: bool) -> str:
    told = [*story.told, *(term for asked in story.asked for term in asked)]
    risks = disease.texts("complication")
    sure = not _NEEDS_LAB.search(disease.name) and len(told) >= 4
    firm: tuple[str, ...] = wording.CONCLUDE_ON_WARD if on_ward else wording.CONCLUDE
    confirm: tuple[str, ...] = wording.CONFIRM_ON_WARD if on_ward else wording.CONFIRM
    ends: tuple[tuple[str, ...], ...] = (wording.NO_RISK, wording.RISK, wording.NO_RISK_ON_WARD, wording.RISK_ON_WARD)
    end = ends[2 * on_ward + bool(risks)]
    if risks and not on_ward and EMERGENCY.search(disease.name):
        confirm, end = wording.CONFIRM_AT_ONCE, wording.RISK_AT_ONCE
    words = {
        "who": who,
        "d": disease.name,
        "s": "、".join(told),
        "w": departments_said(disease),
        "e": "、".join(disease.texts("exam")),
        "c": "、".join(risks),
    }
    parts = ((firm if sure else wording.CONSIDER, "conclude"), (confirm, "confirm"), (end, "end"))
    return "".join(pick(options, *key, part).format(**words) for options, part in parts)


def _alarm(disease: Disease, told: str, *key: str) -> str | None:
    """A warning sign that fits what was told and that this disease does not have, for the parent to deny."""
    known = (
        disease.name + "".join(row["tail"] for row in disease.rows) + disease.kind.symptoms + disease.kind.complications
    )
    safe = [
        name
        for name, reasons, stems in _ALARMS
        if any(reason in told for reason in reasons.split()) and not any(stem in known for stem in stems.split())
    ]
    return pick(safe, *key, "alarm") if safe else None
