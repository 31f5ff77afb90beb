"""Words with a meaning of their own: who, what, for whom, by which way."""

from __future__ import annotations

from typing import Final, NamedTuple

from pipelines.check.reading import Reading

TYPES: Final = (
    "drug",
    "disease",
    "symptom",
    "test",
    "vaccine",
    "food",
    "organ",
    "route",
    "population",
    "actor",
    "authority",
    "place",
)


class Mention(NamedTuple):
    """One word or phrase.

    Attributes:
        type: One of `TYPES`.
        key: Its meaning: aliases and spellings of one thing have one key (扑热息痛, 对乙酰氨基酚); for populations the
            interval of age in months (`age:36-144`), of weight, or a condition (`condition:哮喘`).
        parent: The key of what it is a kind of (青霉素类 of 阿莫西林), empty where none is known.
        start, end: In the text.
        text: As written there.
    """

    type: str
    key: str
    parent: str
    start: int
    end: int
    text: str


def mentions(reading: Reading) -> tuple[Mention, ...]:
    """The mentions of a text, in order, the longest at each place."""
    return ()
