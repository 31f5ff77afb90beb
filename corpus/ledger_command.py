"""The command `pedcorpus ledger`."""

from __future__ import annotations

from pathlib import Path

import click

from corpus.options import CONFIG, json_option, print_json, user_errors
from pipelines.llm.exchange import STATES


@click.command()
@click.argument("key", required=False)
@click.option("--ledger", "folder", type=CONFIG, help="The ledger's folder; the one in the store where it is left out.")
@click.option("--store", type=CONFIG, default=Path("store"), show_default=True, help="The store that the ledger is in.")
@click.option("--state", type=click.Choice(STATES), help="List calls that ended so.")
@click.option("--prompt", help="List calls of this prompt, e.g. role_play_passage.")
@click.option("--limit", type=click.IntRange(0), default=20, show_default=True, help="Calls to list.")
@click.option("--export", "to", type=CONFIG, help="Write the calls to this file, a JSON document a line.")
@json_option
@user_errors
def ledger(
    key: str | None, folder: Path | None, store: Path, state: str | None, prompt: str | None, limit: int,
    to: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Show what an LLM was asked, what it said and what it cost. KEY is a call's, as `pedcorpus trace` names it.

    Works while a build is running.

    \b
    Example:
      pedcorpus ledger
      pedcorpus ledger --state failed
      pedcorpus ledger 3f9c0a1b
    """
    from itertools import islice

    from corpus.ledger import exchange, exchanges, export, find_ledger, summary
    from corpus.show_ledger import plain, show_exchange, show_list, show_summary

    where = find_ledger(folder, store)
    if key is not None:
        chain = exchange(where, key)
        print_json(plain(chain)) if as_json else show_exchange(chain)
    elif to is not None:
        n = export(where, to, state, prompt)
        print_json({"file": str(to), "calls": n}) if as_json else click.echo(f"Wrote {n} calls to {to}.")
    elif state or prompt:
        listed = list(islice(exchanges(where, state, prompt), limit))
        print_json(plain(listed)) if as_json else show_list(listed)
    else:
        data = summary(where)
        print_json(data) if as_json else show_summary(data)
