"""A document file of any format → its blocks, its title and what else its head says.

One entry, `open_document`, for the three kinds of sources that read documents.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import PurePosixPath
from typing import Final

from schemas.errors import PartRefused
from sources import formats
from sources.base import Batch, Part, ReadReport, Source, location_of
from sources.docx import docx_blocks
from sources.encoding import decode_with_gaps
from sources.epub import epub_blocks
from sources.headings import explicit
from sources.html import html_blocks, titles_of
from sources.markdown import markdown_blocks
from sources.pdf import pdf_document
from sources.register import CLASSICAL, MODERN, register_of
from sources.sections import Block, Section
from sources.tagged import book_of, tagged_blocks
from sources.text import text_blocks

MAX_TEXT_BYTES: Final = 512 << 20
"""A text file is held in memory while it is read; a larger one is to be split."""

_RECORDS: Final = (formats.JSON, formats.JSONL, formats.PYTHON_LITERAL, formats.TURTLE, formats.NTRIPLES)
_HEAD_BLOCKS: Final = 40
_YEAR: Final = r"(?<!\d)(?<!\d[-—–~～至])(19\d\d|20\d\d)"
_DATE: Final = re.compile(
    _YEAR + r"(?:\s*年(?:\s*\d{1,2}\s*月(?:\s*\d{1,2}\s*日)?)?|[-./]\d{1,2}[-./]\d{1,2}"
    r"|(?=\s*(?:版|[)）]|(?:修订|修正|更新|实用|实践|试行)(?:版|稿|[)）])|[-—–~～至]\s*(?:19|20)\d\d\s*年)))"
    r"(?!\d|[月日-]|\s*起?\s*(?:实施|施行))"
)
_OF_STANDARD: Final = re.compile(
    r"[A-Z]{2}(?:\d{2,6})?(?:[/_ ]?[TZ])?\s*\d{1,6}(?:\.\d{1,3})*\s*[-—–_]\s*((?:19|20)\d\d)(?!\d)"
)
_AT_THE_END: Final = re.compile(_YEAR + r"$")


@dataclass
class OpenDocument:
    """A document that is being read: its blocks come once, in order."""

    blocks: Iterator[Block]
    format: str
    title: str = ""
    """As the file itself gives it; empty where it does not."""
    candidates: list[str] = field(default_factory=list)
    """Other lines that may be the title, best first."""
    tagged_register: str | None = None
    """What the format itself makes sure of; None where it says nothing."""
    gap_note: str = ""
    """Where undecodable bytes are, for sections that hold U+FFFD."""

    _head: list[Block] | None = None

    def head(self) -> list[Block]:
        """The first blocks, which are still to come in `blocks`: to be asked for before those are taken."""
        if self._head is None:
            self._head = list(islice(self.blocks, _HEAD_BLOCKS))
            self.blocks = chain(self._head, self.blocks)
        return self._head

    @property
    def register(self) -> str:
        """What the whole most likely is, by its head: for sections too short to tell."""
        if self.tagged_register is None:
            self.tagged_register = register_of("\n".join(block.text for block in self.head()), MODERN)
        return self.tagged_register


def open_document(part: Part, encoding: str | None, report: ReadReport) -> OpenDocument:
    """The document behind `part`; fills in the report's format and encoding.

    Raises:
        PartRefused: `empty`, `no_text`, `not_a_document`, `too_large`, or as the format's reader says.
    """
    document = _open(part, encoding, report)
    if not document.head():
        raise PartRefused("no_text", f"there is no text in it ({document.format}). List it under 'skip:'.")
    return document


def _open(part: Part, encoding: str | None, report: ReadReport) -> OpenDocument:
    path = location_of(part)
    with path.open("rb") as file:
        head = file.read(formats.HEAD_BYTES)
    report.format = found = formats.sniff(head, PurePosixPath(part.path).name)
    if found == formats.EMPTY and path.stat().st_size <= len(head):
        raise PartRefused("empty", f"the file is empty ({part.n_bytes} bytes). List it under 'skip:', or fill it.")
    if found == formats.PDF:
        titles, blocks = pdf_document(path, report.notes)
        return OpenDocument(blocks, found, candidates=titles)
    if found in (formats.EPUB, formats.DOCX):
        data = path.read_bytes()
        title, blocks = (epub_blocks if found == formats.EPUB else docx_blocks)(data, report.notes)
        return OpenDocument(blocks, found, title)
    if found == formats.BINARY and b"\0" not in head:
        found = formats.TXT  # no codec we know: decoding says at which byte
    if found in (formats.BINARY, formats.PARQUET, formats.ARROW):
        raise PartRefused(
            "not_a_document",
            f"this is no text, PDF, EPUB, DOCX or HTML (it begins with {head[:8].hex(' ')}). "
            "Convert it, or list it under 'skip:'.",
        )
    suffix = PurePosixPath(part.path).suffix.lower()
    if found in _RECORDS or (found in (formats.CSV, formats.TSV) and suffix in (".csv", ".tsv")):
        raise PartRefused(
            "not_a_document",
            f"these are records ({found}), not running text. Read it as dialogue, distilled or knowledge_graph.",
        )
    if part.n_bytes > MAX_TEXT_BYTES:
        raise PartRefused("too_large", f"{part.n_bytes} bytes of text are too many at once. Split the file.")
    return _open_text(part, found, encoding, report)


def _open_text(part: Part, found: str, encoding: str | None, report: ReadReport) -> OpenDocument:
    decoded = decode_with_gaps(location_of(part).read_bytes(), encoding)
    text = decoded.text
    report.encoding = decoded.encoding
    gap_note = ""
    if decoded.gaps:
        places = ", ".join(str(gap.byte_offset) for gap in decoded.gaps[:8])
        gap_note = f"no {decoded.encoding} text at byte offsets {places}; the sections around them are dropped"
        report.notes.append(gap_note)
    if found == formats.TAGGED_TCM:
        book = book_of(text)
        return OpenDocument(
            tagged_blocks(text, report.notes), found, book.title, tagged_register=CLASSICAL, gap_note=gap_note
        )
    if found == formats.MARKDOWN:
        tops = re.findall(r"^# +(\S[^\r\n]{0,200})", text, re.M)
        title = explicit(1, tops[0]).title if len(tops) == 1 else ""
        return OpenDocument(markdown_blocks(text, report.notes), found, title, gap_note=gap_note)
    if found == formats.HTML:
        titles = titles_of(text)
        return OpenDocument(html_blocks(text, report.notes), found, candidates=titles, gap_note=gap_note)
    return OpenDocument(text_blocks(text, report.notes), found, gap_note=gap_note)


def named(source: Source, part: Part, batches: Iterator[Batch]) -> Iterator[Batch]:
    """`batches`; a refusal on the way says which file of which source it is about.

    Raises:
        PartRefused: as reading does.
    """
    try:
        yield from batches
    except PartRefused as refused:
        raise PartRefused(refused.reason, f"sources.{source.source_id}: {part.path}: {refused.detail}") from None


def without_damage(section: Section) -> Section:
    """`section`, dropped where a character of it could not be read."""
    if "\ufffd" in section.text and section.drop is None:
        return section._replace(drop="undecodable_byte")
    return section


def file_title(part: Part) -> str:
    """The file's name as a title: no suffix, no leading number, no date in brackets."""
    stem = PurePosixPath(part.path).stem
    stem = re.sub(r"^\d{1,4}[-_.、 ]+(?=\D)", "", stem)
    return re.sub(r"[（(\[]?\d{4}[-.年]?\d{0,2}[-.月]?\d{0,2}日?[)）\]]?$", "", stem).strip(" -_") or stem


def years_in(texts: Iterable[str]) -> list[int]:
    """Years of dates and editions, as written in `texts`."""
    return [int(found[1]) for text in texts for found in _DATE.finditer(text)]


def years_of_names(names: Iterable[str]) -> list[int]:
    """Years in titles and in names of files: of dates and editions, of a standard's number, at the very end."""
    listed = list(names)
    found = [m for name in listed for pattern in (_OF_STANDARD, _AT_THE_END) for m in pattern.finditer(name)]
    return [*years_in(listed), *(int(m[1]) for m in found)]


def locator(section: Section, n: int) -> str:
    """Where a section is: page or line, and its number among the part's sections, so that no two are the same."""
    if section.page is not None:
        return f"p{section.page}/{n}"
    if section.line is not None:
        return f"L{section.line}/{n}"
    return f"s{n}"
