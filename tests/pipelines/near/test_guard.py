"""Two texts nearly the same in letters merge only where they are the same in fact."""

from __future__ import annotations

import os
import random
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rapidfuzz.distance import Levenshtein

from pipelines.lexicons import rows, words
from pipelines.near.guard import disagreements, rule_numbers
from pipelines.near.guard_alignment import MAX_EDITS, align
from pipelines.near.guard_lexicon import RULES, lexicon

# left, right, and the rule that forbids a merge.
DIFFERENT = [
    ("每次10毫克", "每次20毫克", "number"),
    ("每次三钱", "每次二钱", "number"),
    ("体温38.5℃", "体温39.5℃", "number"),
    ("诊断为1型糖尿病", "诊断为2型糖尿病", "number"),
    ("血钙2.50", "血钙2.5", "number"),
    ("每次5mg,每日三次", "每次5g,每日三次", "unit"),
    ("每次5毫克,每日三次", "每次5克,每日三次", "unit"),
    ("每次5毫克,每日三次", "每次5毫升,每日三次", "unit"),
    ("按10mg/kg给药", "按10mg给药", "unit"),
    ("按10mg/kg/次给药", "按10mg/kg/日给药", "unit"),
    ("每次三钱", "每次三分", "unit"),
    ("疗程5天", "疗程5周", "unit"),
    ("3岁以上的患者", "3个月以上的患者", "unit"),
    ("宝宝三个月。", "宝宝三个。", None),  # says less, not something else
    ("每日3次口服", "每次3次口服", "unit"),
    ("每日服用一次", "每周服用一次", "unit"),
    ("新生儿用量减半", "婴儿用量减半", "age"),
    ("适用于婴幼儿", "适用于幼儿", "age"),
    ("成人口服两片", "儿童口服两片", "age"),
    ("孕妇可以使用", "老年人可以使用", "age"),
    ("没有发热的患儿", "有发热的患儿", "negation"),
    ("患儿没有发热", "患儿还有发热", "negation"),
    ("目前没发烧", "目前发烧", "negation"),
    ("并非细菌感染", "细菌感染", "negation"),
    ("服药期间别吃海鲜", "服药期间吃海鲜", "negation"),
    ("应避免使用激素", "应使用激素", "negation"),
    ("应避免使用激素", "应坚持使用激素", "negation"),
    ("立即停用阿司匹林", "立即使用阿司匹林", "negation"),
    ("患儿不发热", "患儿发热", "negation"),
    ("此药慎用", "此药可用", "negation"),
    ("givewithoutfood", "givefood", "negation"),
    ("血糖大于正常值", "血糖小于正常值", "comparator"),
    ("3岁以上", "3岁以下", "comparator"),
    ("3岁以上用", "3岁用", "comparator"),
    ("至少观察3天", "至多观察3天", "comparator"),
    ("白细胞<4", "白细胞>4", "comparator"),
    ("阿莫西林口服", "阿奇霉素口服", "drug"),
    ("可用布洛芬退热", "可用对乙酰氨基酚退热", "drug"),
    ("头孢克肟颗粒", "头孢克洛颗粒", "drug"),
    ("可用布洛芬、对乙酰氨基酚退热", "可用对乙酰氨基酚退热", "drug"),
    ("阿莫西林、阿奇霉素口服", "阿奇霉素口服", "drug"),
    ("甘草、人参、白术", "甘草、白术", "drug"),
    ("黄连三钱", "胡黄连三钱", "drug"),
    ("赤芍三钱", "白芍三钱", "drug"),
    ("维生素a缺乏", "维生素d缺乏", "drug"),
    ("诊断为支气管肺炎", "诊断为支气管炎", "disease"),
    ("诊断为支气管肺炎、支气管炎", "诊断为支气管炎", "disease"),
    ("诊断为支原体肺炎", "诊断为肺炎", "disease"),
    ("确诊胃炎", "确诊肾炎", "disease"),
    ("诊断为急性支气管炎", "诊断为慢性支气管炎", "opposite"),
    ("患儿患有高血压", "患儿患有低血压", "opposite"),
    ("饭前服用", "饭后服用", "opposite"),
    ("口服给药", "静脉给药", "opposite"),
    ("剂量增加", "剂量减少", "opposite"),
    ("左侧肺部", "右侧肺部", "opposite"),
    ("首选此药", "次选此药", "opposite"),
    ("抗体阳性", "抗体阴性", "opposite"),
    ("静脉滴注一次", "静脉推注一次", "opposite"),
    ("肝功能异常", "肝功能正常", "opposite"),
    ("疗程3天内", "疗程3天后", "opposite"),
    ("应立即停药", "应立即用药", "negation"),
    ("目前没任何不适", "目前有任何不适", "negation"),
]
SAME = [
    ("每次5mg,每日三次", "每次5毫克,每日三次"),
    ("每次5毫克,每日三次", "每次5豪克,每日三次"),
    ("每次5毫克,每日三次", "每次五毫克,每日三次"),
    ("宝宝三个月大了", "宝宝三个目大了"),
    ("收缩压140毫米汞柱", "收缩压140毫米录柱"),
    ("按10mg/kg给药", "按10mg|kg给药"),
    ("疗程3天左右", "疗程3日左右"),
    ("没有发热的患儿", "役有发热的患儿"),
    ("大水淹没了村庄", "大水淹设了村庄"),
    ("大水淹没了村庄", "大水淹了村庄"),
    ("非常重要的内容", "常重要的内容"),
    ("特别注意休息", "特注意休息"),
    ("体温大于正常值", "体温超过正常值"),
    ("诊断为支气管肺炎", "诊断为支气管肿炎"),
    ("诊断为支气管肺炎", "诊断为支气肺炎"),
    ("小儿肺炎的护理", "小几肺炎的护理"),
    ("可用布洛芬退热", "可用布咯芬退热"),
    ("可用对乙酰氨基酚退热", "可用对乙酸氨基酚退热"),
    ("服用六味地黄丸", "服用六味地黄"),
    ("白芍药三钱", "白芍三钱"),
    ("白芍药三钱", "芍药三钱"),
    ("癫痫患者", "癫痫病患者"),
    ("甲状腺功能亢进要治", "甲亢要治"),
    ("家长要注意休息", "家长要注意体息"),
    ("注意饮食清淡", "注意饮良清淡"),
    ("", "家长"),
    ("", ""),
]
FRAME = "医生您好,孩子的情况是这样的,{}。请问这种情况平时要注意些什么,谢谢。"


