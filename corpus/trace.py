"""Answers "says who?" for one published row: the chain from the row back to the bytes it came from."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from schemas.arrow import scan_rows
from schemas.errors import StoreError
from schemas.fingerprints import sha256_file
from schemas.reader import Version


@dataclass(frozen=True)
class Link:
    """One evidence span and where it is from.

    Attributes:
        text: The span as the row claims it.
        cut: The same characters cut from the source record now; equal to `text` in a whole version.
        before, after: A few characters of the passage around it.
        record: The source record that it was cut from.
        part: The file's line of SOURCES.jsonl: path, hash, licence, encoding.
        raw: Where the file is still at hand with the same hash: its text at the record's place, else None.
        file_note: Where files were asked for and `raw` is None: why.
    """

    record_id: str
    start: int
    end: int
    text: str
    cut: str
    before: str
    after: str
    record: dict[str, Any]
    part: dict[str, Any]
    raw: str | None
    file_note: str | None


@dataclass(frozen=True)
class Trace:
    """A row with everything that it rests on."""

    view: str
    split: str
    row: dict[str, Any]
    links: tuple[Link, ...]
    part: dict[str, Any]


def trace(version: Version, record_id: str, base: Path | None = None, context_chars: int = 40) -> Trace:
    """The chain of a published row, from the row down to the file.

    Args:
        version: Where to look.
        record_id: Of the row; a unique beginning of it is enough.
        base: The folder that the parts' relative paths start from, to show the file itself.
        context_chars: Characters of the passage to show on either side of a span.

    Raises:
        StoreError: no row has that id, or several begin with it.
    """
    view, split, row = _find(version, record_id)
    parts = _parts(version.folder)
    links = tuple(_link(version, span, parts, base, context_chars) for span in row.get("evidence") or [])
    return Trace(view, split, row, links, parts.get((row["source_id"], row["part"]), {}))


def _find(version: Version, record_id: str) -> tuple[str, str, dict[str, Any]]:
    matches: dict[str, tuple[str, str]] = {}
    for view, splits in version.manifest.views.items():
        for split in splits:
            ids = version.scan(view, split).select("record_id").filter(pl.col("record_id").str.starts_with(record_id))
            for (found,) in ids.collect().iter_rows():
                matches.setdefault(found, (view, split))
    if not matches:
        raise StoreError(
            f"{version.folder}: no published row has the id `{record_id}`. If it was dropped, "
            f"`pedcorpus rejects --id {record_id}` says why."
        )
    if len(matches) > 1:
        raise StoreError(
            f"{record_id}: {len(matches)} rows begin so, e.g. {', '.join(sorted(matches)[:3])}. Give more of it."
        )
    whole, (view, split) = matches.popitem()
    row = version.scan(view, split).filter(pl.col("record_id") == whole).collect().row(0, named=True)
    return view, split, row


def _parts(folder: Path) -> dict[tuple[str, str], dict[str, Any]]:
    lines = map(json.loads, (folder / "SOURCES.jsonl").read_text("utf-8").splitlines())
    return {(line["source_id"], line["path"]): line for line in lines}


def _link(version: Version, span: dict[str, Any], parts: Any, base: Path | None, context: int) -> Link:
    record = _passage(version.folder, span["record_id"])
    passage, start, end = record.pop("canonical"), span["start"], span["end"]
    part = parts.get((record["source_id"], record["part"]), {})
    raw, note = _raw(record, part, base) if base else (None, None)
    return Link(
        record_id=span["record_id"],
        start=start,
        end=end,
        text=span["text"],
        cut=passage[start:end],
        before=passage[max(0, start - context) : start],
        after=passage[end : end + context],
        record=record,
        part=part,
        raw=raw,
        file_note=note,
    )


def _passage(folder: Path, record_id: str) -> dict[str, Any]:
    for path in sorted((folder / "provenance").glob("*.parquet")):
        found = scan_rows(path).filter(pl.col("record_id") == record_id).collect()
        if found.height:
            return found.row(0, named=True)
    raise StoreError(f"{folder}: record {record_id} is not in provenance/. Run `pedcorpus verify`.")


def _raw(record: dict[str, Any], part: dict[str, Any], base: Path) -> tuple[str | None, str | None]:
    """The file's own characters at the record's place, or why they cannot be shown."""
    path: Path = base / part.get("path", "")
    if not path.is_file():
        return None, f"{path} is not there; `--files` takes the configuration's folder"
    if sha256_file(path) != part["sha256"]:
        return None, f"{path} was changed after the build: its hash is another"
    if record.get("char_start") is None or not part.get("encoding"):
        return None, f"{path} is unchanged; look at {record['locator']} in it"
    text = path.read_bytes().decode(str(part["encoding"]), "replace")
    return text[int(record["char_start"]) : int(record["char_end"])], None
