"""How answers are judged: which checks, which model, from which probabilities on. Travels to workers.

A graph and an NLI model add findings of their own and move a verdict by one step at most: what they object to is held
back, and what the NLI model is sure of is not.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pipelines.check import classifier
from pipelines.check.classifier import Model
from pipelines.check.exemptions import OwnWording, is_of_order, rests_on_triples
from pipelines.check.graph import MOVES, graph_signals, read_graph
from pipelines.check.judge import CHECKS, default_model, judge, signals
from pipelines.check.lexicon import use_once
from pipelines.check.nli import CONTRADICTS, ENTAILS, nli_signals
from pipelines.check.signals import Case, Check, Signal
from pipelines.check.verdict import Judgement, Thresholds, Verdict

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
        nli_model: Folder of a model of natural language inference; None: none.
        graph: Parquet files of triples; empty: no graph.
        lexicon: The user's list of names; None: none. It counts in this process from the first case on.
        own_wording: The answers are our teacher's, whose own words need no evidence.
    """

    off: tuple[str, ...] = ()
    quarantine: float | None = None
    reject: float | None = None
    model: str | None = None
    uses_classifier: bool = True
    nli_model: str | None = None
    graph: tuple[str, ...] = ()
    lexicon: str | None = None
    own_wording: bool = False

    def __call__(self, case: Case) -> Judgement:
        """The verdict on an answer."""
        use_once(self.lexicon)
        found = self._judged(case)
        if self.graph:
            found = moved(found, case, graph_signals(case, read_graph(self.graph)))
        if self.nli_model:
            found = moved(found, case, nli_signals(case, self.nli_model))
        return found

    def _judged(self, case: Case) -> Judgement:
        checks = self._checks(case)
        if self.uses_classifier:
            return judge(case, model=_model(self.model, self.quarantine, self.reject), checks=checks)
        found = sorted(signals(case, checks), key=lambda s: (-s.strength, s.start, s.check))
        clauses = [0.0] * len(case.answer.clauses)
        for signal in found:
            number = case.answer.clause_at(signal.start).number
            clauses[number] = max(clauses[number], signal.strength)
        strongest = max(clauses, default=0.0)
        verdict = _thresholds(BY_SIGNALS, self.quarantine, self.reject).verdict(strongest)
        return Judgement(verdict, strongest, tuple(found), clauses.index(strongest), tuple(clauses))

    def _checks(self, case: Case) -> dict[str, Check]:
        """Those that are on, less what is no objection to this case."""
        checks = {name: check for name, check in CHECKS.items() if name not in self.off}
        exempt: list[Callable[[Signal], bool]] = []
        if self.own_wording:
            exempt.append(OwnWording(case).passes)
        if rests_on_triples(case):
            exempt.append(functools.partial(is_of_order, case))
        return {name: _less(check, exempt) for name, check in checks.items()} if exempt else checks


def _less(check: Check, exempt: Sequence[Callable[[Signal], bool]]) -> Check:
    return lambda case: [signal for signal in check(case) if not any(passes(signal) for passes in exempt)]


def moved(found: Judgement, case: Case, more: list[Signal]) -> Judgement:
    """The judgement with findings of a graph or an NLI model, and its verdict where they move it.

    What is kept is held back for a clause that they object to; what is held back is kept where its worst clause is
    entailed and no other is contradicted. The probability stays the classifier's.
    """
    against = [s for s in more if s.check in MOVES or s.check == CONTRADICTS]
    if against and found.verdict == "keep":
        first = max(against, key=lambda s: (s.strength, -s.start))
        others = [s for s in more if s is not first]
        number = case.answer.clause_at(first.start).number
        return found._replace(verdict="quarantine", worst=number, findings=(first, *others, *found.findings))
    entailed = {case.answer.clause_at(s.start).number for s in more if s.check == ENTAILS}
    verdict: Verdict = found.verdict
    if found.verdict == "quarantine" and not against and found.worst in entailed:
        verdict = "keep"
    told = [s for s in more if s.check != ENTAILS or case.answer.clause_at(s.start).number == found.worst]
    return found._replace(verdict=verdict, findings=(*found.findings, *told))


@functools.lru_cache(maxsize=4)
def _model(path: str | None, quarantine: float | None, reject: float | None) -> Model:
    model = default_model() if path is None else classifier.load(Path(path))
    return dataclasses.replace(model, thresholds=_thresholds(model.thresholds, quarantine, reject))


def _thresholds(thresholds: Thresholds, quarantine: float | None, reject: float | None) -> Thresholds:
    """The thresholds with those given in their place; the lower one never above the other."""
    upper = thresholds.reject if reject is None else reject
    lower = thresholds.quarantine if quarantine is None else quarantine
    return Thresholds(min(lower, upper), upper)
