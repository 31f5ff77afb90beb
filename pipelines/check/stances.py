"""What a text forbids, allows or demands: each clause on the scale, headings and lead-ins passed down."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from pipelines.check.marks import Mark, by_clause, scale
from pipelines.check.reading import Clause, Reading

MAX_MARKS: Final = 24
"""Of one clause; the rest is not looked at."""
HEADING: Final = re.compile("禁忌|禁用|禁止|不得|不可用|不能用|严禁|慎用")
_HEADINGS: Final = (
    (re.compile(r"禁忌|禁用|禁止|不得|不可用|不能用|严禁"), (-3, -3)),
    (re.compile(r"慎用"), (-1, -1)),
)
_END: Final = re.compile(r"[。!?;\n]")
_JOINED: Final = re.compile("(?:立即|马上|立刻|先|即|就|再|及时|尽快|提前|暂时|都|也|自己|随便|继续|的|被|急着)*")
_NESTED: Final = ("常规", "首选", "优先", "列为", "作为")
_WITHOUT: Final = re.compile("未经|未取得|未获|不经|没有经过|没经|没有取得|未得到|没有许可|未满")
_EMBEDDED: Final = re.compile("让|要求|叫|请")
CONDITION: Final = re.compile(
    r"[^,:;。]{0,10}?(?:(?<!生产)(?<!经营)(?<!销售)(?<!管理)者|的(?:患|孩子|宝宝|人|儿童|婴|话|范围|情形|条件)|时(?!间|候尽))"
)
"""不能口服者: who is spoken of, no prohibition."""
_BACK: Final = re.compile(r"^(?:以及[^,]{1,12}的?,?)?(?:都|均|也都|全都|这些|这几|这类|上述|一概|一律)")
"""都不能用: of what was counted before."""
_SAME: Final = re.compile(r"(?:也一样|也是|同样|也如此|也是如此|一样)$")


class Stance(NamedTuple):
    """One place on the scale of permission, and what stands there.

    Attributes:
        low, high: From -3 (forbidden) to 4 (required); different where the words leave it open.
        start, end: What it turns, in the text.
        clause: The number of the clause.
        mark_start, mark_end: The word, or the clause where it comes from a heading.
        inherited: It comes from a heading, a lead-in or a neighbour.
        text: The word.
    """

    low: int
    high: int
    start: int
    end: int
    clause: int
    mark_start: int
    mark_end: int
    inherited: bool
    text: str


def distance(one: Stance, other: Stance) -> int:
    """Steps from `other` to `one` on the scale, negative downwards; 0 where they may mean the same."""
    if one.low > other.high:
        return one.low - other.high
    return min(0, one.high - other.low)


@functools.lru_cache(maxsize=128)
def stances(reading: Reading) -> tuple[tuple[Stance, ...], ...]:
    """For each clause its stances, in order."""
    own: list[list[Stance]] = [[] for _ in reading.clauses]
    for clause, found in zip(reading.clauses, by_clause(reading), strict=True):
        if found and not asked(reading, clause):
            own[clause.number] = list(_own(reading, clause, found[:MAX_MARKS]))
    passed: Stance | None = None
    inline = over = ""
    for clause in reading.clauses:
        mine = own[clause.number]
        if clause.text.startswith(f"{clause.heading}:"):
            inline, over = clause.heading, ""
        heading = _of_heading(clause) if clause.heading != over else None
        if mine:
            passed = _lead_in(clause, mine) or (passed if heading is None else None)
        elif (above := passed or heading) is not None:
            mine.append(_under(clause, above))
        after = reading.folded[clause.end : clause.end + 3]
        if after.lstrip(' ")]')[:1] in ("。", "\n", "!", "?", ""):
            passed = None
        if "\n" in after and clause.heading == inline:
            over = inline  # 禁忌：发热者。 passes down to the end of its line
        _share(reading, clause, own)
    return tuple(tuple(each) for each in own)


def asked(reading: Reading, clause: Clause) -> bool:
    """Whether a clause belongs to a question, which says nothing."""
    end = _END.search(reading.folded, clause.end)
    return clause.text.endswith(("吗", "呢")) or (end is not None and end[0] == "?")


def _own(reading: Reading, clause: Clause, marks: tuple[Mark, ...]) -> Iterator[Stance]:
    """The stances of a clause's own words; 要停 forbids, 不要停 demands, 可以让孩子先别去 allows."""
    limited = any(m.type == "only" for m in marks)
    before: Mark | None = None
    for i, mark in enumerate(marks):
        place = scale(mark)
        stops = mark.value == "stop"
        if _bracketed(clause, mark) or (mark.text.startswith(_NESTED) and before and _near(before, mark)):
            continue
        if place is None and not stops:
            if mark.type == "negation":
                before = mark
            continue
        between = reading.folded[before.end : mark.start] if before else "。"
        joined = before is not None and _JOINED.fullmatch(between) is not None
        if place is not None and (after := _next(reading, marks[i + 1 :], mark)) is not None and place[1] != -1:
            if place[0] >= 1 and after.type != "negation":
                continue  # 要慎用, 应避免: the second says it
            if after.value == "stop":
                before = mark
                continue  # 须立即停用: the second says it, of what the first says
        if stops:
            place = _stopped(before if joined else None)
        elif before is not None and _EMBEDDED.search(between) and (scale(before) or (0, 0))[0] >= 1:
            continue
        before = mark
        if place is None or (place[0] in (-3, 0, 1, 3) and CONDITION.match(reading.folded, mark.end, clause.end)):
            continue
        if limited and place[0] > 0:
            place = (-3, place[1])  # 满12岁才能: allowed and forbidden
        if place[1] < -1 and "、" not in clause.text and _WITHOUT.search(reading.folded, clause.start, mark.start):
            place = (place[0], 3)  # 未经许可不得: demanded, and forbidden otherwise
        start, end = mark.scope_start, mark.scope_end
        yield Stance(*place, start, end, clause.number, mark.start, mark.end, False, mark.text)


