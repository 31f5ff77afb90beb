"""Questions from the numbered recommendations and definitions of guidelines and standards.

A recommendation says who should (宜 应 推荐) or should not (不宜 不应) do what, in which case. The question turns that
round as a parent or a carer would ask it, and takes from the headings whom it is about, so that the answer can stay
the recommendation's own words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from pipelines.teacher.passages import MAX_CHARS, Sentence, evidence, excerpt, sentences, stands_alone, told
from pipelines.teacher.phrasing import pick
from pipelines.teacher.rows import Row, assistant, instruction, user
from pipelines.teacher.section_questions import clean_heading

_PRODUCT: Final = re.compile(r"产品|原料|标签|添加剂|标准$|配方食品$")
_NUMBERED: Final = re.compile(r"\d+(?:\.\d+)+|推荐意见|推荐\s*\d|建议\s*\d|问题\s*\d")
_AGES: Final = re.compile(r"(\d+\s*(?:月龄|岁|个月)?\s*[～~-]\s*\d+\s*(?:月龄|岁|个月))\s*(婴幼儿|婴儿|幼儿|儿童)?")
_CHILD: Final = re.compile(r"儿|婴|宝宝|月龄|母乳|母亲|孩")
_GENERIC: Final = re.compile(r"核心推荐|原则|一般|总则|要求|指南|标准|推荐|其他|管理|制度|注意事项|附录|流程|程序|保障")
# What is for the office and not for the child: nobody asks a paediatrician.
_OFFICE: Final = re.compile(
    r"家委|供餐|配餐企业|陪餐|从业人员|管理人员|岗位|采购|验收|查验|经营许可|营养标识|标签|添加剂|食品安全工作|制度|氢化|原料|形象|信息系统|公示|供应商|留样|台账|膳食调查|按照带量食谱|必需成分|谷蛋白|辐照|小份量"
)
_INSTITUTION: Final = re.compile(r"机构|单位|食堂|家委|工作人员|从业人员|陪餐|供餐|配餐系统|食谱|标识|标示|就餐")
_ENGLISH: Final = re.compile(r"\s*[A-Za-z][A-Za-z \-,'()]+$")
_CASE: Final = re.compile(r"^(?:在)?([^，。；：]{4,26}(?:时|后|前|期间|情况下|以内))，")
_IF: Final = re.compile(r"^(?:若|如果|如|一旦)([^，。；：]{3,28})(?:时)?，")
_TO: Final = re.compile(r"^为了?([^，。；：]{4,26})，(?=宜|应|可|需)")
_ABOUT: Final = re.compile(r"^([^，。；：宜应]{3,14})，(?=宜|应|推荐|建议)")
_LIST: Final = re.compile(r"^(?:宜|应)?([^，。；]{0,12}?)(?:以下|下列)([^，。；：]{2,30})[：:]?$")
# 对乙酰氨基酚 is a drug, and nothing is done to 乙酰氨基酚.
_FOR: Final = re.compile(r"^对(?!乙酰|氨基|硝基|羟基|甲|苯|症|照|比)于?([^，。；：宜]{3,26})，")
_NOT: Final = re.compile(r"^([^，。；：]{0,20}?)(?:不宜|不应|不得|不可|不能|禁止|避免)([^，。；：]{2,18})[，。；]")
_SHOULD: Final = re.compile(
    r"^([^，。；：]{0,20}?)(?<![适便不必所急])(?:宜|应当|应|推荐|建议|需要|需)(?!成分|要成分)([^，。；：宜]{2,20})[，。；]"
)
_YES: Final = (
    "是的。",
    "是的，建议这样做。",
    "建议这样做。",
    "对，建议这样做。",
    "是的，这样做比较好。",
    "推荐这样做。",
)
_NO: Final = ("不建议这样做。", "最好不要。", "不宜这样做。", "不推荐。", "不要这样做。")
_MATTER: Final = re.compile(r"母乳|辅食|喂养|哺|奶|零食|食物|膳食|烹|营养|配餐")
_PHRASE: Final = re.compile(r"^(?:根据|按照|依照|结合|参照|在[^，]*下$|遵循)|丰富$|[“”（(]")
_AMOUNT: Final = re.compile(
    r"^((?:\d+\s*岁～\d+\s*岁)?[^，。；：\d]{4,24}?)(?<!进行)(?:(?:宜为|宜不少于|不少于|不宜超过|不超过|宜控制在)[：:]?[^，。；\d]{0,6}|宜)\s*[≥≤<>]?\s*\d"
)
_CASES: Final = (
    "{w}{c}，应该怎么做？",
    "{w}{c}，有什么建议？",
    "请问{w}{c}，要注意什么？",
    "{w}{c}，怎么做才合适？",
    "想请教一下，{w}{c}，家长该怎么办？",
    "{w}{c}，有哪些要点？",
)
_GRADE: Final = re.compile(r"^[（(]?(?:证据质量|证据等级|推荐强度|推荐等级)")


def clause_rows(row: Row, at_most: int) -> list[dict[str, Any]]:
    """Up to `at_most` instructions from one numbered clause; none where no natural question fits it."""
    if len(row["text"]) > MAX_CHARS:
        return []
    if _OFFICE.search(row["text"][:60]) and "术语" not in "".join(row["section_path"] or []):
        return []
    if not row["number"] or not _NUMBERED.search(row["number"]) or len(row["text"]) > 900:
        return []
    path = [clean_heading(h) for h in row["section_path"] or []]
    found = [s for s in sentences(row["text"]) if not _GRADE.match(s.text)]
    institution = any(_INSTITUTION.search(h) for h in path[1:]) or bool(_INSTITUTION.search(row["text"][:14]))
    of_product = any(_PRODUCT.search(h) for h in [row["title"] or "", *path]) or bool(_PRODUCT.search(row["text"][:14]))
    task = "medkqa" if institution or of_product else "trerecom"
    made = list(_drafts(row, path, found))[:at_most]
    return [
        instruction(
            row,
            task="general" if row["domain"] == "medical" else "medkqa" if aspect == "definition" else task,
            aspect=aspect,
            template=f"clause/{template}",
            messages=[user(question), assistant(opening + told(kept))],
            evidence=evidence(row, [*_term(found, aspect), *kept]),
        )
        for aspect, template, question, opening, kept in made
    ]


def _term(found: list[Sentence], aspect: str) -> list[Sentence]:
    """The line that names what is defined, where it stands in the text."""
    return found[:1] if aspect == "definition" and _ENGLISH.search(found[0].text) else []


def _drafts(row: Row, path: list[str], found: list[Sentence]) -> Iterator[tuple[str, str, str, str, list[Sentence]]]:
    defined = _definition(row, path, found)
    if defined:
        yield defined
        return
    kept = excerpt(found, 500)
    if not kept or kept[0] is not found[0] or (len(kept) < len(found) and kept[-1].text.endswith(("：", ":"))):
        return
    if sum(len(s.text) for s in kept) < 10:
        return
    question = _listing(path) or _question(row, path, kept[0].text)
    if question:
        template, asked, opening = question
        yield "recommendation", template, asked, opening, kept


def _definition(row: Row, path: list[str], found: list[Sentence]) -> tuple[str, str, str, str, list[Sentence]] | None:
    """`什么是…？` for an entry of the chapter 术语和定义."""
    if not any("术语" in h for h in path):
        return None
    body = [s for s in found if stands_alone(s.text) and not s.text.startswith(("注", "[来源", "[", "来源"))]
    heading = _ENGLISH.sub("", path[-1]).strip()
    if body and _ENGLISH.search(body[0].text) and len(body) > 1:
        heading, body = _ENGLISH.sub("", body[0].text).strip(), body[1:]
    kind = re.match(r"([^：:，。]{2,14})[：:](?=指)", body[0].text) if body else None
    if kind:
        return "definition", "definition", f"什么是{kind[1]}？", "", body[:2]
    if not body or not 2 <= len(heading) <= 14 or "术语" in heading:
        return None
    asked = pick(("什么是{t}？", "“{t}”是什么意思？", "{t}指的是什么？"), row["record_id"], "definition")
    opening = "" if body[0].text.startswith(heading) else f"{heading}{'' if body[0].text.startswith('指') else '是指'}"
    if body[0].text.startswith("指"):
        opening = f"{heading}是"
    return "definition", "definition", asked.format(t=heading), opening, body[:2]


def _question(row: Row, path: list[str], first: str) -> tuple[str, str, str] | None:
    """The template's name, the question, and the word that the answer opens with."""
    key = row["record_id"]
    about = _about(_whom(path), _topic(path), first, key)
    for template, pattern in (("case", _CASE), ("if", _IF), ("for", _FOR), ("to", _TO), ("about", _ABOUT)):
        match = pattern.match(first)
        if match:
            case = {
                "if": f"如果{match[1]}",
                "for": f"对于{match[1]}",
                "to": f"为了{match[1]}",
                "about": pick((f"{match[1]}方面", f"关于{match[1]}", f"在{match[1]}上"), key, "matter"),
                "case": match[0][:-1],
            }[template]
            return template, _spaced(pick(_CASES, key, template).format(w=about, c=case)), ""
    match = _AMOUNT.match(first)
    if match:
        how = pick(("多少合适", "应该是多少", "以多少为宜"), key, "amount")
        return "amount", _spaced(f"{about}{match[1].strip()}{how}？"), ""
    match = _NOT.match(first)
    if match and not re.search(r"宜|应", match[1]):
        subject, verb = match[1].strip(), match[2].strip()
        return (
            "not",
            _spaced(
                about
                + pick(("{s}可以{v}吗？", "{s}能{v}吗？", "{s}是不是不能{v}？"), key, "not").format(s=subject, v=verb)
            ),
            pick(_NO, key, "no"),
        )
    match = _SHOULD.match(first)
    if match and len(match[1]) + len(match[2]) >= 4:
        subject, verb = match[1].strip(), match[2].strip()
        if _PHRASE.search(verb):
            return None
        asked = pick(
            ("{s}需要{v}吗？", "{s}是不是应该{v}？", "{s}应该{v}吗？", "{s}要不要{v}？", "{s}有没有必要{v}？"),
            key,
            "should",
        )
        return "should", _spaced(about + asked.format(s=subject, v=verb)), pick(_YES, key, "yes")
    return None


