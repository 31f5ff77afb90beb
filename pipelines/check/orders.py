"""What comes before what: 用药前 or 用药后, 先淋浴再入池; and words of one scale that are opposites (大剂量, 小剂量).

Amounts with a time (出疹前24小时) are compared as amounts; here are the events.
"""

from __future__ import annotations

import functools
import re
from bisect import bisect_right
from collections.abc import Iterator
from itertools import islice, pairwise
from typing import Final, NamedTuple

from pipelines.check.reading import Clause, Reading
from pipelines.check.signals import Case, Signal

MAX_EVENTS: Final = 120
"""Of one text; the rest is not looked at."""
_EVENT: Final = re.compile(
    r"([\u4e00-\u9fffa-z]{1,6}?)(?:的)?(之前|以前|之后|以后|过后|完后|完(?=[再才就,])|前|后)"
    r"(?![臂囟列腺提往台庭沿排牙胸臼瞻端鼻庭负续果者遗盾代天年半两几方面侧缀座跟腿勤备悔])"
)
_COURTESY: Final = re.compile(r"[,]?(?:请|要|应|务必|最好|先|都|一定)*(?:告知|告诉|咨询|问|阅读|看|了解|核对)")
_ENDS: Final = re.compile(r"[、,。;:!?\n]")
_NO_EVENT: Final = re.compile(
    r"(?:[目以之此然最先今随其日空当生往向提午眼超天年月周岁钟个位背落延滞善预前后]|小时|分钟)$"
)
_SAME: Final = (
    "餐 饭 进食 吃饭 用餐 饮食 吃东西 就餐 饱",
    "睡 睡觉 入睡 临睡 就寝 上床",
    "用药 服药 给药 吃药 服用 服 药 口服 使用 用抗生素 用抗菌药 投药 抗生素 抗菌药物 抗菌药 上药",
    "接种 打针 打疫苗 免疫 注射疫苗 种疫苗",
    "发病 起病 得病 病 发作 出现症状",
    "出疹 起疹 疹子 皮疹 出疹子",
    "手术 术 开刀 麻醉",
    "喂奶 吃奶 哺乳 喂养 喂 哺喂",
    "出生 生 生下来 娩出",
    "接触 暴露",
    "退热 退烧 热退 烧退 体温正常",
    "治疗 开始治疗 疗程",
    "停药 停用 停",
    "消毒 灭菌 杀菌",
    "运动 活动 锻炼",
    "开封 开启 打开 启封",
    "入园 入学 入托 开学 报到",
    "洗澡 沐浴 淋浴 洗浴",
    "采血 抽血 取血",
    "留尿 取尿 采尿 送检 采样 留样 培养",
    "输血 输液 滴完 输注",
    "检查 化验 检测 筛查",
    "怀孕 妊娠 受孕 孕",
    "上市 出厂 销售",
    "受理 立案 申请",
    "施行 实施 生效 执行",
)
_NAMES: Final = {name: words.split()[0] for words in _SAME for name in words.split()}
_PLAIN: Final = ("餐", "睡")
"""Events that are meant alike by any word for them."""
_LONGEST: Final = max(map(len, _NAMES))
_STEPS: Final = re.compile(
    r"(?:首先|先|第一步)([^。;\n]{1,24}?)(?:,|、)?(?:然后|接着|随后|之后|最后|其次|再|后(?!续|果|囟)|才|第二步)([^。;\n]{1,20})"
)
_BEHIND: Final = re.compile(
    r"先([^。,;\n]{1,14})[,、]([^。,;\n]{1,12}?)(?:往后|放后|在后|靠后|排后|放到?最后|留到?最后)"
)
_BOTH: Final = 0.2
"""How much of each step must be there, the other way round."""
_BACK: Final = 24
_IN_FRONT: Final = re.compile(r"在([^,。;\n]{1,14}?)(之前|以前|前|之后|以后|后)[,]?([^,。;\n]{0,14})")
_OPPOSITES: Final = tuple(
    tuple(side.split() for side in pair.split(" | "))
    for pair in (
        "大剂量 高剂量 大量 | 小剂量 低剂量 少量 微量",
        "最多 最高 最大 上限 | 最少 最低 最小 下限",
        "最长 最久 | 最短",
        "最早 | 最晚 最迟",
        "长期 长时间 | 短期 短时间",
        "早期 | 晚期 后期",
        "快速 迅速 | 缓慢 慢慢",
        "提前 提早 | 推迟 延后 延迟",
        "延长 加长 | 缩短",
        "高浓度 | 低浓度 稀释",
        "增量 加量 加大剂量 逐渐加 | 减量 减少剂量 逐渐减",
        "高于 大于 超过 多于 | 低于 小于 不足 少于",
        "变大 变粗 变厚 增厚 | 变小 变细 变薄",
        "上方 上游 上部 | 下方 下游 下部",
        "第一 首位 首选 | 最后 末位",
        "内侧 | 外侧",
        "左侧 左边 左下 左上 | 右侧 右边 右下 右上",
        "偏高 过高 | 偏低 过低",
        "偏多 过多 | 偏少 过少",
        "长效 效期长 | 短效 效期短",
    )
)
"""Words of one scale; a single character is too little to go by."""


