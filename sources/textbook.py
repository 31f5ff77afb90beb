"""Textbooks: one document a section, with the headings that it stands under."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar

from schemas.records import DOCUMENT
from sources.base import Batch, Part, ReadReport, Source, batches, group_key
from sources.documents import OpenDocument, file_title, locator, named, open_document, without_damage
from sources.register import AUTO, CLASSICAL, MODERN, register_of
from sources.sections import Block, Section, sections


@dataclass(frozen=True)
class Textbook(Source):
    """A textbook, one file a book or a chapter.

    Attributes:
        title: Of the book; as the file gives it where this is not set.
        register: `modern`, `classical`, or `auto` to tell each section by its function words.
    """

    kind: ClassVar[str] = "textbook"

    title: str | None = None
    register: str = field(default=AUTO, metadata={"choices": (AUTO, MODERN, CLASSICAL)})

    def read(self, part: Part, report: ReadReport) -> Iterator[Batch]:
        """One document a leaf section, at most about `sections.SECTION_CHARS` long.

        `group_id` is the chapter. Prefaces, tables of contents and indices come with a `drop_reason`.

        Raises:
            PartRefused: as `open_document` does.
        """
        return named(self, part, self._batches(part, report))

    def _batches(self, part: Part, report: ReadReport) -> Iterator[Batch]:
        document = open_document(part, self.encoding, report)
        title, blocks = title_and_blocks(document, part)
        yield from batches(DOCUMENT, self._rows(part, document, self.title or title, blocks))

    def _rows(
        self, part: Part, document: OpenDocument, title: str, blocks: Iterator[Block]
    ) -> Iterator[dict[str, Any]]:
        for n, section in enumerate(map(without_damage, sections(blocks)), 1):
            yield document_row(self, part, section, n, title, self._register(section.text, document.register))

    def _register(self, text: str, likely: str) -> str:
        return self.register if self.register != AUTO else register_of(text, likely)


def document_row(
    source: Source, part: Part, section: Section, n: int, title: str, register: str, **columns: Any
) -> dict[str, Any]:
    """The record of one section, the `n`th of its part."""
    return source.record(
        DOCUMENT,
        part,
        locator(section, n),
        section.text,
        group_id=group_key(source.source_id, part.path, chapter_of(section.path)),
        drop_reason=f"read:{section.drop}" if section.drop else None,
        title=title,
        section_path=list(section.path),
        text=section.text,
        char_start=section.start,
        char_end=section.end,
        page=section.page,
        source_kind=source.kind,
        register=register,
        number=section.number or None,
        **columns,
    )


def chapter_of(path: tuple[str, ...]) -> str:
    """The heading that a split must not cut under: the outermost, or the next inside a part (篇) or volume (卷)."""
    if not path:
        return ""
    outer = path[0]
    is_volume = len(path) > 1 and (outer.startswith(("卷", "上卷", "中卷", "下卷")) or outer[:6].find("篇") > 0)
    return "\x1f".join(path[:2]) if is_volume and len(path) > 2 else outer


def title_and_blocks(document: OpenDocument, part: Part) -> tuple[str, Iterator[Block]]:
    """The document's title, and its blocks without the heading that is that title.

    Cost: looks at the first few blocks only, which stay in the stream.
    """
    title = document.title or next(iter(document.candidates), "") or file_title(part)
    first = next((block for block in document.head() if block.heading is not None), None)
    if first is not None and first.heading is not None and first.heading.title == title:
        return title, (block for block in document.blocks if block is not first)
    return title, document.blocks
