"""Case → verdict: the checks in a row, then the classifier."""

from __future__ import annotations

import gc
from collections.abc import Iterable, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from pipelines.check import classifier, quantity_checks
from pipelines.check.actors import actor
from pipelines.check.binding import pairing
from pipelines.check.claims import claims
from pipelines.check.classifier import Model
from pipelines.check.contrasts import contrasts
from pipelines.check.courtesies import without_copies, without_courtesies
from pipelines.check.differences import differences
from pipelines.check.entities import entity
from pipelines.check.features import clause_features
from pipelines.check.modality import modality
from pipelines.check.polarity import polarity
from pipelines.check.populations import population
from pipelines.check.reading import Reading
from pipelines.check.relations import relations
from pipelines.check.routes import route
from pipelines.check.signals import Case, Check, Signal
from pipelines.check.verdict import Judgement
from pipelines.check.warnings import warnings

CHECKS: Final[Mapping[str, Check]] = MappingProxyType(
    {
        "differences": differences,
        "quantities": quantity_checks.check,
        "pairing": pairing,
        "entity": entity,
        "actor": actor,
        "population": population,
        "route": route,
        "polarity": polarity,
        "modality": modality,
        "relations": relations,
        "warnings": warnings,
        "claims": claims,
        "contrasts": contrasts,
    }
)
"""Each check by the name under which a report lists it and an ablation turns it off."""

_YOUNG: Final = 10_000
"""Objects between two looks of the garbage collector; a case makes thousands, and none in a circle."""


def signals(case: Case, checks: Mapping[str, Check] = CHECKS) -> list[Signal]:
    """Everything that the checks found, in the answer's order."""
    found = [signal for check in checks.values() for signal in check(case)]
    found = without_copies(case, without_courtesies(case, found))
    return sorted(found, key=lambda s: (s.start, s.end, s.check))


def judge(case: Case, *, model: Model | None = None, checks: Mapping[str, Check] = CHECKS) -> Judgement:
    """The verdict on an answer; the clause with the highest score decides."""
    _settle()
    model = model or default_model()
    found = signals(case, checks)
    rows = clause_features(case, found)
    scores = model.clauses(rows)
    probability = model.probability(rows)
    worst = int(scores.argmax())
    return Judgement(
        model.thresholds.verdict(probability),
        probability,
        _sorted(found, case, worst),
        worst,
        tuple(float(p) for p in classifier.sigmoid(scores)),
    )


@lru_cache(maxsize=1)
def _settle() -> None:
    """Loads what every case needs, and takes it from what the garbage collector looks through again and again."""
    default_model()
    signals(Case(Reading("多少？"), Reading("每次服用10 mg。"), (Reading("每次服用5 mg，发热时禁用。"),)))
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG, *gc.get_threshold()[1:])


@lru_cache(maxsize=1)
def default_model() -> Model:
    """The model that comes with the package."""
    return classifier.load()


def _sorted(found: Iterable[Signal], case: Case, worst: int) -> tuple[Signal, ...]:
    def place(signal: Signal) -> tuple[bool, float, int]:
        return case.answer.clause_at(signal.start).number != worst, -signal.strength, signal.start

    return tuple(sorted(found, key=place))
