"""Signals and coverage of each clause of an answer, as numbers."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import numpy as np

from pipelines.check.reading import Reading
from pipelines.check.signals import Case, Signal

CONTEXT: Final = (
    "near", "near_clause", "uncovered", "uncovered_known", "uncovered_run", "rare_uncovered", "best", "best_margin",
    "short", "quantities", "negation_gap", "n_clauses", "first", "last", "latin_uncovered", "digits_uncovered",
)  # fmt: skip
"""Features that every clause has, whatever the checks said; all from 0 to 1."""

_NEGATION: Final = re.compile("不|无|没|非|未|勿|禁|别|免|停")
_RUN: Final = 4  # characters in a row that an answer has in common with its evidence only by taking them over
_WORDS: Final = ("difference.", "stitched.")
_MANNERS: Final = ("_loose", "_moved", "_known")
_VAGUE: Final = ("difference.dropped", "difference.word", "difference.added_words")
MAX_COMPARED: Final = 50
_LIGHT: Final = frozenset("的了吗呢吧啊呀就都也还要可以是在有和与及或把被给让用来去到得地着过这那它他她您你我们个")


def clause_features(case: Case, signals: Sequence[Signal]) -> list[dict[str, float]]:
    """For each clause of the answer its features by name; a signal's strength under its name, the most where several.

    Signals also count under `kind:<kind>`, and all of a clause's under `n_signals`. A signal that spans several clauses
    is of the one where it starts.
    """
    rows = [dict(zip(CONTEXT, row, strict=True)) for row in _context(case).tolist()]
    found: list[dict[str, float]] = [{} for _ in rows]
    for signal in signals:
        at = case.answer.clause_at(signal.start).number
        for name in (signal.check, *_families(signal.check, signal.kind)):
            found[at][name] = max(found[at].get(name, 0.0), signal.strength)
    for at, strength in _confirmed(case, signals):
        found[at]["confirmed"] = max(found[at].get("confirmed", 0.0), strength)
    for row, mine in zip(rows, found, strict=True):
        row.update(mine)
        row["n_signals"] = min(1.0, sum(name.startswith("kind:") for name in mine) / 4)
    return rows


def _confirmed(case: Case, signals: Sequence[Signal]) -> list[tuple[int, float]]:
    """Clause and strength wherever a check objects to what also differs from the evidence token by token."""
    by_clause: dict[int, list[Signal]] = {}
    for signal in signals:
        if not signal.check.startswith(_WORDS):
            by_clause.setdefault(case.answer.clause_at(signal.start).number, []).append(signal)
    found = []
    for a in signals:
        if a.check.startswith(_WORDS) and not a.check.startswith(_VAGUE):
            at = case.answer.clause_at(a.start).number
            strengths = [min(a.strength, b.strength) for b in by_clause.get(at, [])[:MAX_COMPARED] if _overlap(a, b)]
            if strengths:
                found.append((at, max(strengths)))
    return found


def _overlap(a: Signal, b: Signal) -> bool:
    return a.start < b.end and b.start < a.end


def _families(check: str, kind: str) -> tuple[str, ...]:
    """Groups of signals that are alike, so that a rare one counts as much as its like."""
    family, _, rule = check.partition(".")
    if family == "stitched":
        return () if rule.endswith("_loose") else ("any:stitched",)
    if family != "difference":
        return (f"kind:{kind}", f"any:{family}", "any:check")
    manner = next((m for m in _MANNERS if rule.endswith(m)), "")
    if manner or rule.startswith(("dropped", "jump")):
        return ()
    return (f"kind:{kind}", "any:added" if rule.startswith("added") else "any:replaced")


def _context(case: Case) -> np.ndarray:
    """[n_clauses, len(CONTEXT)]"""
    answer, folded = case.answer, case.answer.folded
    near = copied(answer, case.evidence)
    evidence_pairs = _pairs(case.evidence)
    known_pairs = evidence_pairs | _pairs((case.question, *case.heard))
    known_chars = {c for reading in case.known for c in reading.folded}
    n = len(answer.clauses)
    rows = np.zeros((n, len(CONTEXT)))
    whole = _share(near, 0, len(folded), folded)
    amounts = [q.start for q in answer.quantities]
    for i, (clause, matches) in enumerate(zip(answer.clauses, case.alignment, strict=True)):
        text = clause.text
        kept = [c for c in text if c.isalnum()]
        pairs = ["".join(p) for p in pairwise(kept)] or kept
        bare = [p for p in pairs if p not in evidence_pairs]
        strange = [p for p in pairs if p not in known_pairs]
        alien = [c for c in kept if c not in known_chars and c not in _LIGHT]
        best = matches[0].score if matches else 0.0
        gap = 0
        if matches:
            theirs = case.evidence[matches[0].source].clauses[matches[0].clause].text
            gap = len(_NEGATION.findall(text)) - len(_NEGATION.findall(theirs))
        size = max(1, len(pairs))
        rows[i] = (
            whole,
            _share(near, clause.start, clause.end, folded),
            len(bare) / size,
            len(strange) / size,
            min(1.0, _longest_run(kept, known_pairs) / 12),
            len(alien) / max(1, len(kept)),
            best,
            best - (matches[1].score if len(matches) > 1 else 0.0),
            1 / (1 + len(kept) / 6),
            min(1.0, (bisect_left(amounts, clause.end) - bisect_left(amounts, clause.start)) / 3),
            min(1.0, abs(gap) / 2),
            min(1.0, n / 10),
            float(i == 0),
            float(i == n - 1),
            float(any(c.isascii() and c.isalpha() for c in alien)),
            float(any(c.isdigit() for c in alien)),
        )
    return rows


def copied(answer: Reading, evidence: tuple[Reading, ...]) -> np.ndarray:
    """[n_chars] True where a character of the answer is in a run that the evidence has too, at least `_RUN` long."""
    text = answer.folded
    marked = np.zeros(len(text), dtype=bool)
    grams = {r.folded[i : i + _RUN] for r in evidence for i in range(len(r.folded) - _RUN + 1)}
    for i in range(len(text) - _RUN + 1):
        if text[i : i + _RUN] in grams:
            marked[i : i + _RUN] = True
    return marked


def _share(marked: np.ndarray, start: int, end: int, text: str) -> float:
    kept = [i for i in range(start, end) if text[i].isalnum()]
    return float(marked[kept].mean()) if kept else 0.0


def _pairs(readings: Sequence[Reading]) -> set[str]:
    found: set[str] = set()
    for reading in readings:
        kept = [c for c in reading.folded if c.isalnum()]
        found.update("".join(p) for p in pairwise(kept))
        found.update(kept)
    return found


def _longest_run(kept: Sequence[str], known: set[str]) -> int:
    longest = run = 0
    for pair in pairwise(kept):
        run = 0 if "".join(pair) in known else run + 1
        longest = max(longest, run)
    return longest