def judged(left: str, right: str) -> str | None:
    return disagreements([left], [right])[0]


@pytest.mark.parametrize(("left", "right", "rule"), DIFFERENT)
def test_another_fact_forbids_a_merge(left: str, right: str, rule: str | None) -> None:
    assert judged(left, right) == judged(right, left) == rule
    assert judged(FRAME.format(left), FRAME.format(right)) == rule


@pytest.mark.parametrize(("left", "right"), SAME)
def test_a_typo_or_another_spelling_is_no_other_fact(left: str, right: str) -> None:
    assert judged(left, right) is None
    assert judged(right, left) is None
    assert judged(FRAME.format(left), FRAME.format(right)) is None


def test_a_fact_is_found_among_edits_elsewhere() -> None:
    left = "孩子咳嗽三天了,医生看过以后开了阿莫西林和止咳的药水,吃了以后好了很多,想问还要不要继续吃呢,谢谢医生"
    right = "孩字咳嗽三天了,医生看以后开了阿奇霉素和止咳的药水水,吃了以后好了很多,想间还要不要续吃呢,谢谢医生"
    assert judged(left, right) == "drug"
    assert judged(left.replace("阿莫西林", "阿奇霉素"), right) is None


@pytest.mark.parametrize(
    ("left", "right", "rule"),
    [
        ("切碎)人参(去芦)麻黄", "切碎)附子去芦)麻黄", "drug"),  # the bracket is gone too
        ("都还没有治好的", "都人有治好的", "negation"),
        ("生气急躁。以上可以做为参考", "生气急躁。以下以做为参考", "comparator"),
        ("各二钱,当归末为粉", "各二钱,附子为粉", "drug"),
    ],
)
def test_a_typo_beside_a_fact_does_not_hide_it(left: str, right: str, rule: str) -> None:
    assert judged(left, right) == judged(right, left) == rule


PIECES = [
    "支气管",
    "肺炎",
    "炎",
    "布洛芬",
    "没有",
    "有",
    "5",
    "mg",
    "g",
    "/kg",
    "以上",
    "左",
    "右",
    "热",
    "a",
    "\ud800",
    "𠮷",
    "。",
    "\x1f",
]


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=12), st.lists(st.sampled_from(PIECES), max_size=12))
def test_the_answer_is_symmetric_and_equal_texts_merge(left: list[str], right: list[str]) -> None:
    a, b = "".join(left), "".join(right)
    assert judged(a, b) == judged(b, a)
    assert judged(a, a) is None


