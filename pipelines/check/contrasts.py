"""Does a word of the answer stand where the evidence has another one that excludes it: 左 for 右, 急性 for 慢性?"""

from __future__ import annotations

import functools
from collections.abc import Container, Iterator
from operator import add
from typing import Final, NamedTuple

from pipelines.check.alignment import Match
from pipelines.check.concepts import known_words
from pipelines.check.reading import Clause, Reading, fold
from pipelines.check.signals import Case, Signal
from pipelines.check.stances import asked
from pipelines.lexicons import rows

MIN_SCORE: Final = 0.15
_NEAR: Final = 0.6
"""Share of the best score from which on another clause may well be the one that is retold."""
_WINDOW: Final = 5
_PLAIN: Final = ("左右", "婴幼儿", "男女", "子女", "能不能", "可不可以", "有没有效", "前后", "上下")
_ONE: Final = (1,)
_HOLDING: Final = ("symptom", "disease", "drug", "test")
_DENIED: Final = frozenset("不没无未非别勿免")


class Side(NamedTuple):
    """A word that takes a side in a slot, at `start` of a text."""

    slot: int
    side: int
    start: int
    end: int


class _Slot(NamedTuple):
    name: str
    kind: str


def contrasts(case: Case) -> list[Signal]:
    """Words in the place of others that exclude them."""
    return [signal for clause in case.answer.clauses for signal in _of(case, clause)]


def _of(case: Case, clause: Clause) -> Iterator[Signal]:
    mine = sides(case.answer)[clause.number]
    matches = case.alignment[clause.number]
    if not mine or not matches or matches[0].score < MIN_SCORE:
        return
    best = [m for m in matches if m.score >= _NEAR * matches[0].score]
    taken = set[tuple[int, int]]().union(*(_sentence(case, m) for m in best))
    anywhere = _anywhere(case.known)
    for word in {w.slot: w for w in reversed(mine)}.values():
        own = {w.side for w in mine if w.slot == word.slot}
        if len(own) > 1 or (word.slot, word.side) in taken:
            continue
        others = (
            (match, s)
            for match in best
            for s in sides(case.evidence[match.source])[match.clause]
            if s.slot == word.slot and s.side not in own
        )
        match, other = next(others, (None, None))
        if match is None or other is None:
            continue
        evidence = case.evidence[match.source]
        there = evidence.clauses[match.clause]
        text = case.answer.folded[word.start : word.end]
        if text in there.text.replace(evidence.folded[other.start : other.end], " "):
            continue  # as a part of another word
        if asked(evidence, there) or asked(case.answer, clause):
            continue
        slot = _lexicon()[2][word.slot]
        near = _shared(case.answer.folded, word, evidence.folded, other)
        rule = "contrast." + slot.kind if (word.slot, word.side) not in anywhere else "contrast.elsewhere"
        yield Signal(
            rule, slot.kind, word.start, word.end, match.source, other.start, other.end,
            min(1.0, 0.1 + 0.5 * match.score + 0.4 * near) * (0.5 if slot.kind == "population" else 1.0),
            f"答案为“{case.answer.raw[word.start : word.end]}”，依据为“{evidence.raw[other.start : other.end]}”",
        )  # fmt: skip


def _sentence(case: Case, match: Match) -> frozenset[tuple[int, int]]:
    reading = case.evidence[match.source]
    return _by_sentence(reading)[reading.clauses[match.clause].sentence]


@functools.lru_cache(maxsize=16)
def _anywhere(readings: tuple[Reading, ...]) -> frozenset[tuple[int, int]]:
    return frozenset((s.slot, s.side) for r in readings for clause in sides(r) for s in clause)


@functools.lru_cache(maxsize=64)
def _by_sentence(reading: Reading) -> dict[int, frozenset[tuple[int, int]]]:
    """Sentence → the sides that it takes."""
    found: dict[int, set[tuple[int, int]]] = {}
    for clause, taken in zip(reading.clauses, sides(reading), strict=True):
        found.setdefault(clause.sentence, set()).update((s.slot, s.side) for s in taken)
    return {sentence: frozenset(taken) for sentence, taken in found.items()}


