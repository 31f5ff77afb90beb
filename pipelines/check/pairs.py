"""Each stance of an answer beside those that its evidence takes on the same."""

from __future__ import annotations

import functools
import heapq
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from pipelines.check.marks import by_clause
from pipelines.check.reading import Clause, Reading
from pipelines.check.signals import Case
from pipelines.check.stances import Stance, asked, distance, stances
from pipelines.check.topics import (
    NOTHING,
    Rarities,
    Topic,
    clause_topics,
    covered,
    rarities,
    sentence_topics,
    topic,
    topic_at,
)

MIN_SCORE: Final = 0.2
MIN_SURE: Final = 0.15
PLAIN: Final = 0.75
"""What a statement without a word for its stance counts."""
MIN_VAGUE: Final = 0.65
"""Where one side has no word for its stance, or the answer does not say of what."""
MAX_UNITS: Final = 400
"""Statements of all evidence together; the rest is not looked at."""
MAX_STANCES: Final = 40
"""Of an answer that are compared; more are no answer."""
N_BEST: Final = 6
MIN_COPIED: Final = 4
N_FIRST: Final = 2
"""Clauses of an answer that speak of what the question asks."""
SAYS_SO: Final = (1, 4)
"""Where a clause without a word for it stands: what it says is done, whether it may or must be."""
_ADVICE: Final = re.compile(
    "咨询|打电话|问(?:一下|问|清)|联系(?:医生|医师|医院|我们|病房|门诊)|告诉(?:医生|医师|门诊|接种|我们)|自行处理|放心"
    "|(?:别|不用|不必|无需|不要)(?:太|过分|过于|过度)?(?:担心|紧张|着急|焦虑|害怕|慌)"
)
"""What any answer may say."""
DENIES: Final = (-3, 0)
STOPS: Final = (-3, -2)
_YES_NO: Final = re.compile(
    r"吗|能不能|可不可以|要不要|行不行|是不是|需不需|用不用|会不会|该不该|有没有|能否|可否|是否|好不好|对不对|吧|么"
)

_SUPPOSED: Final = re.compile(
    "^(?:但|而|且|并)?(?:如果?|若|当|要是|一旦|遇到?|假如|只要|除非|对于?|因为?|由于)|(?:时|者|的话|期间|情况下|的|后|前|患儿)$"
)
"""如出现皮疹: who or what case is spoken of."""


class Unit(NamedTuple):
    """One statement of the evidence.

    Attributes:
        source: The number of the text.
        stance: Its place on the scale; `SAYS_SO` where no word gives it one.
        plain: It has no word for it.
        focus, whole, sentence: What it turns, its clause, and its sentence with the heading above.
    """

    source: int
    stance: Stance
    plain: bool
    focus: Topic
    whole: Topic
    sentence: Topic


class Pair(NamedTuple):
    """A stance of the answer and what the evidence has beside it.

    Attributes:
        mine: In the answer.
        plain: It has no word for it in the answer.
        short: What it turns is known from the question only.
        theirs: Those of the evidence on the same, best first, each with how sure it is that both speak of the same.
    """

    mine: Stance
    plain: bool
    short: bool
    theirs: tuple[tuple[float, Unit], ...]

    def against(self) -> tuple[float, Unit] | None:
        """The best of the evidence that means something else, with how much speaks for that, from 0 to 1.

        Less where another statement of the evidence, as much on the same, may mean what the answer says.
        """
        ranked = [(score * (PLAIN if unit.plain else 1.0), unit) for score, unit in self.theirs]
        other = max((r for r in ranked if distance(self.mine, r[1].stance)), key=lambda r: r[0], default=None)
        if other is None:
            return None
        score, unit = other
        agreeing = max((s for s, u in ranked if not distance(self.mine, u.stance)), default=0.0)
        sure = score * min(1.0, max(0.0, 0.55 + 2 * (score - agreeing)))
        least = MIN_VAGUE if self.plain or self.short or unit.plain else MIN_SURE
        return (min(1.0, sure), unit) if sure > least else None


