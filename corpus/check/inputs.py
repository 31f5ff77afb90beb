"""The records of a file, a chunk at a time. What cannot be a record is one with a problem: nothing is passed over."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from schemas.errors import InputError, PartRefused
from sources.base import ReadReport
from sources.formats import JSONL, sniff_path
from sources.rows import MAX_ROW_CHARS
from sources.tables import read_table

CHUNK_ENTRIES: Final = 64
CHUNK_BYTES: Final = 1_000_000
_JSON_LINES: Final = (".jsonl", ".ndjson")
_BLOCK: Final = 1 << 20
_SHOWN: Final = 200


@dataclass(frozen=True)
class Entry:
    """A line or a row.

    Attributes:
        locator: `L12`, `row 7`, `[4]`: where in the file.
        raw: The line of a JSON Lines file, as it is.
        values: The row of another table.
        problem: Why it is none, a short token; `raw` then holds its beginning.
    """

    locator: str
    raw: bytes = b""
    values: dict[str, Any] | None = None
    problem: str = ""

    @property
    def n_bytes(self) -> int:
        """About."""
        return len(self.raw) if self.values is None else sum(len(str(v)) for v in self.values.values())


@dataclass
class Chunk:
    """Entries that one worker looks at in a row."""

    entries: list[Entry] = field(default_factory=list)
    n_bytes: int = 0


def count_entries(path: Path) -> int:
    """Lines of a JSON Lines file, for a progress bar; 0 for other tables, whose rows nobody counts beforehand."""
    if not is_json_lines(path):
        return 0
    with path.open("rb") as file:
        return sum(block.count(b"\n") for block in iter(lambda: file.read(_BLOCK), b""))


def is_json_lines(path: Path) -> bool:
    """By its name, or by what it holds."""
    return path.suffix.lower() in _JSON_LINES or sniff_path(path) == JSONL


def chunks(path: Path) -> Iterator[Chunk]:
    """The file's entries in order.

    Raises:
        InputError: it is no table.
    """
    chunk = Chunk()
    entries = _lines(path) if is_json_lines(path) else _rows(path)
    for entry in entries:
        chunk.entries.append(entry)
        chunk.n_bytes += entry.n_bytes
        if len(chunk.entries) >= CHUNK_ENTRIES or chunk.n_bytes >= CHUNK_BYTES:
            yield chunk
            chunk = Chunk()
    if chunk.entries:
        yield chunk


def _lines(path: Path) -> Iterator[Entry]:
    """Lines as bytes: one that is no UTF-8, or holds a NUL, is that line's fault and not the file's."""
    number = 0
    with path.open("rb") as file:
        while raw := file.readline(MAX_ROW_CHARS):
            number += 1
            if is_cut := len(raw) == MAX_ROW_CHARS and not raw.endswith(b"\n"):
                while is_cut:
                    rest = file.readline(MAX_ROW_CHARS)
                    is_cut = len(rest) == MAX_ROW_CHARS and not rest.endswith(b"\n")
                yield Entry(f"L{number}", raw[:_SHOWN], problem="row_too_long")
            elif raw.strip():
                yield Entry(f"L{number}", raw.removeprefix(b"\xef\xbb\xbf") if number == 1 else raw)


def _rows(path: Path) -> Iterator[Entry]:
    try:
        for row in read_table(path, ReadReport()):
            raw = row.raw[:_SHOWN].encode("utf-8", "replace") if row.problem else b""
            yield Entry(row.locator, raw, None if row.problem else row.values, row.problem or "")
    except PartRefused as refused:
        detail = refused.detail.replace("list it under 'skip:'", "leave it out")  # no configuration here
        raise InputError([f"{path}: {detail}"]) from None
