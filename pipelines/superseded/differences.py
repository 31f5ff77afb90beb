"""What changed between two texts, short enough to be read in a list.

「…所在地设区的市级人民政府…」→「…所在地县级人民政府…」
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from rapidfuzz import fuzz
from rapidfuzz.distance import Levenshtein

_FOLDED: Final[dict[int, int | str]] = {
    **{c: c - 0xFEE0 for c in range(0xFF01, 0xFF5F)},
    **dict.fromkeys(map(ord, "“”„‟「」『』"), '"'),
    **dict.fromkeys(map(ord, "‘’‚‛"), "'"),
    **dict.fromkeys(map(ord, "—–―‐‑−"), "-"),
    **dict.fromkeys(map(ord, "～〜∼"), "~"),
    **dict.fromkeys(map(ord, "〔【"), "("),
    **dict.fromkeys(map(ord, "〕】"), ")"),
}
"""One character for one, so that places in the folded text are places in the text."""

_MAX_CHARS: Final = 4_000
"""Of each text that is compared letter by letter, after what they begin and end with in common."""
_CONTEXT_CHARS: Final = 6
_QUOTE_CHARS: Final = 60
_MAX_CHANGES: Final = 4
_APART_CHARS: Final = 4
"""Changes with fewer equal characters between them read better as one."""
_REWRITTEN: Final = 8
"""Texts with more changes than this are shown as a whole: nothing is left to point at."""
_MUCH_LONGER: Final = 2
_PLACED_CHARS: Final = 1_000
"""Of a text that is looked for in a much longer one; the cost grows with its square."""
_IN_NUMBER: Final = re.compile(r"[\d.A-Za-z%]")


def compact(text: str) -> str:
    """The text without space, but for one blank where there is space between two digits (as exact duplicates are)."""
    single = re.sub(r"\s+", " ", text)
    return re.sub(r"(?<!\d) | (?!\d)", "", single)


def folded(text: str) -> str:
    """What is compared: no space, and punctuation in one width, so that `(一)` for `（一）` is no change of a law."""
    return compact(text).translate(_FOLDED)


def _window(old: str, new: str) -> str:
    """The part of `new` that is about what `old` says."""
    a, b = old.translate(_FOLDED), new.translate(_FOLDED)[: 2 * _MAX_CHARS]
    found = fuzz.partial_ratio_alignment(a, b, score_cutoff=60)
    return new if found is None else new[found.dest_start : found.dest_end]


class _Change(NamedTuple):
    """Characters `a:b` of the older text became `c:d` of the newer."""

    a: int
    b: int
    c: int
    d: int


def difference(older: str, newer: str) -> str:
    """What became what, `；` between several places; bounded in length whatever the texts."""
    old, new = compact(older), compact(newer)
    if (
        len(new) > _MUCH_LONGER * len(old) and len(old) <= _PLACED_CHARS
    ):  # taken into a longer text: what matters is what became of it there
        new = _window(old, new)
    changes = _changes(old.translate(_FOLDED), new.translate(_FOLDED))
    if len(changes) > _REWRITTEN:
        return f"「{_cut(old)}」→「{_cut(new)}」"
    shown = [_shown(old, new, change) for change in changes[:_MAX_CHANGES]]
    more = f"；等{len(changes)}处" if len(changes) > _MAX_CHANGES else ""
    return "；".join(shown) + more


def _changes(old: str, new: str) -> list[_Change]:
    """Where the texts differ, neighbours merged and numbers whole."""
    start = _common(old, new)
    end = _common(old[start:][::-1], new[start:][::-1])
    a, c = old[start : len(old) - end], new[start : len(new) - end]
    if max(len(a), len(c)) > _MAX_CHARS:
        return [_Change(start, len(old) - end, start, len(new) - end)]
    merged: list[_Change] = []
    for code in Levenshtein.opcodes(a, c):
        if code.tag == "equal":
            continue
        one = _whole(
            old,
            new,
            _Change(code.src_start + start, code.src_end + start, code.dest_start + start, code.dest_end + start),
        )
        if merged and one.a - merged[-1].b < _APART_CHARS:
            one = _Change(merged[-1].a, max(one.b, merged[-1].b), merged[-1].c, max(one.d, merged[-1].d))
            merged.pop()
        merged.append(one)
    return merged


def _common(a: str, b: str) -> int:
    """How many characters both begin with."""
    n = min(len(a), len(b))
    if a[:n] == b[:n]:
        return n
    low, high = 0, n
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if a[:middle] == b[:middle] else (low, middle)
    return low


def _whole(old: str, new: str, change: _Change) -> _Change:
    """The change with the whole of a number or word that it cuts into: 「15」→「18」, not 「5」→「8」."""
    a, b, c, d = change
    touched = (old[a:b] + new[c:d])[:1]
    last = (old[a:b][-1:], new[c:d][-1:])
    if _IN_NUMBER.match(touched or " "):
        for _ in range(20):
            if not (a and c and _IN_NUMBER.match(old[a - 1])):
                break
            a, c = a - 1, c - 1
    if any(_IN_NUMBER.match(x) for x in last if x):
        for _ in range(20):
            if not (b < len(old) and d < len(new) and _IN_NUMBER.match(old[b])):
                break
            b, d = b + 1, d + 1
    return _Change(a, b, c, d)


def _shown(old: str, new: str, change: _Change) -> str:
    a, b, c, d = change
    return f"{_quoted(old, a, b)}→{_quoted(new, c, d)}"


def _quoted(text: str, start: int, end: int) -> str:
    """The characters with what stands around them."""
    low, high = max(0, start - _CONTEXT_CHARS), end + _CONTEXT_CHARS
    around = f"{text[low:start]}{_cut(text[start:end])}{text[end:high]}"
    return f"「{'…' * (low > 0)}{around}{'…' * (high < len(text))}」"


def _cut(text: str) -> str:
    """The text, its middle left out where it is long."""
    half = _QUOTE_CHARS // 2
    return text if len(text) <= _QUOTE_CHARS else f"{text[:half]}……{text[-half:]}"
