"""Rows of files that hold Python literals, as researchers print them: `train@[{'a': 1}, …]`.

Nothing is evaluated: a scanner cuts the text into the elements of its outermost lists, and `ast.literal_eval`
parses each alone, so that neither the size of the file nor its nesting reaches the parser.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from sources.rows import MAX_DEPTH, Row, excerpt, fault, row_of

_MAX_ELEMENT_CHARS: Final = 1_000_000
_SCAN: Final = re.compile(
    r"""'[^'\\]*+(?:\\.[^'\\]*+)*+(?:'|\Z)|"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\Z)|[\[\](){},]""", re.S
)
_SECTION: Final = re.compile(r"\s*(\w{1,40})\s*[@=:]\s*\Z")


class _Element(NamedTuple):
    locator: str
    start: int
    end: int
    depth: int


def read_literals(text: str) -> Iterator[Row]:
    """A row an element: `train[4]` under a `train@[…]`, `[4]` in a bare list, by position where dicts follow
    one another."""
    for element in _elements(text):
        source = text[element.start : element.end].strip()
        if not source:
            continue
        if element.depth > MAX_DEPTH:
            yield Row(element.locator, {}, "too_deep", excerpt(source))
        elif len(source) > _MAX_ELEMENT_CHARS:
            yield Row(element.locator, {}, "row_too_long", excerpt(source))
        else:
            yield _row(element.locator, source)


def _row(locator: str, source: str) -> Row:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)  # '\d' in a string
            value = _plain(ast.literal_eval(source))
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return Row(locator, {}, "bad_literal", excerpt(source))
    problem = fault(value)
    return Row(locator, {}, problem, excerpt(source)) if problem else row_of(locator, value)


def _elements(text: str) -> Iterator[_Element]:
    """The elements of each outermost list (or tuple), and outermost dicts themselves."""
    depth = deepest = number = 0
    section, is_list, start, after = "", False, 0, 0
    for match in _SCAN.finditer(text):
        token, at = match[0][0], match.start()
        if token in "[({":
            depth += 1
            deepest = max(deepest, depth)
            if depth == 1:
                name = _SECTION.match(text[max(after, at - 60) : at])
                if name or after == 0:
                    section, number = (name[1] if name else ""), 0
                is_list = token != "{"
                start = match.end() if is_list else at
                deepest = 1
        elif token in "])}":
            depth -= 1
            if depth == 0:
                end = at if is_list else match.end()
                if text[start:end].strip():
                    yield _Element(f"{section}[{number}]", start, end, deepest)
                    number += 1
                after = match.end()
            depth = max(depth, 0)
        elif token == "," and depth == 1 and is_list:
            yield _Element(f"{section}[{number}]", start, at, deepest)
            start, deepest, number = match.end(), 1, number + 1
    if depth > 0:
        yield _Element(f"{section}[{number}]", start, len(text), deepest)


def _plain(value: Any) -> Any:
    """Tuples as lists, sets as sorted lists, bytes and complex numbers as text: what JSON could have held."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, set):
        return sorted(str(item) for item in value)
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)
