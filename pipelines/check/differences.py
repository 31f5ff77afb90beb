"""Where an answer departs from the words of its evidence, token by token.

Says little of answers in other words: there every token differs, and the classifier is told so. What can be left out
without harm (grammar, marks of writing) is no token, amounts and words of one meaning are one token, so that 0.25 g and
250 mg, 应当 and 要 agree.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Final, NamedTuple

from pipelines.check.marks import Mark
from pipelines.check.paths import STRICT, Edit, Path, Place, edits, path
from pipelines.check.quantities import Quantity
from pipelines.check.signals import Case, Signal
from pipelines.check.tokens import Token

MIN_AGREEMENT: Final = 0.25
"""Share of a clause's tokens that agree, below which the answer is in other words there."""
MIN_ALIKE: Final = 0.5
"""Share of an answer's tokens that agree, with which every departure counts."""
MIN_RUN: Final = 2
"""Tokens that agree beside a departure, with which it counts in such a clause too."""
MAX_STITCHED: Final = 4
"""Tokens that an answer may have in the place of others when it is held to one place of its evidence."""
FAR: Final = 8
"""As many tokens or characters count in full."""
_MENTION_KINDS: Final = {
    "drug": "entity", "disease": "entity", "symptom": "entity", "test": "entity", "vaccine": "entity", "food": "entity",
    "organ": "entity", "route": "route", "population": "population", "actor": "actor",
    "authority": "fabricated_authority", "place": "entity",
}  # fmt: skip
_MARK_KINDS: Final = {
    "negation": "polarity", "permission": "polarity", "modality": "modality", "universal": "overgeneralisation",
    "only": "overgeneralisation", "cause": "relation", "reassurance": "overgeneralisation", "urgency": "modality",
    "order": "comparator", "hedge": "overgeneralisation",
}  # fmt: skip


_TIMES: Final = frozenset(("minute", "month"))
_RHYTHMS: Final = frozenset(("frequency", "interval", "duration"))
_Traits = tuple[tuple[str, float], ...]


def differences(case: Case) -> list[Signal]:
    """Every departure from the evidence's words; how sure grows with how much around it agrees.

    Where the answer goes on elsewhere in the middle of a sentence, it is laid along its evidence a second time without
    doing so: a value of another row, another actor's duty then stand beside those that belong here (`stitched`).
    """
    way = path(case)
    everywhere = "\n".join(r.folded for r in case.evidence)
    keys = frozenset(place.token.key for place in way.theirs if place.token.type != "character")
    reader = _Reader(case, way, _agreement(case, way), everywhere, keys, _asked(case), _is_near(way))
    places = edits(way)
    found = [signal for edit in places for signal in reader.signals(edit)]
    if any(edit.jumps for edit in places):
        found += _stitched(case, reader, found)
    return found


def _stitched(case: Case, free: _Reader, found: Sequence[Signal]) -> list[Signal]:
    way = path(case, STRICT)
    reader = free._replace(way=way, agreement=_agreement(case, way), alike=_is_near(way))
    seen = {(s.start, s.end, s.evidence_start) for s in found}
    return [
        signal._replace(check=signal.check.replace("difference.", "stitched."))
        for edit in edits(way)
        if not edit.jumps and min(edit.left, edit.right) >= MIN_RUN and edit.last - edit.first <= MAX_STITCHED
        for signal in reader.signals(edit)
        if (signal.start, signal.end, signal.evidence_start) not in seen
        and not signal.check.startswith(("difference.dropped", "difference.jump"))
    ]


def _asked(case: Case) -> str:
    return "\n".join(r.folded for r in (case.question, *case.heard))


def _agreement(case: Case, way: Path) -> list[float]:
    """[n_clauses] Share of the tokens of each clause that agree."""
    same, all_of = [0] * len(case.answer.clauses), [0] * len(case.answer.clauses)
    for token, agrees in zip(way.mine, way.same, strict=True):
        number = case.answer.clause_at(token.start).number
        all_of[number] += 1
        same[number] += agrees
    return [s / n if n else 0.0 for s, n in zip(same, all_of, strict=True)]


