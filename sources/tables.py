"""Rows from table files: a locator and a mapping from column name to value, whatever the file's form.

    CSV, TSV, and `;` or `|` between cells     `row 7`: the seventh data row
    JSON array, object of lists or of rows     `[4]`, `train[4]`, `10243`
    JSON Lines, under any extension            `L12`
    Python literals                            `train[4]`
    Parquet, Arrow                             `row 7`

Files are streamed; only JSON objects and Python literals must fit in memory, and a limit bounds those. What
cannot become a row is still a row, with `problem` set: the reader above makes a dropped record of it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Final

from schemas.errors import PartRefused
from sources.arrow_rows import read_arrow, read_parquet
from sources.base import ReadReport
from sources.delimited import read_delimited
from sources.formats import (
    ARROW,
    BINARY,
    DOCX,
    EMPTY,
    EPUB,
    HEAD_BYTES,
    JSON,
    JSONL,
    PARQUET,
    PDF,
    PYTHON_LITERAL,
    sniff,
)
from sources.json_rows import read_json, read_json_lines
from sources.literal_rows import read_literals
from sources.rows import Row, open_text, whole_text

_LITERAL: Final = re.compile(rb"\s*\w{1,20}@\s*[\[{(]")


def read_table(
    path: Path, report: ReadReport, encoding: str | None = None, known: Collection[str] = ()
) -> Iterator[Row]:
    """The rows of a file, in its order.

    Args:
        path: A file.
        report: Gets `format` and `encoding` before the first row, and a note where reading stopped early.
        encoding: Overrides detection.
        known: Lower-case column names that make the first line of a delimited file a header.

    Raises:
        PartRefused: `empty`, `not_a_table`, `too_large`, `damaged`, or what decoding raises.
    """
    report.format = _form(path)
    if report.format == EMPTY:
        raise PartRefused("empty", "empty. Fill it, or list it under 'skip:'.")
    if report.format in (BINARY, PDF, EPUB, DOCX):
        raise PartRefused(
            "not_a_table",
            f"{report.format}, not a table. Save it as CSV, JSON Lines or Parquet, or list it under 'skip:'.",
        )
    if report.format == PARQUET:
        yield from read_parquet(path)
    elif report.format == ARROW:
        yield from read_arrow(path)
    else:
        yield from _read_text_table(path, report, encoding, known)


def _form(path: Path) -> str:
    """What the file is; one that begins as Python literals do stays one if it is broken further on."""
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    return PYTHON_LITERAL if _LITERAL.match(head) else sniff(head, path.name)


def _read_text_table(path: Path, report: ReadReport, encoding: str | None, known: Collection[str]) -> Iterator[Row]:
    stream, report.encoding = open_text(path, encoding)
    with stream:
        if report.format == JSONL:
            yield from read_json_lines(stream)
        elif report.format == JSON:
            yield from read_json(stream, path, report)
        elif report.format == PYTHON_LITERAL:
            yield from read_literals(whole_text(stream, path))
        else:
            yield from read_delimited(stream, report.format, known)
