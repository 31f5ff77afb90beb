"""Rows of CSV and TSV files, with the defects that such files have.

A quote that never closes does not swallow the rows after it: the line with the quote is dropped, the others are
read again. A row with more cells than the header has is dropped, since its text was cut at an unquoted comma;
one with fewer is filled up with None.
"""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Collection, Iterator, Sequence
from typing import Any, Final, NamedTuple, TextIO

from schemas.errors import PartRefused
from sources.formats import CSV, TSV
from sources.rows import Row, bounded_lines, excerpt, present

_MAX_CELL_CHARS: Final = 1_000_000
_MAX_REPAIRS: Final = 100
_MAX_COLUMNS: Final = 10_000
_MAX_NAME_CHARS: Final = 40
_SAMPLE_LINES: Final = 200
_MIN_SWALLOWED: Final = 3
_SWALLOWED_RATIO: Final = 0.9


class Form(NamedTuple):
    """How a delimited file is written."""

    delimiter: str
    quoting: Any
    names: list[str]
    has_header: bool


def read_delimited(stream: TextIO, sniffed: str, known: Collection[str]) -> Iterator[Row]:
    """The data rows of a delimited file; `row 1` is the first below the header.

    Args:
        stream: Its text.
        sniffed: What `sniff` took it for.
        known: Lower-case column names that make a first line a header.

    Raises:
        PartRefused: `not_a_table` where lines have no common delimiter; `malformed_table` where more than a
            hundred quotes do not close.
    """
    lines = _Lines(stream)
    form = _form(lines.peek(_SAMPLE_LINES), sniffed, known)
    width, number, n_repairs, is_header = len(form.names), 0, 0, form.has_header
    reader = csv.reader(lines, delimiter=form.delimiter, quoting=form.quoting)
    csv.field_size_limit(_MAX_CELL_CHARS)  # of the process; every reader here wants the same
    while True:
        try:
            cells = next(reader, None)
            if cells is None:
                return
        except csv.Error:
            cells = None
        if cells is None or (lines.n_held > 1 and not is_header and lines.is_swallowed(len(cells), width, form)):
            if n_repairs == _MAX_REPAIRS:
                raise PartRefused(
                    "malformed_table", f"{n_repairs} quotes before row {number} do not close. Mend the file's quoting."
                )
            n_repairs, number = n_repairs + 1, number + 1
            yield Row(f"row {number}", {}, "bad_csv", excerpt(lines.give_back()))
            reader = csv.reader(lines, delimiter=form.delimiter, quoting=form.quoting)
            continue
        too_long = lines.settle()
        if is_header:
            is_header = False
        elif cells or too_long:
            number += 1
            yield _row(f"row {number}", cells, form.names, too_long)


def _row(locator: str, cells: list[str], names: list[str], too_long: str | None) -> Row:
    if too_long is not None:
        return Row(locator, {}, "row_too_long", too_long)
    if len(cells) == len(names):
        return Row(locator, dict(zip(names, map(present, cells), strict=True)))
    values: dict[str, Any] = dict.fromkeys(names)
    values.update(zip(names, map(present, cells), strict=False))
    extra = {f"_{i}": cell for i, cell in enumerate(cells[len(names) :], len(names)) if present(cell)}
    if extra:
        return Row(locator, {**values, **extra}, "ragged_row", excerpt("｜".join(cells)))
    return Row(locator, values)


class _Lines:
    """Lines for `csv.reader` that remembers those of the record in progress, so that they can be read again."""

    def __init__(self, stream: TextIO) -> None:
        self._source = bounded_lines(stream)
        self._ahead: deque[tuple[str, bool]] = deque()
        self._held: list[tuple[str, bool]] = []

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        item = self._ahead.popleft() if self._ahead else next(self._source)
        self._held.append(item)
        return "\n" if item[1] else item[0]

    @property
    def n_held(self) -> int:
        return len(self._held)

    def peek(self, n_lines: int) -> list[str]:
        """The next lines, which stay to be read."""
        for item in self._source:
            self._ahead.append(item)
            if len(self._ahead) >= n_lines:
                break
        return [line for line, is_cut in self._ahead if not is_cut]

    def is_swallowed(self, n_cells: int, width: int, form: Form) -> bool:
        """Whether the record in progress is several rows, held together by a quote that was never closed."""
        if n_cells != width:
            return True
        inner = [line for line, _ in self._held[1:-1]]
        n_rows = sum(line.count(form.delimiter) == width - 1 for line in inner)
        return len(inner) >= _MIN_SWALLOWED and n_rows >= _SWALLOWED_RATIO * len(inner)

    def give_back(self) -> str:
        """The first line of the record in progress; its other lines will be read again."""
        self._ahead.extendleft(reversed(self._held[1:]))
        first = self._held[0][0]
        self._held = []
        return first

    def settle(self) -> str | None:
        """Forgets the record in progress; the beginning of its overlong line, if it has one."""
        too_long = next((excerpt(line) for line, is_cut in self._held if is_cut), None)
        self._held.clear()
        return too_long


