"""Where a near-verbatim clause departs from what it was taken from, token by token.

Says nothing of clauses in other words: there every token differs. What can be left out without harm (grammar, marks of
writing) is no token, amounts and words of one meaning are one token, so that 0.25 g and 250 mg, 应当 and 要 agree.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from itertools import islice
from typing import Final, NamedTuple

import numpy as np

from pipelines.check.marks import Mark
from pipelines.check.quantities import Quantity
from pipelines.check.reading import Clause
from pipelines.check.signals import Case, Signal
from pipelines.check.tokens import Token, tokens

MIN_AGREEMENT: Final = 0.45
"""Share of a clause's tokens that its window must have for a difference to mean anything."""
MIN_SCORE: Final = 0.3
"""Of the best clause of the evidence; below that the answer is in other words."""
N_WINDOWS: Final = 3
SHORT_CHARS: Final = 12
AROUND: Final = 2
MAX_DROPPED: Final = 6
"""Tokens in a row that only the evidence has, for one of them to mean anything: who leaves out more shortens."""
MAX_WINDOW: Final = 240
_OPEN, _STRETCH, _ALONE = 0.5, 0.04, 0.5
_MENTION_KINDS: Final = {
    "drug": "entity", "disease": "entity", "symptom": "entity", "test": "entity", "vaccine": "entity", "food": "entity",
    "organ": "entity", "route": "route", "population": "population", "actor": "actor",
    "authority": "fabricated_authority", "place": "entity",
}  # fmt: skip
_MARK_KINDS: Final = {
    "negation": "polarity", "permission": "polarity", "modality": "modality", "universal": "overgeneralisation",
    "only": "overgeneralisation", "cause": "relation", "reassurance": "overgeneralisation", "urgency": "modality",
}  # fmt: skip


_TIMES: Final = frozenset(("minute", "month"))


class _Code(NamedTuple):
    """A stretch of tokens of both sides, by number."""

    same: bool
    mine: list[int]
    theirs: list[int]


class _Window(NamedTuple):
    source: int
    theirs: tuple[Token, ...]
    codes: list[_Code]
    agreement: float
    score: float


def differences(case: Case) -> list[Signal]:
    """Every departure of a near-verbatim clause; how sure grows with how much else agrees."""
    mine = tokens(case.answer)
    theirs = [tokens(reading) for reading in case.evidence]
    everywhere = {t.key for part in theirs for t in part}
    asked = {t.key for reading in (case.question, *case.heard) for t in tokens(reading)}
    found: list[Signal] = []
    for clause in case.answer.clauses:
        if not case.alignment[clause.number] or case.alignment[clause.number][0].score < MIN_SCORE:
            continue
        start, end = _stretch(case, clause)
        said = tuple(t for t in mine if start <= t.start < end)
        window = _best_window(case, clause, said, theirs)
        if window:
            departures = _Departures(case, clause, said, window, everywhere, asked).signals()
            found += [s for s in departures if clause.start <= s.start < clause.end]
    return found


def _stretch(case: Case, clause: Clause) -> tuple[int, int]:
    """What is aligned for a clause: itself, and with its neighbours in the sentence where it is short."""
    start, end = clause.start, clause.end
    if len(clause.text) >= SHORT_CHARS:
        return start, end
    clauses = case.answer.clauses
    if clause.number and clauses[clause.number - 1].sentence == clause.sentence:
        start = clauses[clause.number - 1].start
    if clause.number + 1 < len(clauses) and clauses[clause.number + 1].sentence == clause.sentence:
        end = clauses[clause.number + 1].end
    return start, end


def _best_window(
    case: Case, clause: Clause, said: Sequence[Token], theirs: Sequence[tuple[Token, ...]]
) -> _Window | None:
    best: _Window | None = None
    if len(said) < 2:
        return None
    for match in islice(case.alignment[clause.number], N_WINDOWS):
        clauses = case.evidence[match.source].clauses
        first = clauses[max(0, match.clause - AROUND)].start
        last = clauses[min(len(clauses) - 1, match.clause + AROUND)].end
        window = tuple(t for t in theirs[match.source] if first <= t.start < last)[:MAX_WINDOW]
        codes, score = _codes(said, window)
        agreed = sum(len(c.mine) for c in codes if c.same) / len(said)
        if agreed >= MIN_AGREEMENT and (best is None or score > best.score):
            best = _Window(match.source, window, codes, agreed, score)
            if all(c.same for c in codes):
                break
    return best


