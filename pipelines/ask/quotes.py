"""Finding in a passage what a model says it quotes: exactly, or after folding what copying changes."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from pipelines.characters import character_map

_DROPPED: Final = frozenset("，。；：、！？,;:!?“”‘’\"'「」『』《》〈〉【】[]（）()〔〕…·*#_`|｜")
_DASHES: Final = frozenset("-–—－~～〜−‐‑")
_DIGIT: Final = re.compile(r"\d")
_ELLIPSIS: Final = re.compile(r"…+|\.{3,}|。{3,}")
_MAX_QUOTES: Final = 60
_MAX_PLACES: Final = 100
_MAX_QUOTE_CHARS: Final = 2_000


class Folded(NamedTuple):
    """A text without blanks and punctuation, in one width and case, and where each of its characters stood."""

    text: str
    places: list[int]


class _Plain(dict[str, str]):
    """Character → what it is folded to; empty for those that are left out, a comma or a point for those that may be."""

    def __missing__(self, character: str) -> str:
        plain = "~" if character in _DASHES else character_map().get(character, character)
        if plain in (",", "，"):
            plain = ","
        elif plain in _DROPPED or plain.isspace():
            plain = ""
        self[character] = plain.lower()
        return self[character]


_PLAIN: Final = _Plain()


def folded(text: str) -> Folded:
    """`text` folded. A comma or a point inside a number stays: 1,5 and 15 differ."""
    return _folded_again(text) if len(text) <= _MAX_QUOTE_CHARS else _folded(text)


def _folded(text: str) -> Folded:
    kept: list[str] = []
    places: list[int] = []
    for at, character in enumerate(text):
        plain = _PLAIN[character]
        if not plain or (plain in (",", ".") and not _between_digits(text, at)):
            continue
        if len(plain) == 1:
            kept.append(plain)
            places.append(at)
        else:
            kept += plain
            places += [at] * len(plain)
    return Folded("".join(kept), places)


_folded_again = functools.lru_cache(maxsize=256)(_folded)  # an item's question and quotes are folded by every check


def _between_digits(text: str, at: int) -> bool:
    return 0 < at < len(text) - 1 and bool(_DIGIT.match(text[at - 1])) and bool(_DIGIT.match(text[at + 1]))


def find(quote: str, text: str, fold: Folded) -> tuple[int, int] | None:
    """Where a quote stands in a passage, in the passage's own characters; None where it does not.

    Args:
        quote: As the model wrote it.
        text: The passage.
        fold: Of the passage.
    """
    stripped = quote.strip()
    at = _whole(stripped, text)
    if at is not None:
        return at, at + len(stripped)
    bare = folded(stripped).text
    at = _whole(bare, fold.text)
    return None if at is None else (fold.places[at], fold.places[at + len(bare) - 1] + 1)


def _whole(part: str, text: str) -> int | None:
    """The first place of a part where it does not begin or end inside a number: 5mg is no quote of 15mg."""
    at = text.find(part) if part else -1
    for _ in range(_MAX_PLACES):
        if at < 0:
            return None
        if not _cuts_a_number(text, at, at + len(part)):
            return at
        at = text.find(part, at + 1)
    return None


def _cuts_a_number(text: str, start: int, end: int) -> bool:
    return any(0 < at < len(text) and _in_number(text, at) for at in (start, end))


def _in_number(text: str, at: int) -> bool:
    """Whether a number goes across a place: 1|5, 1|.5, 1.|5."""
    before, after = text[at - 1], text[at]
    if before.isdigit():
        return after.isdigit() or (after in ".," and text[at + 1 : at + 2].isdigit())
    return before in ".," and after.isdigit() and text[max(at - 2, 0)].isdigit()


def parts_of(quotes: Sequence[str], min_chars: int) -> list[str]:
    """The quotes as they can be looked for: cut at ellipses, those too short to be evidence left out."""
    found = []
    for quote in quotes[:_MAX_QUOTES]:
        found += [part for part in _ELLIPSIS.split(quote[:_MAX_QUOTE_CHARS]) if len(folded(part).text) >= min_chars]
    return list(dict.fromkeys(found))


def merged(spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Spans in order, those that overlap or touch as one."""
    made: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if made and start <= made[-1][1]:
            made[-1] = (made[-1][0], max(end, made[-1][1]))
        else:
            made.append((start, end))
    return made
