"""Words by which the rows of a table differ: degree, phase, sex, side, course, meal.

Two words of one facet exclude each other (轻度, 重度); what is said of one is not said of the other.
"""

from __future__ import annotations

import functools
import re
from typing import Final, NamedTuple

from pipelines.check.numerals import spoken
from pipelines.check.reading import Reading


class Facet(NamedTuple):
    """One word; `type` is `facet:` with the number of its set, `key` its value in that set."""

    type: str
    key: str
    start: int
    end: int


_SETS: Final = (
    "轻度 轻症 轻型 轻微 较轻 病情轻 | 中度 中等度 中等 中型 | 极重度 危重 极重 | "
    "重度 重症 重型 严重 较重 病情重 特别严重",
    "首剂 首次剂量 首日 首次 第1日 第1天 第一日 第一天 头一天 头天 负荷量 负荷剂量 负荷 "
    "起始剂量 起始量 起始 初始剂量 初始 开始剂量 起步 | "
    "维持剂量 维持量 维持 以后每 此后 其后 后续 随后 第2日起 第二天起 第2日 第2天 第二日 第二天 后几天 往后",
    "早产儿 早产 未足月 | 足月儿 足月 | 过期产",
    "男童 男孩 男生 男性 男婴 男宝 男 | 女童 女孩 女生 女性 女婴 女宝 女",
    "急性 | 亚急性 | 慢性",
    "预防 防止 | 治疗",
    "单侧 一侧 单眼 单耳 一边 | 双侧 两侧 双眼 双耳 两边 两只眼 两只耳",
    "餐前 饭前 进食前 空腹 | 餐后 饭后 进食后 饱腹 | 随餐 餐中 餐时 与食物同服 随饭",
    "睡前 临睡 入睡前 | 晨起 早晨 清晨 早上 | 中午 午间 | 晚上 夜间 夜里 傍晚",
    "急诊 | 门诊 | 住院",
    "乡镇 农村 | 城市 城镇",
    "小学生 小学 | 初中生 初中 | 高中生 高中 | 大学生 大学",
    "初筛 初次筛查 | 复筛 复查筛查 | 确诊",
    "冷藏 | 冷冻 冰冻 | 常温 室温",
    "减毒活疫苗 活疫苗 减毒 | 灭活疫苗 灭活",
    "单纯性 单纯 | 复杂性 复杂",
    "不完全性 不完全 部分性 | 完全性",
    "母乳喂养 纯母乳 母乳 | 混合喂养 | 人工喂养 配方奶喂养 配方奶 奶粉",
    "阳性 | 阴性",
    "前囟 | 后囟",
    "收缩压 高压 | 舒张压 低压",
    "单胎 | 双胎 双胞胎 多胎 多胞胎",
    "甲类 | 乙类 | 丙类",
    "绿区 | 黄区 | 红区",
    "高危 有高危因素 有危险因素 | 低危 无高危因素 无危险因素 没有高危因素 没有危险因素 "
    " 不伴高危因素 无高危 非高危 | 中危",
    "初次 第一次发作 初发 | 再次 复发 反复 再发",
    "症状消失 | 热退 退热后 退烧后 体温正常后 | 疱疹结痂 结痂",
    "发病 起病 | 治疗起 治疗之日 开始治疗",
    "接触后 暴露后 | 发病后 起病后 | 出疹后",
    "耳温 | 腋温 腋下 | 口温 口腔温度 | 肛温 直肠温度",
    "仰卧位 卧位 | 立位 站立 | 坐位 | 俯卧位",
    "高渗 | 等渗 | 低渗",
    "铝箔 | 玻璃瓶",
    "儿童 小儿 未成年人 孩子 小孩 宝宝 患儿 婴儿 幼儿 婴幼儿 新生儿 娃娃 | 成人 成年人 大人",
    "主要因素 主要指标 主要标准 | 次要因素 次要指标 次要标准",
    "个人 | 单位 | 机构",
    "公立 公办 | 民办 私立",
    "白班 | 夜班",
    "上午 | 下午",
    "增加 加量 上调 加大 | 减少 减量 下调 减小",
    "普通片 速释 | 缓释片 缓释 控释",
    "颗粒剂 颗粒 | 片剂 | 混悬液 糖浆 口服液 口服溶液 滴剂 | 栓剂 栓 | 注射液 注射剂 针剂",
)
"""Each set: its values between bars, each with its words."""


_ORDINAL: Final = re.compile(
    r"(?:第|(?<![0-9.第])(?=[0-9]{1,2}号))([0-9]{1,2}|[一二三四五六七八九十]{1,3})(周|天|日|次|剂|针|月|年|阶段|步|代|档|号)(?![~-])"
)
"""第2周, 3号: rows by number."""


@functools.cache
def _lexicon() -> tuple[re.Pattern[str], dict[str, tuple[str, str]]]:
    known = {
        word: (f"facet:{number}", words.split()[0])
        for number, values in enumerate(_SETS)
        for words in values.split(" | ")
        for word in words.split()
    }
    by_first: dict[str, list[str]] = {}
    for word in sorted(known, key=lambda w: (-len(w), w)):
        by_first.setdefault(word[0], []).append(word[1:])
    branches = (f"{first}(?:{'|'.join(map(re.escape, rests))})" for first, rests in by_first.items())
    return re.compile("|".join(branches)), known


@functools.lru_cache(maxsize=512)
def facets(reading: Reading) -> tuple[Facet, ...]:
    """The words of a text by which its rows differ, in order."""
    pattern, known = _lexicon()
    found = [Facet(*known[m[0]], m.start(), m.end()) for m in pattern.finditer(reading.folded)]
    if "第" in reading.folded or "号" in reading.folded:
        for m in _ORDINAL.finditer(reading.folded):
            said = None if m[1].isdigit() else spoken(m[1])
            number = said[0] if said else m[1]
            found.append(Facet(f"facet:{m[2]}", str(number), m.start(), m.end()))
        found.sort(key=lambda facet: facet.start)
    return tuple(found)
