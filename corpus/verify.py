"""Whether a version holds what it says: files, counts, shapes, evidence, splits, and what no row may hold."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq

from corpus.lint import lint
from corpus.tables import IDS_AT_ONCE, id_partition
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
    for view, splits in manifest.views.items():
        for split, entry in splits.items():
            n_rows = 0
            for frame in _frames([version_dir / name for name in entry["files"]]):
                n_rows += frame.height
                problems += _row_problems(view, split, frame)
            if n_rows != entry["n_rows"]:
                problems.append(f"{view}/{split}: {n_rows} rows, the manifest says {entry['n_rows']}.")
    if not problems:  # what follows needs rows of the right shape
        problems += _torn_groups(version_dir, manifest)
        for view, splits in manifest.views.items():
            files = [version_dir / name for entry in splits.values() for name in entry["files"]]
            if files:
                provenance = sorted((version_dir / "provenance").glob("*.parquet"))
                problems += _id_problems(view, files, manifest)
                problems += _evidence_problems(view, files, provenance, manifest)
    return list(dict.fromkeys(problems))


def _frames(paths: list[Path]) -> Iterator[pl.DataFrame]:
    for path in paths:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(BATCH_ROWS):
                frame = pl.from_arrow(batch)
                assert isinstance(frame, pl.DataFrame)
                yield frame


def _row_problems(view: str, split: str, frame: pl.DataFrame) -> list[str]:
    """Rows out of shape, and rows with what no row may hold."""
    wrong = violations(f"view-{view}", frame)
    problems = [f"{view}/{split}: {v}." for v in wrong]
    return problems if any(v.column == "columns" for v in wrong) else problems + [f"{p}." for p in lint(view, frame)]


def _torn_groups(version_dir: Path, manifest: Manifest) -> list[str]:
    """Groups that stand in more than one split, over all views."""
    named = [
        pl.scan_parquet([version_dir / name for name in entry["files"]]).select(
            record_id="group_id", split=pl.lit(split)
        )
        for splits in manifest.views.values()
        for split, entry in splits.items()
    ]
    if not named:
        return []
    groups = pl.concat(named)
    torn: list[str] = []
    for mine in _parts(manifest):
        by_group = groups.filter(mine).group_by("record_id").agg(pl.col("split").n_unique())
        torn += by_group.filter(pl.col("split") > 1).collect(engine="streaming")["record_id"].to_list()
    return [f"{len(torn)} groups are in more than one split, first {min(torn)}."] if torn else []


def _parts(manifest: Manifest) -> Iterator[pl.Expr]:
    """Filters that take the ids in turns, few enough at once that memory stays flat."""
    n_rows = sum(e["n_rows"] for splits in manifest.views.values() for e in splits.values())
    n = max(1, -(-n_rows // IDS_AT_ONCE))
    return (id_partition(n) == number for number in range(n))


def _id_problems(view: str, files: list[Path], manifest: Manifest) -> list[str]:
    """Record ids that stand more than once in a view."""
    ids = pl.scan_parquet(files).select("record_id")
    twice: list[str] = []
    for mine in _parts(manifest):
        counted = ids.filter(mine).group_by("record_id").len().filter(pl.col("len") > 1)
        twice += counted.collect(engine="streaming")["record_id"].to_list()
    return [f"{view}: {len(twice)} record ids stand more than once, first {min(twice)}."] if twice else []


def _evidence_problems(view: str, files: list[Path], provenance: list[Path], manifest: Manifest) -> list[str]:
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
    missing: list[str] = []
    differing: list[str] = []
    for mine in _parts(manifest):
        bad = _wrong_spans(spans.filter(mine), passages.filter(mine))
        missing += bad.filter(pl.col("missing"))["row"].to_list()
        differing += bad.filter(pl.col("differs"))["row"].to_list()
    problems = []
    if missing:
        problems.append(f"{view}: evidence of {len(missing)} spans is not in provenance/, first of {min(missing)}.")
    if differing:
        problems.append(f"{view}: {len(differing)} spans are not the text that they claim, first of {min(differing)}.")
    return problems


def _wrong_spans(spans: pl.LazyFrame, passages: pl.LazyFrame) -> pl.DataFrame:
    cut = pl.col("canonical").str.slice(pl.col("start"), pl.col("end") - pl.col("start"))
    checked = spans.join(passages, on="record_id", how="left").select(
        "row", missing=pl.col("canonical").is_null(), differs=cut != pl.col("text")
    )
    return checked.filter(pl.col("missing") | pl.col("differs")).collect(engine="streaming")


def _conservation(manifest: Manifest) -> list[str]:
    """Stages in which records in are not records out plus records dropped."""
    problems = []
    for stage in manifest.stages:
        for c in stage["counts"]:
            lost = c["n_in"] - c["n_out"] - sum(c["dropped"].values())
            if lost and not (c["n_in"] == 0 and stage["stage"].startswith("make_")):
                problems.append(f"{stage['stage']}: {lost} records of kind {c['kind']} are unaccounted for.")
    return problems
