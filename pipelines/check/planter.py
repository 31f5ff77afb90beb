"""Near-verbatim answers made from texts, faithful ones and ones with a single error, for training.

Each text gives faithful answers (sentences of it in a row, lightly reworded: 应当 → 应, 每日 → 一天, 0.5 g（500 mg）,
a bracket or a clause left out, a courtesy added) and, from the same sentences, answers with one planted error of each
kind that the sentences give room for. Deterministic: the dice are thrown by a hash of the text.

Does not cover: omitted warnings (what may be left out is a question of the question), free paraphrases.
"""

from __future__ import annotations

import functools
import hashlib
import random
import re
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from typing import Final, NamedTuple

from pipelines.check.quantities import Quantity
from pipelines.check.reading import Reading
from pipelines.lexicons import rows

_SENTENCE: Final = re.compile(r"[^。；\n！？]+[。；！？]?")
_BRACKET: Final = re.compile(r"（[^（）]{1,20}）")
_NUMBER: Final = re.compile(r"\d+(?:\.\d+)?")
_COURTESIES: Final = (
    "您好，", "根据资料：", "", "", "", "", "是这样的：", "按照规定，",
)  # fmt: skip
_FAREWELLS: Final = ("", "", "", "", "如有疑问请咨询医生。", "具体请遵医嘱。", "有不适请及时就医。")
_CAUSES: Final = re.compile(
    r"([\u4e00-\u9fff]{2,12})(可引起|可导致|引起|导致|可致|诱发|可诱发|造成)([\u4e00-\u9fff]{2,12})"
)
_POOLED: Final = {
    "drug": "entity", "disease": "entity", "symptom": "entity", "test": "entity", "vaccine": "entity",
    "organ": "entity", "food": "entity", "actor": "actor", "route": "route", "population": "population",
}  # fmt: skip
_ITEM: Final = re.compile(r"(?:(?<=[、，：；。（])|(?<=^))([\u4e00-\u9fff]{2,7})(?=[、，；。）])")
_ENTITIES: Final = tuple(t for t, kind in _POOLED.items() if kind == "entity")
_CONVERSIONS: Final = (
    (r"(\d+(?:\.\d+)?) ?g(?![a-z/])", "mg", Fraction(1000)), (r"(\d+) ?mg(?![a-z/])", "g", Fraction(1, 1000)),
    (r"(\d+) ?周(?!岁)", "天", Fraction(7)), (r"(\d+) ?小时", "分钟", Fraction(60)),
)  # fmt: skip
_SHORT: Final = frozenset("可应须宜需因为未无日天及并均至等或常多满")
_AFTER_NUMBERS: Final = frozenset("前后内hg周年岁L元滴片")
_ALWAYS: Final = ("unsupported", "fabricated_authority")
"""Kinds that every text has room for; the others come first."""


class Planted(NamedTuple):
    """An answer; `error` and `span` empty where it is faithful."""

    answer: str
    error: str
    span: str


class _Edit(NamedTuple):
    start: int
    end: int
    new: str


def planted(text: str, *, strangers: Sequence[str] = (), n_answers: int = 6) -> list[Planted]:
    """Answers from one text: faithful and wrong ones in turn.

    Args:
        text: Where the answers come from, and what they are checked against.
        strangers: Sentences of other texts, for additions without support.
        n_answers: Stretches of sentences; each gives one faithful answer and up to two wrong ones.
    """
    dice = random.Random(hashlib.sha256(text.encode()).digest())
    sentences = [m[0].strip() for m in _SENTENCE.finditer(text) if 10 <= len(m[0].strip()) <= 200]
    found: list[Planted] = []
    for _ in range(n_answers if sentences else 0):
        first = dice.randrange(len(sentences))
        base = "".join(sentences[first : first + dice.choice((1, 1, 2))])
        found.append(Planted(_reworded(base, dice), "", ""))
        errors = list(_ERRORS)
        dice.shuffle(errors)
        errors.sort(key=lambda kind: kind in _ALWAYS and dice.random() < 0.8)
        made = 0
        for kind in errors:
            wrong = _planted_one(base, kind, text, strangers, dice)
            if wrong:
                found.append(wrong)
                made += 1
            if made == 2:
                break
    return found


def sentences_of(texts: Sequence[str]) -> list[str]:
    """Sentences that say something by themselves, for additions."""
    return [m[0].strip() for t in texts for m in _SENTENCE.finditer(t) if 12 <= len(m[0].strip()) <= 60]


