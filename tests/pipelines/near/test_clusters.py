"""Components and keepers."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.near.clusters import Forest, removals


def decided(n: int, similar: set[tuple[int, int]], linked: list[tuple[int, int]]) -> dict[int, int]:
    """Removed → keeper where exactly the pairs in `similar` pass the check."""
    forest = Forest(n)
    edges = np.asarray(sorted(linked), np.int64).reshape(-1, 2)
    forest.join(edges)

    def check(pairs: np.ndarray) -> np.ndarray:
        return np.asarray([0.95 if (int(i), int(j)) in similar else 0.0 for i, j in pairs], np.float64)

    found = removals(forest.roots(), edges, check(edges), check)
    assert (found.similarities > 0).all()
    return dict(zip(found.removed.tolist(), found.keepers.tolist(), strict=True))


def test_the_end_of_a_chain_that_is_like_no_keeper_stays() -> None:
    chain = {(0, 1), (1, 2), (2, 3)}
    assert decided(4, chain, sorted(chain)) == {1: 0, 3: 2}


def test_a_link_that_no_band_found_is_found_at_the_keeper() -> None:
    assert decided(3, {(0, 1), (1, 2), (0, 2)}, [(0, 1), (1, 2)]) == {1: 0, 2: 0}


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.integers(1, 12), st.data())
def test_every_removal_is_like_its_keeper_and_no_two_kept_neighbours_of_a_keeper_are_left(
    n: int, data: st.DataObject
) -> None:
    pairs = [(i, j) for i in range(n) for j in range(i + 1, n)]
    similar = set(data.draw(st.lists(st.sampled_from(pairs), unique=True)) if pairs else [])
    gone = decided(n, similar, sorted(similar))
    kept = set(range(n)) - set(gone)
    for removed, keeper in gone.items():
        assert keeper in kept
        assert (keeper, removed) in similar
    assert not any(i in kept and j in kept for i, j in similar)
