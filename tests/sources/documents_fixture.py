"""What the tests of document sources share: reading bytes as a part of a source."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from schemas.errors import PartRefused
from schemas.records import DOCUMENT, SCHEMAS
from sources.base import Part, ReadReport, Source

REAL = os.environ.get("PEDCORPUS_REAL_DATA")
needs_real = [pytest.mark.real, pytest.mark.skipif(REAL is None, reason="PEDCORPUS_REAL_DATA is not set")]


def read(source: Source, path: Path, report: ReadReport | None = None) -> list[dict[str, Any]]:
    """Every row of a file, as dicts; asserts what holds for the rows of any document."""
    part = Part(source.source_id, path.name, str(path), "0" * 64, path.stat().st_size)
    frames = [batch.frame for batch in source.read(part, report or ReadReport()) if batch.kind == DOCUMENT]
    rows = pl.concat(frames).rows(named=True) if frames else []
    for frame in frames:
        assert dict(frame.schema) == SCHEMAS[DOCUMENT]
    assert all(row["text"] and row["locator"] and row["title"] and row["group_id"] for row in rows)
    assert len({row["record_id"] for row in rows}) == len({row["locator"] for row in rows}) == len(rows)
    return rows


def kept(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [row for row in rows if row["drop_reason"] is None]


def refusal(source: Source, path: Path) -> PartRefused:
    """Why the part is refused; fails where it is read."""
    with pytest.raises(PartRefused) as caught:
        read(source, path)
    assert path.name in caught.value.detail
    assert caught.value.detail.startswith(f"sources.{source.source_id}: ")
    return caught.value


def written(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
    return path
