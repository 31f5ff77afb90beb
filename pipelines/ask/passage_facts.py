"""A quick look whether an answer's figures and drugs stand in its passage; the hallucination filter looks closer."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator
from decimal import Decimal
from fractions import Fraction
from typing import Final

from pipelines.ask.quantities import MAX_CHARS, Quantity, folded, number, quantities
from pipelines.characters import character_map
from pipelines.lexicons import rows, words

_LIST_MARK: Final = re.compile(r"(?:^|(?<=[\n。；;：:，,]))\s*[（(]?\d{1,2}\s*(?:[.、）)．](?!\d))")
_PHONE: Final = re.compile(
    r"(?:拨打|打|拨|呼叫|电话|热线|[、或和/])\s*[“\"]?(?:120|110|119)(?!\d)|(?:120|110|119)(?=急救|电话|报警|救护)"
)
_LITERAL: Final = re.compile(r"(?<![\dA-Za-z.])\d+(?:\.\d+)?(?:[A-Za-zμ%℃/]+|[\u4e00-\u9fff]?)")
_DIGITS: Final = re.compile(r"\d+(?:\.\d+)?")
_THOUSANDS: Final = re.compile(r"(?<=\d)[,，](?=\d{3}(?!\d))")
_TEN_THOUSANDS: Final = re.compile(r"(?<![\d.])(\d{1,9}(?:\.\d{1,4})?)\s*万")
_NUMERAL: Final = re.compile(r"(?<![\d零〇一二两三四五六七八九十百千万])[零〇一二两三四五六七八九十百千万]{1,12}(?!分)")
_SHORT_UNITS: Final = {"d": "天", "w": "周", "wk": "周", "y": "岁", "mo": "个月", "s": "秒"}
_SHORT_UNIT: Final = re.compile(r"(?<=[\d.])\s*(d|wk?|y|mo|s)(?![A-Za-z])", re.IGNORECASE)
_ENUMERATED: Final = re.compile(r"(?<=[^\d\s])、(?=\d)")
"""24小时、18月龄 are two amounts, no range."""
_ARTICLE: Final = re.compile(r"第[一二三四五六七八九十百零〇\d]+[条款]")
_MAX_LITERAL_CHARS: Final = 20


def _plain(text: str) -> str:
    """`text` in plain digits, without list numbers, thousands separators and the numbers of emergency calls."""
    text = _TEN_THOUSANDS.sub(lambda m: f"{Decimal(m[1]) * 10_000:f}", text[:MAX_CHARS])
    short = _SHORT_UNIT.sub(lambda m: _SHORT_UNITS[m[1].lower()], _THOUSANDS.sub("", folded(text)))
    return _PHONE.sub(" ", _LIST_MARK.sub(" ", _ENUMERATED.sub("，", short)))


def foreign_quantity(answer: str, evidence: Iterable[str]) -> str | None:
    """The first figure of an answer that none of the texts has; None where all are there.

    Units are compared where both sides have one that we know, after conversion: 24小时 is 1天, 3mg is no 3ml.
    """
    known: set[tuple[Fraction, str]] = set()
    literals: set[Decimal] = set()
    for text in evidence:
        pairs, numbers = _figures(text)
        known |= pairs
        literals |= numbers
    answer = _plain(answer)
    covered: list[tuple[int, int]] = []
    for quantity in quantities(answer):
        if quantity.unit and not known.intersection(_pairs(quantity)):
            return quantity.text.strip()
        if quantity.unit:
            covered.append((quantity.start, quantity.end))
    for match in _LITERAL.finditer(answer):
        value = _DIGITS.match(match[0])
        if value is None or any(start <= match.start() < end for start, end in covered):
            continue
        if len(value[0]) > _MAX_LITERAL_CHARS or Decimal(value[0]) not in literals:
            return match[0]
    return None


@functools.lru_cache(maxsize=32)
def _figures(text: str) -> tuple[frozenset[tuple[Fraction, str]], frozenset[Decimal]]:
    """Amounts and bare numbers of a text; a passage is asked for them by every answer."""
    plain = _plain(text)
    counted = _NUMERAL.sub(_in_digits, plain)  # 一倍以上十万元以下 as 1倍以上100000元以下
    amounts = frozenset(pair for each in {plain, counted} for quantity in quantities(each) for pair in _pairs(quantity))
    return amounts, frozenset(Decimal(m[0]) for m in _DIGITS.finditer(counted) if len(m[0]) <= _MAX_LITERAL_CHARS)


def _in_digits(match: re.Match[str]) -> str:
    value = number(match[0])
    return match[0] if value is None or value.denominator != 1 else str(value)


def _pairs(quantity: Quantity) -> set[tuple[Fraction, str]]:
    """The amount by its unit, and by the unit without `per kg` or `per day`, since texts leave that to the context."""
    return {(quantity.value, quantity.unit), (quantity.value, quantity.unit.split("/")[0])}


def foreign_article(answer: str, evidence: Iterable[str]) -> str | None:
    """The first 第…条 of an answer that none of the texts names."""
    known = {match[0] for text in evidence for match in _ARTICLE.finditer(text)}
    return next((m[0] for m in _ARTICLE.finditer(answer) if m[0] not in known), None)


@functools.cache
def _drugs() -> tuple[re.Pattern[str], dict[str, frozenset[str]]]:
    """A pattern of all drugs, the longest first, and each one's other names."""
    names = sorted({w.lower() for w in words("drug_names") if len(w) >= 2}, key=lambda w: (-len(w), w))
    same: dict[str, frozenset[str]] = {}
    for row in rows("guard_kin"):
        group = frozenset(n.lower() for n in (row["name"], *row["same"].split(), *row["kinds"].split()) if n != "-")
        for name in group:
            same[name] = same.get(name, frozenset()) | group
    return re.compile("|".join(map(re.escape, names))), same


def drugs(text: str) -> Iterator[str]:
    """The drugs that a text names, as our list has them, in order."""
    return (match[0] for match in _drugs()[0].finditer(_narrow(text)))


def foreign_drug(answer: str, evidence: Iterable[str]) -> str | None:
    """The first drug of an answer that none of the texts names, by this name or another; None where all do."""
    texts = [_narrow(text) for text in evidence]
    same = _drugs()[1]
    for drug in drugs(answer):
        if not any(name in text for name in (drug, *same.get(drug, ())) for text in texts):
            return drug
    return None


def _narrow(text: str) -> str:
    return text.translate(_widths()).lower()


@functools.cache
def _widths() -> dict[int, str]:
    return {ord(wide): narrow for wide, narrow in character_map().items()}
