"""What the evidence, the question and the patient name, under any alias."""

from __future__ import annotations

import functools
import re
from typing import Final

from pipelines.check.mentions import Mention, aliases, kinds_of
from pipelines.check.reading import Reading
from pipelines.check.signals import Case

MIN_ALIGNED: Final = 0.25
_DENIES: Final = re.compile(r"(?:不[是可能得应宜要建推]?|勿|禁[止用忌]?|忌|避免|绝不|无需|别|非|莫|未)[^但改而,;]{0,8}$")


class Known:
    """The names of some texts.

    Attributes:
        keys: Keys of the names, and of all that they are kinds of.
        text: The texts, folded, one a line.
    """

    def __init__(self, readings: tuple[Reading, ...]) -> None:
        self.keys = {above for r in readings for m in r.mentions for above in kinds_of(m.key)}
        self.text = "\n".join(r.folded for r in readings)

    def has(self, mention: Mention) -> bool:
        """Whether a name, an alias or a kind of it, or a name that holds it, is among them."""
        if mention.key in self.keys or mention.text in self.text:
            return True
        return any(name in self.text for name in aliases().get(mention.key, ()) if len(name) > 1)


@functools.lru_cache(maxsize=256)
def known(readings: tuple[Reading, ...]) -> Known:
    """`Known` of some texts, made once."""
    return Known(readings)


def beside(case: Case, mention: Mention, n: int = 2) -> list[tuple[int, Mention, float]]:
    """The names of the mention's type in the sentences that its clause is aligned with: source, name, alignment."""
    clause = case.answer.clause_at(mention.start)
    found = []
    for match in case.alignment[clause.number][:n]:
        if match.score < MIN_ALIGNED:
            continue
        reading = case.evidence[match.source]
        theirs = reading.clauses[match.clause]
        for each in reading.mentions:
            if each.type != mention.type:
                continue
            at = reading.clause_at(each.start)
            if at.number == theirs.number:
                found.append((match.source, each, match.score))
            elif at.sentence == theirs.sentence and abs(at.number - theirs.number) == 1:
                found.append((match.source, each, 0.6 * match.score))
    return sorted(found, key=lambda item: -item[2])


def kin(one: str, other: str) -> bool:
    """Whether one key is a kind of the other."""
    return one in kinds_of(other) or other in kinds_of(one)


def denied(reading: Reading, mention: Mention) -> bool:
    """Whether a word of denial stands before a name in its clause."""
    clause = reading.clause_at(mention.start)
    return bool(_DENIES.search(reading.folded[clause.start : mention.start]))
