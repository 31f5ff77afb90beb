"""What a version's build dropped, by stage and reason."""

from __future__ import annotations

import json
from typing import Any

import polars as pl

from schemas.arrow import scan_rows
from schemas.errors import StoreError
from schemas.reader import Version
from schemas.settings import did_you_mean


def rejected(
    version: Version, stage: str | None, reason: str | None, record_id: str | None, limit: int
) -> dict[str, Any]:
    """`{"counts": {stage: {reason: n}}, "records": [...]}` of the dropped records that fit.

    Raises:
        StoreError: nothing was dropped by that stage or for that reason.
    """
    counts: dict[str, dict[str, int]] = {}
    records: list[dict[str, Any]] = []
    for path in sorted((version.folder / "rejected").glob("*.parquet")):
        frame = scan_rows(path)
        if record_id:
            frame = frame.filter(pl.col("record_id").str.starts_with(record_id))
        tally = frame.group_by("drop_reason").len().sort("len", "drop_reason", descending=[True, False]).collect()
        for name, n in tally.iter_rows():
            at, _, why = name.partition(":")
            counts.setdefault(at, {})[why] = counts.get(at, {}).get(why, 0) + n
        wanted = _wanted(frame, stage, reason)
        records += wanted.head(max(0, limit - len(records))).collect().to_dicts()
    _check("stage", stage, counts)
    _check("reason", reason, {why for at, whys in counts.items() if stage in (None, at) for why in whys})
    for record in records:
        record["record"] = json.loads(record["record"])
    return {"counts": counts, "records": records}


def _wanted(frame: pl.LazyFrame, stage: str | None, reason: str | None) -> pl.LazyFrame:
    if stage:
        frame = frame.filter(pl.col("drop_reason").str.starts_with(f"{stage}:"))
    if reason:
        frame = frame.filter(pl.col("drop_reason").str.ends_with(f":{reason}"))
    return frame


def _check(what: str, given: str | None, there: Any) -> None:
    if given and given not in there:
        raise StoreError(f"Nothing was dropped with {what} `{given}`.{did_you_mean(given, there)}")
