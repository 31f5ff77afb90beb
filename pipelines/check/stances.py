"""What a text forbids, allows or demands: each clause on the scale, headings and lead-ins passed down."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from pipelines.check.content import grams
from pipelines.check.marks import MAX_SCOPE, Mark, by_clause, scale
from pipelines.check.reading import Clause, Reading

MAX_MARKS: Final = 24
"""Of one clause; the rest is not looked at."""
HEADING: Final = re.compile("禁忌|禁用|禁止|不得|不可用|不能用|严禁|慎用")
_HEADINGS: Final = (
    (re.compile(r"禁忌|禁用|禁止|不得|不可用|不能用|严禁"), (-3, -3)),
    (re.compile(r"慎用"), (-1, -1)),
)
_END: Final = re.compile(r"[。!?;\n]")
_JOINED: Final = re.compile(
    "(?:立即|马上|立刻|先|即|就|再|及时|尽快|提前|暂时|都|也|自己|自行|擅自|随意|随便|突然|骤然|继续|的|被|急着|考虑)*"
)
_APART: Final = re.compile("[,;:、()]|但|而|才|则|时|后|前|者")
"""What may not stand between a word and the 停 that it turns."""
_LABEL: Final = re.compile(r"(?:意见)?\s?\d")
"""推荐3: the number of a recommendation."""
_MAY: Final = re.compile(
    "引起|致|导致|增(?!量|加剂量|加用量|减)|减(?!量|半|停|少剂量|少用量)|降(?!级|温|至|到|阶|低剂量)|升(?!级)|出现|发生|有|见|为|伴|表现"
    "|使(?!用)|影响|加重|诱发|消失|缓解|自愈|达|持续|反复|呈|同(?!时|服|用)|延长|早于|晚于|因|掩盖|干扰|分为|被|并发|合并|发展|高|低|短|累及"
    "|促进|抑制|妨碍|透过|无"
)
"""可引起: what can be, not what may be done."""
MAY_STOP: Final = (-1, 0)
MAX_APART: Final = 14
_LIMIT: Final = re.compile(
    "(?:再|要|能)?(?:超过|超出|少于|低于|高于|多于|大于|小于|早于|晚于|长于|短于|迟于|多过|超)|只(?!吃|喝)|仅|光(?!疗|照)|单凭"
)
_LEGAL: Final = frozenset(("不得", "禁止", "严禁", "不准", "不许", "应当"))
_VERBS: Final = frozenset(("建议", "推荐", "鼓励", "提倡", "主张"))
_LINKED: Final = _VERBS | {"要", "需要", "需", "应", "应当", "能", "可", "可以"}
_FIRST: Final = ("首选", "优先", "最好", "优选")
_NAMED: Final = re.compile(r"[^,:;。、]{1,10}?的[\u4e00-\u9fff]")
_NESTED: Final = (
    "常规",
    "首选",
    "优先",
    "列为",
    "作为",
    "推荐",
    "建议",
    "提倡",
    "鼓励",
    "允许",
    "可",
    "能",
    "适",
    "宜",
    "一线",
)
_WITHOUT: Final = re.compile("未经|未取得|未获|不经|没有经过|没经|没有取得|未得到|没有许可|未满")
_EMBEDDED: Final = re.compile("让|要求|叫|请")
CONDITION: Final = re.compile(
    r"[^,:;。]{0,10}?(?:(?<!生产)(?<!经营)(?<!销售)(?<!管理)(?<!或)者|的(?:患|孩子|宝宝|人|儿童|婴|话|范围|情形|条件)|时(?!间|候尽))"
)
"""不能口服者: who is spoken of, no prohibition."""
_OPEN: Final = re.compile(r"([要能可会行用该])[不没]\1(?!.*[都也])|能否|可否|可不可以|需不需要")
_GOES_ON: Final = re.compile("^(?:尤其|特别是|包括|以及)")
_LABELLED: Final = re.compile(r"[\u4e00-\u9fff]{2,6}:")
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
        elif inline and inline == clause.heading and _LABELLED.match(clause.text):
            over = inline  # 禁用：…。二线：… ends it
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
    end = _END.search(reading.folded, clause.end, clause.end + MAX_SCOPE)
    return (
        clause.text.endswith(("吗", "呢"))
        or (end is not None and end[0] == "?")
        or _OPEN.search(clause.text) is not None
    )


def _own(reading: Reading, clause: Clause, marks: tuple[Mark, ...]) -> Iterator[Stance]:
    """The stances of a clause's own words; 要停 forbids, 不要停 demands, 可以让孩子先别去 allows."""
    limited = any(m.type == "only" for m in marks)
    before: Mark | None = None
    for i, mark in enumerate(marks):
        place, stops = scale(mark), mark.value == "stop"
        if place is None and not stops:
            before = mark if mark.type == "negation" else before
            continue
        if _bracketed(clause, mark) or _is_nested(reading, before, mark) or _only_may_be(reading, mark):
            continue
        after = _next(reading, marks[i + 1 :], mark)
        if place is not None and after is not None:
            if after.value == "stop":
                before = mark
            if after.value == "stop" or (place[0] >= 1 and after.type != "negation"):
                continue  # 要慎用, 须立即停用, 可以优先: the second says it
        if stops:
            place = _stopped(before if before and _turns(reading, before, mark) else None)
        elif before is not None and (scale(before) or (0, 0))[0] >= 1:
            between = reading.folded[before.end : mark.start]
            if _EMBEDDED.search(between) or (mark.text in _LINKED and _JOINED.fullmatch(between)):
                continue
        before = mark
        if place is None or (place[0] in (-3, 0, 1, 3) and _is_condition(reading, clause, mark, marks[i + 1 :])):
            continue
        if limited and place[0] > 0:
            place = (-3, place[1])  # 满12岁才能: allowed and forbidden
        if place[1] < 0 and _LIMIT.match(reading.folded, mark.end):
            continue  # 不得超过2日: an amount, which others compare; 不能只写岁数: more is asked for
        item = max(clause.start, reading.folded.rfind("、", clause.start, mark.start))
        if place[1] < -1 and _WITHOUT.search(reading.folded, item, mark.start):
            place = (place[0], 3)  # 未经许可不得: demanded, and forbidden otherwise
        if place[1] < -1 and _is_denied_again(reading, mark, marks[i + 1 :]):
            place = (3, 4)
        start, end = mark.scope_start, mark.scope_end
        if start >= mark.end and (other := next((m for m in marks[i + 1 :] if scale(m)), None)) is not None:
            end = other.start if grams(reading.folded[start : other.start]) else end
        yield Stance(*place, start, end, clause.number, mark.start, mark.end, False, mark.text)


