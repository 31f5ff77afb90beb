"""Findings that are no objection because of where an answer comes from: our own templates, and lists of triples.

The words that our teacher puts around what it takes from a source were reviewed once, where they are written. A triple
is no sentence: an answer that puts several into one leaves out, adds and jumps wherever it can.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from pipelines.check.signals import Case, Signal
from pipelines.teacher.lay_names import in_short, lay_name
from pipelines.teacher.stock_wording import stock_in

_BY_WORDS: Final = "difference."
_TRIPLE: Final = re.compile(r"[^｜\n]{1,200}｜[^｜\n]{1,40}｜(?P<tail>[^｜]{1,2000})")
_OF_SLOTS: Final = ("entity", "population", "actor")
MIN_VERBATIM: Final = 4
MIN_NAME: Final = 3
"""Characters; two may be any word of a sentence."""


def rests_on_triples(case: Case) -> bool:
    """Whether all of the evidence is triples, written 头｜关系｜尾."""
    return all(_TRIPLE.fullmatch(reading.raw.strip()) for reading in case.evidence)


def is_of_order(case: Case, signal: Signal) -> bool:
    """Whether it only says that words known from somewhere stand elsewhere, or are left out, beside triples."""
    if not signal.check.startswith(_BY_WORDS):
        return False
    said = case.answer.folded[signal.start : signal.end]
    if signal.evidence_end > signal.evidence_start and len(said) < MIN_NAME:
        return True
    return any(said in reading.folded for reading in case.known)


@dataclass(frozen=True)
class OwnWording:
    """An answer that our teacher put together from a source."""

    case: Case

    def passes(self, signal: Signal) -> bool:
        """Whether it objects to our own wording alone, or to a name in a clause that the evidence has as it is."""
        if any(start <= signal.start and signal.end <= end for start, end in self._stretches):
            return True
        if signal.kind not in _OF_SLOTS:
            return False
        text = self.case.answer.clause_at(signal.start).text.strip()
        return len(text) >= MIN_VERBATIM and any(text in reading.folded for reading in self.case.evidence)

    @functools.cached_property
    def _stretches(self) -> list[tuple[int, int]]:
        raw = self.case.answer.raw
        own = [*stock_in(raw), *self._lay_names()]
        return [(m.start(), m.end()) for piece in own for m in re.finditer(re.escape(piece), raw)]

    def _lay_names(self) -> Iterator[str]:
        """What parents call the terms of the triples."""
        for reading in self.case.evidence:
            if (triple := _TRIPLE.fullmatch(reading.raw.strip())) and lay_name(triple["tail"]):
                yield in_short(triple["tail"])
