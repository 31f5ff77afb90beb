"""What a version's build dropped, by stage and reason."""

from __future__ import annotations

import json
import re
from typing import Any, Final

import polars as pl

from schemas.arrow import scan_rows
from schemas.errors import StoreError
from schemas.reader import Version
from schemas.settings import did_you_mean

_KEEPER: Final = re.compile(r"[a-z][0-9a-f]{20}(?![0-9a-f])")
"""What a detail begins with where another record is the reason."""


def rejected(
    version: Version, stage: str | None, reason: str | None, record_id: str | None, limit: int
) -> dict[str, Any]:
    """`{"counts": {stage: {reason: n}}, "records": [...]}` of the dropped records that fit.

    A record that went because of another one has that one under `kept`, None where the version does not hold it:
    neither it nor anything made of it was published.

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
    _add_kept(version, records)
    return {"counts": counts, "records": records}


def _add_kept(version: Version, records: list[dict[str, Any]]) -> None:
    keepers = {r["record_id"]: m[0] for r in records if (m := _KEEPER.match(r["drop_detail"] or ""))}
    found = _held(version, set(keepers.values())) if keepers else {}
    for record in records:
        if keeper := keepers.get(record["record_id"]):
            record["kept"] = found.get(keeper)


def _held(version: Version, ids: set[str]) -> dict[str, dict[str, Any]]:
    """The records of those ids that the version publishes or cites, or has dropped for another reason."""
    found: dict[str, dict[str, Any]] = {}
    folders = ("provenance", "data", "rejected")
    for path in (p for folder in folders for p in sorted((version.folder / folder).rglob("*.parquet"))):
        wanted = sorted(ids - found.keys())
        if not wanted:
            break
        for row in scan_rows(path).filter(pl.col("record_id").is_in(wanted)).collect().to_dicts():
            record = json.loads(row["record"]) if path.parent.name == "rejected" else row
            place = {name: row[name] for name in ("record_id", "source_id", "part", "locator")}
            found.setdefault(row["record_id"], {**place, "record": record})
    return found


def _wanted(frame: pl.LazyFrame, stage: str | None, reason: str | None) -> pl.LazyFrame:
    if stage:
        frame = frame.filter(pl.col("drop_reason").str.starts_with(f"{stage}:"))
    if reason:
        frame = frame.filter(pl.col("drop_reason").str.ends_with(f":{reason}"))
    return frame


def _check(what: str, given: str | None, there: Any) -> None:
    if given and given not in there:
        raise StoreError(f"Nothing was dropped with {what} `{given}`.{did_you_mean(given, there)}")
