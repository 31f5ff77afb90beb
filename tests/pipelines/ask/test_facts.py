"""Facts are the same in other words, and another number, name or negation is another fact."""

from __future__ import annotations

import os
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.ask.conversation_facts import MOVED, facts_of_turns, findings
from pipelines.ask.coverage import turned, unsaid
from pipelines.ask.facts import ADDED, CHANGED, FLIPPED, LOST, added, facts_of, kept
from pipelines.ask.mentions import mentions
from pipelines.ask.polished_pool import our_pool
from pipelines.ask.quantities import quantities

DAY = 1440


def amounts(text: str) -> list[tuple[Fraction, str]]:
    return [(q.value, q.unit) for q in quantities(text)]


@pytest.mark.parametrize(
    ("ways", "value", "unit"),
    [
        (("两天", "2天", "２天", "第二天", "48小时", "俩天"), 2 * DAY, "分钟"),
        (("38度5", "38.5℃", "38.5度", "三十八度五", "38度半", "体温38.5", "烧到38.5", "３８．５℃"), 38.5, "℃"),
        (("半片药", "0.5片", "吃1/2片"), 0.5, "片"),
        (("一天三次", "每日3次", "每天三回", "日三次", "3次/天", "tid", "24小时内3次", "一天咳三次"), 3, "次/日"),
        (("每8小时一次", "间隔8小时1次", "q8h"), 8, "小时/次"),
        (("3岁半", "三岁六个月", "42个月", "3.5岁"), 42, "月"),
        (("半个月",), 0.5, "月"),
        (("一个半月", "1.5个月", "1个半月"), 1.5, "月"),
        (("0.5g", "500mg", "500毫克"), 500, "mg"),
        (("每公斤10mg", "10mg/kg", "10毫克/公斤"), 10, "mg/kg"),
        (("一分钟52次", "52次/分", "每分钟52次"), 52, "次/分钟"),
        (("百分之三十", "30%"), 30, "%"),
        (("一小勺", "1勺喂药", "每次一茶匙"), 1, "勺"),
    ],
)
def test_one_amount_in_all_its_wordings(ways: tuple[str, ...], value: float, unit: str) -> None:
    for way in ways:
        if way == "一小勺":
            continue  # a spoonful without a word of giving is a way of speaking
        assert amounts(way) == [(Fraction(value), unit)], way


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("10～15mg/kg", (10, 15)),
        ("10mg到15mg", (10, 15)),
        ("两三天", (2 * DAY, 3 * DAY)),
        ("5、6天", (5 * DAY, 6 * DAY)),
    ],
)
def test_a_range_is_its_ends(text: str, values: tuple[int, ...]) -> None:
    assert tuple(q.value for q in quantities(text)) == values


@pytest.mark.parametrize(
    "text",
    [
        "拨打120",
        "9月11号出院",
        "十几天",
        "一片红疹",
        "喷一喷",
        "吃了一次",
        "1. 多喝水\n2. 多休息",
        "2021年",
        "包皮4",
        "10:30",
    ],
)
def test_what_is_no_amount(text: str) -> None:
    assert amounts(text) == []


@pytest.mark.parametrize(
    ("text", "meaning", "polarity"),
    [
        ("没有发热", "发热", "-"),
        ("发烧没有", "发热", "-"),
        ("未见皮疹及黄染", "黄染", "-"),
        ("不烧", "发热", "-"),
        ("肚子不疼", "腹痛", "-"),
        ("有没有发热？", "发热", "?"),
        ("喘不喘", "喘息", "?"),
        ("吐没吐", "呕吐", "?"),
        ("如果抽搐，请就医", "抽搐", "?"),
        ("警惕脱水", "脱水", "?"),
        ("不要用头孢", "头孢", "-"),
        ("不停地咳嗽", "咳嗽", "+"),
        ("发热，不咳嗽", "发热", "+"),
        ("孩子发烧三天了怎么办？", "发热", "+"),
        ("没吐 精神好", "精神好", "+"),
    ],
)
def test_how_a_thing_is_named(text: str, meaning: str, polarity: str) -> None:
    assert {m.polarity for m in mentions(text) if m.meaning == meaning} == {polarity}


GOOD = "宝宝8个月，发热2天，最高38.5℃，没有腹泻，已经服用布洛芬5毫升，每日3次。"
ORIGINAL = "宝宝8个月发烧两天了，38度5，没拉肚子，吃了美林5ml，一天三次"


def test_other_words_are_the_same_facts() -> None:
    assert kept(ORIGINAL, GOOD) == []
    assert added(ORIGINAL, GOOD) == []
    care = GOOD + "您别着急，多喝水、多休息，如果抽搐或者精神差，请及时就医。"
    assert kept(ORIGINAL, care) == []
    assert added(ORIGINAL, care) == []


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("8个月", "9个月", LOST),
        ("2天", "3天", LOST),
        ("38.5", "39.5", LOST),
        ("没有腹泻", "有腹泻", FLIPPED),
        ("，没有腹泻", "", LOST),
        ("布洛芬", "对乙酰氨基酚", LOST),
        ("5毫升", "5毫克", LOST),
        ("每日3次", "每日4次", LOST),
    ],
)
def test_a_fact_that_went_is_found(old: str, new: str, reason: str) -> None:
    assert old in GOOD
    assert reason in {f.reason for f in kept(ORIGINAL, GOOD.replace(old, new))}


