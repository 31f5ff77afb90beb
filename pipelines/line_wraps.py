"""Joins lines that a page width cut, and leaves lines that an author ended."""

from __future__ import annotations

import itertools
import re
from typing import Final

TRIGGER: Final = r"[^\n。！？；：…”』」）》.!?;:|]\n[^\n]"
"""A line that ends in the middle of a sentence (a cheap look; `joined` decides)."""

_ENDS_OPEN: Final = re.compile(r"[\u3400-\u9fff、，,A-Za-z（《“‘—～/]$")
_STARTS_ON: Final = re.compile(r"[\u3400-\u9fffA-Za-z0-9，。、；：？！）》”’％℃~～（“《]")
_CLOSES: Final = re.compile(r"[，。、；：？！）》”’」』]")
_MARKER: Final = re.compile(
    r"\s|[-*•·●○◆◇■□▲△※→#>|+]|[（(]?(?:[一二三四五六七八九十百]{1,4}|\d{1,2}|[a-zA-Z])[)）、.．]"
    r"|第[一二三四五六七八九十百千零〇\d]{1,6}[章节条款篇编部分卷回]|[①-⑳⑴-⒇]|\d{1,2}(?:\.\d{1,2}){1,4}(?!\d*\s*(?:mg|g|ml|kg|岁|月|天|%|℃))"
    r"|[【〔\[]|(?:附|注|方|表|图)[\d：:]|(?:步骤|方法|推荐意见|问题?|答|患者|医生|主诉|病史|诊断|治疗)\s?\d{0,2}[：:]"
)
_CAPTION: Final = re.compile(r"续?[表图]\s?[A-Z]?\.?\d")
MIN_WRAP_CHARS: Final = 16
"""Shorter lines are headings, items or verse, never a cut paragraph."""
MAX_WRAP_CHARS: Final = 80
"""Longer lines were not cut by a page."""
_FULL: Final = 0.8


MAX_ROUNDS: Final = 8


def joined(text: str, wrapped: bool = True) -> str:
    """`text` with lines joined where a page width cut a sentence; joining again changes nothing.

    A line goes on in the next if it is about as long as the longest unfinished line, ends in the middle of a
    sentence, and the next line does not start an item, a heading or a paragraph. Text with any longer line than a
    page has was not cut by a page.

    Args:
        text: Lines separated by `\\n`.
        wrapped: False for text that people typed: only a line that starts with closing punctuation is joined.
    """
    for _ in range(MAX_ROUNDS):
        before, text = text, _joined_once(text, wrapped)
        if before == text:
            break
    return text


def _joined_once(text: str, wrapped: bool) -> str:
    lines = text.split("\n")
    full = _full_length(lines) if wrapped else None
    done: list[str] = []
    parts = [lines[0]]
    for last, line in itertools.pairwise(lines):
        if _goes_on(last, line, full):
            if _is_latin(last[-1]) and _is_latin(line[0]):
                parts.append(" ")
            parts.append(line)
        else:
            done.append("".join(parts))
            parts = [line]
    return "\n".join([*done, "".join(parts)])


def _full_length(lines: list[str]) -> int | None:
    """Characters of a line that a page cut; None where no page did."""
    if max(map(len, lines)) > MAX_WRAP_CHARS:
        return None
    longest = max((len(line) for line in lines if _ENDS_OPEN.search(line)), default=0)
    return max(MIN_WRAP_CHARS, int(_FULL * longest))


def _goes_on(last: str, line: str, full: int | None) -> bool:
    if not line or not _ENDS_OPEN.search(last) or _CAPTION.match(last):
        return False
    if _CLOSES.match(line):
        return len(last) >= MIN_WRAP_CHARS
    return full is not None and len(last) >= full and bool(_STARTS_ON.match(line)) and not _MARKER.match(line)


def _is_latin(character: str) -> bool:
    return character.isascii() and character.isalnum()
