"""What `pedcorpus ledger` prints."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from unicodedata import category

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from pipelines.llm.exchange import STATES
from pipelines.llm.json_text import writable

console = Console(soft_wrap=True, highlight=False)
_FIRST_CHARS = 48
"""Of a reply, in a list."""


def plain(value: Any) -> Any:
    """What a terminal and a UTF-8 file can take."""
    if isinstance(value, str):
        return writable(value)
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list) else value


def _visible(text: str) -> str:
    """Text without what would steer a terminal."""
    return escape("".join("�" if category(c) in ("Cc", "Cf") and c not in "\n\t" else c for c in plain(text)))


def show_summary(data: dict[str, Any]) -> None:
    """How calls ended, and tables by model, prompt and run."""
    currency = "/".join(data["currencies"])
    console.print(
        f"[bold]{_visible(data['ledger'])}[/bold]  {data['calls']:,} calls: "
        + ", ".join(f"{data[state]:,} {state}" for state in STATES)
        + f"; {data['to_ask_again']:,} will be asked again."
    )
    if data["damaged_lines"]:
        console.print(f"{data['damaged_lines']:,} damaged lines are left out; what they held is asked again.")
    if data["reasons"]:
        console.print("Not ok: " + ", ".join(f"{name} {n:,}" for name, n in data["reasons"].items()))
    if data["turns"]:
        console.print("Follow-ups: " + ", ".join(f"{name} {n:,}" for name, n in data["turns"].items()))
    console.print(_table("model", [{"model": name, **sums} for name, sums in data["models"].items()], currency))
    for row in data["prompts"]:
        row["prompt"] = f"{row['prompt']} {row['version'][:8]}"
    console.print(_table("prompt", data["prompts"], currency))
    for row in data["runs"]:
        how = "stopped" if row["ended"] and row["stopped"] else "" if row["ended"] else "not ended"
        row["run"] = f"{row['run'].partition('.')[0]} {how}".strip()
    console.print(_table("run", data["runs"], currency))


def _table(first: str, rows: list[dict[str, Any]], currency: str) -> Table:
    table = Table(show_edge=False, pad_edge=False)
    table.add_column(first, overflow="fold")  # a narrow terminal breaks names, never figures
    for name in ("calls", "ok", "rej/inv/fail", "tokens in", "out", currency, "perhaps"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in rows:
        others = "/".join(f"{row[state]:,}" for state in STATES[1:])
        numbers = [f"{row[name]:,}" for name in ("input_tokens", "output_tokens")]
        costs = [f"{row[name]:,.4f}" for name in ("cost", "perhaps")]
        table.add_row(_visible(row[first]), f"{row['calls']:,}", f"{row['ok']:,}", others, *numbers, *costs)
    return table


def show_list(calls: list[dict[str, Any]]) -> None:
    """A line a call."""
    for call in calls:
        said = " ".join((call["text"] or call["detail"]).split())[:_FIRST_CHARS]
        state = f"{call['state']}:{call['reason']}" if call["reason"] else call["state"]
        console.print(f"{call['key'][:12]}  {state}  {call['prompt']}  {_visible(call['model'])}  {_visible(said)}")
    if not calls:
        console.print("No such call.")


def show_exchange(chain: list[dict[str, Any]]) -> None:
    """What was asked and what was said, of each call in turn."""
    for call in chain:
        when = datetime.fromtimestamp(call["time"], UTC).strftime("%Y-%m-%d %H:%M:%S")
        state = f"{call['state']}:{call['reason']}" if call["reason"] else call["state"]
        turn = f"  {call['turn']} after {call['after'][:12]}" if call["turn"] else ""
        console.print(f"[bold]{call['key']}[/bold]  {state}  {call['role']}  {_visible(call['model'])}{turn}")
        console.print(
            f"prompt {call['prompt']} {call['version']}, {when} UTC, {call['n_attempts']} attempts, "
            f"{call['latency_s']:.1f} s, tokens {call['input_tokens']} in, {call['output_tokens']} out, "
            f"cost {call['certain']} (perhaps {call['uncertain']})"
        )
        for message in call["messages"]:
            console.print(f"\n[bold]{_visible(message['role'])}[/bold]\n{_visible(message['content'])}")
        console.print(f"\n[bold]reply[/bold] ({_visible(call['finish_reason'] or '-')})\n{_visible(call['text'])}")
        if call["detail"]:
            console.print(f"\n[bold]detail[/bold]\n{_visible(call['detail'])}")
        console.print()
