"""Whether a version holds what it says: files, counts, shapes, evidence, splits, and what no row may hold."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq

from corpus.lint import lint
from schemas.errors import VerifyError
from schemas.manifest import Manifest, read_manifest
from schemas.reader import file_problems
from schemas.validation import violations

BATCH_ROWS = 50_000


@dataclass
class _Seen:
    """What has to hold over all rows together."""

    split_of: dict[str, str] = field(default_factory=dict)
    torn: set[str] = field(default_factory=set)
    n_evidence: int = 0


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
    passages = _passages(version_dir)
    seen = _Seen()
    for view, splits in manifest.views.items():
        for split, entry in splits.items():
            n_rows = 0
            for frame in _frames([version_dir / name for name in entry["files"]]):
                n_rows += frame.height
                problems += _row_problems(view, split, frame, passages, seen)
            if n_rows != entry["n_rows"]:
                problems.append(f"{view}/{split}: {n_rows} rows, the manifest says {entry['n_rows']}.")
    if seen.torn:
        problems.append(f"{len(seen.torn)} groups are in more than one split, first {min(seen.torn)}.")
    return list(dict.fromkeys(problems))


def _frames(paths: list[Path]) -> Iterator[pl.DataFrame]:
    for path in paths:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(BATCH_ROWS):
                frame = pl.from_arrow(batch)
                assert isinstance(frame, pl.DataFrame)
                yield frame


def _row_problems(view: str, split: str, frame: pl.DataFrame, passages: dict[str, str], seen: _Seen) -> list[str]:
    wrong = violations(f"view-{view}", frame)
    if any(v.column == "columns" for v in wrong):
        return [f"{view}/{split}: {v}." for v in wrong]
    problems = [f"{view}/{split}: {v}." for v in wrong] + [f"{p}." for p in lint(view, frame)]
    for group in frame["group_id"].unique().to_list():
        if seen.split_of.setdefault(group, split) != split:
            seen.torn.add(group)
    if "evidence" in frame.columns:
        problems += _evidence_problems(view, frame, passages, seen)
    return problems


def _evidence_problems(view: str, frame: pl.DataFrame, passages: dict[str, str], seen: _Seen) -> list[str]:
    """Spans that are not the text which they claim, cut from the passage that they name."""
    spans = frame.select("record_id", "evidence").explode("evidence", empty_as_null=False).drop_nulls("evidence")
    bad, missing = [], []
    for record_id, span in spans.iter_rows():
        seen.n_evidence += 1
        passage = passages.get(span["record_id"])
        if passage is None:
            missing.append(record_id)
        elif passage[span["start"] : span["end"]] != span["text"]:
            bad.append(record_id)
    problems = []
    if missing:
        problems.append(f"{view}: evidence of {len(missing)} spans is not in provenance/, first of {missing[0]}.")
    if bad:
        problems.append(f"{view}: {len(bad)} spans are not the text that they claim, first of {bad[0]}.")
    return problems


def _passages(version_dir: Path) -> dict[str, str]:
    """Record id → canonical text of everything that evidence points at."""
    found: dict[str, str] = {}
    for frame in _frames(sorted((version_dir / "provenance").glob("*.parquet"))):
        found.update(zip(frame["record_id"].to_list(), frame["canonical"].to_list(), strict=True))
    return found


def _conservation(manifest: Manifest) -> list[str]:
    """Stages in which records in are not records out plus records dropped."""
    problems = []
    for stage in manifest.stages:
        for c in stage["counts"]:
            lost = c["n_in"] - c["n_out"] - sum(c["dropped"].values())
            if lost and not (c["n_in"] == 0 and stage["stage"].startswith("make_")):
                problems.append(f"{stage['stage']}: {lost} records of kind {c['kind']} are unaccounted for.")
    return problems
