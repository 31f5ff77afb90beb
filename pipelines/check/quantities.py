"""Amounts: numbers with their units, ranges and comparators, however they are written.

One pass from number to number: the number, its unit, the other end of a range, what it is for, the comparator on either
side, and from its surroundings the role. Then what belongs together is put together: 每日 and 3次, 6小时 and 1次.

Does not cover: 几 alone, 一些 and other vague amounts; Roman numerals; dates other than years.
"""

from __future__ import annotations

import functools
import re
from fractions import Fraction
from typing import Final, NamedTuple

from pipelines.check import comparators
from pipelines.check.frequencies import joined
from pipelines.check.numerals import HALF, ONE, SPOKEN, Numeral, numeral_at
from pipelines.check.ordinals import digits_end, special
from pipelines.check.reading import MAX_CHARS, Reading
from pipelines.check.roles import role_of
from pipelines.check.units import COUNTED, ORDER, Unit, ordered, pers_at, pers_in, unit_at, volume_before

MAX_AMOUNTS: Final = 1_200
"""Of one text; one with more is said to have too many, not to be right."""
_NONE: Final = Fraction(0)


class Quantity(NamedTuple):
    """One amount in a text.

    Attributes:
        low, high: Its bounds in `unit`, exact; equal for a single number; None where a range is open on that side.
        unit: The unit of its dimension: `mg`, `ml`, `month` (ages, long times), `minute` (times), `celsius`, `times`
            (counts of doing), `percent`, `yuan`, `kg` …; the noun itself for counted things (片, 袋, 人, 所); empty for
            none; with 第 before it for places in an order.
        per: What it is for, in a fixed order: `kg`, `day`, `dose`, `hour`, `m2`, `l` …; empty tuple for nothing. Per
            volume always `l`: 3 mg/dl is 30 mg per l.
        comparator: `ge`, `gt`, `le`, `lt`, `about`, `not_more` (不超过), `at_least`, `over` (以上), `under` (以下),
            `within`, `after`, `before`; empty where none is said.
        role: `age`, `weight`, `dose`, `frequency`, `interval`, `duration`, `temperature`, `count`, `share`, `money`,
            `date` (a year), `number` (of an article, a step, a table: no fact), `other`.
        start, end: In the text, with the comparator.
        text: As written there.
        written: The numbers as they stand there, before conversion: one, or the two of a range.
        spelled: The unit as written.
    """

    low: Fraction | None
    high: Fraction | None
    unit: str
    per: tuple[str, ...]
    comparator: str
    role: str
    start: int
    end: int
    text: str
    written: tuple[Fraction, ...] = ()
    spelled: str = ""


_ITEM: Final = re.compile(r"(\d{1,2})\.(?=\d{1,2}(?:~\d{1,2})?(?:岁|周岁|月龄|个月))")
_ITEM_BEFORE: Final = re.compile(r"(?:^|[\n。;]) *(\d{1,2})[.、](?!\d)")
"""5.3月龄以下: an item's number, then an age; ages have no decimals where items are numbered."""


class _Amount(NamedTuple):
    """A number with its unit."""

    low: Fraction
    high: Fraction
    unit: str
    end: int
    written: Fraction
    spelled: str
    spoken: bool
    factor: Fraction = ONE


