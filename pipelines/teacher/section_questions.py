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
from pipelines.teacher.section_wording import (
    CASE_ENDS,
    CASE_ENDS_OF_PEOPLE,
    OF_A_HEADING,
    OF_A_MATTER,
    OF_BOTH,
    QUESTIONS,
)

ANSWER_CHARS: Final = 420
_NUMBERING: Final = re.compile(
    r"^(?:第[一二三四五六七八九十百零〇\d]+[篇编章节条部分]+|[一二三四五六七八九十]+[、.．]|[（(][一二三四五六七八九十\d]+[）)]|"
    r"\d+(?:[.．]\d+)*[.．、]?(?!\s*(?:岁|月|个|年|周|天|日|小时|型|例|种|次|％)|[～~%\-0-9.．])|【|\[)\s*"
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
_MATTER: Final = re.compile(
    r"喂养|辅食|饮食|母乳|配方奶|进食|生长|发育|烫伤|烧伤|异物|溺水|咬伤|电池|触电|跌落|窒息|疫苗|睡眠"
)
# A chapter on several things at once, or on mishaps: nobody "gets" it as one gets a disease.
_NO_DISEASE: Final = re.compile(r"意外|伤害|监测|喂养|发育")
_AUDIENCE: Final = re.compile(
    r"^(?:儿童|成人|孕产?妇|老年人|新生儿|患者|家长|医务人员|其他|总则|要求|说明|适用范围|目的)$|证据|推荐强度"
)
_OFFICE: Final = re.compile(r"制度|家委|配餐企业|供餐|人员配备|职责|组织|管理要求|信息系统|监督|备案|考核")
_SUBJECT_OF_TITLE: Final = re.compile(r"(?:诊疗|诊治|诊断|防治|防控|治疗|临床|管理|专家共识|[(（《]).*$")
_CLOSED: Final = re.compile(r"参考文献|参考书目|前言|目[录次]|附录|致谢|索引|编写|起草")
_ADVICE: Final = frozenset({"treatment", "drug", "care", "feeding", "when_to_go"})
_DISEASE: Final = re.compile(
    r"过敏|病|炎|症|热|癫痫|感染|感冒|贫血|哮喘|腹泻|黄疸|惊厥|湿疹|便秘|中毒|疹|痘|痢|疟|喘|瘤|癌|疝|瘫|综合征|缺乏|肥胖|咳嗽|呕吐"
)
_DEFINES: Final = re.compile(
    r"^([\u3400-\u9fffA-Za-z0-9（）()·\-]{2,16}?)(?:，?(?:又称|俗称)[^，。]{2,14}，)?(?:是指|指的是|是一种|系指|的定义是)"
)
_CONDITION: Final = re.compile(
    r"^((?:(?:对于|对(?!乙酰|氨基|症|照|比|称)|如果|若|如(?!厕|何|下|上|此|实|期|常|同|今)|当(?!地|天|日|时|中|前))[^，。；：应宜]{3,24}|"
    r"[^，。；：应宜]{3,22}(?:(?<![小及同有平])时|者|后|期间)))，(?=[^。]{0,30}(?:应|宜|可|需|须|要|不|避免|禁|建议|立即|首选|考虑))"
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


def bare_subject(subject: str) -> str:
    """The disease without the age group in front, as the text itself calls it."""
    return re.sub(r"^(?:小儿|儿童|婴幼儿)(?=..)", "", subject)


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
        options = _options(aspect, heading, subject)
        if options and len(heading) <= 16 and heading != subject:
            asked = pick(options, key, "whole")
            named = bare_subject(subject) if "孩子" in asked else subject
            yield aspect or "topic", "whole", asked.format(s=named, h=heading), kept
    for number in range(min(len(found), 60)):
        part = _from_sentence(found, number, subject)
        if part:
            yield part[0] or aspect or "topic", "sentence", part[1], part[2]


def _options(aspect: str | None, heading: str, subject: str) -> tuple[str, ...]:
    """How to ask for the whole section; nothing where its heading says too little, or what no family asks."""
    if _AUDIENCE.match(heading) or _OFFICE.search(heading):
        return ()
    if aspect and _DISEASE.search(subject) and not _NO_DISEASE.search(subject):
        return QUESTIONS[aspect]
    if aspect and len(heading) <= 5 and not _MATTER.search(heading):  # 预防 alone says nothing without the chapter
        return OF_A_MATTER[aspect]
    return OF_A_HEADING if _MATTER.search(heading) or _DISEASE.search(heading) else OF_BOTH


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
    if condition and not re.search(r"不要|不能|不宜|不得|避免", condition[1][-14:]):
        case = condition[1]
        core = bare_subject(subject)
        known = core in sentence.text[:60] or subject in case or case.startswith(subject[:2])
        about = "" if known else pick(("说到{s}，", "{s}方面，", "关于{s}，"), subject, case).format(s=subject)
        ends = CASE_ENDS_OF_PEOPLE if case.endswith("者") else CASE_ENDS
        return None, about + case.removesuffix("者") + pick(ends, subject, case, "end"), kept
    return None
