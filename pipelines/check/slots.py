"""Where names stand: with which words, in which role; and which name of the evidence stands where the answer has this.

The answer's clause without the name is compared with each clause of the evidence that has a name of the type, without
that name. Where another name's company is the answer's far more than its own, the answer names the wrong one.
"""

from __future__ import annotations

import functools
import math
import re
from itertools import pairwise
from typing import Final, NamedTuple

from pipelines.check import content
from pipelines.check.lexicon import kinds_of
from pipelines.check.mentions import OPPOSITES, Mention
from pipelines.check.places import clause_of, names
from pipelines.check.reading import Reading
from pipelines.check.signals import Case

MAX_SLOTS: Final = 60
MAX_NAMES: Final = 60
_NEW: Final = 0.6
"""What a pair of characters weighs that the evidence lacks, beside the rarest that it has."""
_SIGNS: Final = {"=": 2.0, "<": 1.0, ">": 2.0}
"""What names, and the characters right before and behind, weigh beside a pair of characters anywhere."""
_MAX_CHARS, _MAX_CLAUSES, _MAX_KEYS = 160, 3, 20
_JOINED: Final = {"vaccine": "drug", "symptom": "disease"}
_FAR: Final = 0.5
"""What the rest of the sentence counts beside the clause."""
_AGENT: Final = re.compile(r"(?:由|归|让|叫|请|经|需|须有|等|凭)[^,。、]{0,8}$")
_TARGET: Final = re.compile(r"(?:向|报|报告|告知|告诉|通知|联系|问|找|交|上报|转|送|去|到|给)[^,。、]{0,6}$")


class Slot(NamedTuple):
    """A name and what it stands with.

    Attributes:
        source: Of which evidence text, -1 for the answer.
        mention: The name.
        role: Of actors `agent`, `target` or empty; empty for all others.
        near: Pairs of characters and keys of names (behind `=`) in its clause.
        far: The same in the rest of its sentence.
    """

    source: int
    mention: Mention
    role: str
    near: frozenset[str]
    far: frozenset[str]


class Rival(NamedTuple):
    """A name of the evidence in the place of one of the answer.

    Attributes:
        slot: Where it stands.
        fit: How alike the company of both is, from 0 to about 1.
        margin: By how much more than that of the mention's own places there.
        is_said: Whether the answer names it too, at another place.
    """

    slot: Slot
    fit: float
    margin: float
    is_said: bool


def rival(case: Case, mention: Mention) -> Rival | None:
    """The name of the same group whose company in the evidence is most like the mention's; None if its own is.

    A place of the evidence that another mention of the answer fits better is that one's.
    """
    return _rivals(case).get(mention.start)


@functools.lru_cache(maxsize=4)
def _rivals(case: Case) -> dict[int, Rival]:
    """Where a name of the answer starts → its rival."""
    asked, weights = _asked(case.question), content.weights(case.evidence)
    by_group: dict[str, list[Mention]] = {}
    for mention in case.answer.mentions[:MAX_NAMES]:
        by_group.setdefault(group(mention), []).append(mention)
    found = {}
    for name, mentions in by_group.items():
        if slots := _slots_of(case.evidence, name):
            fits = [_fits(_slot(case.answer, m, -1), slots, asked, weights) for m in mentions]
            for i, mention in enumerate(mentions):
                if better := _better(i, mentions, slots, fits):
                    found[mention.start] = better
    return found


def _better(place: int, mentions: list[Mention], slots: tuple[Slot, ...], fits: list[list[float]]) -> Rival | None:
    mine = mentions[place]
    if _is_kin(slots[fits[place].index(max(fits[place]))].mention, mine):
        return None
    own = max((fit for fit, slot in zip(fits[place], slots, strict=True) if _is_kin(slot.mention, mine)), default=0)
    ranked = sorted(((fit, -at) for at, fit in enumerate(fits[place]) if fit > own), reverse=True)
    for fit, at in ranked:
        slot = slots[-at]
        holders = [i for i, m in enumerate(mentions) if _is_kin(m, slot.mention)]
        if all(fits[i][-at] < fit for i in holders):
            return Rival(slot, fit, fit - own, bool(holders))
    return None


