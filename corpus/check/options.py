"""From what the command line says to a judge."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pipelines.check import classifier
from pipelines.check.judge import CHECKS
from pipelines.check.judging import Judging
from schemas.errors import InputError
from schemas.settings import did_you_mean


def judging(
    off: Sequence[str], quarantine: float | None, reject: float | None, model: Path | None, uses_classifier: bool
) -> Judging:
    """The judge.

    Raises:
        InputError: with everything that is wrong with it.
    """
    problems = [f"--off {name}: no such check.{did_you_mean(name, CHECKS)}" for name in off if name not in CHECKS]
    if quarantine is not None and reject is not None and quarantine > reject:
        problems.append(f"--quarantine {quarantine} is above --reject {reject}; an answer is held back before that.")
    if model is not None:
        problems += _model_problems(model)
        if not uses_classifier:
            problems.append("--model and --no-classifier exclude each other; leave one out.")
    if problems:
        raise InputError(problems)
    path = None if model is None else str(model.absolute())
    return Judging(tuple(sorted(set(off))), quarantine, reject, path, uses_classifier)


def _model_problems(path: Path) -> list[str]:
    if not path.is_file():
        return [f"--model {path}: no such file. Train one with `pedcorpus check --train`."]
    try:
        classifier.load(path)
    except (ValueError, KeyError, TypeError, AttributeError):
        return [f"--model {path}: no classifier of ours. Train one with `pedcorpus check --train`."]
    return []
