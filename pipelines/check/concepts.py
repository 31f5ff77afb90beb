"""The words of a text by what they mean: 发烧, 发热 and 体温升高 are one concept."""

from __future__ import annotations

import functools
from collections.abc import Container, Iterable, Mapping
from operator import add
from typing import Final, NamedTuple

from pipelines.check.lexicon import Lexicon, lexicon
from pipelines.check.reading import fold
from pipelines.lexicons import rows

_SILENT: Final = ("function", "courtesy")
_ONE: Final = (1,)


class Concept(NamedTuple):
    """`folded[start:end]` of a text.

    Attributes:
        start, end: In the text.
        keys: What it may mean, as numbers of groups; empty for words of grammar and courtesy.
        light: It says little by itself (给予, 需要, 出现).
        parts: What the shorter words within it mean (母乳 in 母乳喂养).
    """

    start: int
    end: int
    keys: tuple[int, ...]
    light: bool
    parts: tuple[int, ...]


class _Word(NamedTuple):
    keys: tuple[int, ...]
    light: bool
    parts: tuple[int, ...] = ()


@functools.lru_cache(maxsize=64)
def concepts(folded: str) -> tuple[Concept, ...]:
    """The concepts of a folded text in order, the longest at each place; none overlap."""
    lengths, known, _ = _lexicon()
    found = []
    free = 0
    for at in [i for i, pair in enumerate(map(add, folded, folded[1:] + "\0")) if pair in lengths or pair[0] in known]:
        if at < free:
            continue
        for n in lengths.get(folded[at : at + 2], _ONE):
            text = folded[at : at + n]
            word = known.get(text)
            if word is not None and (text[-1] > "z" < text[0] or not _within_latin(folded, at, at + len(text))):
                free = at + len(text)
                found.append(Concept(at, free, *word))
                break
    return tuple(found)


def keys_of(word: str) -> tuple[int, ...]:
    """What a folded word may mean; empty where it is not known."""
    known = _lexicon().known.get(word)
    return known.keys if known else ()


def known_words(fields: Container[str]) -> Iterable[str]:
    """All words of these fields, folded."""
    return (word for word, of in _lexicon().known.items() if any(field_of(key) in fields for key in of.keys))


def field_of(key: int) -> str:
    """Of what a group is: `symptom`, `test`, `law`, `verb` …, or the type of a name."""
    return _lexicon().fields[key]


def _within_latin(folded: str, start: int, end: int) -> bool:
    """Whether a word in Latin letters is a part of a longer one."""
    before, after = folded[start - 1 : start], folded[end : end + 1]
    return (_is_latin(folded[start]) and _is_latin(before)) or (_is_latin(folded[end - 1]) and _is_latin(after))


def _is_latin(c: str) -> bool:
    return "a" <= c <= "z"


class _Compiled(NamedTuple):
    """First two characters → lengths of words, the longest first; word → what it means; the field of each group."""

    lengths: dict[str, tuple[int, ...]]
    known: dict[str, _Word]
    fields: tuple[str, ...]


_compiled: tuple[Lexicon, _Compiled] | None = None


def _lexicon() -> _Compiled:
    """The synonyms and the names that count now; compiled anew when the user's names change."""
    global _compiled
    names = lexicon()
    if _compiled is None or _compiled[0] is not names:
        _compiled = names, _compile(names)
    return _compiled[1]


def _compile(names: Lexicon) -> _Compiled:
    silent = _silent()
    groups = [(row["field"], [*map(fold, row["words"].split())]) for row in rows("check_synonyms")]
    things: dict[tuple[str, str], list[str]] = {}
    for word in (word for each in names.by_two.values() for word in each if word.type != "plain"):
        things.setdefault((word.type, word.key), []).append(word.text)
    groups += ((type_, listed) for (type_, _), listed in things.items())
    keys: dict[str, list[int]] = {}
    light: set[int] = set()
    for number, (_, group) in enumerate(groups):
        if sum(word in silent for word in group) * 2 >= len(group):
            light.add(number)
        for each in dict.fromkeys(group):
            keys.setdefault(each, []).append(number)
    known = {w: _Word(tuple(k), light.issuperset(k)) for w, k in keys.items()}
    known |= {w: _Word((), True) for w in silent - known.keys() if len(w) > 1}
    for text, (own, is_light, _) in known.items():
        if own and (parts := _parts(text, known) - set(own)):
            known[text] = _Word(own, is_light, tuple(sorted(parts)))
    lengths: dict[str, set[int]] = {}
    for text in known:
        if len(text) > 1:
            lengths.setdefault(text[:2], {1}).add(len(text))
    by_two = {pair: tuple(sorted(n, reverse=True)) for pair, n in lengths.items()}
    return _Compiled(by_two, known, tuple(field for field, _ in groups))


def _parts(word: str, known: Mapping[str, _Word]) -> set[int]:
    pieces = (word[i:j] for i in range(len(word) - 1) for j in range(i + 2, len(word) + 1))
    return {key for piece in pieces if piece in known and not known[piece].light for key in known[piece].keys}


def _silent() -> frozenset[str]:
    return frozenset(word for row in rows("check_common") if row["kind"] in _SILENT for word in row["words"].split())


SILENT: Final = frozenset(word for word in _silent() if len(word) == 1)
"""Characters of grammar."""
