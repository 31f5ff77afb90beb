"""Features of clauses → probability that an answer says what its evidence does not.

Two steps, both logistic. A clause gets a score from its features; signals can only speak against it (their weights are
never negative), what is known about the clause may speak either way. An answer gets its probability from the scores of
its worst clauses. Trained on cases whose wrong clause is known; the model is a page of numbers in JSON.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np

from pipelines.check.features import CONTEXT
from pipelines.check.verdict import Thresholds

DEFAULT: Final = Path(__file__).with_name("classifier.json")
MIN_SEEN: Final = 4
"""Answers in which a signal must have been found before it gets a weight of its own."""

N_ANSWER_WEIGHTS: Final = 7
"""One for each of `answer_features`, and the bias."""

Row = dict[str, float]


@dataclass(frozen=True)
class Model:
    """A trained classifier.

    Attributes:
        names: Of the clause's features; `a*b` is a product.
        weights: One each; `bias` besides.
        answer: Weights of the answer's features, see `answer_features`; the last is the bias.
        thresholds: When to reject, when to quarantine.
        shift: Added to the score of near-verbatim answers, where fewer false drops are allowed and more is caught, so
            that one pair of thresholds serves both.
        about: Where it comes from: fingerprint and size of the training data, figures.
    """

    names: tuple[str, ...]
    weights: tuple[float, ...]
    bias: float
    answer: tuple[float, ...]
    thresholds: Thresholds
    shift: float = 0.0
    about: dict[str, Any] = field(default_factory=dict)

    def clauses(self, rows: Sequence[Row]) -> np.ndarray:
        """[n_clauses] Score of each; above zero it is more likely wrong than right."""
        table = matrix(rows, self.names)
        return np.asarray(table @ np.asarray(self.weights) + self.bias)

    def probability(self, rows: Sequence[Row]) -> float:
        """That the answer says what its evidence does not."""
        return float(sigmoid(np.array([self.score(rows)]))[0])

    def score(self, rows: Sequence[Row]) -> float:
        """The same as a logit."""
        features = answer_features(self.clauses(rows), rows)
        return float(features @ np.asarray(self.answer[:-1]) + self.answer[-1] + self.shift * verbatim(rows))


def verbatim(rows: Sequence[Row]) -> float:
    """From 0, in other words, to 1, near-verbatim; few answers are in between."""
    return min(1.0, max(0.0, (rows[0]["near"] - 0.45) / 0.2))


def answer_features(scores: np.ndarray, rows: Sequence[Row]) -> np.ndarray:
    """Of an answer: its worst clause, the second worst, all together, and how near-verbatim it is."""
    ordered = np.sort(scores)[::-1]
    second = ordered[1] if len(ordered) > 1 else -6.0
    near = rows[0]["near"]
    return np.array([ordered[0], ordered[0] * near, second, _softplus_sum(scores), near, min(1.0, len(rows) / 10)])


def train(cases: Sequence[Sequence[Row]], labels: Sequence[Sequence[float]], weights: Sequence[float]) -> Model:
    """A model of cases: rows per clause, label per clause (1: wrong), weight per case.

    Args:
        cases: [n_cases][n_clauses] features.
        labels: The same shape.
        weights: How much each case counts.
    """
    names = chosen_names(cases)
    table = np.concatenate([matrix(rows, names) for rows in cases])
    truth = np.concatenate([np.asarray(row, dtype=float) for row in labels])
    counts = [len(rows) for rows in cases]
    share = np.repeat(np.asarray(weights) / np.sqrt(counts), counts)
    free = np.array([is_context(name) for name in names])
    clause = fit(table, truth, share, penalty=4.0, free=free)
    draft = Model(names, tuple(clause[:-1]), float(clause[-1]), (1.0, 0, 0, 0, 0, 0, 0.0), Thresholds(0.4, 0.6))
    answers = np.stack([answer_features(draft.clauses(rows), rows) for rows in cases])
    wrong = np.array([max(row) for row in labels], dtype=float)
    upper = fit(answers, wrong, np.asarray(weights), penalty=1.0, free=np.ones(answers.shape[1], dtype=bool))
    return Model(names, draft.weights, draft.bias, tuple(map(float, upper)), draft.thresholds)


def chosen_names(cases: Sequence[Sequence[Row]]) -> tuple[str, ...]:
    """Features seen often enough, and the signals' products with near-verbatimness."""
    seen: Counter[str] = Counter()
    for rows in cases:
        seen.update({name for row in rows for name, value in row.items() if value})
    signals = sorted(name for name, n in seen.items() if n >= MIN_SEEN and name not in CONTEXT)
    context = [*CONTEXT, "uncovered*near", "uncovered_run*near", "best*near", "near_clause*near"]
    return (*context, *signals, *(f"{name}*near" for name in signals))


