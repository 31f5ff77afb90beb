"""The command `pedcorpus prompts`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from corpus.options import CONFIG, json_option, print_json, user_errors

if TYPE_CHECKING:
    from pipelines.llm.exchange import Ask


@click.command()
@click.argument("name", required=False)
@click.option("--config", type=CONFIG, help="A corpus whose records and prompts to show; the sample where left out.")
@click.option("--raw", is_flag=True, help="The file itself, not filled in.")
@click.option("--copy", "folder", type=CONFIG, help="Copy our files to this folder, to be edited: all, or NAME.")
@json_option
@user_errors
def prompts(name: str | None, config: Path | None, raw: bool, folder: Path | None, as_json: bool) -> None:
    """List the prompts that an LLM is asked with, or show one filled in with a real record. Asks nobody.

    Edited copies take the place of ours with `llm: {prompts: FOLDER}` in the configuration.

    \b
    Example:
      pedcorpus prompts
      pedcorpus prompts role_play_passage --config corpus.yaml
      pedcorpus prompts --copy my-prompts/
    """
    from corpus.config import load_config, sample_config
    from corpus.prompt_examples import copy_prompts, example_of, listed
    from pipelines.prompts import our_prompts, prompt_book

    if folder is not None:
        paths = copy_prompts(folder, [example_of(name).name] if name else our_prompts())
        files = [str(path) for path in paths]
        print_json({"files": files}) if as_json else click.echo(f"Copied {len(files)} prompts to {folder}.")
        return
    loaded = load_config(config or sample_config())
    own = loaded.header.llm.prompts
    book = prompt_book(None if own is None else Path(own))
    if name is None:
        print_json(listed(book)) if as_json else _show_list(listed(book))
        return
    example = example_of(name)
    if raw:
        text = book.get(name).text
        print_json({"name": name, "version": book.version(name), "text": text}) if as_json else click.echo(text)
        return
    _show_filled(loaded, example, book, as_json)


def _show_filled(config: Any, example: Any, book: Any, as_json: bool) -> None:
    from corpus.prompt_examples import filled
    from pipelines.llm.tokens import prompt_tokens
    from schemas.errors import InputError

    found = filled(example, config, book)
    if found is None:
        raise InputError([f"{example.name}: no record fits it. Show the file itself with --raw."])
    ask, from_sample = found
    data = {
        "name": ask.prompt,
        "version": ask.version,
        "stage": example.stage,
        "purpose": example.purpose,
        "origin": "yours" if ask.prompt in book.own else "ours",
        "role": ask.role,
        "from_sample": from_sample,
        "messages": [dict(message) for message in ask.messages],
        "schema": ask.schema,
        "prompt_tokens": round(prompt_tokens(ask.messages)),
        "max_tokens": ask.sampling.max_tokens,
        "temperature": ask.sampling.temperature,
    }
    if as_json:
        print_json(data)
    else:
        _print(data, ask)


def _print(data: dict[str, Any], ask: Ask) -> None:
    click.echo(f"{data['name']} {data['version']} ({data['origin']}): {data['purpose']}. Stage {data['stage']}.")
    if data["from_sample"]:
        click.echo("No record of the configuration fits; this one is the sample corpus's.")
    for message in ask.messages:
        click.echo(f"\n----- {message['role']} -----\n{_visible(message['content'])}")
    reply = "JSON that holds to a schema (--json shows it)" if ask.schema else "text"
    click.echo(
        f"\n----- asked of the {ask.role}: about {data['prompt_tokens']:,} tokens; reply: {reply}, "
        f"at most {data['max_tokens']:,} tokens, temperature {data['temperature']}"
    )


def _visible(text: str) -> str:
    """Text without what would steer a terminal."""
    return "".join("�" if (c < " " and c not in "\n\t") or "\x7f" <= c <= "\x9f" else c for c in text)


def _show_list(rows: list[dict[str, Any]]) -> None:
    widths = {key: max(len(row[key]) for row in rows) for key in ("name", "version", "stage", "origin")}
    for row in rows:
        fixed = "  ".join(row[key].ljust(width) for key, width in widths.items())
        click.echo(f"{fixed}  {row['purpose']}")
    click.echo("\nShow one filled in: pedcorpus prompts NAME")
