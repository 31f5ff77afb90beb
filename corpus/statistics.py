"""What a version holds, in numbers."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any

import polars as pl

from corpus.unsupported import unsupported
from schemas.contamination import read_contamination
from schemas.reader import Version

DISTINCT_ROWS = 2_000
"""Rows of a task over which Distinct-n is measured, by lowest id: it falls with size, so size is held."""


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
        "contamination": read_contamination(version.folder),
        "unsupported": unsupported(version),
        "instructions": _instructions(version),
        "distinct": _distinct(version),
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


def _distinct(version: Version) -> list[dict[str, Any]]:
    """Distinct-1 and Distinct-2 over words (jieba) of questions and answers, per task.

    Source: the measure is that of Li et al., arXiv 1510.03055; PediatricsGPT reports it for its answers.
    """
    rows = _all(version, "sft")
    if rows is None:
        return []
    found = []
    for task in sorted(version.manifest.tasks.get("sft", {})):
        some = rows.filter(pl.col("task") == task).sort("record_id").head(DISTINCT_ROWS)
        first = pl.col("messages").list.first().struct.field("content")
        last = pl.col("messages").list.last().struct.field("content")
        texts = some.select(question=first, answer=last).collect()
        measured = {"task": task, "n_rows": texts.height}
        for column in texts.columns:
            words = _words(texts[column].to_list())
            measured |= {f"{column}_distinct_{n}": distinct(words, n) for n in (1, 2)}
        found.append(measured)
    return found


def distinct(texts: Iterable[list[str]], n: int) -> float:
    """Different n-grams over all n-grams of the texts; 0 where there is none."""
    grams = [tuple(words[i : i + n]) for words in texts for i in range(len(words) - n + 1)]
    return round(len(set(grams)) / len(grams), 4) if grams else 0.0


def _words(texts: list[str]) -> list[list[str]]:
    import jieba

    jieba.setLogLevel(logging.WARNING)
    return [jieba.lcut(text) for text in texts]


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
