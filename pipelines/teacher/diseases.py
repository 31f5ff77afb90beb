"""A disease as the graph has it, cut down to what may be said about a child.

The triples of one disease come in; out comes a `Disease` whose facts are plausible for its kind, freed from
duplicates and cut names. Whatever is doubtful is left out: a missing fact harms nobody.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from pipelines.teacher.classes_infectious import INFECTIOUS
from pipelines.teacher.classes_neonatal import NEONATAL_CLASSES
from pipelines.teacher.classes_organs import ORGANS
from pipelines.teacher.classes_other import OTHER
from pipelines.teacher.contradictions import contradicts
from pipelines.teacher.disease_classes import DiseaseClass
from pipelines.teacher.hallmarks import has_hallmark
from pipelines.teacher.lay_names import lay_name
from pipelines.teacher.relations import aspect_of
from pipelines.teacher.rows import Row
from schemas.records import TRIPLE, span

CLASSES: Final = (INFECTIOUS[0], *NEONATAL_CLASSES, *INFECTIOUS[1:], *ORGANS, *OTHER)

_AGE: Final = ("新生儿", "婴幼儿", "小儿", "儿童", "婴儿", "幼儿")
_NOT_A_NAME: Final = re.compile(
    r"\.\.|…|\d+\s*[-~～—]|[?？!！:：;；]|检查$|治疗$|现象$|常见的|紫瘢|热感冒|奎宁|(?<!缺陷)疾病$|遗传病$|障碍疾病|^弱智$|^维生素中毒$|^溶血$|^维生素缺乏$"
)
_ADULT: Final = re.compile(r"成年|成人|老年|中年|孕妇|妊娠|性生活|烟酒|医护|胎儿$")
# Diseases of grown-ups that graphs put under 儿科, and syndromes that no child word vouches for.
_ADULT_NAME: Final = re.compile(
    r"茎突|舌扁桃体|干性湿疹|肾萎缩|僵人|米勒费雪|水俣|^(?!.*(?:儿|先天|婴|幼|唐氏|猫叫|川崎|瑞氏|窘迫|吸入|胎粪|吸收不良)).*综合[征症]$"
)
_CHILD: Final = re.compile(r"儿|婴|幼|少年|童|(?:[0-9]|1[0-7])岁|月龄|出生|孩")
_NEVER: Final = re.compile(
    r"\.\.|…|暂无|无$|妇科|宫颈|盆腔|尿道癌|人流|老年|妊娠|性功能|性生活|勃起|前列腺|白带增多|月经|经期|更年|男子|"
    r"肝郁|气滞|气血|痰湿|浮脉|脉象|脉[数细弦浮沉滑]|舌苔|平滑肌|粘膜水肿|粘膜苍白|囊虫病|侏儒|脑血管瘤|颅咽管瘤|发作性睡病|触电|陶奇|HIV|钼靶|"
    r"生理性|跳跃征|愚|痴呆|超级影像|沮丧|结肠袋|玻璃样|离子内流|肢皮炎综合|双相型|^皮疹检查$|^皮肤颜色$|仪$|腺瘤|放射性|扫描电子|血沉方程|鼻咽部活组织|胃肠道症状|肝炎导致|败血症肾|女性生殖|男性生殖"
)
_NO_EXAM: Final = frozenset(
    {"皮疹", "皮损", "皮肤颜色", "体位", "脐检查", "疾病筛查", "健康体检", "皮肤病的物理检查", "皮肤病理检查"}
)
# A name with one of these is another disease than the name without it.
_NARROWS: Final = ("急性", "慢性", "新生儿", "初生", "感染性", "休克", "高热", "原发", "扁桃体")
_ITEM: Final = re.compile(r"[\w\u3400-\u9fff·“”α-ωΑ-Ω()（）、，\-/+]{1,16}")

# Different words for one finding: only the first that a disease has is kept.
_SAME: Final = [
    line.split()
    for line in """
