"""What a title says: which document it names, and which version of it.

`儿童社区获得性肺炎诊疗规范（2019年版）` names `儿童社区获得性肺炎诊疗规范`, version 2019. Only words that can say
nothing but the version are taken away. What else there is belongs to the name, and documents that differ in it are
different documents: `（上）`, `第一部分`, `0～5岁`, `成人版`, `诊疗规范` where another has `诊疗指南`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_NUMERAL: Final = "[0-9〇零一二三四五六七八九十]"
_YEAR: Final = r"(?<!\d)(?:19|20)\d\d(?!\d)"
_YEARS: Final = rf"{_YEAR}\s*年?(?:\s*[~至-]\s*{_YEAR})?\s*年?(?:\s*\d{{1,2}}\s*月(?:\s*\d{{1,2}}\s*日)?)?"
_DASHED: Final = rf"{_YEAR}[-.]\d{{1,2}}[-.]\d{{1,2}}(?!\d)"
_EDITION: Final = (
    rf"第\s*(?:{_NUMERAL}{{1,4}}|{_NUMERAL}{{1,2}}\.\d)\s*(?:次(?:修订|修正)|修订|版)|(?<![\d.])\d{{1,2}}(?:\.\d)?\s*版"
    r"|[Vv](?:ersion)?\s*\d{1,2}(?:\.\d{1,2})?(?![\d.])|\d{1,2}(?:st|nd|rd|th)\s*[Ee]d(?:ition|\.)?"
)
_DRAFT: Final = "征求意见|讨论|送审|报批|草案|公示"
_STATE: Final = rf"修订|修正|修改|更新|增补|试行|暂行|正式|最新|新|{_DRAFT}"
_LENGTH: Final = "实用|实践|标准|完整|全文|简明|简化|精简|简"
_WORD: Final = rf"(?:{_STATE}|{_LENGTH})(?:版本|版|稿)|修订|修正|修改|更新|增补|试行|暂行|草案|版本?"
_PLACE: Final = (
    "(?<=[,、 ])(?:北京|上海|天津|重庆|南京|杭州|苏州|无锡|宁波|合肥|福州|厦门|武夷山|济南|青岛|威海|郑州|武汉|长沙"
    "|广州|深圳|珠海|南宁|桂林|海口|三亚|成都|贵阳|昆明|西安|兰州|西宁|银川|沈阳|大连|长春|哈尔滨|太原|石家庄|南昌)"
)
"""Where a meeting was held that agreed on it: `（2010年，重庆）`."""
_VERSION: Final = rf"(?:{_DASHED}|{_YEARS}|{_EDITION}|{_WORD}|{_PLACE}|[\s,、·:;/-])"

_BRACKET: Final = re.compile(r"\(([^()]{1,40})\)")
_IS_VERSION: Final = re.compile(rf"{_VERSION}+")
_TAIL: Final = re.compile(
    rf"[\s·_-]*(?:(?:{_DASHED}|{_YEARS}|{_EDITION}){_VERSION}*|(?:{_STATE})(?:版本|版|稿)|试行|草案)$"
)
_FRONT: Final = re.compile(rf"^{_YEAR}\s*(?:年版?|版)\s*(?:{_STATE})?版?\s*")
_FRONT_OF_BRACKET: Final = re.compile(rf"^{_YEARS}版?\s*[,、·]")
_PROVISIONAL: Final = re.compile(r"(?:暂行|试行)(?=(?:管理)?(?:办法|规定|条例|规范|标准|方案|细则|规程|制度)$)")
_ANNOUNCED: Final = re.compile(r"关于(?:印发|发布|公布|下发|修订)(.{4,})的(?:通知|公告|通告|决定)$")
_ANNEX: Final = re.compile(rf"^附件?\s*{_NUMERAL}{{0,3}}\s*[:、.]?\s*")
_SERIES: Final = re.compile(r"^(?:中华人民共和国|食品安全)国家标准\s*")
_CODE: Final = re.compile(
    r"(?<![A-Za-z])(?:T[/_ ]([A-Z]{2,10})|(GB|WS|YY|NY|QB|SB|HJ|SN|JJF|DB\d{2,6}))(?:[/_ ]?[TZ])?\s*"
    rf"(\d{{1,6}}(?:\.\d{{1,3}})*)\s*[-_]\s*({_YEAR}|[6-9]\d(?!\d))"
)
_YEAR_IN: Final = re.compile(_YEAR)
_EDITION_IN: Final = re.compile(_EDITION)
_EDITION_NUMBER: Final = re.compile(rf"\d+(?:\.\d+)?|{_NUMERAL}+")
_DRAFT_IN: Final = re.compile(_DRAFT)
_ABOUT: Final = re.compile("解读|释义|问答|宣贯|(?:编制|起草|修订)说明|问题解答")
_GENERIC: Final = re.compile(
    "中华人民共和国|中国|国家|行业|地方|食品安全|卫生|标准|规范|指南|共识|专家|方案|诊疗|诊断|治疗|临床|实践|防治|管理|办法|条例|规定|法律|法规"
    "|建议|通知|公告|附件|附录|目录|前言|解读|文件|资料|正文|全文|论著|综述|讲座"
)
_FOLDED: Final[dict[int, int | str]] = {
    **{c: c - 0xFEE0 for c in range(0xFF01, 0xFF5F)},
    **dict.fromkeys(map(ord, "〔【［〖"), "("),
    **dict.fromkeys(map(ord, "〕】］〗"), ")"),
    **dict.fromkeys(map(ord, "—–―‐‑−－─"), "-"),
    **dict.fromkeys(map(ord, "～〜∼"), "~"),
    0x3000: " ",
}
_MAX_CHARS: Final = 300
"""Of a title that is looked at; what is longer is a paragraph that was taken for one."""


@dataclass(frozen=True)
class Title:
    """A title, read.

    Attributes:
        key: The document's name without version, space and punctuation; empty where it names nothing (`指南`).
        plain: The whole title without space and punctuation.
        code: Number of a standard without its year, `WS 423` for WS/T 423-2013.
        year: Of the version, where the title gives one.
        edition: Likewise: `(2,)` for 第二版, `(2, 1)` for V2.1.
        is_draft: Whether it is out for comment and not in force.
        is_about: Whether it is about a document (`…解读`), so that a number in it is not its own.
    """

    key: str
    plain: str
    code: str | None = None
    year: int | None = None
    edition: tuple[int, ...] | None = None
    is_draft: bool = False
    is_about: bool = False


def read_title(title: str) -> Title:
    """What `title` says."""
    text = " ".join(title[:_MAX_CHARS].translate(_FOLDED).split())
    plain = _letters(text)
    if announced := _ANNOUNCED.search(text.strip("《》")):
        text = announced[1]
    code, text = _without_code(_ANNEX.sub("", text.strip("《》 ")))
    is_about = _ABOUT.search(text) is not None
    if is_about:
        code = None
    said: list[str] = []

    def taken(found: re.Match[str]) -> str:
        said.append(found.group())
        return " "

    def bracket(found: re.Match[str]) -> str:
        if _IS_VERSION.fullmatch(found[1]):
            return taken(found)
        return f"({_TAIL.sub(taken, _FRONT_OF_BRACKET.sub(taken, found[1]))})"

    text = _BRACKET.sub(bracket, text)
    text = _FRONT.sub(taken, text.strip(" 《》"))
    text = _TAIL.sub(taken, text.strip(" 《》"))
    text = _PROVISIONAL.sub("", text.strip(" 《》"))
    years = [int(year) for piece in said for year in _YEAR_IN.findall(piece)[:1]]
    return Title(
        key=_key(text),
        plain=plain,
        code=code[0] if code else None,
        year=max(years, default=code[1] if code else None),
        edition=max(filter(None, map(_edition, said)), default=None),
        is_draft=any(_DRAFT_IN.search(piece) for piece in said),
        is_about=is_about,
    )


def code_in(name: str) -> tuple[str, int] | None:
    """The number of a standard in a file's name, without its year, and that year."""
    return _without_code(name[-_MAX_CHARS:].translate(_FOLDED))[0]


