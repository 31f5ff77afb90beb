"""What evidence warns of, clause by clause, and whether an answer tells it."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Final, NamedTuple

from pipelines.check.marks import by_clause
from pipelines.check.reading import Reading
from pipelines.check.stances import asked, stances
from pipelines.check.topics import NOTHING, Rarities, Topic, clause_topics, covered, sentence_topics, topic

MAX_CAUTIONS: Final = 200
"""Of all evidence together; the rest is not looked at."""
TOLD: Final = 0.34
_CAREFUL: Final = re.compile(
    "注意|警惕|当心|小心|留意|监测|定期(?:查|检|复)|立即就医|马上就医|停药|暂停|停用|风险|危险|可致|以免|以防|避免|防止|不得|严禁"
    "|须先|应先|要先|先做|方可|才能|必须|仅限|减量|调整剂量|皮试|不良反应|会诊|评估|医师指导|医生指导|遵医嘱|就医|急诊|禁|慎"
)
_NOT_DONE: Final = re.compile(
    "(?:^|:)[不勿别](?!同|但|仅|过|良|全|足|明|能|会|是|伴|典型|超过|少于|低于|高于|大于|小于|满|到|论|管)"
)
_SUPPOSED: Final = re.compile("时|者|的话|前|后|的(?:孩子|宝宝|人|患)")
_NAMING: Final = frozenset(("disease", "symptom", "drug", "population", "food", "test", "organ", "vaccine", "relative"))
_EVERYONE: Final = frozenset(("儿童", "本品"))


class Caution(NamedTuple):
    """A clause of the evidence that forbids, restricts or warns.

    Attributes:
        source, clause: The numbers of the text and of the clause.
        start, end: Of the clause, in the text.
        high: Of its strictest stance: -3 and -2 forbid, -1 asks for care, 0 only warns in words.
        said, around: What the clause says, and its sentence and heading.
        named: Types and keys of those whom and of what it names.
    """

    source: int
    clause: int
    start: int
    end: int
    high: int
    said: Topic
    around: Topic
    named: frozenset[tuple[str, str]]


@functools.lru_cache(maxsize=16)
def cautions(evidence: tuple[Reading, ...]) -> tuple[Caution, ...]:
    """Every caution of the evidence, in order."""
    found: list[Caution] = []
    for source, reading in enumerate(evidence):
        names = named(reading)
        own, sentences = clause_topics(reading), sentence_topics(reading)
        for clause, mine in zip(reading.clauses, stances(reading), strict=True):
            high = min((min(s.high, -1) if s.low <= -2 and s.high <= 0 else s.high for s in mine), default=0)
            careful = high < 0 or _CAREFUL.search(clause.text) or _NOT_DONE.search(clause.text)
            if not careful or "|" in clause.text or asked(reading, clause):
                continue
            said = own[clause.number]
            if len(said) >= 2:
                around = sentences[clause.number] | topic(clause.heading)
                keys = names.get(clause.number, frozenset())
                found.append(Caution(source, clause.number, clause.start, clause.end, min(high, 0), said, around, keys))
            if len(found) >= MAX_CAUTIONS:
                return tuple(found)
    return tuple(found)


@functools.lru_cache(maxsize=64)
def named(reading: Reading) -> Mapping[int, frozenset[tuple[str, str]]]:
    """For each clause that names an illness, a drug, a group of people …: their types and keys."""
    found: dict[int, set[tuple[str, str]]] = {}
    for mention in reading.mentions:
        if mention.type in _NAMING and mention.key not in _EVERYONE and not mention.key.startswith("condition:"):
            found.setdefault(reading.clause_at(mention.start).number, set()).add((mention.type, mention.key))
    return {number: frozenset(keys) for number, keys in found.items()}


class Wary(NamedTuple):
    """A clause of an answer that forbids, denies or warns; `strict` where it takes a stance against something."""

    said: Topic
    strict: bool


def wary(answer: Reading) -> tuple[Wary, ...]:
    """The clauses of an answer that forbid, deny or warn."""
    return tuple(_wary(answer))


def _wary(answer: Reading) -> Iterator[Wary]:
    own = clause_topics(answer)
    for clause, mine, marks in zip(answer.clauses, stances(answer), by_clause(answer), strict=True):
        strict = any(s.high < 0 for s in mine)
        denies = any(m.type == "negation" and not _SUPPOSED.search(answer.folded, m.end, clause.end) for m in marks)
        if strict or denies or _CAREFUL.search(clause.text):
            yield Wary(own[clause.number], strict)


def is_told(caution: Caution, answer: Topic, warned: tuple[Wary, ...], known: Rarities) -> bool:
    """Whether an answer that warns says most of a caution, or warns in a clause on the same, or in general."""
    if (warned or not caution.high) and covered(caution.said, answer, NOTHING, known) >= 2 * TOLD:
        return True
    for each in warned:
        if covered(caution.said, each.said, NOTHING, known) >= TOLD:
            return True
        if each.strict and (len(each.said) < 3 or covered(each.said, caution.said, NOTHING, known) >= TOLD):
            return True
    return False


def band(key: str) -> tuple[Fraction, Fraction] | None:
    """The ends of an age:a-b in months; of 2岁以下 from 0 on; None for what is no age or open above."""
    if not key.startswith("age:"):
        return None
    low, dash, high = key[4:].partition("-")
    if not dash or not high:
        return None
    return Fraction(low or 0), Fraction(high)
