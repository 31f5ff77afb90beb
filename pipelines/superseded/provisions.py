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
_SKETCH, _SAMPLED = 16, 6
"""Grams of a text by which its likely counterparts are found: the lowest by hash, so that like texts share some, and
one of six, so that a short text shares some with a long one that holds it."""
_SKETCHED_CHARS: Final = 30_000
_MAX_POSTINGS: Final = 48
"""A gram that more provisions share than this tells nothing about any."""
_MAX_CANDIDATES: Final = 8
_COMPARED_CHARS: Final = 1_500
"""Of each text, for similarity."""
_SIMILAR: Final = 50.0
"""Similarity, of 100, from which a text is taken for another version of the same."""
_ABSORBED: Final = 0.6
"""Share of a provision's grams that have to stand in one that has its own counterpart already."""
_SAME_NUMBER, _SAME_HEADING = 15.0, 10.0
"""What an equal number or heading adds to the similarity when two candidates compete."""
_STABLE: Final = 0.8
"""Share of the provisions that kept their number from which one that reads otherwise is known by its number."""
_ALIKE: Final = 0.05
"""Share of an older version's provisions that live on in the newer one, at least."""
_FEW: Final = 4
"""Fewer provisions than this prove nothing by being different."""
_TELLING_CHARS: Final = 12
"""Fewer characters than this stand in many provisions by chance."""
_MAX_LINES: Final = 200

_COVERED: Final = 0.9
"""Share of a provision that its pieces have to make up; the rest may be numbers of clauses."""
_NUMBER: Final = (
    r"(?:第?[0-9〇零一二三四五六七八九十百]{1,5}[章节篇部分条、.]|[(（][0-9一二三四五六七八九十]{1,3}[)）]"
    r"|[A-Z]?(?:\.?\d{1,3}){1,6}\.?(?!\d))"
)
_LEADING_NUMBER: Final = re.compile(rf"^{_NUMBER}")
_NUMBERED: Final = re.compile(_NUMBER)
_STOPS: Final = "。;:!?"
_BEFORE: Final = re.compile(rf"[{_STOPS}]{_NUMBER}?$")


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


def added(older: Sequence[Provision], newer: Sequence[Provision], held: set[Provision]) -> list[Provision]:
    """What of `newer` took no place of an older provision (`held`), and stands in none word for word."""
    old, rest = _Side(older), [p for p in newer if p not in held]
    new, candidates = _Side(rest), _Candidates(old)
    return [
        p
        for p, text in zip(rest, new.texts, strict=True)
        if not any(text == old.texts[j] or (text and stands_in(text, old.texts[j])) for j in candidates.by_text(text))
    ]


class _Side:
    """Provisions with what they are compared by."""

    def __init__(self, provisions: Sequence[Provision]) -> None:
        self.provisions = provisions
        self.texts = [folded(p.text) for p in provisions]
        self.headings = ["\x1f".join(_LEADING_NUMBER.sub("", folded(h)) for h in p.path) for p in provisions]
        self.numbers = [folded(p.number) for p in provisions]


def compared(older: Sequence[Provision], newer: Sequence[Provision]) -> list[Pair]:
    """What became of each of `older`, in its order.

    Equal texts first, and those that stand word for word in a longer provision or in several, for two files are not
    always cut alike; of the rest, pairs of like texts by similarity, an equal number or heading counting in their
    favour; then what stands in the same place, however it reads; then what was taken into a longer provision.

    Cost: linear in the characters, and a bounded number of comparisons for each provision.
    """
    old, new = _Side(older), _Side(newer)
    found: dict[int, int] = dict(_equal(old, new))
    is_equal = set(found)
    known = {old.texts[i] for i in is_equal}
    free = {j for j, text in enumerate(new.texts) if text not in known}
    candidates = _Candidates(new)
    recut = _recut(old, new, [i for i in range(len(older)) if i not in found], candidates)
    found.update(recut)
    is_equal |= set(recut)
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


def _grams(text: str) -> set[str]:
    data = text[:_SKETCHED_CHARS]
    return {data[k : k + _GRAM] for k in range(max(1, len(data) - _GRAM + 1))}


def _sketch(text: str) -> set[int]:
    hashes = sorted(zlib.crc32(gram.encode("utf-8", "surrogatepass")) for gram in _grams(text))
    return {*hashes[:_SKETCH], *(h for h in hashes if h % _SAMPLED == 0)}


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


def _recut(old: _Side, new: _Side, left: Sequence[int], candidates: _Candidates) -> dict[int, int]:
    """Provisions whose words all stand in the newer version, in one together with others or in several by pieces.

    Only where nothing else stands there: a sentence that was added is a change.
    """
    found: dict[int, int] = {}
    together: dict[int, list[int]] = defaultdict(list)
    for i in left:
        likely = candidates.by_text(old.texts[i])
        if len(old.texts[i]) < _TELLING_CHARS:
            continue
        holder = next((j for j in likely if stands_in(old.texts[i], new.texts[j])), None)
        if holder is not None:
            together[holder].append(i)
        elif (pieces := _pieces(old, i, new, candidates)) is not None:
            found[i] = pieces
    for holder, held in together.items():
        covered = sum(len(text) for text in {old.texts[i] for i in held})
        if len(held) > 1 and covered >= _COVERED * len("".join(_lines(new.provisions[holder].text))):
            found.update(dict.fromkeys(held, holder))
    return found


def _pieces(old: _Side, i: int, new: _Side, candidates: _Candidates) -> int | None:
    """The longest of the provisions that this one was cut into, where they say all that it said."""
    lines = _lines(old.provisions[i].text)
    if not 1 < len(lines) <= _MAX_LINES:
        return None
    likely = {j for line in lines for j in candidates.by_text(line)}
    ranked = sorted(likely, key=lambda j: (-len(new.texts[j]), j))
    rest, used = "".join(lines), []
    for j in ranked:
        if new.texts[j] and new.texts[j] in rest:
            rest = rest.replace(new.texts[j], "", 1)
            used.append(j)
    return used[0] if len(used) > 1 and len(rest) <= (1 - _COVERED) * len(old.texts[i]) else None


def _lines(text: str) -> list[str]:
    """The lines as they are compared, each without the number that it begins with."""
    return [_LEADING_NUMBER.sub("", folded(line)) for line in text.split("\n")]


def stands_in(text: str, into: str) -> bool:
    """Whether `text` stands in `into` as sentences of its own: `推荐使用。` does not stand in `不推荐使用。`."""
    at = into.find(text)
    for _ in range(8):
        if at < 0:
            return False
        before, after = into[max(0, at - 16) : at], into[at + len(text) :][:16]
        begins = at == 0 or _BEFORE.search(before) or (at <= 16 and _LEADING_NUMBER.fullmatch(before))
        ends = (
            text[-1] in _STOPS or not after or after[0] == "。" or (not text[-1].isdigit() and _NUMBERED.match(after))
        )
        if begins and ends:
            return True
        at = into.find(text, at + 1)
    return False


def _absorber(old: _Side, new: _Side, i: int, candidates: _Candidates) -> int | None:
    """The provision that took this one in, most of its words unchanged."""
    grams = _grams(old.texts[i])
    best, found = _ABSORBED * len(grams), None
    for j in candidates.by_text(old.texts[i]):
        shared = len(grams & _grams(new.texts[j]))
        if shared > best:
            best, found = shared, j
    return found