def _codes(said: Sequence[Token], window: Sequence[Token]) -> tuple[list[_Code], float]:
    """Stretches that differ and that agree, in order, and the score of the alignment.

    All of `said` beside any part of the window (Smith and Waterman's way, with affine gaps on the window's side): what
    agrees stays together, and what is replaced stands beside something of its type.
    Cost: O(len(said) · len(window)), by rows.
    """
    ids: dict[Hashable, int] = {}
    mine = np.array([ids.setdefault(t.key, len(ids)) for t in said])
    theirs = np.array([ids.setdefault(t.key, len(ids)) for t in window])
    kinds: dict[str, int] = {}
    my_kinds = np.array([kinds.setdefault(t.type, len(kinds)) for t in said])
    their_kinds = np.array([kinds.setdefault(t.type, len(kinds)) for t in window])
    worth = np.array([1.0 if t.type == "character" else 1.6 for t in said])
    equal = mine[:, None] == theirs[None, :]
    gain = np.where(equal, worth[:, None], np.where(my_kinds[:, None] == their_kinds[None, :], -0.3, -0.6))
    n, m = gain.shape
    slope = _STRETCH * np.arange(m + 1)
    best = np.zeros(m + 1)
    steps = np.zeros((n, m + 1), dtype=np.int8)  # 1: beside, 0: only in the answer
    jumps = np.zeros((n + 1, m + 1), dtype=np.int32)  # how many tokens of the window were left out just before
    for i in range(n):
        beside = np.full(m + 1, -np.inf)
        beside[1:] = best[:-1] + gain[i]
        alone = best - _ALONE
        steps[i] = beside >= alone
        row = np.maximum(beside, alone)
        lifted = row + slope
        top = np.maximum.accumulate(lifted)
        start = np.maximum.accumulate(np.where(lifted >= top, np.arange(m + 1), 0))
        after_gap = top - slope - _OPEN
        gapped = (after_gap > row) & (start < np.arange(m + 1))
        jumps[i + 1] = np.where(gapped, np.arange(m + 1) - start, 0)
        best = np.where(gapped, after_gap, row)
    return _traced(equal, steps, jumps, int(best.argmax())), float(best.max())


def _traced(equal: np.ndarray, steps: np.ndarray, jumps: np.ndarray, j: int) -> list[_Code]:
    """The way back through the table, as stretches."""
    i, pairs = len(steps), []
    while i:
        left_out = int(jumps[i, j])
        pairs += [(-1, j - 1 - k) for k in range(left_out)]
        j -= left_out
        if steps[i - 1, j]:
            pairs.append((i - 1, j - 1))
            j -= 1
        else:
            pairs.append((i - 1, -1))
        i -= 1
    codes: list[_Code] = []
    for a, b in reversed(pairs):
        same = a >= 0 and b >= 0 and bool(equal[a, b])
        if not codes or codes[-1].same != same:
            codes.append(_Code(same, [], []))
        if a >= 0:
            codes[-1].mine.append(a)
        if b >= 0:
            codes[-1].theirs.append(b)
    return codes


