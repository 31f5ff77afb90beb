"""Plain text → blocks: paragraphs across hard wraps, headings by their numbers, contents and page numbers apart."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Final, NamedTuple

from sources.headings import ARTICLE, CLAUSE, FRONT, DecimalSequence, Heading, parse_heading
from sources.sections import CONTENTS, FORMULA, Block, closed

_LINE: Final = re.compile(r"[^\r\n\x0b\x0c\x85\u2028\u2029]+")
_BLANKS: Final = " \t\u3000\xa0\ufeff\u200b"
_PAGE_NUMBER: Final = re.compile(
    r"[-—–－·•~～=]{1,3}\s*\d{1,4}\s*[-—–－·•~～=]{1,3}|\d{1,4}|第\s*\d{1,4}\s*页(?:\s*[，,/]?\s*共\s*\d{1,4}\s*页)?|[pP]age\s*\d{1,4}(?:\s*of\s*\d{1,4})?"
)
_DOT_LEADER: Final = re.compile(
    r"(?:[.]{4,200}|…{2,}|·{4,}|．{4,}|(?:\. ){4,}|-{6,}|─{4,})\s*[（(]?\s*(?:[\dIVXivx]{1,5})\s*[）)]?\s*$"
)
_HAN: Final = re.compile(r"[\u4e00-\u9fff]")
TERMINAL: Final = "。！？；：!?;:”』」）)…"
_ITEM: Final = re.compile(
    r"(?:[（(][一二三四五六七八九十\d]{1,3}[）)]|[一二三四五六七八九十]{1,3}、|\d{1,2}[.．、)）](?!\d)|[a-zA-Z][)）.．]\s|[①-⑳]|[●•◆■○▪※*·—]|【|注\d{0,2}[：:]|〔)"
)
_ANNEX_STATUS: Final = re.compile(r"[（(](?:资料性|规范性)(?:附录)?[）)]")
_FORMULA_KEY: Final = re.compile(r"式中[：:]?$|(?:式中[：:])?[A-Za-zα-ω]\w{0,4}\s?[—─-]{1,3}")
PARAGRAPH_LINES: Final = 1_000  # more than any paragraph has: the text has no ends that can be told
_SAMPLE_LINES: Final = 20_000


class Line(NamedTuple):
    """A line that is not blank, its text without the blanks around it."""

    text: str
    start: int
    end: int
    number: int
    is_after_blank: bool


def lines(text: str) -> Iterator[Line]:
    """The lines of `text` that hold anything, without copying it first."""
    number, at = 1, 0
    for found in _LINE.finditer(text):
        n_breaks = _n_breaks(text, at, found.start())
        number += n_breaks
        at = found.end()
        bare = found.group().lstrip(_BLANKS)
        start = at - len(bare)
        bare = bare.rstrip(_BLANKS)
        if bare:
            yield Line(bare, start, start + len(bare), number, n_breaks > 1)


def _n_breaks(text: str, start: int, end: int) -> int:
    gap = text[start:end]
    return len(gap) - gap.count("\r\n")


def wrap_chars(text: str) -> int | None:
    """The length at which lines were hard-wrapped, or None where a line is a paragraph.

    Wrapped text has most of its characters on lines of nearly one length, and cuts sentences at their ends.
    """
    lengths: Counter[int] = Counter()
    cut: Counter[int] = Counter()
    for n, line in enumerate(lines(text)):
        if n == _SAMPLE_LINES:
            break
        lengths[len(line.text)] += 1
        cut[len(line.text)] += line.text[-1] not in TERMINAL
    best = max(range(20, 121), key=lambda length: (_near(lengths, length), -length))
    n_near = _near(lengths, best)
    n_all = sum(n for length, n in lengths.items() if length >= 12)
    if n_near < 8 or n_near < 0.3 * n_all or _near(cut, best) < 0.5 * n_near:
        return None
    return best


def _near(lengths: Counter[int], length: int) -> int:
    return sum(lengths[near] for near in range(length - 3, length + 2))


def join_lines(parts: list[str]) -> str:
    """The lines of one paragraph as one: a blank between Latin words, none where either side is Chinese."""
    if len(parts) == 1:
        return parts[0]
    pieces = [parts[0]]
    for before, after in pairwise(parts):
        between_words = before[-1:].isascii() and before[-1:].isalnum() and after[:1].isascii() and after[:1].isalnum()
        pieces += (" ", after) if between_words else (after,)
    return "".join(pieces)


def dot_leader(text: str) -> re.Match[str] | None:
    """The dots and the page number that a line of a table of contents ends with.

    Cost: looks at the last 300 characters only; in a long line of dots a search from each would take for ever.
    """
    return _DOT_LEADER.search(text, max(0, len(text) - 300))


def starts_item(text: str) -> bool:
    """Whether a line begins something new whatever stands before it: a list item, a note, an article."""
    return bool(_ITEM.match(text) or ARTICLE.match(text) or CLAUSE.match(text))


def text_blocks(text: str, notes: list[str]) -> Iterator[Block]:
    """The blocks of a plain text file; `notes` gets what was left out of them."""
    yield from with_full_headings(_text_blocks(text, notes))


def _text_blocks(text: str, notes: list[str]) -> Iterator[Block]:
    wrap = wrap_chars(text)
    if wrap:
        notes.append(f"hard wraps near {wrap} characters joined")
    n_page_numbers = 0
    headings = HeadingFinder()
    held: list[Line] = []
    for line in lines(text):
        if _PAGE_NUMBER.fullmatch(line.text):
            n_page_numbers += 1
            continue
        if held and wrap and len(held) < PARAGRAPH_LINES and _continues(held[-1], line, wrap):
            held.append(line)
            continue
        yield from _paragraph(held, headings)
        held = [line]
    yield from _paragraph(held, headings)
    if n_page_numbers:
        notes.append(f"{n_page_numbers} page numbers left out")


def with_full_headings(blocks: Iterable[Block]) -> Iterator[Block]:
    """The blocks, a heading that is only a number (`3.1`, `附录 B`) put together with its wording on the next line."""
    bare: Block | None = None
    for block in blocks:
        if bare is not None and bare.heading is not None:
            if block.heading is None and block.drop is None and len(block.text) <= 60 and "。" not in block.text:
                heading = bare.heading._replace(title=f"{bare.heading.title} {block.text}")
                bare = bare._replace(heading=heading, end=block.end)
                if _ANNEX_STATUS.fullmatch(block.text):
                    continue  # its wording is still to come
                yield bare
                bare = None
                continue
            yield bare
            bare = None
        if block.heading is not None and "".join(block.heading.title.split()) == block.heading.number:
            bare = block
        else:
            yield block
    if bare is not None:
        yield bare


def _continues(before: Line, line: Line, wrap: int) -> bool:
    if line.is_after_blank or starts_item(line.text) or parse_heading(line.text):
        return False
    if len(before.text) >= wrap - 3:
        return True
    return len(before.text) > 0.6 * wrap and before.text[-1] not in TERMINAL and not parse_heading(before.text)


def _paragraph(held: list[Line], headings: HeadingFinder) -> Iterator[Block]:
    if not held:
        return
    first, last = held[0], held[-1]
    text = join_lines([line.text for line in held])
    yield headings.block(Block(text, None, first.start, last.end, first.number))


class HeadingFinder:
    """Turns paragraphs that are headings into heading blocks, and marks the table of contents.

    The lines of a table of contents look like headings. It is over where a title that it named comes again.
    """

    def __init__(self) -> None:
        self._sequence = DecimalSequence()
        self._is_formula = False  # while the letters of a formula are explained
        self._listed: set[str] | None = None  # titles in the table of contents, while inside it

    def block(self, block: Block) -> Block:
        """`block`, as a heading or with `drop` set where it is one of those."""
        if block.drop is not None:
            self._is_formula = self._is_formula or dot_leader(block.text) is not None
            return block
        if leader := dot_leader(block.text):
            self._listed = None  # such a table ends with its last dotted line
            is_title = _HAN.search(block.text, 0, leader.start()) is not None
            self._is_formula = not is_title
            return block._replace(drop=CONTENTS if is_title else FORMULA)
        self._is_formula = self._is_formula and _FORMULA_KEY.match(block.text) is not None
        if self._is_formula:
            return block._replace(drop=FORMULA)
        heading = self._heading(block.text)
        if self._listed is not None:
            title = "".join((heading.title if heading else block.text).split())
            if title not in self._listed and len(block.text) < 60 and "。" not in block.text:
                self._listed.add(title)
                return block._replace(drop=CONTENTS)
            self._listed = None
        if heading is None:
            return block
        if closed((heading.title,)) == CONTENTS:
            self._listed = set()
        return block._replace(text="", heading=heading)

    def _heading(self, text: str) -> Heading | None:
        heading = parse_heading(text)
        if heading is None:
            if closed((text,)) and len(text) <= 12:
                return Heading(FRONT, 0, "", "".join(text.split()))
            if clause := CLAUSE.match(text):
                self._sequence.accept(clause.group())
            return None
        if heading.family == "decimal":
            return heading if self._sequence.accept(heading.number) else None
        if heading.family in ("篇", "章", "节"):
            self._sequence = DecimalSequence()
        return heading
