"""Questions from the articles of laws and regulations: what does the law say about this very matter?

The matter is taken out of the article (whom it binds, in which case, what is forbidden); an article that offers no
such handle yields nothing. Articles on authorities, factories and fines are left out: no family asks them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from pipelines.teacher.passages import MAX_CHARS, Sentence, evidence, stands_alone, told
from pipelines.teacher.phrasing import pick
from pipelines.teacher.rows import Row, assistant, instruction, user

_ARTICLE: Final = re.compile(r"^第[一二三四五六七八九十百零〇]+条")
_OF_FAMILIES: Final = re.compile(
    r"儿童|婴|新生儿|胎儿|孕|产妇|产前|母亲|母乳|接种|监护|婚前|遗传|受种|分娩|助产|家庭|托幼|幼儿园|学校|妊娠|生育|子女|医学技术鉴定"
)
_DRY: Final = re.compile(
    r"新闻媒体|公益宣传|贫困地区|罚款|吊销|处分|没收|行政拘留|刑事责任|施行|制定本|实施本|适用本|批签发|临床试验|注册|生产许可|冷链|追溯|储备|经费|预算|表彰|奖励|科学研究"
)
_AUTHORITY: Final = re.compile(
    r"^(?:国务院|[^，。；]{0,16}人民政府|[^，。；]{0,20}主管部门|卫生监督|疫苗上市许可|鉴定|[^，。；]{0,8}委员会|疾病预防控制机构(?!、接种)|保险|省)"
)
_PHRASE: Final = re.compile(r"^(?:根据|按照|依照|结合|自|遵守)[^，]*(?:规定|业务|约定|要求|标准|情况|规程|制度)$")
_CASES: Final = re.compile(r"^([^，。；]{2,20})有(?:下列|以下)情形之一的，([^：:。]{4,40})[:：]")
_DEFINED: Final = re.compile(r"^本[法办法条例]{1,2}所称(?:的)?([^，。]{2,16})，?是指")
_INCLUDES: Final = re.compile(r"^([^，。；]{2,24})包括(?:下列|以下)([^，。；：:]{0,8})[:：]")
_CASE: Final = re.compile(r"^((?:[^，。；]{2,30}，)?[^，。；]{4,40})的，(?=[^。]{0,40}(?:应当|可以|不得|由|有权|必须))")
_FORBIDS: Final = re.compile(
    r"^([^，。；]{0,24}?)(?:严禁|禁止|不得)((?:以[^，。；]{2,20}(?:为名|为由|名义|方式|形式)，)?[^，。；]{4,30})[，。；]"
)
_PRETEXT: Final = re.compile(r"(?:为名|为由|名义)$")
_BY_LAW: Final = re.compile(r"[法律]$|条例$|决定$")
_YES: Final = {"可以": ("可以。", "是的，可以。"), "有权": ("是的，有权。", "有权。")}
_SHOULD: Final = ("是的，应当。", "应当。", "是的，这是规定的要求。")
_OBLIGES: Final = re.compile(r"^([^，。；]{2,24}?)(应当|必须|可以|有权)([^，。；：:]{4,34})[，。；]")
_OBLIGED: Final = (
    "按照《{l}》，{s}{v}{o}吗？",
    "{s}是不是{v}{o}？{r}有规定吗？",
    "请问{s}{v}{o}吗？依据是什么？",
    "{s}{v}{o}，这在{r}里有依据吗？",
)
_NO: Final = ("不可以。", "不行。", "不可以，这是明确禁止的。")
_NATION: Final = re.compile(r"^国家((?:实行|建立|对|推行)[^，。；]{4,26})[，。；]")


def statute_rows(row: Row, at_most: int) -> list[dict[str, Any]]:
    """Up to `at_most` instructions from one article."""
    if len(row["text"]) > MAX_CHARS:
        return []
    if not row["number"] or not _ARTICLE.match(row["number"]):
        return []
    law = _law(row["title"] or "")
    if not law:
        return []
    made = list(_drafts(row, law))[:at_most]
    return [
        instruction(
            row,
            task="medkqa",
            aspect="law",
            template=f"statute/{template}",
            messages=[user(question), assistant(f"{opening}根据《{law}》{row['number']}，{told(kept)}")],
            evidence=evidence(row, kept),
        )
        for template, question, opening, kept in made
    ]


def _law(title: str) -> str:
    """The document's name with 试行 and 示例, which are part of it, and without dates, which are not."""
    bare = re.sub(r"[(（][^()（）]*(?:\d|修[正订])[^()（）]*[)）]", "", title).strip(" 《》")
    return bare if 4 <= len(bare) <= 40 else ""


