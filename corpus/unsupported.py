"""What a build's check of answers against their evidence came to: kept, rejected and held back, why, and the worst."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any, Final

import polars as pl

from pipelines.check.rows import read_detail
from pipelines.drop_unsupported import HELD, NO_EVIDENCE, DropUnsupported
from pipelines.judge_unsupported import JudgeUnsupported
from schemas.arrow import scan_rows
from schemas.reader import Version
from schemas.records import QUESTION

N_WORST: Final = 10
STAGES: Final = (DropUnsupported.kind, JudgeUnsupported.kind)


GROUPS: Final = ("rejected", "quarantined", "unchecked")


def unsupported(version: Version) -> dict[str, Any] | None:
    """Rows by verdict, what was dropped by kind and by check, and the worst examples; None where nothing was checked.

    `kept` and `no_evidence` count instructions of `sft` by the verdict they carry; rows that a later stage dropped as
    duplicates, and preferences, are in the counts of the stages.
    """
    if not any(stage["stage"] == DropUnsupported.kind for stage in version.manifest.stages):
        return None
    kinds: dict[str, Counter[str]] = {group: Counter() for group in GROUPS}
    checks: Counter[str] = Counter()
    examples: list[dict[str, Any]] = []
    for stage in STAGES:
        for reason, detail, record_id in _dropped(version.folder, stage):
            group, kind = group_of(reason)
            kinds[group][kind] += 1
            if (told := read_detail(detail or "")) is not None:
                checks[told.check] += 1
                examples.append({"record_id": record_id, "verdict": group, "kind": kind, **told._asdict()})
    examples.sort(key=lambda e: (e["verdict"] != "rejected", -e["probability"], e["record_id"]))
    return {
        **_kept(version),
        **{group: dict(counts.most_common()) for group, counts in kinds.items()},
        "by_check": dict(sorted(checks.items(), key=lambda item: (-item[1], item[0]))),
        "worst": examples[:N_WORST],
    }


def _dropped(folder: Path, stage: str) -> list[tuple[str, str | None, str]]:
    path = folder / "rejected" / f"{stage}.parquet"
    if not path.is_file():
        return []
    frame = scan_rows(path).select("drop_reason", "drop_detail", "record_id", "kind")
    return [row[:3] for row in frame.filter(pl.col("kind") != QUESTION).collect().iter_rows()]


def group_of(reason: str) -> tuple[str, str]:
    """`rejected`, `quarantined` or `unchecked`, and the kind, of a drop reason of one of the two stages."""
    why = reason.partition(":")[2]
    for prefix, group in ((f"{HELD}_", "quarantined"), ("unchecked_", "unchecked")):
        if why.startswith(prefix):
            return group, why.removeprefix(prefix)
    return "rejected", why


def _kept(version: Version) -> dict[str, int]:
    """Instructions of `sft` by the verdict that they carry."""
    splits = version.manifest.views.get("sft", {})
    if not splits:
        return {"kept": 0, "no_evidence": 0}
    mine = pl.element().filter(pl.element().struct.field("check") == DropUnsupported.kind).struct.field("verdict")
    rows = pl.concat([version.scan("sft", split) for split in splits])
    verdict = pl.col("verdicts").list.eval(mine).list.first()
    counted = rows.select(
        kept=(verdict.is_not_null() & (verdict != NO_EVIDENCE)).sum(), no_evidence=(verdict == NO_EVIDENCE).sum()
    )
    return {name: int(n or 0) for name, n in counted.collect(engine="streaming").row(0, named=True).items()}
