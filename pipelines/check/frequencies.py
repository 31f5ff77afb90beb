"""Amounts that belong together: 每日 and 3次, 每6小时 and 1次, 早晚各, q8h; lists with one unit."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable
from fractions import Fraction
from itertools import islice
from typing import TYPE_CHECKING, Final

from pipelines.check.numerals import ONE

if TYPE_CHECKING:
    from pipelines.check.quantities import Quantity

_PERIODS: Final = {
    period: name
    for name, periods in {
        "day": "日 天 晚 夜 早 昼夜 整天 晚上 天早上 d",
        "week": "周 星期 礼拜",
        "month": "月",
        "year": "年 学年",
        "term": "学期",
        "hour": "小时 钟头 h",
        "minute": "分钟 分 min",
        "quarter": "季度 季",
        "dose": "餐 次 顿",
        "person": "人 户",
    }.items()
    for period in periods.split()
}
_WORDS: Final = "|".join(sorted(_PERIODS, key=len, reverse=True))
_EACH: Final = re.compile(
    rf"(?:每隔?|/|平均)\s?(?:1|一)?个?({_WORDS})|(?<![\d一二两三四五六七八九十半今当次即连])([日天])[服用吃]?$"
)
_LATIN: Final = re.compile(r"(?<![a-z])(?:q(\d{1,2})h|qd|bid|tid|qid|qod|qn)(?![a-z])", re.ASCII)
_DAILY: Final = {"qd": 1, "bid": 2, "tid": 3, "qid": 4, "qn": 1}
_SPREAD: Final = re.compile(
    r"早[、,]?中[、,]?晚|早[、,]?晚(?=各|服|分|两次|吃|喝|用|一次|1次|滴|涂|喷)|早[上晨]?[^,。;\d]{0,4}晚[上间]?各|隔(?:一)?[日天]|"
    r"(?:随|于|[一每]?[日天]?)三餐[前后时中](?!血糖)|上[、]?下午各|上午[和与、及]下午各?"
)
MAX_WORDS: Final = 200
_BETWEEN: Final = re.compile(r"[。;!?\n]")
_GAP: Final = 14
_SPLIT: Final = re.compile(r"(?:均?分(?:为|成|作)?|平均分成?|拆成|匀成)\s?$")
PERIOD_MINUTES: Final = {
    "minute": 1, "hour": 60, "day": 1440, "week": 10080, "month": 43800, "quarter": 131400, "year": 525600,
}  # fmt: skip
_DAY: Final = Fraction(1440)


def joined(text: str, found: list[Quantity], make: Callable[..., Quantity]) -> tuple[Quantity, ...]:
    """Quantities in order, each 次 with the period that it belongs to."""
    kept: list[Quantity] = []
    for quantity in _listed(text, found):
        if quantity.unit == "times":
            previous = kept[-1] if kept else None
            floor = previous.end if previous else 0
            if previous and (whole := _with_time(text, previous, quantity)):
                kept[-1] = whole
                continue
            quantity = _with_word(text, quantity, floor)
        kept.append(quantity)
    if "早" in text or "隔" in text or "三餐" in text or "下午" in text:
        spread = _spread(text, make)
        starts = [s.start for s in spread]
        kept = [q for q in kept if not _is_said_by(q, spread[(i := bisect_left(starts, q.start)) : i + 1])] + spread
    if "q" in text or "id" in text:
        kept += _latin(text, make)
    kept.sort(key=lambda q: (q.start, q.end))
    return tuple(kept)


def _listed(text: str, found: list[Quantity]) -> list[Quantity]:
    """Bare numbers in a list with the unit at its end: 0、1、6个月; or behind what stands in brackets: 15(10~20)mg."""
    for at in range(len(found) - 2, -1, -1):
        one, last = found[at], found[at + 1]
        if one.unit or one.per or one.role != "other" or not last.spelled or not last.written:
            continue
        between = text[one.end : last.start].strip()
        if between != "(" and (last.low != last.high or between not in ("、", "和")):
            continue
        scale = last.low / last.written[0] if last.low and last.written[0] else ONE
        low, high = (None if v is None else v * scale for v in (one.low, one.high))
        found[at] = one._replace(low=low, high=high, unit=last.unit, per=last.per, role=last.role, spelled=last.spelled)
    return found


def _with_time(text: str, time: Quantity, times: Quantity) -> Quantity | None:
    """每6小时 with 1次 as an interval, 24小时内 with 4次 as a frequency; None where they do not belong together."""
    if time.unit not in ("minute", "month") or time.role == "age" or time.comparator in ("after", "before"):
        return None
    between = text[time.end : times.start]
    if len(between) > _GAP or _BETWEEN.search(between) or _EACH.search(between) or "," in between[1:]:
        return None
    count = times.low if times.low is not None else times.high
    length = time.high if time.high is not None else time.low
    if count is None or length is None:
        return None
    whole = text[time.start : times.end]
    is_each = text[max(0, time.start - 2) : time.start].endswith(("每", "隔"))
    if times.low == times.high == 1 and (is_each or time.spelled != "天" or time.written != (ONE,)):
        if not is_each and len(between.strip()) > 6:
            return None
        return time._replace(role="interval", end=times.end, text=whole)
    unit = {1: "minute", 60: "hour", 1440: "day", 10080: "week"}.get(int(length)) if time.unit == "minute" else None
    if time.unit == "month":
        unit = {1: "month", 12: "year"}.get(int(length))
    if unit is None or (time.written and time.written[0] not in (1, 24, 12)):
        return None
    return times._replace(per=(unit,), role="frequency", start=time.start, text=whole)


def _with_word(text: str, times: Quantity, floor: int) -> Quantity:
    """3次 with 每日 before it, or 分2次 of a day's amount."""
    if times.per:
        return times._replace(role="frequency")
    begin = max(floor, times.start - _GAP - 2)
    before = text[begin : times.start]
    cut = max(before.rfind(mark) for mark in "。;!?\n")
    last = None
    for match in _EACH.finditer(before, cut + 1):
        last = match
    if last is not None and (period := _PERIODS[last[1] or last[2]]) not in ("dose", "person"):
        start = begin + last.start()
        return times._replace(per=(period,), role="frequency", start=start, text=text[start : times.end])
    if _SPLIT.search(before):
        return times._replace(role="frequency")
    return times


