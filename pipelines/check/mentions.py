"""Words with a meaning of their own: who, what, for whom, by which way.

Names come from `lexicon`; offices and bodies that no list has are known by their endings (局, 部门, 机构); ages and
weights come from the amounts.
"""

from __future__ import annotations

import functools
import operator
import re
from fractions import Fraction
from typing import TYPE_CHECKING, Final, NamedTuple

from pipelines.check.lexicon import TYPES as TYPES
from pipelines.check.lexicon import kinds_of as kinds_of
from pipelines.check.lexicon import lexicon
from pipelines.check.reading import Reading

if TYPE_CHECKING:
    from pipelines.check.quantities import Quantity


class Mention(NamedTuple):
    """One word or phrase.

    Attributes:
        type: One of `TYPES`.
        key: Its meaning: aliases and spellings of one thing have one key (扑热息痛, 对乙酰氨基酚); for populations the
            interval of age in months (`age:36-144`), of weight, or a condition (`condition:哮喘`).
        parent: The key of what it is a kind of (青霉素类 of 阿莫西林), empty where none is known.
        start, end: In the text.
        text: As written there.
    """

    type: str
    key: str
    parent: str
    start: int
    end: int
    text: str


PAIRS: Final = (
    ("早产", "足月"), ("男", "女"), ("小学", "中学"), ("同学", "家庭成员"), ("学龄", "学龄前"), ("儿童", "age:216-"),
    *((f"condition:{one}", f"condition:{other}") for one, other in (
        ("阳性", "阴性"), ("有效", "无效"), ("主要", "次要"), ("轻度", "重度"), ("急性", "慢性"),
        ("单侧", "双侧"), ("白天", "夜间"),
        ("餐前", "餐后"), ("门诊", "住院"), ("城市", "农村"), ("户籍", "居住证"),
        ("首次", "再次"), ("起始", "维持"), ("治疗", "预防"),
    )),
)  # fmt: skip
"""Keys of populations and conditions that exclude each other."""
OPPOSITES: Final = {key: other for pair in PAIRS for key, other in (pair, pair[::-1])}
MINUTES_A_MONTH: Final = 30 * 1440  # ages in days or weeks; only their order matters
_BODY: Final = re.compile("主管部门|行政部门|管理部门|监管部门|部门|委员会|管理局|机关|协会|学会|联合会|基金会|集团")
_BODY_CHARS: Final = 10
_HAN_END: Final = re.compile(r"[\u4e00-\u9fff]*$")
_LEADS: Final = re.compile(
    r"^.*(?:由|向|经|报|被|请|找|和|与|及|或|者|在|对|为|当|将|应|的|会|是|这|那|哪|其他|有关|相关|该|各|两个|几个|到|给|从|让|级以上|地方|人民政府|设区|以上|同级)"
)
_STEPS: Final = {c: i for row in ("ⅰⅱⅲⅳⅴⅵ", "一二三四五六", "123456") for i, c in enumerate(row, 1)} | {
    c: 10 + i for i, c in enumerate("甲乙丙丁", 1)
}
_STEP: Final = "[" + "".join(_STEPS) + "]"
_GRADE: Final = re.compile(
    rf"(?<![\dⅰ-ⅻ.~同这那每另某哪任a-z])第?({_STEP})(?:[~至、和-]第?({_STEP}))?(类|级|型|期)(?!别|间)"
)
_FACTOR: Final = re.compile(r"(?:凝血)?因子\s*([ⅰ-ⅻ]|\d{1,2})|(?<![a-z])f([ⅰ-ⅻ])")
_OFFICE: Final = re.compile(r"等?(?:主管|行政|管理|监管|监督管理)?部门$")
_COMPOUNDS: Final = frozenset("酸化氢代基氯硫苷唑林素醇酮胺肽")  # before the metal of a salt: 丙戊酸钠
_EDITION: Final = re.compile(r"《[^《》\n]{2,40}》")


def mentions(reading: Reading) -> tuple[Mention, ...]:
    """The mentions of a text, in order, the longest at each place."""
    text = reading.folded
    listed = _listed(text)
    edges = {edge for m in listed if m.type == "actor" for edge in (m.start, -m.end)}
    bodies = [m for m in _bodies(text) if m.type != "actor" or not edges & {m.start, -m.end}]
    found = [*listed, *bodies, *_ages(reading), *_grades(text)]
    found.sort(key=lambda mention: (mention.start, -mention.end))
    kept: list[Mention] = []
    end = 0
    for mention in found:
        if mention.start >= end:
            kept.append(mention)
            end = mention.end
    return tuple(mention for mention in kept if mention.type != "plain")


