"""Is something denied that the evidence says, said that it denies, forbidden that it allows?"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from pipelines.check.alignment import Match
from pipelines.check.content import grams, overlap, runs, weights
from pipelines.check.edits import around, edits
from pipelines.check.marks import by_clause
from pipelines.check.pairs import Pair, Unit, is_copied, pairs
from pipelines.check.reading import Clause, Reading
from pipelines.check.signals import Case, Signal
from pipelines.check.stances import CONDITION, Stance, asked, stances
from pipelines.lexicons import rows

_STOPS: Final = re.compile("停|中止|终止|暂缓")
_IF: Final = re.compile("如果|若|要是|的话|假如|一旦|除非|只有")
_EXCEPTED: Final = ("除外", "例外", "不在此列", "不受此限")
_DENIES: Final = re.compile("不|没|无|非|除|例外|未|另当")
_NO_DEED: Final = re.compile(
    "^关于|^至于|除了|除非|不管|无论|不论|不|没|别|属于|低于|高于|报告|急诊|就医|确诊|改(?!善|变)|连续|消失|排出"
    "|会(?:加重|伤|让|引起|导致|造成|使|损|安静|入睡)"
)
"""What names, denies, warns or tells what follows, beside a ban: nothing forbidden is done."""
_HEAD_CHARS: Final = 4
_MAX_GAP: Final = 3


class Denial(NamedTuple):
    """What stands under a negation or a prohibition.

    Attributes:
        start, end: Its scope, in the text.
        at: Where its first word begins.
        head: Its first word, or the first characters of it.
        condition: It says who is spoken of (未控制者), nothing that is the case.
        forbidden: By a prohibition; its first word may be a thing that others speak of too.
    """

    start: int
    end: int
    at: int
    head: str
    condition: bool
    forbidden: bool


def polarity(case: Case) -> list[Signal]:
    """What is turned round: permission, negation, opposites."""
    return [*_flipped(case), *_negated(case), *_opposite(case), *_excepted(case), *_edited(case)]


def _edited(case: Case) -> Iterator[Signal]:
    """A clause taken over word for word, with a denial put in or taken out."""
    for edit in edits(case):
        if edit.turns:
            said, there = case.answer.raw[edit.start : edit.end], around(case.evidence[edit.source], edit)
            yield Signal(
                "polarity.edited", "polarity", edit.start, edit.end, edit.source, edit.there, edit.until,
                edit.alike, f"与原文只差“{said}”处的否定，原文为“{there}”",
            )  # fmt: skip


def _flipped(case: Case) -> Iterator[Signal]:
    """Allowed here and forbidden there, needless here and required there, or the other way round."""
    for pair in pairs(case):
        found = pair.against()
        if found is None or not turned(pair, found[1]):
            continue
        (sure, unit), mine = found, pair.mine
        theirs = unit.stance
        if _rule(pair, unit) == "forbidden_done" and _is_no_deed(case.answer.clauses[mine.clause], theirs):
            continue
        start, end = shown(mine)
        sure *= 0.5 if _has_exception(case.evidence[unit.source], theirs.clause) else 1.0
        said = f"依据对此为“{theirs.text}”，意思相反" if theirs.text else "依据没有这样限制，意思相反"
        yield Signal(
            f"polarity.{_rule(pair, unit)}", "polarity", start, end, unit.source, *shown(theirs), sure,
            f"答案为“{case.answer.raw[start:end]}”，{said}",
        )  # fmt: skip


def _is_no_deed(clause: Clause, theirs: Stance) -> bool:
    """Whether a plain clause does nothing that a ban could forbid; a heading bans too much to tell."""
    return "禁忌" in theirs.text or _NO_DEED.search(clause.text) is not None


def _has_exception(reading: Reading, number: int) -> bool:
    """Whether the rest of a clause's sentence excepts someone from it."""
    sentence = reading.clauses[number].sentence
    return any(c.sentence == sentence and c.text.endswith(_EXCEPTED) for c in reading.clauses[number : number + 4])


def _rule(pair: Pair, unit: Unit) -> str:
    """One name for each way of being opposed that is more or less often an error."""
    if pair.plain and unit.plain:
        return "denied_done" if unit.stance.low < 0 else "done_denied"
    if pair.plain:
        return "forbidden_done" if pair.mine.low > 0 else "required_denied"
    if unit.plain:
        return "done_forbidden" if unit.stance.low > 0 else "denied_required"
    if pair.short:
        return "short_answer"
    if 0 in (pair.mine.high, unit.stance.high):
        return "needless"
    return "inherited" if pair.mine.inherited or unit.stance.inherited else "permission"