@settings(max_examples=200, deadline=None)
@given(st.text("ab甘草", max_size=20), st.text("ab甘草", max_size=20))
def test_the_alignment_costs_the_levenshtein_distance(left: str, right: str) -> None:
    a, b = (np.array([ord(c) for c in text], np.uint16) for text in (left, right))
    to_b, to_a = np.empty(len(a) + 1, np.int32), np.empty(len(b) + 1, np.int32)
    align(a, b, to_b, to_a, np.empty((MAX_EDITS + 1) ** 2, np.int32))
    aligned = [(i, j) for i, j in enumerate(to_b[: len(a)].tolist()) if j >= 0]
    assert aligned == sorted(aligned, key=lambda pair: pair[1])
    assert all(to_a[j] == i for i, j in aligned)
    cost = sum(a[i] != b[j] for i, j in aligned) + len(a) + len(b) - 2 * len(aligned)
    assert cost == Levenshtein.distance(left, right)


def test_many_pairs_at_once_answer_as_each_alone() -> None:
    pairs = [(left, right) for left, right, _ in DIFFERENT] + SAME
    left, right = [a for a, _ in pairs] * 3, [b for _, b in pairs] * 3
    assert disagreements(left, right) == [judged(a, b) for a, b in pairs] * 3


def test_texts_that_lie_in_one_array_answer_the_same() -> None:
    texts = ["每次5毫克", "每次5克", "每次5豪克"]
    ends = np.cumsum([len(text) for text in texts])
    units = np.frombuffer("".join(texts).encode("utf-16-le"), np.uint16)
    starts = ends - np.array([len(text) for text in texts])
    found = rule_numbers(units, starts, ends, np.array([[0, 1], [0, 2], [1, 1]]))
    assert found.tolist() == [RULES.index("unit"), -1, -1]


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("肺炎" * 50_000, "肺" * 100_000),
        ("没" * 100_000, "有" * 100_000),
        ("ab" * 50_000 + "布洛芬", "ba" * 50_000 + "布洛芬"),
        ("头孢哌酮舒巴坦" * 20_000, "头孢哌酮" * 30_000),
        ("1/" * 50_000, "1/" * 49_999),
        ("mg/kg/d5" * 20_000, "mg/kg/d5" * 19_999 + "\x00"),
    ],
)
def test_hostile_texts_end(left: str, right: str) -> None:
    assert judged(left, right) == judged(right, left)


def test_a_change_beyond_one_window_of_edits_is_found() -> None:
    rng = random.Random(5)
    filler = "".join(rng.choice("的地得和与在是这那些他她它们家山川河流") for _ in range(20_000))
    other = "".join("口" if i % 12 == 0 else c for i, c in enumerate(filler))
    assert len(filler) // 12 > 4 * MAX_EDITS
    assert judged(filler + "布洛芬。", other + "布洛芬。") is None
    assert judged(filler + "口服布洛芬。", other + "口服美林。") == "drug"
    assert judged("用布洛芬。" + filler, "用美林。" + other) == "drug"


def test_every_name_counts_when_it_is_left_out() -> None:
    known = lexicon()
    names = [*words("drug_names"), *words("disease_names")]
    assert len(names) > 2000
    assert all(len(name) >= 2 and name == name.lower() for name in names)
    assert set(disagreements([f"{name}。" for name in names], [f"。{name}" for name in names])) == {None}
    assert None not in disagreements([f"可用{name}了" for name in names], ["可用了"] * len(names))
    assert known.nodes[:, 2].max() == len(known.about) - 1


def test_a_word_of_the_guard_has_one_meaning() -> None:
    listed = [
        (row["axis"] == "after_number", re.sub(r"[\[\]^]", "", word))
        for row in rows("guard_words")
        for word in row["words"].split()
    ]
    assert len(listed) == len(set(listed))
    assert {row["rule"] for row in rows("guard_words")} <= {*RULES, "plain"}
    kin = [name for row in rows("guard_kin") for name in f"{row['same']} {row['kinds']}".split() if name != "-"]
    assert len(kin) == len(set(kin))


# What neither a fact nor a name is made of: what an edit elsewhere may touch.
UNTOUCHABLE = re.compile(
    r"[0-9a-z./:%‰℃<>≤≥=±+〇零一二两三四五六七八九十百千万亿半壹贰叁肆伍陆柒捌玖拾佰仟不无未勿禁忌慎没非别]"
)


