"""Where a near-verbatim clause departs from what it was taken from, token by token.

Says nothing of clauses in other words: there every token differs. What can be left out without harm (grammar, marks of
writing) is no token, amounts and words of one meaning are one token, so that 0.25 g and 250 mg, 应当 and 要 agree.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from itertools import islice
from typing import Final, NamedTuple

from rapidfuzz.distance import Levenshtein, Opcode

from pipelines.check.marks import Mark
from pipelines.check.quantities import Quantity
from pipelines.check.reading import Clause
from pipelines.check.signals import Case, Signal
from pipelines.check.tokens import Token, tokens

MIN_AGREEMENT: Final = 0.45
"""Share of a clause's tokens that its window must have for a difference to mean anything."""
N_WINDOWS: Final = 3
AROUND: Final = 2
MAX_WINDOW: Final = 240
_MENTION_KINDS: Final = {
    "drug": "entity", "disease": "entity", "symptom": "entity", "test": "entity", "vaccine": "entity", "food": "entity",
    "organ": "entity", "route": "route", "population": "population", "actor": "actor",
    "authority": "fabricated_authority", "place": "entity",
}  # fmt: skip
_MARK_KINDS: Final = {
    "negation": "polarity", "permission": "polarity", "modality": "modality", "universal": "overgeneralisation",
    "only": "overgeneralisation", "cause": "relation", "reassurance": "overgeneralisation", "urgency": "modality",
}  # fmt: skip


class _Window(NamedTuple):
    source: int
    theirs: tuple[Token, ...]
    codes: list[Opcode]
    agreement: float


def differences(case: Case) -> list[Signal]:
    """Every departure of a near-verbatim clause; how sure grows with how much else agrees."""
    mine = tokens(case.answer)
    theirs = [tokens(reading) for reading in case.evidence]
    everywhere = {t.key for part in theirs for t in part}
    asked = {t.key for reading in (case.question, *case.heard) for t in tokens(reading)}
    found: list[Signal] = []
    for clause in case.answer.clauses:
        said = tuple(t for t in mine if clause.start <= t.start < clause.end)
        window = _best_window(case, clause, said, theirs)
        if window:
            found += _Departures(case, clause, said, window, everywhere, asked).signals()
    return found


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
        codes = _codes(said, window)
        agreed = sum(c.src_end - c.src_start for c in codes if c.tag == "equal") / len(said)
        if agreed >= MIN_AGREEMENT and (best is None or agreed > best.agreement):
            best = _Window(match.source, window, codes, agreed)
    return best


def _codes(said: Sequence[Token], window: Sequence[Token]) -> list[Opcode]:
    """What to do to `said` to have the window, without what the window has before and after it."""
    codes = list(Levenshtein.opcodes([t.key for t in said], [t.key for t in window]))
    while codes and codes[0].tag == "insert":
        del codes[0]
    while codes and codes[-1].tag == "insert":
        del codes[-1]
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
        for code in self.window.codes:
            mine = list(self.said[code.src_start : code.src_end])
            theirs = list(self.window.theirs[code.dest_start : code.dest_end])
            if code.tag != "equal":
                found += self._of(mine, theirs, code.src_start)
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
        found += [self._dropped(token, beside) for token in theirs if token.type != "character"]
        return found + self._characters(mine, theirs, beside)

    def _replaced(self, token: Token, other: Token) -> list[Signal]:
        a, b = token.item, other.item
        if isinstance(a, Quantity) and isinstance(b, Quantity):
            rule, kind = _quantity_rule(a, b)
            return [self._signal(rule, kind, token, other, 1.0, "数值不同")]
        if isinstance(a, Mark) and isinstance(b, Mark):
            if _agree(a, b):
                return []
            kind = _MARK_KINDS.get(a.type, "polarity")
            return [self._signal(f"mark_{a.type}", kind, token, other, _distance(a, b), "说法不同")]
        kind = _MENTION_KINDS.get(token.type, "entity")
        weight = 0.4 if token.key in self.asked else 1.0
        return [self._signal(token.type, kind, token, other, weight, "词语不同")]

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
            strength = min(1.0, 0.4 + 0.2 * len(new) + 0.05 * len(ours))
            found.append(self._signal("words", "entity", span, there, strength, "用词不同"))
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
        sure = strength * (agreement - 0.3) / 0.7
        return Signal(f"difference.{rule}", kind, token.start, token.end, at, start, end, sure, says)


def _quantity_rule(a: Quantity, b: Quantity) -> tuple[str, str]:
    """Which part of two amounts differs, and the kind of error that makes."""
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
