"""What a disease is not without: a list of findings that lacks it names another disease.

The graph gives a tic disorder as 紧张、焦虑、易激惹. Each is plausible, but nobody would think of tics without a tic.
Source: the leading findings in 《儿科学》 (第9版, 人民卫生出版社, 2018), chapters of the diseases named.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

_HALLMARKS: Final = tuple(
    (re.compile(names), re.compile(findings))
    for names, findings in (
        (r"抽动", r"抽动|点头|摇头|阵挛|不自主"),
        (r"多动|注意缺陷", r"注意|坐立"),
        (r"腹泻|泄泻|肠炎|痢疾|结肠炎|乳糖", r"便|泻"),
        (r"肺炎|支气管炎|毛细", r"咳|喘|呼吸|气促|气急|气短|鼻翼|啰音|痰"),
        (r"哮喘", r"喘|哮(?!喘)|咳|胸闷"),
        (r"流感|流行性感冒", r"发|热|烧"),
        (r"呕吐", r"呕吐|吐奶|溢乳|恶心"),
        (r"腹胀|脾大|青紫|低体温", r"^$"),  # the name is the finding: all that is left says little
        (r"头颅血肿", r"肿|包|波动"),
        (r"斜视", r"斜|注视"),
        (r"IgA", r"血尿"),
        (r"胆道闭锁", r"黄|白"),
        (r"溶血病", r"黄|贫血|苍白"),
        (r"痉挛性脑瘫", r"张力|痉挛|剪刀"),
        (r"坏血|维生素C缺乏", r"出血|瘀|齿龈"),
        (r"鹅口疮", r"白"),
        (r"喉炎|喉喘鸣", r"犬吠|喉|嘶哑|声"),
        (r"鼻炎", r"鼻|喷嚏"),
        (r"感冒|流感|上呼吸道", r"鼻|咽|咳|喷嚏|发烧|高热"),
        (r"肾炎|肾病|肾小球", r"尿|水肿|蛋白"),
        (r"尿路感染|尿感", r"尿|肾区"),
        (r"糖尿病|尿崩", r"多尿|多饮"),
        (r"贫血", r"苍白|贫血|浅黄|头晕|血红蛋白尿"),
        (r"肝炎|黄疸|胆", r"黄|肝|大便|胆"),
        (r"癫痫|惊厥|痉挛症", r"抽|厥|阵挛|强直|意识|点头"),
        (r"脑炎|脑膜炎", r"抽|颅|前囟|头痛|易激惹|嗜睡|昏"),
        (r"湿疹|皮炎|红斑|疱|疹|手足口|麻疹|水痘", r"疹|疱|红|痂|泡"),
        (r"紫癜|紫瘢|出血症", r"紫|瘀|出血|呕血"),
        (r"白血病|淋巴瘤", r"出血|淋巴|肝|脾|苍白"),
        (
            r"心肌炎|心力衰竭|心动过速|心律|缺损|未闭|法洛|肺动脉高压",
            r"心|乏力|发绀|紫绀|青紫|奔马律|杂音|呼吸|喘|气促",
        ),
        (r"肠套叠|阑尾炎|肠痉挛|腹痛|胃炎|溃疡|胰腺炎", r"腹|肚子|便血"),
        (r"幽门狭窄|反流", r"吐|乳|反酸"),
        (r"便秘|巨结肠", r"便|胀"),
        (r"遗尿", r"尿"),
        (r"口炎|鹅口疮", r"口|溃疡"),
        (r"肺结核|结核病", r"咳|盗汗|低烧|消瘦"),
        (r"隐睾|睾丸", r"睾|阴囊"),
        (r"肌无力|肌萎缩|肌营养|格林巴利", r"无力|肌|瘫|跌|步态|台阶|麻木"),
        (r"川崎", r"发烧|发热"),
    )
)


@lru_cache(maxsize=4096)
def _needed(name: str) -> tuple[re.Pattern[str], ...]:
    return tuple(findings for names, findings in _HALLMARKS if names.search(name))


def has_hallmark(name: str, terms: Sequence[str]) -> bool:
    """Whether every finding that the disease is not without is among the terms."""
    said = "、".join(terms)
    return all(findings.search(said) for findings in _needed(name))


_DISTINCTIONS: Final = tuple(
    (re.compile(names), re.compile(findings) if findings else None)
    for names, findings in (
        # None: no story at the bedside tells this germ from another; only the laboratory does.
        (r"(?:腺病毒|球菌|真菌|合胞|支原体|衣原体|喘憋|流感嗜血|军团).{0,4}肺炎", None),
        (r"[甲乙丙丁戊]型.{0,3}肝炎|幽门螺|蓝氏|弓形|弓浆|巨细胞", None),
        (r"IgA肾病", r"血尿"),
        (r"再生障碍", r"出血|瘀|紫|紫癜"),
        (r"肠病性肢端", r"腹泻|水样便|稀便|脱发|毛发"),
        (r"弹力纤维增生|心内膜", r"心脏扩大|奔马律|心力衰竭"),
        (r"单核细胞增多", r"淋巴结|咽"),
        (r"病毒性心肌炎", r"心律|早搏|心动过速|奔马律|胸痛"),
        (r"高黏滞|红细胞增多", r"潮红|多血|发红|发绀"),
        (r"食物中毒", r"呕|吐|腹泻|稀便|水样便"),
        (r"细菌性痢疾", r"黏液便|脓血|里急后重"),
    )
)


def tells_apart(name: str, terms: Sequence[str]) -> bool:
    """Whether the findings speak for this disease rather than for its like, so that a doctor may name it."""
    said = "、".join(terms)
    for names, findings in _DISTINCTIONS:
        if names.search(name) and (findings is None or not findings.search(said)):
            return False
    return True
