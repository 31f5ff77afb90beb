"""Does an answer say things of which neither evidence nor question has anything?"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator
from operator import add
from typing import Final, NamedTuple

from pipelines.check.concepts import Concept, concepts, field_of
from pipelines.check.content import learned
from pipelines.check.reading import Clause, Reading
from pipelines.check.signals import Case, Signal
from pipelines.check.stances import asked
from pipelines.lexicons import rows

MIN_STRENGTH: Final = 0.15
SURE: Final = 0.4
"""Weaker ones are a rule of their own: half of them are retelling."""
_NOUNS: Final = frozenset(
    ("symptom", "disease", "test", "drug", "route", "food", "vaccine", "growth", "procedure", "device")
)
_DEEDS: Final = frozenset(("care", "law", "verb", "adjective"))
_EVERYDAY: Final = frozenset(
    "都是往放看条线段类里等过调取拿带比算数点些上下去来进出起开回到归档路零落占靠卡差头面边样种份件支根块张片层级号位名家口本多少大小高低长短早晚"
    "快慢好坏新旧前后左右中内外间旁底顶半整全总共同各每另再又还也才只仅就便则而且但或如若因为所以之其此这那哪何谁什怎么吗吧呢啊得地着了个会能可要"
    "想让使叫给跟和与及把被将向对从由于在有没不无未非别莫勿若按照凭顺手倒帮越更最太很挺够满足超不到做弄搞办行成变改换当作为说讲问答告诉知道觉"
    "容易难直一二两三四五六七八九十百千万第次回遍趟天日月年周岁时分秒刻钟期先随即刚已曾正总常老经继续完毕结束始"
)
"""Characters of which the everyday words are made that retelling brings with it."""


class Strange(NamedTuple):
    """What of a clause nothing that is known bears out.

    Attributes:
        places: Of its characters, in the answer.
        nouns, deeds: Words of the field that are not there under any name.
        fresh: How many characters are nowhere, those of everyday words left out.
        size: Characters of content in all.
        run: The longest row of strange characters.
        score: How well the clause is aligned.
    """

    places: tuple[int, ...]
    nouns: tuple[Concept, ...]
    deeds: tuple[Concept, ...]
    fresh: int
    size: int
    run: int
    score: float


def additions(case: Case) -> list[Signal]:
    """Clauses that say something new; the rule says what is strangest in them, the strength how strange it is."""
    found = []
    for clause, new in strange(case):
        strength = _strength(new)
        if strength < MIN_STRENGTH or asked(case.answer, clause):
            continue
        words = new.nouns or new.deeds
        if words:
            start, end = words[0].start, words[-1].end
        elif new.places:
            start, end = new.places[0], new.places[-1] + 1
        else:
            start, end = clause.start, clause.end
        says = f"依据中找不到“{case.answer.raw[start:end]}”"
        rule = _rule(new) if strength >= SURE else "claim.unsupported_weak"
        found.append(Signal(rule, "unsupported", start, end, -1, 0, 0, strength, says))
    return found


def _rule(new: Strange) -> str:
    if new.nouns:
        return "claim.unsupported_noun"
    if new.score < 0.15 and new.size >= 4:
        return "claim.unsupported_clause"
    return "claim.unsupported_deed" if new.deeds else "claim.unsupported"


def _strength(new: Strange) -> float:
    """How likely it is that a clause rests on nothing: weights as a logistic regression finds them, rounded."""
    z = (
        (1.3 if new.nouns else 0.0)
        + (0.6 if new.deeds else 0.0)
        + 0.85 * min(new.fresh, 6)
        + (1.1 if new.run >= 3 else 0.0)
        + (1.2 if new.size >= 3 else 0.0)
        - 2.1 * new.score
        - 0.9 * len(new.places) / (1 + new.size)
        - 2.9
    )
    return 1 / (1 + math.exp(-z))


def strange(case: Case) -> Iterator[tuple[Clause, Strange]]:
    """Each clause of the answer, and what of it is not known."""
    pairs, chars, keys = _known(case.known)
    folded = case.answer.folded
    amounts = bytearray(len(folded) + 1)
    for amount in case.answer.quantities:
        amounts[amount.start : amount.end] = b"\1" * (amount.end - amount.start)
    words = concepts(folded)
    at = 0
    for clause, matches in zip(case.answer.clauses, case.alignment, strict=True):
        borne: set[int] = set()
        nouns, deeds = [], []
        while at < len(words) and words[at].start < clause.end:
            word = words[at]
            at += 1
            text = folded[word.start : word.end]
            if not word.keys or not keys.isdisjoint(word.keys + word.parts) or _literal(text, pairs):
                borne.update(range(word.start, word.end))
            elif len(text) > 1 and not any(amounts[word.start : word.end]) and text not in _plain():
                if folded[word.start - 1 : word.start + 1] in pairs or folded[word.end - 1 : word.end + 1] in pairs:
                    continue  # cut out of known words: 蔓|延到
                fields = {field_of(key) for key in word.keys}
                if fields & _NOUNS:
                    nouns.append(word)
                elif fields & _DEEDS and not word.light:
                    deeds.append(word)
        places, fresh, size = [], 0, 0
        for start, run in learned(clause.text):
            for place, c in enumerate(run, clause.start + start):
                size += 1
                if amounts[place] or place in borne:
                    continue
                if folded[place - 1 : place + 1] in pairs or folded[place : place + 2] in pairs:
                    continue
                places.append(place)
                within = c <= "z" and "a" <= folded[place - 1 : place] <= "z"
                fresh += c not in chars and c not in _EVERYDAY and not within
        score = matches[0].score if matches else 0.0
        yield clause, Strange(tuple(places), tuple(nouns), tuple(deeds), fresh, size, _longest(places), score)


def _literal(text: str, pairs: frozenset[str]) -> bool:
    return len(text) > 1 and all(text[i : i + 2] in pairs for i in range(len(text) - 1))


def _longest(places: list[int]) -> int:
    best = row = 0
    last = -2
    for place in places:
        row = row + 1 if place == last + 1 else 1
        best, last = max(best, row), place
    return best


@functools.cache
def _plain() -> frozenset[str]:
    """Advice, courtesy, people, words of every day, and marks, which other checks look at."""
    return frozenset(
        word for name in ("check_common", "check_marks") for row in rows(name) for word in row["words"].split()
    )


@functools.lru_cache(maxsize=32)
def _known(readings: tuple[Reading, ...]) -> tuple[frozenset[str], frozenset[str], frozenset[int]]:
    return (
        frozenset[str]().union(*(map(add, r.folded, r.folded[1:]) for r in readings)),
        frozenset[str]().union(*(r.folded for r in readings)),
        frozenset(key for r in readings for word in concepts(r.folded) for key in word.keys + word.parts),
    )
