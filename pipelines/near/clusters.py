"""From similar pairs to removals: connected texts, and for each that goes a keeper that it is itself similar to.

Similarity does not carry over: of a chain a ~ b ~ c the ends may differ much, and two typos of one unit may stand for
two units. So a component is only where keepers are looked for. Its most preferred text stays; every other that passes
the check against it goes; of those left the most preferred stays in its turn.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipelines.jit import jit
from pipelines.near.candidates import Pairs
from pipelines.near.similarity import Similarities

Check = Callable[[Pairs], Similarities]
"""The similarity of each pair, 0 where it may not be merged."""
Numbers = npt.NDArray[np.int64]


class Forest:
    """Which texts are connected."""

    def __init__(self, n: int) -> None:
        self._parents: Numbers = np.arange(n, dtype=np.int64)

    def apart(self, pairs: Pairs) -> npt.NDArray[np.bool_]:
        """Which pairs are not connected yet."""
        return _apart(self._parents, pairs)

    def join(self, pairs: Pairs) -> None:
        """Connects each pair."""
        _join(self._parents, pairs)

    def roots(self) -> Numbers:
        """The least text of each text's component."""
        _flatten(self._parents)
        return self._parents


@dataclass(frozen=True)
class Removals:
    """Texts that go, each with its keeper and their similarity; ascending."""

    removed: Numbers
    keepers: Numbers
    similarities: Similarities


def removals(roots: Numbers, edges: Pairs, known: Similarities, check: Check) -> Removals:
    """The removals of all components.

    Args:
        roots: Of each text the least text of its component; texts are numbered in the order of preference.
        edges: Pairs that were checked, i < j, sorted.
        known: Their similarities.
        check: For the pairs that were not.

    Cost: a component of m texts takes at most m * m / 2 checks (a chain), m - 1 where its texts are all alike.
    """
    sizes = np.bincount(roots, minlength=len(roots))
    left = np.flatnonzero(sizes[roots] > 1)
    codes = edges[:, 0] * len(roots) + edges[:, 1]
    gone, keepers, found = [], [], []
    while len(left):
        left = left[np.argsort(roots[left], kind="stable")]
        first = np.concatenate([[True], roots[left][1:] != roots[left][:-1]])
        keeper = left[first][np.cumsum(first) - 1]
        pairs = np.stack([keeper[~first], left[~first]], axis=1)
        similarity = _looked_up(pairs, codes, known, len(roots), check)
        merged = similarity > 0
        gone.append(pairs[merged, 1])
        keepers.append(pairs[merged, 0])
        found.append(similarity[merged])
        left = pairs[~merged, 1]
    if not gone:
        none = np.zeros(0, np.int64)
        return Removals(none, none, np.zeros(0))
    order = np.argsort(np.concatenate(gone))
    return Removals(*(np.concatenate(column)[order] for column in (gone, keepers, found)))


def _looked_up(pairs: Pairs, codes: Numbers, known: Similarities, n: int, check: Check) -> Similarities:
    wanted = pairs[:, 0] * n + pairs[:, 1]
    if len(codes):
        at = np.minimum(np.searchsorted(codes, wanted), len(codes) - 1)
        hit = codes[at] == wanted
        found = np.where(hit, known[at], 0.0)
    else:
        hit, found = np.zeros(len(pairs), np.bool_), np.zeros(len(pairs))
    found[~hit] = check(pairs[~hit])
    return found


@jit
def root_of(parents: Numbers, i: int) -> int:
    while parents[i] != i:
        parents[i] = parents[parents[i]]
        i = parents[i]
    return i


@jit
def _apart(parents: Numbers, pairs: Pairs) -> npt.NDArray[np.bool_]:
    found = np.empty(len(pairs), np.bool_)
    for k in range(len(pairs)):
        found[k] = root_of(parents, pairs[k, 0]) != root_of(parents, pairs[k, 1])
    return found


@jit
def _join(parents: Numbers, pairs: Pairs) -> None:
    for k in range(len(pairs)):
        a, b = root_of(parents, pairs[k, 0]), root_of(parents, pairs[k, 1])
        parents[max(a, b)] = min(a, b)


@jit
def _flatten(parents: Numbers) -> None:
    for i in range(len(parents)):
        parents[i] = parents[parents[i]]
