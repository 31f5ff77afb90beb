"""Headings and clause numbers of Chinese books and guidelines, told from the wording of one line.

Families, from the outermost: 第一篇, 第一章 (and 卷一, 附录A), 第一节, 1 / 1.2 / 1.2.3, 一、, （一）, 1., （1）.
Which of the later families stands inside which differs from book to book, so a family takes its place where it
first turns up: see `Outline`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final, NamedTuple

EXPLICIT: Final = "explicit"
"""The family of headings that the format itself marks (`##`, `<h2>`, a style)."""

FRONT: Final = "front"
"""The family of headings that no part of the text proper stands under: 前言, 目次, 参考文献."""

_NUMERAL: Final = "[0-9０-９〇零一二三四五六七八九十百]"
_SPACE: Final = r"[ \t\u3000\xa0]"
_MAX_TITLE_CHARS: Final = 40

_PATTERNS: Final = tuple(
    (family, re.compile(pattern))
    for family, pattern in (
        ("篇", rf"(?P<n>第{_SPACE}?{_NUMERAL}{{1,5}}{_SPACE}?[篇编卷]|[上中下]篇)(?P<t>(?:{_SPACE}|[：:])*.*)"),
        ("章", rf"(?P<n>第{_SPACE}?{_NUMERAL}{{1,5}}{_SPACE}?章)(?P<t>.*)"),
        (
            "章",
            rf"(?P<n>卷之?{_NUMERAL}{{1,4}}|附{_SPACE}?录{_SPACE}?(?:[A-Z]|{_NUMERAL})?)(?P<t>(?:{_SPACE}|[：:]).*|)",
        ),
        ("节", rf"(?P<n>第{_SPACE}?{_NUMERAL}{{1,5}}{_SPACE}?节)(?P<t>(?:{_SPACE}|[：:])*.*)"),
        (
            "decimal",
            rf"(?P<n>(?:[A-Z]\.)?\d{{1,2}}(?:[.．]\d{{1,3}}){{0,7}})"
            rf"(?P<t>{_SPACE}+(?:[^\W\d_a-z].*|\d{{1,2}}{_SPACE}?[岁月周～~].*)|(?<=[.．]\d)[\u4e00-\u9fff].*|{_SPACE}*)",
        ),
        ("一、", r"(?P<n>[一二三四五六七八九十]{1,3})、(?P<t>.*)"),
        ("（一）", r"(?P<n>[（(][一二三四五六七八九十]{1,3}[）)])(?P<t>.*)"),
        ("1.", r"(?P<n>\d{1,2})(?:[.．](?!\d)|、)(?P<t>.*)"),
        ("（1）", r"(?P<n>[（(]\d{1,2}[）)])(?P<t>.*)"),
    )
)
_RANKS: Final = {"篇": 0, "章": 1, "节": 2}
_SENTENCE: Final = re.compile(r"[。；，！？,;!?]|：.")
_LEAD_IN: Final = re.compile(r"下列|以下|如下|包括|.{9}")
_SPACED_OUT: Final = re.compile(r"(?<!\S)[\u4e00-\u9fff](?: [\u4e00-\u9fff])+(?!\S)")

ARTICLE: Final = re.compile(rf"第{_NUMERAL}{{1,6}}条(?:之{_NUMERAL}{{1,3}})?(?={_SPACE}|[：:、]|$)")
RECOMMENDATION: Final = re.compile(
    rf"(?:【)?(?:推荐意见|推荐要点|推荐|共识意见|专家共识|共识|建议|临床问题|Recommendation){_SPACE}?"
    rf"(?P<n>{_NUMERAL}{{1,4}}(?:[.．]\d{{1,2}}){{0,3}})(?:】|(?={_SPACE}|[：:、.．（(]|$))"
)
CLAUSE: Final = re.compile(
    rf"(?:[A-Z]\.\d{{1,3}}|\d{{1,2}}[.．]\d{{1,3}})(?:[.．]\d{{1,3}}){{0,6}}(?={_SPACE}|[^\d\s.．,，、%％~～\-–:：a-zA-Z/×x*])"
)


class Heading(NamedTuple):
    """A heading as written. `depth` counts the dots of a decimal number, or the level of an explicit one."""

    family: str
    depth: int
    number: str
    title: str
    """Number and wording, blanks tidied: `第一章 总则`."""


def parse_heading(line: str) -> Heading | None:
    """The heading that `line` is by its number, or None where it reads as a sentence or as a list item."""
    line = line.strip()
    if len(line) > _MAX_TITLE_CHARS + 12:
        return None
    for family, pattern in _PATTERNS:
        found = pattern.fullmatch(line)
        if found is None:
            continue
        number, title = found["n"], found["t"].strip(" \t\u3000\xa0：:")
        if len(title) > _MAX_TITLE_CHARS or _SENTENCE.search(title):
            return None
        if line.endswith(("：", ":")) and (family == "decimal" or _LEAD_IN.search(title)):
            return None  # it leads in what follows
        if not title and family not in _RANKS and family != "decimal":
            return None
        depth = len(re.findall(r"[.．]", number)) if family == "decimal" else 0
        return Heading(family, depth, "".join(number.split()), tidy(line))
    return None


def explicit(level: int, text: str) -> Heading:
    """A heading that the format marks, `level` 1 the outermost."""
    title = tidy(text).rstrip("。.：:")
    parsed = parse_heading(title)
    return Heading(EXPLICIT, level, parsed.number if parsed else "", title)


def tidy(text: str) -> str:
    """One line, single blanks, and none between single characters that were spaced out (`总 则`)."""
    return _SPACED_OUT.sub(lambda found: found.group().replace(" ", ""), " ".join(text.split()))


def clause_number(text: str) -> tuple[str, str] | None:
    """The number that a provision begins with and what follows it: an article, a recommendation or a clause."""
    for pattern in (ARTICLE, RECOMMENDATION, CLAUSE):
        if found := pattern.match(text):
            number = "".join(found.group().split()).strip("【】")
            return number, text[found.end() :].lstrip(" \t\u3000\xa0：:、.．】")
    return None


def decimal_key(number: str) -> tuple[int | str, ...]:
    """`A.4.2` as `("A", 4, 2)`."""
    return tuple(int(part) if part.isdigit() else part for part in re.split(r"[.．]", number))


@dataclass
class DecimalSequence:
    """Tells a clause number from a figure at the start of a line: numbers of clauses come in order."""

    last: tuple[int | str, ...] = ()

    def accept(self, number: str) -> bool:
        """Whether `number` may come next: one deeper, or the next (or next but one) at an open level."""
        if not self.expects(number):
            return False
        self.last = decimal_key(number)
        return True

    def expects(self, number: str) -> bool:
        """Whether `accept` would, without taking it."""
        return self._follows(decimal_key(number))

    def _follows(self, key: tuple[int | str, ...]) -> bool:
        parent, own = key[:-1], key[-1]
        if isinstance(own, str):
            return True
        if parent == self.last:
            return own <= 1
        before = self.last[len(parent)] if len(self.last) > len(parent) else None
        if isinstance(before, int) and parent == self.last[: len(parent)]:
            return before < own <= before + 2
        if own != 1 or not parent:
            return False
        # A new annex, or a first clause whose chapter is numbered in another way (第二章, then 2.1).
        return (len(parent) == 1 and isinstance(parent[0], str)) or self._follows(parent)


@dataclass
class Outline:
    """The headings that are open at one place of a document, outermost first."""

    open: list[Heading] = field(default_factory=list)

    def enter(self, heading: Heading) -> None:
        """Closes what `heading` ends and opens it.

        A family that is open already closes at its own place. A new one goes inside, except that parts,
        chapters and sections keep their order and close every family that stands below them.
        """
        place = len(self.open)
        for at, other in enumerate(self.open):
            if (other.family == heading.family and other.depth >= heading.depth) or _outranks(heading, other):
                place = at
                break
        del self.open[place:]
        self.open.append(heading)

    def path(self) -> tuple[str, ...]:
        """The wording of the open headings."""
        return tuple(heading.title for heading in self.open)


def _outranks(heading: Heading, other: Heading) -> bool:
    if FRONT in (heading.family, other.family):
        return True
    if other.family == EXPLICIT:
        return False
    if heading.family == EXPLICIT:
        return True
    if heading.family not in _RANKS:
        return False
    return other.family not in _RANKS or _RANKS[other.family] >= _RANKS[heading.family]