def _listing(path: list[str]) -> tuple[str, str, str] | None:
    """The heading announces the list that is this clause: 以下情况时可选择…： becomes 哪些情况…？"""
    match = _LIST.match(path[-1]) if path else None
    if not match:
        return None
    asked = f"{match[1]}哪些{match[2]}？".replace("时可", "下可以")
    return "list", f"应该{asked}" if path[-1].startswith(("宜", "应")) else asked, ""


def _about(who: str, topic: str, first: str, key: str) -> str:
    """What the question begins with, where the recommendation itself does not say whom and what it is about."""
    if _INSTITUTION.search(first[:24]):
        return ""
    whom = "" if _CHILD.search(first[:24]) else who
    matter = topic if topic and not _MATTER.search(first[:24]) else ""
    if matter:
        feeding = (f"{matter}时，", f"在{matter}的时候，") if matter.endswith("喂养") else (f"{matter}方面，",)
        return pick(feeding, key, "matter") + (f"{whom}，" if whom else "")
    return pick((f"{whom}，", f"对{whom}来说，"), key, "whom") if whom else ""


def _spaced(question: str) -> str:
    """The question without the blanks that typesetting puts between letters, figures and characters."""
    return re.sub(r"(?<=[\u4e00-\u9fff]) +(?=[A-Za-z0-9])|(?<=[A-Za-z0-9]) +(?=[\u4e00-\u9fff])", "", question)


def _whom(path: list[str]) -> str:
    """Of which age, as people say it: `0～5月龄的宝宝`, `2～6岁的孩子`."""
    for heading in reversed(path):
        match = _AGES.search(heading)
        if match:
            ages = re.sub(r"\s", "", match[1])
            unit = "岁" if "岁" in ages else "月龄"
            bare = re.sub(r"月龄|岁|个月", "", ages)
            return f"{bare}{unit}的{'孩子' if unit == '岁' else '宝宝'}"
    return ""


def _topic(path: list[str]) -> str:
    """The nearest heading that names a matter (母乳喂养), not a form (喂养原则)."""
    for heading in reversed(path[1:]):
        if (
            _MATTER.search(heading)
            and not _GENERIC.search(heading)
            and not _AGES.search(heading)
            and len(heading) <= 10
        ):
            return heading
    return ""
