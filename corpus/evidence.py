"""Whether what rows rest on is what it says: the passages in provenance/, and the spans that point into them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import polars as pl

from corpus.lint import lint_texts
from corpus.tables import IDS_AT_ONCE, id_partition
from pipelines.base import with_canonical_text
from schemas.arrow import scan_rows
from schemas.manifest import Manifest
from schemas.records import SCHEMAS
from schemas.validation import violations


def in_turns(manifest: Manifest) -> Iterator[pl.Expr]:
    """Filters that take the ids in turns, few enough at once that memory stays flat."""
    n_rows = sum(e["n_rows"] for splits in manifest.views.values() for e in splits.values())
    n = max(1, -(-n_rows // IDS_AT_ONCE))
    return (id_partition(n) == number for number in range(n))


def passage_problems(name: str, frame: pl.DataFrame) -> list[str]:
    """Passages out of shape, whose `canonical` is not their own text, or which hold what no row may hold.

    Args:
        name: The record kind, which the file's name begins with.
        frame: Rows of `provenance/<kind>-….parquet`.
    """
    if name not in SCHEMAS:
        return [f"provenance/{name}: no kind of record."]
    if "canonical" not in frame.columns:
        return [f"provenance/{name}: lacks canonical."]
    bare = frame.drop("canonical")
    if wrong := violations(name, bare):
        return [f"provenance/{name}: {v}." for v in wrong]
    forged = with_canonical_text(name, bare)["canonical"] != frame["canonical"]
    found = [f"provenance/{name}: canonical is not the record's text in {n} rows." for n in [forged.sum()] if n]
    shown = [c for c in ("title", "original_text") if c in frame.columns]
    texts = frame.select("record_id", pl.concat_str(["canonical", *shown], separator="\n", ignore_nulls=True))
    return found + [f"provenance/{name}: {problem}." for problem in lint_texts(texts.rename({"canonical": "text"}))]


def repeated_passages(files: Sequence[Path], manifest: Manifest) -> list[str]:
    """Source records that provenance/ has more than once."""
    if not files:
        return []
    ids = pl.concat([scan_rows(path).select("record_id") for path in files])
    return [f"provenance/: {problem}" for problem in repeated_ids(ids, manifest)]


def repeated_ids(ids: pl.LazyFrame, manifest: Manifest) -> list[str]:
    """Record ids that stand more than once."""
    twice: list[str] = []
    for mine in in_turns(manifest):
        counted = ids.filter(mine).group_by("record_id").len().filter(pl.col("len") > 1)
        twice += counted.collect(engine="streaming")["record_id"].to_list()
    return [f"{len(twice)} record ids stand more than once, first {min(twice)}."] if twice else []


def span_problems(view: str, files: list[Path], passages: Sequence[Path], manifest: Manifest) -> list[str]:
    """Spans that are not the text which they claim, cut from the passage that they name, or of another source."""
    rows = scan_rows(files)
    if "evidence" not in rows.collect_schema().names():
        return []
    spans = rows.select("source_id", row="record_id", span="evidence").explode("span", empty_as_null=False)
    spans = spans.drop_nulls("span").unnest("span")
    held = pl.LazyFrame(schema={"record_id": pl.String, "canonical": pl.String, "of": pl.String})
    if passages:
        held = pl.concat([scan_rows(p).select("record_id", "canonical", of="source_id") for p in passages])
    found: dict[str, list[str]] = {"missing": [], "differs": [], "foreign": []}
    for mine in in_turns(manifest):
        bad = _wrong_spans(spans.filter(mine), held.filter(mine))
        for what, rows_of in found.items():
            rows_of += bad.filter(pl.col(what))["row"].to_list()
    says = {
        "missing": "point at nothing in provenance/",
        "differs": "are not the text that they claim",
        "foreign": "are cut from another source than the row's",
    }
    return [f"{view}: {len(ids)} spans {says[what]}, first of {min(ids)}." for what, ids in found.items() if ids]


def _wrong_spans(spans: pl.LazyFrame, passages: pl.LazyFrame) -> pl.DataFrame:
    cut = pl.col("canonical").str.slice(pl.col("start"), pl.col("end") - pl.col("start"))
    checked = spans.join(passages, on="record_id", how="left").select(
        "row",
        missing=pl.col("canonical").is_null(),
        differs=cut != pl.col("text"),
        foreign=pl.col("of") != pl.col("source_id"),
    )
    return checked.filter(pl.col("missing") | pl.col("differs") | pl.col("foreign")).collect(engine="streaming")
