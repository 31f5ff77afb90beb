"""Triples of one disease as a paragraph that reads like a textbook's, for continued pre-training."""

from __future__ import annotations

from typing import Final

from pipelines.teacher.diseases import Disease
from pipelines.teacher.graph_questions import departments_said
from pipelines.teacher.phrasing import pick

# One tuple a style: the sentences in order, each with the aspect that it needs.
_STYLES: Final = (
    (
        ("alias", "{d}又称{alias}。"),
        ("people", "好发人群：{people}。"),
        ("symptom", "临床上，{d}常见的表现有{symptom}等。"),
        ("exam", "诊断时可能用到的检查有{exam}等。"),
        ("complication", "病情进展时可能并发{complication}等。"),
        ("treatment", "治疗方式有{treatment}等。"),
        ("period", "治疗周期一般为{period}左右。"),
        ("department", "患儿可到{department}就诊。"),
    ),
    (
        ("symptom", "孩子出现{symptom}等表现时，要想到{d}的可能。"),
        ("department", "这时可以到{department}就诊，"),
        ("exam", "医生会根据情况选择{exam}等检查。"),
        ("treatment", "{d}的治疗方式有{treatment}等。"),
        ("complication", "还要防止{complication}等并发症。"),
        ("alias", "这种病也叫{alias}。"),
        ("infectious", "{d}{infectious}。"),
    ),
    (
        ("part", "{d}主要累及{part}。"),
        ("infectious", "{d}{infectious}。"),
        ("symptom", "患儿可以表现为{symptom}等。"),
        ("complication", "可能的并发症包括{complication}等。"),
        ("exam", "相关检查包括{exam}等。"),
        ("treatment", "治疗上采用{treatment}等方式。"),
        ("alias", "文献中也写作{alias}。"),
        ("department", "就诊科室为{department}。"),
    ),
)


def paragraph(disease: Disease) -> tuple[str, list[str]] | None:
    """A paragraph and the ids of the triples in it; None where fewer than three aspects are known."""
    style = pick(_STYLES, disease.name, "paragraph")
    told = [(aspect, sentence) for aspect, sentence in style if aspect in disease.facts]
    if len(told) < 3:
        return None
    words = {aspect: "、".join(disease.texts(aspect)) for aspect, _ in told}
    if "department" in words:
        words["department"] = departments_said(disease)
    text = "".join(sentence.format(d=disease.name, **{aspect: words[aspect]}) for aspect, sentence in told)
    if text[-1] == "，":
        text = text[:-1] + "。"
    ids = [fact.row["record_id"] for aspect, _ in told for fact in disease.facts[aspect]]
    return text, list(dict.fromkeys(ids))