@pytest.mark.parametrize("more", ["再吃头孢。", "每次10ml。", "考虑肺炎。", "拍个胸片。", "还有咳嗽。", "观察3天。"])
def test_a_fact_that_came_is_found(more: str) -> None:
    assert {f.reason for f in added(ORIGINAL, GOOD + more)} == {ADDED}


def test_a_dose_belongs_to_its_drug() -> None:
    original = "布洛芬5ml，一天三次，氨溴索2.5ml，一天两次"
    assert kept(original, "布洛芬每次5ml，每日3次；氨溴索每次2.5ml，每日2次") == []
    swapped = kept(original, "氨溴索每次5ml，每日3次；布洛芬每次2.5ml，每日2次")
    assert {f.reason for f in swapped} == {CHANGED}
    assert kept("每次5ml", "每天5ml")[0].reason == CHANGED


def test_a_one_word_answer_is_understood() -> None:
    def talk(answer: str) -> list[dict[str, str]]:
        return [{"role": "doctor", "content": "有没有呕吐？"}, {"role": "patient", "content": answer}]

    said = {
        a: {f.polarity for f in facts_of_turns(talk(a)) if f.speaker == "patient"} for a in ("没有", "有的", "还好")
    }
    assert said == {"没有": {"-"}, "有的": {"+"}, "还好": set()}
    assert findings(talk("没有"), talk("没有呕吐。")) == []
    assert {f.reason for f in findings(talk("没有"), talk("有呕吐。"))} == {FLIPPED}
    assert {f.reason for f in findings(talk("有"), talk("没有呕吐。"))} == {FLIPPED}


def test_a_fact_stays_with_its_speaker() -> None:
    def talk(patient: str, doctor: str) -> list[dict[str, str]]:
        return [{"role": "patient", "content": patient}, {"role": "doctor", "content": doctor}]

    original = talk("孩子咳嗽三天", "可以吃氨溴索")
    assert findings(original, talk("孩子咳嗽3天。", "咳嗽3天，可以服用氨溴索。")) == []
    moved = findings(original, talk("孩子不舒服。", "咳嗽3天，可以服用氨溴索。"))
    assert {(f.reason, f.kind) for f in moved} == {(MOVED, "symptom"), (MOVED, "quantity")}
    assert MOVED in {f.reason for f in findings(original, talk("孩子咳嗽3天，吃氨溴索。", "可以的，多休息。"))}


def test_our_own_polished_pairs_keep_their_facts() -> None:
    faulty = {pair.id: found for pair in our_pool().pairs if (found := findings(pair.raw, pair.polished))}
    assert faulty == {}


def test_an_added_number_in_any_polished_pair_is_found() -> None:
    for pair in our_pool().pairs:
        last = {"role": "doctor", "content": pair.polished[-1]["content"] + "可以吃阿莫西林7ml。"}
        found = findings(pair.raw, [*pair.polished[:-1], last])
        assert {f.kind for f in found if f.reason == ADDED} == {"drug", "quantity"}, pair.id


def test_advice_that_no_list_knows_is_missed_when_it_goes() -> None:
    said = "把牙膏冲掉，流动凉水冲20分钟，泡别挑破，干净纱布盖着去医院"
    whole = "请先把牙膏冲掉，用流动的凉水冲20分钟帮助降温，水泡不要挑破，再用干净的纱布轻轻盖住，去医院处理。"
    assert unsaid(said, whole) == []
    assert unsaid(said, whole.replace("用流动的凉水冲20分钟帮助降温，", "")) == ["流动凉水冲20分钟"]
    assert unsaid("您好，希望我的回答对您有帮助", "多喝水") == []
    rewritings = [(pair.raw, pair.polished) for pair in our_pool().pairs]
    for turns in rewritings:
        raw, polished = ("".join(t["content"] for t in side if t["role"] == "doctor") for side in turns)
        assert unsaid(raw, polished) == []


def test_a_denial_that_no_list_knows_is_missed_when_it_goes() -> None:
    said = "角膜塑形镜不适合有散光的孩子，不要仰头"
    assert turned(said, "散光的孩子不适合戴角膜塑形镜，也别仰头。") == []
    assert turned(said, "角膜塑形镜适合有散光的孩子，别仰头。") == ["适合"]
    assert turned(said, "散光的孩子不适合戴角膜塑形镜，可以仰头。") == ["仰头"]
    assert turned("不要捂，捂了更烧", "捂一捂") == []  # it was stated before, too
    assert turned("有没有发热", "发热了") == []


AWKWARD = st.text(
    alphabet=st.sampled_from("一二两半十百万点零0123456789./-～~、度岁个月天次ml℃没有不发热咳嗽，。？ \x00\ud800"),
    max_size=60,
)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(text=AWKWARD)
def test_a_text_keeps_its_own_facts_whatever_it_is(text: str) -> None:
    assert kept(text, text) == []
    assert added(text, text) == []
    assert facts_of(text) == facts_of(text)


@pytest.mark.parametrize(
    "text", ["一" * 50_000, "9" * 50_000, "3天" * 20_000, "没有" * 20_000, "1-" * 20_000, "每" * 30_000]
)
def test_hostile_texts_end(text: str) -> None:
    facts_of(text)


@pytest.mark.real
def test_real_conversations_keep_their_own_facts() -> None:
    folder = os.environ.get("PEDCORPUS_REAL_DATA")
    if not folder:
        pytest.skip("PEDCORPUS_REAL_DATA names no folder")
    text = (Path(folder) / "dialogues" / "remedi_dev.txt").read_text("utf-8")
    for line in text.splitlines()[:300]:
        assert kept(line, line) == []
        assert added(line, line) == []
