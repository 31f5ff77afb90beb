"""Which older versions of documents a version left out, and how much of each the newer one changed: for its card."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import polars as pl

from pipelines.superseded.findings import CHANGED, REMOVED, UNCHANGED, read_detail
from schemas.arrow import scan_rows

_STAGE = "drop_superseded"


class Superseded(NamedTuple):
    """An older version and the one in its place, with the older one's provisions by what became of them.

    `n_added` counts provisions of the newer version that the older one did not have.
    """

    older: str
    newer: str
    n_unchanged: int
    n_changed: int
    n_removed: int
    n_added: int


def superseded(version_dir: Path) -> tuple[Superseded, ...]:
    """Every older version that gave way, by name; copies of one count together."""
    counts: dict[tuple[str, str], dict[str, int]] = {}
    added: dict[tuple[str, str], int] = {}
    for path in sorted((version_dir / "rejected").glob(f"{_STAGE}*.parquet")):
        rows = scan_rows(path).select("drop_reason", "drop_detail", title=_field("title"), year=_field("year"))
        for reason, detail, title, year in rows.collect().iter_rows():
            if (told := read_detail(detail or "")) is None:
                continue
            names = (_named(title or "", year or ""), told.newer)
            of_reason = counts.setdefault(names, {})
            of_reason[reason] = of_reason.get(reason, 0) + 1
            added[names] = told.n_added
    found = []
    for names, of_reason in sorted(counts.items()):
        unchanged, changed, removed = (of_reason.get(f"{_STAGE}:{why}", 0) for why in (UNCHANGED, CHANGED, REMOVED))
        found.append(Superseded(*names, unchanged, changed, removed, added[names]))
    return tuple(found)


def _field(name: str) -> pl.Expr:
    return pl.col("record").str.json_path_match(f"$.{name}")


def _named(title: str, year: str) -> str:
    name = f"《{title.strip('《》')}》"
    return name if not year or year in title else f"{name}（{year}）"
