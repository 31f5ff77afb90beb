"""From what the command line says to a judge."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from pipelines.check import classifier
from pipelines.check.judge import CHECKS
from pipelines.check.judging import Judging
from pipelines.check.lexicon import check_lexicon
from pipelines.check.nli import nli_model as nli_model_of
from schemas.errors import InputError, PartRefused
from schemas.fingerprints import sha256_file
from schemas.settings import did_you_mean
from sources.base import Part, ReadReport
from sources.knowledge_graph import KnowledgeGraph


def judging(
    folder: Path, *, off: Sequence[str] = (), quarantine: float | None = None, reject: float | None = None,
    model: Path | None = None, no_classifier: bool = False, graphs: Sequence[Path] = (), nli_model: Path | None = None,
    lexicon: Path | None = None,
) -> Judging:  # fmt: skip
    """The judge.

    Args:
        folder: For the graphs' triples, as workers read them.
        off: Checks to leave out.
        quarantine: Probability from which an answer is held back.
        reject: Probability from which it is rejected.
        model: A classifier of the user's own.
        no_classifier: The strongest finding decides.
        graphs: Files of knowledge graphs.
        nli_model: Folder of an NLI model; it is loaded here once, so that a wrong one is told at once.
        lexicon: A list of names of the user's own.

    Raises:
        NliUnavailable: the NLI model cannot be used.
        InputError: with everything that is wrong with it.
    """
    problems = [f"--off {name}: no such check.{did_you_mean(name, CHECKS)}" for name in off if name not in CHECKS]
    if model is not None:
        problems += _model_problems(model)
        if no_classifier:
            problems.append("--model and --no-classifier exclude each other; leave one out.")
    if not problems:
        problems += _crossed(quarantine, reject, model, no_classifier)
    if lexicon is not None:
        try:
            check_lexicon(lexicon)
        except ValueError as error:
            problems.append(f"--lexicon {error}")
    if problems:
        raise InputError(problems)
    path = None if model is None else str(model.absolute())
    nli = None if nli_model is None else str(nli_model.absolute())
    if nli is not None:
        nli_model_of(nli)
    triples = tuple(triples_of(graphs, folder))
    own = None if lexicon is None else str(lexicon.absolute())
    return Judging(tuple(sorted(set(off))), quarantine, reject, path, not no_classifier, nli, triples, own)


def triples_of(files: Sequence[Path], folder: Path) -> list[str]:
    """The triples of graph files (tables, triple lists, RDF), as Parquet in `folder`.

    Raises:
        InputError: a file holds no triples.
    """
    made, problems = [], []
    for number, file in enumerate(files):
        try:
            rows = _triples(file)
        except PartRefused as refused:
            rows, detail = [], refused.detail.replace("list it under 'skip:'", "leave it out")
            problems.append(f"--graph {file}: {detail}")
        if not rows and not problems:
            problems.append(f"--graph {file}: no triples in it. Name a table of diseases, a triple list or RDF.")
        made.append(str(folder / f"{number}.parquet"))
        pl.DataFrame(rows, schema=["head", "relation", "tail"], orient="row").write_parquet(made[-1])
    if problems:
        raise InputError(problems)
    return made


def _triples(file: Path) -> list[tuple[str, str, str]]:
    if not file.is_file():
        raise PartRefused("missing", "no such file. Check the path.")
    part = Part("graph", file.name, str(file.absolute()), sha256_file(file), file.stat().st_size)
    source, rows = KnowledgeGraph("graph"), []
    for batch in source.read(part, ReadReport()):
        kept = batch.frame.filter(pl.col("drop_reason").is_null())
        rows += kept.select("head", "relation", "tail").rows()
    return rows


def _crossed(quarantine: float | None, reject: float | None, model: Path | None, no_classifier: bool) -> list[str]:
    """That an answer would be rejected before it is held back, counting what is not given as the model has it."""
    if no_classifier and None in (quarantine, reject):
        return []
    own = classifier.load(model) if model is not None else classifier.load()
    lower = own.thresholds.quarantine if quarantine is None else quarantine
    upper = own.thresholds.reject if reject is None else reject
    if lower <= upper:
        return []
    return [f"--quarantine {lower} is above --reject {upper}; an answer is held back before that. Give both."]


def _model_problems(path: Path) -> list[str]:
    if not path.is_file():
        return [f"--model {path}: no such file. Train one with `pedcorpus check --train`."]
    try:
        classifier.check(classifier.load(path))
    except (ValueError, KeyError, TypeError, AttributeError):
        return [f"--model {path}: no classifier of ours. Train one with `pedcorpus check --train`."]
    return []