def turned(pair: Pair, unit: Unit) -> bool:
    """Whether one side says, allows or demands what the other forbids, or denies in plain words."""
    if opposed(pair.mine, unit.stance):
        return True
    if _STOPS.search(pair.mine.text) and _STOPS.search(unit.stance.text):
        return (pair.mine.low >= 1) != (unit.stance.low >= 1)
    denied = (pair.plain and pair.mine.low < 0) or (unit.plain and unit.stance.low < 0)
    return denied and max(pair.mine.low, unit.stance.low) >= 1


def opposed(one: Stance, other: Stance) -> bool:
    low, high = sorted((one, other), key=lambda s: s.high)
    return (high.low >= 1 and low.high <= -2) or (high.low >= 3 and low.high in (-3, -2, 0))


def shown(stance: Stance) -> tuple[int, int]:
    """The word and what it turns, or the clause that stands under it."""
    if stance.inherited:
        return stance.start, stance.end
    return min(stance.start, stance.mark_start), max(stance.end, stance.mark_end)


def _negated(case: Case) -> Iterator[Signal]:
    """The same word denied on one side only."""
    for clause, matches in zip(case.answer.clauses, case.alignment, strict=True):
        near = [m for m in matches if m.score >= max(0.2, 0.6 * matches[0].score)]
        near = [m for m in near if not asked(case.evidence[m.source], _clause(case, m))]
        if near and not asked(case.answer, clause) and not is_copied(case, clause, ()):
            mine, theirs = denials(case.answer, clause), [(m, d) for m in near for d in _there(case, m)]
            found = _affirmed(case, clause, mine, theirs, near) or _denied(case, clause, mine, theirs, near)
            if found:
                yield found


def _affirmed(
    case: Case, clause: Clause, mine: tuple[Denial, ...], theirs: list[tuple[Match, Denial]], near: list[Match]
) -> Signal | None:
    """What the evidence denies, said."""
    limited = any(m.type == "only" for m in by_clause(case.answer)[clause.number])
    if limited or any(s.high <= 0 for s in stances(case.answer)[clause.number]):
        return None
    for match, denial in theirs:
        head = denial.head
        place = _place(head, clause) if not denial.condition else -1
        if place < 0 or _IF.search(clause.text):
            continue
        if any(d.start <= clause.start + place < d.end for d in mine) or _said(head, case, match, near):
            continue
        return _denial(case, "polarity.affirmed", clause, match, denial.at, denial, "答案说“{}”，依据对此是否定的")
    return None


def _place(head: str, clause: Clause) -> int:
    """Where a clause says a word; a single character only where it is told as an event (晕过一下)."""
    if len(head) > 1:
        return clause.text.find(head)
    told = re.search(re.escape(head) + "(?:过|了一|一下|得很|起来)", clause.text)
    return told.start() if told else -1


def _denied(
    case: Case, clause: Clause, mine: tuple[Denial, ...], theirs: list[tuple[Match, Denial]], near: list[Match]
) -> Signal | None:
    """What the evidence says, denied."""
    for denial in mine:
        head = denial.head
        holds = [m for m in near if head in _clause(case, m).text]
        if len(head) < 2 or denial.condition or not holds:
            continue
        if any(head in case.evidence[m.source].folded[d.start : d.end] or d.head in head for m, d in theirs):
            continue
        if not any(_turned(case.evidence[m.source], _clause(case, m)) for m in holds):
            there = _clause(case, holds[0])
            at = there.start + there.text.find(head)
            return _denial(case, "polarity.denied", clause, holds[0], at, denial, "答案否定“{}”，依据没有否定")
    return None


def _denial(case: Case, check: str, clause: Clause, match: Match, at: int, denial: Denial, says: str) -> Signal:
    strength = (0.3 + 0.5 * match.score + 0.1 * (len(denial.head) - 2)) * (0.6 if denial.forbidden else 1.0)
    return Signal(
        check, "polarity", clause.start, clause.end, match.source, at, at + len(denial.head),
        min(1.0, strength), says.format(denial.head),
    )  # fmt: skip


def _clause(case: Case, match: Match) -> Clause:
    return case.evidence[match.source].clauses[match.clause]


def _there(case: Case, match: Match) -> tuple[Denial, ...]:
    return denials(case.evidence[match.source], _clause(case, match))


