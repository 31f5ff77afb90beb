"""The command `pedcorpus dedup`."""

from __future__ import annotations

from pathlib import Path

import click

from corpus.options import CONFIG, engine_options, json_option, print_json, user_errors


@click.command()
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
@engine_options
@click.option("--workers", type=click.IntRange(1, 10_000), help="Tasks at a time; one for each core if left out.")
@click.option(
    "--memory-mb", type=click.IntRange(400), default=1_000, show_default=True, help="What it may take, about."
)
@click.option("--force", is_flag=True, help="Replace the results of an earlier run.")
@json_option
@user_errors
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
        print_json(summary)
    else:
        show_dedup(summary, out)
