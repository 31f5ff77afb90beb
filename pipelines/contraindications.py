"""Answers that give a child a drug that is not for its age, or advise what does harm, and do not warn.

The rules and their sources are rows of `lexicons/contraindications.tsv` and `lexicons/unsafe_practices.tsv`. A drug
counts as recommended unless its sentence or the next one warns (禁用, 不宜, 副作用 …), or gives the age from which it
may be used.
"""

from __future__ import annotations

import functools
import re
from typing import Final, NamedTuple

import polars as pl

from pipelines.lexicons import rows

_DIGITS: Final = {c: i for i, c in enumerate("零一二三四五六七八九十")} | {"两": 2, "半": 0}
_NUMBER: Final = r"(\d{1,3}(?:\.\d)?|[一二两三四五六七八九十]{1,3})"
_YEARS: Final = re.compile(rf"(?<![\d十~～-]){_NUMBER}\s?(?:周岁|岁)(半)?(?![以起前后时])")
_MONTHS: Final = re.compile(
    rf"(?<![\d十~～-]){_NUMBER}个?(半|多)?月(?!以)(?=大|龄|零|多|半|的?[宝婴孩男女小娃]|[，。,（）)、了]|又|\d|$)"
)
_DAYS: Final = re.compile(
    rf"(?:出生|生下|生后)[^。！？，,\n]{{0,4}}?{_NUMBER}\s?天"
    rf"|(?:宝宝|孩子|婴儿|新生儿|[男女]宝|儿子|女儿)(?:才|刚|现在|已经)?{_NUMBER}\s?天(?!了)|[（(][男女][，,]\s?{_NUMBER}天"
)
_WARNING: Final = re.compile(
    r"禁用|慎用|忌用|不(?:宜|能|可|要|建议|推荐|适合|用|得|使用|给|服|吃|应|选|加|需|作为|主张|再|含|必|联)|避免|禁止|禁忌|停用|停止|副作用|不良反应|毒性|耳聋"
    r"|损害|伤害|影响(?:骨骼|牙|软骨|听力|肝|肾)|过敏|并非|而不是|无需|没有必要|勿|别(?:吃|用|给)|除外"
    r"|以下(?:儿童|小儿|婴|的?(?:孩子|宝宝))?(?:禁|慎|不)|岁以上|月以上|成人(?:可|才|用)|耐药|风险|谨慎|警惕|误服|中毒|滥用|错误"
)
_FORBIDDEN: Final = re.compile(
    r"不(?:要|可|能|宜|应|得|必|建议|主张|推荐|提倡|用|许|准|再|该|需)|勿|别(?!的|人)|禁|忌|没有必要|误区|错误|停止|避免(?!.{0,2}(?:咬|窒|舌|受|再))"
)
_REJECTED: Final = re.compile(
    r"^[^。！？\n]{0,16}(?:错误|不对|不可取|不正确|不科学|有害|危险|误区|没有(?:用|效|依据)|无效|不能|不可|不必|不要|不宜)"
)
"""A harmful practice that is warned against; a warning about something else in the same sentence does not count."""
_AGE_WORDS: Final = (("早产", 0.5), ("新生儿", 0.5), ("婴儿", 6.0), ("婴幼儿", 18.0), ("幼儿", 30.0))
"""Ages in months that the name of a disease gives; others are any child's."""
UNKNOWN_AGE_MONTHS: Final = 72
"""Most children about whom parents ask without an age are younger than six years."""
_CLAUSE: Final = re.compile(r"[^。！？；\n]*")


class _Rule(NamedTuple):
    drug: re.Pattern[str]
    months: float
    exempt: re.Pattern[str] | None


@functools.cache
def _rules() -> tuple[_Rule, ...]:
    return tuple(
        _Rule(re.compile(r["drug"]), float(r["months"]), None if r["except"] == "-" else re.compile(r["except"]))
        for r in rows("contraindications")
    )


@functools.cache
def drug_pattern() -> str:
    """Every drug that some rule names."""
    return "|".join(row["drug"] for row in rows("contraindications"))


