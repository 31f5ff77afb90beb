"""The chart of the near-duplicate benchmark: an SVG of our own making, light or dark as the page is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

WIDTH, ROW = 860, 58
_TOP = 96
_SPEED = (116, 430)
_SHARE = (520, 770)
_STYLE = """
  .paper { fill: #ffffff } .ink { fill: #1f2328 } .soft { fill: #59636e } .grid { stroke: #d8dee4 }
  .ours { fill: #0b6bcb } .peer { fill: #8c959f } .good { fill: #1a7f37 } .bad { fill: #cf222e }
  text { font: 13px system-ui, -apple-system, "Segoe UI", "Noto Sans", sans-serif }
  .title { font-size: 15px; font-weight: 600 } .small { font-size: 11.5px } .bold { font-weight: 600 }
  @media (prefers-color-scheme: dark) {
    .paper { fill: #0d1117 } .ink { fill: #e6edf3 } .soft { fill: #9198a1 } .grid { stroke: #30363d }
    .ours { fill: #58a6ff } .peer { fill: #7d8590 } .good { fill: #3fb950 } .bad { fill: #f85149 }
  }
"""


def write_chart(path: Path, tools: Sequence[dict[str, Any]], caption: Sequence[str]) -> None:
    """Draws a row for each tool: speed on the left, what was caught and what was wrongly merged on the right.

    Args:
        path: The SVG.
        tools: `tool`, `records_per_s`, `caught_ratio`, `merged_ratio` of each, ours first.
        caption: Lines about sizes and machine.
    """
    bottom = _TOP + ROW * len(tools)
    height = bottom + 44 + 17 * len(caption)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        f'role="img" aria-labelledby="title"><title id="title">Near-duplicate removal: speed and correctness</title>',
        f"<style>{_STYLE}</style>",
        f'<rect class="paper" width="{WIDTH}" height="{height}" rx="8"/>',
        *_speeds(tools, bottom),
        *_shares(tools, bottom),
        *(_text(24, bottom + 52 + 17 * i, line, "soft small") for i, line in enumerate(caption)),
        "</svg>",
    ]
    path.write_text("\n".join(parts) + "\n", "utf-8")


def _text(x: float, y: float, text: str, kind: str, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}" text-anchor="{anchor}">{escape(text)}</text>'


def _tick(x: float, bottom: float, label: str) -> list[str]:
    line = f'<line class="grid" x1="{x:.1f}" y1="{_TOP - 8}" x2="{x:.1f}" y2="{bottom}"/>'
    return [line, _text(x, bottom + 18, label, "soft small", "middle")]


def _bar(left: float, middle: float, end: float, thick: float, kind: str, label: str, weight: str) -> list[str]:
    """A bar with its figure at the end."""
    y, width = middle - thick / 2, end - left
    shape = f'<rect class="{kind}" x="{left}" y="{y:.1f}" width="{width:.1f}" height="{thick}" rx="2"/>'
    return [shape, _text(left + width + 7, middle + 4, label, f"ink small {weight}")]


def _speeds(tools: Sequence[dict[str, Any]], bottom: float) -> list[str]:
    """Records per second on a logarithmic axis that begins at a power of ten."""
    left, right = _SPEED
    rates = [tool["records_per_s"] for tool in tools]
    low = math.floor(math.log10(min(rates) / 1.5))
    high = max(math.log10(max(rates)), low + 1)
    longest = right - 62

    def at(rate: float) -> float:
        return left + (math.log10(rate) - low) / (high - low) * (longest - left)

    parts = [_text(24, 36, "Records per second", "ink title"), _text(24, 56, "logarithmic axis", "soft small")]
    for power in range(low, math.floor(high) + 1):
        parts += _tick(at(10**power), bottom, f"{10**power:,}")
    for i, tool in enumerate(tools):
        middle, weight = _TOP + ROW * (i + 0.5), "" if i else "bold"
        parts.append(_text(left - 10, middle + 4.5, tool["tool"], f"ink {weight}", "end"))
        label = f"{tool['records_per_s']:,.0f}"
        parts += _bar(left, middle, at(tool["records_per_s"]), 26, "peer" if i else "ours", label, weight)
    return parts


def _shares(tools: Sequence[dict[str, Any]], bottom: float) -> list[str]:
    """Planted copies caught, and dose variants merged that should have stayed."""
    left, right = _SHARE
    parts = [_text(left - 4, 36, "Caught, and wrongly merged", "ink title")]
    parts.append(f'<rect class="good" x="{left}" y="47" width="10" height="10" rx="2"/>')
    parts.append(_text(left + 16, 56, "near-duplicates caught", "soft small"))
    parts.append(f'<rect class="bad" x="{left + 160}" y="47" width="10" height="10" rx="2"/>')
    parts.append(_text(left + 176, 56, "dose variants merged", "soft small"))
    for k in range(5):
        parts += _tick(left + k / 4 * (right - left), bottom, f"{k * 25} %")
    for i, tool in enumerate(tools):
        middle, weight = _TOP + ROW * (i + 0.5), "" if i else "bold"
        for kind, name, y in (("good", "caught_ratio", middle - 10), ("bad", "merged_ratio", middle + 10)):
            end = left + tool[name] * (right - left)
            parts += _bar(left, y, end, 15, kind, _percent(tool[name]), weight)
    return parts


def _percent(ratio: float) -> str:
    """Never 100 % or 0 % by rounding."""
    shown = f"{ratio * 100:.1f}"
    if (shown == "100.0" and ratio < 1) or (shown == "0.0" and ratio > 0):
        shown = f"{ratio * 100:.2f}"
    return shown.removesuffix(".0") + " %"