发烧 发热 高热 高烧 低烧 低热 不规则热 弛张热 间歇热
恶心与呕吐 恶心 呕吐 反胃
食欲 厌食 拒食 厌奶 少吃 胃纳
右下腹 上腹部 下腹 腹痛 肚子疼 全腹痛 胀痛 急腹症 腹部不适 肠痉挛
腹胀 胀气 腹部逐渐胀大
犬吠 痉挛性咳 持续性咳 干咳 干性咳嗽 咳嗽 咳
呼吸困难 呼吸急促 气促 气急 气短 喘息 气喘
口唇青紫 面色青紫 发绀 紫绀 青紫
面色苍白 皮肤苍白 黏膜苍白 苍白
乏力 无力 疲劳 疲乏
流清涕 流鼻涕 流涕
心动过速 心率增快 脉率增快 心悸 心慌
易激惹 烦躁 激动 易哭 哭闹
肝脾肿大 肝肿大 脾肿大 肝脏肿大 肝大 脾大
颈部淋巴结 腋下淋巴 淋巴结肿大 淋巴肿大
水样便 稀便 稀溏 粪便量多 腹泻
黏液便 脓血便
脱水 失水
抽搐 惊厥 抽风 阵挛 强直
鼻痒 鼻内发痒
皮肤发黄 脸色发黄 黄疸
智力 精神发育
瘀点 瘀斑 紫癜 皮肤黏膜出血 点状出血 皮肤出血
遗尿 尿床 尿裤
水泡 水疱 疱疹 大疱
红斑 斑丘疹 斑疹 皮疹 丘疹 玫瑰疹
注意力不集中 注意障碍 注意力
瘙痒 剧痒 痒
溃疡 口角
咽痛 咽喉痛 吞咽痛 喉咙痛
学习困难 学习障碍
贫血 重度贫血
水肿 浮肿
头晕 头昏
蛋白尿 尿蛋白
胸部平片 胸透 普通透视 胸部B超 胸部CT
颅脑CT 头颅CT
白细胞 WBC 白细胞数
便常规 粪便常规 大便常规
心力衰竭 急性心力衰竭 充血性心力衰竭
多普勒超声心动图 二维超声心动图 经食管超声心动图 M型超声心动图 超声心动图
酸中毒 代谢性酸中毒
肾功能不全 肾衰
气胸 自发性气胸
心脏杂音 收缩期杂音
肌肉酸痛 肌痛 肌肉疼痛 钝痛
关节疼痛 关节肿痛
骨髓象分析 骨髓检查
口齿不清 构音 发音障碍
""".strip().splitlines()
]


MAX_VALUES: Final = 200
"""Values of one relation that are looked at; no disease has more, and comparing them is quadratic."""


@dataclass(frozen=True)
class Fact:
    """What a triple says, as it may be printed: `text` is the tail or a part of it."""

    text: str
    row: Row

    @property
    def evidence(self) -> dict[str, Any]:
        """The whole triple, so that the disease, the relation and the value are all in it."""
        row = dict(self.row)
        return span(TRIPLE, row, 0, len(row["head"]) + len(row["relation"]) + len(row["tail"]) + 2)


@dataclass(frozen=True)
class Disease:
    """A disease of children with its plausible facts by aspect, most telling first."""

    name: str
    kind: DiseaseClass
    facts: dict[str, tuple[Fact, ...]]
    rows: tuple[Row, ...]

    def texts(self, aspect: str, at_most: int = 99) -> list[str]:
        """What may be printed for an aspect."""
        return [fact.text for fact in self.facts.get(aspect, ())[:at_most]]

    def evidence(self, *aspects: str) -> list[dict[str, Any]]:
        """The evidence of everything that `texts` prints for the aspects."""
        return [fact.evidence for aspect in aspects for fact in self.facts.get(aspect, ())]

    def noticed(self) -> list[str]:
        """The symptoms that a parent can notice, no two that a parent would say in the same words."""
        seen: dict[str, str] = {}
        for term in self.texts("symptom"):
            words = lay_name(term)
            if words:
                seen.setdefault(words, term)
        return list(seen.values())

    @property
    def is_newborn(self) -> bool:
        """Whether the patient is a newborn by the disease's name."""
        return self.name.startswith("新生儿") or "胎粪" in self.name or "早产儿" in self.name


def diseases(rows: Iterable[Row]) -> Iterator[Disease]:
    """The diseases among triples; rows of one source and head form one disease, those that are none are left out."""
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        groups.setdefault((row["source_id"], row["head"]), []).append(row)
    for (_, head), members in groups.items():
        disease = _disease(head, members)
        if disease is not None:
            yield disease