def _shared(mine: str, word: Side, theirs: str, other: Side) -> float:
    """Share of the characters around a word that stand around the other one too."""
    around = set(mine[max(0, word.start - _WINDOW) : word.start] + mine[word.end : word.end + _WINDOW])
    beside = set(theirs[max(0, other.start - _WINDOW) : other.start] + theirs[other.end : other.end + _WINDOW])
    return len(around & beside) / max(1, min(len(around), len(beside)))


@functools.lru_cache(maxsize=64)
def sides(reading: Reading) -> tuple[tuple[Side, ...], ...]:
    """For each clause the sides that it takes; what is denied takes none."""
    lengths, places, _ = _lexicon()
    folded = reading.folded
    found: list[list[Side]] = [[] for _ in reading.clauses]
    free = 0
    for at in [i for i, pair in enumerate(map(add, folded, folded[1:] + "\0")) if pair in lengths or pair[0] in places]:
        if at < free:
            continue
        for n in lengths.get(folded[at : at + 2], _ONE):
            taken = places.get(folded[at : at + n])
            if taken is not None:
                free = at + n
                if taken and not _DENIED & set(folded[max(0, at - 2) : at]):
                    clause = reading.clause_at(at)
                    found[clause.number] += (Side(slot, side, at, min(free, len(folded))) for slot, side in taken)
                break
    return tuple(map(tuple, found))


def _holds(word: str, places: Container[str]) -> bool:
    """Whether a word only holds one that takes a side (呼吸暂停); 急性中耳炎 takes the side of its first."""
    first = 0 if len(word) == 2 or word[0] in "左右男女" else 1
    pieces = (word[i:j] for i in range(first, len(word)) for j in range(i + 1, len(word) + 1))
    return any(piece in places for piece in pieces)


def _alike(named: set[str]) -> set[str]:
    """What says the same as these words, where neither says anything else."""
    groups = _groups()
    once = (groups[word][0] for word in named if len(groups.get(word, ())) == 1)
    return {word for group in once for word in group if len(groups[word]) == 1 < len(word)}


@functools.cache
def _groups() -> dict[str, list[list[str]]]:
    found: dict[str, list[list[str]]] = {}
    for row in rows("check_synonyms"):
        if row["field"] in ("general", "time"):
            continue
        group = list(map(fold, row["words"].split()))
        for word in group:
            found.setdefault(word, []).append(group)
    return found


@functools.cache
def _lexicon() -> tuple[dict[str, tuple[int, ...]], dict[str, tuple[tuple[int, int], ...]], tuple[_Slot, ...]]:
    """First two characters → lengths of words; word → slots and sides, none for names that only hold one; the slots."""
    places: dict[str, list[tuple[int, int]]] = {}
    slots: list[_Slot] = []
    for row in rows("check_contrasts"):
        listed = [set(map(fold, side.split())) for side in row["sides"].split("|")]
        for side, named in enumerate(listed):
            others = {w for i, other in enumerate(listed) if i != side for w in other | _alike(other)}
            for word in sorted(named | (_alike(named) - others)):
                places.setdefault(word, []).append((len(slots), side))
        slots.append(_Slot(row["slot"], row["kind"]))
    holding = {word for word in (*known_words(_HOLDING), *_PLAIN) if word not in places and _holds(word, places)}
    for word in holding:
        places[word] = []
    lengths: dict[str, set[int]] = {}
    for word in places:
        if len(word) > 1:
            lengths.setdefault(word[:2], {1}).add(len(word))
    sorted_lengths = {pair: tuple(sorted(n, reverse=True)) for pair, n in lengths.items()}
    return sorted_lengths, {w: tuple(p) for w, p in places.items()}, tuple(slots)
