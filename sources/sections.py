"""Blocks → sections: what every document reader yields, and how it becomes the unit of a record.

A reader of any format yields `Block`s: a heading or a paragraph with its place. `sections` puts the headings
in order and cuts the text at them, and at paragraph ends where a section is too long for one record. Nothing
that a block holds is lost: what is not text of the book (a preface, a table of contents, a table) comes out
as a section with `drop` set.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from sources.headings import EXPLICIT, Heading, Outline

SECTION_CHARS: Final = 6_000
"""Sections longer than this are cut at paragraph ends, so that a record stays a readable passage."""

TABLE, FIGURE, FORMULA, CONTENTS = "table", "figure", "formula", "table_of_contents"

_SENTENCE_END: Final = re.compile(r"[。！？!?\n][”’』」）)]?|[；;]")
_CLOSED_HEADINGS: Final = tuple(
    (reason, re.compile(pattern))
    for reason, pattern in (
        (CONTENTS, r"(?:目[录錄次]|总目录?|contents)"),
        (
            "front_matter",
            r"(?:.{0,2}(?<![程顺秩次时工有无])[序叙敘]言?|.{0,4}(?:再版|重刊|重印|自|原)[序叙敘]言?|前言|题辞|題辭|.{0,4}跋|版权.{0,6}|出版.{0,6}"
            r"|编[写者委辑].{0,12}|主编.{0,12}|[^，。]{0,10}委员会|(?:主要)?起草(?:单位|人).{0,6}|制[定订](?:单位|专家|组).{0,8}|作者.{0,8}"
            r"|执笔.{0,8}|内容提要|内容简介|preface|foreword)",
        ),
        ("references", r"(?:主要)?(?:参考文献|参考书目|规范性引用文件|引用文件)|references"),
        ("index", r"(?:[^，。]{0,8}索引|index)"),
        ("back_matter", r"(?:致谢|利益冲突.{0,6}|资金?(?:来源|资助).{0,4}|作者贡献.{0,4}|后记|封底)"),
    )
)
_NUMBER_PREFIX: Final = re.compile(
    r"^(?:第[^\s]{1,5}[篇编章节卷]|[\d.．]+|[一二三四五六七八九十]+、|[（(].{1,3}[）)])[\s\u3000]*"
)


class Block(NamedTuple):
    """A heading or a paragraph, and where it stands.

    Attributes:
        text: Of a paragraph, without hard wraps; empty for a heading.
        heading: None for a paragraph.
        start: First character in the decoded file; None where the format has no such place.
        end: One past the last.
        line: 1-based; None where the format has no lines.
        page: 1-based; None where the format has no pages.
        drop: Why it is no running text: `table`, `table_of_contents` and the like.
    """

    text: str
    heading: Heading | None = None
    start: int | None = None
    end: int | None = None
    line: int | None = None
    page: int | None = None
    drop: str | None = None


class Section(NamedTuple):
    """The text of one record; `drop` is the reason why it is not kept, without the stage's name."""

    path: tuple[str, ...]
    text: str
    start: int | None
    end: int | None
    line: int | None
    page: int | None
    drop: str | None
    number: str = ""


def sections(blocks: Iterable[Block]) -> Iterator[Section]:
    """The sections of a document in its order, none longer than about `SECTION_CHARS`.

    A numbered heading with nothing under it is a list item of the text before it, and becomes that. What is no
    running text comes before the section that it interrupts.
    """
    outline = Outline()
    held = Held()
    pending: Block | None = None  # the last heading, as long as nothing stands under it
    for block in blocks:
        if block.heading is None:
            pending = None
            yield from held.add(outline.path(), block)
            continue
        before = tuple(outline.open)
        outline.enter(block.heading)
        if pending is not None and not any(heading is pending.heading for heading in outline.open):
            yield from held.add(*as_text(pending, before))
        else:
            yield from held.flush()
        pending = block
    if pending is not None:
        yield from held.add(*as_text(pending, tuple(outline.open)))
    yield from held.flush()


