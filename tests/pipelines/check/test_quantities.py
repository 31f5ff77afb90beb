"""Amounts in texts: what they are worth, for what they are, on which side, and what is no amount."""

from __future__ import annotations

import time
from fractions import Fraction

import pytest

from pipelines.check.numerals import numeral_at
from pipelines.check.quantities import Quantity, quantities
from pipelines.check.reading import Reading


def read(text: str) -> list[Quantity]:
    """The amounts that state something."""
    return [q for q in quantities(Reading(text)) if q.role != "number"]


def only(text: str) -> Quantity:
    found = read(text)
    assert len(found) == 1, [q.text for q in found]
    return found[0]


def bounds(text: str) -> tuple[float | None, float | None, str]:
    quantity = only(text)
    low, high = (None if v is None else float(v) for v in (quantity.low, quantity.high))
    return low, high, quantity.unit


@pytest.mark.parametrize(
    ("written", "low", "high"),
    [
        ("十二", 12, 12),
        ("一百零五", 105, 105),
        ("两千五", 2500, 2500),
        ("二万四千", 24000, 24000),
        ("二〇一八", 2018, 2018),
        ("三十七点五", Fraction(75, 2), Fraction(75, 2)),
        ("两三", 2, 3),
        ("十七八", 17, 18),
        ("三四十", 30, 40),
        ("十几", 11, 19),
        ("1,200", 1200, 1200),
        ("1/2", Fraction(1, 2), Fraction(1, 2)),
        ("15万", 150000, 150000),
        ("5×10^4", 50000, 50000),
        ("60×10⁹", 60 * 10**9, 60 * 10**9),
        ("10⁵", 10**5, 10**5),
        ("三分之一", Fraction(100, 3), Fraction(100, 3)),
        ("百分之八十", 80, 80),
    ],
)
def test_numerals_are_worth_what_they_say(written: str, low: Fraction, high: Fraction) -> None:
    numeral = numeral_at(written, 0)
    assert numeral is not None
    assert (numeral.low, numeral.high) == (low, high)
    assert numeral.end == len(written)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("0.25 g", "250毫克"),
        ("1.5岁", "十八个月"),
        ("一岁半", "18月龄"),
        ("一岁零三个月", "15个月"),
        ("两周", "14天"),
        ("２４小时", "1440分钟"),
        ("两个半小时", "150分钟"),
        ("38度5", "38.5℃"),
        ("半片", "1/2片"),
        ("一片半", "1.5片"),
        ("四分之一毫升", "0.25 ml"),
        ("八成", "80%"),
        ("1米35", "135厘米"),
        ("600度", "6.00 D"),
        ("3 mg/dl", "30 mg/L"),
        ("10～15mg", "10到15毫克"),
        ("10mg至15mg", "10-15 mg"),
        ("15万～30万IU", "150000-300000单位"),
        ("半年到一年", "6～12个月"),
        ("2万元", "20000元"),
        ("百分之三到九", "3%～9%"),
        ("三四天", "3～4日"),
    ],
)
def test_two_ways_of_writing_one_amount_are_one_amount(one: str, other: str) -> None:
    assert bounds(one) == bounds(other)


@pytest.mark.parametrize(
    ("text", "per"),
    [
        ("10mg/(kg·d)", ("kg", "day")),
        ("10 mg/kg/d", ("kg", "day")),
        ("每日每公斤10mg", ("kg", "day")),
        ("10毫克每公斤每天", ("kg", "day")),
        ("每次每公斤10mg", ("kg", "dose")),
        ("每千克体重10毫克", ("kg",)),
        ("0.25 μg/(kg·min)", ("kg", "minute")),
        ("50 mg/(m²·d)", ("m2", "day")),
        ("每次5 ml", ("dose",)),
        ("18 mg/片", ("piece",)),
        ("60次/分", ("minute",)),
    ],
)
def test_what_an_amount_is_for_is_found_on_either_side(text: str, per: tuple[str, ...]) -> None:
    assert only(text).per == per


