"""The `pedcorpus` command: verbs over a configuration, or over a published version.

Heavy modules are imported inside the commands, so that `--help` answers at once.
"""

from __future__ import annotations

import errno
import functools
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from pipelines.engine import ENGINE_KINDS
from schemas.errors import PedCorpusError

CONFIG = click.Path(path_type=Path)
# The allocator of polars keeps what it once had unless it is told otherwise before it loads; workers inherit this.
os.environ.setdefault("_RJEM_MALLOC_CONF", "dirty_decay_ms:500,muzzy_decay_ms:0")
EXIT_PROBLEMS = 3
"""`verify` found problems: the command worked, the version does not hold."""


_SURROUNDINGS = (
    *(errno.ENOSPC, errno.EDQUOT, errno.EIO),
    *(errno.EACCES, errno.EROFS, errno.EPERM, errno.EMFILE, errno.ENFILE),
    *(errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ENAMETOOLONG, errno.ELOOP),
)
"""Faults of the disk, of rights and of names: not ours, so they end in a sentence."""


def _user_errors(command: Callable[..., Any]) -> Callable[..., Any]:
    """A user's mistake ends in its sentence and exit code 2; anything else is a bug and keeps its traceback."""

    @functools.wraps(command)
    def run(*args: Any, **kwargs: Any) -> Any:
        try:
            return command(*args, **kwargs)
        except PedCorpusError as error:
            click.echo(f"Error: {error}", err=True)
            sys.exit(error.exit_code)
        except OSError as error:
            if error.errno is None or error.errno not in _SURROUNDINGS:
                raise
            where = f" {error.filename}" if error.filename else ""
            click.echo(f"Error:{where}: {os.strerror(error.errno)}. Nothing that was published is touched; mend that "
                       "and run the same command again, it goes on from where it was.", err=True)  # fmt: skip
            sys.exit(2)
        except KeyboardInterrupt:
            click.echo("Stopped. Run the same command again to go on from where it was.", err=True)
            sys.exit(130)

    return run


def _json_option(command: Callable[..., Any]) -> Callable[..., Any]:
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON document for programs.")(command)


def _version_options(command: Callable[..., Any]) -> Callable[..., Any]:
    store = click.option(
        "--store", type=CONFIG, default=Path("store"), show_default=True, help="The store that versions are in."
    )
    return store(command)


def _engine_options(command: Callable[..., Any]) -> Callable[..., Any]:
    kind = click.option(
        "--engine", type=click.Choice(ENGINE_KINDS), help="Where the work is done; overrides the configuration."
    )
    address = click.option(
        "--address", metavar="HOST:PORT", help="A running Ray cluster to join, or `auto`; implies --engine ray."
    )
    return kind(address(command))


def _engine_settings(kind: str | None, workers: int | None, address: str | None) -> dict[str, Any] | None:
    """What the command line says of the engine; None: nothing."""
    given = {"kind": kind or ("ray" if address else None), "workers": workers, "address": address}
    return {key: value for key, value in given.items() if value is not None} or None


def _print_json(value: Any) -> None:
    click.echo(json.dumps(value, ensure_ascii=False, indent=2))


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
@_engine_options
@click.option("--fresh", is_flag=True, help="Do all work again instead of reusing what earlier builds finished.")
@_json_option
@_user_errors
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

    plan = make_plan(_load(config, store, version, _engine_settings(engine, workers, address)))
    with Shown(enabled=not as_json) as progress:
        built = run_build(plan, progress, fresh=fresh)
    if as_json:
        _print_json({"version_dir": str(built.version_dir), "is_new": built.is_new, **vars(built.manifest)})
    else:
        show_built(built)


@main.command()
@click.argument("config", type=CONFIG, required=False)
@_json_option
@_user_errors
def plan(config: Path | None, as_json: bool) -> None:
    """Show what a build would do: sources, stages, fingerprints, estimated rows. Runs nothing.

    \b
    Example:
      pedcorpus plan corpus.yaml
    """
    from corpus.plan import make_plan
    from corpus.show import plan_data, show_plan

    planned = make_plan(_load(config))
    if as_json:
        _print_json(plan_data(planned))
    else:
        show_plan(planned)


@main.command()
@click.argument("config", type=CONFIG, required=False)
@click.option("--source", "only", help="One source of the configuration.")
@click.option("--samples", type=click.IntRange(0, 50), default=2, show_default=True, help="Sample records each.")
@_json_option
@_user_errors
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
        _print_json(seen)
    else:
        show_sources(seen)