def _is_nested(reading: Reading, before: Mark | None, mark: Mark) -> bool:
    """Whether a mark only names what one before it turns: 不得隐瞒可免费接种的疫苗, 不作为常规检查."""
    if before is None or before.scope_start < before.start or not mark.text.startswith(_NESTED):
        return False
    place = scale(before)
    if before.value == "not" or place is None:
        return before.value == "not" and mark.start - before.end <= 2
    if place[1] > 0:
        return False
    between = reading.folded[before.end : mark.start]
    return _is_close(reading, before, mark) or (mark.text in _VERBS and not _APART.search(between.replace("、", "")))


def _only_may_be(reading: Reading, mark: Mark) -> bool:
    """可引起, 推荐3: neither allows nor advises anything."""
    if mark.text.endswith(("可", "能", "可以")) and scale(mark) == (1, 1):
        return _MAY.match(reading.folded, mark.end) is not None
    return mark.text.startswith("推荐") and _LABEL.match(reading.folded, mark.end) is not None


def _is_close(reading: Reading, one: Mark, other: Mark) -> bool:
    return other.start - one.end <= MAX_APART and not _APART.search(reading.folded, one.end, other.start)


def _is_denied_again(reading: Reading, mark: Mark, later: tuple[Mark, ...]) -> bool:
    """不得因此而不报, 不能不去: what may not be left undone."""
    second = next((m for m in later if m.value == "not"), None)
    if second is None or second.start - mark.end > 2 * MAX_APART:
        return False
    return second.start == mark.end or reading.folded[second.start - 1] == "而"


def _turns(reading: Reading, before: Mark, stop: Mark) -> bool:
    """Whether a word turns the 停 after it: 不能好一点就停, 要把药停下来."""
    if before.value == "not":
        return stop.start - before.end <= 2
    return before.scope_start >= before.end and _is_close(reading, before, stop)


def _is_condition(reading: Reading, clause: Clause, mark: Mark, later: tuple[Mark, ...]) -> bool:
    """不能口服者, 不能耐热的餐具可…: who or what is spoken of."""
    if mark.text in _LEGAL:
        return False  # 不得向受试者支付
    if CONDITION.match(reading.folded, mark.end, clause.end):
        return True
    named = _NAMED.match(reading.folded, mark.end, clause.end)
    return named is not None and any(
        scale(m) and m.start >= named.end() - 1 and not m.text.startswith("常规") for m in later
    )


def _bracketed(clause: Clause, mark: Mark) -> bool:
    """Whether a mark stands in brackets or quotes within its clause: it turns what is in there only."""
    before = clause.text[: mark.start - clause.start]
    return before.count("(") > before.count(")") or before.count('"') % 2 == 1


def _next(reading: Reading, later: tuple[Mark, ...], mark: Mark) -> Mark | None:
    """The mark that follows one closely and says what is meant: a prohibition, a stop, a preference."""
    for other in later:
        if other.value == "stop" and _turns(reading, mark, other):
            return other
        if _JOINED.fullmatch(reading.folded[mark.end : other.start]) is None:
            return None
        place = scale(other)
        if place is not None and (place[1] < 0 or other.text.startswith(_FIRST) or (scale(mark) == (1, 1) < place)):
            return other
    return None


def _stopped(before: Mark | None) -> tuple[int, int] | None:
    """Where 停 stands: as what is before it turns it; alone it says that something is not done."""
    if before is None:
        return None
    place = scale(before)
    if place is None or place[1] <= 0:
        return (2, 4)
    return (-3, -2) if place[0] >= 2 else MAY_STOP


def _under(clause: Clause, above: Stance) -> Stance:
    return above._replace(start=clause.start, end=clause.end, clause=clause.number, inherited=True)


def _of_heading(clause: Clause) -> Stance | None:
    if "下" in clause.heading[:2]:
        return None  # 以下情形不得: a lead-in, which ends with its sentence
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
    elif not mine and clause.number and (_SAME.search(clause.text) or _GOES_ON.match(clause.text)):
        theirs = own[clause.number - 1]
        if theirs and reading.clauses[clause.number - 1].sentence == clause.sentence:
            mine.append(_under(clause, theirs[-1]))
