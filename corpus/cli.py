"""The `pedcorpus` command: verbs over a configuration, or over a published version.

Heavy modules are imported inside the commands, so that `--help` answers at once.
"""

from __future__ import annotations

import functools
import os
import sys
from pathlib import Path
from typing import Any

import click

from corpus.check.command import check
from corpus.dedup.command import dedup
from corpus.ledger_command import ledger
from corpus.options import (
    CONFIG,
    engine_options,
    engine_settings,
    json_option,
    print_json,
    user_errors,
    version_options,
)
from corpus.prompts_command import prompts

# The allocator of polars keeps what it once had unless it is told otherwise before it loads; workers inherit this.
os.environ.setdefault("_RJEM_MALLOC_CONF", "dirty_decay_ms:500,muzzy_decay_ms:0")
EXIT_PROBLEMS = 3
"""`verify` found problems: the command worked, the version does not hold."""


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="pedcorpus")
def main() -> None:
    """Build a paediatric instruction corpus in Chinese that can be defended line by line.

    CONFIG is a YAML file; `pedcorpus init DIR` writes one for a folder. VERSION is a version's name (0.1.0), or
    NAME/VERSION, or the folder of a version; the current version where it is left out.
    """


@main.command()
@click.argument("config", type=CONFIG, required=False)
@click.option("--store", type=CONFIG, help="Where versions go; overrides the configuration.")
@click.option("--version", "version", help="The version's name, e.g. 0.2.0; overrides the configuration.")
@click.option("--workers", type=click.IntRange(1, 10_000), help="Tasks at a time; overrides the configuration.")
@engine_options
@click.option("--fresh", is_flag=True, help="Do all work again instead of reusing what earlier builds finished.")
@json_option
@user_errors
def build(
    config: Path | None, store: Path | None, version: str | None, workers: int | None, engine: str | None,
    address: str | None, fresh: bool, as_json: bool,
) -> None:  # fmt: skip
    """Build and publish a version. Without CONFIG, the sample corpus that ships with the package.

    \b
    Example:
      pedcorpus build
      pedcorpus build corpus.yaml --workers 8
      pedcorpus build corpus.yaml --engine ray --address 10.0.0.1:6379
    """
    from corpus.build import build as run_build
    from corpus.plan import make_plan
    from corpus.progress import Shown
    from corpus.show import show_built

    plan = make_plan(_load(config, store, version, engine_settings(engine, workers, address)))
    with Shown(enabled=not as_json) as progress:
        built = run_build(plan, progress, fresh=fresh)
    if as_json:
        print_json({"version_dir": str(built.version_dir), "is_new": built.is_new, **vars(built.manifest)})
    else:
        show_built(built)


@main.command()
@click.argument("config", type=CONFIG, required=False)
@click.option("--count", is_flag=True, help="Do the work before the first question to the LLM, to count them exactly.")
@json_option
@user_errors
def plan(config: Path | None, count: bool, as_json: bool) -> None:
    """Show what a build would do: sources, stages, fingerprints, estimated rows; questions to an LLM and their cost.

    Runs nothing and asks nobody; with --count it reads and cleans the sources, which the build then need not.

    \b
    Example:
      pedcorpus plan corpus.yaml
      pedcorpus plan corpus.yaml --count
    """
    from corpus.build import look_ahead
    from corpus.outlook import guessed
    from corpus.plan import make_plan
    from corpus.progress import Shown
    from corpus.show import estimates, plan_data, show_plan

    planned = make_plan(_load(config))
    if count:
        with Shown(enabled=not as_json) as progress:
            ahead = look_ahead(planned, progress)
    else:
        ahead = guessed(planned, estimates(planned))
    if as_json:
        print_json(plan_data(planned, ahead))
    else:
        show_plan(planned, ahead)


@main.command()
@click.argument("config", type=CONFIG, required=False)
@click.option("--source", "only", help="One source of the configuration.")
@click.option("--samples", type=click.IntRange(0, 50), default=2, show_default=True, help="Sample records each.")
@json_option
@user_errors
def sources(config: Path | None, only: str | None, samples: int, as_json: bool) -> None:
    """Show what each source adapter sees: files, records, encodings, refusals and why, sample records.

    \b
    Example:
      pedcorpus sources corpus.yaml --source dialogues
    """
    from corpus.inspect import inspect_sources
    from corpus.progress import Shown
    from corpus.show import show_sources

    with Shown(enabled=not as_json) as progress:
        seen = inspect_sources(_load(config), only, samples, progress)
    if as_json:
        print_json(seen)
    else:
        show_sources(seen)


@main.command()
@click.argument("folder", type=CONFIG)
@click.option("--out", type=CONFIG, help="Where to write; DIR/pedcorpus.yaml where it is left out.")
@click.option("--force", is_flag=True, help="Replace the file where it exists.")
@user_errors
def init(folder: Path, out: Path | None, force: bool) -> None:
    """Look at a folder of files and write a starting configuration for it.

    \b
    Example:
      pedcorpus init my-files/
    """
    from corpus.starting_config import write_starting_config

    written = write_starting_config(folder, out or folder / "pedcorpus.yaml", force)
    click.echo(f"Wrote {written}. State each source's licence there, then: pedcorpus sources {written}")


