"""What a row of a table is before anyone knows its meaning, and the text that rows are read from."""

from __future__ import annotations

import codecs
import io
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple, TextIO

from schemas.errors import PartRefused
from sources.encoding import decode, detect_head
from sources.formats import HEAD_BYTES

MAX_ROW_CHARS: Final = 4_000_000
"""A longer row is dropped: it is a defect of the file, and a batch must fit in memory."""
MAX_WHOLE_BYTES: Final = 32_000_000
"""Up to here a text file is decoded as a whole, so that detection sees every byte; beyond it is streamed."""
MAX_VALUE_BYTES: Final = 256_000_000
"""JSON objects and Python literals, which cannot be read piece by piece, up to this size."""
MAX_DEPTH: Final = 64
"""Lists and objects within each other in one row."""
NULLS: Final = frozenset({"", "nan", "NaN", "NAN", "null", "NULL", "None", "<NA>", "N/A", "#N/A", "NaT", "\\N"})
"""Cells that say "no value"."""

_EXCERPT_CHARS: Final = 300
_CHUNK_BYTES: Final = 1 << 20


class Row(NamedTuple):
    """One row as found.

    Attributes:
        locator: Where in the part.
        values: By column name; missing values are None. Columns without a name are `_0`, `_1`, …
        problem: A reason token where it could not be read as its neighbours were; `raw` then shows its beginning.
        raw: A few hundred characters at most.
    """

    locator: str
    values: dict[str, Any]
    problem: str | None = None
    raw: str = ""


def present(value: Any) -> Any:
    """`value`, or None where it says that there is none."""
    if value.__class__ is str:
        return None if value in NULLS or value.isspace() else value
    if value.__class__ is float and not math.isfinite(value):
        return None
    return value


def excerpt(text: str) -> str:
    """The beginning of `text`, without what no column can hold."""
    return text[:_EXCERPT_CHARS].encode("utf-8", "replace").decode().replace("\0", "").strip()


def row_of(locator: str, value: Any) -> Row:
    """A parsed value as a row: an object by its keys, a list by `_0`, `_1` …, anything else as `_0`."""
    if isinstance(value, dict):
        return Row(locator, {str(key): present(item) for key, item in value.items()})
    if isinstance(value, list):
        return Row(locator, {f"_{i}": present(item) for i, item in enumerate(value)})
    return Row(locator, {"_0": present(value)})


def fault(value: Any) -> str | None:
    """Why a parsed value cannot become a record: `too_deep`, or `lone_surrogate` in one of its strings."""
    level = [value]
    for _ in range(MAX_DEPTH):
        below: list[Any] = []
        for item in level:
            if isinstance(item, str):
                if not item.isascii() and _has_surrogate(item):
                    return "lone_surrogate"
            elif isinstance(item, dict):
                below += item.keys()
                below += item.values()
            elif isinstance(item, list | tuple):
                below += item
        if not below:
            return None
        level = below
    return "too_deep"


def open_text(path: Path, encoding: str | None = None) -> tuple[TextIO, str]:
    """A stream of the file's text, its line ends as they are, and the name of its encoding.

    Every byte has been tried before the first character comes out, so decoding does not fail halfway.

    Raises:
        PartRefused: `undecodable_byte`, `unknown_encoding`, `nul_byte`.
    """
    if path.stat().st_size <= MAX_WHOLE_BYTES:
        text, found = decode(path.read_bytes(), encoding)
        return io.StringIO(text.removeprefix("\ufeff"), newline=""), found
    found = _encoding_of_large(path, encoding)
    return path.open("r", encoding=found, newline=""), found


def whole_text(stream: TextIO, path: Path) -> str:
    """What is left of the stream, if it fits in memory.

    Raises:
        PartRefused: `too_large`.
    """
    n_bytes = path.stat().st_size
    if n_bytes > MAX_VALUE_BYTES:
        raise PartRefused(
            "too_large",
            f"one value of {n_bytes} bytes; only up to {MAX_VALUE_BYTES} can be read whole. Convert it to JSON Lines.",
        )
    return stream.read()


def bounded_lines(stream: TextIO, limit: int = MAX_ROW_CHARS) -> Iterator[tuple[str, bool]]:
    """Lines with their ends, each with whether it was longer than `limit` and is cut there."""
    while line := stream.readline(limit):
        is_cut = len(line) == limit and line[-1] not in "\r\n"
        yield line, is_cut
        while is_cut:
            rest = stream.readline(limit)
            is_cut = len(rest) == limit and rest[-1] not in "\r\n"


def _has_surrogate(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


def _encoding_of_large(path: Path, override: str | None) -> str:
    """The codec that reads all of a file that is too big to hold."""
    if override:
        _, encoding = decode(b"", override)  # checks the name
    else:
        encoding = detect_head(_bytes_at(path, 0))
    offset = _first_undecodable(path, encoding)
    if offset is not None and encoding == "utf-8" and not override:  # a long ASCII beginning tells nothing
        encoding = detect_head(_bytes_at(path, offset))
        offset = offset if encoding == "utf-8" else _first_undecodable(path, encoding)
    if offset is not None:
        raise PartRefused(
            "undecodable_byte",
            f"byte {offset} is not {encoding}. Mend the file, or name its codec under 'encoding:'.",
        )
    return encoding


def _bytes_at(path: Path, offset: int) -> bytes:
    with path.open("rb") as file:
        file.seek(offset)
        return file.read(HEAD_BYTES)


def _first_undecodable(path: Path, encoding: str) -> int | None:
    """The offset at which a strict decoder stops, or None.

    Raises:
        PartRefused: `nul_byte`.
    """
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    at = n_held = 0
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            try:
                text = decoder.decode(chunk)
            except UnicodeDecodeError as error:
                return at - n_held + error.start
            if "\0" in text:
                raise PartRefused("nul_byte", f"NULs after byte {at}: the file is not text, or was damaged. Mend it.")
            at += len(chunk)
            n_held = len(decoder.getstate()[0])
    return at - n_held if n_held else None
