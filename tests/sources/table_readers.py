"""Reads a small table through a source, for the tests of the kinds that read tables."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from schemas.records import SCHEMAS
from sources.base import Part, ReadReport, Source

Rows = dict[str, list[dict[str, Any]]]


def read(source: Source, path: Path, content: str | bytes | None = None) -> tuple[Rows, ReadReport]:
    """Records by kind, after checking what holds for every record of every source."""
    if content is not None:
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    report = ReadReport()
    part = Part(source.source_id, path.name, str(path), "0" * 64, 1)
    rows: Rows = {}
    for batch in source.read(part, report):
        assert dict(batch.frame.schema) == SCHEMAS[batch.kind]
        rows.setdefault(batch.kind, []).extend(batch.frame.to_dicts())
    every = [row for found in rows.values() for row in found]
    assert len({row["record_id"] for row in every}) == len(every)
    assert all(row["locator"] and row["group_id"] and row["license"] == source.license for row in every)
    assert all(row["drop_reason"] is None or row["drop_reason"].startswith("read:") for row in every)
    return rows, report


def reasons(rows: list[dict[str, Any]]) -> dict[str | None, int]:
    """How many rows have which `drop_reason`, without the stage's name."""
    return dict(Counter(r["drop_reason"] and r["drop_reason"].removeprefix("read:") for r in rows))
