"""What a passage has to give, judged before anybody is paid to read it: nothing, a little, much; and of which kind."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from pipelines.teacher.passages import MAX_CHARS, Sentence, opens_midway, sentences, stands_alone

CLASSICAL: Final = "classical"
_NO_CONTENT: Final = re.compile(
    r"^(?:第?[\d一二三四五六七八九十.、（）() ]*[章节条部分]?\s*)?"
    r"(?:目\s*录|目\s*次|前\s*言|序\s*言?|引\s*言|绪\s*言|致\s*谢|后\s*记|跋|索\s*引|凡\s*例|书\s*目|来\s*源|大事记|附\s*则|总\s*则"
    r"|参\s*考\s*(?:文\s*献|资\s*料)|引用文件|规范性引用文件|编写说明|编制说明|出版说明|使用说明|版权.*|作者.*|编者.*|编委.*"
    r"|利益冲突.*|执笔.*|起草.*|资助.*|(?:适用)?范\s*围|缩略语|缩写.*|证据(?:质量)?与推荐强度|文献检索.*|检索策略)\s*$"
)
_REFERENCE: Final = re.compile(
    r"^\s*(?:\[\d+\]|［\d+］|来源[：:])|\[[JMSDCN](?:/OL)?\]|\bdoi\b|et al\.?"
    r"|(?:19|20)\d\d[;,]\s?\d+\s?(?:\(\d+\))?[:：]"
)
_LEADERS: Final = re.compile(r"(?:\. ?){5,}|(?:· ?){4,}|…{3,}")
_TABLE_ROW: Final = re.compile(r"^[^：，。]{1,24}：[^，。：]{1,24}(?:为|：)\s*[\d.]")
_OWN_SCOPE: Final = re.compile(
    r"^(?:\d+(?:\.\d+)*\s*)?(?:本|该)(?:标准|指南|规范|文件|规程|指引|共识|法|条例|办法|规定|制度)"
    r"(?:的制定|规定了|适用于|不适用于|代替|由|自|供|旨在|按照|参照|制定|所称|起草|发布)"
)
_ARTICLE: Final = re.compile(r"第[一二三四五六七八九十百零〇\d]+条")
_LAW_TITLE: Final = re.compile(
    r"(?:法|条例|办法|决定|规定|细则|制度|章程|标准)\s*(?:[（(].*)?$|国家标准|GB\s?/?T?\s?\d|技术规范"
)
_QUANTITY: Final = re.compile(
    r"\d[\d.]*\s*(?:%|℃|[μm]?g|kg|ml|L|mmol|IU|U|岁|月|周|天|日|小时|分钟|h|d|次|cm|倍)", re.IGNORECASE
)
_ADVICE: Final = re.compile(
    r"推荐|应当|应|宜|首选|建议|避免|禁|慎用|必须|需要|不得|可用|给予|选用|服用|每次|每日|口服|静脉|立即|及时|就医|转诊"
)
_SIGNS: Final = re.compile(
    r"表现|症状|体征|特征|诊断|鉴别|咳|热|痛|疹|吐|泻|喘|肿|抽搐|惊厥|烦躁|嗜睡|拒食|苍白|黄染|出血|紫绀|发绀|水疱|气促|呼吸困难"
)
_OF_DIAGNOSIS: Final = re.compile(r"临床表现|症状|体征|诊断(?!标准)|鉴别|识别|表现|特点")
_OF_TREATMENT: Final = re.compile(
    r"治疗|处理|处置|用药|药物|护理|喂养|急救|救治|补液|家庭|就医|转诊|管理|随访|预防|康复|监测|干预|辅食|膳食|接种"
)
_OFFICE: Final = re.compile(
    r"供餐|陪餐|配餐|采购|验收|食堂|从业人员|人员管理|制度建设|食谱|标识|标签|检验方法|原料|包装|贮存|膳食调查|家委|添加剂"
    r"|必需成分|可选择性成分|罚款|吊销|处分|没收|拘留|刑事责任|经费|预算|表彰|奖励|批签发|生产许可|追溯|储备|上市许可持有人"
)
"""What is for the office and not for a child: nobody asks a paediatrician."""
_OF_CARE: Final = re.compile(r"家庭|护理|喂养|预防|就医|辅食|家长|急救|意外|膳食|睡眠|接种|保健")
_OF_FAMILY: Final = re.compile(r"家长|父母|喂|孩子|宝宝|家庭")
_OF_SCIENCE: Final = re.compile(
    r"病因|发病|机制|病理|流行病|分型|分类|分期|病原|生理|实验室|辅助检查|诊断|鉴别|定义|概述|遗传"
)
_OF_SOMETHING: Final = re.compile("|".join(p.pattern for p in (_OF_DIAGNOSIS, _OF_TREATMENT, _OF_CARE, _OF_SCIENCE)))
_NAMED_DISEASE: Final = re.compile(
    r"[\u4e00-\u9fff](?:病|症|炎|综合征|感染|惊厥|哮喘|腹泻|便秘|贫血|黄疸|湿疹|水痘|麻疹|流感|中毒|窒息|过敏|发热|脱水)"
)
_HAN: Final = re.compile(r"[\u4e00-\u9fff]")


@dataclass(frozen=True)
class Content:
    """What a piece of a passage has to give.

    Attributes:
        n_facts: Sentences that can be asked about, those with figures or advice counted double.
        of_diagnosis: Whether a diagnosis with its evidence can come of it.
        of_treatment: Whether it says what to do.
        for_family: Whether families ask for it, rather than colleagues.
        of_science: Whether colleagues ask for it, rather than families.
    """

    n_facts: float
    of_diagnosis: bool
    of_treatment: bool
    for_family: bool
    of_science: bool


@dataclass(frozen=True)
class Piece:
    """The characters `start:end` of a passage, cut at the ends of sentences, and what they have to give."""

    start: int
    end: int
    content: Content


def is_statute(row: dict[str, Any]) -> bool:
    """Whether the passage is an article of a law or a clause of a standard, which is no advice on treatment."""
    number = row["number"] or ""
    return bool(_ARTICLE.match(number) or (number and _LAW_TITLE.search(row["title"] or "")))


def has_content(row: dict[str, Any], min_facts: float, min_chars: int) -> bool:
    """Whether anything can be asked about a passage, by its headings and its text alone.

    Tables of contents, references, forewords, scopes and the like have nothing to give; a classical text goes into
    pre-training only.
    """
    text = row["text"] or ""
    if row["source_kind"] not in ("textbook", "guideline") or row["register"] == CLASSICAL or not text.strip():
        return False
    if len(text) > MAX_CHARS:  # no section, but a file that nobody cut
        return False
    path = [h for h in row["section_path"] or [] if h]
    if any(_NO_CONTENT.match(h.strip()) for h in path) or _is_apparatus(text):
        return False
    if len(_HAN.findall(text)) < min_chars or (row["number"] and _OFFICE.search("".join([*path[-2:], text[:60]]))):
        return False
    return facts_of(text, path).n_facts >= min_facts


def _is_apparatus(text: str) -> bool:
    """Whether most of its lines are references or entries of a table of contents."""
    lines = [line for line in text.splitlines() if line.strip()]
    odd = sum(bool(_REFERENCE.search(line) or _LEADERS.search(line)) for line in lines)
    return odd * 2 >= len(lines)


def facts_of(text: str, path: list[str]) -> Content:
    """What a text under some headings has to give."""
    useful = [s for s in sentences(text) if _can_be_asked_about(s)]
    n_facts = sum(1.0 + 0.5 * bool(_QUANTITY.search(s.text)) + 0.5 * bool(_ADVICE.search(s.text)) for s in useful)
    body = "".join(s.text for s in useful)
    about = next((h for h in reversed(path) if _OF_SOMETHING.search(h)), "")
    is_diagnosis, is_treatment = bool(_OF_DIAGNOSIS.search(about)), bool(_OF_TREATMENT.search(about))
    signs = len({match[0] for match in _SIGNS.finditer(body)})
    n_advice = sum(bool(_ADVICE.search(s.text)) for s in useful)
    names_one = bool(_NAMED_DISEASE.search("　".join(path)) or _NAMED_DISEASE.search(body[:60]))
    return Content(
        n_facts,
        of_diagnosis=names_one and n_facts >= 3 and (signs >= 3 if is_diagnosis else not about and signs >= 6),
        of_treatment=n_advice > 0 if is_treatment else not about and n_advice * 2 > len(useful),
        for_family=bool(_OF_CARE.search(about)) or len(_OF_FAMILY.findall(body)) >= 2,
        of_science=bool(_OF_SCIENCE.search(about)),
    )


def _can_be_asked_about(sentence: Sentence) -> bool:
    text = sentence.text
    if len(_HAN.findall(text)) < 8 or _OWN_SCOPE.match(text) or _TABLE_ROW.match(text):
        return False
    return stands_alone(text) and not opens_midway(text)


def pieces(row: dict[str, Any], max_chars: int) -> list[Piece]:
    """A passage in pieces of at most `max_chars`, about equal, cut at the ends of sentences where there are any."""
    text, path = row["text"], [h for h in row["section_path"] or [] if h]
    cuts = list(_cuts(text, max_chars))
    return [Piece(a, b, facts_of(text[a:b], path)) for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]


def _cuts(text: str, max_chars: int) -> Iterator[int]:
    """Where to cut: near where equal pieces would end, so that the last is no stump."""
    ends = [s.end for s in sentences(text)]
    start = 0
    while len(text) - start > max_chars:
        rest = len(text) - start
        even = start + -(-rest // -(-rest // max_chars))
        fit = ends[bisect_right(ends, start) : bisect_right(ends, start + max_chars)]
        start = min(fit, key=lambda end: abs(end - even)) if fit else start + max_chars
        yield start
