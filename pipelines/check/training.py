"""A classifier from examples: cross-validated by document, two thresholds, then trained on all."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from pipelines.check import classifier
from pipelines.check.classifier import Model, Row, sigmoid, verbatim
from pipelines.check.features import clause_features
from pipelines.check.planter import planted, sentences_of
from pipelines.check.reading import MAX_CHARS, Reading
from pipelines.check.signals import Case, Signal
from pipelines.check.verdict import Thresholds

N_FOLDS: Final = 10
MAX_FALSE_REJECTS: Final = {"near": 0.015, "free": 0.015}
"""Share of faithful answers of the examples, cross-validated, that may be rejected outright."""
MAX_FALSE_DROPS: Final = {"near": 0.05, "free": 0.06}
"""Share of faithful answers that may be rejected or quarantined. Chosen on cross-validated examples, which are harder
than what a build makes: on answers over real leaflets the same thresholds drop a third of that (docs/NOTES.md).
"""


@dataclass(frozen=True)
class Example:
    """A case whose verdict is known.

    Attributes:
        id, doc: Of the case, and of the document it comes from; folds never part a document.
        case: What is judged.
        error: Kind of its error, one of `signals.KINDS`; empty for a faithful answer.
        span: Where the error is, a part of the answer.
        world: `near` (near-verbatim) or `free` (paraphrased).
        genre: Of the document.
        weight: How much it counts in training.
        scored: Whether thresholds are chosen by it; planted ones only train.
    """

    id: str
    doc: str
    case: Case
    error: str
    span: str
    world: str
    genre: str = ""
    weight: float = 1.0
    scored: bool = True


@dataclass(frozen=True)
class Prepared:
    """An example with its signals and features."""

    example: Example
    signals: tuple[Signal, ...]
    rows: list[Row]
    labels: list[float]


def prepare(example: Example, found: Sequence[Signal]) -> Prepared:
    """The example as numbers; the clauses that its span touches are the wrong ones."""
    rows = clause_features(example.case, found)
    return Prepared(example, tuple(found), rows, wrong_clauses(example))


def wrong_clauses(example: Example) -> list[float]:
    """[n_clauses] 1 where the span of the error is; of an error without a place, everywhere in equal parts."""
    clauses = example.case.answer.clauses
    if not example.error:
        return [0.0] * len(clauses)
    start = example.case.answer.raw.find(example.span) if example.span else -1
    if start < 0:
        return [1.0] * len(clauses)
    end = start + len(example.span)
    found = [float(c.start < end and c.end > start) for c in clauses]
    return found if any(found) else [1.0] * len(clauses)


def planted_examples(texts: Mapping[str, str], *, weight: float = 0.06) -> list[Example]:
    """Near-verbatim examples made from texts by document; their answers are checked against the whole text."""
    sentences = {doc: sentences_of([text]) for doc, text in texts.items()}
    found = []
    for doc, text in sorted(texts.items()):
        strangers = [s for other, mine in sorted(sentences.items()) if other != doc for s in mine]
        evidence = (_half_read(Reading(text[:MAX_CHARS]), doc),)
        for n, (answer, error, span) in enumerate(planted(evidence[0].raw, strangers=strangers)):
            case = Case(Reading(""), _half_read(Reading(answer), doc), evidence)
            found.append(Example(f"{doc}+{n}", doc, case, error, span, "near", "planted", weight, scored=False))
    return found


def _half_read(reading: Reading, doc: str) -> Reading:
    """The text as read with half of the lexicon, for half of the documents: other texts hold words that it lacks."""
    if _fold(doc, 2):
        kept = tuple(m for m in reading.mentions if ":" in m.key or _fold(m.key, 2))
        reading.__dict__["mentions"] = kept
    return reading


def train(prepared: Sequence[Prepared], *, n_folds: int = N_FOLDS) -> tuple[Model, np.ndarray]:
    """A model of all examples with thresholds from cross-validation, and the held-out probability of each example."""
    held_out = cross_validated(prepared, n_folds=n_folds)
    scored = [i for i, p in enumerate(prepared) if p.example.scored]
    scores = held_out[scored]
    wrong = np.array([bool(prepared[i].example.error) for i in scored])
    near = np.array([verbatim(prepared[i].rows) for i in scored])
    world = np.array([prepared[i].example.world for i in scored])
    shift = chosen_shift(scores, wrong, world)
    thresholds = chosen_thresholds(sigmoid(scores + shift * near), wrong, world)
    held_out[scored] = sigmoid(scores + shift * near)
    return replace(_trained(prepared), thresholds=thresholds, shift=shift), held_out


def chosen_shift(scores: np.ndarray, wrong: np.ndarray, world: np.ndarray) -> float:
    """How far the best score to drop from lies lower for near-verbatim answers than for others."""
    best = {}
    for name, bound in MAX_FALSE_DROPS.items():
        mine = world == name
        if not (wrong & mine).any() or not (~wrong & mine).any():
            return 0.0
        allowed = [t for t in np.unique(scores[mine]) if (scores[mine & ~wrong] >= t).mean() <= bound]
        best[name] = max(allowed, key=lambda t: balanced_accuracy(scores[mine] >= t, wrong[mine]))
    return float(best["free"] - best["near"])


def cross_validated(
    prepared: Sequence[Prepared],
    *,
    n_folds: int = N_FOLDS,
    without: Callable[[Row], Row] | None = None,
) -> np.ndarray:
    """[n] Score of each scored example by a model that saw nothing of its document; NaN for the others.

    Args:
        prepared: All examples.
        n_folds: Parts; by a hash of the document, so that adding documents moves no other.
        without: Takes features away before an example is judged, for ablations; training sees them.
    """
    folds = np.array([_fold(p.example.doc, n_folds) for p in prepared])
    result = np.full(len(prepared), np.nan)
    for fold in range(n_folds):
        mine = [i for i in np.flatnonzero(folds == fold).tolist() if prepared[i].example.scored]
        if not mine:
            continue
        model = _trained([p for p, other in zip(prepared, folds, strict=True) if other != fold])
        for i in mine:
            rows = prepared[i].rows
            result[i] = model.score([without(row) for row in rows] if without else rows)
    return result


def chosen_thresholds(probability: np.ndarray, wrong: np.ndarray, world: np.ndarray) -> Thresholds:
    """The lowest threshold to reject, and the best one to quarantine, that keep the false drops in bounds."""
    steps = np.unique(probability)
    reject = min((t for t in steps if _in_bounds(probability >= t, wrong, world, MAX_FALSE_REJECTS)), default=1.0)
    allowed = [t for t in steps if t <= reject and _in_bounds(probability >= t, wrong, world, MAX_FALSE_DROPS)]
    if not allowed:
        return Thresholds(float(reject), float(reject))
    best = max(allowed, key=lambda t: balanced_accuracy(probability >= t, wrong))
    return Thresholds(float(best), float(reject))


def balanced_accuracy(dropped: np.ndarray, wrong: np.ndarray) -> float:
    """Mean of the shares of wrong answers dropped and of faithful ones kept."""
    return float((dropped[wrong].mean() + (~dropped[~wrong]).mean()) / 2)


def fingerprint(prepared: Sequence[Prepared]) -> str:
    """Of the examples, whatever their order."""
    lines = sorted(f"{p.example.id}\t{p.example.case.answer.raw}\t{p.example.error}" for p in prepared)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


def _in_bounds(dropped: np.ndarray, wrong: np.ndarray, world: np.ndarray, bounds: Mapping[str, float]) -> bool:
    for name, bound in bounds.items():
        faithful = ~wrong & (world == name)
        if faithful.any() and dropped[faithful].mean() > bound:
            return False
    return True


def _trained(prepared: Sequence[Prepared]) -> Model:
    return classifier.train(
        [p.rows for p in prepared], [p.labels for p in prepared], [p.example.weight for p in prepared]
    )


def _fold(doc: str, n_folds: int) -> int:
    return int(hashlib.sha256(doc.encode()).hexdigest()[:8], 16) % n_folds
