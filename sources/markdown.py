"""Markdown → blocks with exact places: headings, paragraphs, list items and table rows; comments are dropped.

markdown-it finds the blocks. What stands inside a line is plain enough to be cleaned here, in one pass that no
input makes slow.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from markdown_it import MarkdownIt
from markdown_it.token import Token

from schemas.errors import PartRefused
from sources.headings import explicit
from sources.sections import Block
from sources.text import HeadingFinder, join_lines

_CHUNK_CHARS: Final = 1_000_000
"""Larger files are parsed in pieces, cut at blank lines, so that the parser's tokens stay small."""

_MAX_NESTING: Final = 100
_DEEP_QUOTE: Final = re.compile(r"^(?:[ \t]{0,3}>){50}", re.M)
_INLINE: Final = re.compile(
    r"!?\[(?P<label>[^\[\]\n]{0,300})\](?:\([^()\n]{0,1000}\)|\[[^\[\]\n]{0,100}\])"
    r"|(?P<tick>`{1,2})(?P<code>[^`\n]{1,300})(?P=tick)"
    r"|(?P<strong>\*{1,3}|_{2,3})(?=\S)(?P<text>[^*_\n]{1,500})(?<=\S)(?P=strong)"
    r"|</?[A-Za-z][^<>\n]{0,500}>"
    r"|\\(?P<escaped>[!-/:-@\[-`{-~])"
)
_FRONT: Final = re.compile(r"\A---[ \t]*\n(?:[^\n]{0,500}\n){0,60}?---[ \t]*(?:\n|\Z)")
_HEADING: Final = re.compile(r"^#{1,6}[ \t]+\S", re.M)
_VALUE: Final = re.compile(r"[\d<>≥≤＜＞±～~-][^。；]{0,20}")
_BREAK: Final = re.compile(r"\r\n|\n|\r")


def markdown_blocks(text: str, notes: list[str]) -> Iterator[Block]:
    """The blocks of a Markdown file; `notes` gets what was left out.

    Raises:
        PartRefused: `nested_too_deep`, where the parser would leave text out.
    """
    if deep := _DEEP_QUOTE.search(text):
        raise PartRefused(
            "nested_too_deep",
            f"character {deep.start()} stands under more than 49 quote marks. "
            "Mend the markup, or list it under 'skip:'.",
        )
    if n_comments := text.count("<!--"):
        notes.append(f"{n_comments} comments left out")
    finder = None if _HEADING.search(text) else HeadingFinder()
    for start, end, line in _chunks(text):
        for block in _Chunk(text[start:end], start, line).blocks():
            yield finder.block(block) if finder and block.heading is None else block


def _chunks(text: str) -> Iterator[tuple[int, int, int]]:
    """Places to parse one by one: start, end, and the number of the first line. YAML front matter is passed over."""
    front = _FRONT.match(text)
    at = front.end() if front else 0
    line = 1 + (text.count("\n", 0, at) if front else 0)
    while at < len(text):
        end = min(len(text), at + _CHUNK_CHARS)
        if end < len(text):
            cut = text.rfind("\n\n", at + 1, end)
            end = end if cut < 0 else cut + 2
        yield at, end, line
        line += text.count("\n", at, end)
        at = end


@dataclass
class _Chunk:
    """One piece of a file and where it stands in it."""

    text: str
    offset: int
    line: int
    starts: list[int] = field(default_factory=list)
    header: list[str] = field(default_factory=list)

    def blocks(self) -> Iterator[Block]:
        """The piece's blocks in order."""
        self.starts = [0, *(found.end() for found in _BREAK.finditer(self.text)), len(self.text)]
        parser = MarkdownIt("commonmark", {"maxNesting": _MAX_NESTING}).enable("table").disable(["inline", "text_join"])
        level, row, row_lines, mark = 0, list[str](), [0, 0], ""
        for token in parser.parse(self.text):
            if token.type == "heading_open":
                level = int(token.tag[1])
            elif token.type == "heading_close":
                level = 0
            elif token.type == "list_item_open":
                mark = f"{token.info}{token.markup} " if token.info else ""
            elif token.type == "table_open":
                self.header = []
            elif token.type == "tr_open":
                row, row_lines = [], token.map or row_lines
            elif token.type == "tr_close":
                yield from self._row(row, row_lines)
            elif token.type in ("inline", "code_block", "fence", "html_block"):
                if token.type == "inline" and token.level >= 3 and row_lines != [0, 0] and _is_cell(token, row_lines):
                    row.append(_plain(token.content))
                else:
                    yield from self._block(token, level, mark)
                    mark = ""

    def _block(self, token: Token, level: int, mark: str) -> Iterator[Block]:
        content = _plain(token.content)
        if content and level:
            yield Block("", explicit(level, content), *self._place(token.map))
        elif content:
            yield Block(mark + content, None, *self._place(token.map))

    def _row(self, row: list[str], row_lines: list[int]) -> Iterator[Block]:
        """A table row as a sentence of `column：value`; the header only names the columns."""
        if not self.header:
            self.header = row
            return
        if any(row):
            yield Block(row_text(self.header, row), None, *self._place(row_lines))

    def _place(self, lines: list[int] | None) -> tuple[int, int, int]:
        first, last = lines or (0, 0)
        start, end = self.starts[first], self.starts[min(last, len(self.starts) - 1)]
        end = start + len(self.text[start:end].rstrip())
        start += len(self.text[start:end]) - len(self.text[start:end].lstrip())
        return self.offset + start, self.offset + end, self.line + first


def row_text(header: list[str], row: list[str]) -> str:
    """A table row to read: the first cell, then `column：value` (or `column为3 g`) for those that hold something."""
    named = [
        f"{name}{'为' if _VALUE.fullmatch(cell) else '：'}{cell}" if name and at else cell
        for at, (name, cell) in enumerate(zip([*header, *[""] * len(row)], row, strict=False))
        if cell
    ]
    return f"{named[0]}：{'；'.join(named[1:])}" if len(named) > 1 and row[0] else "；".join(named)


def _is_cell(token: Token, row_lines: list[int]) -> bool:
    return token.map is None or token.map == row_lines


def _plain(content: str) -> str:
    """One paragraph without its marks, soft line breaks joined."""
    content = _INLINE.sub(_unmarked, _without_comments(content))
    return join_lines([line for line in (" ".join(line.split()) for line in _BREAK.split(content)) if line] or [""])


def _without_comments(text: str) -> str:
    """One pass; a comment that never ends takes the rest with it."""
    pieces, at = [], 0
    while (start := text.find("<!--", at)) >= 0:
        pieces.append(text[at:start])
        end = text.find("-->", start + 4)
        at = len(text) if end < 0 else end + 3
    return "".join([*pieces, text[at:]])


def _unmarked(found: re.Match[str]) -> str:
    for name in ("label", "code", "text", "escaped"):
        if found[name] is not None:
            return str(found[name])
    return ""