_HEAD: Final = re.compile(rf"[\d半{SPOKEN}]", re.ASCII)
_TO: Final = re.compile(r"\s?(?:[-~]{1,2}|至|到|或者?)\s?(?=[\d半零一二两三四五六七八九十百])", re.ASCII)
_ENDS: Final = "。!?;\n,"
_PHONE: Final = re.compile(r"(?:打|拨|呼叫?|电话|急救|热线|喊)[\s:\"]{0,2}$")
_PHONES: Final = frozenset(("120", "110", "119", "12345", "12320", "12356"))
_VAGUE: Final = re.compile(
    r"千万(?!元|人|次|单位)|万一|一(?:般|定|些|起|样|旦|直|律|并|切|共|点(?:点|儿|也|都|一)?(?!\d)|边|面|向|致|级|类|经|味|"
    r"贯|时|到(?![两二三四五六七八九十])|口气|旁|手|概|同|方面|个劲|块(?!钱)|下子?(?!次)|道|会儿?|侧|阵|身|层|股|种|过性|次性)|"
    r"(?<=[统唯同任之第专])一|三餐|四肢|五官|百日|十分(?!钟|之)|半(?:夜|径|身|边|卧|坐|流|衰|乳|胱|信|途|路)|两者|两侧|双侧|百分位"
)
_AND_MORE: Final = re.compile(r"\s?个?(多|来|余|几)(?=个?[岁天周月年日元斤公小分千毫片次人例粒级克升]|$)")
_COMPOUND: Final = re.compile(r"\s?(?:零|又|加|过)?\s?(?=[\d一二两三四五六七八九十])", re.ASCII)
_TAIL: Final = re.compile(
    r"(\d{1,2}|[一二三四五六七八九半])(?![\d.]|\s?(?:[岁天个次月年日片人例克毫公~-]|[十百]))", re.ASCII
)
_HALF_TAIL: Final = re.compile(r"半(?![夜径身边卧坐流数衰年月天小个岁片包袋支粒颗丸瓶勺杯碗贴块量份毫微斤])")
_LETTER: Final = re.compile(r"[a-zα-ω]")
_POSITION: Final = re.compile(r"\d{1,2}(?:,\d{1,2}){0,2}-(?=[羟脱去酮磷甲乙氨氯氟硝巯苯烯α-ω(])", re.ASCII)
"""Where in a molecule a group sits: 25-羟, 1,25-(oh)2."""


def quantities(reading: Reading) -> tuple[Quantity, ...]:
    """The amounts of a text, in order; the first `MAX_AMOUNTS` of its first `MAX_CHARS` characters.

    Cost: about 20 μs an amount; nothing for one of the last texts again.
    """
    return _quantities(reading.folded[:MAX_CHARS], reading.raw)


@functools.lru_cache(maxsize=256)
def _quantities(text: str, raw: str) -> tuple[Quantity, ...]:
    found: list[Quantity] = []
    floor = place = 0
    while len(found) < MAX_AMOUNTS and (match := _HEAD.search(text, place)):
        start = match.start()
        floor = max(floor, _clause_start(text, start))
        skipped = _skipped(text, start)
        if skipped:
            place = skipped
            continue
        quantity, place = _read(text, raw, start, floor)
        if quantity is not None:
            found.append(quantity)
            if quantity.unit not in ("minute", "times") or quantity.written != (ONE,):
                floor = quantity.end  # but 一天 and 一次 say what the next is for
    return joined(text, found, Quantity)


def _clause_start(text: str, start: int) -> int:
    begin = max(0, start - 40)
    return begin + max(map(text[begin:start].rfind, _ENDS)) + 1


def _skipped(text: str, start: int) -> int:
    """Where to go on if what stands at `start` is a name, a phone number or a way of speaking; 0 if it is not."""
    if text[start].isascii():
        if match := _POSITION.match(text, start):
            return match.end()
        if (match := _ITEM.match(text, start)) and _is_item(text, start, int(match[1])):
            return match.end()
        before = text[start - 1 : start]
        if _LETTER.match(before) and not (before == "x" and text[start - 2 : start - 1].isdigit()):
            return digits_end(text, start)
        if before == "-" and _LETTER.match(text[start - 2 : start - 1] or " "):
            return digits_end(text, start)
        end = digits_end(text, start)
        if text[start:end] in _PHONES and (
            _PHONE.search(text[max(0, start - 4) : start]) or text.startswith("急救", end)
        ):
            return end
        return 0
    if match := _VAGUE.match(text, start):
        return max(match.end(), start + 1)
    return 0


def _is_item(text: str, start: int, number: int) -> bool:
    """Whether a line or sentence begins with the number of an item, smaller ones having been said before."""
    if text[:start].rstrip(" ")[-1:] not in ("\n", "。", ";"):
        return False
    return any(int(m[1]) < number for m in _ITEM_BEFORE.finditer(text[:start]))


