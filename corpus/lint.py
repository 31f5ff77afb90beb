"""What no published row may hold: residue of scraping and conversion, and marks of a person.

This is the last look, over the finished rows, by other means than the stages that clean: whatever it finds is a
defect of the build.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import polars as pl

from schemas.records import PAEDIATRIC_TASKS

_TAGS: Final = "p|br|div|span|a|b|i|u|li|ul|ol|td|tr|th|table|img|font|strong|em|h[1-6]|script|style"
_DATE: Final = r"(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"

FORBIDDEN: Final[dict[str, str]] = {
    "[详细] residue": r"\[详细\]",
    "HTML tag": rf"</?(?i:{_TAGS})(?:\s[^<>]{{0,200}})?/?>",
    "HTML entity": r"&(?:nbsp|lt|gt|amp|quot|ldquo|rdquo|hellip|mdash|middot|#\d{1,6}|#x[0-9a-fA-F]{1,5});",
    "page-number line": r"(?m)^[ \t]*(?:[-—–][ \t]*\d{1,4}[ \t]*[-—–]"
    r"|第[ \t]*\d{1,4}[ \t]*页(?:[ \t]*[,，/]?[ \t]*共[ \t]*\d{1,4}[ \t]*页)?)[ \t]*$",
    "dot leader": r"[.．·…]{8,}[ \t]*\d",
    "special token": r"<[|｜][^|｜<>\n]{0,40}[|｜]>|</?s>|<(?:bos|eos|pad|unk|(?:start|end)_of_turn)>|<</?SYS>>"
    r"|\[(?:INST|/INST|PAD|CLS|SEP|MASK|UNK)\]",
    "replacement character": "\ufffd",
    "control character": r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]",
    "nan": r"(?m)^\s*(?i:nan)\s*$",
    "mobile phone number": r"(?:^|[^\d.])1[3-9]\d[ -]?\d{4}[ -]?\d{4}(?:[^\d]|$)",
    "landline number": r"(?:^|[^\d.])0(?:10|2\d|[3-9]\d{2})-[2-8]\d{6,7}(?:[^\d]|$)",
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
    return [f"{view}: {problem}" for problem in lint_texts(joined)]


def lint_texts(frame: pl.DataFrame) -> list[str]:
    """The same for any `record_id` and `text`."""
    found = []
    for name, pattern in FORBIDDEN.items():
        bad = frame.filter(pl.col("text").str.contains(pattern))
        if bad.height:
            found.append(f"{name} in {bad.height} rows, first {bad['record_id'][0]}")
    return found


def misshapen(view: str, split: str, frame: pl.DataFrame) -> list[str]:
    """Rows whose parts are each right and do not fit together: one sentence a rule, with the first record."""
    found = []
    for name, bad in _MISFITS.items():
        if name[0] in ("any", view) or (name[0] == "spoken" and "messages" in frame.columns):
            rows = frame.filter(bad.fill_null(False))
            if rows.height:
                found.append(f"{view}/{split}: {name[1]} in {rows.height} rows, first {rows['record_id'][0]}")
    if view == "eval" and split != "test":
        found.append(f"{view}/{split}: the eval view has no such split")
    return found


def _last_role(column: str) -> pl.Expr:
    return pl.col(column).list.last().struct.field("role")


_WITHOUT_EVIDENCE: Final = (pl.col("generator").struct.field("method") == "extractive") & (
    pl.col("evidence").list.len() == 0
)
_MISFITS: Final[dict[tuple[str, str], pl.Expr]] = {
    ("spoken", "a last message that is not the assistant's"): _last_role("messages") != "assistant",
    ("spoken", "an extractive answer without evidence"): _WITHOUT_EVIDENCE,
    ("dfpo", "an extractive reply without evidence"): _WITHOUT_EVIDENCE,
    ("dfpo", "a prompt that does not end with the user"): _last_role("prompt") != "user",
    ("dfpo", "a reply of several messages"): (pl.col("chosen").list.len() > 1) | (pl.col("rejected").list.len() > 1),
    ("dfpo", "equal replies"): pl.col("chosen") == pl.col("rejected"),
    ("psft", "a general row that is not medical"): ~pl.col("task").is_in(PAEDIATRIC_TASKS)
    & (pl.col("domain") == "general"),
}
