"""A text as a row of tokens that stand for meanings: amounts, words of the lexicon, marks, and what else is written."""

from __future__ import annotations

import functools
import re
from collections.abc import Hashable, Iterator
from typing import Final, NamedTuple

from pipelines.check.comparators import DOWN, UP
from pipelines.check.concepts import concepts
from pipelines.check.marks import Mark
from pipelines.check.quantities import Quantity
from pipelines.check.reading import Reading
from pipelines.lexicons import rows


class Token(NamedTuple):
    """`folded[start:end]` of a text.

    Attributes:
        type: `quantity`, a type of mention, a type of mark, `word` (of the lexicon of paraphrase), `latin` or
            `character`.
        key: Equal where two tokens mean the same.
        start, end: In the text.
        item: The amount or mark itself.
    """

    type: str
    key: Hashable
    start: int
    end: int
    item: Quantity | Mark | None = None


@functools.lru_cache(maxsize=64)
def tokens(reading: Reading) -> tuple[Token, ...]:
    """The tokens of a text in order; grammar, numbers of articles and steps, and marks of writing are none."""
    taken = [False] * (len(reading.folded) + 1)
    found: list[Token] = []
    for token in _candidates(reading):
        if token.start < token.end and not any(taken[token.start : token.end]):
            taken[token.start : token.end] = [True] * (token.end - token.start)
            if token.type:
                found.append(token)
    folded = reading.folded
    found += [
        Token("character", _SAME.get(c, c), i, i + 1)
        for i, c in enumerate(folded)
        if not taken[i] and "\u4e00" <= c <= "\u9fff"
    ]
    return tuple(sorted(found, key=lambda t: t.start))


def quantity_key(quantity: Quantity) -> tuple[Hashable, ...]:
    """What an amount says, without how it is written, how strict its bound is, and `per dose`, which may go unsaid."""
    side = 0
    if quantity.low is not None and quantity.high is not None:
        side = (quantity.comparator in UP) - (quantity.comparator in DOWN)
    return quantity.low, quantity.high, side, quantity.unit, tuple(p for p in quantity.per if p != "dose")


def _candidates(reading: Reading) -> Iterator[Token]:
    """The earlier ones take their place from the later ones."""
    last: Quantity | None = None
    for q in reading.quantities:
        if last and _is_repeated(reading.folded, last, q):
            yield Token("", "", q.start, q.end)
            continue
        last = q
        yield Token("" if _is_label(reading.folded, q) else "quantity", quantity_key(q), q.start, q.end, q)
    for m in reading.mentions:
        if m.type != "population" or not m.key.startswith(("age:", "weight:")):
            yield Token(m.type, (m.type, m.key), m.start, m.end)
    for mark in reading.marks:
        yield Token(mark.type, (mark.type, mark.value), mark.start, mark.end, mark)
    for c in concepts(reading.folded):
        if c.keys and not c.light:
            yield Token("word", ("word", min(c.keys)), c.start, c.end)
    for match in _plain().finditer(reading.folded):
        yield Token("latin" if match.lastgroup else "", match[0], match.start(), match.end())


def _is_label(folded: str, quantity: Quantity) -> bool:
    """The number of a step or an article; the third rib and the first day are none."""
    if quantity.role != "number":
        return False
    return folded[quantity.start - 1 : quantity.start] != "第" or folded[quantity.end : quantity.end + 1] in _LABELLED


def _is_repeated(folded: str, first: Quantity, second: Quantity) -> bool:
    """24小时(一天): the same amount once more, in other words, in brackets."""
    bounds = {first.low, first.high} - {None}
    return (
        folded[max(0, second.start - 3) : second.start].rstrip("即约为每 ").endswith("(")
        and second.start - first.end < 4
        and first.unit == second.unit
        and bounds == {second.low, second.high} - {None}
    )


@functools.cache
def _plain() -> re.Pattern[str]:
    words = {word for row in rows("check_common") if row["kind"] == "function" for word in row["words"].split()}
    listed = "|".join(map(re.escape, sorted(words - _KEPT, key=lambda w: (-len(w), w))))
    return re.compile(rf"(?P<latin>[a-z]+[a-z0-9-]*|\d+(?:\.\d+)?)|{listed}")


_LABELLED: Final = frozenset("条款项章节步表图版")
_KEPT: Final = frozenset(("从", "由", "到", "各", "给", "让", "被", "把", "向"))
_SAME: Final = {"吃": "服", "喝": "服", "饮": "服", "娃": "儿", "孩": "儿", "治": "疗", "首": "先"}