def _without_code(text: str) -> tuple[tuple[str, int] | None, str]:
    found = _CODE.search(text)
    if found is None:
        return None, text
    letters = found[1] or found[2]
    year = int(found[4]) if len(found[4]) == 4 else 1900 + int(found[4])
    return (f"{letters} {found[3]}", year), f"{text[: found.start()]} {text[found.end() :]}"


def _edition(piece: str) -> tuple[int, ...] | None:
    found = _EDITION_IN.search(piece)
    if found is None:
        return None
    number = _EDITION_NUMBER.search(found.group())
    if number is None:
        return None
    if number.group()[0].isascii():
        return tuple(int(part) for part in number.group().split("."))
    return (_counted(number.group()),)


def _counted(numeral: str) -> int:
    """十二 → 12, 二〇 → 20."""
    digits = {c: i for i, c in enumerate("〇一二三四五六七八九")} | {"零": 0} | {str(i): i for i in range(10)}
    if "十" in numeral:
        tens, _, ones = numeral.partition("十")
        return 10 * (digits.get(tens[-1:], 1) if tens else 1) + digits.get(ones[:1], 0)
    return int("".join(str(digits[c]) for c in numeral))


def _key(text: str) -> str:
    """The name by which a document is known; empty where no two characters of it say what it is about."""
    name = _SERIES.sub("", text) or text
    key = _letters(name).replace("中华人民共和国", "")
    rest = _GENERIC.sub("", key)
    if key.endswith(("杂志", "学报", "期刊", "journal")):  # it stands on every page of many articles
        return ""
    return key if len(re.findall(r"[\u3400-\u9fffA-Za-z]", rest)) >= 2 else ""


def _letters(text: str) -> str:
    """Letters and digits; between two digits what stands there stays (`1-3岁` is not `13岁`)."""
    kept = re.sub(r"(?<=\d)\s*(?:[-~至]|岁\s*[-~至])\s*(?=\d)", "~", text)
    return re.sub(r"(?<!\d)[\W_]+|[\W_]+(?!\d)", "", kept).lower()
