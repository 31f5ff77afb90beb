"""What became of each provision of an older version in the newer one."""

from __future__ import annotations

import re
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from rapidfuzz import fuzz

from pipelines.superseded.differences import folded

_GRAM: Final = 3
_SKETCH: Final = 64
"""Grams of a text by which its likely counterparts are found: the lowest by hash, so that like texts share them."""
_MAX_POSTINGS: Final = 48
"""A gram that more provisions share than this tells nothing about any."""
_MAX_CANDIDATES: Final = 8
_COMPARED_CHARS: Final = 1_500
"""Of each text, for similarity."""
_SIMILAR: Final = 50.0
"""Similarity, of 100, from which a text is taken for another version of the same."""
_ABSORBED: Final = 85.0
"""Share of a provision, of 100, that has to stand in one that has its own counterpart already."""
_SAME_NUMBER, _SAME_HEADING = 15.0, 10.0
"""What an equal number or heading adds to the similarity when two candidates compete."""
_STABLE: Final = 0.8
"""Share of the provisions that kept their number from which one that reads otherwise is known by its number."""
_ALIKE: Final = 0.05
"""Share of an older version's provisions that live on in the newer one, at least."""
_FEW: Final = 4
"""Fewer provisions than this prove nothing by being different."""

_LEADING_NUMBER: Final = re.compile(
    r"^(?:第?[0-9〇零一二三四五六七八九十百]{1,5}[章节篇部分、.]|[(（][0-9一二三四五六七八九十]{1,3}[)）]|[A-Z]?(?:\.?\d{1,3}){1,6}\.?(?!\d))"
)


class Provision(NamedTuple):
    """An article, a recommendation or a section."""

    record_id: str
    number: str
    path: tuple[str, ...]
    text: str

    @property
    def place(self) -> str:
        """How a person would name it: its number, else its heading."""
        return self.number or (self.path[-1] if self.path else "")


class Pair(NamedTuple):
    """A provision of the older version and what it became."""

    older: Provision
    newer: Provision | None
    """None where nothing in the newer version corresponds to it."""
    is_equal: bool
    is_similar: bool = False
    """Whether the two were paired for their words, and not for their place."""


class _Side:
    """Provisions with what they are compared by."""

    def __init__(self, provisions: Sequence[Provision]) -> None:
        self.provisions = provisions
        self.texts = [folded(p.text) for p in provisions]
        self.headings = ["\x1f".join(_LEADING_NUMBER.sub("", folded(h)) for h in p.path) for p in provisions]
        self.numbers = [folded(p.number) for p in provisions]


def compared(older: Sequence[Provision], newer: Sequence[Provision]) -> list[Pair]:
    """What became of each of `older`, in its order.

    Equal texts first; of the rest, pairs of like texts by similarity, an equal number or heading counting in their
    favour; then what stands in the same place, however it reads; then what was taken into a longer provision.

    Cost: linear in the characters, and a bounded number of comparisons for each provision.
    """
    old, new = _Side(older), _Side(newer)
    found: dict[int, int] = dict(_equal(old, new))
    is_equal = set(found)
    known = {old.texts[i] for i in is_equal}
    free = {j for j, text in enumerate(new.texts) if text not in known}
    candidates = _Candidates(new)
    left = [i for i in range(len(older)) if i not in found]
    scored = [(*_score(old, new, i, j), i, j) for i in left for j in candidates.of(old, i) if j in free]
    by_text = sorted((-score, i, j) for is_like, score, i, j in scored if is_like)
    _take(by_text, found, free)
    similar = set(found)
    by_place = sorted((-score, i, j) for is_like, score, i, j in scored if not is_like)
    is_stable = _numbers_stay(old, new, found)
    _take([(s, i, j) for s, i, j in by_place if _is_same_place(old, new, i, j, is_stable)], found, free)
    for i in left:
        if i not in found and (into := _absorber(old, new, i, candidates)) is not None:
            found[i] = into
            similar.add(i)
    return [Pair(p, newer[found[i]] if i in found else None, i in is_equal, i in similar) for i, p in enumerate(older)]


def are_versions(pairs: Sequence[Pair]) -> bool:
    """Whether enough of the older text lives on for the two to be versions of one document.

    Titles can mislead (a journal's name on every article, one title for a folder of files); words do not.
    """
    n_alike = sum(pair.is_similar for pair in pairs)
    return len(pairs) < _FEW or n_alike >= max(1, _ALIKE * len(pairs))