def _is_near(way: Path) -> bool:
    return sum(way.same) >= MIN_ALIKE * len(way.same)


class _Reader(NamedTuple):
    case: Case
    way: Path
    agreement: list[float]
    everywhere: str
    keys: frozenset[Hashable]
    asked: str
    alike: bool

    def signals(self, edit: Edit) -> list[Signal]:
        """What a departure amounts to: pairs of one type first, then what is left on either side."""
        mine = list(self.way.mine[edit.first : edit.last])
        theirs = [self.way.theirs[j] for j in sorted({*edit.dropped, *(j for j in edit.beside if j >= 0)})]
        at = self._neighbour(edit)
        if at is None or not self._is_held(edit, mine, at):
            return []
        common = self._traits(edit, mine, theirs)
        found = [self._jump(edit, at, common)] if edit.jumps else []
        for token in list(mine):
            other = _counterpart(token, theirs)
            if other:
                mine.remove(token)
                theirs.remove(other)
                found += self._replaced(token, other, common)
        found += [self._added(token, common) for token in mine if token.type != "character"]
        found += [self._dropped(place, at, common) for place in theirs if place.token.type != "character"]
        return found + self._characters(mine, theirs, at, common)

    def _neighbour(self, edit: Edit) -> Token | None:
        tokens = self.way.mine
        return tokens[max(0, min(edit.first, len(tokens)) - 1)] if tokens else None

    def _is_held(self, edit: Edit, mine: Sequence[Token], at: Token) -> bool:
        """Whether enough agrees here or in the whole answer for a departure to mean anything."""
        return self.alike or edit.left + edit.right >= MIN_RUN or self._share(mine, at) >= MIN_AGREEMENT

    def _share(self, mine: Sequence[Token], at: Token) -> float:
        return self.agreement[self.case.answer.clause_at((mine[0] if mine else at).start).number]

    def _traits(self, edit: Edit, mine: Sequence[Token], theirs: Sequence[Place]) -> _Traits:
        answer = self.case.answer
        at = mine[0] if mine else self.way.mine[max(0, edit.first - 1)]
        clause = answer.clause_at(at.start)
        starts = bool(mine) and mine[0].start - clause.start <= 2
        ends = bool(mine) and clause.end - mine[-1].end <= 2
        begins_theirs = ends_theirs = False
        if theirs:
            reading = self.case.evidence[theirs[0].source]
            begins_theirs = theirs[0].token.start - reading.clause_at(theirs[0].token.start).start <= 2
            ends_theirs = reading.clause_at(theirs[-1].token.start).end - theirs[-1].token.end <= 2
        return (
            ("left", min(edit.left, FAR) / FAR), ("right", min(edit.right, FAR) / FAR),
            ("both", min(edit.left, edit.right, 4) / 4), ("jumps", float(edit.jumps)),
            ("n_mine", min(len(mine), FAR) / FAR), ("n_theirs", min(len(theirs), FAR) / FAR),
            ("starts", float(starts)), ("ends", float(ends)),
            ("begins_theirs", float(begins_theirs)), ("ends_theirs", float(ends_theirs)),
            ("whole_theirs", float(begins_theirs and ends_theirs)),
            ("agreement", self.agreement[clause.number]),
        )  # fmt: skip

    def _replaced(self, token: Token, place: Place, common: _Traits) -> list[Signal]:
        a, b = token.item, place.token.item
        if isinstance(a, Quantity) and isinstance(b, Quantity):
            rule, kind = _quantity_rule(a, b)
            if rule == "comparator" and self.case.answer.folded[token.end : token.end + 1] == "(":
                return []  # 24小时(一天)内: the bound is said behind the brackets
            return [self._signal(rule, kind, token, place, 1.0, "数值不同", common)]
        if isinstance(a, Mark) and isinstance(b, Mark):
            if _agree(a, b):
                return []
            kind = _MARK_KINDS.get(a.type, "polarity")
            return [self._signal(f"mark_{a.type}", kind, token, place, _distance(a, b), "说法不同", common)]
        kind = _MENTION_KINDS.get(token.type, "entity")
        here, there = self._text(token), self._text(place)
        if here in there or there in here:
            return [self._signal("narrowed", kind, token, place, 0.6, "词语宽窄不同", common)]
        return [self._signal(token.type, kind, token, place, 1.0, "词语不同", common)]

    def _added(self, token: Token, common: _Traits) -> Signal:
        if isinstance(token.item, Mark):
            kind = _MARK_KINDS.get(token.type, "polarity")
            return self._signal(f"added_{token.type}{_side(token.item)}", kind, token, None, 1.0, "依据中没有", common)
        kind = "quantity" if token.type == "quantity" else _MENTION_KINDS.get(token.type, "unsupported")
        return self._signal(f"added_{token.type}", kind, token, None, 1.0, "依据中没有", common)

    def _dropped(self, place: Place, at: Token, common: _Traits) -> Signal:
        if isinstance(place.token.item, Mark):
            kind = _MARK_KINDS.get(place.token.type, "polarity")
            rule = f"dropped_{place.token.type}{_side(place.token.item)}"
            return self._signal(rule, kind, at, place, 1.0, "漏掉了", common)
        family = place.token.type if place.token.type in ("quantity", "latin", "population") else "mention"
        return self._signal(f"dropped_{family}", "pairing", at, place, 1.0, "漏掉了", common)

    def _jump(self, edit: Edit, at: Token, common: _Traits) -> Signal:
        """That the answer goes on with what stands elsewhere in its evidence: a value of another, or a shorter way."""
        before, after = self.way.mine[edit.first - 1], self.way.mine[edit.last]
        clause = self.case.answer.clause_at(after.start)
        within = clause.number == self.case.answer.clause_at(before.end - 1).number
        here, there = self.way.theirs[self.way.beside[edit.first - 1]], self.way.theirs[self.way.beside[edit.last]]
        back = (there.source, there.token.start) < (here.source, here.token.start)
        listed = self.case.answer.folded[before.end : after.start].strip()[:1] in ("、", "(", ")", "/")
        rule = "jump_listed" if listed else "jump" if within else "jump_between"
        if type(after.item) is Quantity and not listed:
            rule += "_amount"
        return self._signal(
            f"{rule}_back" if back else rule, "pairing", after, there, 1.0, "转到了依据的另一处", common, plain=True
        )

    def _characters(self, mine: list[Token], theirs: list[Place], at: Token, common: _Traits) -> list[Signal]:
        ours = [t for t in mine if t.type == "character"]
        other = [p for p in theirs if p.token.type == "character"]
        span = Token("character", "", ours[0].start, ours[-1].end) if ours else at
        there = (
            Place(other[0].source, Token("character", "", other[0].token.start, other[-1].token.end)) if other else None
        )
        if ours and there:
            rule = "words" if min(len(ours), len(other)) > 1 else "word"
            return [self._signal(rule, "entity", span, there, min(1.0, 0.3 + 0.1 * len(ours)), "用词不同", common)]
        if ours:
            strength = min(1.0, 0.15 * len(ours))
            return [self._signal("added_words", "unsupported", span, None, strength, "依据中没有", common)]
        if there:
            strength = min(1.0, 0.1 * len(other))
            return [self._signal("dropped_words", "unsupported", span, there, strength, "省略了", common)]
        return []

    def _text(self, at: Token | Place) -> str:
        if isinstance(at, Place):
            return self.case.evidence[at.source].folded[at.token.start : at.token.end]
        return self.case.answer.folded[at.start : at.end]

    def _signal(
        self,
        rule: str,
        kind: str,
        token: Token,
        place: Place | None,
        strength: float,
        says: str,
        common: _Traits,
        *,
        plain: bool = False,
    ) -> Signal:
        here, there = self._text(token), self._text(place) if place else ""
        raw = self.case.answer.raw[token.start : token.end]
        source, start, end = (place.source, place.token.start, place.token.end) if place else (-1, 0, 0)
        theirs = self.case.evidence[source].raw[start:end] if place else ""
        says = f"与原文逐字比对：“{raw}”处{says}" + (f"，原文为“{theirs}”。" if theirs else "。")
        own = (
            ("known", float(token.key in self.keys or here in self.everywhere)), ("asked", float(here in self.asked)),
            ("asked_theirs", float(bool(there) and there in self.asked)),
            ("theirs_said", float(bool(there) and there in self.case.answer.folded)),
            ("new", sum(c not in self.everywhere for c in here) / max(1, len(here))),
            ("alike", len(set(here) & set(there)) / max(1, min(len(set(here)), len(set(there)))) if there else 0.0),
            ("size", min(len(here), FAR) / FAR), ("size_theirs", min(len(there), FAR) / FAR),
        )  # fmt: skip
        rule = (
            rule
            if plain
            else f"{rule}{_manner(dict(common), dict(own), is_added=not place, is_dropped=rule.startswith('dropped'))}"
        )
        return Signal(
            f"difference.{rule}", kind, token.start, token.end, source, start, end, strength, says, (*common, *own)
        )