def _spread(text: str, make: Callable[..., Quantity]) -> list[Quantity]:
    made = []
    for match in islice(_SPREAD.finditer(text), MAX_WORDS):
        if match[0].startswith("隔"):
            made.append(_interval(match, 2 * _DAY, make))
        else:
            n = Fraction(3 if "中" in match[0] or "三餐" in match[0] else 2)
            made.append(
                make(n, n, "times", ("day",), "", "frequency", match.start(), match.end(), match[0], (n,), "次")
            )
    return made


def _is_said_by(quantity: Quantity, spread: list[Quantity]) -> bool:
    """Whether 每天早晚各一次 was read as once a day."""
    is_once = quantity.unit == "times" and quantity.written == (ONE,) and bool(quantity.per)
    return is_once and any(s.end <= quantity.end for s in spread)


def _latin(text: str, make: Callable[..., Quantity]) -> list[Quantity]:
    made = []
    for match in islice(_LATIN.finditer(text), MAX_WORDS):
        if match[1] or match[0] == "qod":
            made.append(_interval(match, Fraction(60 * int(match[1])) if match[1] else 2 * _DAY, make))
        else:
            n = Fraction(_DAILY[match[0]])
            made.append(
                make(n, n, "times", ("day",), "", "frequency", match.start(), match.end(), match[0], (n,), "次")
            )
    return made


def _interval(match: re.Match[str], minutes: Fraction, make: Callable[..., Quantity]) -> Quantity:
    return make(
        minutes, minutes, "minute", (), "", "interval", match.start(), match.end(), match[0], (minutes / 60,), "h"
    )
