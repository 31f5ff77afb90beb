"""The command `pedcorpus check`."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click

from corpus.options import CONFIG, json_option, print_json, user_errors
from schemas.errors import InputError

EXIT_FOUND = 3
"""Something did not pass: the command worked, the records do not hold."""
FAIL_ON = ("reject", "quarantine", "never")


@click.command()
@click.argument("file", type=CONFIG)
@click.option("--out", type=CONFIG, required=True, help="The file for the verdicts, JSON Lines.")
@click.option("--report", type=CONFIG, help="A page of Markdown with the counts and the worst examples.")
@click.option("--workers", type=click.IntRange(1, 512), help="Processes; one for each core if left out.")
@click.option("--fail-on", type=click.Choice(FAIL_ON), default="reject", show_default=True,
              help="The verdict from which on the exit code is 3.")  # fmt: skip
@click.option("--off", "off", multiple=True, metavar="CHECK", help="A check to leave out; may be repeated.")
@click.option("--quarantine", type=click.FloatRange(0, 1), help="Probability from which an answer is held back.")
@click.option("--reject", type=click.FloatRange(0, 1), help="Probability from which it is rejected.")
@click.option("--model", type=CONFIG, help="A classifier of your own, as --train writes it.")
@click.option("--no-classifier", is_flag=True, help="Only the checks: the strongest finding decides.")
@click.option("--graph", "graphs", type=CONFIG, multiple=True, help="A knowledge graph's file; may be repeated.")
@click.option("--lexicon", type=CONFIG, help="A list of names of your own: type, key, words and parent between tabs.")
@click.option("--nli-model", type=CONFIG, help="Folder of an NLI model in Hugging Face's format; needs [train].")
@click.option("--llm", type=CONFIG, metavar="CONFIG", help="Ask the `llm:` of this file about what is held back.")
@click.option(
    "--votes", type=click.IntRange(1, 9), default=1, show_default=True, help="Replies for each; an odd number."
)
@click.option("--train", is_flag=True, help="Write a classifier for FILE's texts to --out; for --model. No checking.")
@json_option
@user_errors
def check(
    file: Path, out: Path, report: Path | None, workers: int | None, fail_on: str, llm: Path | None, votes: int,
    train: bool, as_json: bool,
    **judged: Any,
) -> None:  # fmt: skip
    """Check answers against their evidence: keep, quarantine or reject, with what was found and where.

    Each line of FILE has `id`, `question`, `answer` (or `messages`) and `evidence`, a text or a list of texts; tables
    in Parquet, CSV and JSON have the same as columns. Exit code 0: nothing was rejected; 3: something was, or could
    not be read (--fail-on says which); 2: a mistake in the command.

    \b
    Example:
      pedcorpus check answers.jsonl --out verdicts.jsonl
      pedcorpus check answers.jsonl --out verdicts.jsonl --fail-on quarantine --json
      pedcorpus check my-texts/ --train --out classifier.json
    """
    _refuse(file, out, report, llm, judged, votes)
    if train:
        _train(file, out, as_json)
        return
    from corpus.check.options import judging
    from corpus.check.run import Request, check_file
    from corpus.check.show import show_checked
    from corpus.progress import Shown
    from pipelines.engine import n_cores

    began = time.monotonic()
    with TemporaryDirectory() as folder:
        request = Request(file, out, judging(Path(folder), **judged), workers or n_cores())
        teacher = None
        if llm is not None:
            from corpus.check.teacher import teacher_of

            teacher = teacher_of(llm, votes)
        try:
            with Shown(enabled=not as_json) as progress:
                tally = check_file(request, progress, teacher)
        except KeyboardInterrupt:
            kept = " What was answered is in the ledger." if teacher else ""
            click.echo(f"Stopped. {out} is not written.{kept}", err=True)
            sys.exit(130)
    if report is not None:
        from corpus.check.report import report as page

        report.write_text(page(tally), "utf-8")
    if as_json:
        print_json(tally.data())
    else:
        show_checked(tally, request.out, request.refused, time.monotonic() - began)
    failing = FAIL_ON[: FAIL_ON.index(fail_on) + 1]
    if fail_on != "never" and (tally.refused or any(tally.verdicts[v] for v in failing)):
        sys.exit(EXIT_FOUND)


def _refuse(
    file: Path, out: Path, report: Path | None, llm: Path | None, judged: Mapping[str, Any], votes: int
) -> None:  # fmt: skip
    """Raises `InputError` with what cannot be, before anything is done."""
    from corpus.check.run import unwritable

    read = {"FILE": file} | {f"--{n}": judged[n] for n in ("lexicon", "model") if judged[n] is not None}
    read |= {f"--graph {n}": path for n, path in enumerate(judged["graphs"])} | ({"--llm": llm} if llm else {})
    written = {"--out": out}
    problems = []
    if report is not None:
        written["--report"] = report
        if not report.parent.is_dir():
            problems.append(f"--report {report}: there is no folder {report.parent}. Make it, or name another file.")
        elif report.is_dir():
            problems.append(f"--report {report}: a folder. Name a file, such as {report / 'report.md'}.")
    problems += unwritable(written, read)
    for name in ("quarantine", "reject"):
        if judged[name] is not None and math.isnan(judged[name]):
            problems.append(f"--{name}: not a number. Give one from 0 to 1.")
    if votes % 2 == 0:
        problems.append(f"--votes {votes}: an even number has no majority. Give an odd one.")
    if problems:
        raise InputError(problems)


def _train(file: Path, out: Path, as_json: bool) -> None:
    from corpus.check.train import train_file
    from corpus.progress import Shown

    with Shown(enabled=not as_json) as progress:
        made = train_file(file, out, progress)
    if as_json:
        print_json(made)
        return
    lower, upper = made["thresholds"]["quarantine"], made["thresholds"]["reject"]
    click.echo(
        f"{out}: from {made['planted']} examples planted into {made['texts']} texts and {made['labelled']} labelled "
        f"records; held back from {lower:.2f}, rejected from {upper:.2f}. Use it with --model {out}."
    )
