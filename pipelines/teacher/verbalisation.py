"""Triples of one disease as a paragraph that reads like a textbook's, for continued pre-training."""

from __future__ import annotations

from typing import Final

from pipelines.teacher.diseases import Disease
from pipelines.teacher.graph_questions import departments_said, exams_said, is_asked_to_be_catching, people_said
from pipelines.teacher.phrasing import pick

# One tuple a style: the sentences in order, each with the aspect that it needs. `n` is the disease where it is named
# first, and a word for it afterwards.
_STYLES: Final = (
    (
        ("alias", "{n}又称{alias}。"),
        ("people", "{people}。"),
        ("symptom", "{n}常见的表现有{symptom}等。"),
        ("exam", "诊断{n}时，{exam}。"),
        ("complication", "病情进展时，{n}可能并发{complication}等。"),
        ("treatment", "{n}的治疗方式有{treatment}等。"),
        ("department", "患{n}的孩子可到{department}就诊。"),
    ),
    (
        ("symptom", "孩子出现{symptom}等表现时，要想到{n}的可能。"),
        ("department", "怀疑{n}，可以到{department}就诊。"),
        ("exam", "为了明确诊断，{exam}。"),
        ("treatment", "{n}的治疗可采用{treatment}等。"),
        ("complication", "{n}还要防止{complication}等并发症。"),
        ("alias", "{n}也叫{alias}。"),
        ("infectious", "{n}{infectious}。"),
    ),
    (
        ("part", "{n}主要累及{part}。"),
        ("symptom", "{n}可以表现为{symptom}等。"),
        ("infectious", "{n}{infectious}。"),
        ("complication", "{n}可能的并发症包括{complication}等。"),
        ("exam", "怀疑{n}时，{exam}。"),
        ("treatment", "{n}可用{treatment}等方式治疗。"),
        ("alias", "{n}在文献中也写作{alias}。"),
        ("department", "{n}的就诊科室为{department}。"),
    ),
    (
        ("people", "{people}。"),
        ("part", "{n}的病变部位主要在{part}。"),
        ("symptom", "患{n}的孩子常有{symptom}等。"),
        ("complication", "{n}没有得到控制时，可出现{complication}等并发症。"),
        ("exam", "判断{n}时，{exam}。"),
        ("treatment", "治疗{n}的方法有{treatment}等。"),
        ("department", "一般由{department}诊治{n}。"),
    ),
    (
        ("department", "{n}一般在{department}诊治。"),
        ("alias", "{n}的别名有{alias}。"),
        ("symptom", "临床上，{n}以{symptom}等为主要表现。"),
        ("exam", "诊断{n}，{exam}。"),
        ("complication", "护理{n}患儿时，要警惕{complication}等。"),
        ("people", "{people}。"),
        ("treatment", "医生会根据病情选用{treatment}等来治疗{n}。"),
    ),
)
_WORDS: Final = ("本病", "这种病", "该病")
_BLURRED: Final = ("全身", "其他", "心理", "血液血管")


def paragraph(disease: Disease) -> tuple[str, list[str]] | None:
    """A paragraph and the ids of the triples in it; None where too little is known to fill one."""
    known = {aspect: "、".join(disease.texts(aspect)) for aspect in disease.facts}
    known["part"] = "、".join(text for text in disease.texts("part") if text not in _BLURRED)
    if "department" in known:
        known["department"] = departments_said(disease)
    if "exam" in known:
        known["exam"] = exams_said(disease, "paragraph")
    if "people" in known:
        known["people"] = people_said(disease)
    if not is_asked_to_be_catching(disease):
        known.pop("infectious", None)
    if len(disease.texts("symptom")) + len(disease.texts("exam")) < 3:
        return None
    styles = [[(a, sentence) for a, sentence in style if known.get(a)] for style in _STYLES]
    fullest = max(len(style) for style in styles)
    style = pick([s for s in styles if len(s) >= min(fullest, 4)], disease.name, "paragraph")
    if len(style) < 3:
        return None
    text, again = "", pick(_WORDS, disease.name, "again")
    for number, (aspect, sentence) in enumerate(style):
        word = again if disease.name in text else disease.name
        text += (
            sentence.format(n=word, **{aspect: known[aspect]}) if number or aspect != "people" else f"{known[aspect]}。"
        )
    ids = [fact.row["record_id"] for aspect, _ in style for fact in disease.facts[aspect]]
    return text, list(dict.fromkeys(ids))