def _planted_one(base: str, kind: str, text: str, strangers: Sequence[str], dice: random.Random) -> Planted | None:
    if kind == "unsupported":
        added = dice.choice(strangers) if strangers else ""
        return Planted(_reworded(base, dice) + added, kind, added) if added and added not in text else None
    if kind == "fabricated_authority":
        added = dice.choice([new for _, new in _table("authority")]).format(
            y=dice.randrange(2008, 2024), n=dice.randrange(3, 95)
        )
        return Planted(_reworded(base, dice) + added, kind, added)
    edits = [e for e in _ERRORS[kind](Reading(base), text, dice) if base[e.start : e.end] != e.new]
    if not edits:
        return None
    edit = dice.choice(edits)
    changed = base[: edit.start] + edit.new + base[edit.end :]
    if changed in text:
        return None
    head, tail = changed[: edit.start], changed[edit.start + len(edit.new) :]
    if dice.random() < 0.6:
        head, tail = _swapped_words(head, dice, 1), _swapped_words(tail, dice, 1)
    answer = head + edit.new + tail
    return Planted(answer, kind, _place(answer, len(head), len(head) + len(edit.new)))


def _place(answer: str, start: int, end: int) -> str:
    """The words there, and as many around them as make them the first of their kind in the answer."""
    while answer.find(answer[start:end] or "\n") != start and (start > 0 or end < len(answer)):
        start, end = max(0, start - 1), min(len(answer), end + 1)
    return answer[start:end]


def _reworded(base: str, dice: random.Random) -> str:
    """The same said a little otherwise."""
    text = base
    if dice.random() < 0.25:
        text = _BRACKET.sub("", text, count=1)
    if dice.random() < 0.2 and text.count("，") > 1:
        text = text[: text.rindex("，")] + "。"
    if dice.random() < 0.35:
        text = _converted(text, dice)
    text = _swapped_words(text, dice, dice.choice((0, 1, 2, 3)))
    return dice.choice(_COURTESIES) + text + dice.choice(_FAREWELLS)


def _swapped_words(text: str, dice: random.Random, n: int) -> str:
    for _ in range(n):
        old, new = dice.choice([pair for pair in _table("reworded") if pair[0] in text] or [("", "")])
        text = _once(text, old, new, dice) if old else text
    return text


def _once(text: str, old: str, new: str, dice: random.Random) -> str:
    places = [m.start() for m in re.finditer(re.escape(old), text) if _is_word(text, m.start(), old)]
    if not places:
        return text
    at = dice.choice(places)
    return text[:at] + new + text[at + len(old) :]


def _is_word(text: str, at: int, word: str) -> bool:
    """Whether a short word stands alone here rather than in the middle of another one."""
    before, after = text[at - 1 : at], text[at + len(word) : at + len(word) + 1]
    if word in _SHORT:
        return f"{before}{word}" not in _inside() and f"{word}{after}" not in _inside()
    if word in _AFTER_NUMBERS:
        return before.isdigit() or (before in "月小日周时钟天年 m" and not after.isalpha())
    return True


@functools.cache
def _table(kind: str) -> tuple[tuple[str, str], ...]:
    return tuple((r["old"], r["new"].strip("-")) for r in rows("planted_edits") if r["kind"] == kind)


@functools.cache
def _spare() -> dict[str, list[str]]:
    return {old: new.split() for old, new in _table("spare")}


@functools.cache
def _inside() -> frozenset[str]:
    return frozenset(word for _, new in _table("inside") for word in new.split())


def _converted(text: str, dice: random.Random) -> str:
    """An amount followed by the same in another unit."""
    for pattern, unit, factor in _CONVERSIONS:
        match = re.search(pattern, text)
        if match and dice.random() < 0.5:
            value = float(Fraction(match[1]) * factor)
            return f"{text[: match.end()]}（{value:g} {unit}）{text[match.end() :]}"
    return text


def _numbers(reading: Reading, dice: random.Random, roles: Callable[[Quantity], bool]) -> Iterator[_Edit]:
    for quantity in reading.quantities:
        if quantity.role == "number" or not roles(quantity):
            continue
        for match in _NUMBER.finditer(reading.raw, quantity.start, quantity.end):
            value = Fraction(match[0])
            near = dice.choice(
                (value * 2, value * 10, value / 2, value + 1, value + 2, value * 3, value + 5, value / 10)
            )
            new = f"{float(near):g}"
            if "." not in match[0] and near.denominator != 1:
                new = f"{float(value * 2):g}"
            if new != match[0]:
                yield _Edit(match.start(), match.end(), new)


def _quantity(reading: Reading, text: str, dice: random.Random) -> Iterator[_Edit]:
    yield from _numbers(reading, dice, lambda q: q.role not in ("frequency", "interval", "duration", "age", "weight"))


