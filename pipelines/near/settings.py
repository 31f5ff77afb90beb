"""What near-duplicates are, as a user states it."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any, Final

LEVENSHTEIN: Final = "levenshtein"
JACCARD: Final = "jaccard"
FIELD: Final = "\x1f"
"""Between the fields of a text."""


@dataclass(frozen=True)
class Criteria:
    """What a user says of when two texts are near-duplicates.

    Attributes:
        threshold: The least similarity of the least similar field.
        similarity: `levenshtein`: 1 - edits / characters of the longer. `jaccard`: of the sets of character n-grams.
        ngram: Characters to an n-gram, for sketches and for `jaccard`; None: 3, or 2 at thresholds under 0.85.
        exact: True finds every pair at the threshold (a prefix-filter join); False misses one of a thousand there.
        guard: True merges only texts that agree in numbers, units, ages, negations, comparators, drugs and diseases.
        min_chars: Shorter texts and fields must be equal, but for white space, width and capitals.
    """

    threshold: float = field(default=0.9, metadata={"min": 0.5, "max": 1.0})
    similarity: str = field(default=LEVENSHTEIN, metadata={"choices": (LEVENSHTEIN, JACCARD)})
    ngram: int | None = field(default=None, metadata={"min": 1, "max": 50})
    exact: bool = False
    guard: bool = True
    min_chars: int = field(default=20, metadata={"min": 1})


@dataclass(frozen=True)
class Near(Criteria):
    """The criteria, and what texts they are for.

    Attributes:
        has_fields: Whether texts may be several fields, each of which must be similar.
    """

    has_fields: bool = True

    def settings(self) -> dict[str, Any]:
        """For fingerprints."""
        return dataclasses.asdict(self)