@functools.lru_cache(maxsize=8)
def pairs(case: Case) -> tuple[Pair, ...]:
    """All stances of the answer on which the evidence takes one; 不行。 speaks of what the question asks."""
    units, holders = _units(case.evidence)
    known = rarities(case.evidence)
    wanted = _wanted(case.question)
    own, sentences = clause_topics(case.answer), sentence_topics(case.answer)
    found: list[Pair] = []
    for clause, mine in zip(case.answer.clauses, stances(case.answer), strict=True):
        if len(found) >= MAX_STANCES:
            break
        every = mine or tuple(_plain(case.answer, clause))
        if not every or asked(case.answer, clause) or is_copied(case, clause, mine) or _ADVICE.search(clause.text):
            continue
        whole, around = own[clause.number], sentences[clause.number]
        early = wanted if clause.number < N_FIRST else NOTHING
        for stance in every:
            focus = topic_at(case.answer, stance.start, stance.end) or whole
            short = len(focus) < 3 and bool(early)
            if short:
                focus = whole = whole | early
            here, near = (focus, whole | around | early) if len(every) > 1 else (focus | whole, around | early)
            theirs = _beside(focus, here, near, units, holders, known)
            if theirs:
                found.append(Pair(stance, not mine, short, tuple(theirs)))
    return tuple(found)


def is_copied(case: Case, clause: Clause, mine: tuple[Stance, ...]) -> bool:
    """Whether a clause stands in the evidence as it is, and nothing above it in the answer gives it another sense."""
    if len(clause.text) < MIN_COPIED or any(stance.inherited for stance in mine):
        return False
    return any(
        at == 0 or not reading.folded[at - 1].isalnum()
        for reading in case.evidence
        if (at := reading.folded.find(clause.text)) >= 0
    )


def _wanted(question: Reading) -> Topic:
    """What the last question that says something asks, where it can be answered by yes or no."""
    for clause in reversed(question.clauses[-6:]):
        said = topic(clause.text)
        if len(said) >= 2:
            return said if _YES_NO.search(question.folded, clause.start) else NOTHING
    return NOTHING


def _plain(reading: Reading, clause: Clause) -> Iterator[Stance]:
    """What a clause without a word of permission says is done, or, where it denies it, not done."""
    if _SUPPOSED.search(clause.text) or len(clause_topics(reading)[clause.number]) < 3:
        return
    marks = by_clause(reading)[clause.number]
    stop = next((m for m in marks if m.value == "stop"), None)
    denial = next((m for m in marks if m.value == "not"), None)
    if stop is not None:
        yield Stance(*STOPS, stop.scope_start, stop.scope_end, clause.number, stop.start, stop.end, False, stop.text)
    elif denial is None:
        yield Stance(*SAYS_SO, clause.start, clause.end, clause.number, clause.start, clause.end, False, "")
    elif denial.scope_start == denial.end:
        place = denial.scope_start, denial.scope_end, clause.number, denial.start, denial.end
        yield Stance(*DENIES, *place, False, denial.text)


@functools.lru_cache(maxsize=16)
def _units(evidence: tuple[Reading, ...]) -> tuple[tuple[Unit, ...], Mapping[str, list[int]]]:
    """The statements of the evidence, and which of them hold a pair or character in what they turn or their clause."""
    found: list[Unit] = []
    for source, reading in enumerate(evidence):
        own, sentences = clause_topics(reading), sentence_topics(reading)
        for clause, mine in zip(reading.clauses, stances(reading), strict=True):
            if len(found) >= MAX_UNITS:
                break
            if asked(reading, clause):
                continue
            whole = own[clause.number]
            sentence = sentences[clause.number] | topic(clause.heading)
            for stance in mine or _plain(reading, clause):
                same = stance.start == clause.start and stance.end == clause.end
                focus = whole if same else topic_at(reading, stance.start, stance.end) or whole
                found.append(Unit(source, stance, not mine, focus, whole, sentence))
    holders: dict[str, list[int]] = defaultdict(list)
    for number, unit in enumerate(found):
        for gram in unit.whole:
            holders[gram].append(number)
    return tuple(found), holders


def _beside(
    focus: Topic,
    here: Topic,
    around: Topic,
    units: tuple[Unit, ...],
    holders: Mapping[str, list[int]],
    known: Rarities,
) -> list[tuple[float, Unit]]:
    """The statements that share most with one, best first."""
    shared: dict[int, float] = defaultdict(float)
    for gram in sorted(focus):
        for number in holders.get(gram, ()):
            shared[number] += known[gram]
    found = []
    for number in heapq.nlargest(N_BEST, shared, key=lambda n: (shared[n], -n)):
        unit = units[number]
        score = 0.5 * covered(focus, unit.whole, unit.sentence, known)
        score += 0.5 * covered(unit.focus, here, around, known)
        if score >= MIN_SCORE:
            found.append((score, unit))
    return sorted(found, key=lambda f: -f[0])