@main.command()
@version_options
@json_option
@user_errors
def versions(store: Path, as_json: bool) -> None:
    """List the published versions in a store.

    \b
    Example:
      pedcorpus versions --store store
    """
    from corpus.locate import corpora
    from corpus.show import show_versions, versions_data

    data = versions_data(corpora(store))
    if as_json:
        print_json(data)
    else:
        show_versions(data, store)


@main.command()
@click.argument("version", required=False)
@version_options
@json_option
@user_errors
def stats(version: str | None, store: Path, as_json: bool) -> None:
    """Show what a version holds: views, tasks, sources, and what each stage dropped and why.

    \b
    Example:
      pedcorpus stats 0.1.0
    """
    from corpus.locate import find_version
    from corpus.show_version import show_stats
    from corpus.statistics import statistics

    data = statistics(find_version(version, store))
    if as_json:
        print_json(data)
    else:
        show_stats(data)


@main.command()
@click.argument("version", required=False)
@version_options
@json_option
@user_errors
def verify(version: str | None, store: Path, as_json: bool) -> None:
    """Check a version: hashes, counts, shapes, evidence spans, splits, residue. Exit code 3 where it fails.

    \b
    Example:
      pedcorpus verify 0.1.0
    """
    from corpus.locate import find_folder
    from corpus.verify import verify as run_verify

    folder = find_folder(version, store)
    problems = run_verify(folder)
    if as_json:
        print_json({"version_dir": str(folder), "ok": not problems, "problems": problems})
    else:
        click.echo(f"{folder} holds." if not problems else "\n".join([f"{folder} does not hold:", *problems]))
    if problems:
        sys.exit(EXIT_PROBLEMS)


@main.command()
@click.argument("record_id")
@click.option("--version", "version", help="The version to look in; the current one where it is left out.")
@click.option("--files", "base", type=CONFIG, help="The configuration's folder, to show the file's own text too.")
@version_options
@json_option
@user_errors
def trace(record_id: str, version: str | None, base: Path | None, store: Path, as_json: bool) -> None:
    """Say who says so: the chain from a published row to the file, line and licence that it rests on.

    \b
    Example:
      pedcorpus trace i3f9c0a --files .
    """
    from corpus.locate import find_version
    from corpus.show_version import show_trace, trace_data
    from corpus.trace import trace as run_trace

    found = run_trace(find_version(version, store), record_id, base)
    if as_json:
        print_json(trace_data(found))
    else:
        show_trace(found)


@main.command()
@click.argument("version", required=False)
@click.option("--stage", help="Only what this stage dropped, e.g. drop_low_quality.")
@click.option("--reason", help="Only this reason, e.g. advert.")
@click.option("--id", "record_id", help="Only records whose id begins so.")
@click.option("--limit", type=click.IntRange(0), default=10, show_default=True, help="Records to show.")
@version_options
@json_option
@user_errors
def rejects(
    version: str | None, stage: str | None, reason: str | None, record_id: str | None, limit: int, store: Path,
    as_json: bool,
) -> None:  # fmt: skip
    """Show what was dropped, by which stage and why.

    \b
    Example:
      pedcorpus rejects --stage drop_low_quality --limit 3
    """
    from corpus.locate import find_version
    from corpus.rejects import rejected
    from corpus.show_version import show_rejects

    data = rejected(find_version(version, store), stage, reason, record_id, limit)
    if as_json:
        print_json(data)
    else:
        show_rejects(data)


@main.command()
@click.argument("version")
@click.option("--repo", required=True, help="ORG/NAME on the Hugging Face Hub.")
@click.option("--dry-run", is_flag=True, help="List what would be pushed; no network.")
@click.option("--private", is_flag=True, help="Make the repository private where it is created.")
@version_options
@json_option
@user_errors
def push(version: str, repo: str, dry_run: bool, private: bool, store: Path, as_json: bool) -> None:
    """Put one version on the Hugging Face Hub: one commit, one tag. The token comes from HF_TOKEN or `hf auth login`.

    \b
    Example:
      pedcorpus push 0.1.0 --repo my-org/pedcorpus --dry-run
    """
    from corpus.hub import push as run_push
    from corpus.locate import find_folder
    from corpus.show_version import push_data, show_push
    from corpus.verify import verify as run_verify

    tell = None if as_json else functools.partial(click.echo, err=True)
    folder = find_folder(version, store)
    result = run_push(folder, repo, dry_run=dry_run, private=private, verify=run_verify, progress=tell)
    if as_json:
        print_json(push_data(result))
    else:
        show_push(result)


def _load(
    config: Path | None, store: Path | None = None, version: str | None = None, engine: dict[str, Any] | None = None
) -> Any:
    """The configuration, the sample's where none is given; paths on the command line start from here."""
    from corpus.config import load_config, sample_config

    if config is None:
        config, store = sample_config(), store or Path("store")
    given = None if store is None else str(store.absolute())
    return load_config(config, store=given, version=version, engine=engine)


main.add_command(check)
main.add_command(dedup)
main.add_command(ledger)
main.add_command(prompts)

if __name__ == "__main__":
    main()
