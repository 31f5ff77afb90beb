"""Numerals, however they are written: 12, 1,200, 1/2, 3×10^9, 十二, 两三, 十七八, 半, 三分之一, 百分之八十, 15万."""

from __future__ import annotations

import functools
import re
from fractions import Fraction
from typing import Final, NamedTuple

MAX_DIGITS: Final = 15
"""Of one number; what has more keeps its first ones, which no evidence will have either."""

HALF: Final = Fraction(1, 2)
ONE: Final = Fraction(1)
TWO: Final = Fraction(2)
SPOKEN: Final = "零〇一二两俩仨三四五六七八九十百千万亿"
_ARABIC: Final = re.compile(r"\d+(?:,\d{3}(?!\d))*(?:\.\d{1,10})?", re.ASCII)
_SPOKEN: Final = re.compile(rf"[{SPOKEN}]{{1,16}}(?:点[零〇一二三四五六七八九]{{1,6}})?")
_FRACTION: Final = re.compile(r"/(\d{1,2})(?![\d/.])", re.ASCII)
_POWER: Final = re.compile(r"\s*[×x*]\s*10\s*(?:\^\s*(-?\d{1,2})|([⁰¹²³⁴⁵⁶⁷⁸⁹]{1,2})|(\d{1,2})(?=/[lu]))", re.ASCII)
_OF_TEN: Final = re.compile(r"\^\s*(\d{1,2})|([⁰¹²³⁴⁵⁶⁷⁸⁹]{1,2})", re.ASCII)
_TIMES: Final = re.compile(r"\s?([十百千万亿]{1,2})(?![克卡焦帕瓦米分])")
_THOUSANDS: Final = tuple("克卡焦帕米瓦伏")
_RAISED: Final = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")
_DIGITS: Final = {c: i for i, c in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2, "俩": 2, "仨": 3}
_PLACES: Final = {"十": 10, "百": 100, "千": 1000, "万": 10**4, "亿": 10**8}


class Numeral(NamedTuple):
    """One number, or two neighbours said in one breath.

    Attributes:
        low, high: What it is worth; different for 两三 and 十几.
        end: Where it ends in the text.
        spoken: Whether in Chinese numerals.
        unit: `percent` for 三分之一 and 百分之八十, else empty.
        written: The mantissa (15 of 15×10⁹), as a bare number would repeat it.
    """

    low: Fraction
    high: Fraction
    end: int
    spoken: bool
    unit: str
    written: Fraction


def numeral_at(text: str, place: int, is_part: bool = False) -> Numeral | None:
    """The number that begins at `place` of a folded text; None where there is none (千万, 一二).

    Args:
        is_part: Whether it stands behind 分之, where no other 分之 follows.
    """
    if text[place] == "半":
        return Numeral(HALF, HALF, place + 1, True, "", HALF)
    if text[place].isascii():
        return _arabic(text, place, is_part)
    match = _SPOKEN.match(text, place)
    if match is None:
        return None
    end = match.end()
    if text[end - 1] == "千" and text[end : end + 1] in _THOUSANDS:  # 千克 is a unit
        end -= 1
    values = spoken(text[place:end])
    if values is None:
        return None
    if not is_part and text.startswith("分之", end) and end + 2 < len(text):
        return _part(text, values[0], end + 2)
    if values[0] == ONE and text[end : end + 1] == "半":
        return Numeral(Fraction(50), Fraction(50), end + 1, True, "percent", HALF)
    if text[end : end + 1] == "几" and values[0] % 10 == 0 and values[0] < 100:
        return Numeral(values[0] + 1, values[0] + 9, end + 1, True, "", values[0])
    return Numeral(*values, end, True, "", values[0])


def _arabic(text: str, place: int, is_part: bool) -> Numeral | None:
    match = _ARABIC.match(text, place)
    if match is None:
        return None
    value = plain(match[0][:40])
    mantissa, end = value, match.end()
    if not is_part and text.startswith("分之", end) and end + 2 < len(text):
        return _part(text, value, end + 2)
    below = _FRACTION.match(text, end)
    if below and 0 < value < int(below[1]) and "." not in match[0]:
        value = mantissa = value / int(below[1])
        end = below.end()
    elif power := _POWER.match(text, end):
        value *= Fraction(10) ** int(power[1] or power[3] or power[2].translate(_RAISED))
        end = power.end()
    elif match[0] == "10" and (power := _OF_TEN.match(text, end)):
        value = Fraction(10) ** int(power[1] or power[2].translate(_RAISED))
        end = power.end()
    elif times := _TIMES.match(text, end):
        for place_name in times[1]:
            value *= _PLACES[place_name]
        end = times.end()
    return Numeral(value, value, end, False, "", mantissa)


@functools.lru_cache(maxsize=8192)
def plain(written: str) -> Fraction:
    """A number in Arabic digits, exact, of its first `MAX_DIGITS` digits."""
    whole, _, below = written.replace(",", "").partition(".")
    return Fraction(f"{whole[:MAX_DIGITS]}.{below[:10] or '0'}")


def _part(text: str, whole: Fraction, place: int) -> Numeral | None:
    if not (text[place].isdigit() or text[place] in SPOKEN) or whole <= 0:
        return None
    part = numeral_at(text, place, is_part=True)
    if part is None or part.unit:
        return None
    return Numeral(part.low * 100 / whole, part.high * 100 / whole, part.end, True, "percent", part.low)


@functools.lru_cache(maxsize=8192)
def spoken(written: str) -> tuple[Fraction, Fraction] | None:
    """What Chinese numerals are worth, twice; two values for neighbours in one breath (两三, 十七八, 三四十)."""
    whole, _, decimals = written.partition("点")
    value = _spoken(whole)
    if value is not None:
        if decimals:
            value += Fraction(int("".join(str(_DIGITS[c]) for c in decimals)), 10 ** len(decimals))
        return value, value
    for i in range(len(whole) - 1):
        first, second = _DIGITS.get(whole[i]), _DIGITS.get(whole[i + 1])
        if first and second and 1 <= second - first <= 2:
            low, high = _spoken(whole[: i + 1] + whole[i + 2 :]), _spoken(whole[:i] + whole[i + 1 :])
            if low is not None and high is not None:
                return low, high
    return None


def _spoken(written: str) -> Fraction | None:
    if written and all(c in _DIGITS for c in written) and (len(written) > 2 or "〇" in written):
        return Fraction(int("".join(str(_DIGITS[c]) for c in written)))
    if not written or (written[0] in "百千万亿" and len(written) > 1):
        return None
    total, section, digit, last = 0, 0, None, 0
    for c in written:
        if c not in _PLACES:
            if digit:
                return None
            digit = _DIGITS[c]
            last = 0 if not digit else last
            continue
        place = _PLACES[c]
        if place < 10**4:
            section += (1 if digit is None else digit) * place
        else:
            total, section = total + (section + (digit or (0 if section else 1))) * place, 0
        digit, last = None, place
    if digit and last >= 100 and written[-2] in "百千万亿":  # 两千五 is 2500
        return Fraction(total + section + digit * last // 10)
    return Fraction(total + section + (digit or 0))
