"""What an amount is of, from its unit and the words around it."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Final

from pipelines.check.units import DOSED

_AGE_BEFORE: Final = re.compile(
    r"(?:年龄|月龄|日龄|胎龄|生后|出生后?|宝宝|孩子|女儿|儿子|患儿|婴儿|新生儿)[^,。;]{0,3}$|(?<![期届])满$"
)
_LASTS: Final = re.compile(
    r"症状|治疗|用药|[吃服用隔停住打](?:了|够)?满|持续|疗程|连续|坚持|随访|接种满?$|稳定|缓解|结束|间隔"
)
_AGE_AFTER: Final = re.compile(
    r"\s?(?:大|的?(?:婴|幼|小|儿童|儿|宝|孩|患儿|青少年|男|女|新生|早产|娃)|以[上下内](?:的|婴|儿|者|患|孩|宝|幼|新生))"
)
_HEAVY: Final = re.compile(r"体重|出生|重|胖|孩子|宝宝|患儿|每公斤|按")
_GIVEN: Final = frozenset(("mg", "ml", "iu", "mmol", "kcal", "meq"))
_NAMED_AGE: Final = re.compile(r"岁|龄|孕周|胎")


def role_of(text: str, start: int, end: int, unit: str, per: tuple[str, ...], low: Fraction, comparator: str) -> str:
    """The role of an amount that stands at `text[start:end]`."""
    written = text[start:end]
    if unit == "celsius":
        return "temperature"
    if unit == "times":
        return "frequency" if per else "count"
    if unit in ("month", "minute", "workday", "term", "lesson"):
        return _time(text, start, end, unit, written)
    if unit == "kg" or (unit == "mg" and not per and low >= 500_000):
        return "dose" if per else "weight" if unit == "kg" or _HEAVY.search(text[max(0, start - 8) : start]) else "dose"
    if unit in _GIVEN or unit in DOSED:
        return "other" if "l" in per else "dose"
    if unit == "percent":
        return "share"
    if unit == "yuan":
        return "money"
    if unit.startswith("第") or not unit:
        return "other"
    return "count" if "\u4e00" <= unit[0] <= "\u9fff" else "other"


def _time(text: str, start: int, end: int, unit: str, written: str) -> str:
    before, after = text[max(0, start - 8) : start], text[end : end + 5]
    if _NAMED_AGE.search(written) or (after and _AGE_AFTER.match(after) and unit in ("month", "minute")):
        return "age"
    if unit == "month" and _AGE_BEFORE.search(before) and not _LASTS.search(before):
        return "age"
    if re.search(r"(?:每隔?|间?隔|每间隔)\s?$", before):
        return "interval"
    return "duration"
