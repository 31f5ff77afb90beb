"""What a paediatrician would never take for one text stays two, and what she would not tell apart becomes one."""

from __future__ import annotations

import re
from pathlib import Path

import pyarrow as pa
import pytest
from rapidfuzz.distance import Levenshtein

from pipelines.near.comparison import compared, text_of
from pipelines.near.guard import disagreements
from pipelines.near.settings import Near

_CHOICE = re.compile(r"\{([^|{}]*)\|([^|{}]*)\}")
PAIRS = [
    (line[0], line[2:])
    for line in (Path(__file__).parent / "guard_pairs.txt").read_text("utf-8").splitlines()
    if not line.startswith("#")
]


def verdict(pair: str) -> tuple[bool, str | None, float]:
    """Whether the strict facts of the two are equal, the rule that forbids a merge, and the similarity."""
    found = compared(pa.array([_CHOICE.sub(rf"\{side}", pair) for side in (1, 2)], pa.large_string()))
    left, right = (text_of(found.units, found.offsets, side) for side in (0, 1))
    assert disagreements([left], [right]) == disagreements([right], [left])
    same_facts = bool(found.facts[0] == found.facts[1])
    return same_facts, disagreements([left], [right])[0], Levenshtein.normalized_similarity(left, right)


@pytest.mark.parametrize("pair", [pair for kind, pair in PAIRS if kind == "D"])
def test_one_fact_that_matters_keeps_both(pair: str) -> None:
    same_facts, rule, similarity = verdict(pair)
    assert not same_facts or rule is not None
    assert similarity >= 0.8  # near enough for the guard to be what stands between


@pytest.mark.parametrize("pair", [pair for kind, pair in PAIRS if kind == "S"])
def test_a_way_of_writing_merges(pair: str) -> None:
    same_facts, rule, similarity = verdict(pair)
    assert (same_facts, rule) == (True, None)
    assert similarity >= Near().threshold


@pytest.mark.parametrize("pair", [pair for kind, pair in PAIRS if kind == "K"])
def test_a_typo_of_a_strict_character_errs_to_keeping(pair: str) -> None:
    same_facts, _, _ = verdict(pair)
    assert not same_facts