def _equal(old: _Side, new: _Side) -> Iterator[tuple[int, int]]:
    """Each provision whose text stands in the newer version, with where: in the same place if it is there too."""
    at: dict[tuple[str, ...], int] = {}
    for j, (text, number, heading) in enumerate(zip(new.texts, new.numbers, new.headings, strict=True)):
        for key in _places(text, number, heading):
            at.setdefault(key, j)
    for i, (text, number, heading) in enumerate(zip(old.texts, old.numbers, old.headings, strict=True)):
        same = next((at[key] for key in _places(text, number, heading) if key in at), None)
        if same is not None:
            yield i, same


def _places(text: str, number: str, heading: str) -> tuple[tuple[str, ...], ...]:
    return ("both", text, number, heading), ("number", text, number), ("heading", text, heading), ("text", text)


class _Candidates:
    """Finds the few provisions of the newer version that an older one may have become."""

    def __init__(self, new: _Side) -> None:
        self._by_gram: dict[int, list[int]] = defaultdict(list)
        self._by_number: dict[tuple[str, str], list[int]] = defaultdict(list)
        self._by_heading: dict[str, list[int]] = defaultdict(list)
        for j, text in enumerate(new.texts):
            for gram in _sketch(text):
                self._by_gram[gram].append(j)
            if new.numbers[j]:
                self._by_number[new.numbers[j], ""].append(j)
                self._by_number[new.numbers[j], new.headings[j]].append(j)
            self._by_heading[new.headings[j]].append(j)

    def of(self, old: _Side, i: int) -> list[int]:
        """The likeliest, at most `_MAX_CANDIDATES` by text and a few by place."""
        return sorted({*self.by_text(old.texts[i]), *self._by_place(old, i)})

    def by_text(self, text: str) -> list[int]:
        """Those that share most grams with the text."""
        votes: Counter[int] = Counter()
        for gram in _sketch(text):
            postings = self._by_gram.get(gram, ())
            if len(postings) <= _MAX_POSTINGS:
                votes.update(postings)
        ranked = sorted(votes.items(), key=lambda item: (-item[1], item[0]))
        return [j for j, _ in ranked[:_MAX_CANDIDATES]]

    def _by_place(self, old: _Side, i: int) -> list[int]:
        number, heading = old.numbers[i], old.headings[i]
        if number:
            same = (*self._by_number.get((number, heading), ())[:2], *self._by_number.get((number, ""), ())[:2])
            return list(same)
        return list(self._by_heading.get(heading, ())[:2]) if heading else []


def _sketch(text: str) -> list[int]:
    data = text[: 2 * _COMPARED_CHARS]
    grams = {data[k : k + _GRAM] for k in range(max(1, len(data) - _GRAM + 1))}
    return sorted(zlib.crc32(gram.encode("utf-8", "surrogatepass")) for gram in grams)[:_SKETCH]


def _score(old: _Side, new: _Side, i: int, j: int) -> tuple[bool, float]:
    """Whether the two are like texts, and how well they fit."""
    same_number = bool(old.numbers[i]) and old.numbers[i] == new.numbers[j]
    same_heading = bool(old.headings[i]) and old.headings[i] == new.headings[j]
    similarity = fuzz.ratio(old.texts[i][:_COMPARED_CHARS], new.texts[j][:_COMPARED_CHARS])
    return similarity >= _SIMILAR, similarity + _SAME_NUMBER * same_number + _SAME_HEADING * same_heading


def _take(ranked: Sequence[tuple[float, int, int]], found: dict[int, int], free: set[int]) -> None:
    """Pairs what is still without a counterpart, the best first."""
    for _, i, j in ranked:
        if i not in found and j in free:
            found[i] = j
            free.discard(j)


def _numbers_stay(old: _Side, new: _Side, found: dict[int, int]) -> bool:
    """Whether the newer version left the numbers as they were, so that an equal number means something."""
    kept = [old.numbers[i] == new.numbers[j] for i, j in found.items() if old.numbers[i] and new.numbers[j]]
    return bool(kept) and sum(kept) >= _STABLE * len(kept)


def _is_same_place(old: _Side, new: _Side, i: int, j: int, is_stable: bool) -> bool:
    if old.numbers[i] != new.numbers[j] or old.headings[i] != new.headings[j]:
        return False
    return is_stable if old.numbers[i] else bool(old.headings[i])


def _absorber(old: _Side, new: _Side, i: int, candidates: _Candidates) -> int | None:
    """The provision that took this one in."""
    text = old.texts[i][:_COMPARED_CHARS]
    best, found = _ABSORBED, None
    for j in candidates.by_text(old.texts[i]):
        into = new.texts[j][: 2 * _COMPARED_CHARS]
        share = fuzz.partial_ratio(text, into) if 8 <= len(text) <= len(into) else fuzz.ratio(text, into)
        if share > best:
            best, found = share, j
    return found
