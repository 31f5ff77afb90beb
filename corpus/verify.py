"""Whether a version holds what it says: files, counts, shapes, evidence, splits, and what no row may hold."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from corpus.bookkeeping import Tally, contamination_problems, manifest_problems, reject_problems, row_problems
from corpus.evidence import in_turns, passage_problems, repeated_ids, repeated_passages, span_problems
from corpus.lint import lint, misshapen
from schemas.arrow import scan_rows
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
    if problems := file_problems(version_dir, manifest) or _unreadable(version_dir, manifest):
        return problems  # what altered files hold says nothing
    problems = manifest_problems(version_dir, manifest)
    if any("is no file of the manifest" in problem for problem in problems):
        return problems
    tally = Tally()
    for view, splits in manifest.views.items():
        for split, entry in splits.items():
            for frame in _frames([version_dir / name for name in entry["files"]]):
                problems += _row_problems(view, split, frame, tally)
    passages = sorted((version_dir / "provenance").glob("*.parquet"))
    for path in passages:
        for frame in _frames([path]):
            problems += passage_problems(path.name.rpartition("-of-")[0].rpartition("-")[0], frame)
    problems += [*reject_problems(version_dir, manifest), *contamination_problems(version_dir, manifest)]
    if not problems:  # what follows needs rows of the right shape
        problems = row_problems(version_dir, manifest, tally) + _between_rows(version_dir, manifest, passages)
    return list(dict.fromkeys(problems))


def _unreadable(version_dir: Path, manifest: Manifest) -> list[str]:
    """Parquet files that are none, or have other rows than the manifest says."""
    problems, n_rows = [], {}
    for entry in manifest.files:
        path = version_dir / entry["path"]
        if path.suffix != ".parquet" or not path.exists():
            continue
        try:
            n_rows[entry["path"]] = pq.read_metadata(path).num_rows
            if n_rows[entry["path"]] != entry["n_rows"]:
                problems.append(f"{path}: {n_rows[entry['path']]} rows, the manifest says {entry['n_rows']}.")
        except (OSError, pa.ArrowException) as error:
            problems.append(f"{path}: cannot be read as Parquet ({str(error)[:200]}).")
    for view, splits in manifest.views.items():
        for split, entry in splits.items():
            n = sum(n_rows.get(name, 0) for name in entry["files"])
            if n != entry["n_rows"]:
                problems.append(f"{view}/{split}: {n} rows, the manifest says {entry['n_rows']}.")
    return problems


def _frames(paths: list[Path]) -> Iterator[pl.DataFrame]:
    for path in paths:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(BATCH_ROWS):
                frame = pl.from_arrow(batch)
                assert isinstance(frame, pl.DataFrame)
                yield frame


def _row_problems(view: str, split: str, frame: pl.DataFrame, tally: Tally) -> list[str]:
    """Rows out of shape, and rows with what no row may hold."""
    wrong = violations(f"view-{view}", frame)
    problems = [f"{view}/{split}: {v}." for v in wrong]
    if any(v.column == "columns" for v in wrong):
        return problems
    tally.add(view, frame)
    return problems + [f"{p}." for p in (*lint(view, frame), *misshapen(view, split, frame))]


def _between_rows(version_dir: Path, manifest: Manifest, passages: list[Path]) -> list[str]:
    """What only shows when rows are held against each other and against what they rest on."""
    problems = _torn_groups(version_dir, manifest) + repeated_passages(passages, manifest)
    for view, splits in manifest.views.items():
        files = [version_dir / name for entry in splits.values() for name in entry["files"]]
        if files:
            ids = scan_rows(files).select("record_id")
            problems += [f"{view}: {problem}" for problem in repeated_ids(ids, manifest)]
            problems += span_problems(view, files, passages, manifest)
    return problems + _unlike_copies(version_dir, manifest)


def _torn_groups(version_dir: Path, manifest: Manifest) -> list[str]:
    """Groups that stand in more than one split, over all views."""
    named = [
        scan_rows([version_dir / name for name in entry["files"]]).select(record_id="group_id", split=pl.lit(split))
        for splits in manifest.views.values()
        for split, entry in splits.items()
    ]
    if not named:
        return []
    groups = pl.concat(named)
    torn: list[str] = []
    for mine in in_turns(manifest):
        by_group = groups.filter(mine).group_by("record_id").agg(pl.col("split").n_unique())
        torn += by_group.filter(pl.col("split") > 1).collect(engine="streaming")["record_id"].to_list()
    return [f"{len(torn)} groups are in more than one split, first {min(torn)}."] if torn else []


def _unlike_copies(version_dir: Path, manifest: Manifest) -> list[str]:
    """Rows that two instruction views have under one id with different content."""
    said = pl.col("messages").list.eval(pl.element().struct.field("content")).list.join("\x1f")
    named = [
        scan_rows([version_dir / name for name in entry["files"]]).select(
            "record_id", content=pl.concat_str(said, "task", "license", "source_id", separator="\x1e").hash()
        )
        for view in ("sft", "psft", "eval")
        for entry in manifest.views.get(view, {}).values()
    ]
    unlike: list[str] = []
    for mine in in_turns(manifest) if named else ():
        by_id = pl.concat(named).filter(mine).group_by("record_id").agg(pl.col("content").n_unique())
        unlike += by_id.filter(pl.col("content") > 1).collect(engine="streaming")["record_id"].to_list()
    return [f"{len(unlike)} rows differ between views, first {min(unlike)}."] if unlike else []
