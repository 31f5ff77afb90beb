"""Words that turn a statement: negation, permission, modality, universals, causes, before and after."""

from __future__ import annotations

from typing import Final, NamedTuple

from pipelines.check.reading import Reading

TYPES: Final = (
    "negation",
    "permission",
    "modality",
    "universal",
    "only",
    "cause",
    "order",
    "hedge",
    "reassurance",
    "urgency",
)


class Mark(NamedTuple):
    """One such word.

    Attributes:
        type: One of `TYPES`.
        value: Of permission and modality a place on an ordered scale (禁用 -3, 不宜 -2, 慎用 -1, 可 1, 宜 2, 应 3,
            必须 4 …); otherwise the sense: `before`, `after`, `all`, `cause_of`, `caused_by` …
        start, end: In the text.
        scope_start, scope_end: What it turns, in the text; the clause, where nothing better is known.
        text: As written there.
    """

    type: str
    value: str
    start: int
    end: int
    scope_start: int
    scope_end: int
    text: str


def marks(reading: Reading) -> tuple[Mark, ...]:
    """The marks of a text, in order."""
    return ()
