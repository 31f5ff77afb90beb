"""What a run over a file came to: counts, and the worst examples."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final

from pipelines.check.verdict import VERDICTS

N_WORST: Final = 10
N_REFUSED_SHOWN: Final = 20


@dataclass
class Tally:
    """Counts of some records; tallies of chunks add up, in the order of the file.

    Attributes:
        verdicts: Verdict → records.
        kinds: (verdict, kind of the deciding finding) → records.
        checks: (verdict, its check) → records.
        refused: Reason → lines.
        first_refused: The first lines that are no records.
        worst: Output lines of the records most likely wrong.
    """

    verdicts: Counter[str] = field(default_factory=Counter)
    kinds: Counter[tuple[str, str]] = field(default_factory=Counter)
    checks: Counter[tuple[str, str]] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    first_refused: list[dict[str, Any]] = field(default_factory=list)
    worst: list[dict[str, Any]] = field(default_factory=list)

    @property
    def n_records(self) -> int:
        """Lines looked at, refused ones too."""
        return self.verdicts.total() + self.refused.total()

    def add(self, line: dict[str, Any]) -> None:
        """A record judged."""
        verdict = line["verdict"]
        self.verdicts[verdict] += 1
        if verdict == "keep":
            return
        first = line["findings"][0]
        self.kinds[verdict, first["kind"]] += 1
        self.checks[verdict, first["check"]] += 1
        self._keep_worst([line])

    def refuse(self, line: dict[str, Any]) -> None:
        """A line that is no record."""
        self.refused[line["reason"]] += 1
        self.first_refused = [*self.first_refused, line][:N_REFUSED_SHOWN]

    def merge(self, other: Tally) -> None:
        """What comes after this in the file."""
        self.verdicts += other.verdicts
        self.kinds += other.kinds
        self.checks += other.checks
        self.refused += other.refused
        self.first_refused = [*self.first_refused, *other.first_refused][:N_REFUSED_SHOWN]
        self._keep_worst(other.worst)

    def forget_verdicts(self) -> None:
        """Only what was refused still counts."""
        self.verdicts.clear()
        self.kinds.clear()
        self.checks.clear()
        self.worst = []

    def _keep_worst(self, more: list[dict[str, Any]]) -> None:
        ranked = sorted([*self.worst, *more], key=lambda x: (-VERDICTS.index(x["verdict"]), -x["probability"]))
        self.worst = ranked[:N_WORST]

    def data(self) -> dict[str, Any]:
        """For programs."""
        return {
            "records": self.n_records,
            "verdicts": {v: self.verdicts[v] for v in VERDICTS},
            "by_kind": _nested(self.kinds),
            "by_check": _nested(self.checks),
            "refused": {"n": self.refused.total(), "reasons": dict(sorted(self.refused.items())),
                        "first": self.first_refused},
            "worst": self.worst,
        }  # fmt: skip


def _nested(counts: Counter[tuple[str, str]]) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for (verdict, name), n in sorted(counts.items(), key=lambda item: (item[0][0], -item[1], item[0][1])):
        found.setdefault(verdict, {})[name] = n
    return found
