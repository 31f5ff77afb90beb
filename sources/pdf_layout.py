"""The lines of PDF pages → paragraphs, tables apart, in reading order."""

from __future__ import annotations

import re
import statistics
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from sources.headings import CLAUSE, DecimalSequence, Heading, parse_heading, tidy
from sources.markdown import row_text
from sources.pdf_lines import Box, PdfLine
from sources.sections import FIGURE, TABLE, Block, closed
from sources.text import PARAGRAPH_LINES, TERMINAL, dot_leader, join_lines, starts_item

if TYPE_CHECKING:
    from sources.pdf import Page

_CAPTION: Final = re.compile(
    r"(?:续?表|Table)\s*(?:[A-Z]\s*[.．]\s*)?\d{1,3}(?:[-.．]\d{1,3})?(?=\s|[：:（(]|[^\d\s.．、，。的中和～~-]|$)"
)
_FIGURE_CAPTION: Final = re.compile(
    r"(?:图|Figure|Fig\.?)\s*(?:[A-Z]\s*[.．]\s*)?\d{1,3}(?:[-.．]\d{1,3})?(?=\s|[：:]|[^\d\s.．、，。的中和所～~-]|$)"
)
_TABLE_NOTE: Final = re.compile(r"注\s*\d{0,2}\s*[：:]|[a-z*†‡]\s?[\u4e00-\u9fffA-Z]|[a-z*†‡]$")
_TITLE_CHARS: Final = 40


