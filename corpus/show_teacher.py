"""What the `pedcorpus` command prints of an LLM: what it will be asked, and what it was asked and cost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from corpus.outlook import Outlook, short, total
from pipelines.llm.settings import LlmSettings

console = Console(soft_wrap=True, highlight=False)
_ENDED = ("ok", "rejected", "invalid", "failed")


def show_ahead(ahead: Sequence[Outlook], llm: LlmSettings) -> None:
    """A row a stage, and the sum against the budget."""
    how = "counted" if any(o.is_counted for o in ahead) else "guessed from the size of the files; --count counts"
    table = Table(show_edge=False, pad_edge=False, title=f"What the LLM will be asked ({how})", title_justify="left")
    table.add_column("stage")
    table.add_column("model")
    for name in ("questions", "calls", "tokens", f"cost ({llm.currency})"):
        table.add_column(name, justify="right")
    for o in ahead:
        price = "no prices" if o.cost is None else f"{o.cost:,.2f}"
        name = o.stage if o.is_counted or how != "counted" else f"{o.stage} (guessed)"
        tokens = f"{short(o.input_tokens)} + {short(o.output_tokens)}"
        table.add_row(name, escape(", ".join(o.models)), f"{o.n_jobs:,}", f"{o.n_calls:,}", tokens, price)
    console.print(table)
    cost = total(ahead)
    if cost is not None and llm.budget is not None:
        verdict = "within" if cost <= llm.budget else "[yellow]over[/yellow]"
        console.print(f"About {cost:,.2f} {llm.currency} in all, {verdict} the budget of {llm.budget:,.2f}.")


def show_teacher(report: dict[str, Any]) -> None:
    """A row a prompt: questions, calls that took, how they ended, tokens (prompts + replies) and money."""
    table = Table(show_edge=False, pad_edge=False, title="What the LLM was asked", title_justify="left")
    table.add_column("prompt", no_wrap=True)
    for name in ("questions", "calls"):
        table.add_column(name, justify="right")
    table.add_column("ended")
    table.add_column("tokens", justify="right")
    table.add_column("cost", justify="right")
    for prompts in report["roles"].values():
        for prompt, t in prompts.items():
            ended = ", ".join(f"{t[state]:,} {state}" for state in _ENDED if t[state])
            tokens = f"{short(t['input_tokens'])} + {short(t['output_tokens'])}"
            cost = f"{t['certain'] + t['uncertain']:,.4f}"
            table.add_row(escape(prompt), f"{t['asked']:,}", f"{t['sent']:,}", ended, tokens, cost)
    console.print(table)
    money = report["money"]
    spent = money["certain"] + money["uncertain"]
    if not spent and any(t["sent"] for prompts in report["roles"].values() for t in prompts.values()):
        console.print(f"No prices are configured, so what it cost is not known; {report['seconds']:.0f} s.")
        return
    unsure = f", {money['uncertain']:,.4f} of it for calls that may not have been billed" if money["uncertain"] else ""
    budget = f" of {money['budget']:,.2f}" if money["budget"] is not None else ""
    console.print(f"Spent {spent:,.4f} {money['currency']}{budget}{unsure}, in {report['seconds']:.0f} s.")
