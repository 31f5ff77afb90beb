"""Is what may be done made a must, what must be done made free, what is urgent put off?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from pipelines.check.content import grams, overlap, weights
from pipelines.check.edits import around, edits, steps
from pipelines.check.marks import Mark, by_clause
from pipelines.check.pairs import Pair, Unit, pairs
from pipelines.check.polarity import opposed, shown, turned
from pipelines.check.reading import Clause, Reading
from pipelines.check.signals import Case, Signal
from pipelines.check.stances import Stance, distance, stances

MAX_CLAUSES: Final = 60
"""Of an answer that are compared with all of the evidence; more are no answer."""
MIN_ITEM: Final = 0.8
_MOST_STEPS: Final = 4
_ITEM: Final = re.compile(r"(?:(?!以及|或者|还有)[^、,;:。/和或及就])+")


def modality(case: Case) -> list[Signal]:
    """What is moved on the scale of permission, in a sentence or in a list, or put off."""
    return [*_moved(case), *_items(case), *_delayed(case), *_edited(case)]


def _edited(case: Case) -> Iterator[Signal]:
    """A clause taken over word for word, with 应 for 可 or the other way round."""
    for edit in edits(case):
        if (step := steps(edit)) and not edit.turns:
            said, there = case.answer.raw[edit.start : edit.end], around(case.evidence[edit.source], edit)
            yield Signal(
                "modality.edited", "modality", edit.start, edit.end, edit.source, edit.there, edit.until,
                min(1.0, edit.alike * (0.4 + 0.2 * abs(step))), f"与原文只差“{said}”，原文为“{there}”",
            )  # fmt: skip


def _moved(case: Case) -> Iterator[Signal]:
    """慎用 for 禁用, 应当 for 可以, 必须 for 可以不."""
    for pair in pairs(case):
        found = pair.against()
        if found is None or turned(pair, found[1]):
            continue
        (sure, unit), mine = found, pair.mine
        theirs = unit.stance
        steps = distance(mine, theirs)
        start, end = shown(mine)
        yield Signal(
            f"modality.{_rule(pair, unit, steps)}", "modality", start, end, unit.source, *shown(theirs),
            min(1.0, sure * (0.3 + 0.25 * min(abs(steps), _MOST_STEPS))),
            f"答案为“{mine.text or case.answer.raw[start:end]}”，依据为“{theirs.text or '没有限制'}”，程度不同",
        )  # fmt: skip


def _rule(pair: Pair, unit: Unit, steps: int) -> str:
    mine, theirs = pair.mine, unit.stance
    if pair.plain or unit.plain:
        return "unsaid"
    if pair.short:
        return "short_answer"
    if mine.high < 0 and theirs.high < 0:
        return "forbids_more" if steps < 0 else "forbids_less"
    if abs(steps) == 1:
        return "degree"
    return "stronger" if steps > 0 else "weaker"


def _items(case: Case) -> Iterator[Signal]:
    """What the evidence lists under 慎用, listed under 禁用: each item of a list by itself."""
    weight = weights(case.evidence)
    listed = [(s, e.clauses[i]) for s, e in enumerate(case.evidence) for i, each in enumerate(stances(e)) if each][
        : 4 * MAX_CLAUSES
    ]
    for mine in (s for each in stances(case.answer)[:MAX_CLAUSES] for s in each if s.high < 0):
        for part in _ITEM.finditer(case.answer.folded, _since(case.answer, mine), mine.end):
            said = grams(part[0])
            scored = [(overlap(said, grams(clause.text), weight), s, clause) for s, clause in listed if len(said) > 1]
            best = max((score for score, *_ in scored), default=0.0)
            if best < MIN_ITEM:
                continue
            theirs = [(s, t) for score, s, c in scored if score >= 0.9 * best for t in _on(case.evidence[s], c, said)]
            steps = [distance(mine, t) for _, t in theirs]
            if theirs and all(steps) and not any(opposed(mine, t) for _, t in theirs):
                source, other = theirs[0]
                yield Signal(
                    "modality.listed", "modality", part.start(), part.end(), source, *shown(other), best,
                    f"“{case.answer.raw[part.start() : part.end()]}”在依据中属“{other.text}”，答案为“{mine.text}”",
                )  # fmt: skip


def _since(answer: Reading, stance: Stance) -> int:
    """Where the list begins: 在吃洋地黄，就禁用 speaks of the clause before too."""
    clause = answer.clauses[stance.clause]
    before = answer.clauses[clause.number - 1]
    joined = clause.number and before.sentence == clause.sentence and not stances(answer)[before.number]
    return before.start if joined and "就" in clause.text else stance.start


def _on(evidence: Reading, clause: Clause, said: frozenset[str]) -> Iterator[Stance]:
    """The stances of a clause whose scope holds most of an item; all where none does."""
    every = stances(evidence)[clause.number]
    held = [s for s in every if 2 * len(said & grams(evidence.folded[s.start : s.end])) > len(said)]
    yield from held or every


def _delayed(case: Case) -> Iterator[Signal]:
    """明早再去 for 今晚就去急诊."""
    for clause, matches in zip(case.answer.clauses, case.alignment, strict=True):
        later = next((m for m in _urgency(case.answer, clause.number) if m.value == "later"), None)
        if later is None:
            continue
        before = case.answer.clauses[clause.number - 1]
        if clause.number and before.sentence == clause.sentence:
            matches = (*matches, *case.alignment[before.number])
        if not matches:
            continue
        near = [m for m in matches if m.score >= 0.6 * max(n.score for n in matches)]
        theirs = [(m.source, mark) for m in near for mark in _around(case.evidence[m.source], m.clause)]
        if theirs and all(m.value != "later" for _, m in theirs):
            source, mark = theirs[0]
            yield Signal(
                "modality.delay", "modality", clause.start, clause.end, source, mark.start, mark.end,
                min(1.0, 0.4 + 0.6 * matches[0].score), f"依据为“{mark.text}”，答案为“{later.text}”",
            )  # fmt: skip


def _around(reading: Reading, number: int) -> Iterator[Mark]:
    """What is urgent in a clause and in the clauses of its sentence next to it."""
    for clause in reading.clauses[max(0, number - 4) : number + 5]:
        if clause.sentence == reading.clauses[number].sentence:
            yield from _urgency(reading, clause.number)


def _urgency(reading: Reading, number: int) -> Iterator[Mark]:
    return (m for m in by_clause(reading)[number] if m.type == "urgency")
