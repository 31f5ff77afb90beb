"""A PDF page → its lines with place and size, as pdfium lays them out, and the frames of its tables.

Raised small digits become superscripts, because `10²` that is read as `102` is another number.
"""

from __future__ import annotations

import ctypes
import re
import statistics
from typing import Any, Final, NamedTuple

import pypdfium2.raw as pdfium_c

MAX_PAGE_CHARS: Final = 200_000
MAX_PAGE_OBJECTS: Final = 50_000

_SUPERSCRIPTS: Final = str.maketrans("0123456789+-－−n", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁻ⁿ")
_BEFORE_RAISED: Final = re.compile(r"(?<=\d) +(?=[⁰¹²³⁴-⁹⁺⁻])")
_RULE_POINTS: Final = 3.0
"""A path thinner than this is a rule of a table or a line under something."""


class PdfLine(NamedTuple):
    """A line of text. Places are in points from the lower left corner; `size` is the height of its characters."""

    text: str
    left: float
    right: float
    bottom: float
    top: float
    size: float
    cells: tuple[str, ...]
    """The text again, cut where a blank is about two characters wide."""


class Box(NamedTuple):
    """A rectangle on the page."""

    left: float
    bottom: float
    right: float
    top: float

    def holds(self, line: PdfLine) -> bool:
        """Whether the middle of `line` is inside."""
        x, y = (line.left + line.right) / 2, (line.bottom + line.top) / 2
        return self.left - 2 <= x <= self.right + 2 and self.bottom - 2 <= y <= self.top + 2


class _Char(NamedTuple):
    text: str
    left: float
    bottom: float
    right: float
    top: float


def lines_of(text_page: Any) -> list[PdfLine]:
    """The lines of a page in the order of its content.

    Cost: about 6 µs a character.
    """
    lines: list[PdfLine] = []
    held: list[_Char] = []
    box = pdfium_c.FS_RECTF()
    raw = text_page.raw
    for index in range(min(pdfium_c.FPDFText_CountChars(raw), MAX_PAGE_CHARS)):
        code = pdfium_c.FPDFText_GetUnicode(raw, index)
        if code in (10, 13):
            lines += _line(held)
            held = []
            continue
        text = chr(code) if 0xDFFF < code <= 0x10FFFF or 31 < code < 0xD800 else ("-" if code == 2 else "")
        if not text or code in (0xFFFE, 0xFFFF):
            continue
        pdfium_c.FPDFText_GetLooseCharBox(raw, index, ctypes.byref(box))
        held.append(_Char(text, box.left, box.bottom, box.right, box.top))
    return lines + _line(held)


def _line(chars: list[_Char]) -> list[PdfLine]:
    """The line that `chars` are, or none where they are all blank."""
    inked = [char for char in chars if not char.text.isspace() and char.right > char.left]
    if not inked:
        return []
    # Fonts of other scripts claim more height at the same size.
    size = statistics.median(char.top - char.bottom for char in [c for c in inked if c.text > "\u2fff"] or inked)
    bottom = statistics.median(char.bottom for char in inked)
    text = _BEFORE_RAISED.sub("", "".join(_raised(char, bottom, size) for char in chars))
    right = max(char.right for char in inked)
    top = max(char.top for char in inked)
    cells = _cells(chars, bottom, size)
    return [PdfLine(" ".join(text.split()), inked[0].left, right, bottom, top, size, cells)]


def _cells(chars: list[_Char], bottom: float, size: float) -> tuple[str, ...]:
    cells, end = [""], None
    for char in chars:
        if not char.text.isspace() and char.right > char.left:
            if end is not None and char.left - end > 1.8 * size:
                cells.append("")
            end = char.right
        cells[-1] += _raised(char, bottom, size)
    return tuple(" ".join(cell.split()) for cell in cells)


def _raised(char: _Char, bottom: float, size: float) -> str:
    height = char.top - char.bottom
    if height < 0.8 * size and char.bottom > bottom + 0.2 * size:
        return char.text.translate(_SUPERSCRIPTS)
    return char.text


def tables_of(page: Any) -> list[Box]:
    """The frames that rules and boxes draw around at least two rows.

    Does not cover: tables without rules; `pdf` finds those by their captions.
    """
    width, height = page.get_size()
    rules: list[Box] = []
    for n, found in enumerate(page.get_objects(filter=[pdfium_c.FPDF_PAGEOBJ_PATH], max_depth=3)):
        if n >= MAX_PAGE_OBJECTS:
            break
        left, bottom, right, top = found.get_bounds()
        is_long = max(right - left, top - bottom) > 8
        if is_long and (right - left) * (top - bottom) < 0.7 * width * height:
            rules.append(Box(left, bottom, right, top))
    return [frame for frame in _clusters(rules) if _has_rows(frame, rules)]


def _has_rows(frame: Box, rules: list[Box]) -> bool:
    levels = {
        round(level / 4)
        for rule in rules
        if frame.left - 3 <= rule.left and rule.right <= frame.right + 3
        for level in ((rule.bottom, rule.top) if rule.top - rule.bottom > _RULE_POINTS else (rule.bottom,))
        if frame.bottom - 3 <= level <= frame.top + 3
    }
    return len(levels) >= 3 and frame.top - frame.bottom > 20 and frame.right - frame.left > 60


def _clusters(rules: list[Box]) -> list[Box]:
    """Frames of rules that touch, or that have the same ends (the three rules of an open table)."""
    frames: list[Box] = []
    for rule in sorted(rules, key=lambda box: (-box.top, box.left)):
        touching = [frame for frame in frames if _belongs(frame, rule)]
        for frame in touching:
            frames.remove(frame)
        merged = [rule, *touching]
        frames.append(
            Box(
                min(box.left for box in merged),
                min(box.bottom for box in merged),
                max(box.right for box in merged),
                max(box.top for box in merged),
            )
        )
    return frames


def _belongs(frame: Box, rule: Box) -> bool:
    return (
        rule.left <= frame.right + 3
        and rule.right >= frame.left - 3
        and rule.bottom <= frame.top + 3
        and rule.top >= frame.bottom - 3
    )