class _Departures(NamedTuple):
    case: Case
    clause: Clause
    said: tuple[Token, ...]
    window: _Window
    everywhere: set[Hashable]
    asked: set[Hashable]

    def signals(self) -> list[Signal]:
        found: list[Signal] = []
        place = 0
        for code in self.window.codes:
            if not code.same:
                found += self._of(
                    [self.said[i] for i in code.mine], [self.window.theirs[i] for i in code.theirs], place
                )
            place += len(code.mine)
        return found

    def _of(self, mine: list[Token], theirs: list[Token], place: int) -> list[Signal]:
        """Pairs what is of one type, then says what is left on either side."""
        found: list[Signal] = []
        for token in list(mine):
            other = next((t for t in theirs if t.type == token.type != "character"), None) or (
                next((t for t in theirs if isinstance(t.item, Mark)), None) if isinstance(token.item, Mark) else None
            )
            if other:
                mine.remove(token)
                theirs.remove(other)
                found += self._replaced(token, other)
        for token in mine:
            if token.type != "character":
                found.append(self._added(token))
        beside = self.said[max(0, place - 1)]
        if len(theirs) <= MAX_DROPPED:
            found += [self._dropped(token, beside) for token in theirs if token.type != "character"]
        return found + self._characters(mine, theirs, beside)

    def _replaced(self, token: Token, other: Token) -> list[Signal]:
        a, b = token.item, other.item
        if isinstance(a, Quantity) and isinstance(b, Quantity):
            rule, kind = _quantity_rule(a, b)
            if rule == "comparator" and self.case.answer.folded[token.end : token.end + 1] == "(":
                return []  # 24小时(一天)内: the bound is said behind the brackets
            if self._is_near(token):
                return [self._signal("moved", "pairing", token, other, 1.0, "数值与别处对调")]
            rule = f"{rule}_known" if token.key in self.everywhere else rule
            return [self._signal(rule, kind, token, other, 1.0, "数值不同")]
        if isinstance(a, Mark) and isinstance(b, Mark):
            if _agree(a, b):
                return []
            kind = _MARK_KINDS.get(a.type, "polarity")
            weight = _distance(a, b) * (0.4 if self._is_near(token) and a.type != b.type else 1.0)
            return [self._signal(f"mark_{a.type}", kind, token, other, weight, "说法不同")]
        kind = _MENTION_KINDS.get(token.type, "entity")
        here = self.case.answer.folded[token.start : token.end]
        there = self.case.evidence[self.window.source].folded[other.start : other.end]
        if here in there or there in here:
            return [self._signal("narrowed", kind, token, other, 0.6, "词语宽窄不同")]
        weight = 0.4 if token.key in self.asked else 1.0
        return [self._signal(token.type, kind, token, other, weight, "词语不同")]

    def _is_near(self, token: Token) -> bool:
        """Whether the evidence says it too, a little before or after."""
        return any(token.key == t.key for t in self.window.theirs)

    def _added(self, token: Token) -> Signal:
        elsewhere = 0.5 if token.key in self.everywhere else 1.0
        strength = 0.2 if token.key in self.asked else elsewhere
        if isinstance(token.item, Mark):
            kind = _MARK_KINDS.get(token.type, "polarity")
            return self._signal(f"added_{token.type}", kind, token, None, 1.0, "依据中没有")
        kind = "quantity" if token.type == "quantity" else _MENTION_KINDS.get(token.type, "unsupported")
        family = token.type if token.type in ("quantity", "latin") else "mention"
        return self._signal(f"added_{family}", kind, token, None, strength, "依据中没有")

    def _dropped(self, token: Token, beside: Token) -> Signal:
        if isinstance(token.item, Mark):
            kind = _MARK_KINDS.get(token.type, "polarity")
            return self._signal(f"dropped_{token.type}", kind, beside, token, 1.0, "漏掉了")
        family = token.type if token.type in ("quantity", "latin", "population") else "mention"
        said = 0.3 if token.key in self.asked else 1.0
        return self._signal(f"dropped_{family}", "pairing", beside, token, said, "漏掉了")

    def _characters(self, mine: list[Token], theirs: list[Token], beside: Token) -> list[Signal]:
        ours = [t for t in mine if t.type == "character"]
        other = [t for t in theirs if t.type == "character"]
        new = [t for t in ours if t.key not in self.everywhere]
        found = []
        if ours and other:
            span = Token("character", "", ours[0].start, ours[-1].end)
            there = Token("character", "", other[0].start, other[-1].end)
            rule = "words" if min(len(ours), len(other)) > 1 else "word"
            strength = min(1.0, 0.4 + 0.2 * len(new) + 0.1 * len(ours))
            found.append(self._signal(rule, "entity", span, there, strength, "用词不同"))
        elif ours:
            span = Token("character", "", ours[0].start, ours[-1].end)
            strength = min(1.0, 0.1 * len(ours) + 0.15 * len(new))
            found.append(self._signal("added_words", "unsupported", span, None, strength, "依据中没有"))
        elif other:
            there = Token("character", "", other[0].start, other[-1].end)
            found.append(
                self._signal("dropped_words", "unsupported", beside, there, min(1.0, 0.1 * len(other)), "省略了")
            )
        return found

    def _signal(self, rule: str, kind: str, token: Token, other: Token | None, strength: float, says: str) -> Signal:
        agreement = self.window.agreement
        at = self.window.source if other else -1
        there = self.case.evidence[at].raw[other.start : other.end] if other else ""
        here = self.case.answer.raw[token.start : token.end]
        says = f"与原文逐字比对：“{here}”处{says}" + (f"，原文为“{there}”。" if there else "。")
        start, end = (other.start, other.end) if other else (0, 0)
        sure = strength * (0.3 + 0.7 * agreement)
        return Signal(f"difference.{rule}", kind, token.start, token.end, at, start, end, sure, says)


def _quantity_rule(a: Quantity, b: Quantity) -> tuple[str, str]:
    """Which part of two amounts differs, and the kind of error that makes."""
    if {a.unit, b.unit} <= _TIMES and a.unit != b.unit:
        return "frequency", "frequency"
    if a.unit != b.unit or a.per != b.per:
        return "unit", "unit"
    ends = {x for x in (a.low, a.high) if x is not None}
    if ends == {x for x in (b.low, b.high) if x is not None}:
        return "comparator", "comparator"
    if a.role in ("frequency", "interval", "duration"):
        return "frequency", "frequency"
    return ("age", "population") if a.role in ("age", "weight") else ("quantity", "quantity")


def _places(mark: Mark) -> tuple[int, int] | None:
    low, _, high = mark.value.partition("..")
    try:
        return int(low), int(high or low)
    except ValueError:
        return None


def _distance(a: Mark, b: Mark) -> float:
    mine, theirs = _places(a), _places(b)
    if mine and theirs:
        return min(1.0, 0.4 + 0.2 * max(0, mine[0] - theirs[1], theirs[0] - mine[1]))
    return 1.0 if a.type == b.type else 0.7


def _agree(a: Mark, b: Mark) -> bool:
    mine, theirs = _places(a), _places(b)
    if mine and theirs:
        return mine[0] <= theirs[1] and theirs[0] <= mine[1]
    return (a.type, a.value) == (b.type, b.value)