class Held:
    """The section that is being collected, and apart from it what is no running text."""

    def __init__(self) -> None:
        self._text: list[Block] = []
        self._aside: list[Block] = []
        self._text_path: tuple[str, ...] = ()
        self._aside_path: tuple[str, ...] = ()
        self._n_chars = self._n_aside_chars = 0
        self.number = ""

    def __bool__(self) -> bool:
        return bool(self._text)

    def add(self, path: tuple[str, ...], block: Block) -> Iterator[Section]:
        """Takes a paragraph that stands under `path`; yields the sections that are complete without it."""
        if block.drop is not None:
            for piece in split_long(block):
                is_other = bool(self._aside) and (self._aside[0].drop != block.drop or self._aside_path != path)
                if is_other or self._n_aside_chars + len(piece.text) > SECTION_CHARS:
                    yield from self._flush_aside()
                self._aside_path = path
                self._aside.append(piece)
                self._n_aside_chars += len(piece.text) + 1
            return
        yield from self._flush_aside()
        if self._text and self._text_path != path:
            yield from self.flush()
        self._text_path = path
        for piece in split_long(block):
            if self._text and self._n_chars + len(piece.text) > SECTION_CHARS:
                number = self.number
                yield from self.flush()
                self.number = number
            self._text.append(piece)
            self._n_chars += len(piece.text) + 1

    def flush(self) -> Iterator[Section]:
        """Yields what is held."""
        yield from self._flush_aside()
        if self._text:
            yield join(self._text_path, self._text, self.number)
        self._text, self._n_chars, self.number = [], 0, ""

    def _flush_aside(self) -> Iterator[Section]:
        if self._aside:
            yield join(self._aside_path, self._aside)
        self._aside, self._n_aside_chars = [], 0


def join(path: tuple[str, ...], blocks: list[Block], number: str = "") -> Section:
    """One section of `blocks`, a paragraph a line."""
    first, last = blocks[0], blocks[-1]
    drop = first.drop or closed(path)
    text = "\n".join(block.text for block in blocks)
    return Section(path, text, first.start, last.end, first.line, first.page, drop, number)


def closed(path: tuple[str, ...]) -> str | None:
    """Why nothing under these headings is text of the book: `front_matter`, `index` …; None where it is."""
    for title in path:
        bare = _NUMBER_PREFIX.sub("", title).strip("【】[]〔〕 ").replace(" ", "").lower()
        for reason, pattern in _CLOSED_HEADINGS:
            if pattern.fullmatch(bare):
                return reason
    return None


def split_long(block: Block) -> list[Block]:
    """`block` cut at sentence ends into pieces of at most `SECTION_CHARS`; at that very length where none is."""
    text = block.text
    if len(text) <= SECTION_CHARS:
        return [block]
    pieces, at = [], 0
    while at < len(text):
        end = min(at + SECTION_CHARS, len(text))
        if end < len(text):
            ends = [found.end() for found in _SENTENCE_END.finditer(text, at + SECTION_CHARS // 2, end)]
            end = ends[-1] if ends else end
        # Places inside a paragraph are not known where its hard wraps were taken out: each piece has the whole's.
        pieces.append(block._replace(text=text[at:end]))
        at = end
    return _with_places(block, pieces)


def _with_places(block: Block, pieces: list[Block]) -> list[Block]:
    """Exact places for the pieces of a paragraph that is the same in the file, character for character."""
    if block.start is None or block.end is None or block.end - block.start != len(block.text):
        return pieces
    at, placed = block.start, []
    for piece in pieces:
        placed.append(piece._replace(start=at, end=at + len(piece.text)))
        at += len(piece.text)
    return placed


def as_text(pending: Block, before: tuple[Heading, ...]) -> tuple[tuple[str, ...], Block]:
    """A heading without text as a paragraph, and the path that it belongs under."""
    assert pending.heading is not None
    path = tuple(heading.title for heading in before[:-1])
    empty = pending.heading.family in (EXPLICIT, "篇", "章", "节")
    return path, pending._replace(text=pending.heading.title, heading=None, drop="empty_section" if empty else None)
