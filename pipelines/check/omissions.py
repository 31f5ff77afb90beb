"""Which cautions of the evidence should have been in an answer: what was asked, who was named, what stood beside."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from fractions import Fraction
from typing import Final

from pipelines.check.cautions import Caution, band, cautions, is_told, named, wary
from pipelines.check.reading import Clause
from pipelines.check.signals import Case, Signal
from pipelines.check.topics import NOTHING, Topic, clause_topics, covered, rarities

ASKS_CARE: Final = re.compile(
    "注意|小心|留意|留心|当心|提防|讲究|禁忌|避开|避免|忌|风险|危险|副作用|不良反应|坏处|禁用|慎用|要知道|警惕"
    "|(?:哪些|什么|谁|哪种|哪类|哪几|何种|几种|何时|什么时候|有没有).{0,10}(?:不能|不可|不宜|不得|不行|不要|不适|禁|慎|别|马上|急诊|停)"
)
ASKS_USE: Final = re.compile(
    "怎么(?:用|吃|服|喝|打|点|涂|喂|开|治|处理|给|做|配|安排|办|接着|起|加|补|抹|输|滴|喷|吸|选|换|冲)|如何|怎样|用法|多少|几(?:次|片|毫升|天|粒|袋|喷|滴)"
    "|吃什么|用什么|开始用|起始|能用|能吃|可以用|可以吃|行不行|能不能|可不可以|下一步|吗"
)
ASKS_LEAVE: Final = re.compile(
    "(?:能不能|可不可以|行不行|要不要|用不用)|(?:能|可以|需要|想|要).*(?:吗|行|好不好)|行吗|可以吗|对吗|合适"
)
TAKEN: Final = 0.6
"""From this score a clause of the evidence counts as taken over."""
NEAR: Final = (1, 2, 3)
MAX_NAMED_CLAUSES: Final = 4
_REFUSES: Final = re.compile("^(?:您好,?)?(?:先?别|不|没必要|停|勿|禁)")
MAX_REFUSAL: Final = 8
"""Characters of a short answer at the beginning."""
ANSWERED: Final = 0.5
_WHICH: Final = re.compile("哪|什么|谁|何种")
_CONDITIONS: Final = frozenset(("disease", "symptom", "population", "food"))


def named_but_untold(case: Case) -> Iterator[Signal]:
    """心衰患儿用甘露醇怎么用: a caution for those of whom the question speaks, of which the answer has nothing."""
    asked = {each for reading in (case.question, *case.heard) for keys in named(reading).values() for each in keys}
    if not asked:
        return
    ages = _ages(case)
    known, told, warned = rarities(case.evidence), _told(case), wary(case.answer)
    every = cautions(case.evidence)
    spread = Counter(each for reading in case.evidence for keys in named(reading).values() for each in keys)
    plain = spread - Counter(each for caution in every for each in caution.named)
    question = NOTHING.union(*clause_topics(case.question))
    for caution in every:
        shared = {each for each in caution.named & asked if spread[each] <= MAX_NAMED_CLAUSES and band(each[1]) is None}
        child = any(_within(ages, each[1]) for each in caution.named)
        if _of_others(ages, caution):
            continue
        people = {each for each in shared if each[0] in _CONDITIONS}
        if not (shared or child) or caution.high >= 0 or is_told(caution, told, warned, known):
            continue
        if _is_answered(case, caution):
            continue
        about = covered(caution.around, question | told, NOTHING, known)
        if not people and about < 0.25:
            continue
        rule = "named" if people else "young" if child else "drug"
        if people and all(plain[each] for each in people):
            rule = "named_too"  # an illness that the drug is for, as well as one that it is not for
        strength = (0.5 + 0.4 * about + 0.1 * len(shared)) * (0.7 if warned else 1.0)
        strength *= 0.5 if rule == "named_too" else 1.0
        yield omitted(case, f"warning.{rule}", caution, strength)


def _is_answered(case: Case, caution: Caution) -> bool:
    """Whether a short no at the beginning tells a caution, or the question itself says it (哪类不能光推拿)."""
    known = rarities(case.evidence)
    share = covered(caution.said, NOTHING.union(*clause_topics(case.question)), NOTHING, known)
    first = case.answer.clauses[0].text if case.answer.clauses else ""
    if caution.high < 0 and share >= ANSWERED and len(first) <= MAX_REFUSAL and _REFUSES.match(first):
        return True
    return share >= 0.8 and _WHICH.search(case.question.folded) is not None


def _ages(case: Case) -> list[tuple[Fraction, Fraction]]:
    """The ages that the question and what was said before name."""
    asked = {each for reading in (case.question, *case.heard) for keys in named(reading).values() for each in keys}
    return [ends for type_, key in asked if type_ == "population" and (ends := band(key))]


def _within(ages: list[tuple[Fraction, Fraction]], key: str) -> bool:
    """Whether a child of the question is within an age band that a caution names."""
    ends = band(key)
    return ends is not None and any(low == high and ends[0] <= low <= ends[1] and low != ends[1] for low, high in ages)


def _of_others(ages: list[tuple[Fraction, Fraction]], caution: Caution) -> bool:
    """Whether a caution speaks of children of another age only."""
    bands = [key for _, key in caution.named if band(key) is not None]
    return bool(bands) and any(low == high for low, high in ages) and not any(_within(ages, key) for key in bands)


def asked_but_untold(case: Case) -> Iterator[Signal]:
    """有什么不能用的情况: cautions were asked for, and the answer has none, or not the one on the same."""
    question = case.question.folded
    care = ASKS_CARE.search(question) is not None
    if not care and not ASKS_LEAVE.search(question):
        return
    known, told, warned = rarities(case.evidence), _told(case), wary(case.answer)
    wanted, ages = NOTHING.union(*clause_topics(case.question)), _ages(case)
    taken = {(m[0].source, m[0].clause) for m in case.alignment if m and m[0].score >= TAKEN}
    best: tuple[float, Caution] | None = None
    beside: Caution | None = None
    for caution in cautions(case.evidence):
        if (caution.high >= 0 and not care) or _of_others(ages, caution) or _is_answered(case, caution):
            continue
        about = covered(wanted, caution.said, caution.around, known)
        near = care and any((caution.source, caution.clause - step) in taken for step in NEAR)
        better = best is None or about > best[0]
        if (better or (near and beside is None)) and not is_told(caution, told, warned, known):
            best = (about, caution) if better else best
            beside = caution if near and beside is None else beside
    if best is not None and best[0] >= (0.1 if care else 0.3):
        about, caution = best
        rule = ("asked" if care else "leave") + ("_partly" if warned else "_nothing")
        yield omitted(case, f"warning.{rule}" + ("" if caution.high < 0 else "_care"), caution, 0.2 + 0.9 * about)
    if beside is not None and (best is None or beside is not best[1]):
        strength = (0.4 if warned else 0.6) * (1.0 if beside.high < 0 else 0.6)
        yield omitted(case, "warning.asked_beside", beside, strength)


def left_out_beside(case: Case) -> Iterator[Signal]:
    """A clause taken over, and the caution that stands beside it in its sentence left out."""
    known, told, warned = rarities(case.evidence), _told(case), wary(case.answer)
    taken = {(m[0].source, m[0].clause): m[0].score for m in case.alignment if m and m[0].score >= TAKEN}
    if not taken:
        return
    care = ASKS_CARE.search(case.question.folded) is not None
    use = ASKS_USE.search(case.question.folded) is not None
    for caution in cautions(case.evidence):
        here = (caution.source, caution.clause)
        clauses = case.evidence[caution.source].clauses
        if here in taken or is_told(caution, told, warned, known):
            continue
        before = _taken_near(taken, here, -1, clauses)
        after = _taken_near(taken, here, 1, clauses)
        if not before:
            continue
        place = "between" if after else "after"
        strength = max(before, after) * (0.9 if care else 0.6 if use else 0.4) * (1.0 if caution.high < 0 else 0.6)
        yield omitted(case, f"warning.{place}" + ("" if caution.high < 0 else "_care"), caution, strength)


def _taken_near(
    taken: dict[tuple[int, int], float], here: tuple[int, int], step: int, clauses: tuple[Clause, ...]
) -> float:
    """How surely a clause next to one, on one side and in its sentence, was taken over."""
    source, number = here
    for distance, worth in ((1, 1.0), (2, 0.8)):
        other = number + step * distance
        same = 0 <= other < len(clauses) and clauses[other].sentence == clauses[number].sentence
        if same and (source, other) in taken:
            return taken[source, other] * worth
    return 0.0


def _told(case: Case) -> Topic:
    return NOTHING.union(*clause_topics(case.answer))


def omitted(case: Case, check: str, caution: Caution, strength: float) -> Signal:
    """A signal on the clause of the answer that should have said it."""
    missing = case.evidence[caution.source].raw[caution.start : caution.end]
    known = rarities(case.evidence)
    own = clause_topics(case.answer)
    clause = max(case.answer.clauses[:40], key=lambda c: covered(own[c.number], caution.around, NOTHING, known))
    return Signal(
        check, "omitted_warning", clause.start, max(clause.end, clause.start + 1),
        caution.source, caution.start, caution.end, max(0.05, min(1.0, strength)),
        f"依据中的“{missing}”答案没有提到",
    )  # fmt: skip
