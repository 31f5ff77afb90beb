"""What `pedcorpus check` prints for people."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from corpus.check.summary import Tally
from pipelines.check.verdict import VERDICTS

console = Console(soft_wrap=True, highlight=False)
_COLOURS = {"keep": "green", "quarantine": "yellow", "reject": "red"}
_MAX_SHOWN = 5
_MAX_CHARS = 160


def show_checked(tally: Tally, out: Path, refused: Path, seconds: float) -> None:
    """Counts by verdict and kind, the worst examples, and where everything is."""
    n_judged = tally.verdicts.total()
    rate = tally.n_records / seconds if seconds else 0
    console.print(f"[bold]{tally.n_records:,}[/bold] records in {seconds:.1f} s ({rate:,.0f}/s)")
    console.print(_table(tally, n_judged))
    for line in tally.worst[:_MAX_SHOWN]:
        _show_example(line)
    if n_refused := tally.refused.total():
        reasons = ", ".join(f"{escape(why)} {n:,}" for why, n in sorted(tally.refused.items()))
        console.print(f"\n[red]{n_refused:,} lines are no records and were not checked[/red]: {reasons}")
        for bad in tally.first_refused[:_MAX_SHOWN]:
            console.print(f"  {escape(bad['locator'])}: {escape(bad['reason'])}, {escape(bad['detail'])}")
    console.print(f"\n{escape(str(out))}{f', {escape(str(refused))}' if n_refused else ''}")


def _table(tally: Tally, n_judged: int) -> Table:
    """A row a verdict, and below each what it was for."""
    table = Table(show_edge=False, pad_edge=False)
    table.add_column("verdict")
    table.add_column("records", justify="right")
    table.add_column("share", justify="right")
    for verdict in VERDICTS:
        n = tally.verdicts[verdict]
        colour = _COLOURS[verdict]
        table.add_row(f"[{colour}]{verdict}[/{colour}]", f"{n:,}", f"{n / n_judged:.1%}" if n_judged else "–")
        kinds = [(kind, m) for (v, kind), m in tally.kinds.items() if v == verdict]
        for kind, m in sorted(kinds, key=lambda item: (-item[1], item[0])):
            table.add_row(f"  [dim]{escape(kind)}[/dim]", f"[dim]{m:,}[/dim]", "")
    return table


def _show_example(line: dict[str, Any]) -> None:
    finding = line["findings"][0]
    verdict, colour = line["verdict"], _COLOURS[line["verdict"]]
    console.print(
        f"\n[{colour}]{verdict}[/{colour}] {line['probability']:.2f}  [bold]{escape(_plain(str(line['id'])))}[/bold]  "
        f"[dim]{escape(finding['check'])}[/dim]"
    )
    console.print(f"  answer    {escape(_plain(finding['answer_span']['text']))}")
    if finding["evidence_span"]:
        console.print(f"  evidence  {escape(_plain(finding['evidence_span']['text']))}")
    console.print(f"  {escape(_plain(finding['says']))}")


def _plain(text: str) -> str:
    """One line of it, without what would steer a terminal."""
    flat = " ".join(text[: 2 * _MAX_CHARS].split())
    shown = "".join("�" if c < " " or "\x7f" <= c <= "\x9f" else c for c in flat)
    return shown if len(shown) <= _MAX_CHARS else shown[: _MAX_CHARS - 1] + "…"
