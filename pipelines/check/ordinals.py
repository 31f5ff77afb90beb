"""Numbers that are no amounts: years, dates, ordinals, ratios, numbers of sections, articles and list items."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from pipelines.check.numerals import ONE, Numeral, plain
from pipelines.check.units import unit_at

if TYPE_CHECKING:
    from pipelines.check.quantities import Quantity

_MARKER: Final = re.compile(r"\s?[、)\]](?!\d)|\.(?!\d)| (?=[\u4e00-\u9fff])")
_TEMPERATURE: Final = re.compile(r"3[4-9]\.\d|4[0-2]\.\d", re.ASCII)
_SECTIONS: Final = re.compile(
    r"(?:推荐(?:意见)?|表|图|附录|附件|步骤|注|方案|问题|条款?|\b(?:gb|ws|yy|wst|gbz|iso|db|ny|qb|jj[fg])(?:/t)?)\s?$"
)
_SECTION_ENDS: Final = frozenset("荐见表图录件骤注案题款条 tbswyzoqjfgt")
_ORDINAL_NUMBERS: Final = re.compile(
    r"\s?(?:条|款|项|章|节|部分|编|页|卷|期|版|步|表|图|目|号|批|类|时间|肋|个|人|者|方|位|性|心音|线|代)"
)
_RATIO: Final = re.compile(r"(\d{1,5})\s?[:∶比]\s?(\d{1,6})([万千]?)(?![\d.]|\s?[a-z%μ毫克升])", re.ASCII)
_YEAR: Final = re.compile(r"(?:19|20)\d\d\s?年(?!以)", re.ASCII)
_MONTH_DAY: Final = re.compile(r"\d{1,2}\s?月\s?(?:(\d{1,2})\s?[日号]|底|初|份|中旬|上旬|下旬)", re.ASCII)
_LETTER: Final = re.compile(r"[a-zα-ω]")


def special(text: str, start: int, numeral: Numeral, make: type[Quantity]) -> Quantity | None:
    """A year, a date, an ordinal or a list marker."""
    number = numeral.low
    following = text[numeral.end : numeral.end + 2].lstrip()[:1]
    is_year = following == "年" and 1900 <= number <= 2100
    if is_year and numeral.spoken and "千" not in text[start : numeral.end]:
        return make(
            number,
            number,
            "year",
            (),
            "",
            "date",
            start,
            numeral.end + 1,
            text[start : numeral.end + 1],
            (number,),
            "年",
        )
    if is_year and (match := _YEAR.match(text, start)):
        return make(number, number, "year", (), "", "date", start, match.end(), match[0], (number,), "年")
    if following == "月" and (match := _MONTH_DAY.match(text, start)):
        number = number * 100 + int(match[1] or 0)
        return make(number, number, "date", (), "", "date", start, match.end(), match[0], (number,), "月")
    if (
        not numeral.spoken
        and (match := _RATIO.match(text, start))
        and not _SECTIONS.search(text[max(0, start - 6) : start])
    ):
        values = (plain(match[1]), plain(match[2]) * {"万": 10_000, "千": 1_000}.get(match[3], 1))
        share = values[0] / (values[1] or ONE)
        return make(share, share, "ratio", (), "", "share", start, match.end(), match[0], values, ":")
    head = text[max(0, start - 6) : start]
    if head.endswith("第"):
        if match := _ORDINAL_NUMBERS.match(text, numeral.end):
            return make(number, number, "", (), "", "number", start - 1, match.end(), text[start - 1 : match.end()])
        return None
    if numeral.spoken:
        return None
    end = numeral.end
    if (
        head and head[-1] in _SECTION_ENDS and _SECTIONS.search(head) and unit_at(text, text, end) is None
    ) or _is_marker(text, start, end):
        end = max(end, digits_end(text, start))
        return make(number, number, "", (), "", "number", start, end, text[start:end])
    if _LETTER.match(text[end : end + 1]) and unit_at(text, text, end) is None:
        return make(number, number, "", (), "", "number", start, end + 1, text[start : end + 1])
    if text[end : end + 1] in ("型", "号"):
        return make(number, number, "", (), "", "number", start, end + 1, text[start : end + 1])
    if text[end : end + 1] == "." and text[end + 1 : end + 2].isdigit():
        end = digits_end(text, start)
        return make(number, number, "", (), "", "number", start, end, text[start:end])
    return None


def _is_marker(text: str, start: int, end: int) -> bool:
    """Whether a number opens a list item or a section: `1.`, `(2)`, `5.2 急性`."""
    before = text[max(0, start - 4) : start].rstrip(" ")[-1:]
    if before == "(" and text[end : end + 1] == ")":
        return True
    if before not in ("", "\n", "。", ";", ":", "]", "(", ")"):
        return False
    while text[end : end + 1] == "." and text[end + 1 : end + 2].isdigit():
        end = digits_end(text, end + 1)
    match = _MARKER.match(text, end)
    if _TEMPERATURE.fullmatch(text, start, end):
        return False
    if match is None or (before in ("(", ":", ")") and not match[0].strip()):
        return False
    return bool(match[0].strip()) or unit_at(text, text, end) is None


def digits_end(text: str, start: int) -> int:
    """Where the digits and points end that begin at `start`."""
    end = start
    while end < len(text) and (text[end].isdigit() or text[end] == "."):
        end += 1
    return max(end, start + 1)
