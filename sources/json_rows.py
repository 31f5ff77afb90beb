"""Rows of JSON and JSON Lines: arrays are streamed, broken lines become rows with a problem."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, TextIO

import orjson

from sources.base import ReadReport
from sources.rows import MAX_ROW_CHARS, MAX_WHOLE_BYTES, Row, bounded_lines, excerpt, fault, row_of, whole_text

_STEP_CHARS: Final = 1 << 20
_DECODER: Final = json.JSONDecoder(parse_constant=lambda _: None)  # NaN and Infinity are missing values
_BLANK: Final = " \t\r\n"


def read_json_lines(stream: TextIO) -> Iterator[Row]:
    """A row a line; blank lines count but give none."""
    for number, (line, is_cut) in enumerate(bounded_lines(stream), 1):
        locator = f"L{number}"
        if is_cut:
            yield Row(locator, {}, "row_too_long", excerpt(line))
            continue
        try:
            yield row_of(locator, orjson.loads(line))
        except orjson.JSONDecodeError:
            if line.strip():
                yield _tolerant_row(locator, line)


def read_json(stream: TextIO, path: Path, report: ReadReport) -> Iterator[Row]:
    """The elements of an array, the rows of an object of lists or of objects, or values after one another."""
    is_small = path.stat().st_size <= MAX_WHOLE_BYTES
    start = _skip_blank(stream)
    if not is_small and start != "{":
        yield from _read_values(_Buffer(start, stream), report)
        return
    text = start + whole_text(stream, path)
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError:
        yield from _read_values(_Buffer(text, None), report)
        return
    yield from _document_rows(document)


def _tolerant_row(locator: str, line: str) -> Row:
    """A line that strict JSON refuses: NaN becomes None; what is still broken becomes a problem."""
    try:
        value = _DECODER.decode(line.strip())
    except ValueError:
        return Row(locator, {}, "bad_json", excerpt(line))
    except RecursionError:
        return Row(locator, {}, "too_deep", excerpt(line))
    problem = fault(value)
    return Row(locator, {}, problem, excerpt(line)) if problem else row_of(locator, value)


def _document_rows(document: Any) -> Iterator[Row]:
    """Rows of a whole document that parsed."""
    if isinstance(document, list):
        for i, value in enumerate(document):
            yield row_of(f"[{i}]", value)
    elif isinstance(document, dict) and document and all(isinstance(v, list) for v in document.values()):
        yield from _lists_rows(document)
    elif isinstance(document, dict) and document and all(isinstance(v, dict) for v in document.values()):
        for key, value in document.items():
            yield row_of(str(key), value)
    else:
        lists = {k: v for k, v in document.items() if isinstance(v, list)} if isinstance(document, dict) else {}
        if len(lists) == 1 and all(isinstance(v, dict) for v in next(iter(lists.values()))):
            yield from _lists_rows(lists)  # {"version": "1.0", "data": [{…}, {…}]}
        else:
            yield row_of("[0]", document)


def _lists_rows(document: dict[str, list[Any]]) -> Iterator[Row]:
    """`{"train": [{…}], "test": [{…}]}` by list, `{"question": […], "answer": […]}` by position."""
    if any(isinstance(value, dict) for values in document.values() for value in values[:1]):
        for key, values in document.items():
            for i, value in enumerate(values):
                yield row_of(f"{key}[{i}]", value)
        return
    for i in range(max(map(len, document.values()))):
        is_short = any(i >= len(values) for values in document.values())
        row = row_of(f"[{i}]", {key: values[i] for key, values in document.items() if i < len(values)})
        yield row._replace(problem="ragged_row", raw=excerpt(str(row.values))) if is_short else row


def _skip_blank(stream: TextIO) -> str:
    while (char := stream.read(1)) and char in _BLANK:
        pass
    return char


class _Buffer:
    """A window on the text, which grows by reading on and forgets what is done."""

    def __init__(self, text: str, stream: TextIO | None) -> None:
        self.text, self.at, self._stream = text, 0, stream

    def grow(self) -> bool:
        """Reads on, at least as much as is held, so that trying again stays linear. False at the end."""
        more = self._stream.read(max(_STEP_CHARS, len(self.text) - self.at)) if self._stream else ""
        if more:
            self.text, self.at = self.text[self.at :] + more, 0
        return bool(more)

    def skip(self, chars: str) -> str:
        """Passes over `chars`; the character after them, or nothing at the end."""
        while True:
            while self.at < len(self.text) and self.text[self.at] in chars:
                self.at += 1
            if self.at < len(self.text):
                return self.text[self.at]
            if not self.grow():
                return ""


def _read_values(buffer: _Buffer, report: ReadReport) -> Iterator[Row]:
    """Values in an array or after one another, up to the first that is broken: nothing after it is certain."""
    if buffer.skip(_BLANK) == "[":
        buffer.at += 1
    number = 0
    while char := buffer.skip(_BLANK + ","):
        if char == "]":
            return
        locator = f"[{number}]"
        try:
            value, end = _DECODER.raw_decode(buffer.text, buffer.at)
            if end == len(buffer.text) and buffer.grow():
                continue  # a number may go on
            problem = fault(value) if "\\u" in buffer.text[buffer.at : end] else None
        except RecursionError:
            value, end, problem = None, -1, "too_deep"
        except ValueError:
            if len(buffer.text) - buffer.at < MAX_ROW_CHARS and buffer.grow():
                continue
            is_long = len(buffer.text) - buffer.at >= MAX_ROW_CHARS and not _is_broken(buffer)
            value, end, problem = None, -1, "row_too_long" if is_long else "bad_json"
        if problem:
            yield Row(locator, {}, problem, excerpt(buffer.text[buffer.at : buffer.at + 1000]))
        else:
            yield row_of(locator, value)
        if end < 0:
            report.notes.append(f"{locator}: {problem}; the file is not read beyond this place")
            return
        buffer.at = end
        number += 1


def _is_broken(buffer: _Buffer) -> bool:
    """The fault lies well before the end of what is held, so that reading on would not mend it."""
    try:
        _DECODER.raw_decode(buffer.text, buffer.at)
    except json.JSONDecodeError as error:
        return error.pos < len(buffer.text) - 100 and not error.msg.startswith("Unterminated")
    return False
