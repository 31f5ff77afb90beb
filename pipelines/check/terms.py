"""Names that no list has, from the evidence itself: what its clauses begin with before 为, 是, 见于, 用于 or a colon.

Only parallel ones (绿区, 黄区, 红区; 激素耐药, 激素依赖) are taken: as long as each other, with a beginning or an end
in common. They are what an answer can exchange.
"""

from __future__ import annotations

import functools
import re
from typing import Final

from pipelines.check.items import Item
from pipelines.check.reading import Reading

MAX_TERMS: Final = 40
MAX_PLACES: Final = 60
_HEAD: Final = re.compile(r"[\u4e00-\u9fff]{2,6}?(?=[:(]|为|指|是|见于|多见|用于|适用|提示|表现|常见|可见|应|需|须|要)")


@functools.lru_cache(maxsize=256)
def families(evidence: tuple[Reading, ...]) -> tuple[frozenset[str], ...]:
    """Parallel terms, each set one family."""
    heads: dict[str, None] = {}
    for reading in evidence:
        for clause in reading.clauses:
            if match := _HEAD.match(clause.text):
                heads[match[0]] = None
    found: dict[tuple[int, str], set[str]] = {}
    for head in list(heads)[:MAX_TERMS]:
        cut = 1 if len(head) == 2 else 2
        for shared in (f"{head[:cut]}…", f"…{head[-cut:]}"):
            found.setdefault((len(head), shared), set()).add(head)
    return tuple(frozenset(terms) for terms in found.values() if len(terms) > 1)


def places(reading: Reading, terms: frozenset[str]) -> tuple[Item, ...]:
    """Where the terms of a family stand in a text, in order."""
    pattern = _pattern(terms)
    found = []
    for match in pattern.finditer(reading.folded):
        found.append(Item("term", match[0], match.start(), match.end()))
        if len(found) == MAX_PLACES:
            break
    return tuple(found)


@functools.lru_cache(maxsize=1024)
def _pattern(terms: frozenset[str]) -> re.Pattern[str]:
    return re.compile("|".join(sorted(terms)))