class _Event(NamedTuple):
    name: str
    side: str
    start: int
    end: int
    around: frozenset[str]


class _Steps(NamedTuple):
    first: frozenset[str]
    then: frozenset[str]
    start: int
    end: int


def order(case: Case) -> list[Signal]:
    """Events, steps and words of a scale that the evidence has the other way round."""
    return [*_turned_events(case), *_turned_steps(case), *_turned_words(case)]


def _turned_events(case: Case) -> Iterator[Signal]:
    mine = _events(case.answer)
    if not mine:
        return
    theirs = [(s, e) for s, reading in enumerate(case.evidence) for e in _events(reading)]
    asked = {(e.name, e.side) for e in _events(case.question)}
    for event in mine:
        same = max(
            (_nearness(event, e) for _, e in theirs if (e.name, e.side) == (event.name, event.side)), default=-1.0
        )
        against = [(_nearness(event, e), s, e) for s, e in theirs if e.name == event.name and e.side != event.side]
        if not against or (same < 0 and (event.name, event.side) in asked):
            continue
        near, source, other = max(against, key=lambda t: t[0])
        said, there = case.answer.raw[event.start : event.end], case.evidence[source].raw[other.start : other.end]
        says = f"答案为“{said}”，原文为“{there}”，前后相反。"
        place = (event.start, event.end, source, other.start, other.end)
        if same < 0:
            yield Signal(
                "comparator.event",
                "comparator",
                *place,
                min(0.9, (0.5 if event.name in _PLAIN else 0.4 if said[:2] == there[:2] else 0.3) + near),
                says,
            )
        elif near > same + 0.1:
            yield Signal("comparator.event_mixed", "comparator", *place, min(0.8, 0.2 + near - same), says)


def _nearness(one: _Event, other: _Event) -> float:
    return len(one.around & other.around) / max(4, len(one.around))


@functools.lru_cache(maxsize=256)
def _events(reading: Reading) -> tuple[_Event, ...]:
    found: list[_Event] = []
    text = reading.folded
    if "前" not in text and "后" not in text and "完" not in text:
        return ()
    for match in _EVENT.finditer(text):
        if len(found) >= MAX_EVENTS:
            break
        ahead = match[1].rstrip("剂时者物药品期中") or match[1]
        if _NO_EVENT.search(ahead) and ahead[-_LONGEST:] not in _NAMES:
            continue
        size = next((n for n in range(min(_LONGEST, len(ahead)), 0, -1) if ahead[-n:] in _NAMES), 0)
        name = _NAMES[ahead[-size:]] if size else ""
        if not name:
            if len(ahead) < 2 or _NO_EVENT.search(ahead):
                continue
            name, size = ahead[-2:], 2
        if _COURTESY.match(text, match.end()):
            continue
        behind = _ENDS.split(text[match.end() : match.end() + 16].lstrip(",、"), maxsplit=1)[0]
        before = _ENDS.split(text[max(0, match.start(1) - 12) : match.start(1)])[-1]
        rest = f"{before}|{behind}"
        side = "前" if "前" in match[2] else "后"
        found.append(_Event(name, side, match.start(1) + len(ahead) - size, match.end(), _pairs(rest)))
    return tuple(found)


def _pairs(text: str) -> frozenset[str]:
    kept = [c for c in text if c.isalnum()]
    return frozenset(a + b for a, b in pairwise(kept))


