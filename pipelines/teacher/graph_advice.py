"""Treatment recommendations (TreRecom) from the facts of one disease: where to go, how it is treated, what to watch.

The graph's lists of drugs are adverts and never used; its ways of treatment are stated only together with the
department, and with what has to be checked, so that the answer helps somebody.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from pipelines.teacher.diseases import Disease
from pipelines.teacher.graph_questions import departments_said, exams_said
from pipelines.teacher.phrasing import pick
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
    "护理{d}患儿时，要留意哪些病情变化？",
    "孩子正在治疗{d}，家长平时要盯着哪些表现？",
)


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
    d, key, facts = disease.name, disease.name, disease.facts
    if "department" not in facts:
        return
    where = departments_said(disease)
    if "treatment" in facts:
        question = pick(TREATMENT, key, "treatment").format(d=d)
        answer, used = _treatment(disease, where)
        yield "treatment", question, answer, used
    on_ward = disease.is_newborn and disease.kind.asker == "clinician"
    if len(disease.texts("symptom")) >= 2 and "exam" in facts and not on_ward:
        signs = "、".join(disease.texts("symptom"))
        answer = (
            f"孩子如果出现{signs}等表现，应及时去医院，可以挂{where}。"
            f"到医院后，{exams_said(disease)}，医生会根据孩子的情况选择。"
        )
        yield "visit", pick(VISIT, key, "visit").format(d=d), answer, ("department", "symptom", "exam")
    if len(disease.texts("symptom")) >= 2 and "complication" in facts:
        signs, risks = "、".join(disease.texts("symptom")), "、".join(disease.texts("complication"))
        answer = (
            f"照顾{d}的孩子，要留意{signs}等表现有没有加重。{d}可能并发{risks}等，"
            f"一旦孩子情况变差或出现新的不适，应尽快到{where}就诊。"
        )
        yield (
            "care",
            pick(CARE[2:3] if on_ward else CARE, key, "care").format(d=d),
            answer,
            ("symptom", "complication", "department"),
        )


def _treatment(disease: Disease, where: str) -> tuple[str, tuple[str, ...]]:
    d, used = disease.name, ["treatment", "department"]
    sentences = [f"{d}的治疗方式有{'、'.join(disease.texts('treatment'))}等，应到{where}就诊，由医生制定具体方案。"]
    if disease.texts("period"):
        used.append("period")
        sentences.append(f"治疗周期一般为{disease.texts('period')[0]}左右，实际长短要看孩子的恢复情况。")
    if disease.texts("exam"):
        used.append("exam")
        sentences.append(f"治疗前后{exams_said(disease)}。")
    if disease.texts("complication"):
        used.append("complication")
        sentences.append(f"治疗期间还要防止并发{'、'.join(disease.texts('complication'))}等。")
    sentences.append("不要自行给孩子用药或停药。")
    return "".join(sentences), tuple(used)