@functools.cache
def _practices() -> re.Pattern[str]:
    return re.compile("|".join(row["pattern"] for row in rows("unsafe_practices")))


def suspects(answer: pl.Series) -> pl.Series:
    """Which answers name a drug or practice of some rule.

    Cost: one pattern after the other; together in one they take six times as long.
    """
    found = answer.str.contains(drug_pattern())
    for row in rows("unsafe_practices"):
        found |= answer.str.contains(row["pattern"])
    return found


def age_months(text: str) -> float | None:
    """The first age in a text, in months; None where there is none."""
    found = []
    for pattern, factor in ((_YEARS, 12.0), (_MONTHS, 1.0), (_DAYS, 1 / 30)):
        if match := pattern.search(text):
            value = _value(next(group for group in match.groups() if group))
            half = 0.5 * factor if match.lastindex and match.groups()[-1] == "半" and factor > 0.5 else 0.0
            found.append((match.start(), value * factor + half))
    return min(found)[1] if found else None


def _value(number: str) -> float:
    if number[0].isdigit():
        return float(number)
    if "十" in number:
        tens, _, units = number.partition("十")
        return float((_DIGITS[tens] if tens else 1) * 10 + (_DIGITS[units] if units else 0))
    return float(_DIGITS[number[-1]])


def unsafe_answers(question: pl.Series, answer: pl.Series) -> pl.Series:
    """What an answer about a child recommends, without a warning, that is not for its age or does harm.

    Rows that reach this function are about a child; where the age is not said, the rules up to
    `UNKNOWN_AGE_MONTHS` and older are applied.
    """
    found: list[str | None] = [_unsafe(q, a) for q, a in zip(question.to_list(), answer.to_list(), strict=True)]
    return pl.Series(found, dtype=pl.String)


def unsafe_drugs_of(head: pl.Series, tail: pl.Series) -> pl.Series:
    """The drug (`tail`) that a graph gives for a child's disease (`head`) against the rule for its age."""
    found = [_unsafe_pair(h, t) for h, t in zip(head.to_list(), tail.to_list(), strict=True)]
    return pl.Series(found, dtype=pl.String)


def _unsafe_pair(head: str, tail: str) -> str | None:
    age = next((months for word, months in _AGE_WORDS if word in head), UNKNOWN_AGE_MONTHS - 1)
    for rule in _rules():
        exempt = rule.exempt is not None and rule.exempt.search(f"{head} {tail}")
        if age < rule.months and not exempt and rule.drug.search(tail):
            return f"{tail} <{rule.months:g}月"
    return None


def _unsafe(question: str, answer: str) -> str | None:
    age = age_months(question)
    for rule in _rules():
        applies = rule.months >= UNKNOWN_AGE_MONTHS if age is None else age < rule.months
        if applies and (drug := _recommended(rule, question, answer)):
            return f"{drug} <{rule.months:g}月"
    for match in _practices().finditer(answer):
        before, after = answer[max(0, match.start() - 24) : match.end()], answer[match.end() : match.end() + 30]
        if not _FORBIDDEN.search(before) and not _REJECTED.search(after):
            return match[0]
    return None


def _recommended(rule: _Rule, question: str, answer: str) -> str | None:
    """The drug of `rule` that the answer gives without a warning."""
    for match in rule.drug.finditer(answer):
        around = answer[max(0, match.start() - 40) : match.end() + 60]
        if rule.exempt and (rule.exempt.search(around) or rule.exempt.search(question)):
            continue
        if not _WARNING.search(_sentence(answer, match.start(), match.end())):
            return match[0]
    return None


def _sentence(text: str, start: int, end: int) -> str:
    """The sentence around a place and the one after it, at most 160 characters either side."""
    low = max(0, start - 160)
    left = max((text.rfind(mark, low, start) for mark in "。！？\n"), default=-1)
    tail = _CLAUSE.match(text, end)
    stop = tail.end() if tail else end
    after = _CLAUSE.match(text, min(stop + 1, len(text)))
    return text[max(low, left + 1) : min(after.end() if after else stop, end + 160)]
