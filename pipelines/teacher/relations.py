"""What a relation of a graph is about, whatever its makers called it."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

_NAMES: Final = {
    "alias": "alias aliases synonym 别名 又称 也称 同义词 别称",
    "part": "part body_part 部位 发病部位 患病部位 累及部位",
    "people": "age people population affected_people susceptible get_way 人群 易感人群 好发人群 多发人群 "
    "发病年龄 好发年龄",
    "infectious": "infection infectious infectivity contagious 传染性 是否传染",
    "department": "department cure_department 科室 就诊科室 所属科室",
    "exam": "check checks checklist exam examination examinations need_check test "
    "检查 检查项目 辅助检查 实验室检查 影像学检查",
    "symptom": "symptom symptoms has_symptom 症状 临床表现 典型症状 临床症状及体征",
    "complication": "complication complications acompany accompany acompany_with 并发症 并发 伴发疾病",
    "treatment": "treatment treatments cure_way therapy 治疗 治疗方式 治疗方法",
    "period": "period duration cure_lasttime 治疗周期 疗程 治疗时间",
    "cause": "cause causes etiology aetiology 病因 致病因素 病原体",
    "prevention": "prevent prevention 预防 预防措施",
    "care": "care nursing 护理 家庭护理",
    "vaccine": "vaccine 疫苗 接种疫苗",
    "transmission": "transmission 传播途径 传播方式",
    "drug": "drug drugs medicine common_drug recommand_drug recommend_drug 药物 药品 常用药品 药物治疗 好评药品",
    "ignored": "insurance money cost rate cured_prob 医保 费用 治愈率",
}
_ASPECTS: Final = {name: aspect for aspect, names in _NAMES.items() for name in names.split()}


@lru_cache(maxsize=4096)
def aspect_of(relation: str) -> str | None:
    """The aspect that a relation's name means, or None for one that we do not know."""
    key = re.sub(r"[\s-]+", "_", relation.strip().lower())
    return _ASPECTS.get(key) or _ASPECTS.get(key.removeprefix("has_"))
