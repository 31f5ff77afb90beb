"""Enumerations of the evidence, and the item of one that an answer leaves out though it takes over the others."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from pipelines.check.reading import Reading
from pipelines.check.signals import Case, Signal
from pipelines.check.stances import stances
from pipelines.check.topics import NOTHING, Rarities, Topic, clause_topics, covered, rarities, topic_at

ASKS_LIST: Final = re.compile("哪|什么|谁|几|有何|何时|何种|怎样|注意|禁忌|列出|总结|内容|事项|情形|条件|要求")
MAX_LISTS: Final = 120
MAX_ITEM_CHARS: Final = 24
MIN_ITEMS: Final = 3
TAKEN: Final = 0.55
MISSING: Final = 0.12
_SPLIT: Final = re.compile("、|;|以及|或者|及|和|或|与")
_BRACKETS: Final = re.compile(r"[^()]+")
_OPEN: Final = re.compile("等(?!级|渗|张|量|待|候|于|到|孩|病|他)|之类|比如|例如|主要|一些")
"""An answer that says 等 does not claim to be whole."""


class Listed(NamedTuple):
    """An enumeration: its place, and its items with what they say.

    Attributes:
        source: The number of the evidence text.
        items: Start and end of each in the text, and its topic.
    """

    source: int
    items: tuple[tuple[int, int, Topic], ...]


def left_out_of_lists(case: Case) -> Iterator[Signal]:
    """昏迷、肠梗阻、休克或持续呕吐, where the evidence names one more."""
    lists = enumerations(case.evidence)
    if not lists:
        return
    known = rarities(case.evidence)
    told = NOTHING.union(*clause_topics(case.answer))
    asks = ASKS_LIST.search(case.question.folded) is not None
    asked = NOTHING.union(*clause_topics(case.question))
    for listed in lists:
        found = _missing(case, listed, told, known)
        if found is None:
            continue
        taken, word_for_word, (start, end, said) = found
        if covered(said, asked, NOTHING, known) > TAKEN or not (asks or word_for_word):
            continue
        n = len(listed.items)
        strength = (
            (0.45 + 0.5 * taken / n) * (1.0 if asks else 0.6) * (0.5 if _OPEN.search(case.answer.folded) else 1.0)
        )
        rule, sure = ("items", 1.0) if word_for_word else ("meanings", 0.5)
        yield _signal(case, f"list.{rule}", listed, (start, end), sure * strength, known)


def _missing(
    case: Case, listed: Listed, told: Topic, known: Rarities
) -> tuple[int, bool, tuple[int, int, Topic]] | None:
    """How many items were taken over, whether word for word, and the only one that was not."""
    text = case.evidence[listed.source].folded
    literal = [text[start:end] in case.answer.folded for start, end, _ in listed.items]
    shares = [
        1.0 if same else covered(said, told, NOTHING, known)
        for same, (*_, said) in zip(literal, listed.items, strict=True)
    ]
    out = [i for i, share in enumerate(shares) if share <= MISSING]
    taken = sum(share >= TAKEN for share in shares)
    if len(out) != 1 or taken < 2 or taken < len(shares) - 2:
        return None
    return taken, sum(literal) >= taken, listed.items[out[0]]


@functools.lru_cache(maxsize=16)
def enumerations(evidence: tuple[Reading, ...]) -> tuple[Listed, ...]:
    """The enumerations of the evidence: parts of a clause between 、 and 或."""
    found: list[Listed] = []
    for source, reading in enumerate(evidence):
        for clause in reading.clauses:
            if "、" in clause.text:
                for part in _BRACKETS.finditer(reading.folded, clause.start, clause.end):
                    if "、" in part[0]:
                        found.extend(_listed(source, _items(reading, part.start(), part.end())))
        found.extend(_under_one(source, reading))
        if len(found) > MAX_LISTS:
            break
    return tuple(found[:MAX_LISTS])


def _under_one(source: int, reading: Reading) -> Iterator[Listed]:
    """The clauses that stand under one heading or lead-in: 禁忌：青光眼；癫痫；对本品过敏者."""
    own = clause_topics(reading)
    items: list[tuple[int, int, Topic]] = []
    above = ""
    for clause, mine in zip(reading.clauses, stances(reading), strict=True):
        stance = mine[0] if mine and mine[0].inherited else None
        key = f"{stance.text} {clause.heading}" if stance else ""
        if key != above:
            yield from _listed(source, items)
            items, above = [], key
        if stance and len(clause.text) <= MAX_ITEM_CHARS and own[clause.number]:
            start = clause.start + (clause.text.rfind("]") + 1)
            items.append((start, clause.end, topic_at(reading, start, clause.end)))
    yield from _listed(source, items)


def _items(reading: Reading, start: int, end: int) -> list[tuple[int, int, Topic]]:
    """The parts of a stretch between the words that enumerate; what follows the last or precedes the first is cut."""
    found, at = [], start
    for mark in _SPLIT.finditer(reading.folded, start, end):
        found.append((at, mark.start()))
        at = mark.end()
    found.append((at, end))
    if found[0][1] - found[0][0] > MAX_ITEM_CHARS // 2:
        found[0] = (found[0][1] - MAX_ITEM_CHARS // 4, found[0][1])
    if found[-1][1] - found[-1][0] > MAX_ITEM_CHARS // 2:
        found[-1] = (found[-1][0], found[-1][0] + MAX_ITEM_CHARS // 4)
    return [(a, b, said) for a, b in found if b - a <= MAX_ITEM_CHARS and (said := topic_at(reading, a, b))]


def _listed(source: int, items: list[tuple[int, int, Topic]]) -> Iterator[Listed]:
    if MIN_ITEMS <= len(items) <= 4 * MIN_ITEMS:
        yield Listed(source, tuple(items))


def _signal(case: Case, check: str, listed: Listed, place: tuple[int, int], strength: float, known: Rarities) -> Signal:
    """On the clause of the answer that holds most of the list."""
    whole = NOTHING.union(*(said for *_, said in listed.items))
    clause = max(case.answer.clauses[:40], key=lambda c: len(clause_topics(case.answer)[c.number] & whole))
    missing = case.evidence[listed.source].raw[place[0] : place[1]]
    return Signal(
        check, "omitted_warning", clause.start, max(clause.end, clause.start + 1), listed.source, *place,
        max(0.05, min(1.0, strength)), f"依据列举的“{missing}”答案没有提到",
    )  # fmt: skip
