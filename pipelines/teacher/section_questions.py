"""Questions from sections of modern textbooks and guidelines whose heading says what they are about."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from pipelines.teacher.passages import (
    MAX_CHARS,
    Sentence,
    evidence,
    excerpt,
    opens_midway,
    sentences,
    stands_alone,
    told,
)
from pipelines.teacher.phrasing import pick
from pipelines.teacher.rows import Row, assistant, instruction, user

ANSWER_CHARS: Final = 420
_NUMBERING: Final = re.compile(
    r"^(?:第[一二三四五六七八九十百零〇\d]+[篇编章节条部分]+|[一二三四五六七八九十]+[、.．]|[（(][一二三四五六七八九十\d]+[）)]|\d+(?:[.．]\d+)*[.．、]?|【|\[)\s*"
)

# Heading → aspect; the first that matches counts.
_ASPECTS: Final = tuple(
    (aspect, re.compile(pattern))
    for aspect, pattern in (
        ("differential", r"鉴别"),
        ("when_to_go", r"就医|就诊|转诊|危险信号|何时|住院指征"),
        ("drug", r"用药|药物(?!中毒)|剂量|抗菌药|抗病毒"),
        ("care", r"护理|照护|家庭处理|急救|现场|处理原则|家庭管理"),
        ("feeding", r"喂养|辅食|饮食|膳食|营养|食物|配餐|零食|哺"),
        ("prevention", r"预防|接种|防控|疫苗"),
        ("prognosis", r"预后|转归|随访|自然病程"),
        ("complication", r"并发症"),
        ("treatment", r"治疗|处理|疗法|干预|管理|补液|退热"),
        ("exam", r"检查|检验|实验室|影像|评估|监测|筛查"),
        ("diagnosis", r"诊断|分型|分度|分期|分级|判断"),
        ("symptom", r"表现|症状|体征|特点|临床"),
        ("cause", r"病因|发病机制|机制|病原|诱因|原因|危险因素"),
        ("epidemiology", r"流行|传播|发病率"),
        ("definition", r"概述|定义|概念|简介|术语|总论|引言"),
    )
)
_QUESTIONS: Final = {
    "definition": ("什么是{s}？", "请介绍一下{s}。", "{s}是怎么一回事？", "能讲讲{s}的基本情况吗？"),
    "cause": ("{s}是什么原因引起的？", "孩子为什么会得{s}？", "{s}的病因有哪些？", "哪些因素会导致{s}？"),
    "symptom": ("{s}有哪些临床表现？", "孩子得了{s}会有什么表现？", "怎样从症状上认出{s}？", "{s}的症状有什么特点？"),
    "exam": (
        "{s}需要做哪些检查？",
        "怀疑{s}时，检查应该怎么选？",
        "{s}的辅助检查有哪些意义？",
        "诊断{s}要做化验或拍片吗？",
    ),
    "diagnosis": ("{s}怎么诊断？", "{s}的诊断依据是什么？", "医生根据什么诊断{s}？", "诊断{s}时要注意哪些方面？"),
    "differential": ("{s}需要和哪些疾病鉴别？", "{s}容易和什么病混淆，怎么区分？", "{s}的鉴别诊断要点是什么？"),
    "treatment": (
        "{s}怎么治疗？",
        "孩子得了{s}应该怎样处理？",
        "{s}的治疗原则和方法是什么？",
        "请问{s}的治疗要点有哪些？",
    ),
    "drug": ("{s}怎么用药？", "{s}用药要注意什么？", "孩子得了{s}，用药上有什么讲究？"),
    "care": ("孩子得了{s}，在家怎么护理？", "{s}的护理要点有哪些？", "照顾{s}的孩子要注意什么？"),
    "feeding": ("{s}在喂养和饮食上要注意什么？", "关于{s}，吃的方面有什么建议？", "{s}怎么安排饮食？"),
    "prevention": ("怎样预防{s}？", "{s}有什么预防办法？", "想让孩子少得{s}，家长可以做些什么？"),
    "prognosis": ("{s}的预后怎么样？", "得了{s}多久能好，会有后遗症吗？", "{s}以后还要复查吗，预后如何？"),
    "complication": ("{s}有哪些并发症？", "{s}可能引起什么并发症？", "{s}最要防的并发症是什么？"),
    "when_to_go": ("{s}出现什么情况要马上去医院？", "孩子得了{s}，哪些情况必须就医？", "{s}什么时候需要看医生？"),
    "epidemiology": ("{s}的流行特点是什么？", "{s}是怎样传播的，哪些孩子容易得？", "{s}在什么季节、什么年龄多见？"),
}
# For a chapter that is no disease (feeding, growth): the heading itself is what is asked about.
_TOPICAL: Final = (
    "关于{s}，想了解一下“{h}”这方面的要点。",
    "{s}这个话题里，{h}要知道些什么？",
    "请讲讲{s}中{h}的内容。",
)
_SUBJECT_OF_TITLE: Final = re.compile(r"(?:诊疗|诊治|诊断|防治|防控|治疗|临床|管理|专家共识|[(（《]).*$")
_CLOSED: Final = re.compile(r"参考文献|参考书目|前言|目[录次]|附录|致谢|索引|编写|起草")
_ADVICE: Final = frozenset({"treatment", "drug", "care", "feeding", "when_to_go"})
_DISEASE: Final = re.compile(
    r"病|炎|症|热|癫痫|感染|感冒|贫血|哮喘|腹泻|黄疸|惊厥|湿疹|便秘|中毒|疹|痘|痢|疟|喘|瘤|癌|疝|瘫|综合征|缺乏|肥胖|咳嗽|呕吐"
)
_DEFINES: Final = re.compile(
    r"^([\u3400-\u9fffA-Za-z0-9（）()·\-]{2,16}?)(?:，?(?:又称|俗称)[^，。]{2,14}，)?(?:是指|指的是|是一种|系指|的定义是)"
)
_CONDITION: Final = re.compile(
    r"^((?:(?:对于?|如果|若|如|当)[^，。；：]{3,24}|[^，。；：]{3,22}(?:时|者|后|期间)))，(?=[^。]{0,30}(?:应|宜|可|需|须|要|不|避免|禁|建议|立即|首选|考虑))"
)


def section_rows(row: Row, at_most: int) -> list[dict[str, Any]]:
    """Up to `at_most` instructions from one section; none where its heading does not say what it is about."""
    if len(row["text"]) > MAX_CHARS:
        return []
    path = [clean_heading(h) for h in row["section_path"] or []]
    title = _SUBJECT_OF_TITLE.sub("", clean_heading(row["title"] or ""))
    heading = path[-1] if path else ""
    aspect = aspect_of(heading)
    subject = _subject(path, title)
    if not subject or len(row["text"]) < 40 or not heading or _CLOSED.search(heading):
        return []
    found = sentences(row["text"])
    made = list(_drafts(row, found, subject, heading, aspect))[:at_most]
    general = row["domain"] == "medical"
    return [
        instruction(
            row,
            task="general" if general else "trerecom" if drawn in _ADVICE else "medkqa",
            aspect=drawn,
            template=f"section/{template}",
            messages=[user(question), assistant(told(kept))],
            evidence=evidence(row, kept),
        )
        for drawn, template, question, kept in made
    ]


def clean_heading(heading: str) -> str:
    """A heading without its number and brackets."""
    bare = _NUMBERING.sub("", heading.strip())
    return bare.strip(" 　:：。【】[]《》")


def aspect_of(heading: str) -> str | None:
    """What a heading announces, or None."""
    if not heading or len(heading) > 24:
        return None
    return next((aspect for aspect, pattern in _ASPECTS if pattern.search(heading)), None)


def _subject(path: list[str], title: str) -> str:
    """The nearest heading above that names a thing, else the title."""
    for heading in reversed([title, *path[:-1]]):
        if 2 <= len(heading) <= 18 and (aspect_of(heading) is None or _DISEASE.search(heading)):
            return heading
    return title if 2 <= len(title) <= 18 else ""


def _drafts(
    row: Row, found: list[Sentence], subject: str, heading: str, aspect: str | None
) -> Iterator[tuple[str, str, str, list[Sentence]]]:
    kept = excerpt(found, ANSWER_CHARS)
    key = row["record_id"]
    if sum(len(s.text) for s in kept) >= 30:
        options = _QUESTIONS[aspect] if aspect and _DISEASE.search(subject) else _TOPICAL
        if len(heading) <= 16 and heading != subject:
            yield aspect or "topic", "whole", pick(options, key, "whole").format(s=subject, h=heading), kept
    for number in range(min(len(found), 60)):
        part = _from_sentence(found, number, subject)
        if part:
            yield part[0] or aspect or "topic", "sentence", part[1], part[2]


def _from_sentence(found: list[Sentence], number: int, subject: str) -> tuple[str | None, str, list[Sentence]] | None:
    """A question that one sentence answers: a definition, or what to do in a named case."""
    sentence = found[number]
    if len(sentence.text) < 18 or not stands_alone(sentence.text) or opens_midway(sentence.text):
        return None
    kept = [sentence]
    if number + 1 < len(found):
        after = found[number + 1]
        if opens_midway(after.text) and stands_alone(after.text) and len(after.text) < 120:
            kept.append(after)
    defined = _DEFINES.match(sentence.text)
    if defined and defined[1] != subject:
        return "definition", f"什么是{defined[1]}？", kept
    condition = _CONDITION.match(sentence.text)
    if condition:
        case = condition[1]
        about = "" if subject in case or case.startswith(subject[:2]) else f"关于{subject}："
        end = "的孩子应该怎么处理？" if case.endswith("者") else "，应该怎么处理？"
        return None, f"{about}{case.removesuffix('者')}{end}", kept
    return None
