"""What no published row may hold: residue of scraping and conversion, and marks of a person.

This is the last look, over the finished rows, by other means than the stages that clean: whatever it finds is a
defect of the build.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import polars as pl

_TAGS: Final = "p|br|div|span|a|b|i|u|li|ul|ol|td|tr|th|table|img|font|strong|em|h[1-6]|script|style"
_DATE: Final = r"(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"

FORBIDDEN: Final[dict[str, str]] = {
    "[详细] residue": r"\[详细\]",
    "HTML tag": rf"</?(?i:{_TAGS})(?:\s[^<>]{{0,200}})?/?>",
    "HTML entity": r"&(?:nbsp|lt|gt|amp|quot|ldquo|rdquo|hellip|mdash|middot|#\d{1,6}|#x[0-9a-fA-F]{1,5});",
    "page-number line": r"(?m)^[ \t]*[-—–][ \t]*\d{1,4}[ \t]*[-—–][ \t]*$",
    "dot leader": r"[.．·…]{8,}[ \t]*\d",
    "special token": r"<\|[^|<>\n]{0,40}\|>|</?s>|\[(?:INST|/INST|PAD|CLS|SEP)\]",
    "replacement character": "\ufffd",
    "nan": r"(?m)^\s*(?i:nan)\s*$",
    "mobile phone number": r"(?:^|[^\d.])1[3-9]\d[ -]?\d{4}[ -]?\d{4}(?:[^\d]|$)",
    "identity number": rf"(?:^|\D)[1-9]\d{{5}}{_DATE}\d{{3}}[\dXx](?:[^\dXx]|$)",
    "e-mail address": r"[A-Za-z0-9_.+-]{2,}@[A-Za-z0-9-]+\.[A-Za-z]{2,}",
    "assistant placeholder": r"\{assistant_(?:name|maker)\}",
}


def texts(view: str) -> Iterator[pl.Expr]:
    """The expressions that give a view's texts, one string a row each."""
    if view == "cpt":
        yield pl.col("text")
        return
    for column in ("prompt", "chosen", "rejected") if view == "dfpo" else ("messages",):
        yield pl.col(column).list.eval(pl.element().struct.field("content")).list.join("\n")


def lint(view: str, frame: pl.DataFrame) -> list[str]:
    """What a view's rows hold that they must not: one sentence a rule, with the first record."""
    joined = frame.select("record_id", pl.concat_str(list(texts(view)), separator="\n").alias("text"))
    found = []
    for name, pattern in FORBIDDEN.items():
        bad = joined.filter(pl.col("text").str.contains(pattern))
        if bad.height:
            found.append(f"{view}: {name} in {bad.height} rows, first {bad['record_id'][0]}")
    return found
