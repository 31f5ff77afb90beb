"""The relations of a medical knowledge graph: what tables call them, how their cells are written, what fits them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sources.mapping import plain_key


@dataclass(frozen=True)
class Relation:
    """One relation from an entity.

    Attributes:
        name: As triples call it.
        tail_type: Of its tails; empty where they are plain values.
        style: `list`: values with separators between them; `phrases`: the same, but a comma may stand inside a
            value where blanks separate values; `text`: one value, whatever stands in it.
        fits: What a value must contain to make sense; None where anything goes.
        unfit: What a value must not contain.
        strip: A leading phrase that only repeats the relation.
    """

    name: str
    tail_type: str = ""
    style: str = "list"
    fits: re.Pattern[str] | None = None
    unfit: re.Pattern[str] | None = None
    strip: re.Pattern[str] | None = None


_NO_TREATMENT: Final = re.compile(
    # A disease or a complaint, unless a word before it says what is done about it (控制原发病, 抗感染, 纠正贫血).
    r"^(?!.*(?:抗(?![体原])|防|控制|治|疗|纠正|减[轻少]|缓解|消[炎除]|祛|除|避免|改善|处理|监测|观察|止|镇|降|对症|针对|护理|阻断|管理))"
    r".*(?:[病症炎疮征疹癌瘤癣疝]|不良|缺乏|损伤|[疼头腹胸]痛|肿[胀大]|水肿|[发高]热|呕吐|恶心|腹泻|咳嗽|乏力|困难|紊乱|衰竭"
    r"|出血|贫血|惊厥|抽搐|昏迷|瘙痒|黄染|畸形|障碍|梗死|休克|感染)$"
    r"|检查$|^(?:MRI|CT|B超|X线|心电图|血常规|脑电图)|科$|医院|元[）)]?$"
    r"|^[\d.\-~～—%％\s]+(?:[天周月年日]|个月|小时)?$|^其[他它]$|^[是否有无]$"
)
"""What stands in this column where a row's cells have moved, or where a graph was filled without care."""
_PEOPLE: Final = re.compile(r"儿|童|人|孕|妇|女|男|岁|月|幼|年|患者|后代|生|胎|产|娠|孩|者|群|周|天")
_DURATION: Final = re.compile(r"[天周月年日时]|治|终身|终生|终生|长期|无法|不能")
_RATE: Final = re.compile(r"\d\s*[%％‰]|^(?:无法|不能|难以|尚无|本病|染色体)|控制|对症|自愈|良好|较[高低差好]")

NAME: Final = "name"
"""Target of the column that names the entity."""
NAME_COLUMNS: Final = (
    *(
        "name",
        "disease",
        "disease_name",
        "title",
        "entity",
        "head",
        "名称",
        "疾病",
        "疾病名称",
        "病名",
        "疾病名",
        "实体",
    ),
    *("药品名称", "药名", "症状名称"),
)