def _read(text: str, raw: str, start: int, floor: int) -> tuple[Quantity | None, int]:
    """The amount at `start`, and where to go on."""
    numeral = numeral_at(text, start)
    if numeral is None:
        return None, _run_end(text, start)
    if found := special(text, start, numeral, Quantity):
        return found, found.end
    first = _amount(text, raw, start, numeral)
    second, end = _other_end(text, raw, first)
    if second is not None and second.unit != first.unit and not (first.unit == "" or second.unit == ""):
        second, end = None, first.end
    unit, spelled = (second or first)[2], (second or first)[5]
    if second is not None and not unit:
        unit, spelled = first.unit, first.spelled
    is_short = numeral.end - start < 2 or not comparators.before(text, start, floor)[0]
    if not unit and first.spoken and is_short and (second is None or end - start < 4):
        return None, max(first.end, start + 1)
    if not unit and text[end : end + 1] == ")" and text[start - 1 : start] == "(":  # 15(10~20)mg
        behind = unit_at(text, raw, end + 1)
        if behind is not None and behind.unit not in COUNTED:
            return _bracketed(text, raw, start, end, (first, second or first), behind), end
    low, high = _bounds(first, second)
    if unit == "celsius" and text[start - 1 : start] == "-" and start and not text[start - 2 : start - 1].isdigit():
        low, high = -low, -high
    values = (first.written,) if second is None else (first.written, second.written)
    if second is None and first.low != first.high and first.spoken:
        values = (first.low, first.high) if first.unit in COUNTED else values
    if unit and text[start - 1 : start] == "第" and not unit.startswith("第"):
        unit = f"第{unit}"
    per, factor, end = pers_at(text, end, unit)
    if factor is not ONE:
        low, high = low * factor, high * factor
    return _made(text, start, end, floor, low, high, unit, per, values, spelled), end


def _bracketed(text: str, raw: str, start: int, end: int, ends: tuple[_Amount, _Amount], unit: Unit) -> Quantity:
    """Numbers in brackets whose unit stands behind those."""
    per, factor, _ = pers_at(text, unit.end, unit.unit)
    low, high = (one.low * unit.factor * factor for one in ends)
    values = tuple(dict.fromkeys(one.written for one in ends))
    return Quantity(low, high, unit.unit, per, "", "dose", start, end, text[start:end], values, unit.spelled)


def _bounds(first: _Amount, second: _Amount | None) -> tuple[Fraction, Fraction]:
    if second is None:
        return first.low, first.high
    low = first.low
    if not first.unit and second.unit:
        low = first.low * second.factor
    high = second.high if second.unit or not first.unit else second.high * first.factor
    return (low, high) if low <= high else (high, low)


def _run_end(text: str, start: int) -> int:
    end = start + 1
    while end < len(text) and text[end] in SPOKEN:
        end += 1
    return end


def _amount(text: str, raw: str, start: int, numeral: Numeral) -> _Amount:
    low, high, end = numeral.low, numeral.high, numeral.end
    part = unit_at(text, raw, end) if numeral.unit and numeral.low < 100 else None
    if part and part.unit in ("ml", "mg", "片", "袋", "minute", "month", "粒", "支", "包", "勺") and low == high:
        value = low / 100 * part.factor
        return _Amount(value, value, part.unit, part.end, low / 100, part.spelled, True, part.factor)
    if numeral.unit:
        return _Amount(low, high, numeral.unit, end, numeral.written, "", numeral.spoken)
    if more := _AND_MORE.match(text, end):
        end = more.end()
        if more[1] == "几":
            high = low + 9
    half = _NONE
    if text.startswith("个半", end):
        half, end = HALF, end + 2
    unit = unit_at(text, raw, end)
    if unit is None or _is_calendar(text, start, unit, numeral, half):
        return _Amount(low, high, "", numeral.end, numeral.written, "", numeral.spoken)
    end = unit.end
    if text[start] == "半" and start and text[start - 1] in "减折对":
        return _Amount(Fraction(50), Fraction(50), "percent", start + 1, HALF, "", True)
    factor, name = unit.factor, unit.unit
    if text[end : end + 1] == "半" and _HALF_TAIL.match(text, end):
        half, end = HALF, end + 1
    if half:
        low, high = low + half, high + half
    if factor is not ONE:
        low, high = (low * factor, high * factor) if low is not high else (low * factor,) * 2
    added, end = _smaller(text, raw, name, unit, end)
    if added:
        low, high = low + added, high + added
    if name == "celsius" and low >= 100:
        name, low, high = "diopter", low / 100, high / 100
    if text[start - 1 : start] == "第":
        name = f"第{name}"
    written = numeral.written + half if half else numeral.written
    return _Amount(low, high, name, end, written, unit.spelled, numeral.spoken, factor)