@functools.lru_cache(maxsize=4096)
def denials(reading: Reading, clause: Clause) -> tuple[Denial, ...]:
    """What a clause denies or forbids by words of its own."""
    found = []
    scopes = [(m.scope_start, m.scope_end) for m in by_clause(reading)[clause.number] if m.value == "not"]
    own = (s for s in stances(reading)[clause.number] if s.high <= -2 and not s.inherited)
    for start, end, forbidden in (*((*s, False) for s in scopes), *((s.start, s.end, True) for s in own)):
        scope = reading.folded[start:end]
        for at, run in runs(scope)[:1]:
            if at <= _MAX_GAP:
                condition = CONDITION.match(reading.folded, start, clause.end) is not None
                found.append(Denial(start, end, start + at, run[:_HEAD_CHARS], condition, forbidden))
    return tuple(found)


def _turned(reading: Reading, clause: Clause) -> bool:
    return bool(denials(reading, clause)) or any(s.high < 0 for s in stances(reading)[clause.number])


def _said(head: str, case: Case, match: Match, near: list[Match]) -> bool:
    """Whether a clause of the evidence that speaks of the same says the word without denying it."""
    for other in near:
        clause = _clause(case, other)
        if other != match and head in clause.text and not _turned(case.evidence[other.source], clause):
            return True
    clause = _clause(case, match)
    return clause.text.count(head) > 1


def _excepted(case: Case) -> Iterator[Signal]:
    """What the evidence excepts (因住院的除外), said to fall under the rule."""
    theirs = [
        (s, clause, grams(clause.text))
        for s, reading in enumerate(case.evidence)
        for clause in reading.clauses
        if clause.text.endswith(_EXCEPTED)
    ]
    if not theirs:
        return
    weight = weights(case.evidence)
    for clause in case.answer.clauses:
        if _DENIES.search(clause.text) or asked(case.answer, clause):
            continue
        said = grams(clause.text)
        for source, there, excepted in theirs:
            rule = case.evidence[source].clauses[max(0, there.number - 2) : there.number]
            same = any(c.sentence == there.sentence and said & grams(c.text) for c in rule)
            if same and overlap(excepted, said, weight) >= 0.6:
                yield Signal(
                    "polarity.exception", "polarity", clause.start, clause.end, source, there.start, there.end, 0.6,
                    f"依据的例外“{there.text}”，答案当成了规则",
                )  # fmt: skip
                break


def _opposite(case: Case) -> Iterator[Signal]:
    """升高 for 降低, 停药 for 继续, in clauses that speak of the same."""
    for clause, matches in zip(case.answer.clauses, case.alignment, strict=True):
        mine = _sides(clause.text)
        if not mine or not matches or matches[0].score < 0.3:
            continue
        around = {m: _sides(_clause(case, m).text) for m in matches if m.score >= 0.5 * matches[0].score}
        for axis, (side, word) in mine.items():
            sides = {s[axis][0] for s in around.values() if axis in s}
            first = around[matches[0]].get(axis)
            if first and "both" not in (side, first[0]) and side != first[0] and side not in sides:
                start = clause.start + clause.text.find(word)
                there = _clause(case, matches[0])
                at = there.start + there.text.find(first[1])
                yield Signal(
                    "polarity.opposite", "polarity", start, start + len(word),
                    matches[0].source, at, at + len(first[1]), min(1.0, 0.2 + 0.8 * matches[0].score),
                    f"答案为“{word}”，依据为“{first[1]}”",
                )  # fmt: skip


@functools.lru_cache(maxsize=4096)
def _sides(text: str) -> dict[str, tuple[str, str]]:
    """Axis → side and word of a clause; `both` where it has words of two sides, or one that is denied."""
    pattern, places = _opposites()
    found: dict[str, tuple[str, str]] = {}
    for match in pattern.finditer(text):
        denied = text[max(0, match.start() - 3) : match.start()]
        for axis, side in places[match[0]]:
            known = found.get(axis)
            unclear = (known is not None and known[0] != side) or any(c in denied for c in "不没无未别勿")
            found[axis] = ("both" if unclear else side, match[0])
    return found


@functools.cache
def _opposites() -> tuple[re.Pattern[str], dict[str, list[tuple[str, str]]]]:
    places: dict[str, list[tuple[str, str]]] = {}
    for row in rows("check_opposites"):
        for word in row["words"].split():
            places.setdefault(word, []).append((row["axis"], row["side"]))
    return re.compile("|".join(sorted(places, key=lambda w: (-len(w), w)))), places