def is_context(name: str) -> bool:
    """Whether a feature may speak for a clause as well as against it."""
    return name.split("*")[0] in CONTEXT


def matrix(rows: Sequence[Row], names: Sequence[str]) -> np.ndarray:
    """[n_rows, n_names]"""
    table = np.zeros((len(rows), len(names)))
    place = _places(tuple(names))
    for i, row in enumerate(rows):
        for name, value in row.items():
            for at, other in place.get(name, ()):
                table[i, at] = value * (row.get(other, 0.0) if other else 1.0)
    return table


@lru_cache(maxsize=64)
def _places(names: tuple[str, ...]) -> dict[str, list[tuple[int, str]]]:
    found: dict[str, list[tuple[int, str]]] = {}
    for at, name in enumerate(names):
        first, _, second = name.partition("*")
        found.setdefault(first, []).append((at, second))
    return found


def fit(
    table: np.ndarray, truth: np.ndarray, weights: np.ndarray, *, penalty: float, free: np.ndarray, n_steps: int = 400
) -> np.ndarray:
    """Weights and, last, bias of a logistic regression with an L2 penalty, by accelerated projected gradients.

    Args:
        table: [n, k]
        truth: [n] 0 or 1.
        weights: [n]
        penalty: On the squared weights, beside the summed loss; the bias goes free.
        free: [k] Whether a weight may be negative.
        n_steps: Of gradient.
    """
    n, k = table.shape
    scale = np.maximum(table.std(axis=0), 0.05)
    scaled = np.hstack([table / scale, np.ones((n, 1))])
    curb = np.append(np.full(k, penalty), 1e-3)
    lowest = np.append(np.where(free, -np.inf, 0.0), -np.inf)
    step = 1 / (0.25 * np.linalg.norm(scaled * np.sqrt(weights)[:, None], 2) ** 2 + penalty)
    now = np.zeros(k + 1)
    ahead, pace = now, 1.0
    for _ in range(n_steps):
        slope = scaled.T @ (weights * (sigmoid(scaled @ ahead) - truth)) + curb * ahead
        after = np.maximum(ahead - step * slope, lowest)
        faster = (1 + np.sqrt(1 + 4 * pace * pace)) / 2
        ahead, now, pace = after + (pace - 1) / faster * (after - now), after, faster
    return np.append(now[:-1] / scale, now[-1])


def load(path: Path = DEFAULT) -> Model:
    """The model of a file."""
    data = json.loads(path.read_text(encoding="utf-8"))
    return Model(
        tuple(data["weights"]), tuple(data["weights"].values()), data["bias"], tuple(data["answer"]),
        Thresholds(**data["thresholds"]), data["shift"], data["about"],
    )  # fmt: skip


def check(model: Model) -> None:
    """Raises `ValueError` or `TypeError` where a model's numbers are none, too few, or contradict each other."""
    numbers = [*model.weights, *model.answer, model.bias, model.shift, *model.thresholds]
    if not np.isfinite(np.asarray(numbers, dtype=float)).all() or any(isinstance(n, str) for n in numbers):
        raise ValueError("a weight is no number")
    if len(model.answer) != N_ANSWER_WEIGHTS or model.thresholds.quarantine > model.thresholds.reject:
        raise ValueError("weights are missing, or the thresholds are crossed")


def save(model: Model, path: Path = DEFAULT) -> None:
    """Writes it, four decimals a number."""
    data = {
        "about": model.about,
        "thresholds": {name: round(value, 4) for name, value in model.thresholds._asdict().items()},
        "shift": round(model.shift, 4),
        "answer": [round(value, 4) for value in model.answer],
        "bias": round(model.bias, 4),
        "weights": {name: round(w, 4) for name, w in zip(model.names, model.weights, strict=True)},
    }
    path.write_text(json.dumps(data, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def sigmoid(x: np.ndarray) -> np.ndarray:
    """Scores as probabilities."""
    return np.asarray(1 / (1 + np.exp(-np.clip(x, -30, 30))))


def _softplus_sum(scores: np.ndarray) -> float:
    return float(np.logaddexp(0, scores).sum())