def _turned_steps(case: Case) -> Iterator[Signal]:
    mine = _steps(case.answer)
    if not mine:
        return
    theirs = [(s, step) for s, reading in enumerate(case.evidence) for step in _steps(reading)]
    for step in mine:
        best: tuple[float, int, _Steps] | None = None
        for source, other in theirs:
            both = _met(step.first, other.then), _met(step.then, other.first)
            turned = sum(both) if min(both) >= _BOTH else 0.0
            straight = _met(step.first, other.first) + _met(step.then, other.then)
            if best is None or abs(turned - straight) > abs(best[0]):
                best = (turned - straight, source, other)
        if best is not None and best[0] > 0.4:
            says = "答案的先后次序与原文相反。"
            strength = min(0.9, 0.1 + 0.5 * best[0])
            place = (step.start, step.end, best[1], best[2].start, best[2].end)
            yield Signal("comparator.steps", "comparator", *place, strength, says)


def _met(one: frozenset[str], other: frozenset[str]) -> float:
    return len(one & other) / max(2, min(len(one), len(other)))


@functools.lru_cache(maxsize=256)
def _steps(reading: Reading) -> tuple[_Steps, ...]:
    """What comes first and what then; characters that both have are left out."""
    text = reading.folded
    found: list[_Steps] = []
    if "先" in text or "第一步" in text:
        found += [_step(m[1], m[2], m.start(), m.end()) for m in islice(_STEPS.finditer(text), MAX_EVENTS)]
        found += [_step(m[1], m[2], m.start(), m.end()) for m in islice(_BEHIND.finditer(text), MAX_EVENTS)]
    if "在" in text:
        for m in islice(_IN_FRONT.finditer(text), MAX_EVENTS):
            clause = reading.clause_at(m.start())
            done = text[max(clause.start, m.start() - _BACK) : m.start()] + m[3]
            first, then = (done, m[1]) if "前" in m[2] else (m[1], done)
            found.append(_step(first, then, m.start(), m.end()))
    return tuple(s for s in found[:MAX_EVENTS] if s.first and s.then)


_LIGHT: Final = frozenset(
    "的了吗呢把用要应当须得该可以在是有和与及或给去来到着过这那它他她后前再先才就都也还一个让被从由向对为并且而做进行随然之"
)


def _step(first: str, then: str, start: int, end: int) -> _Steps:
    one = {c for c in first if c.isalnum()} - _LIGHT
    other = {c for c in then if c.isalnum()} - _LIGHT
    return _Steps(frozenset(one - other), frozenset(other - one), start, end)


@functools.cache
def _scale() -> tuple[re.Pattern[str], dict[str, tuple[int, int]]]:
    known = {
        word: (number, side)
        for number, pair in enumerate(_OPPOSITES)
        for side, words in enumerate(pair)
        for word in words
        if len(word) > 1
    }
    return re.compile("|".join(sorted(map(re.escape, known), key=lambda w: (-len(w), w)))), known


@functools.lru_cache(maxsize=256)
def _words(reading: Reading) -> tuple[tuple[int, int, int, int], ...]:
    pattern, known = _scale()
    return tuple((*known[m[0]], m.start(), m.end()) for m in islice(pattern.finditer(reading.folded), MAX_EVENTS))


def _turned_words(case: Case) -> Iterator[Signal]:
    mine = _words(case.answer)
    if not mine:
        return
    known = {(n, side) for reading in case.known for n, side, *_ in _words(reading)}
    starts = [q.start for q in case.answer.quantities]
    for number, side, start, end in mine:
        if (number, side) in known:
            continue
        at = bisect_right(starts, start) - 1
        if at >= 0 and start < case.answer.quantities[at].end:
            continue  # 不少于6小时 is compared as an amount
        clause = case.answer.clause_at(start)
        there = _opposite(case, clause, number, 1 - side)
        if there is not None:
            source, begin, stop, score = there
            said, other = case.answer.raw[start:end], case.evidence[source].raw[begin:stop]
            says = f"答案为“{said}”，原文相应处为“{other}”。"
            strength = min(0.9, 0.3 + score)
            yield Signal("comparator.scale", "comparator", start, end, source, begin, stop, strength, says)


def _opposite(case: Case, clause: Clause, number: int, side: int) -> tuple[int, int, int, float] | None:
    """Where a clause that speaks of the same has the opposite word, and how well that is aligned."""
    matches = case.alignment[clause.number] if clause.number < len(case.alignment) else ()
    for match in matches[:3]:
        reading = case.evidence[match.source]
        theirs = reading.clauses[match.clause]
        for n, s, start, end in _words(reading):
            if (n, s) == (number, side) and theirs.start <= start < theirs.end:
                return match.source, start, end, match.score
    return None