def _frequency(reading: Reading, text: str, dice: random.Random) -> Iterator[_Edit]:
    yield from _numbers(reading, dice, lambda q: q.role in ("frequency", "interval", "duration"))


def _population(reading: Reading, text: str, dice: random.Random) -> Iterator[_Edit]:
    yield from _numbers(reading, dice, lambda q: q.role in ("age", "weight"))
    yield from _exchanged(reading, text, dice, ("population",))


def _pairs(kind: str) -> Callable[[Reading, str, random.Random], Iterator[_Edit]]:
    def edits(reading: Reading, text: str, dice: random.Random) -> Iterator[_Edit]:
        for old, new in _table(kind):
            for match in re.finditer(re.escape(old), reading.raw):
                if _is_word(reading.raw, match.start(), old):
                    yield _Edit(match.start(), match.end(), new)

    return edits


def _unit(reading: Reading, text: str, dice: random.Random) -> Iterator[_Edit]:
    for quantity in reading.quantities:
        for old, new in _table("unit"):
            at = reading.raw.find(old, quantity.start, quantity.end)
            if at > 0 and (reading.raw[at - 1].isdigit() or reading.raw[at - 1] == " "):
                follows = reading.raw[at + len(old) : at + len(old) + 1]
                if not (follows.isascii() and follows.isalpha()):
                    yield _Edit(at, at + len(old), new)


def _pairing(reading: Reading, text: str, dice: random.Random) -> Iterator[_Edit]:
    """An amount of the answer replaced with another of its unit, out of the same text."""
    others = Reading(text).quantities
    for quantity in reading.quantities:
        values = (quantity.low, quantity.high)
        for other in others:
            same = other.unit == quantity.unit and other.role == quantity.role != "number" and other.per == quantity.per
            if same and (other.low, other.high) != values:
                yield _Edit(quantity.start, quantity.end, text[other.start : other.end])


def _exchanged(reading: Reading, text: str, dice: random.Random, types: Sequence[str]) -> Iterator[_Edit]:
    pool = [m for m in Reading(text).mentions if m.type in types]
    for mention in reading.mentions:
        if mention.type not in types or mention.key.startswith(("age:", "weight:")):
            continue
        said = {m.text for m in pool if m.type == mention.type and m.key not in (mention.key, mention.parent)}
        said -= {m.text for m in pool if m.parent and m.parent in (mention.key, mention.parent)}
        for new in sorted(said) or [w for w in _spare().get(mention.type, ()) if w not in mention.text]:
            if not new[0].isdigit() and new not in mention.text and mention.text not in new:
                yield _Edit(mention.start, mention.end, new)


def _exchanges(kind: str) -> Callable[[Reading, str, random.Random], Iterator[_Edit]]:
    types = [t for t, k in _POOLED.items() if k == kind]
    return lambda reading, text, dice: _exchanged(reading, text, dice, types)


def _listed(reading: Reading, text: str, dice: random.Random) -> Iterator[_Edit]:
    """An item of a list replaced with one of another list: words that no lexicon knows are exchanged too."""
    items = [m[1] for m in _ITEM.finditer(text)]
    for match in _ITEM.finditer(reading.raw):
        others = [
            i for i in items if i not in reading.raw and i[-1] != match[1][-1] and abs(len(i) - len(match[1])) < 3
        ]
        if others:
            yield _Edit(match.start(1), match.end(1), dice.choice(others))


def _entity(reading: Reading, text: str, dice: random.Random) -> Iterator[_Edit]:
    by_lexicon = [] if dice.random() < 0.5 else list(_exchanged(reading, text, dice, _ENTITIES))
    yield from by_lexicon or _listed(reading, text, dice)


def _relation(reading: Reading, text: str, dice: random.Random) -> Iterator[_Edit]:
    for match in _CAUSES.finditer(reading.raw):
        yield _Edit(match.start(), match.end(), match[3] + match[2] + match[1])


def _nothing(reading: Reading, text: str, dice: random.Random) -> Iterator[_Edit]:
    yield from ()


_ERRORS: Final[dict[str, Callable[[Reading, str, random.Random], Iterator[_Edit]]]] = {
    "quantity": _quantity,
    "frequency": _frequency,
    "population": _population,
    "unit": _unit,
    "comparator": _pairs("comparator"),
    "polarity": _pairs("polarity"),
    "modality": _pairs("modality"),
    "overgeneralisation": _pairs("overgeneralisation"),
    "entity": _entity,
    "actor": _exchanges("actor"),
    "route": _exchanges("route"),
    "pairing": _pairing,
    "relation": _relation,
    "unsupported": _nothing,
    "fabricated_authority": _nothing,
}
