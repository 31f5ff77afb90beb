"""Units, as leaflets, norms and people write them: dimension, factor, and what an amount is for (per kg, per day)."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Final, NamedTuple

from pipelines.check.numerals import ONE


class Unit(NamedTuple):
    """A unit as written at one place.

    Attributes:
        unit: Of the dimension: `mg`, `minute`, `month` …; the noun itself for counted things.
        factor: How many of `unit` one is.
        end: Where it ends in the text.
        spelled: As written.
    """

    unit: str
    factor: Fraction
    end: int
    spelled: str


_UNITS: Final[dict[str, tuple[str, Fraction]]] = {}
COUNTED: Final[set[str]] = set()
"""Nouns that count things; each a unit of its own."""


def _add(unit: str, factor: str, spellings: str) -> None:
    _UNITS.update({spelling: (unit, ONE if factor == "1" else Fraction(factor)) for spelling in spellings.split()})


for _unit, _factor, _spellings in (
    ("mg", "1/1000000", "ng 纳克"),
    ("mg", "1/1000", "ug μg mcg 微克 ugrae μgrae"),
    ("mg", "1", "mg 毫克 mgrae mgne mgα-te"),
    ("mg", "1000", "g 克 gm"),
    ("kg", "1", "kg 公斤 千克"),
    ("kg", "1/2", "斤 市斤"),
    ("iu", "1", "iu u 国际单位 单位"),
    ("ml", "1/1000", "μl ul 微升"),
    ("ml", "1", "ml 毫升 cc"),
    ("ml", "100", "dl 分升"),
    ("ml", "1000", "l 升 公升"),
    ("mmol", "1/1000000", "nmol 纳摩尔"),
    ("mmol", "1/1000000000", "pmol 皮摩尔"),
    ("mmol", "1", "mmol 毫摩尔 毫摩 毫mol"),
    ("mmol", "1/1000", "umol μmol 微摩尔 微摩"),
    ("mmol", "1000", "mol 摩尔"),
    ("mosm", "1", "mosm 毫渗 毫渗量 mosmol"),
    ("meq", "1", "meq 毫当量"),
    ("cm", "1/10000", "μm um 微米"),
    ("cm", "1/10", "mm 毫米"),
    ("cm", "1", "cm 厘米 公分"),
    ("cm", "100", "m 米 公尺"),
    ("cm", "100000", "km 公里 千米"),
    ("m2", "1", "平方米 平米 m2 m² ㎡"),
    ("m2", "1/10000", "平方厘米 cm2 cm²"),
    ("mmhg", "1", "mmhg 毫米汞柱"),
    ("mmhg", "7.5006", "kpa 千帕"),
    ("cmh2o", "1", "cmh2o 厘米水柱"),
    ("kcal", "1", "kcal 千卡 大卡"),
    ("kcal", "0.239", "kj 千焦"),
    ("celsius", "1", "℃ °c 摄氏度 度 ° 度c"),
    ("percent", "1", "% 个百分点"),
    ("percent", "1/10", "‰"),
    ("percent", "10", "成"),
    ("minute", "1/60", "秒 秒钟 s sec"),
    ("minute", "1", "分钟 min mins"),
    ("minute", "15", "刻钟"),
    ("minute", "60", "小时 钟头 h hr hrs"),
    ("minute", "1440", "天 日 d 昼夜 整天 夜 晚 日龄 天龄"),
    ("minute", "10080", "周 星期 礼拜 周龄 孕周 w"),
    ("month", "1", "月 月龄"),
    ("month", "3", "季度"),
    ("month", "12", "年 岁 周岁 周年"),
    ("workday", "1", "工作日"),
    ("term", "1", "学期"),
    ("lesson", "1", "学时 课时 节课"),
    ("yuan", "1/10", "角 毛钱"),
    ("yuan", "1", "元 块钱 块 人民币"),
    ("lux", "1", "lx 勒克斯"),
    ("diopter", "1", "屈光度"),
    ("decibel", "1", "db 分贝"),
    ("hertz", "1", "hz 赫兹"),
    ("ntu", "1", "ntu"),
    ("cfu", "1", "cfu"),
    ("fl", "1", "fl 飞升"),
    ("pg", "1", "pg 皮克"),
    ("joule", "1", "j 焦耳 焦"),
    ("times", "1", "次 回 遍 趟 顿 次数 下"),
    ("fold", "1", "倍"),
    ("percentile", "1", "百分位 百分位数"),
    ("sd", "1", "个标准差 sd 标准差"),
    ("point", "1", "分"),
):
    _add(_unit, _factor, _spellings)
for _nouns in (
    "片", "粒 颗 枚 丸", "袋 包", "支 管", "滴", "喷 揿 吸", "勺 匙 茶匙 汤匙 小勺 大勺 茶勺", "瓶", "贴", "杯", "碗",
    "剂 剂次 针 剂量单位", "人 名 位 口", "例", "所 家 座", "种 类 样 型 款", "项 条 件", "行", "级 期 阶段",
    "处 个", "只", "份", "倍量", "床", "间", "台 辆", "户", "班", "餐", "步", "层", "根", "张", "篇", "胎",
):  # fmt: skip
    _first = _nouns.split()[0]
    _add(_first, "1", _nouns)
    COUNTED.add(_first)

DOSED: Final = frozenset(("片", "粒", "袋", "支", "滴", "喷", "勺", "瓶", "贴", "剂"))
"""Counted things that are given."""
_OVER_FIRST: Final = frozenset(" /每p·.")
_LENGTHS: Final = {
    first: tuple(sorted({len(s) for s in _UNITS if s[0] == first}, reverse=True)) for first in {s[0] for s in _UNITS}
}
_FIRST: Final = frozenset(spelling[0] for spelling in _UNITS) | {"个"}
_NO_UNIT: Final = re.compile(
    r"分(?:之|次|别|成|钟前后|为|期|级|型|度|析|泌|娩|娩期|布|类|装|剂)|级(?:以上人民政府|以上地方|医院|预防)|下(?:列|述|肢|午|降|次|限|一|调|床|线|面)|"
    r"日(?:常|期|间|光|照|记|本)|月(?:经|子|份|底|初)|年(?:龄|级|度|长|底|末|初|幼)|个(?:别|体|性|案)|点(?:滴|击|头)|"
    r"类(?:似|型)|型(?:糖)|口(?:服|腔|水|唇)|期(?:间|限)|条(?:件|例|款)|项(?:目)|家(?:长|庭|属|里)|位(?:于|置)|周(?:围|边|期)|块儿|"
    r"成(?:人|分|为|熟|年|立|功|份|品|长)|支(?:持|气|原)|包(?:括|含|块)|回(?:来|避|家|收)|班(?:主|级)|度(?:过)|步(?:骤)|样(?:本|品)|"
    r"床(?:边|上)|层(?:次)|处(?:方|理|罚|分|于|置)|根(?:据)|张(?:力)|米(?:粉|汤|粥|力)|例(?:如)|针(?:对)|剂(?:型)|级别|元素|两"
)
_PERS: Final[dict[str, tuple[str, Fraction]]] = {
    spelling: (per, ONE if factor == "1" else Fraction(factor))
    for per, factor, spellings in (
        ("kg", "1", "kg 公斤 千克 公斤体重 千克体重 kg体重"),
        ("m2", "1", "m2 m² 平方米 ㎡"),
        ("dose", "1", "次 剂 回 顿 餐 针"),
        ("second", "1", "s 秒 秒钟"),
        ("minute", "1", "min 分 分钟"),
        ("hour", "1", "h 小时 钟头 hr"),
        ("day", "1", "d 日 天 昼夜 晚 夜"),
        ("week", "1", "周 星期 礼拜 w"),
        ("month", "1", "月"),
        ("term", "1", "学期"),
        ("year", "1", "年 学年"),
        ("l", "1", "l 升 公升"),
        ("l", "10", "dl 分升 100ml 100毫升 百毫升"),
        ("l", "1000", "ml 毫升"),
        ("l", "1000000", "μl ul 微升"),
        ("g", "1", "g 克"),
        ("piece", "1", "片 粒 袋 包 支 瓶 丸 喷 揿 吸 贴"),
        ("person", "1", "人 名"),
        ("field", "1", "hp hpf 高倍视野 个高倍视野 高倍"),
        ("kcal", "1", "kcal 100kcal 千卡"),
    )
    for spelling in spellings.split()
}
ORDER: Final = {per: i for i, per in enumerate(dict.fromkeys(per for per, _ in _PERS.values()))}
_PER_WORDS: Final = "|".join(sorted(map(re.escape, _PERS), key=len, reverse=True))
_OVER: Final = re.compile(rf"\s?(?:/|每|p(?=er))\s?(?:\(((?:[^()\n]){{1,24}})\)|1?个?({_PER_WORDS})(?![a-z]))")
_INSIDE: Final = re.compile(rf"(?<![a-z])(?:{_PER_WORDS})(?![a-z])")
_ALSO: Final = re.compile(r"\s?[·•]\s?(kg|d|h|min|次)(?![a-z\-⁻])")
_POWERS: Final = re.compile(r"\s?[·.]\s?(kg|min|d|h|l|dl|ml|m)\s?[-⁻]\s?[1¹2²]")
PREFIXED: Final = re.compile(
    rf"(?:每|平均每|/)\s?(?:1|一)?个?(?P<each>{_PER_WORDS})|(?P<day>一天|一日|1日|1天|全天|全日|24小时|24h|当日|昼夜|日剂量|日用量|日总量)"
    r"|(?P<dose>一次|单次|一回|一顿|顿服|首剂|首次|负荷)"
)
"""Words before an amount that say what it is for."""
_EACH_VOLUME: Final = re.compile(r"每\s?(升|l|分升|dl|毫升|ml|100\s?毫升|100\s?ml|百毫升)[^,。;:\d()]{0,8}$")
_UNRATED: Final = frozenset(("month", "minute", "celsius", "percent", "cm", "percentile", "kg", "point", "人", "例"))
_COUNTING_NEXT: Final = re.compile(rf"\s?(?:\d|[{'一二两三四五六七八九十半'}]|可|最多|不|分)")


def unit_at(text: str, raw: str, place: int) -> Unit | None:
    """The unit that begins at `place`, after a blank at most; `raw` tells D (diopters) from d (days)."""
    if text[place : place + 1] == " ":
        place += 1
    if text[place : place + 1] not in _FIRST:
        return None
    if raw[place : place + 1] == "D" and not text[place + 1 : place + 2].isalpha():
        return Unit("diopter", Fraction(1), place + 1, "d")
    begin = place + 1 if text[place] == "个" and text[place + 1 : place + 2] not in ("", "个", "别") else place
    for start in (begin, place) if begin != place else (place,):
        for length in _LENGTHS.get(text[start : start + 1], ()):
            found = _UNITS.get(text[start : start + length])
            if found is None or len(text) < start + length or _NO_UNIT.match(text, start):
                continue
            end = start + length
            following = text[end : end + 1]
            if text[end - 1].isascii() and text[end - 1].isalpha() and following.isascii() and following.isalpha():
                continue
            return Unit(*found, end, text[start:end])
    return None


def pers_at(text: str, place: int, unit: str) -> tuple[tuple[str, ...], Fraction, int]:
    """What an amount that ends at `place` is for (/kg, 每公斤每天, /(kg·d), ·kg-1·d-1), its factor, where that ends."""
    if text[place : place + 1] not in _OVER_FIRST:
        return (), ONE, place
    pers: set[str] = set()
    factor = ONE
    while match := _OVER.match(text, place):
        is_time = "每" in match[0] and match[2] != "分" and _PERS.get(match[2], ("kg",))[0] not in ("kg", "l", "m2")
        if is_time and (unit in _UNRATED or _COUNTING_NEXT.match(text, match.end())):
            break
        for word in _INSIDE.findall(match[1]) if match[1] else (match[2],):
            per, scale = _PERS[word]
            pers.add(per)
            factor = factor * scale if scale is not ONE else factor
        place = match.end()
        if also := _ALSO.match(text, place):
            pers.add(_PERS[also[1]][0])
            place = also.end()
        if len(pers) > 3:
            break
    while match := _POWERS.match(text, place):
        per, scale = ("m2", Fraction(1)) if match[1] == "m" else _PERS[match[1]]
        pers.add(per)
        factor = factor * scale if scale is not ONE else factor
        place = match.end()
    return ordered(pers), factor, place


def volume_before(text: str, start: int) -> Fraction | None:
    """How many times as much a litre has where 每升, 每毫升, 每100 ml stands right before an amount; None elsewhere."""
    match = _EACH_VOLUME.search(text, max(0, start - 16), start)
    return _PERS[match[1].replace(" ", "")][1] if match else None


def factor_of(spelled: str) -> tuple[str, Fraction] | None:
    """The unit of a spelling and its factor."""
    return _UNITS.get(spelled)


def pers_in(text: str) -> set[str]:
    """What the words before an amount say that it is for."""
    return {"day" if m["day"] else "dose" if m["dose"] else _PERS[m["each"]][0] for m in PREFIXED.finditer(text)}


def ordered(pers: set[str]) -> tuple[str, ...]:
    """In the fixed order."""
    return tuple(sorted(pers, key=lambda per: ORDER.get(per, 99)))