@pytest.fixture(scope="module")
def real_texts() -> list[str]:
    folder = os.environ.get("PEDCORPUS_REAL_DATA")
    if not folder:
        pytest.skip("PEDCORPUS_REAL_DATA names no folder")
    data = (Path(folder) / "dialogues/cmd_internal_medicine.csv").read_bytes().decode("gb18030")
    for book in sorted((Path(folder) / "textbooks").glob("*.txt"))[:4]:
        data += book.read_bytes().decode("gb18030", "replace")
    text = re.sub(r"\s+", "", data).lower().translate({0xFEE0 + i: i for i in range(0x21, 0x7F)})
    return [text[i : i + 200] for i in range(0, min(len(text), 1_200_000), 200)]


VARIANTS: dict[str, tuple[str, Callable[[re.Match[str]], str]]] = {
    "number": (r"\d+(?=毫克|mg|克|毫升|ml|岁|个月|天|次|周)", lambda m: str(int(m[0]) + 1)),
    "numeral": (r"[二三四五六七八](?=钱|分|两|岁|日|个月)", lambda m: "三" if m[0] != "三" else "四"),
    "unit": (r"(?<=\d)(毫克|mg)", lambda m: "克" if m[0] == "毫克" else "g"),
    "weight": (r"(?<=[二三四五])钱", lambda m: "分"),
    "negation": (r"没有", lambda m: "有"),
    "prohibition": (r"不(?=宜|能|可)", lambda m: ""),
    "comparator": (r"以上", lambda m: "以下"),
    "side": (r"左(?=侧|眼|手|肺|下|上)", lambda m: "右"),
    "course": (r"急性", lambda m: "慢性"),
    "drug": (r"甘草|人参|白术|当归", lambda m: "附子"),
    "disease": (r"高血压|糖尿病|癫痫|乙肝", lambda m: "胃溃疡"),
    "left out": (r"(?<=[、,。])(甘草|人参|白术|当归|黄连)(?=[、,。(])", lambda m: ""),
}


@pytest.mark.real
@pytest.mark.parametrize("kind", VARIANTS)
def test_no_variant_of_real_text_passes(kind: str, real_texts: list[str]) -> None:
    pattern, change = VARIANTS[kind]
    rng = random.Random(kind)
    pairs = []
    for text in real_texts:
        found = list(re.finditer(pattern, text))
        if found:
            at = rng.choice(found)
            pairs.append((text, text[: at.start()] + change(at) + text[at.end() :]))
    assert len(pairs) >= 10
    answers = disagreements([a for a, _ in pairs], [b for _, b in pairs])
    passed = [(a, b) for (a, b), rule in zip(pairs, answers, strict=True) if rule is None]
    assert [_edits(a, b) for a, b in passed] == []


@pytest.mark.real
def test_edits_of_real_text_elsewhere_pass(real_texts: list[str]) -> None:
    rng = random.Random(11)
    names = re.compile("|".join(sorted(map(re.escape, (*words("drug_names"), *words("disease_names"))), key=len)[::-1]))
    pool = [c for text in real_texts for c in text if "一" <= c <= "鿿" and not UNTOUCHABLE.match(c)]
    edited = []
    for text in real_texts:
        touched = {i for m in names.finditer(text) for i in range(m.start() - 1, m.end() + 1)}
        spots = [
            i
            for i in range(2, len(text) - 2)
            if i not in touched and not UNTOUCHABLE.search(text[i - 2 : i + 3]) and "一" <= text[i] <= "鿿"
        ]
        chosen = set(rng.sample(spots, min(len(spots), 8)))
        edited.append("".join(_edited(c, rng, pool) if i in chosen else c for i, c in enumerate(text)))
    answers = disagreements(real_texts, edited)
    refused = [(a, b, rule) for a, b, rule in zip(real_texts, edited, answers, strict=True) if rule is not None]
    assert len(refused) <= 0.005 * len(real_texts), [(rule, _edits(a, b)) for a, b, rule in refused[:20]]


def _edits(left: str, right: str) -> list[str]:
    """Each edit in its context, to judge a failure by."""
    spots = [(op.src_pos, op.dest_pos) for op in Levenshtein.editops(left, right)]
    return [f"{left[max(0, i - 6) : i + 7]} > {right[max(0, j - 6) : j + 7]}" for i, j in spots]


def _edited(character: str, rng: random.Random, pool: list[str]) -> str:
    way = rng.random()
    if way < 0.5:
        return rng.choice(pool)
    return character + rng.choice(pool) if way < 0.75 else ""
