"""How answers are judged: which checks, which model, from which probabilities on. Travels to workers."""

from __future__ import annotations

import dataclasses
import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pipelines.check import classifier
from pipelines.check.classifier import Model
from pipelines.check.judge import CHECKS, default_model, judge, signals
from pipelines.check.signals import Case
from pipelines.check.verdict import Judgement, Thresholds

BY_SIGNALS: Final = Thresholds(quarantine=0.5, reject=0.9)
"""Without the classifier: from which strength of the strongest signal on."""


@dataclass(frozen=True)
class Judging:
    """A judge of cases.

    Attributes:
        off: Checks that are left out, by name.
        quarantine: Probability from which an answer is held back; None: as the model was calibrated.
        reject: Probability from which it is rejected, likewise.
        model: File of a classifier of the user's own; None: the one that comes with the package.
        uses_classifier: False: the strongest signal decides.
    """

    off: tuple[str, ...] = ()
    quarantine: float | None = None
    reject: float | None = None
    model: str | None = None
    uses_classifier: bool = True

    def __call__(self, case: Case) -> Judgement:
        """The verdict on an answer."""
        checks = {name: check for name, check in CHECKS.items() if name not in self.off}
        if self.uses_classifier:
            return judge(case, model=_model(self.model, self.quarantine, self.reject), checks=checks)
        found = sorted(signals(case, checks), key=lambda s: (-s.strength, s.start, s.check))
        clauses = [0.0] * len(case.answer.clauses)
        for signal in found:
            number = case.answer.clause_at(signal.start).number
            clauses[number] = max(clauses[number], signal.strength)
        strongest = max(clauses, default=0.0)
        verdict = _moved(BY_SIGNALS, self.quarantine, self.reject).verdict(strongest)
        return Judgement(verdict, strongest, tuple(found), clauses.index(strongest), tuple(clauses))


@functools.lru_cache(maxsize=4)
def _model(path: str | None, quarantine: float | None, reject: float | None) -> Model:
    model = default_model() if path is None else classifier.load(Path(path))
    return dataclasses.replace(model, thresholds=_moved(model.thresholds, quarantine, reject))


def _moved(thresholds: Thresholds, quarantine: float | None, reject: float | None) -> Thresholds:
    """The thresholds with those given in their place; the lower one never above the other."""
    upper = thresholds.reject if reject is None else reject
    lower = thresholds.quarantine if quarantine is None else quarantine
    return Thresholds(min(lower, upper), upper)
