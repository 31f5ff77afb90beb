"""HTML → blocks: headings, paragraphs, list items and table rows of the page's own text.

What stands around the text (navigation, footers, dialogs, comments) is told by its element and by its class,
and left out with a count. A page in two languages keeps its Chinese.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from selectolax.lexbor import LexborHTMLParser

from schemas.errors import PartRefused
from sources.headings import Heading, explicit, tidy
from sources.sections import Block
from sources.text import HeadingFinder

MAX_DEPTH: Final = 10_000
"""The parser's time grows with the square of the depth; a page by hand or by a tool has a few dozen levels."""

_NESTING_TAG: Final = re.compile(
    r"<(?P<end>/?)(?!(?:p|li|dt|dd|tr|td|th|br|hr|img|input|meta|link|option|wbr|col|source|area|base|embed)\b)[a-z]",
    re.I,
)
_BLOCKS: Final = re.compile(
    r"address|article|blockquote|body|br|caption|center|d[dlt]|details|div|fieldset|figcaption|figure|h[1-6]|hr|html|li|main"
    r"|ol|p|pre|section|summary|table|t[dhr]|tbody|tfoot|thead|ul"
)
_SKIPPED: Final = re.compile(
    r"script|style|noscript|template|nav|footer|header|aside|form|button|select|iframe|svg|math|object|head|title|-comment|!--"
)
_FURNITURE: Final = re.compile(
    r"(?:^|[\s_-])(?:nav|navbar|menu|footer|foot|header|sidebar|side|breadcrumbs?|modal|dialog|popup|comments?|share|social|"
    r"copyright|ad|ads|advert|banner|pagination|pager|toolbar|toc|login|search|cookie|related|recommend)(?:$|[\s_-])",
    re.I,
)
_LETTER: Final = re.compile(r"[A-Za-z\u00c0-\u024f\u0400-\u04ff\u3040-\u30ff\uac00-\ud7af]")
_HAN: Final = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")


@dataclass
class _State:
    """Where the walk is: text of the paragraph, cells of the row, heading level."""

    text: list[str] = field(default_factory=list)
    cells: list[str] = field(default_factory=list)
    n_skipped: int = 0


def refuse_deep(text: str) -> None:
    """Stops before the parser would take minutes.

    Raises:
        PartRefused: `nested_too_deep`.
    """
    depth = 0
    for found in _NESTING_TAG.finditer(text):
        end = text.find(">", found.end(), found.end() + 1_024)
        if end > 0 and text[end - 1] == "/":
            continue
        depth = max(0, depth - 1) if found["end"] else depth + 1
        if depth > MAX_DEPTH:
            raise PartRefused(
                "nested_too_deep",
                f"character {found.start()} stands under more than {MAX_DEPTH} open tags. "
                "Mend the markup, or list it under 'skip:'.",
            )


def titles_of(text: str) -> list[str]:
    """Candidates for the title, best first: `<h1>`, what its class calls a title, `<title>`.

    Raises:
        PartRefused: `nested_too_deep`.
    """
    refuse_deep(text)
    tree = LexborHTMLParser(text)
    found = [node.text() for node in tree.css("h1")[:3]]
    found += [node.text() for node in tree.css("[class*=title]")[:8] if len(node.text()) < 120]
    found += [node.text() for node in tree.css("title")[:1]]
    return [title for title in map(tidy, found) if title]


def html_blocks(text: str, notes: list[str]) -> Iterator[Block]:
    """The blocks of a page; `notes` gets what was left out.

    Raises:
        PartRefused: `nested_too_deep`.
    """
    refuse_deep(text)
    blocks = list(_walk(LexborHTMLParser(text), notes))
    if not any(block.heading for block in blocks):
        finder = HeadingFinder()
        blocks = [finder.block(block) for block in blocks]
    n_foreign = 0
    for block in blocks:
        if _is_foreign(block.heading.title if block.heading else block.text):
            n_foreign += 1
            if block.heading is None:
                yield block._replace(drop="foreign_language")
            continue
        yield block
    if n_foreign:
        notes.append(f"{n_foreign} paragraphs in another language than Chinese dropped")


def _is_foreign(text: str) -> bool:
    n_han = len(_HAN.findall(text))
    return n_han * 5 < len(_LETTER.findall(text)) and len(text) > 15


def _walk(tree: LexborHTMLParser, notes: list[str]) -> Iterator[Block]:
    """Blocks in the order of the page. A stack instead of recursion: depth is the file's choice, not ours."""
    state = _State()
    stack: list[tuple[int, str]] = []
    skip_at: int | None = None
    root = tree.body or tree.root
    if root is None:
        return
    for node in root.traverse(include_text=True):
        parent = node.parent.mem_id if node.parent is not None else 0
        while stack and stack[-1][0] != parent:
            _, left = stack.pop()
            if skip_at is not None and len(stack) < skip_at:
                skip_at = None
            elif skip_at is None and _BLOCKS.fullmatch(left):
                yield from _flush(state, left)
        tag = node.tag or ""
        if tag == "-text":
            if skip_at is None:
                state.text.append(node.text_content or "")
            continue
        stack.append((node.mem_id, tag))
        if skip_at is None and _is_furniture(node, tag):
            state.n_skipped += 1
            skip_at = len(stack)
        elif skip_at is None and _BLOCKS.fullmatch(tag):
            yield from _flush(state, "p" if tag not in ("td", "th") else "")
    while stack:
        _, left = stack.pop()
        if skip_at is not None and len(stack) < skip_at:
            skip_at = None
        elif skip_at is None and _BLOCKS.fullmatch(left):
            yield from _flush(state, left)
    yield from _flush(state, "p")
    if state.n_skipped:
        notes.append(f"{state.n_skipped} elements around the text left out (navigation, scripts, dialogs)")


def _is_furniture(node: Any, tag: str) -> bool:
    if _SKIPPED.fullmatch(tag):
        return True
    attributes = node.attributes or {}
    if attributes.get("hidden", "no") != "no" or attributes.get("aria-hidden") == "true":
        return True
    if "display:none" in (attributes.get("style") or "").replace(" ", ""):
        return True
    label = f"{attributes.get('class') or ''} {attributes.get('id') or ''} {attributes.get('role') or ''}"
    return tag not in ("body", "html", "main", "article") and bool(_FURNITURE.search(label))


def _flush(state: _State, tag: str) -> Iterator[Block]:
    """What has been read when the element `tag` ends; cells wait for the end of their row."""
    text = tidy("".join(state.text))
    state.text.clear()
    if tag in ("td", "th"):
        state.cells.append(text)
        return
    if tag == "tr":
        cells = [cell for cell in (*state.cells, text) if cell]
        state.cells.clear()
        if cells:
            yield Block("；".join(cells))
        return
    if not text:
        return
    if re.fullmatch("h[1-6]", tag):
        heading: Heading = explicit(int(tag[1]), text)
        yield Block("", heading)
    elif state.cells or tag == "":
        state.cells.append(text)
    else:
        yield Block(text)