def _is_calendar(text: str, start: int, unit: Unit, numeral: Numeral, half: Fraction) -> bool:
    """Whether 3月 is March, and 七分 no minutes; both are no amounts."""
    if unit.spelled == "月" and not half and text[unit.end - 2] != "个" and text[numeral.end : numeral.end + 1] == "月":
        if text[start - 1 : start] in ("、", "-", "~") and start:
            return False
        return text[unit.end : unit.end + 1] not in tuple("龄大婴以后内起~-至、前") and text[start] != "半"
    return unit.spelled == "分" and numeral.spoken


def _smaller(text: str, raw: str, name: str, unit: Unit, end: int) -> tuple[Fraction, int]:
    """What follows in the next smaller unit: 一岁[零三个月], 38度[5], 1米[35], 1小时[30分钟]."""
    if unit.spelled in ("度", "米", "块钱", "斤") and (match := _TAIL.match(text, end)):
        written = match[1]
        if written == "半":
            return unit.factor / 2, match.end()
        digits = Fraction(int(written) if written.isdigit() else "零一二三四五六七八九".index(written))
        return digits * unit.factor / 10 ** len(written), match.end()
    if name in ("month", "minute") and unit.factor > 1 and unit.spelled != "月":
        match = _COMPOUND.match(text, end)
        if match and (numeral := numeral_at(text, match.end())) and not numeral.unit:
            smaller = unit_at(text, raw, numeral.end)
            if (
                smaller
                and smaller.unit == name
                and smaller.factor < unit.factor
                and smaller.spelled not in ("岁", "年")
            ):
                return numeral.low * smaller.factor, smaller.end
    return _NONE, end


def _other_end(text: str, raw: str, first: _Amount) -> tuple[_Amount | None, int]:
    """The second number of a range or a pair, and where it ends."""
    per, _, end = pers_at(text, first.end, first.unit) if first.unit else ((), ONE, first.end)
    match = _TO.match(text, end)
    if match is None:
        return None, first.end
    numeral = numeral_at(text, match.end())
    if numeral is None:
        return None, first.end
    second = _amount(text, raw, match.end(), numeral)
    if (numeral.unit == "percent" and not first.unit) or (first.unit == "percent" and not second.unit and first.spoken):
        return (second if second.unit else second._replace(unit="percent", spelled="")), second.end
    if not second.unit and not first.unit and match[0].strip() not in ("-", "~", "--", "~~", "至", "到"):
        return None, first.end
    if per and not second.unit:
        return None, first.end
    return second, second.end


def _made(
    text: str,
    start: int,
    end: int,
    floor: int,
    low: Fraction,
    high: Fraction,
    unit: str,
    per: tuple[str, ...],
    values: tuple[Fraction, ...],
    spelled: str,
) -> Quantity:
    """The quantity with what stands around it: comparators, what it is for, its role."""
    ahead, begin = comparators.before(text, start, floor)
    behind, end = comparators.after(text, end)
    comparator = (
        behind if behind and (not ahead or ahead == "about" or behind in ("within", "after", "before")) else ahead
    )
    if ahead in ("at_least", "ge", "not_more") and behind in ("over", "under", "about", "within"):
        comparator = ahead
    role = role_of(text, start, end, unit, per, low, comparator)
    if unit in ("mg", "ml", "iu", "mmol", "kcal") or unit in COUNTED or unit in ("minute", "percent", "cfu", "point"):
        ahead_pers = pers_in(text[max(floor, start - 18) : start])
        if {"day", "dose"} <= ahead_pers:  # 每天一次100毫克
            ahead_pers.discard("day")
        if "l" not in per and unit and (volume := volume_before(text, start)):
            low, high, per = low * volume, high * volume, ordered({*per, "l"} - {"day", "dose"})
        elif "l" not in per and ahead_pers:
            per = ordered({*per, *(p for p in ahead_pers if p in ORDER and p not in ("l", "g", "kcal"))})
    bounds: tuple[Fraction | None, Fraction | None] = (low, high)
    if comparator and low == high and (side := comparators.direction(comparator)):
        bounds = (low, None) if side > 0 else (None, high)
    return Quantity(*bounds, unit, per, comparator, role, begin, end, text[begin:end], values, spelled)