def group(mention: Mention) -> str:
    """What a name could be exchanged for: of persons those that can take each other's place, else its type."""
    if mention.type != "population":
        return _JOINED.get(mention.type, mention.type)
    kind, colon, rest = mention.key.partition(":")
    if colon and kind != "condition":
        return f"{kind}:{rest.partition(':')[0]}" if kind == "grade" else kind
    if kind != "condition":
        return "who"
    return f"pair {min(mention.key, OPPOSITES.get(mention.key, mention.key))}"


def _is_kin(one: Mention, other: Mention) -> bool:
    """Whether one is a kind of the other, or the same word in full and in short."""
    if one.key == other.key or one.key in kinds_of(other.key) or other.key in kinds_of(one.key):
        return True
    short, long = sorted((one.text, other.text), key=len)
    if one.type == "population" or not 1 < len(short) < len(long):
        return False
    rest = iter(long)
    return all(c in rest for c in short)


@functools.lru_cache(maxsize=64)
def _mentions_of(evidence: tuple[Reading, ...]) -> dict[str, list[tuple[int, Mention]]]:
    """Group of names → the first `MAX_SLOTS` of it, and in which text."""
    found: dict[str, list[tuple[int, Mention]]] = {}
    for source, reading in enumerate(evidence):
        for mention in reading.mentions:
            if len(others := found.setdefault(group(mention), [])) < MAX_SLOTS:
                others.append((source, mention))
    return found


@functools.lru_cache(maxsize=256)
def _slots_of(evidence: tuple[Reading, ...], name: str) -> tuple[Slot, ...]:
    return tuple(_slot(evidence[source], m, source) for source, m in _mentions_of(evidence).get(name, ()))


def _slot(reading: Reading, mention: Mention, source: int) -> Slot:
    clause = clause_of(reading, mention.start)
    folded = reading.folded
    near, far = _company(reading, clause.number)
    low, high = max(clause.start, mention.start - 2), min(clause.end, mention.end + 2)
    own = set(map("".join, pairwise(folded[max(low, mention.start - 1) : mention.end + 1])))
    own.add(f"={mention.key}")
    role = _role(folded[max(0, mention.start - 10) : mention.start]) if mention.type == "actor" else ""
    sides = {f"<{folded[low : mention.start]}", f">{folded[mention.end : high]}"}
    return Slot(source, mention, role, (near - own) | sides, far)


@functools.lru_cache(maxsize=2048)
def _company(reading: Reading, number: int) -> tuple[frozenset[str], frozenset[str]]:
    """What a clause says, and what the clauses around it in its sentence say besides."""
    clauses = reading.clauses
    near, far = _says(reading, number), set[str]()
    for other in range(max(0, number - _MAX_CLAUSES), min(len(clauses), number + _MAX_CLAUSES + 1)):
        if other != number and clauses[other].sentence == clauses[number].sentence:
            far |= _says(reading, other)
    return near, frozenset(far - near)


@functools.lru_cache(maxsize=2048)
def _says(reading: Reading, number: int) -> frozenset[str]:
    text = reading.clauses[number].text[:_MAX_CHARS]
    return content.grams(text) | {f"={m.key}" for m in names(reading).get(number, ())[:_MAX_KEYS]}


def _role(lead: str) -> str:
    if _AGENT.search(lead):
        return "agent"
    return "target" if _TARGET.search(lead) else ""


@functools.lru_cache(maxsize=256)
def _asked(question: Reading) -> frozenset[str]:
    return content.grams(question.folded) | {f"={m.key}" for m in question.mentions}


def _fits(mine: Slot, slots: tuple[Slot, ...], asked: frozenset[str], weights: dict[str, float]) -> list[float]:
    """For each slot how much of what the answer's name stands with, it stands with too; from 0 to about 1."""
    levels = ((1.0, mine.near), (_FAR, mine.far), (_FAR, asked - mine.near - mine.far))
    weighed = {
        gram: level * weights.get(gram, _NEW) * (_SIGNS.get(gram[0], 1.0)) for level, grams in levels for gram in grams
    }
    whole = math.fsum(weighed.values())
    grams, weight_of = frozenset(weighed), weighed.__getitem__
    found = []
    for slot in slots:
        near = math.fsum(map(weight_of, grams & slot.near))
        rest = whole - weighed.get(f"={slot.mention.key}", 0.0)
        fit = (near + _FAR * math.fsum(map(weight_of, grams & slot.far))) / (rest or 1.0)
        if mine.role and slot.role:
            fit *= 1.2 if mine.role == slot.role else 0.6
        found.append(fit)
    return found