def _manner(common: dict[str, float], own: dict[str, float], *, is_added: bool, is_dropped: bool) -> str:
    """How plain a departure is: nothing, where what stands around it agrees; `_moved` and `_loose` elsewhere."""
    held = (common["left"] >= 2 / FAR or common["starts"]) and (common["right"] >= 2 / FAR or common["ends"])
    small = common["n_mine"] <= 3 / FAR and common["n_theirs"] <= 3 / FAR
    if own["known"] if is_added else is_dropped and own["theirs_said"]:
        return "_moved"
    if not (held and small) or common["jumps"]:
        return "_loose"
    return "_known" if own["known"] and not is_dropped else ""


def _counterpart(token: Token, theirs: Sequence[Place]) -> Place | None:
    if isinstance(token.item, Mark):
        return next((p for p in theirs if isinstance(p.token.item, Mark)), None)
    if token.type == "character":
        return None
    return next((p for p in theirs if p.token.type == token.type), None)


def _quantity_rule(a: Quantity, b: Quantity) -> tuple[str, str]:
    """Which part of two amounts differs, and the kind of error that makes."""
    if a.role in _RHYTHMS and b.role in _RHYTHMS and (a.unit != b.unit or a.per != b.per):
        return "frequency", "frequency"
    if {a.unit, b.unit} <= _TIMES and a.unit != b.unit:
        return "frequency", "frequency"
    if a.unit != b.unit or a.per != b.per:
        return ("unit", "unit") if a.written == b.written else ("amount", "unit")
    ends = {x for x in (a.low, a.high) if x is not None}
    if ends == {x for x in (b.low, b.high) if x is not None}:
        return "comparator", "comparator"
    if a.role in _RHYTHMS:
        return "frequency", "frequency"
    return ("age", "population") if a.role in ("age", "weight") else ("quantity", "quantity")


def _places(mark: Mark) -> tuple[int, int] | None:
    low, _, high = mark.value.partition("..")
    try:
        return int(low), int(high or low)
    except ValueError:
        return None


def _side(mark: Mark) -> str:
    """Whether a word of permission or duty says no or must; in between it is often a matter of style."""
    places = _places(mark) if mark.type in ("modality", "permission") else None
    if places is None:
        return ""
    return "_no" if places[1] <= 0 else "_must" if places[0] >= 4 else ""


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
