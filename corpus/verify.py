"""Whether a version holds what it says: files, counts, shapes, evidence, splits, and what no row may hold."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq

from corpus.lint import lint
from schemas.errors import VerifyError
from schemas.manifest import Manifest, read_manifest
from schemas.reader import file_problems
from schemas.validation import violations

BATCH_ROWS = 50_000


def verify(version_dir: Path) -> list[str]:
    """Every problem of a version, one sentence each; an empty list is a whole version."""
    try:
        manifest = read_manifest(version_dir)
    except VerifyError as error:
        return list(error.problems)
    problems = file_problems(version_dir, manifest)
    if problems:
        return problems  # what altered files hold says nothing
    problems = _conservation(manifest)
    split_of: dict[str, str] = {}
    for view, splits in manifest.views.items():
        files = [version_dir / name for entry in splits.values() for name in entry["files"]]
        for split, entry in splits.items():
            n_rows = 0
            for frame in _frames([version_dir / name for name in entry["files"]]):
                n_rows += frame.height
                problems += _row_problems(view, split, frame, split_of)
            if n_rows != entry["n_rows"]:
                problems.append(f"{view}/{split}: {n_rows} rows, the manifest says {entry['n_rows']}.")
        if files and not problems:
            problems += _id_problems(view, files)
            problems += _evidence_problems(view, files, sorted((version_dir / "provenance").glob("*.parquet")))
    return list(dict.fromkeys(problems))


def _frames(paths: list[Path]) -> Iterator[pl.DataFrame]:
    for path in paths:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(BATCH_ROWS):
                frame = pl.from_arrow(batch)
                assert isinstance(frame, pl.DataFrame)
                yield frame


def _row_problems(view: str, split: str, frame: pl.DataFrame, split_of: dict[str, str]) -> list[str]:
    """Rows out of shape, rows with what no row may hold, and groups that a split cuts."""
    wrong = violations(f"view-{view}", frame)
    if any(v.column == "columns" for v in wrong):
        return [f"{view}/{split}: {v}." for v in wrong]
    problems = [f"{view}/{split}: {v}." for v in wrong] + [f"{p}." for p in lint(view, frame)]
    torn = [g for g in frame["group_id"].unique().sort().to_list() if split_of.setdefault(g, split) != split]
    if torn:
        problems.append(f"{view}/{split}: {len(torn)} groups are in another split as well, first {torn[0]}.")
    return problems


def _id_problems(view: str, files: list[Path]) -> list[str]:
    """Record ids that stand more than once in a view."""
    ids = pl.scan_parquet(files).select("record_id").group_by("record_id").len().filter(pl.col("len") > 1)
    twice = ids.sort("record_id").collect(engine="streaming")
    return [f"{view}: {twice.height} record ids stand more than once, first {twice[0, 0]}."] if twice.height else []


def _evidence_problems(view: str, files: list[Path], provenance: list[Path]) -> list[str]:
    """Spans that are not the text which they claim, cut from the passage that they name."""
    rows = pl.scan_parquet(files)
    if "evidence" not in rows.collect_schema().names():
        return []
    spans = rows.select(row="record_id", span="evidence").explode("span", empty_as_null=False).drop_nulls("span")
    spans = spans.unnest("span")
    if provenance:
        passages = pl.concat([pl.scan_parquet(p).select("record_id", "canonical") for p in provenance])
    else:
        passages = pl.LazyFrame(schema={"record_id": pl.String, "canonical": pl.String})
    cut = pl.col("canonical").str.slice(pl.col("start"), pl.col("end") - pl.col("start"))
    checked = spans.join(passages, on="record_id", how="left").select(
        "row", missing=pl.col("canonical").is_null(), differs=cut != pl.col("text")
    )
    bad = checked.filter(pl.col("missing") | pl.col("differs")).collect(engine="streaming").sort("row")
    missing, differing = bad.filter(pl.col("missing")), bad.filter(pl.col("differs"))
    problems = []
    if missing.height:
        problems.append(
            f"{view}: evidence of {missing.height} spans is not in provenance/, first of {missing[0, 'row']}."
        )
    if differing.height:
        problems.append(
            f"{view}: {differing.height} spans are not the text that they claim, first of {differing[0, 'row']}."
        )
    return problems


def _conservation(manifest: Manifest) -> list[str]:
    """Stages in which records in are not records out plus records dropped."""
    problems = []
    for stage in manifest.stages:
        for c in stage["counts"]:
            lost = c["n_in"] - c["n_out"] - sum(c["dropped"].values())
            if lost and not (c["n_in"] == 0 and stage["stage"].startswith("make_")):
                problems.append(f"{stage['stage']}: {lost} records of kind {c['kind']} are unaccounted for.")
    return problems
