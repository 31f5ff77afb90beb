"""Numbers with their units, however they are written: 两天 is 2天, 38度5 is 38.5℃, 半片 is 0.5片, 一天三次 is 3次/日.

A range counts as its two ends, so 10～15mg and 10mg到15mg are the same two quantities. Units of one dimension are
converted exactly (一周 = 7天, 0.5g = 500mg, 3岁半 = 42个月; a month is never 30 days).

Does not cover: dates, clock times, 几 and other vague amounts, bare single digits, percentages in words.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Final, NamedTuple

MAX_CHARS: Final = 8_000
"""Of one text; what comes after is not looked at."""


class Quantity(NamedTuple):
    """One amount.

    Attributes:
        value: In `unit`, exact.
        unit: The dimension's own unit: `月` (also years), `分钟` (also hours, days, weeks), `mg`, `ml`, `℃`, `片`,
            `次/日`, `小时/次`, `mg/kg` …; empty for a bare number.
        per: 次, 日, 周 … where the text says so right before it (每次5ml), else empty.
        start, end: In the folded text.
        text: As written.
    """

    value: Fraction
    unit: str
    per: str
    start: int
    end: int
    text: str


DOSES: Final = frozenset(("mg", "ml", "片", "粒", "袋", "包", "支", "滴", "勺", "喷", "瓶", "IU", "丸", "贴"))
"""Units of what is given; a bare number does not stand for one of these."""

_WIDTH: Final = {c: c - 0xFEE0 for c in range(0xFF01, 0xFF5F) if chr(c) not in "，。；：！？（）～"} | {
    ord("㎎"): "mg",
    ord("㎏"): "kg",
    ord("㎖"): "ml",
    ord("°"): "度",
    ord("℃"): "度",
    ord("ｏ"): "o",
}
_TYPED_COMMA: Final = re.compile(r"(?<=[\u4e00-\u9fff]) (?=[\u4e00-\u9fff])")
_DIGITS: Final = {c: i for i, c in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2, "俩": 2, "仨": 3}
_PLACES: Final = {"十": 10, "百": 100, "千": 1000, "万": 10_000}
_SPOKEN: Final = "[零〇一二两俩仨三四五六七八九十百千万]"
_WRITTEN: Final = r"(?<!\d)\d{1,6}(?:\.\d{1,4})?(?:/\d{1,4})?(?!\d)"
_PRONOUNCED: Final = rf"(?<!{_SPOKEN}){_SPOKEN}{{1,8}}(?!{_SPOKEN})(?:点[零〇一二三四五六七八九]{{1,4}})?"
_NUMBER: Final = rf"(?:{_WRITTEN}|{_PRONOUNCED}|半)"
_TO: Final = r"\s*(?:-|~|～|—|–|至|到|或者|或|、)\s*"

# unit as written → (unit, factor); longer spellings first
_UNITS: Final[dict[str, tuple[str, Fraction]]] = {}


def _unit(unit: str, factor: str, spellings: str) -> None:
    _UNITS.update({spelling: (unit, Fraction(factor)) for spelling in spellings.split()})


_unit("月", "12", "周岁 岁 年")
_unit("月", "1", "个月 月龄 个多月")
_unit("分钟", "1440", "天 日 整天")
_unit("分钟", "10080", "周 星期 个星期 礼拜 个礼拜")
_unit("分钟", "60", "小时 个小时 钟头 个钟头 个多小时 h")
_unit("分钟", "1", "分钟 min")
_unit("分钟", "1/60", "秒钟 秒")
_unit("mg", "1", "mg 毫克")
_unit("mg", "1000", "g 克")
_unit("mg", "1000000", "kg 公斤 千克")
_unit("mg", "500000", "斤")
_unit("mg", "1/1000", "ug μg µg mcg 微克")
_unit("ml", "1", "ml 毫升 cc")
_unit("ml", "1000", "升 L l")
_unit("cm", "1", "cm 厘米 公分")
_unit("cm", "1/10", "mm 毫米")
_unit("cm", "100", "米")
_unit("IU", "1", "IU iu 国际单位 单位")
_unit("mmol", "1", "mmol 毫摩尔")
_unit("umol", "1", "umol μmol")
_unit("%", "1", "%")
_unit("次", "1", "次 回 遍 顿")
_unit("片", "1", "片")
_unit("粒", "1", "粒 颗 枚")
_unit("勺", "1", "勺 匙 茶匙 汤匙 小勺 大勺 茶勺")
for _each in ["袋", "包", "支", "滴", "喷", "瓶", "丸", "贴", "倍", "针", "度", "口"]:
    _unit(_each, "1", _each)

_SPELLINGS: Final = "|".join(sorted(map(re.escape, _UNITS), key=len, reverse=True))
_PER: Final = r"(?:(?:/|每)\s*(kg|公斤|千克|L|l|升|dl|ml|次|日|天|d|周|小时|h|分钟?|min))"
_PERIODS: Final[dict[str, str]] = {
    spelling: period
    for period, spellings in {
        "日": "天 日 d 昼夜 晚 晚上 夜",
        "周": "周 星期 礼拜",
        "小时": "小时 h",
        "分钟": "分钟 分 min",
        "月": "月",
        "年": "年",
        "kg": "kg 公斤 千克",
        "次": "次 回 顿",
        "L": "L l 升",
        "dl": "dl",
        "ml": "ml",
    }.items()
    for spelling in spellings.split()
}
_PERIOD: Final = "天|日|昼夜|周|星期|礼拜|小时|分钟|月|晚上|晚|夜|年"
_GAP: Final = r"[^\d零〇一二两三四五六七八九十百半，。；！？,;!?\n次]{0,9}?"
_LATIN: Final = {"qd": 1, "bid": 2, "tid": 3, "qid": 4}

_FREQUENCY: Final = re.compile(
    rf"(?:(?:每|一|1)(?:1|一)?个?({_PERIOD})|24小时|日){_GAP}({_NUMBER})(?:{_TO}({_NUMBER}))?\s*多?\s*(?:次|回|遍|顿)"
)
_RATE: Final = re.compile(
    rf"({_NUMBER})(?:{_TO}({_NUMBER}))?\s*(?:次|回|遍|顿)\s*(?:/|每|一)\s*(?:1|一)?个?({_PERIOD}|分|d|min)"
)
_EVERY: Final = re.compile(
    rf"(?:每隔?|间?隔)?\s*({_NUMBER})(?:{_TO}({_NUMBER}))?\s*个?(小时|钟头|h|天|日|周|星期|个?月)\s*{_GAP}(?:一|1)(?:次|回|遍|顿)"
)
_OTHER_DAY: Final = re.compile(r"隔(?:一)?[天日](?:一|1)?(?:次|服|用)")
_Q_HOURS: Final = re.compile(r"(?<![A-Za-z])q(\d+)h(?![A-Za-z])")
_ABBREVIATED: Final = re.compile(r"(?<![A-Za-z])(qd|bid|tid|qid)(?![A-Za-z])", re.IGNORECASE)
_MORNING: Final = re.compile(r"早晚各(?:一|1)次?|早中晚各(?:一|1)次?")
_DEGREES: Final = re.compile(
    rf"(?:(\d\d(?:\.\d+)?){_TO})?(\d\d(?:\.\d+)?|{_SPOKEN}{{2,3}})\s*(?:摄氏)?度\s*(?:[Cc](?![A-Za-z]))?"
    r"\s*(\d|[一二三四五六七八九]|半)?(?![\d.年岁个天次])"
)
_HALF: Final = re.compile(rf"({_NUMBER})\s*个?\s*({_SPELLINGS})半(?!夜|径|身|边)")
_AND_HALF: Final = re.compile(rf"({_NUMBER})个半(月|小时|钟头|星期)")
_YEARS_MONTHS: Final = re.compile(rf"({_NUMBER})\s*周?岁\s*(?:零|又|多|过)?\s*({_NUMBER})\s*个?月")
_PERCENT: Final = re.compile(rf"百分之({_NUMBER})(?:{_TO}({_NUMBER}))?")
_MONTHS_OLD: Final = re.compile(rf"({_NUMBER})(?:{_TO}({_NUMBER}))?\s*月(?=大|婴|宝|零|多|的宝|的孩|女|男)")
_PLAIN: Final = re.compile(
    rf"(?:(每|一)(次|天|日|顿|晚|周){_GAP})?(?<![\dA-Za-z.])({_NUMBER})(?:\s*[多来余])?"
    rf"(?:(?:\s*个?({_SPELLINGS}))?{_TO}({_NUMBER}))?\s*[多来余]?\s*(个?(?:{_SPELLINGS}))(?![A-Za-z])(?:\s*{_PER})?"
)
_BARE: Final = re.compile(r"(?<![\dA-Za-z.\-/:：×])(\d{1,3}\.\d+|\d{2,4})(?![\dA-Za-z.:：/%]|\s*[月号日年时点])")
_NEVER: Final = re.compile(
    r"\d{1,4}年\d{0,2}月?(?:\d{1,2}[日号])?|\d{1,2}月\d{1,2}[日号]?|\d{1,2}[:：点]\d{2}(?!\d)|十几|几十|"
    r"(?:拨打|打|拨|急救)(?:急救)?(?:电话)?\s*1[12]0|120(?=急救)|(?<=\n)\d{1,2}[.、．)）](?!\d)|^\d{1,2}[.、．)）](?!\d)|"
    r"(?<=[。；：:])\s?\d{1,2}[、．)）]|第[\d一二三四五六七八九十]+[个次胎代种]|(?:19|20)\d\d年|"
    r"一(?:口气|次性|天到晚|天天|遍遍|次次|日三餐|片片)|千万|万一|十分(?!钟)|百分百|三餐|四肢|五官|七上八下|两侧|双侧|一日三餐"
)
_EACH_KG: Final = re.compile(r"每\s*(?:公斤|千克|kg)[^，。,]{0,6}$")
_HEAT: Final = re.compile(r"烧|体温|发热|高热|低热|温度|退热|退烧|最高")
_GIVEN: Final = re.compile(r"每次|一次|一回|吃|服|喂|用|涂|喷|剂|药")
_CLAUSE_END: Final = re.compile(r"[，。；！？,;!?\n]")


def folded(text: str) -> str:
    """The text with full-width digits, letters and signs of degree made plain, and commas for the blanks that stand
    for them (没吐 精神好)."""
    return _TYPED_COMMA.sub("，", text[:MAX_CHARS].translate(_WIDTH))


def number(written: str) -> Fraction | None:
    """What a numeral is worth; None where it is none (一二, 十万百)."""
    if written == "半":
        return Fraction(1, 2)
    if written[0].isdigit():
        whole, _, below = written.partition("/")
        return Fraction(whole) / Fraction(below) if below and int(below) else Fraction(whole)
    whole, _, decimals = written.partition("点")
    value = _spoken(whole)
    if value is None or not decimals:
        return value
    return value + Fraction(int("".join(str(_DIGITS[c]) for c in decimals)), 10 ** len(decimals))


def _spoken(written: str) -> Fraction | None:
    total, digit = 0, None
    for character in written:
        if character in _PLACES:
            total = (
                total + (1 if digit is None else digit) * _PLACES[character]
                if _PLACES[character] < 10_000
                else (total + (digit or 0)) * _PLACES[character]
            )
            digit = None
        elif digit is None or digit == 0:
            digit = _DIGITS[character]
        else:
            return None
    return Fraction(total + (digit or 0))


def values(written: str) -> list[Fraction]:
    """One value, or two for neighbours said in one breath (两三, 十七八)."""
    one = number(written)
    if one is not None:
        return [one]
    if len(written) >= 2 and all(c in _DIGITS for c in written[-2:]):
        low, high = number(written[:-1]), number(written[:-2] + written[-1])
        if low is not None and high is not None and high - low in (1, 2):
            return [low, high]
    return []


def quantities(text: str) -> list[Quantity]:
    """All amounts in a text, in order."""
    text = folded(text)
    taken = bytearray(len(text))
    for match in _NEVER.finditer(text):
        _take(taken, match)
    found: list[Quantity] = []
    for pattern, make in _READERS:
        for match in pattern.finditer(text):
            if any(taken[match.start() : match.end()]):
                continue
            if made := list(make(match, text)):
                found += made
                _take(taken, match)
    return sorted(found, key=lambda q: (q.start, q.end, q.value))


def _take(taken: bytearray, match: re.Match[str]) -> None:
    taken[match.start() : match.end()] = b"\x01" * (match.end() - match.start())


def _made(
    match: re.Match[str], written: tuple[str | None, ...], unit: str, factor: Fraction, per: str = ""
) -> Iterator[Quantity]:
    for each in written:
        for value in values(each) if each else ():
            yield Quantity(value * factor, unit, per, match.start(), match.end(), match[0])


def _frequency(match: re.Match[str], text: str) -> Iterator[Quantity]:
    return _made(match, (match[2], match[3]), f"次/{_PERIODS[match[1] or '日']}", Fraction(1))


def _rate(match: re.Match[str], text: str) -> Iterator[Quantity]:
    return _made(match, (match[1], match[2]), f"次/{_PERIODS[match[3]]}", Fraction(1))


def _every(match: re.Match[str], text: str) -> Iterator[Quantity]:
    unit = match[3].removeprefix("个").replace("钟头", "小时")
    period = _PERIODS[unit]
    if match[2] is None and number(match[1]) == 1:
        return _made(match, ("1",), f"次/{period}", Fraction(1))
    if period == "月":
        return _made(match, (match[1], match[2]), "月/次", Fraction(1))
    factor = {"小时": 1, "日": 24, "周": 168}[period]
    return _made(match, (match[1], match[2]), "小时/次", Fraction(factor))


def _degrees(match: re.Match[str], text: str) -> Iterator[Quantity]:
    base = number(match[2])
    if base is None:
        return
    tenths = Fraction(1, 2) if match[3] == "半" else (number(match[3]) or Fraction(0)) / 10 if match[3] else Fraction(0)
    for value in (*(values(match[1]) if match[1] else ()), base + tenths):
        yield Quantity(value, _degree(value), "", match.start(), match.end(), match[0])


def _degree(value: Fraction) -> str:
    return "℃" if 33 <= value <= 44 else "度"


def _half(match: re.Match[str], text: str) -> Iterator[Quantity]:
    unit, factor = _UNITS[match[2]]
    value = number(match[1])
    if value is not None:
        yield Quantity((value + Fraction(1, 2)) * factor, unit, "", match.start(), match.end(), match[0])


def _and_half(match: re.Match[str], text: str) -> Iterator[Quantity]:
    unit, factor = _UNITS["个月" if match[2] == "月" else match[2]]
    value = number(match[1])
    if value is not None:
        yield Quantity((value + Fraction(1, 2)) * factor, unit, "", match.start(), match.end(), match[0])


def _years_months(match: re.Match[str], text: str) -> Iterator[Quantity]:
    years, months = number(match[1]), number(match[2])
    if years is not None and months is not None:
        yield Quantity(years * 12 + months, "月", "", match.start(), match.end(), match[0])


def _plain(match: re.Match[str], text: str) -> Iterator[Quantity]:
    unit, factor = _named_unit(match[6])
    if match[5] is None and _is_vague(match, text, unit):
        return
    unit, per = _with_per(match, text, unit)
    if unit == "度":
        for value in (v for each in (match[3], match[5]) if each for v in values(each)):
            yield Quantity(value, _degree(value), per, match.start(), match.end(), match[0])
        return
    first = _named_unit(match[4]) if match[4] else (unit, factor)
    if first[0] != unit.split("/")[0]:
        first = (unit, factor)
    yield from _made(match, (match[3],), unit, first[1], per)
    yield from _made(match, (match[5],), unit, factor, per)


def _named_unit(spelling: str) -> tuple[str, Fraction]:
    return _UNITS.get(spelling) or _UNITS[spelling.removeprefix("个")]


def _is_vague(match: re.Match[str], text: str, unit: str) -> bool:
    """Whether one of something is a way of speaking: 一片红疹, 吃了一次, 喷一喷."""
    written, at = match[3], match.start(3)
    if written == "一" and at and text[at - 1] == text[match.end(3) : match.end(3) + 1]:
        return True
    if written == "一" and unit in _VAGUE_ONE:
        return not (unit in DOSES and _GIVEN.search(_clause(text, at, match.end())))
    return written in ("一", "1") and (unit == "次" or match[6] == "日")


def _with_per(match: re.Match[str], text: str, unit: str) -> tuple[str, str]:
    """The unit with what it is per, and what the amount is taken per."""
    if match[7]:
        period = _PERIODS[match[7]]
        if unit == "次" or period in ("kg", "L", "dl", "ml"):
            return f"{unit}/{period}", ""
        return unit, period
    if unit == "mg" and match[4] is None and _EACH_KG.search(text[max(0, match.start(3) - 16) : match.start(3)]):
        return "mg/kg", ""
    if match[2] and unit in DOSES:
        return unit, _PERIODS[match[2]]
    return unit, ""


def _bare(match: re.Match[str], text: str) -> Iterator[Quantity]:
    value = Fraction(match[1])
    is_heat = Fraction(34) <= value <= Fraction(43) and _HEAT.search(_clause(text, match.start(), match.end()))
    yield Quantity(value, "℃" if is_heat else "", "", match.start(), match.end(), match[0])


def _clause(text: str, start: int, end: int) -> str:
    begin = max((m.end() for m in _CLAUSE_END.finditer(text, max(0, start - 60), start)), default=max(0, start - 60))
    after = _CLAUSE_END.search(text, end, end + 30)
    return text[begin : after.start() if after else end + 30]


_VAGUE_ONE: Final = frozenset(("片", "口", "滴", "包", "支", "瓶", "针", "贴", "勺", "粒", "袋", "丸", "喷", "倍"))
_Maker = Callable[[re.Match[str], str], Iterator[Quantity]]
_READERS: Final[tuple[tuple[re.Pattern[str], _Maker], ...]] = (
    (_Q_HOURS, lambda m, t: _made(m, (m[1],), "小时/次", Fraction(1))),
    (_ABBREVIATED, lambda m, t: _made(m, (str(_LATIN[m[1].lower()]),), "次/日", Fraction(1))),
    (_MORNING, lambda m, t: _made(m, ("3" if "中" in m[0] else "2",), "次/日", Fraction(1))),
    (_YEARS_MONTHS, _years_months),
    (_AND_HALF, _and_half),
    (_RATE, _rate),
    (_EVERY, _every),
    (_OTHER_DAY, lambda m, t: _made(m, ("48",), "小时/次", Fraction(1))),
    (_FREQUENCY, _frequency),
    (_DEGREES, _degrees),
    (_HALF, _half),
    (_PERCENT, lambda m, t: _made(m, (m[1], m[2]), "%", Fraction(1))),
    (_MONTHS_OLD, lambda m, t: _made(m, (m[1], m[2]), "月", Fraction(1))),
    (_PLAIN, _plain),
    (_BARE, _bare),
)
