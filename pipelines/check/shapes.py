"""Nouns that no list has, known by their endings (…病, …唑, …试验, …报警器), and Latin names.

A noun of the answer that no text known to it has, beside another of the same sort in the aligned clauses, is a thing
exchanged; alone it is a thing that came from nowhere.
"""

from __future__ import annotations

import functools
import re
from typing import Final, NamedTuple

from pipelines.check.places import clause_of, names
from pipelines.check.reading import Reading
from pipelines.check.signals import Case, Signal
from pipelines.check.support import MIN_ALIGNED, known
from pipelines.lexicons import rows

MAX_NOUNS: Final = 60
MAX_DOSED: Final = 14
_GIVEN: Final = re.compile(
    r"(?:[用吃服给予加换改喂打涂滴喷输补]|注射|成|联合)(?:了|点|些|上|以)?"
    r"([\u4e00-\u9fff]{3,7})(?:每次|一次|每日|每天|一天|按|约|大约|各|,)?$"
)
_DOSES: Final = frozenset(("mg", "g", "μg", "ug", "ng", "ml", "l", "iu", "u", "mmol", "tablet", "capsule", "bag"))
_MAX_STEM: Final = 6
_LATIN: Final = re.compile(r"(?<![a-z0-9])[a-z][a-z0-9]*(?:[-+/][a-z0-9]+)*(?![a-z])")
_NO_ENDINGS: Final = ("common", "unit", "stop", "longer")
_VERBAL: Final = frozenset(("test", "operation", "way", "measure"))  # their endings are verbs as well


@functools.cache
def _words(sort: str) -> frozenset[str]:
    return frozenset(word for row in rows("mention_shapes") if row["sort"] == sort for word in row["words"].split())


@functools.cache
def _endings() -> tuple[re.Pattern[str], dict[str, str], frozenset[str]]:
    """A pattern of the endings, the longest first; ending → sort; the characters at which a noun stops."""
    listed = [row for row in rows("mention_shapes") if row["sort"] not in _NO_ENDINGS]
    sorts = {ending: row["sort"] for row in listed for ending in row["words"].split()}
    pattern = "|".join(sorted(map(re.escape, sorts), key=lambda ending: (-len(ending), ending)))
    return re.compile(pattern), sorts, frozenset("".join(_words("stop")))


class Noun(NamedTuple):
    """`folded[start:end]`, a noun of a sort; `stem`: without its ending, unless that leaves one character."""

    sort: str
    start: int
    end: int
    text: str
    stem: str


@functools.lru_cache(maxsize=512)
def nouns(reading: Reading) -> tuple[Noun, ...]:
    """The nouns of a text that have the shape of a sort, in order, and its Latin names."""
    text = reading.folded
    found = []
    last = 0
    barred = {at for q in reading.quantities for at in range(q.start, q.end)}
    ends = {m.end for m in reading.mentions}
    pattern, sorts, stops = _endings()
    common, units, longer = _words("common"), _words("unit"), _words("longer")
    for match in pattern.finditer(text):
        start = max(last, match.start() - _MAX_STEM)
        if match.start() in barred or match.end() - 1 in barred or text[match.start() : match.end() + 1] in longer:
            continue
        for at in range(match.start() - 1, start - 1, -1):
            if text[at] in stops or not "\u4e00" <= text[at] <= "\u9fff" or at in barred or at + 1 in ends:
                start = at + 1
                break
        noun = text[start : match.end()]
        n_stem = 1 if len(match[0]) > 1 and sorts[match[0]] not in _VERBAL else 2
        if match.start() - start >= n_stem and noun not in common:
            stem = text[start : match.start()] if match.start() - start > 1 else noun
            found.append(Noun(sorts[match[0]], start, match.end(), noun, stem))
        last = match.end()
    for match in _LATIN.finditer(text):
        if len(match[0]) > 1 and not units.issuperset(re.split("[/+-]", match[0])) and match.start() not in barred:
            found.append(Noun("latin", match.start(), match.end(), match[0], match[0]))
    return tuple(sorted(found, key=lambda noun: noun.start))


def shaped(case: Case, listed: list[Signal]) -> list[Signal]:
    """Nouns that are new; those that `listed` has are left to it."""
    texts = known(case.known)
    spans = [(signal.start, signal.end) for signal in listed]
    found = []
    for noun in nouns(case.answer)[:MAX_NOUNS]:
        if any(start < noun.end and noun.start < end for start, end in spans) or _is_listed(case.answer, noun):
            continue
        share = texts.strange(noun.text, noun.sort == "latin") and texts.strange(noun.stem, noun.sort == "latin")
        if share >= 0.5:
            found.append(_signal(case, noun, share))
    return [*found, *_dosed(case, [*spans, *((signal.start, signal.end) for signal in found)])]


def _dosed(case: Case, spans: list[tuple[int, int]]) -> list[Signal]:
    """What is given by weight or volume, under a name that nobody knows: 再用某某0.2毫克."""
    texts = known(case.known)
    found = []
    for amount in case.answer.quantities[:MAX_NOUNS]:
        start = max(0, amount.start - MAX_DOSED)
        match = _GIVEN.search(case.answer.folded[start : amount.start])
        if not match or amount.unit not in _DOSES:
            continue
        begin, end = start + match.start(1), start + match.end(1)
        name = case.answer.folded[begin:end]
        taken = [*spans, *((m.start, m.end) for m in case.answer.mentions)]
        if any(a < end and begin < b for a, b in taken) or _endings()[2] & set(name) or texts.strange(name, False) < 1:
            continue
        said = case.answer.raw[begin:end]
        says = f"原文和问题都没有提到要用的“{said}”。"
        found.append(Signal("entity.dosed", "entity", begin, end, -1, 0, 0, 0.5, says))
    return found


def _is_listed(reading: Reading, noun: Noun) -> bool:
    """Whether a listed name ends where it ends: what is known of it says more than its shape."""
    there = names(reading).get(clause_of(reading, noun.start).number, ())
    return any(m.start <= noun.end - 1 < m.end for m in there)


def _signal(case: Case, noun: Noun, share: float) -> Signal:
    said = case.answer.raw[noun.start : noun.end]
    if beside := _beside(case, noun):
        source, other, score = beside
        theirs = case.evidence[source].raw[other.start : other.end]
        strength = min(1.0, 0.2 + 0.4 * share + 0.4 * score)
        says = f"答案写的“{said}”原文没有，原文相应处是“{theirs}”。"
        place = (source, other.start, other.end)
        return Signal("entity.replaced_shape", "entity", noun.start, noun.end, *place, strength, says)
    rule = "entity.new_latin" if noun.sort == "latin" else "entity.new_shape"
    strength = 0.3 if noun.sort == "latin" else min(1.0, 0.1 + 0.3 * share + 0.05 * len(noun.text))
    return Signal(rule, "entity", noun.start, noun.end, -1, 0, 0, strength, f"原文和问题都没有提到“{said}”。")


def _beside(case: Case, noun: Noun) -> tuple[int, Noun, float] | None:
    """A noun of the same sort in what the clause is aligned with, that the answer does not have."""
    clause = clause_of(case.answer, noun.start)
    for match in case.alignment[clause.number][:2]:
        if match.score < MIN_ALIGNED:
            break
        reading = case.evidence[match.source]
        theirs = reading.clauses[match.clause]
        for other in nouns(reading):
            if (
                theirs.start <= other.start < theirs.end
                and other.sort == noun.sort
                and other.text not in case.answer.folded
            ):
                return match.source, other, match.score
    return None
