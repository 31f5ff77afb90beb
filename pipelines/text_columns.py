"""Where the text of a record lies, and how to change or look at all of it at once.

Text hides in three shapes: plain strings, lists of strings (`section_path`) and lists of turns (`turns`,
`messages`, `prompt`). Every shape is flattened into one string column, changed there, and folded back, so that a
stage pays for one pass of a vectorised expression and never for a Python object per row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

import polars as pl
import pyarrow as pa

from schemas.records import COMPLETION, DIALOGUE, DOCUMENT, INSTRUCTION, PREFERENCE, TRIPLE

TEXT_COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    DOCUMENT: ("title", "section_path", "text", "number", "issuer", "grade"),
    TRIPLE: ("head", "relation", "tail"),
    DIALOGUE: ("title", "turns", "diagnosis"),
    INSTRUCTION: ("messages",),
    PREFERENCE: ("prompt", "chosen", "rejected"),
    COMPLETION: ("text",),
}
"""Columns that a person reads. Evidence is left out on purpose: it must stay the text of its source."""

Change = Callable[[pl.Series], pl.Series]
"""Strings in, as many strings out; nulls stay null."""


def map_texts(kind: str, frame: pl.DataFrame, change: Change, columns: Iterable[str] | None = None) -> pl.DataFrame:
    """`frame` with `change` applied to every string of `columns` (all text columns by default)."""
    names = TEXT_COLUMNS[kind] if columns is None else columns
    return frame.with_columns([_map_column(frame.get_column(name), change) for name in names])


def _map_column(column: pl.Series, change: Change) -> pl.Series:
    if column.dtype == pl.String:
        return change(column)
    inner = _flat(column)
    if inner.dtype == pl.String:
        return _folded(column, change(inner))
    fields = inner.struct.unnest()
    return _folded(column, fields.with_columns(change(fields.get_column("content"))).to_struct(inner.name))


def _flat(column: pl.Series) -> pl.Series:
    """The items of a list column, in order; empty and null lists give none."""
    return column.filter((column.list.len() > 0).fill_null(False)).explode()


def _folded(column: pl.Series, inner: pl.Series) -> pl.Series:
    """`inner` folded into the lists of `column`; the opposite of `_flat`."""
    lengths = column.list.len().fill_null(0).cast(pl.Int64)
    offsets = pl.concat([pl.Series([0], dtype=pl.Int64), lengths.cum_sum()]).to_arrow()
    values = inner.to_arrow()
    if column.null_count():
        lists = pa.LargeListArray.from_arrays(offsets, values, mask=column.is_null().to_arrow())
    else:
        lists = pa.LargeListArray.from_arrays(offsets, values)
    folded = pl.from_arrow(lists)
    assert isinstance(folded, pl.Series)
    return folded.alias(column.name).cast(column.dtype)


def each_text(kind: str, frame: pl.DataFrame, columns: Iterable[str] | None = None) -> pl.DataFrame:
    """Every string of the text columns, one a row: `row` (position in `frame`), `column`, `role`, `text`.

    `role` is null outside lists of turns. Sorted by column, then by row and place in the list; nulls are left out.
    """
    found = []
    at = pl.int_range(frame.height, eager=True, dtype=pl.UInt32).alias("row")
    for name in TEXT_COLUMNS[kind] if columns is None else columns:
        column = frame.get_column(name)
        cells = pl.DataFrame([at, column.alias("text")])
        if column.dtype != pl.String:
            cells = cells.filter((pl.col("text").list.len() > 0).fill_null(False)).explode("text")
        if isinstance(cells.schema["text"], pl.Struct):
            cells = cells.unnest("text").rename({"content": "text"})
        else:
            cells = cells.with_columns(pl.lit(None, dtype=pl.String).alias("role"))
        found.append(
            cells.select("row", pl.lit(name).alias("column"), "role", "text").filter(pl.col("text").is_not_null())
        )
    return pl.concat(found)


def joined_text(kind: str, frame: pl.DataFrame, roles: Iterable[str] | None = None) -> pl.Series:
    """One string a row: all its text (or the turns of `roles` only), a line each; never null."""
    texts = each_text(kind, frame)
    if roles is not None:
        texts = texts.filter(pl.col("role").is_in(list(roles)))
    lines = texts.group_by("row", maintain_order=True).agg(pl.col("text").str.join("\n"))
    rows = pl.DataFrame([pl.int_range(frame.height, eager=True, dtype=pl.UInt32).alias("row")])
    return rows.join(lines, on="row", how="left", maintain_order="left").get_column("text").fill_null("")


def changed_where(texts: pl.Series, trigger: str, change: Change) -> pl.Series:
    """`change` applied to the strings that match `trigger` only: a cheap look before a costly pass."""
    hit = texts.str.contains(trigger).fill_null(False)
    if not hit.any():
        return texts
    if hit.all():
        return change(texts)
    return texts.clone().scatter(hit.arg_true(), change(texts.filter(hit)))


def python_change(change: Callable[[str], str]) -> Change:
    """A `str -> str` function as a change of a whole column."""

    def apply(texts: pl.Series) -> pl.Series:
        values = [None if text is None else change(text) for text in texts.to_list()]
        return pl.Series(texts.name, values, dtype=pl.String)

    return apply
