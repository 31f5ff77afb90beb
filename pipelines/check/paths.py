"""An answer laid along its evidence, token by token: what agrees, and every place where the two part."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Final, NamedTuple

import numpy as np

from pipelines.check.marks import Mark
from pipelines.check.reading import Reading
from pipelines.check.signals import Case
from pipelines.check.tokens import Token, tokens

MAX_TOKENS: Final = 4_000
"""Of the evidence that are looked at; of a longer one those around the clauses that speak of the same."""
MAX_CELLS: Final = 4_000_000
AROUND: Final = 2
MAX_DROPPED: Final = 8
"""Tokens in a row that only the evidence has; who leaves out more goes on elsewhere."""
_MARK: Final = "mark"


class Place(NamedTuple):
    """A token of the evidence and its text's number."""

    source: int
    token: Token


class Edit(NamedTuple):
    """A place where an answer and its evidence part, between tokens on which they agree.

    Attributes:
        first, last: The answer's tokens `first:last` that stand beside nothing equal.
        beside: The evidence's token for each of them, -1 for none.
        dropped: The evidence's tokens that the answer leaves out here; none where it goes on elsewhere.
        left, right: How many tokens agree in a row before it and behind it; words and amounts count twice.
        jumps: Whether the evidence behind it is not what follows the evidence before it.
    """

    first: int
    last: int
    beside: tuple[int, ...]
    dropped: tuple[int, ...]
    left: int
    right: int
    jumps: bool


class Path(NamedTuple):
    """An answer laid along its evidence.

    Attributes:
        mine: The answer's tokens.
        theirs: The evidence's.
        beside: For each of `mine` the place in `theirs`, -1 for none.
        same: For each of `mine` whether it agrees with what it stands beside.
    """

    mine: tuple[Token, ...]
    theirs: tuple[Place, ...]
    beside: tuple[int, ...]
    same: tuple[bool, ...]


FREE: Final = (1.0, 1.0, 2.5)
"""What it costs to go on elsewhere in the evidence: before a sentence, a clause, and a token within a clause."""
STRICT: Final = (1.0, 4.0, 12.0)
"""The same where a value that stands elsewhere shall be held against the one that stands here."""


def path(case: Case, jumps: tuple[float, float, float] = FREE) -> Path:
    """The best path of the answer through its evidence, at a price for each jump."""
    from pipelines.check.path_kernels import lay

    mine = tokens(case.answer)
    theirs = _places(case)
    if not mine or not theirs or len(mine) * len(theirs) > MAX_CELLS:
        return Path(mine, theirs, (-1,) * len(mine), (False,) * len(mine))
    ids: dict[Hashable, int] = {}
    kinds: dict[str, int] = {}
    clauses = [case.answer.clause_at(t.start) for t in mine]
    before = [None, *clauses[:-1]]
    price = [
        jumps[0] if b is None or b.sentence != c.sentence else jumps[1] if b.number != c.number else jumps[2]
        for b, c in zip(before, clauses, strict=True)
    ]
    plain = np.array([t.type == "character" for t in mine])
    worth = np.where(plain, 1.0, 1.6).astype(np.float32)
    sources = [p.source for p in theirs]
    beside = lay(
        np.array([ids.setdefault(t.key, len(ids)) for t in mine], dtype=np.int32),
        np.array([kinds.setdefault(_type(t), len(kinds)) for t in mine], dtype=np.int32),
        worth,
        np.full(len(mine), 0.5, dtype=np.float32),
        np.array(price, dtype=np.float32),
        np.array([ids.setdefault(p.token.key, len(ids)) for p in theirs], dtype=np.int32),
        np.array([kinds.setdefault(_type(p.token), len(kinds)) for p in theirs], dtype=np.int32),
        np.array([i == 0 or sources[i] != sources[i - 1] for i in range(len(sources))]),
    ).tolist()
    same = tuple(j >= 0 and t.key == theirs[j].token.key for t, j in zip(mine, beside, strict=True))
    return Path(mine, theirs, tuple(beside), same)


def edits(way: Path) -> list[Edit]:
    """Where the two part, in the answer's order."""
    n = len(way.mine)
    agreed = [i for i in range(n) if way.same[i]]
    left, right = _runs(way)
    found = []
    for before, after in zip([-1, *agreed], [*agreed, n], strict=True):
        at = way.beside[before] if before >= 0 else -1
        to = way.beside[after] if after < n else -1
        between = tuple(way.beside[before + 1 : after])
        if at < 0 or to < 0:
            dropped: tuple[int, ...] = _edge(between)
            jumps = False
        else:
            jumps = not at < to <= at + 1 + MAX_DROPPED + len(between) or _parted(way, at, to)
            dropped = () if jumps else tuple(j for j in range(at + 1, to) if j not in between)
        if between or dropped or jumps:
            found.append(
                Edit(
                    before + 1, after, between, dropped,
                    left[before] if before >= 0 else 0, right[after] if after < n else 0, jumps,
                )
            )  # fmt: skip
    return found


def _edge(between: Sequence[int]) -> tuple[int, ...]:
    beside = [j for j in between if j >= 0]
    return tuple(j for j in range(min(beside), max(beside)) if j not in beside) if beside else ()


def _parted(way: Path, at: int, to: int) -> bool:
    return way.theirs[at].source != way.theirs[to].source


def _runs(way: Path) -> tuple[list[int], list[int]]:
    """For each token of the answer how many agree in a row up to it, and from it on; words and amounts count twice."""
    n = len(way.mine)
    weight = [1 if token.type == "character" else 2 for token in way.mine]
    left, right = [0] * n, [0] * n
    for i in range(n):
        if way.same[i]:
            goes_on = i > 0 and way.same[i - 1] and way.beside[i] == way.beside[i - 1] + 1
            left[i] = weight[i] + (left[i - 1] if goes_on else 0)
    for i in reversed(range(n)):
        if way.same[i]:
            goes_on = i + 1 < n and way.same[i + 1] and way.beside[i + 1] == way.beside[i] + 1
            right[i] = weight[i] + (right[i + 1] if goes_on else 0)
    return left, right


def _type(token: Token) -> str:
    return _MARK if isinstance(token.item, Mark) else token.type


def _places(case: Case) -> tuple[Place, ...]:
    found = [Place(s, t) for s, reading in enumerate(case.evidence) for t in tokens(reading)]
    if len(found) <= MAX_TOKENS:
        return tuple(found)
    wanted = _wanted(case)
    return tuple(p for p in found if _is_wanted(p, wanted, case.evidence))[:MAX_TOKENS]


def _wanted(case: Case) -> set[tuple[int, int]]:
    return {
        (match.source, match.clause + around)
        for matches in case.alignment
        for match in matches[:3]
        for around in range(-AROUND, AROUND + 1)
    }


def _is_wanted(place: Place, wanted: set[tuple[int, int]], evidence: Sequence[Reading]) -> bool:
    return (place.source, evidence[place.source].clause_at(place.token.start).number) in wanted
