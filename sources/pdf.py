"""PDF → blocks: running heads, page numbers and tables taken out, sentences joined across lines and pages.

A file whose text layer is missing or cannot be trusted (a scan, or glyphs without their characters) is refused.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Final

import pypdfium2

from schemas.errors import PartRefused
from sources.encoding import FREQUENT
from sources.headings import tidy
from sources.pdf_layout import Flow
from sources.pdf_lines import Box, PdfLine, lines_of, tables_of
from sources.sections import Block
from sources.text import HeadingFinder, with_full_headings

MAX_PAGES: Final = 20_000
MAX_CHARS: Final = 64_000_000

MIN_FREQUENT_RATIO: Final = 0.12
"""Share of the most frequent characters below which a text layer is no Chinese. Running text has 0.6, a table of
figures 0.2; a food standard whose fonts lack their characters 0.001."""
MIN_PAGE_CHARS: Final = 20

_FURNITURE_PAGES: Final = 3
_TEXT_LINE_CHARS: Final = 15
_SAME_SIZE: Final = 0.6
"""Points by which the measured size of one font differs from line to line."""
_DIGITS: Final = re.compile(r"\d+|[ivxlcIVXLC]{1,7}$")
_PAGE_NUMBER: Final = re.compile(r"[-—–－·• ]*(?:\d{1,4}|[ivxlcIVXLCⅠ-Ⅻ]{1,7})[-—–－·• ]*|第\s*\d+\s*页.{0,12}")


class Page:
    """One page as lines and table frames, furniture still in."""

    def __init__(self, number: int, height: float, lines: list[PdfLine], tables: list[Box]) -> None:
        self.number, self.height, self.lines, self.tables = number, height, lines, tables

    def edge(self) -> list[PdfLine]:
        """Lines in the top or bottom tenth of the page, where running heads stand."""
        return [line for line in self.lines if line.bottom > 0.88 * self.height or line.top < 0.1 * self.height]


def pdf_document(path: Path, notes: list[str]) -> tuple[list[str], Iterator[Block]]:
    """Candidates for the title, best first, and the blocks of a PDF.

    Raises:
        PartRefused: `malformed_pdf`, `encrypted`, `too_large`, or `no_text_layer` where the text is missing,
            or is not what the page shows.
    """
    pages = _pages(path)
    _refuse_unreadable(pages)
    empty = [str(page.number) for page in pages if sum(len(line.text) for line in page.lines) < 5]
    if empty:
        notes.append(f"{len(empty)} of {len(pages)} pages have no text (page {', '.join(empty[:8])})")
    _take_out_furniture(pages, notes)
    runs = _title_runs(pages)
    title_lines = {"".join(line.text.split()) for run in runs for line in run}
    finder = HeadingFinder()
    blocks = (finder.block(block) for block in Flow(pages, title_lines, notes).blocks())
    return [tidy(" ".join(line.text for line in run)) for run in runs], with_full_headings(blocks)


def _pages(path: Path) -> list[Page]:
    try:
        document = pypdfium2.PdfDocument(path)
    except pypdfium2.PdfiumError as error:
        reason = "encrypted" if "assword" in str(error) else "malformed_pdf"
        todo = "Save it without a password." if reason == "encrypted" else "Print it to a new PDF."
        raise PartRefused(reason, f"it cannot be opened ({error}). {todo}") from None
    try:
        if len(document) > MAX_PAGES:
            raise PartRefused("too_large", f"it claims {len(document)} pages. Split it, or do not trust it.")
        pages, n_chars = [], 0
        for index in range(len(document)):
            pages.append(_page(document, index))
            n_chars += sum(len(line.text) for line in pages[-1].lines)
            if n_chars > MAX_CHARS:
                raise PartRefused("too_large", f"it has over {MAX_CHARS} characters. Split it.")
        return pages
    finally:
        document.close()


def _page(document: pypdfium2.PdfDocument, index: int) -> Page:
    try:
        page = document[index]
        text_page = page.get_textpage()
    except pypdfium2.PdfiumError as error:
        raise PartRefused("malformed_pdf", f"page {index + 1}: {error}. Print it to a new PDF.") from None
    try:
        return Page(index + 1, page.get_height(), lines_of(text_page), tables_of(page))
    finally:
        text_page.close()
        page.close()


def _refuse_unreadable(pages: list[Page]) -> None:
    text = "".join(line.text for page in pages for line in page.lines)
    chars = Counter(text)
    del chars[" "]
    n_chars = sum(chars.values())
    if n_chars < MIN_PAGE_CHARS * max(1, len(pages)):
        found = f"{n_chars} characters on {len(pages)} pages"
    else:
        n_frequent = sum(n for char, n in chars.items() if char in FREQUENT and "\u4e00" <= char <= "\u9fff")
        if n_frequent >= MIN_FREQUENT_RATIO * n_chars:
            return
        found = f"{n_frequent} of {n_chars} characters on {len(pages)} pages are common Chinese ones: {_sample(pages)}"
    raise PartRefused("no_text_layer", f"no usable text layer ({found}). Run OCR first, or list it under 'skip:'.")


def _sample(pages: list[Page]) -> str:
    longest = max((line.text for page in pages[:5] for line in page.lines), key=len, default="")
    return repr(longest[:20])


def _take_out_furniture(pages: list[Page], notes: list[str]) -> None:
    """Removes running heads and feet, and page numbers, from `pages`.

    A line at the edge of a page is one where it comes, but for its figures, on three pages and a tenth of all.
    """
    seen = Counter(
        _pattern(line.text) for page in pages for line in {_pattern(line.text): line for line in page.edge()}.values()
    )
    needed = max(_FURNITURE_PAGES, len(pages) // 10)
    n_heads = n_numbers = 0
    for page in pages:
        edge = set(page.edge())
        kept = []
        for line in page.lines:
            if line in edge and _PAGE_NUMBER.fullmatch(line.text):
                n_numbers += 1
            elif line in edge and seen[_pattern(line.text)] >= needed:
                n_heads += 1
            else:
                kept.append(line)
        page.lines = kept
    if n_heads or n_numbers:
        notes.append(f"{n_heads} running heads and {n_numbers} page numbers left out")


def _pattern(text: str) -> str:
    return _DIGITS.sub("#", "".join(text.split()))


def _title_runs(pages: list[Page]) -> list[list[PdfLine]]:
    """Runs of lines of one size, larger than the text, on the first page that has any; largest first.

    Those whose wording comes again on a later page, at the head of the text, go before. Where that page has text, a
    title stands above it and nothing else is as large: the rest are the text's own headings.
    """
    first = next((page for page in pages if page.lines), None)
    if first is None:
        return []
    sizes = sorted(line.size for page in pages[:30] for line in page.lines if len(line.text) >= _TEXT_LINE_CHARS)
    usual = sizes[len(sizes) // 2] if sizes else 0.0
    runs = [run for run in _runs(first.lines[:40]) if run[0].size >= 1.15 * usual and _n_chinese(run) >= 4]
    text_top = _text_top(first.lines, usual)
    if text_top is not None:
        runs = [run for run in runs if run[-1].bottom > text_top and not _comes_again(run, pages)]
    body = {"".join(line.text.split()) for page in pages[pages.index(first) + 1 :][:30] for line in page.lines}
    ranked = sorted(runs, key=lambda run: (not all("".join(line.text.split()) in body for line in run), -run[0].size))
    return [run for run in ranked if len(run) <= 4]


def _runs(lines: list[PdfLine]) -> list[list[PdfLine]]:
    """Lines of one size that follow each other down the page."""
    runs: list[list[PdfLine]] = []
    for line in lines:
        last = runs[-1][-1] if runs else None
        if last and abs(last.size - line.size) < _SAME_SIZE and 0 < last.bottom - line.bottom < 3 * line.size:
            runs[-1].append(line)
        else:
            runs.append([line])
    return runs


def _n_chinese(run: list[PdfLine]) -> int:
    return len(re.findall(r"[\u4e00-\u9fff]", "".join(line.text for line in run)))


def _text_top(lines: list[PdfLine], usual: float) -> float | None:
    """Where the highest paragraph of a page begins: two long lines of the usual size, one under the other."""
    tops = [
        upper.top
        for upper, lower in pairwise(line for line in lines if 0.9 * usual <= line.size < 1.15 * usual)
        if min(len(upper.text), len(lower.text)) >= _TEXT_LINE_CHARS
        and 0 < upper.bottom - lower.bottom < 2.5 * upper.size
    ]
    return max(tops, default=None)


def _comes_again(run: list[PdfLine], pages: list[Page]) -> bool:
    """Whether other lines have the size of `run`: it is one of the headings then."""
    wording = {line.text for line in run}
    return any(
        abs(line.size - run[0].size) < _SAME_SIZE and line.text not in wording
        for page in pages[:30]
        for line in page.lines
    )
