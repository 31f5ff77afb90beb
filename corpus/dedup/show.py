"""What `pedcorpus dedup` prints for people."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.console import Console

console = Console(soft_wrap=True, highlight=False)


def show_dedup(summary: dict[str, Any], out: Path) -> None:
    """What was kept and removed, and the largest clusters."""
    removed = sum(summary["removed"].values())
    rate = summary["records"] / summary["seconds"] if summary["seconds"] else 0
    console.print(f"[bold]{summary['records']:,}[/bold] records, {summary['kept']:,} kept, {removed:,} removed "
                  f"in {summary['seconds']:.1f} s ({rate:,.0f}/s)")  # fmt: skip
    for rule, n in summary["removed"].items():
        console.print(f"  {rule:<14} {n:>12,}")
    if summary["without_text"]:
        console.print(f"  {summary['without_text']:,} without any text were kept as they are")
    if summary["rejected"]:
        console.print(f"  {summary['rejected']:,} could not be read as rows: {out / 'rejected.parquet'}")
    if largest := [f"{c['keeper_id']} ({c['removed']:,})" for c in summary["largest_clusters"] if c["removed"] > 1]:
        console.print(f"  most removed for: {', '.join(largest)}", highlight=False)
    console.print(f"{out / 'kept.parquet'}, {out / 'removed.parquet'}, {out / 'summary.json'}", highlight=False)
