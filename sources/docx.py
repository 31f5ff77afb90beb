"""DOCX → blocks: headings by style, paragraphs, list items, table rows as text."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from typing import Any, Final

import docx
from docx.oxml.ns import qn

from schemas.errors import PartRefused
from sources.archives import Archive
from sources.headings import explicit, tidy
from sources.markdown import row_text
from sources.sections import Block
from sources.text import HeadingFinder

_HEADING_STYLE: Final = re.compile(r"(?:heading|标题|標題)\s*(\d)", re.I)
_TITLE_STYLE: Final = re.compile(r"(?:title|书名)", re.I)
_CONTENTS_STYLE: Final = re.compile(r"(?:toc|目录)\s*\d?", re.I)


def docx_blocks(data: bytes, notes: list[str]) -> tuple[str, Iterator[Block]]:
    """The title, empty where there is none, and the blocks of a DOCX file.

    Raises:
        PartRefused: as `Archive` does; `malformed_docx` where the XML is broken or nested without end.
    """
    archive = Archive(data)
    for name in archive.names:
        if name.endswith((".xml", ".rels")):
            archive.read_xml(name)
    try:
        document = docx.Document(io.BytesIO(data))
        styles = {style.style_id: style.name or "" for style in document.styles}
        title = tidy(document.core_properties.title or "")
    except (KeyError, ValueError, AttributeError, SyntaxError) as error:
        raise PartRefused(
            "malformed_docx",
            f"the document cannot be parsed ({str(error)[:120]}). Open and save it in a word processor.",
        ) from None
    blocks = list(_blocks(document.element.body, styles))
    n_pictures = sum(1 for _ in document.element.body.iter(qn("w:drawing"), qn("w:pict")))
    if n_pictures:
        notes.append(f"{n_pictures} pictures left out")
    titles = [block for block in blocks if block.heading and block.heading.depth == 0]
    if titles and titles[0].heading:
        title = titles[0].heading.title
        blocks = [block for block in blocks if not (block.heading and block.heading.depth == 0)]
    if not any(block.heading for block in blocks):
        finder = HeadingFinder()
        blocks = [finder.block(block) for block in blocks]
    return title, iter(blocks)


def _blocks(body: Any, styles: dict[str, str]) -> Iterator[Block]:
    """The body's children in order; a content control (`w:sdt`) counts as its content."""
    stack = [iter(body)]
    while stack:
        child = next(stack[-1], None)
        if child is None:
            stack.pop()
        elif child.tag == qn("w:p"):
            yield from _paragraph(child, styles)
        elif child.tag == qn("w:tbl"):
            yield from _rows(child)
        elif child.tag in (qn("w:sdt"), qn("w:sdtContent"), qn("w:customXml"), qn("w:smartTag")):
            stack.append(iter(child))


def _paragraph(paragraph: Any, styles: dict[str, str]) -> Iterator[Block]:
    text = tidy_text(paragraph)
    if not text:
        return
    properties = paragraph.find(qn("w:pPr"))
    style = properties.find(qn("w:pStyle")) if properties is not None else None
    name = styles.get(style.get(qn("w:val")), "") if style is not None else ""
    outline = properties.find(qn("w:outlineLvl")) if properties is not None else None
    if _CONTENTS_STYLE.match(name):
        yield Block(text, drop="table_of_contents")
    elif found := _HEADING_STYLE.match(name):
        yield Block("", explicit(int(found[1]), text))
    elif _TITLE_STYLE.fullmatch(name):
        yield Block("", explicit(0, text))
    elif outline is not None and len(text) <= 60 and (outline.get(qn("w:val")) or "9") in "012345678":
        yield Block("", explicit(int(outline.get(qn("w:val"))) + 1, text))
    else:
        yield Block(text)


def tidy_text(element: Any) -> str:
    """The text under an XML element: deleted text and field codes apart, tabs and breaks as blanks."""
    pieces = []
    for node in element.iter(qn("w:t"), qn("w:tab"), qn("w:br"), qn("w:noBreakHyphen")):
        if node.tag == qn("w:t"):
            pieces.append(node.text or "")
        else:
            pieces.append("-" if node.tag == qn("w:noBreakHyphen") else " ")
    return " ".join("".join(pieces).split())


def _rows(table: Any) -> Iterator[Block]:
    header: list[str] = []
    for row in table.iter(qn("w:tr")):
        cells = [tidy_text(cell) for cell in row.iterchildren(qn("w:tc"))]
        if not header:
            header = cells
        elif any(cells):
            yield Block(row_text(header, cells))
