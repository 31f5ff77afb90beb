"""What the teacher says in its own words, whatever the source: courtesies, advice to ask a doctor, ways to introduce.

These sentences were reviewed once, where they are written; nobody needs evidence for them in every row.
"""

from __future__ import annotations

import functools
import importlib
import re
from collections.abc import Iterator
from typing import Any, Final

_MODULES: Final = (
    "advice_wording", "clause_questions", "consultation_wording", "consultations", "fact_wording", "graph_advice",
    "graph_questions", "hallmarks", "linked_wording", "phrasing", "preference_wording", "section_questions",
    "section_wording", "statute_questions", "verbalisation",
)  # fmt: skip
_CUT: Final = re.compile(r"\{[^{}]*\}|[，。；！？：、\n]")
_HAN: Final = re.compile(r"[\u4e00-\u9fff]{3}")
MIN_CHARS: Final = 4
_MAX_TEMPLATE_CHARS: Final = 300


def stock_in(answer: str) -> list[str]:
    """The pieces of our own wording that an answer holds word for word, in a fixed order."""
    return [piece for piece in _pieces() if piece in answer]


@functools.cache
def _pieces() -> tuple[str, ...]:
    found = set()
    for name in _MODULES:
        for value in vars(importlib.import_module(f"pipelines.teacher.{name}")).values():
            for text in _texts(value):
                found |= {p for p in map(str.strip, _CUT.split(text)) if len(p) >= MIN_CHARS and _HAN.search(p)}
    return tuple(sorted(found))


def _texts(value: Any) -> Iterator[str]:
    """Every string in a constant; long ones are documentation."""
    if isinstance(value, str):
        if len(value) <= _MAX_TEMPLATE_CHARS:
            yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, tuple | list | set | frozenset):
        for item in value:
            yield from _texts(item)