RELATIONS: Final[tuple[tuple[Relation, tuple[str, ...]], ...]] = (
    (Relation("别名", "疾病"), ("alias", "aliases", "synonym", "synonyms", "别名", "又名", "别称", "俗称")),
    (
        Relation("发病部位", "部位", unfit=re.compile(r"^其他$")),
        ("part", "body_part", "site", "location", "发病部位", "部位"),
    ),
    (
        Relation("好发人群", "人群", "text", _PEOPLE, re.compile(r"^(?:儿科|是一种)|[lIO]岁")),
        ("age", "susceptible", "population", "easy_get", "people", "好发人群", "易感人群", "多发人群"),
    ),
    (Relation("传染性", "", "text"), ("infection", "infectious", "infectivity", "传染性", "是否传染")),
    (Relation("传播途径", "", "text"), ("get_way", "transmission", "传染方式", "传播途径", "传播方式")),
    (Relation("医保", "", "text"), ("insurance", "yibao_status", "医保", "医保疾病", "是否医保")),
    (
        Relation("就诊科室", "科室", fits=re.compile(r"科|中心|门诊|急诊|部$")),
        ("department", "departments", "cure_department", "就诊科室", "科室", "所属科室"),
    ),
    (
        Relation("检查", "检查", "phrases"),
        ("checklist", "check", "checks", "examination", "examinations", "test", "检查", "检查项目", "辅助检查"),
    ),
    (
        Relation("症状", "症状", "phrases", unfit=re.compile(r"^(?:MRI|CT|B超)$|检查$")),
        ("symptom", "symptoms", "clinical_manifestation", "症状", "典型症状", "临床表现"),
    ),
    (
        Relation("并发症", "疾病"),
        ("complication", "complications", "acompany", "accompany", "并发症", "并发疾病"),
    ),
    (
        Relation("治疗方式", "治疗", unfit=_NO_TREATMENT),
        ("treatment", "treatments", "cure_way", "therapy", "治疗方式", "治疗方法", "治疗", "治疗手段"),
    ),
    (
        Relation("常用药物", "药物", unfit=re.compile(r"仪$|器$|[？?]")),
        ("drug", "drugs", "common_drug", "medicine", "medication", "常用药物", "常用药品", "药物", "药品", "用药"),
    ),
    (
        Relation("推荐药物", "药物", unfit=re.compile(r"仪$|器$|[？?]")),
        ("recommand_drug", "recommend_drug", "推荐药物", "推荐药品"),
    ),
    (
        Relation(
            "治疗周期", "", "text", _DURATION, re.compile(r"[%％]"), re.compile(r"^(?:治疗)?周期(?:为|是|约(?=\d))?")
        ),
        ("period", "cure_lasttime", "duration", "治疗周期", "疗程"),
    ),
    (
        Relation("治愈率", "", "text", _RATE, re.compile(r"咋"), re.compile(r"^治愈率(?:为|是|达)?")),
        ("rate", "cured_prob", "cure_rate", "治愈率", "治愈概率"),
    ),
    (Relation("患病率", "", "text", re.compile(r"\d|罕见|少见|常见")), ("get_prob", "prevalence", "患病率", "发病率")),
    (
        Relation("费用", "", "text", re.compile(r"\d"), None, re.compile(r"^(?:治疗)?费用(?:为|是|约(?=\d))?")),
        ("money", "cost_money", "cost", "费用", "治疗费用"),
    ),
    (Relation("简介", "", "text"), ("desc", "description", "intro", "introduction", "简介", "概述", "定义")),
    (Relation("病因", "", "text"), ("cause", "causes", "etiology", "病因", "发病原因")),
    (Relation("预防", "", "text"), ("prevent", "prevention", "预防", "预防措施", "预防方法")),
    (Relation("护理", "", "text"), ("nursing", "care", "护理", "护理措施")),
    (Relation("适用剂量", "", "text"), ("dosage", "dose", "用法用量", "剂量", "适用剂量")),
    (Relation("适应症", "疾病"), ("indication", "indications", "适应症", "适应证")),
    (Relation("禁忌", ""), ("contraindication", "contraindications", "禁忌", "禁忌症", "禁忌证")),
    (Relation("不良反应", "症状"), ("adverse_reaction", "side_effect", "side_effects", "不良反应", "副作用")),
    (Relation("宜吃", "食物"), ("do_eat", "宜吃", "宜吃食物")),
    (Relation("忌吃", "食物"), ("not_eat", "忌吃", "忌吃食物")),
    (Relation("推荐食谱", "食物"), ("recommand_eat", "recommend_eat", "推荐食谱")),
    (Relation("所属分类", "分类"), ("category", "所属分类", "分类")),
)

BY_COLUMN: Final[Mapping[str, Relation]] = {
    plain_key(column): relation for relation, columns in RELATIONS for column in columns
}
BY_NAME: Final[Mapping[str, Relation]] = {relation.name: relation for relation, _ in RELATIONS}

HEAD_TYPES: Final[Mapping[str, str]] = {"药品名称": "药物", "药名": "药物", "症状名称": "症状"}
"""Type of the entity where its column is not called after a disease."""

CHILD: Final = re.compile(r"小儿|新生儿|婴|儿童|幼儿|幼女|早产|胎儿")
ADULT: Final = re.compile(
    r"老年|更年期|绝经|人流|早孕|宫颈(?:糜烂|炎|癌)|性交|早泄|阳痿|前列腺(?:癌|增生)|尿妊娠|经产妇"
)
"""What no child has: such a tail of a child's disease is an error of the graph."""
