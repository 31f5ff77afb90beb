"""Texts with planted near-duplicates and dose variants, made from a seed."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass

import polars as pl

_SUBJECTS = ("患儿", "孩子", "小儿", "幼儿", "早产儿", "学龄儿童", "家长", "婴儿")
_WHEN = ("发热时", "咳嗽加重时", "夜间哭闹时", "腹泻期间", "出疹以后", "恢复阶段", "喂养过程中", "换季的时候")
_WHAT = (
    "要让房间保持通风并注意补充水分", "可以用温水擦拭颈部和腋窝帮助散热", "应当观察精神状态和尿量的变化",
    "宜给予清淡易消化的食物少量多餐", "需要记录体温曲线便于医生判断病情", "每天保证充足睡眠有助于身体恢复",
    "外出归来先洗手再接触玩具和餐具", "大便性状改变时留取标本送去化验", "皮肤褶皱处容易潮湿要勤换衣物",
    "可口服补液盐预防脱水的发生发展", "按计划完成疫苗接种能够减少感染", "家中吸烟会加重气道的慢性炎症",
)  # fmt: skip
_DOSE = (
    "口服剂量每次5毫克", "体温超过38.5℃", "每日3次连用7天", "年龄满6个月", "间隔4小时", "总量不超过60毫升",
    "用药2周后复查", "三天内复诊", "半岁以后添加",
)  # fmt: skip
_HOT = re.compile(
    r"[0-9.℃一二三四五六七八九十两半不无未勿禁忌慎]|毫|克|升|岁|月|天|日|周|次|时|小|个|龄|儿|早|夜|重|量|满|过|内|后|前|上|下"
)
_RARE = "".join(chr(c) for c in range(0x5B50, 0x5C90) if not _HOT.match(chr(c)))
_SAFE = "温水房间观察精神尿量变化食物清淡消化记录曲线便于判断病情睡眠恢复玩具餐具标本化验皮肤褶皱衣物计划减少气道炎症"


@dataclass(frozen=True)
class Planted:
    """A frame with `record_id` and `text`, and the pairs of ids that were planted in it."""

    frame: pl.DataFrame
    near: list[tuple[str, str]]
    variants: list[tuple[str, str]]


def planted(n: int, seed: int = 7, n_near: int | None = None, n_variants: int = 0) -> Planted:
    """`n` texts of some 150 characters, and copies of some with 1 to 8 % of the characters, or one number, changed."""
    chance = random.Random(seed)
    texts = list(dict.fromkeys(_text(chance) for _ in range(n)))
    rows = [(f"b{i:07d}", text) for i, text in enumerate(texts)]
    near, variants = [], []
    for k, i in enumerate(chance.sample(range(len(texts)), n // 10 if n_near is None else n_near)):
        rows.append((f"n{k:07d}", edited(texts[i], (1 + k % 8) / 100, chance)))
        near.append((rows[-1][0], f"b{i:07d}"))
    for k, i in enumerate(chance.sample(range(len(texts)), n_variants)):
        rows.append((f"v{k:07d}", another_dose(texts[i], chance)))
        variants.append((rows[-1][0], f"b{i:07d}"))
    chance.shuffle(rows)
    return Planted(pl.DataFrame(rows, schema=["record_id", "text"], orient="row"), near, variants)


def _text(chance: random.Random) -> str:
    clauses = []
    for _ in range(chance.randint(5, 11)):
        rare = "".join(chance.choice(_RARE) for _ in range(chance.randint(2, 6)))
        body = chance.choice(_SUBJECTS) + chance.choice(_WHEN) + rare + chance.choice(_WHAT)
        clauses.append(body + ("，" + chance.choice(_DOSE) if chance.random() < 0.4 else ""))
    return "。".join(clauses) + "。"


def edited(text: str, share: float, chance: random.Random) -> str:
    """The text with that share of its characters replaced, taken out or doubled; no number, unit or negation."""
    places = [i for i, c in enumerate(text) if not _HOT.match(c)]
    chosen = set(chance.sample(places, max(1, round(len(text) * share))))
    out = []
    for i, character in enumerate(text):
        if i not in chosen:
            out.append(character)
        elif (way := chance.random()) < 0.5:
            out.append(chance.choice(_SAFE))
        elif way < 0.75:
            out += [character, chance.choice(_SAFE)]
    return "".join(out)


def another_dose(text: str, chance: random.Random) -> str:
    """The text with one of its numbers made another, or a sentence with one at its end."""
    numbers = list(re.finditer(r"\d+", text))
    if not numbers:
        return text + "每次9毫克。"
    found = chance.choice(numbers)
    return text[: found.start()] + str(int(found[0]) + chance.choice((1, 2, 10))) + text[found.end() :]
