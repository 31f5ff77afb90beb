"""The published views: what a row of each holds, and how a record becomes one.

Shapes follow what trainers read without glue: `messages` for SFT, `prompt`/`chosen`/`rejected` as message
lists for preferences, `text` for continued pre-training. `eval` has the shape of `sft`.
"""

from __future__ import annotations

from typing import Any, Final

import polars as pl

from schemas.records import COMPLETION, EVIDENCE, GENERATOR, INSTRUCTION, MESSAGES, PREFERENCE, VERDICTS

_SAYS_WHO: Final[dict[str, Any]] = {
    "source_id": pl.String,
    "part": pl.String,
    "locator": pl.String,
    "license": pl.String,
    "group_id": pl.String,
}
_INSTRUCTION_VIEW: Final[dict[str, Any]] = {
    "record_id": pl.String,
    "task": pl.String,
    "aspect": pl.String,
    "domain": pl.String,
    "department": pl.String,
    "messages": MESSAGES,
    "evidence": EVIDENCE,
    "generator": GENERATOR,
    "verdicts": VERDICTS,
    **_SAYS_WHO,
}

VIEW_SCHEMAS: Final[dict[str, dict[str, Any]]] = {
    "cpt": {
        "record_id": pl.String,
        "text": pl.String,
        "origin": pl.String,
        "task": pl.String,
        "domain": pl.String,
        "derived_from": pl.List(pl.String),
        **_SAYS_WHO,
    },
    "sft": _INSTRUCTION_VIEW,
    "dfpo": {
        "record_id": pl.String,
        "task": pl.String,
        "domain": pl.String,
        "prompt": MESSAGES,
        "chosen": MESSAGES,
        "rejected": MESSAGES,
        "evidence": EVIDENCE,
        "generator": GENERATOR,
        **_SAYS_WHO,
    },
    "psft": _INSTRUCTION_VIEW,
    "eval": _INSTRUCTION_VIEW,
}
VIEW_READS: Final = {
    "cpt": COMPLETION,
    "sft": INSTRUCTION,
    "dfpo": PREFERENCE,
    "psft": INSTRUCTION,
    "eval": INSTRUCTION,
}
"""The record kind behind each view."""


def view_rows(view: str, frame: pl.DataFrame) -> pl.DataFrame:
    """Records of the view's kind in the view's shape; which of them belong there is the caller's to say."""
    if view == "dfpo":
        frame = frame.with_columns(_reply("chosen"), _reply("rejected"))
    return frame.with_columns(pl.coalesce("domain", "topic").alias("domain")).select(list(VIEW_SCHEMAS[view]))


def _reply(column: str) -> pl.Expr:
    """A reply's text as the list of one assistant message that preference trainers read."""
    message = pl.struct(pl.lit("assistant").alias("role"), pl.col(column).alias("content"))
    return pl.concat_list(message).alias(column)