def _disease(head: str, rows: Sequence[Row]) -> Disease | None:
    kind = disease_class(head)
    raw: dict[str, list[Row]] = {}
    for row in rows:
        aspect = aspect_of(row["relation"])
        if aspect and len(raw.setdefault(aspect, [])) < MAX_VALUES:
            raw[aspect].append(row)
    people = "".join(row["tail"] for row in raw.get("people", ()))
    if (
        kind is None
        or _ADULT_NAME.search(head)
        or _NOT_A_NAME.search(head)
        or not 2 <= len(head) <= 20
        or _foreign_to_children(head, people)
    ):
        return None
    aliases = [row["tail"] for row in raw.get("alias", ())]
    facts = {
        "symptom": _plausible(raw.get("symptom", ()), kind.symptoms, head, aliases),
        "exam": _plausible(raw.get("exam", ()), kind.exams, head, aliases),
        "complication": _plausible(raw.get("complication", ()), kind.complications, head, aliases),
        "alias": _aliases(raw.get("alias", ()), head),
        "part": _plausible(raw.get("part", ()), kind.parts, "", []),
        "department": _plausible(raw.get("department", ()), f"儿科 {kind.departments}", "", []),
        "treatment": _treatments(raw.get("treatment", ()), kind),
        "period": tuple(Fact(p, row) for row in raw.get("period", ()) if (p := _period(row["tail"], kind))),
        "people": tuple(Fact(p, row) for row in raw.get("people", ()) if (p := _people(row["tail"], head))),
        **{aspect: _texts(raw.get(aspect, ())) for aspect in ("cause", "prevention", "transmission")},
        "infectious": tuple(Fact(row["tail"], row) for row in raw.get("infectious", ()) if _agrees(row["tail"], kind)),
    }
    facts = {
        aspect: tuple(fact for fact in found if not contradicts(head, aspect, fact.text))
        for aspect, found in facts.items()
    }
    if not has_hallmark(head, [fact.text for fact in facts["symptom"]]):
        facts["symptom"] = ()  # what is left tells another disease
    return Disease(head, kind, {k: v for k, v in facts.items() if v}, tuple(rows))


@lru_cache(maxsize=65536)
def disease_class(name: str) -> DiseaseClass | None:
    """The first class with a name stem in `name`."""
    for kind in CLASSES:
        if any(stem in name for stem in kind.names.split()):
            return kind
    return None


def bare(term: str) -> str:
    """A term without the age group in front: in an answer about a child, 小儿咳嗽 is 咳嗽."""
    for age in _AGE:
        if term.startswith(age) and len(term) >= len(age) + 2 and term[len(age)] != "期":
            return term[len(age) :]
    return term


def _foreign_to_children(head: str, people: str) -> bool:
    return bool(_ADULT.search(people)) and not _CHILD.search(people) and not any(age in head for age in _AGE)


def _plausible(rows: Sequence[Row], stems: str, head: str, aliases: Sequence[str]) -> tuple[Fact, ...]:
    """Facts with a stem of the class in them, in the order of the stems, one for each finding."""
    order = stems.split()
    ranked: list[tuple[int, str, Row]] = []
    for row in rows:
        tail = row["tail"].strip()
        text = bare(tail).split("-化学检查")[0]
        rank = next((i for i, stem in enumerate(order) if stem in text), None)
        names_itself = head and (text in head or any(text in alias for alias in aliases) or bare(head) in text)
        if "低血糖" in head and re.search(r"糖化|高血糖素|耐量", text):
            continue
        contrary = ("慢性" in text and "急性" in head) or ("急性" in text and "慢性" in head)
        if (
            rank is None
            or (text in _NO_EXAM and aspect_of(row["relation"]) == "exam")
            or names_itself
            or contrary
            or not _ITEM.fullmatch(text)
            or _NEVER.search(text)
        ):
            continue
        ranked.append((rank, text, row))
    ranked.sort(key=lambda item: (item[0], item[1], item[2]["record_id"]))
    return tuple(_distinct(ranked))


def _distinct(ranked: Sequence[tuple[int, str, Row]]) -> Iterator[Fact]:
    seen: set[str] = set()
    for _, text, row in ranked:
        keys = {str(i) for i, words in enumerate(_SAME) if any(word in text for word in words)} or {text}
        if keys & seen or any(text in other or other in text for other in seen if not other.isdigit()):
            continue
        seen |= keys | {text}
        yield Fact(text, row)


