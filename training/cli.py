"""The `pedgpt` command."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from schemas.errors import PedCorpusError


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="pedcorpus")
def main() -> None:
    """Train on a published version of PedCorpus."""


@main.command()
@click.argument("version_dir", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document for programs.")
def data(version_dir: Path, as_json: bool) -> None:
    """Check a version's files and show what each training phase would read from it.

    \b
    Example:
      pedgpt data store/pedcorpus-sample/versions/0.1.0
    """
    from training.phases import phase_data

    try:
        phases = phase_data(version_dir)
    except PedCorpusError as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(error.exit_code)
    if as_json:
        click.echo(json.dumps(phases, ensure_ascii=False, indent=2))
        return
    for phase in phases:
        click.echo(f"{phase['phase']:<5} reads view {phase['view']}: {phase['title']}")
        for split, n in phase["splits"].items():
            click.echo(f"      {split:<11} {n['n_rows']:>9} rows {n['n_chars']:>12} characters")