def _drafts(row: Row, law: str) -> Iterator[tuple[str, str, str, list[Sentence]]]:
    for paragraph in _paragraphs(row):
        text = paragraph[0].text
        whole = "".join(s.text for s in paragraph)
        if not _OF_FAMILIES.search(whole) or _DRY.search(whole) or not all(stands_alone(s.text) for s in paragraph):
            continue
        if len(whole) <= 420:
            question = _question(row["record_id"], law, text)
            if question:
                yield *question, paragraph


def _paragraphs(row: Row) -> Iterator[list[Sentence]]:
    """Paragraphs of the article without its number; items （一）… belong to the paragraph that announces them."""
    held: list[Sentence] = []
    for match in re.finditer(r"[^\n]+", row["text"]):
        line = match[0]
        number = _ARTICLE.match(line)
        start = match.start() + (number.end() if number else 0)
        body = row["text"][start : match.end()]
        stripped = body.strip()
        if not stripped:
            continue
        at = start + body.index(stripped)
        piece = Sentence(at, at + len(stripped), stripped)
        if held and re.match(r"[（(][一二三四五六七八九十]+[)）]", stripped):
            held.append(piece)
            continue
        if held:
            yield held
        held = [piece]
    if held:
        yield held


def _short(law: str) -> str:
    return law.removeprefix("中华人民共和国") or law


def _question(key: str, law: str, text: str) -> tuple[str, str, str] | None:
    """The template's name, the question and what the answer opens with."""
    short = _short(law)
    rule = pick(("法律", "法律法规") if _BY_LAW.search(law) else (f"《{short}》",), key, "rule")
    match = _DEFINED.match(text)
    if match:
        asked = pick(
            ("《{l}》所称的{t}是指什么？", "《{l}》里说的“{t}”，具体指什么？", "按《{l}》，什么是{t}？"), key, "defined"
        )
        return "definition", asked.format(l=short, t=match[1]), ""
    match = _INCLUDES.match(text)
    if match:
        asked = pick(
            ("按照《{l}》，{s}包括哪些{o}？", "《{l}》规定的{s}有哪些{o}？", "{s}都包括哪些{o}？请依据《{l}》说明。"),
            key,
            "list",
        )
        return "list", asked.format(l=short, s=match[1], o=match[2] or "内容"), ""
    match = _CASES.match(text)
    if match:
        asked = pick(("按照《{l}》，{s}在哪些情形下，{o}？", "{s}有哪些情形时，{o}？请依据《{l}》回答。"), key, "cases")
        return "cases", asked.format(l=short, s=match[1], o=match[2]), ""
    match = _CASE.match(text)
    if match and 8 <= len(match[1]) <= 48 and not _AUTHORITY.match(text) and "下列情形" not in match[1]:
        ends = (f"，{rule}是怎么规定的？", "，应当怎么处理？", "，按规定应该怎么办？", f"，依照《{short}》要怎么做？")
        return "case", f"{match[1]}的{pick(ends, key, 'case')}", ""
    match = _FORBIDS.match(text)
    if match and "应当" not in match[1] and not _PRETEXT.search(match[2]):
        says = (f"{rule}怎么规定？", "规定允许吗？", f"《{short}》是怎么说的？")
        return "forbidden", f"{match[1].strip()}可以{match[2]}吗？{pick(says, key, 'forbids')}", pick(_NO, key, "no")
    match = _OBLIGES.match(text)
    if match and match[1][-1] != "的" and not _AUTHORITY.match(match[1]) and not _PHRASE.match(match[3]):
        verb = match[2] if match[2] in _YES else "应当"
        asked = pick(_OBLIGED, key, "obliges")
        yes = pick(_YES.get(verb, _SHOULD), key, "yes")
        return "obliges", asked.format(l=short, r=rule, s=match[1], v=verb, o=match[3]), yes
    match = _NATION.match(text)
    if match:
        return (
            "nation",
            pick(("国家是不是{o}？", "我国{o}吗？"), key, "nation").format(o=match[1]),
            "是的。",
        )
    return None