def _aliases(rows: Sequence[Row], head: str) -> tuple[Fact, ...]:
    """Other names of the same thing: not a wider term, not a narrower one, not another age group."""
    kept: dict[str, Fact] = {}
    core = bare(head)
    for row in rows:
        alias = row["tail"].strip()
        own = bare(alias)
        related = any(own[i : i + 2] in core for i in range(len(own) - 1))
        narrower = any(word in alias and word not in head for word in _NARROWS)
        wider = own in core or (related and any(word in head and word not in alias for word in _NARROWS))
        wider_or_narrower = core in own or narrower or wider
        if own == core or wider_or_narrower or not _ITEM.fullmatch(alias) or len(alias) < 3 or _NEVER.search(alias):
            continue
        if "紊乱" in alias or alias == "综合征" or not re.search(r"[\u3400-\u9fff]", alias):
            continue
        key = own.replace("症", "征").replace("病", "征").rstrip("征")
        kept.setdefault(key, Fact(alias, row))
    facts = [kept[key] for key in sorted(kept, key=lambda k: (len(k), k))]
    others = [fact.text for fact in facts]
    # A name with another one at its end is often a misprint of it, one with another at its start its full form.
    return tuple(
        fact
        for fact in facts
        if not any(fact.text != o and (fact.text.endswith(o) or o.startswith(fact.text)) for o in others)
    )


def _treatments(rows: Sequence[Row], kind: DiseaseClass) -> tuple[Fact, ...]:
    facts = []
    for row in rows:
        text = row["tail"].strip()
        if (_NO_HERBS.search(row["head"]) and re.search(r"中[医药]", text)) or "喉喘鸣" in row["head"]:
            continue
        if (
            any(s in text for s in kind.treatments.split()) and re.fullmatch(r"[\u3400-\u9fff]{2,8}", text)
        ) or _SPECIFIC_WAY.fullmatch(text):
            facts.append(Fact(text, row))
    return tuple(sorted(facts, key=lambda fact: (fact.text, fact.row["record_id"])))


def _texts(rows: Sequence[Row]) -> tuple[Fact, ...]:
    """Short values as they stand, the first five: no class vouches for causes, so only clean ones pass."""
    facts = [Fact(row["tail"].strip().rstrip("。"), row) for row in rows]
    clean = [fact for fact in facts if 2 <= len(fact.text) <= 60 and not _NEVER.search(fact.text)]
    return tuple(sorted(clean, key=lambda fact: (len(fact.text), fact.text))[:5])


# Ways of treatment that say more than 药物治疗; a scraped graph does not have them, a curated one does.
_SPECIFIC_WAY: Final = re.compile(
    r"[\u3400-\u9fffA-Za-z0-9βα]{0,10}(?:抗病毒|抗感染|补液|吸氧|雾化|铁剂|免疫球蛋白|大环内酯|皮质激素|布地奈德|呼吸道通畅|休息|补充水分|补锌|"
    r"清洗|清洁|隔离|回避)[\u3400-\u9fffA-Za-z]{0,10}"
)
_NO_HERBS: Final = re.compile(r"出血|惊厥|癫痫|白血病|瘤|脑|狂犬|休克|衰竭|败血|中毒")
_PERIOD: Final = re.compile(r"(\d{1,3})(?:[-~～—](\d{1,3}))?(天|日|周|个?月|年)")
_DAYS: Final = {"天": 1, "日": 1, "周": 7, "月": 30, "个月": 30, "年": 365}


def _period(text: str, kind: DiseaseClass) -> str | None:
    """The length of treatment, where it is well written and possible for the kind of disease."""
    match = _PERIOD.search(text)
    if not match or kind.days is None or ">" in text or "治愈" in text:
        return None
    shortest, longest = (int(match[i] or match[1]) * _DAYS[match[3]] for i in (1, 2))
    return match[0] if kind.days[0] <= shortest <= longest <= kind.days[1] else None


def _people(text: str, head: str) -> str | None:
    """The group at risk, where it says more than the disease's own name."""
    text = text.strip().rstrip("。，,；;.")
    telling = re.search(r"\d|学龄|青春期|早产|足月|男|女|母亲|秋冬", text)
    if not telling or not _CHILD.search(text) or _ADULT.search(text) or not 4 <= len(text) <= 40 or "l岁" in text:
        return None
    if "新生儿" in head and "岁" in text:
        return None
    return text if text not in head and "人群" not in text else None


def _agrees(text: str, kind: DiseaseClass) -> bool:
    return kind.infectious is not None and text in ("有传染性", "无传染性") and kind.infectious == (text == "有传染性")
