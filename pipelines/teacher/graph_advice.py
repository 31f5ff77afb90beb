"""Treatment recommendations (TreRecom) from the facts of one disease: where to go, how it is treated, what to watch.

The graph's lists of drugs are adverts and never used; its ways of treatment are stated only together with the
department, and with what has to be checked, so that the answer helps somebody.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from pipelines.teacher.diseases import Disease
from pipelines.teacher.graph_questions import departments_said, exams_said
from pipelines.teacher.hallmarks import has_hallmark
from pipelines.teacher.lay_names import after_asking, lay_name
from pipelines.teacher.phrasing import pick, shuffled
from pipelines.teacher.rows import assistant, instruction, user

TREATMENT: Final = (
    "孩子确诊了{d}，一般怎么治疗？",
    "{d}有哪些治疗方式，该去哪个科治？",
    "孩子得了{d}，应该怎么治？",
    "医生诊断是{d}，接下来的治疗大概是怎样的？",
    "{d}怎么治疗？需要注意什么？",
    "想了解一下{d}的治疗方法。",
)
VISIT: Final = (
    "怀疑孩子是{d}，需要带他去医院吗？挂哪个科，要查什么？",
    "孩子可能是{d}，去医院看病的流程是什么样的？",
    "打算带孩子去看{d}，应该挂什么科，会做哪些检查？",
    "什么情况下要带孩子去看{d}？到医院看哪个科？",
)
CARE: Final = (
    "孩子得了{d}，在家护理要重点观察什么？",
    "照顾{d}的孩子，哪些情况要马上联系医生？",
    "孩子正在治疗{d}，家长平时要盯着哪些表现？",
)
CARE_WARD: Final = ("护理{d}患儿时，要留意哪些病情变化？", "病房里有{d}的患儿，护士要重点观察什么？")
TRIAGE: Final = (
    "孩子{s}，需要去医院吗？",
    "孩子{s}，可以先在家观察吗？",
    "孩子{s}，我该怎么办？",
    "孩子{s}，能不能先自己买点药吃？",
)
HOW_LONG: Final = ("{d}一般要治多久？", "孩子得了{d}，多长时间能好？", "{d}的疗程大概是多久，没好怎么办？")
_BARE: Final = frozenset(
    [
        "药物治疗",
        "药物",
        "西药治疗",
        "西医药物治疗",
        "中医药物治疗",
        "中药治疗",
        "药物疗法",
        "对症治疗",
        "支持治疗",
        "支持性治疗",
        "病因治疗",
        "支持疗法",
    ]
)
_NO_ADVICE: Final = re.compile(r"狂犬|时期常见|CM1|综合征Ⅰ")
_EMERGENCY: Final = re.compile(
    r"肠套叠|阑尾炎|胰腺炎|扭转|异物|肠梗阻|心力衰竭|休克|中毒|脑膜炎|脑炎|"
    r"脑水肿|出血症|败血|癫痫持续|破伤风|麻痹症"
)

_NO_TERM: Final = re.compile(r"肺炎|真菌|结核|脑|心|肾|肝|败血|骨髓|瘤|癌|白血|综合征|免疫|梅毒|缺乏")
"""Whose course no number of days tells: the graph says 7 days of a fungal pneumonia."""

Draft = tuple[str, str, str, tuple[str, ...]]


def advice(disease: Disease, at_most: int) -> list[dict[str, Any]]:
    """Up to `at_most` TreRecom instructions on one disease."""
    rows = []
    for aspect, question, answer, used in list(_drafts(disease))[:at_most]:
        rows.append(
            instruction(
                dict(disease.facts[used[0]][0].row),
                task="trerecom",
                aspect=aspect,
                template=f"graph/{aspect}",
                messages=[user(question), assistant(answer)],
                evidence=disease.evidence(*used),
                department=disease.texts("department")[0],
            )
        )
    return rows


def _drafts(disease: Disease) -> Iterator[tuple[str, str, str, tuple[str, ...]]]:
    facts = disease.facts
    if "department" not in facts or _NO_ADVICE.search(disease.name):
        return
    for rule in (_treatment, _visit, _care, _triage, _how_long):
        draft = rule(disease, departments_said(disease))
        if draft:
            yield draft


def _seen(disease: Disease) -> list[str]:
    """The symptoms that a parent can notice."""
    return disease.noticed()


def _visit(disease: Disease, where: str) -> Draft | None:
    seen = _seen(disease)
    found = [t for t in disease.texts("symptom") if t not in seen and lay_name(t) is None]
    if not seen or (len(seen) < 2 and len(found) < 2) or disease.kind.asker == "nobody" or _on_ward(disease):
        return None
    if not disease.texts("exam"):
        return None
    looks = f"医生会检查有没有{'、'.join(found)}等，" if found else "到医院后，"
    answer = (
        f"孩子如果出现{'、'.join(seen)}等表现，应及时去医院，可以挂{where}。"
        f"{looks}{exams_said(disease)}，具体由医生根据孩子的情况选择。"
    )
    question = pick(VISIT, disease.name, "visit").format(d=disease.name)
    return "visit", question, answer, ("department", "symptom", "exam")


def _care(disease: Disease, where: str) -> Draft | None:
    """What to watch: not where nothing can get worse from day to day, as in a malformation."""
    d, risks = disease.name, disease.texts("complication")
    if len(disease.texts("symptom")) < 2 or not risks or disease.kind.tempo == "congenital":
        return None
    nurse = _on_ward(disease) or disease.kind.asker != "parent" or bool(_EMERGENCY.search(d))
    seen = disease.texts("symptom") if nurse else _seen(disease)
    if len(seen) < 2:
        return None
    end = "一旦病情变化，应立即报告医生。" if nurse else f"一旦孩子情况变差或出现新的不适，应尽快到{where}就诊。"
    who = f"护理{d}患儿时" if nurse else f"照顾{d}的孩子"
    answer = f"{who}，要留意{'、'.join(seen)}等表现有没有加重。{d}可能并发{'、'.join(risks)}等，{end}"
    used = ("symptom", "complication") if nurse else ("symptom", "complication", "department")
    return "care", pick(CARE_WARD if nurse else CARE, d, "care").format(d=d), answer, used


def _triage(disease: Disease, where: str) -> Draft | None:
    """Whether to go now: only where the graph names what may follow."""
    seen, risks = _seen(disease), disease.texts("complication")
    if len(seen) < 2 or not risks or disease.kind.asker != "parent" or disease.is_newborn:
        return None
    if not has_hallmark(disease.name, seen):
        return None
    told = shuffled(seen, disease.name, "triage")[:3]
    said = "、".join(after_asking(t) for t in told)
    question = pick(TRIAGE, disease.name, "triage").format(s=said)
    answer = (
        f"建议及时就医。{'、'.join(told)}等表现可见于{disease.name}，这种病可能并发{'、'.join(risks)}等，不宜在家拖延。"
        f"可以到{where}就诊，由医生检查后决定怎么处理，不要自行给孩子用药。"
    )
    return "triage", question, answer, ("symptom", "complication", "department")


def _how_long(disease: Disease, where: str) -> Draft | None:
    """How long the treatment takes, and what to do when the child is not better by then."""
    periods, seen = disease.texts("period"), _seen(disease)
    if not periods or not seen or _on_ward(disease) or _NO_TERM.search(disease.name):
        return None
    answer = (
        f"{disease.name}的治疗周期一般为{periods[0]}左右，实际长短要看孩子的恢复情况。"
        f"如果治疗后{'、'.join(seen)}等表现没有减轻，应带孩子到{where}复诊，不要自行停药或加药。"
    )
    return (
        "course",
        pick(HOW_LONG, disease.name, "course").format(d=disease.name),
        answer,
        ("period", "symptom", "department"),
    )


def _on_ward(disease: Disease) -> bool:
    return disease.is_newborn and disease.kind.asker == "clinician"


def _treatment(disease: Disease, where: str) -> Draft | None:
    """How it is treated: a bare 药物治疗 only together with two things that help."""
    d, used = disease.name, ["treatment", "department"]
    ways = disease.texts("treatment")
    if not ways:
        return None
    sentences = [f"{d}的治疗方式有{'、'.join(ways)}等，应到{where}就诊，由医生制定具体方案。"]
    if disease.texts("period"):
        used.append("period")
        sentences.append(f"治疗周期一般为{disease.texts('period')[0]}左右，实际长短要看孩子的恢复情况。")
    if disease.texts("exam"):
        used.append("exam")
        sentences.append(f"治疗前后{exams_said(disease)}。")
    if disease.texts("complication"):
        used.append("complication")
        sentences.append(f"治疗期间还要防止并发{'、'.join(disease.texts('complication'))}等。")
    helpful = len(sentences) >= 3 or len(disease.texts("exam")) >= 2
    if all(way in _BARE for way in ways) and not helpful:
        return None
    sentences.append("不要自行给孩子用药或停药。" if any("药" in way for way in ways) else "具体安排请听从医生的建议。")
    return "treatment", pick(TREATMENT, d, "treatment").format(d=d), "".join(sentences), tuple(used)