@pytest.mark.parametrize(
    ("text", "low", "high", "comparator"),
    [
        ("不超过4 ml", None, 4, "not_more"),
        ("别超过4 ml", None, 4, "not_more"),
        ("别连着吃超过4 ml", None, 4, "not_more"),
        ("不低于4 ml", 4, None, "at_least"),
        ("不得少于4 ml", 4, None, "at_least"),
        ("低于4 ml", None, 4, "lt"),
        ("≥4 ml", 4, None, "at_least"),
        ("大于或等于4 ml", 4, None, "at_least"),
        ("＞4 ml", 4, None, "gt"),
        ("4 ml以上", 4, None, "over"),
        ("4 ml及以下", None, 4, "under"),
        ("最大4 ml", None, 4, "not_more"),
        ("未满4岁", None, 48, "lt"),
        ("满4岁", 48, None, "ge"),
        ("4天内", None, 5760, "within"),
        ("4天之后", 5760, None, "after"),
        ("不到个人最佳值的80%", None, 80, "lt"),
        ("大约4 ml", 4, 4, "about"),
    ],
)
def test_comparators_open_the_right_side(text: str, low: int | None, high: int | None, comparator: str) -> None:
    quantity = only(text)
    assert (quantity.low, quantity.high, quantity.comparator) == (low, high, comparator)


def test_a_comparator_belongs_to_the_amount_beside_it() -> None:
    weight, dose = read("体重超过20 kg，每次5 ml")
    assert (weight.comparator, dose.comparator) == ("gt", "")


@pytest.mark.parametrize(
    "text", ["一天三次", "每日3次", "tid", "1日3次", "3次/日", "24小时3次", "早中晚各一次", "每天吃三顿"]
)
def test_times_a_day_are_one_frequency(text: str) -> None:
    frequencies = [q for q in read(text) if q.role == "frequency"]
    assert [(str(q.low), q.per) for q in frequencies] == [("3", ("day",))]


@pytest.mark.parametrize("text", ["每8小时1次", "q8h", "隔8小时一次", "每隔8个小时可重复一次"])
def test_an_interval_holds_its_once(text: str) -> None:
    quantity = only(text)
    assert (quantity.role, str(quantity.low), quantity.unit) == ("interval", "480", "minute")


@pytest.mark.parametrize(
    "text",
    [
        "第三条",
        "4.2.1 要求",
        "GB 10765",
        "（1B）",
        "1. 口服",
        "（2）静脉",
        "表3",
        "维生素B12",
        "2型糖尿病",
        "COVID-19",
        "拨打120",
    ],
)
def test_numbers_of_things_are_no_facts(text: str) -> None:
    assert read(text) == []


@pytest.mark.parametrize(
    "text", ["一般不需要", "千万不要", "十分重要", "一起喝", "万一呕吐", "统一管理", "半夜醒来", "第一时间"]
)
def test_ways_of_speaking_are_no_amounts(text: str) -> None:
    assert read(text) == []


@pytest.mark.parametrize(
    ("text", "role"),
    [
        ("3岁", "age"),
        ("3个月以下婴儿", "age"),
        ("体重12公斤", "weight"),
        ("每次5 ml", "dose"),
        ("39度", "temperature"),
        ("疗程5天", "duration"),
        ("罚款200元", "money"),
        ("八成", "share"),
        ("3名保育员", "count"),
        ("2018年发布", "date"),
        ("两次间隔4小时", "interval"),
    ],
)
def test_the_role_comes_from_unit_and_surroundings(text: str, role: str) -> None:
    assert role in {q.role for q in read(text)}


def test_neighbours_in_a_list_keep_their_own_units() -> None:
    found = read("出生15日至12岁以下：每日20～80 mg/kg；体重50 kg及以上")
    assert [(q.unit, q.comparator) for q in found] == [
        ("minute", ""),
        ("month", "under"),
        ("mg", ""),
        ("kg", "over"),
    ]


def test_spans_are_substrings() -> None:
    text = "６岁及以上每次４～１０喷，第１小时内每２０分钟１次；每日每公斤10mg分3次，早晚各0.25 ml，q8h，一岁半。"
    reading = Reading(text)
    for quantity in quantities(reading):
        assert quantity.text == reading.folded[quantity.start : quantity.end] != ""


@pytest.mark.parametrize(
    "text",
    [
        "9**9**9",
        "9" * 1_000_000,
        "9^" * 500_000,
        "10^99×10^99" * 50_000,
        "(" * 1_000_000,
        "一二三" * 300_000,
        "9,999" * 200_000,
        "1/" * 400_000,
        "每1" * 400_000,
        "不超过" * 300_000,
        "3至" * 400_000,
        "/(" * 400_000,
    ],
    ids=lambda text: text[:8],
)
def test_no_text_takes_long(text: str) -> None:
    begun = time.process_time()
    quantities(Reading(text))
    assert time.process_time() - begun < 2  # linear ones take a tenth; a wrong pattern takes minutes