class Margins:
    """Where the lines of one column of a page begin and end."""

    def __init__(self, lines: list[PdfLine], usual_right: float = 0.0) -> None:
        lefts = Counter(round(line.left / 3) for line in lines)
        common = [left for left, n in lefts.items() if n >= max(2, len(lines) // 12)]
        self.left = 3.0 * min(common or lefts or [0])
        rights = sorted(line.right for line in lines)
        self.right = max(usual_right, rights[int(0.9 * (len(rights) - 1))] if rights else 0.0)

    def is_full(self, line: PdfLine) -> bool:
        """Whether the line was broken because no more fitted in."""
        return line.right >= self.right - 2.5 * line.size

    def is_indented(self, line: PdfLine) -> bool:
        """Whether the line begins a paragraph by its place."""
        return line.left > self.left + 1.2 * line.size


class Flow:
    """The running text of all pages; what is held goes on over the end of a page."""

    def __init__(self, pages: list[Page], titles: set[str], notes: list[str]) -> None:
        self._pages, self._notes = pages, notes
        self._titles = titles
        self._sizes = _heading_sizes(pages)
        self._usual_right = _usual_right(pages)
        self._sequence = DecimalSequence()
        self._held: list[PdfLine] = []
        self._held_page = 0
        self._held_margins = Margins([])
        self._held_heading: Heading | None = None
        self._is_caption = False  # a table without rules, or its end on the next page
        self._aside: list[Block] = []
        self._n_tables = self._n_read = 0

    def blocks(self) -> Iterator[Block]:
        """The blocks in reading order; a table comes after the paragraph that it interrupts."""
        for page in self._pages:
            frames = _frames(page)
            if page is self._pages[0] and len(self._pages) > 1 and _is_cover(page):
                text = "\n".join(line.text for line in page.lines)
                yield Block(text, page=page.number, drop="front_matter")
                continue
            columns = _columns(page, frames, self._usual_right)
            for line in page.lines:
                if not self._in_frame(line, frames, page):
                    yield from self._take(line, page.number, columns[_column(line, page, len(columns))])
            self._close_frames(frames, page)
        yield from self._flush()
        if self._n_tables:
            self._notes.append(
                f"{self._n_tables} tables left out of the running text (cells that span lines or columns)"
            )
        if self._n_read:
            self._notes.append(f"{self._n_read} simple tables read row by row")

    def _in_frame(self, line: PdfLine, frames: list[_Frame], page: Page) -> bool:
        for frame in frames:
            if frame.takes(line):
                frame.lines.append(line)
                return True
        return False

    def _close_frames(self, frames: list[_Frame], page: Page) -> None:
        for frame in frames:
            if not frame.lines:
                continue
            text = frame.readable()
            if text is not None:
                self._n_read += 1
                self._aside.append(Block(text, page=page.number))
                continue
            self._n_tables += frame.kind == TABLE
            text = "\n".join(line.text for line in frame.lines)
            self._aside.append(Block(text, page=page.number, drop=frame.kind))

    def _take(self, line: PdfLine, page: int, margins: Margins) -> Iterator[Block]:
        if self._held and len(self._held) < PARAGRAPH_LINES and self._goes_on(line, page, margins):
            self._held.append(line)
            self._held_margins = margins
            return
        yield from self._flush()
        self._held, self._held_page, self._held_margins = [line], page, margins
        self._held_heading = self._heading(line, margins)
        self._is_caption = _CAPTION.match(line.text) is not None and len(line.text) < 60

    def _goes_on(self, line: PdfLine, page: int, margins: Margins) -> bool:
        """Whether `line` continues the paragraph that is held."""
        last = self._held[-1]
        if page == self._held_page and _is_same_row(last, line):
            return True
        if self._is_caption and (len(line.cells) > 1 or _TABLE_NOTE.match(line.text)):
            return True
        if (
            len(line.cells) > 2
            or self._held_heading is not None
            or dot_leader(last.text)
            or abs(last.size - line.size) > 0.2 * last.size
        ):
            return False
        if self._begins(line.text) or not self._held_margins.is_full(last):
            return False
        return last.text[-1] not in TERMINAL or not margins.is_indented(line)

    def _begins(self, text: str) -> bool:
        """Whether a line begins a paragraph by its wording."""
        clause = CLAUSE.match(text)
        if clause is not None:
            return self._sequence.expects(clause.group())
        heading = parse_heading(text)
        if heading is not None and heading.family == "decimal":
            return self._sequence.expects(heading.number)
        return starts_item(text) or heading is not None or closed((text,)) is not None

    def _heading(self, line: PdfLine, margins: Margins) -> Heading | None:
        """The heading that a line is by its number or by its size; advances the sequence of clause numbers."""
        heading = parse_heading(line.text)
        if heading is not None and heading.family == "decimal":
            # A line that fills the column goes on in the next: a sentence, not a heading.
            return heading if self._sequence.accept(heading.number) and not margins.is_full(line) else None
        if heading is not None:
            if heading.family in ("篇", "章", "节"):
                self._sequence = DecimalSequence()
            return heading
        if clause := CLAUSE.match(line.text):
            self._sequence.accept(clause.group())
            return None
        depth = self._sizes.get(round(line.size)) if closed((line.text,)) is None else None
        if depth is not None and len(line.text) <= _TITLE_CHARS and line.text[-1] not in "。；，：,;:":
            return Heading("sized", depth, "", line.text)
        return None

    def _held_text(self) -> str:
        if self._is_caption:
            return "\n".join(line.text for line in self._held)
        rows = [self._held[0].text]
        for before, line in pairwise(self._held):
            if _is_same_row(before, line):
                rows[-1] += line.text
            else:
                rows.append(line.text)
        return join_lines(rows)

    def _flush(self) -> Iterator[Block]:
        """The paragraph that is held, then the tables that it went on across."""
        if self._held:
            text = self._held_text()
            page, heading = self._held_page, self._held_heading
            self._held = []
            if "".join(text.split()) in self._titles:
                yield Block(text, page=page, drop="front_matter")
            elif heading is not None and heading.family == "sized":
                yield Block("", heading, page=page)
            elif self._is_caption:
                yield Block(text, page=page, drop=TABLE)
            elif _FIGURE_CAPTION.match(text) and len(text) < 60 and "。" not in text:
                yield Block(text, page=page, drop=FIGURE)
            else:
                yield Block(text, page=page)
        yield from self._aside
        self._aside = []


def _is_same_row(before: PdfLine, line: PdfLine) -> bool:
    """Whether a line goes on at the same height: a raised figure had cut it."""
    return abs(before.bottom - line.bottom) < 0.6 * before.size and line.left > before.right - before.size


class _Frame:
    """A table or a picture with words in it, and the lines that belong to it."""

    def __init__(self, box: Box, kind: str) -> None:
        self.box, self.kind = box, kind
        self.lines: list[PdfLine] = []

    def takes(self, line: PdfLine) -> bool:
        """Whether `line` is inside, is the caption above, or is a note right below."""
        if self.box.holds(line):
            return True
        if line.right < self.box.left or line.left > self.box.right:
            return False
        is_above = 0 <= line.bottom - self.box.top < 3.2 * line.size
        if is_above and (
            len(line.cells) > 2 or _CAPTION.match(line.text) or re.fullmatch(r"单位[：:].{0,30}", line.text)
        ):
            return True
        is_below = -2 <= self.box.bottom - line.top < 1.8 * line.size
        if is_below and self.lines and _TABLE_NOTE.match(line.text):
            self.box = self.box._replace(bottom=line.bottom)
            return True
        return False

    def readable(self) -> str | None:
        """A simple table as its caption and a sentence a row; None where a cell spans lines or columns."""
        captions = [line for line in self.lines if _CAPTION.match(line.text)]
        notes = [line for line in self.lines if line not in captions and _TABLE_NOTE.match(line.text)]
        rows = [line.cells for line in self.lines if line not in captions and line not in notes]
        if self.kind != TABLE or len(captions) != 1 or len(rows) < 3:
            return None
        header, *body = rows
        n_columns = len(header)
        is_simple = 2 <= n_columns <= 4 and all(len(row) == n_columns for row in body)
        if not is_simple or any(len(cell) > 40 for row in body for cell in row):
            return None
        lines = [tidy(captions[0].text), *(row_text([*map(tidy, header)], list(row)) for row in body)]
        return "\n".join([*lines, *(note.text for note in notes)])


def _frames(page: Page) -> list[_Frame]:
    """The page's frames that hold cells, not a paragraph with a border around it."""
    frames = []
    for box in page.tables:
        inside = [line for line in page.lines if box.holds(line)]
        if not inside:
            continue
        above = [line for line in page.lines if 0 <= line.bottom - box.top < 3.2 * line.size]
        below = [line for line in page.lines if -2 <= box.bottom - line.top < 4 * line.size]
        has_caption = any(_CAPTION.match(line.text) for line in above)
        n_cells = sum(len(line.cells) > 1 for line in inside)
        if any(_FIGURE_CAPTION.match(line.text) for line in below) and not has_caption:
            frames.append(_Frame(box, FIGURE))
        elif has_caption or n_cells * 5 >= len(inside):
            frames.append(_Frame(box, TABLE))
    return frames


def _usual_right(pages: list[Page]) -> float:
    """Where full lines end on most pages: a page of short lines does not show it."""
    rights = []
    for page in pages:
        body = sorted(line.right for line in page.lines if not any(frame.holds(line) for frame in page.tables))
        if len(body) >= 10:
            rights.append(body[int(0.9 * (len(body) - 1))])
    return statistics.median(rights) if rights else 0.0


def _columns(page: Page, frames: list[_Frame], usual_right: float) -> list[Margins]:
    """Margins of the one or two columns of a page."""
    body = [line for line in page.lines if not any(frame.box.holds(line) for frame in frames)]
    middle = _middle(page)
    left = [line for line in body if line.right < middle + line.size]
    right = [line for line in body if line.left > middle - line.size]
    if len(left) >= 8 and len(right) >= 8 and len(left) + len(right) >= 0.7 * len(body):
        return [Margins(left), Margins(right)]
    return [Margins(body, usual_right)]


def _column(line: PdfLine, page: Page, n_columns: int) -> int:
    return int(n_columns == 2 and line.left > _middle(page) - line.size)


def _middle(page: Page) -> float:
    lefts = [line.left for line in page.lines] or [0.0]
    rights = [line.right for line in page.lines] or [0.0]
    return (min(lefts) + max(rights)) / 2


def _is_cover(page: Page) -> bool:
    """A first page of a few lines without a sentence."""
    return len(page.lines) < 25 and not any("。" in line.text for line in page.lines)


def _heading_sizes(pages: list[Page]) -> dict[int, int]:
    """Sizes clearly above the body's, with their rank: 0 the largest."""
    sizes: Counter[int] = Counter()
    for page in pages:
        for line in page.lines:
            if len(line.text) >= 15 and not any(frame.holds(line) for frame in page.tables):
                sizes[round(line.size)] += len(line.text)
            else:
                sizes[round(line.size)] += 0
    if not sizes:
        return {}
    body = statistics.median(sizes.elements())
    larger = sorted((size for size in sizes if size >= 1.15 * body + 0.5), reverse=True)
    return {size: rank for rank, size in enumerate(larger)}