def _listed(text: str) -> list[Mention]:
    names = lexicon()
    by_two, single = names.by_length, names.single
    found = []
    end = 0
    for at, two in enumerate(map(operator.add, text, text[1:] + " ")):
        if at < end or (two not in by_two and two[0] not in single):
            continue
        word = None
        if two in by_two:
            lengths, words = by_two[two]
            word = next((words[text[at : at + n]] for n in lengths if text[at : at + n] in words), None)
        word = word or single.get(two[0])
        if word is None or (word.text[-1].isascii() and _splits_a_word(text, at, at + len(word.text))):
            continue
        if len(word.text) == 1 and word.type == "food" and at and text[at - 1] in _COMPOUNDS:
            continue
        end = at + len(word.text)
        found.append(Mention(word.type, word.key, word.parent, at, end, text[at:end]))
    return found


def _splits_a_word(text: str, start: int, end: int) -> bool:
    """Whether Latin letters or digits go on right beside it."""
    before = start and text[start].isascii() and text[start - 1].isascii() and text[start - 1].isalpha()
    return bool(before) or (end < len(text) and text[end].isascii() and text[end].isalnum())


def _bodies(text: str) -> list[Mention]:
    """Offices and bodies that no list has, by their endings."""
    found = []
    last = 0
    for match in _BODY.finditer(text):
        first = max(last, match.start() - _BODY_CHARS)
        run = _HAN_END.search(text[first : match.start()])
        start = match.start() - len(run[0]) if run else first
        last = match.end()
        if match.start() - start < 2:
            continue
        cut = _LEADS.match(text[start : last - 2])
        start += cut.end() if cut else 0
        name = text[start:last]
        if len(name) > 2 and name[-2:] not in name[:-2]:
            found.append(Mention("actor", _OFFICE.sub("", name) or name, "", start, last, name))
    found += [Mention("authority", m[0], "", m.start(), m.end(), m[0]) for m in _EDITION.finditer(text)]
    return found


def _grades(text: str) -> list[Mention]:
    """Classes, grades, types, stages (Ⅲ～Ⅴ级, 第二类, 乙类): `grade:级:3-5`."""
    found = []
    for match in _GRADE.finditer(text):
        low = _STEPS[match[1]]
        key = f"grade:{match[3]}:{low}-{_STEPS[match[2]] if match[2] else low}"
        found.append(Mention("population", key, "", match.start(), match.end(), match[0]))
    for match in _FACTOR.finditer(text):
        found.append(Mention("test", f"因子{_roman(match[1] or match[2])}", "", match.start(), match.end(), match[0]))
    return found


def _roman(number: str) -> int:
    return int(number) if number.isdigit() else ord(number) - ord("ⅰ") + 1


def _ages(reading: Reading) -> list[Mention]:
    """Ages and weights; a number of months that opens a clause (6~12个月10万IU) is an age as well."""
    found = []
    for q in reading.quantities:
        opens = q.unit == "month" and q.role == "duration" and (q.comparator or q.low != q.high)
        if q.role in ("age", "weight") or (opens and not reading.folded[max(0, q.start - 1) : q.start].isalnum()):
            found.append(Mention("population", interval(q), "", q.start, q.end, q.text))
    return found


def interval(quantity: Quantity) -> str:
    """The key of an age or weight: `age:36-144`, `weight:-20`; an open side is left empty."""
    scale = MINUTES_A_MONTH if quantity.unit == "minute" else 1
    low, high = ("" if bound is None else str(bound / scale) for bound in (quantity.low, quantity.high))
    return f"{'weight' if quantity.role == 'weight' else 'age'}:{low}-{high}"


@functools.lru_cache(maxsize=4096)
def bounds(key: str) -> tuple[Fraction, Fraction] | None:
    """The interval of a key of ages or weights; None for other keys."""
    kind, _, span = key.partition(":")
    if kind not in ("age", "weight"):
        return None
    low, _, high = span.partition("-")
    return Fraction(low or 0), Fraction(high) if high else Fraction(10**6)
