"""Any text, for continued pre-training: paragraphs under their headings, and nothing asked about what they are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar

from schemas.records import DOCUMENT
from sources.base import Batch, Part, ReadReport, Source, batches
from sources.documents import OpenDocument, named, open_document, without_damage
from sources.register import AUTO, CLASSICAL, MODERN, register_of
from sources.sections import Block, sections
from sources.textbook import document_row, title_and_blocks


@dataclass(frozen=True)
class Plain(Source):
    """Running text of any kind.

    Attributes:
        register: `modern`, `classical`, or `auto` to tell each group of paragraphs by its function words.
    """

    kind: ClassVar[str] = "plain"

    register: str = field(default=AUTO, metadata={"choices": (AUTO, MODERN, CLASSICAL)})

    def read(self, part: Part, report: ReadReport) -> Iterator[Batch]:
        """One document a group of paragraphs.

        Raises:
            PartRefused: as `open_document` does.
        """
        return named(self, part, self._batches(part, report))

    def _batches(self, part: Part, report: ReadReport) -> Iterator[Batch]:
        document = open_document(part, self.encoding, report)
        title, blocks = title_and_blocks(document, part)
        yield from batches(DOCUMENT, self._rows(part, document, title, blocks))

    def _rows(
        self, part: Part, document: OpenDocument, title: str, blocks: Iterator[Block]
    ) -> Iterator[dict[str, Any]]:
        for n, section in enumerate(map(without_damage, sections(blocks)), 1):
            register = self.register if self.register != AUTO else register_of(section.text, document.register)
            yield document_row(self, part, section, n, title, register)
