"""Reads a published version: the one place where the corpus and the training meet."""

from __future__ import annotations

import glob
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from schemas.arrow import scan_rows
from schemas.errors import StoreError, VerifyError
from schemas.fingerprints import sha256_file
from schemas.manifest import Manifest, read_manifest

if TYPE_CHECKING:
    import datasets
    import pandas as pd


@dataclass(frozen=True)
class Version:
    """A published version on disk."""

    folder: Path
    manifest: Manifest

    def paths(self, view: str, split: str) -> list[Path]:
        """The Parquet files of one split of one view, in order.

        Raises:
            StoreError: the version has no such view or split.
        """
        views = self.manifest.views
        if view not in views:
            raise StoreError(f"{self.folder}: no view `{view}`. There is: {', '.join(sorted(views))}.")
        if split not in views[view]:
            there = ", ".join(views[view]) or "none: the view is empty"
            raise StoreError(f"{self.folder}: view `{view}` has no split `{split}`. There is: {there}.")
        return [self.folder / name for name in views[view][split]["files"]]

    def scan(self, view: str, split: str) -> pl.LazyFrame:
        """The rows as a lazy polars frame."""
        return scan_rows(self.paths(view, split))

    def dataset(self, view: str, split: str) -> datasets.Dataset:
        """The rows as a `datasets.Dataset`, memory-mapped from its Arrow cache."""
        import datasets

        files = [glob.escape(str(p)) for p in self.paths(view, split)]
        return datasets.Dataset.from_parquet(files)

    def pandas(self, view: str, split: str) -> pd.DataFrame:
        """The rows as a pandas frame, for looking at them in a notebook."""
        return self.scan(view, split).collect().to_pandas()

    def row(self, record_id: str) -> tuple[str, str, dict[str, Any]] | None:
        """`(view, split, row)` of a published record, or None; the first view that has it."""
        for view, splits in self.manifest.views.items():
            for split in splits:
                found = self.scan(view, split).filter(pl.col("record_id") == record_id).collect()
                if found.height:
                    return view, split, found.row(0, named=True)
        return None


def open_version(folder: Path, check_hashes: bool = True) -> Version:
    """The version in a folder, its files held against the manifest's hashes.

    Raises:
        VerifyError: there is no whole version there, or a file is missing or altered.
    """
    manifest = read_manifest(folder)
    if check_hashes and (problems := file_problems(folder, manifest)):
        raise VerifyError(problems)
    return Version(folder, manifest)


def file_problems(folder: Path, manifest: Manifest) -> list[str]:
    """Files that are missing, altered, or there without being in the manifest; one sentence each.

    A version that came from the Hub has no `rejected/`, which stays where it was built, and has what the Hub's
    clients add.
    """
    problems = []
    has_rejects = (folder / "rejected").is_dir()
    for entry in manifest.files:
        path = folder / entry["path"]
        if entry["path"].startswith("rejected/") and not has_rejects:
            continue
        if not path.is_file():
            problems.append(f"{path} is missing.")
        elif path.stat().st_size != entry["n_bytes"] or sha256_file(path) != entry["sha256"]:
            problems.append(f"{path} was altered after publishing: its hash is not the manifest's.")
    listed = {entry["path"] for entry in manifest.files} | {"manifest.json"}
    there = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
    there = {name for name in there if name != ".gitattributes" and not name.startswith(".cache/")}
    problems += [f"{folder / name} is not in the manifest. Remove it." for name in sorted(there - listed)]
    return problems
