"""What a version holds, in numbers."""

from __future__ import annotations

from typing import Any

import polars as pl

from schemas.reader import Version

_TEXT_VIEWS = ("sft", "psft", "eval")


def statistics(version: Version) -> dict[str, Any]:
    """The manifest's counts, and lengths, aspects and question variety measured on the rows."""
    manifest = version.manifest
    return {
        "name": manifest.name,
        "version": manifest.version,
        "content_hash": manifest.content_hash,
        "views": {view: {s: e["n_rows"] for s, e in splits.items()} for view, splits in manifest.views.items()},
        "tasks": manifest.tasks,
        "sources": manifest.sources,
        "licenses": manifest.licenses,
        "stages": [{"stage": s["stage"], "counts": s["counts"]} for s in manifest.stages],
        "instructions": _instructions(version),
        "completions": _completions(version),
    }


def _instructions(version: Version) -> list[dict[str, Any]]:
    """Per task of the `sft` view: rows, answer and question lengths (characters), turns, distinct questions."""
    rows = _all(version, "sft")
    if rows is None:
        return []
    first = pl.col("messages").list.first().struct.field("content")
    last = pl.col("messages").list.last().struct.field("content")
    return (
        rows.group_by("task")
        .agg(
            n_rows=pl.len(),
            answer_chars_median=last.str.len_chars().median(),
            answer_chars_p95=last.str.len_chars().quantile(0.95),
            question_chars_median=first.str.len_chars().median(),
            messages_mean=pl.col("messages").list.len().mean().round(2),
            distinct_question_ratio=(first.n_unique() / pl.len()).round(4),
        )
        .sort("task")
        .collect(engine="streaming")
        .to_dicts()
    )


def _completions(version: Version) -> list[dict[str, Any]]:
    rows = _all(version, "cpt")
    if rows is None:
        return []
    chars = pl.col("text").str.len_chars()
    by_origin = rows.group_by("origin").agg(n_rows=pl.len(), n_chars=chars.sum(), chars_median=chars.median())
    return by_origin.sort("origin").collect(engine="streaming").to_dicts()


def _all(version: Version, view: str) -> pl.LazyFrame | None:
    splits = version.manifest.views.get(view, {})
    return pl.concat([version.scan(view, split) for split in splits]) if splits else None
