"""Consultations (EviDiag) told from the facts of one disease.

The asker brings what a parent sees, the doctor asks back for more of it and for what would be dangerous, and then
names the likely diagnosis with the evidence for it and the tests that would prove it. What a parent cannot see stays
in the doctor's mouth; diseases of the ward are brought by a young doctor, who reports findings.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from pipelines.teacher.diseases import Disease
from pipelines.teacher.graph_questions import departments_said
from pipelines.teacher.hallmarks import has_hallmark, tells_apart
from pipelines.teacher.lay_names import after_asking, lay_name
from pipelines.teacher.phrasing import pick, shuffled
from pipelines.teacher.rows import Message, assistant, instruction, user

_ASKERS: Final = (
    ("医生您好，我是孩子妈妈，孩子", "孩子"),
    ("您好医生，我家宝贝", "孩子"),
    ("医生好，我是孩子爸爸，孩子", "孩子"),
)
_OF_BOYS: Final = (("大夫，我是孩子的奶奶，我家小孙子", "他"), ("您好，我儿子", "他"), ("医生，我家男孩", "他"))
_OF_GIRLS: Final = (("医生，想咨询一下，我女儿", "她"), ("医生您好，我外孙女", "她"), ("您好，我家小姑娘", "她"))
_BOYS: Final = re.compile(r"睾|阴囊|阴茎|鞘膜|包皮|尿道下裂|男")
_GIRLS: Final = re.compile(r"外阴|阴道|卵巢|女|乳房")
# Complaints rather than diseases, and what nobody names after a talk.
_NOT_NAMED: Final = re.compile(
    r"(?:呕吐|发烧|发热|腹胀|腹痛|惊厥|青紫|肝脾肿大|脾大|水肿|口吃|尿床)$|肾功能|风湿热|间质性肺炎|获得性免疫|窦性|隐睾|锌缺乏|斜视|肠系膜淋巴结结核|肾上腺|肾萎缩|费雪|僵人|狂犬|麻痹症|艾滋|维生素(?:B|E|A|C)"
)
_OPENINGS: Final = (
    "{a}最近{s}，请问是怎么回事？",
    "{a}这阵子{s}，我很担心，这是什么病啊？",
    "{a}{s}，会是什么问题？要不要紧？",
    "{a}最近{s}，需要去医院吗？",
)
_ASK_MORE: Final = (
    "您好，先别着急。除了这些，{who}还有没有{m}？另外，有没有{n}？",
    "您好，我再了解一下：{who}有没有{m}？有没有{n}的情况？",
)
_ASK_MORE_PLAIN: Final = (
    "您好，先别着急。除了这些，{who}还有没有{m}？",
    "您好，我再了解一下：{who}有没有{m}的情况？",
    "明白了。除了您说的这些，还有没有{m}？",
)
_ASK_SECOND: Final = (
    "好的。那{who}有没有{m}？",
    "再问一句，{who}有没有{m}？",
    "谢谢您说得这么清楚。还想问问，有没有{m}？",
)
_YES_ONE: Final = ("有的，{m}。", "对，也有{m}的情况。", "是的，我注意到了，{m}。")
_NO: Final = ("{n}倒没有。", "没有发现{n}。", "没有{n}。")
_YOUNG: Final = (
    "老师，我管的一位{p}，目前有{s}，想请教诊断思路。",
    "主任好，病房里有一位{p}，表现为{s}，您看要先考虑什么？",
    "请教一下，夜班收了一位{p}，{s}，下一步该怎么想？",
)
_YOUNG_ASK: Final = (
    "查体和观察中还有没有{m}？",
    "先别急着下结论，还有没有{m}？",
    "有没有注意到{m}？这些对判断很重要。",
)
_YOUNG_YES: Final = ("有的，{m}。", "有的，记录里写着{m}。", "是的，还有{m}。")
_CONCLUDE: Final = (
    "结合{who}有{s}等表现，考虑{d}的可能性比较大，这些都是{d}可以出现的表现。",
    "从您说的情况看，{who}有{s}，首先要考虑{d}。依据就是这些表现和{d}相符。",
    "根据{s}等表现，比较符合{d}。",
)
_CONSIDER: Final = (
    "{who}有{s}等表现，要考虑{d}的可能，这些都是{d}可以出现的表现。",
    "综合{s}等表现，需要想到{d}，但还不能下结论。",
)
_CONFIRM: Final = (
    "不过线上不能确诊，建议带{who}到{dep}就诊，通过{e}等检查进一步明确。",
    "确诊还要靠医生面诊，可以到{dep}，由医生安排{e}等检查。",
    "建议尽快到{dep}看一看，可能需要做{e}等检查来证实或排除。",
)
_CONFIRM_YOUNG: Final = (
    "建议完善{e}等检查来证实，并与其他疾病鉴别。",
    "下一步安排{e}等检查，结果出来后再确定诊断。",
)
_RISK: Final = (
    "要注意的是，{d}可能并发{c}等，如果{who}情况加重，请立即就医。",
    "期间注意观察，警惕{c}等并发症，有变化随时就医。",
)
_NO_RISK: Final = (
    "在就诊之前，请注意观察{who}的精神和进食，情况加重时立即就医。",
    "如果{who}的情况加重，请不要等待，立即就医。",
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


_FELT: Final = re.compile(r"胸痛|头痛|头晕|耳鸣|心悸|恶心|麻木|视物|烧心")
"""What only somebody who talks can tell: no newborn does."""


class _Story(NamedTuple):
    told: list[str]
    asked: list[list[str]]


def consultations(disease: Disease, at_most: int) -> list[dict[str, Any]]:
    """Up to `at_most` EviDiag instructions on one disease, each with another asker and other symptoms first."""
    if disease.kind.asker == "nobody" or "department" not in disease.facts or not disease.texts("exam"):
        return []
    terms = [t for t in disease.noticed() if lay_name(t)]
    by_parent = disease.kind.asker == "parent" and len(terms) >= 3
    if not by_parent:
        terms = disease.texts("symptom")
    if disease.is_newborn:
        terms = [t for t in terms if not _FELT.search(t)]
    if len(terms) < 3 or _NOT_NAMED.search(disease.name):
        return []
    if not has_hallmark(disease.name, terms) or not tells_apart(disease.name, terms):
        return []
    rows = []
    for number in range(min(at_most, len(terms) - 1)):
        story = _told_and_asked(disease, terms, number)
        tell = _by_parent if by_parent else _by_young_doctor
        rows.append(
            instruction(
                dict(disease.facts["symptom"][0].row),
                task="evidiag",
                aspect="diagnosis",
                template=f"graph/{'parent' if by_parent else 'clinician'}_{len(story.asked)}",
                messages=tell(disease, story, str(number)),
                evidence=disease.evidence("symptom", "exam", "department", "complication"),
                department=disease.texts("department")[0],
            )
        )
    return rows


def _told_and_asked(disease: Disease, terms: Sequence[str], number: int) -> _Story:
    """Which symptoms are told at once and which only when asked: another two first in each story."""
    order = shuffled(terms, disease.name, "story")
    order = order[number:] + order[:number]
    told, rest = order[:2], order[2:]
    if len(rest) >= 2 and number % 2:
        return _Story(told, [rest[:1], rest[1:]])
    return _Story(told, [rest])


def _lay(terms: Sequence[str]) -> str:
    return "、".join(lay_name(term) or term for term in terms)


def _plain(terms: Sequence[str]) -> str:
    return "、".join(after_asking(term) for term in terms)


def _asker(disease: Disease, *key: str) -> tuple[str, str]:
    if disease.is_newborn:
        return "医生您好，我家刚出生不久的宝宝", "宝宝"
    if _BOYS.search(disease.name):
        return pick(_OF_BOYS, *key)
    if _GIRLS.search(disease.name):
        return pick(_OF_GIRLS, *key)
    return pick(_ASKERS + _OF_BOYS + _OF_GIRLS, *key)


def _by_parent(disease: Disease, story: _Story, number: str) -> list[Message]:
    key = (disease.name, number)
    opening, who = _asker(disease, *key, "asker")
    alarm = _alarm(disease, "".join(story.told), *key)
    messages = [user(pick(_OPENINGS, *key, "opening").format(a=opening, s=_lay(story.told)))]
    for round_, asked in enumerate(story.asked):
        m = _plain(asked)
        options = (_ASK_MORE if alarm else _ASK_MORE_PLAIN) if round_ == 0 else _ASK_SECOND
        messages.append(assistant(pick(options, *key, "ask", str(round_)).format(who=who, m=m, n=alarm)))
        yes = pick(_YES_ONE, *key, "yes", str(round_)).format(m=m)
        messages.append(user(yes + (pick(_NO, *key, "no").format(n=alarm) if alarm and round_ == 0 else "")))
    messages.append(assistant(_conclusion(disease, story, who, key, _CONFIRM)))
    return messages


def _by_young_doctor(disease: Disease, story: _Story, number: str) -> list[Message]:
    key = (disease.name, number)
    who = "患儿"
    patient = "新生儿" if disease.is_newborn else "患儿"
    messages = [user(pick(_YOUNG, *key, "young").format(p=patient, s="、".join(story.told)))]
    for round_, asked in enumerate(story.asked):
        m = "、".join(asked)
        messages.append(assistant(pick(_YOUNG_ASK, *key, "ask", str(round_)).format(m=m)))
        messages.append(user(pick(_YOUNG_YES, *key, "yes", str(round_)).format(m=m)))
    messages.append(assistant(_conclusion(disease, story, who, key, _CONFIRM_YOUNG)))
    return messages


def _conclusion(disease: Disease, story: _Story, who: str, key: tuple[str, str], confirm: tuple[str, ...]) -> str:
    named = "、".join([*story.told, *(term for asked in story.asked for term in asked)])
    d, risks = disease.name, "、".join(disease.texts("complication"))
    firm = _CONCLUDE if confirm is _CONFIRM else (_CONCLUDE[0], _CONCLUDE[2])
    sure = not _NEEDS_LAB.search(d) and len(story.told) + sum(map(len, story.asked)) >= 4
    parts = [
        pick(firm if sure else _CONSIDER, *key, "conclude").format(who=who, s=named, d=d),
        pick(confirm, *key, "confirm").format(
            who=who, dep=departments_said(disease), e="、".join(disease.texts("exam"))
        ),
    ]
    if confirm is _CONFIRM_YOUNG:
        parts.append(f"同时警惕{risks}等并发症。" if risks else "同时密切观察病情变化。")
    else:
        parts.append(pick(_RISK if risks else _NO_RISK, *key, "risk").format(d=d, c=risks, who=who))
    return "".join(parts)


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