def _bracketed(clause: Clause, mark: Mark) -> bool:
    """Whether a mark stands in brackets within its clause: it turns what is in there only."""
    before = clause.text[: mark.start - clause.start]
    return before.count("(") > before.count(")")


def _near(before: Mark, mark: Mark) -> bool:
    """Whether 常规用 is what 不推荐 turns."""
    place = scale(before)
    negative = before.value == "not" or (place is not None and place[1] <= 0)
    return negative and mark.start - before.end <= 2


def _next(reading: Reading, later: tuple[Mark, ...], mark: Mark) -> Mark | None:
    """The negative or stopping mark that follows a mark closely."""
    for other in later:
        if _JOINED.fullmatch(reading.folded[mark.end : other.start]) is None:
            return None
        place = scale(other)
        if other.value == "stop" or (place is not None and place[1] < 0):
            return other
    return None


def _stopped(before: Mark | None) -> tuple[int, int] | None:
    """Where 停 stands: as what is before it turns it; alone it says that something is not done."""
    if before is None:
        return None
    place = scale(before)
    if place is None or place[1] <= 0:
        return (1, 4)
    return (-3, -2) if place[0] >= 2 else (-3, 1)


def _under(clause: Clause, above: Stance) -> Stance:
    return above._replace(start=clause.start, end=clause.end, clause=clause.number, inherited=True)


def _of_heading(clause: Clause) -> Stance | None:
    for pattern, place in _HEADINGS:
        if clause.heading and pattern.search(clause.heading):
            return Stance(
                *place, clause.start, clause.end, clause.number, clause.start, clause.end, True, clause.heading
            )
    return None


def _lead_in(clause: Clause, mine: list[Stance]) -> Stance | None:
    """The stance of 下列患者禁用: for the items after the colon."""
    colon = clause.text.find(":")
    before = [s for s in mine if colon > 0 and s.mark_end <= clause.start + colon and s.high < 0]
    return before[-1] if before else None


def _share(reading: Reading, clause: Clause, own: list[list[Stance]]) -> None:
    """Passes the stance of 都不能用 back, and of 也一样 on, within the sentence."""
    mine = own[clause.number]
    if mine and not mine[0].inherited and _BACK.search(clause.text):
        for number in range(clause.number - 1, -1, -1):
            before = reading.clauses[number]
            if before.sentence != clause.sentence or own[before.number]:
                break
            own[before.number].append(_under(before, mine[0]))
    elif not mine and clause.number and _SAME.search(clause.text):
        theirs = own[clause.number - 1]
        if theirs and reading.clauses[clause.number - 1].sentence == clause.sentence:
            mine.append(_under(clause, theirs[-1]))