@main.command()
@click.argument("folder", type=CONFIG)
@click.option("--out", type=CONFIG, help="Where to write; DIR/pedcorpus.yaml where it is left out.")
@click.option("--force", is_flag=True, help="Replace the file where it exists.")
@_user_errors
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
@click.argument("files", type=CONFIG, nargs=-1, required=True)
@click.option("--text-column", "texts", multiple=True, required=True, help="A column to compare; may be repeated.")
@click.option("--id-column", help="The column of ids; `record_id`, `id`, or file and row where it is left out.")
@click.option("--out", type=CONFIG, required=True, help="The folder for kept.parquet, removed.parquet, summary.json.")
@click.option("--threshold", type=click.FloatRange(0.5, 1.0), default=0.9, show_default=True, help="Least similarity.")
@click.option("--similarity", type=click.Choice(["levenshtein", "jaccard"]), default="levenshtein", show_default=True)
@click.option("--ngram", type=click.IntRange(1, 50), help="Characters to an n-gram; by the threshold if left out.")
@click.option("--min-chars", type=click.IntRange(1), default=20, show_default=True, help="Shorter texts must be equal.")
@click.option("--exact", is_flag=True, help="Miss no pair at the threshold.")
@click.option("--no-guard", is_flag=True, help="Merge across numbers, units, negations, drugs and diseases too.")
@_engine_options
@click.option("--workers", type=click.IntRange(1, 10_000), help="Tasks at a time; one for each core if left out.")
@click.option(
    "--memory-mb", type=click.IntRange(400), default=1_000, show_default=True, help="What it may take, about."
)
@click.option("--force", is_flag=True, help="Replace the results of an earlier run.")
@_json_option
@_user_errors
def dedup(
    files: tuple[Path, ...], texts: tuple[str, ...], id_column: str | None, out: Path, threshold: float,
    similarity: str, ngram: int | None, min_chars: int, exact: bool, no_guard: bool, engine: str | None,
    address: str | None, workers: int | None, memory_mb: int, force: bool, as_json: bool,
) -> None:  # fmt: skip
    """Remove near-duplicates from JSONL, CSV and Parquet files, with or without a corpus.

    Texts that differ in a number, a unit, an age, a negation or in the drug or disease they name are kept. FILES are
    in the order of preference: of two rows alike the one from the earlier file stays, then the longer one.

    \b
    Example:
      pedcorpus dedup qa.jsonl more.parquet --text-column answer --out deduped/
    """
    from corpus.dedup.run import Request, run
    from corpus.dedup.show import show_dedup
    from corpus.progress import Shown
    from pipelines.near.settings import Near

    near = Near(threshold, similarity, ngram, exact, not no_guard, min_chars, has_fields=len(texts) > 1)
    request = Request(files, texts, id_column, out, near, memory_mb, force)
    kind = engine or ("ray" if address else "local")
    with Shown(enabled=not as_json) as progress:
        summary = run(request, kind, workers, address, progress)
    if as_json:
        _print_json(summary)
    else:
        show_dedup(summary, out)


@main.command()
@_version_options
@_json_option
@_user_errors
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
        _print_json(data)
    else:
        show_versions(data, store)


@main.command()
@click.argument("version", required=False)
@_version_options
@_json_option
@_user_errors
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
        _print_json(data)
    else:
        show_stats(data)


@main.command()
@click.argument("version", required=False)
@_version_options
@_json_option
@_user_errors
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
        _print_json({"version_dir": str(folder), "ok": not problems, "problems": problems})
    else:
        click.echo(f"{folder} holds." if not problems else "\n".join([f"{folder} does not hold:", *problems]))
    if problems:
        sys.exit(EXIT_PROBLEMS)


@main.command()
@click.argument("record_id")
@click.option("--version", "version", help="The version to look in; the current one where it is left out.")
@click.option("--files", "base", type=CONFIG, help="The configuration's folder, to show the file's own text too.")
@_version_options
@_json_option
@_user_errors
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
        _print_json(trace_data(found))
    else:
        show_trace(found)


@main.command()
@click.argument("version", required=False)
@click.option("--stage", help="Only what this stage dropped, e.g. drop_low_quality.")
@click.option("--reason", help="Only this reason, e.g. advert.")
@click.option("--id", "record_id", help="Only records whose id begins so.")
@click.option("--limit", type=click.IntRange(0), default=10, show_default=True, help="Records to show.")
@_version_options
@_json_option
@_user_errors
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
        _print_json(data)
    else:
        show_rejects(data)


@main.command()
@click.argument("version")
@click.option("--repo", required=True, help="ORG/NAME on the Hugging Face Hub.")
@click.option("--dry-run", is_flag=True, help="List what would be pushed; no network.")
@click.option("--private", is_flag=True, help="Make the repository private where it is created.")
@_version_options
@_json_option
@_user_errors
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
        _print_json(push_data(result))
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


if __name__ == "__main__":
    main()