def _form(sample: list[str], sniffed: str, known: Collection[str]) -> Form:
    delimiter = _delimiter(sample, sniffed)
    if delimiter is None:
        raise PartRefused(
            "not_a_table",
            f"{sniffed}, not a table: its lines share no delimiter and are no JSON. Give the file to a source of "
            "kind 'plain' or 'textbook', or list it under 'skip:'.",
        )
    quoting = _quoting(sample, delimiter)
    records = [r for r in csv.reader(sample, delimiter=delimiter, quoting=quoting) if r][:50]
    header = _header(records, known)
    width = max(map(len, records))
    if width > _MAX_COLUMNS:
        raise PartRefused("not_a_table", f"{width} columns; a table of records has fewer than {_MAX_COLUMNS}.")
    return Form(delimiter, quoting, column_names(header or [""] * width), header is not None)


def _delimiter(sample: Sequence[str], sniffed: str) -> str | None:
    """What most records of the sample agree on; among equals the one that `sniff` found."""
    first = {CSV: ",", TSV: "\t"}.get(sniffed)
    best, best_share = None, 0.5
    for delimiter in sorted("\t,;|", key=lambda d: d != first):
        try:
            widths = [len(r) for r in csv.reader(sample, delimiter=delimiter) if r]
        except csv.Error:
            continue
        share = _agreement(widths)
        if share > best_share or (share == best_share == 0.5 and delimiter == first):
            best, best_share = delimiter, share
    return best


def _agreement(widths: list[int]) -> float:
    """The share of records that are as wide as the first; 0 where that is no row of a table."""
    widths = widths[:-1] if len(widths) > 2 else widths  # the last record may be cut
    return widths.count(widths[0]) / len(widths) if widths and widths[0] > 1 else 0.0


def _quoting(sample: Sequence[str], delimiter: str) -> Any:
    """TSV is mostly written without quoting: a quote there is text unless some cell is quoted as a whole."""
    if delimiter != "\t":
        return csv.QUOTE_MINIMAL
    shares = [
        _agreement([len(r) for r in csv.reader(sample, delimiter=delimiter, quoting=quoting) if r])
        for quoting in (csv.QUOTE_MINIMAL, csv.QUOTE_NONE)
    ]
    if shares[0] != shares[1]:
        return csv.QUOTE_MINIMAL if shares[0] > shares[1] else csv.QUOTE_NONE
    cells = (cell for line in sample for cell in line.rstrip("\r\n").split("\t"))
    return csv.QUOTE_MINIMAL if any(len(c) > 1 and c[0] == c[-1] == '"' for c in cells) else csv.QUOTE_NONE


def _header(records: list[list[str]], known: Collection[str]) -> list[str] | None:
    """The first record where it names columns; None where it is data already."""
    first, rest = [cell.strip() for cell in records[0]], records[1:]
    columns = [[r[i].strip() for r in rest if i < len(r)] for i in range(len(first))]
    if any(cell and cell in column for cell, column in zip(first, columns, strict=True)):
        return None  # a value that comes again below it
    if any(cell.lower() in known for cell in first):
        return first
    if not rest or any(_is_number(cell) or len(cell) > _MAX_NAME_CHARS for cell in first):
        return None
    is_name = any(
        (cell.isascii() and not all(value.isascii() for value in column))
        or (all(map(_is_number, column)) or sorted(map(len, column))[len(column) // 2] > 2 * len(cell) + 8)
        for cell, column in zip(first, columns, strict=True)
        if cell and column
    )
    return first if is_name else None


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def column_names(header: Sequence[str]) -> list[str]:
    """Unique names: a blank one becomes `_15`, counted from 0; a second `name` becomes `name_2`."""
    names: list[str] = []
    n_of: dict[str, int] = {}
    for i, cell in enumerate(header):
        stem = cell.strip() or f"_{i}"
        name = stem
        while name in n_of:
            n_of[stem] += 1
            name = f"{stem}_{n_of[stem]}"
        n_of[name] = 1
        names.append(name)
    return names
