"""An amount of an answer stands if evidence, question or arithmetic gives it; else one signal says what is wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pipelines.check.quantity_checks import check
from pipelines.check.reading import Reading
from pipelines.check.signals import Case, Signal

LEAFLET = (
    "【用法用量】口服，每次按体重10～15 mg/kg，必要时每4～6小时重复一次，24小时内不超过4次。本品100 ml：3.2 g。"
    "体重11～15 kg（3～4岁），每次5 ml。维持量每日20 mg/kg，分3次（每8小时1次），每日总量不超过1 g。"
    "用于解热连续使用不超过3日，疗程至少10日。6岁以下禁用；血氧饱和度低于92%者住院。每片0.1 g。"
)


def signals(answer: str, evidence: str = LEAFLET, question: str = "") -> list[Signal]:
    found = check(Case(Reading(question), Reading(answer), (Reading(evidence),)))
    for signal in found:
        assert 0 <= signal.start < signal.end <= len(answer)
        assert 0 <= signal.evidence_start <= signal.evidence_end <= len(evidence)
        assert 0 < signal.strength <= 1
        assert signal.says
    return [signal for signal in found if signal.strength >= 0.5]


@pytest.mark.parametrize(
    "answer",
    [
        "每公斤10到15毫克，隔4到6个钟头可以再喂，一天最多4次。",
        "每次10～15 mg/kg，一昼夜不超过四次。",
        "一天每公斤20毫克，分三次，也就是每8小时一次。",
        "11到15公斤的，一次五毫升，等于160毫克。",
        "100毫升里有3200毫克。",
        "退烧连着吃别超过三天，疗程要满10天。",
        "不满六岁的不能用，血氧不到92%要住院。",
        "维持量每天总共别超过1000毫克。",
        "维持量每日20 mg/kg，每日三次。",
        "一天的量是每公斤20毫克，一片0.1克，也就是100毫克。",
    ],
)
def test_faithful_wording_gives_no_signal(answer: str) -> None:
    assert signals(answer) == []


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("孩子12公斤，一次吃多少？", "12公斤一次吃120到180毫克。"),
        ("孩子12公斤，维持量一天多少？", "每公斤20毫克，12公斤就是一天240毫克，分三次，每次80毫克。"),
        ("孩子12公斤，一次几毫升？", "一次150毫克，约4.7毫升。"),
        ("15公斤，一天几片？", "每公斤20毫克，一天300毫克，就是3片。"),
        ("烧到38.7度，喂了7毫升行吗？", "38.7度可以先观察，7毫升超过了说明书的5毫升。"),
    ],
)
def test_what_follows_by_arithmetic_gives_no_signal(question: str, answer: str) -> None:
    assert signals(answer, question=question) == []


@pytest.mark.parametrize(
    ("answer", "kind", "span"),
    [
        ("24小时内不超过6次。", "frequency", "6次"),
        ("每2～3小时重复一次。", "frequency", "2～3小时"),
        ("每次10～15 g/kg。", "unit", "g/kg"),
        ("每次10～18 mg/kg。", "quantity", "10～18 mg/kg"),
        ("体重11～15 kg，每次50 ml。", "quantity", "50 ml"),
        ("疗程至多10日。", "comparator", "至多10日"),
        ("6岁以上禁用。", "comparator", "6岁以上"),
        ("血氧饱和度高于92%者住院。", "comparator", "高于92%"),
        ("血氧饱和度低于95%者住院。", "quantity", "95%"),
        ("用于解热连续使用不超过3周。", "unit", "3周"),
        ("每片0.1 mg。", "unit", "0.1 mg"),
    ],
)
def test_a_planted_error_is_found_where_it_is(answer: str, kind: str, span: str) -> None:
    found = signals(answer)
    begin = answer.index(span)
    assert [s.kind for s in found if s.start < begin + len(span) and s.end > begin] == [kind]
    assert len(found) == 1


def test_a_dose_above_the_maximum_is_found() -> None:
    found = signals("每公斤20毫克，60公斤算下来一天1.2克。", question="孩子60公斤，一天多少？")
    assert [s.check for s in found] == ["quantity.over_maximum"]


def test_an_amount_gives_one_signal_at_most() -> None:
    answer = "每次99 mg/kg，每7小时一次，不超过9天，85岁以上，100 ml：7 g。"
    found = check(Case(Reading(""), Reading(answer), (Reading(LEAFLET),)))
    assert len({(s.start, s.end) for s in found}) == len(found)


def test_without_amounts_or_evidence_nothing_fails() -> None:
    assert check(Case(Reading("多少？"), Reading("请咨询医生。"), ())) == []
    assert check(Case(Reading(""), Reading(""), (Reading(""),))) == []
    found = check(Case(Reading(""), Reading("每次5 ml。"), ()))
    assert [(s.source, s.evidence_start, s.evidence_end) for s in found] == [(-1, 0, 0)]


def test_what_the_patient_said_is_known() -> None:
    case = Case(
        Reading("怎么办？"), Reading("烧到39.4度，先物理降温。"), (Reading(LEAFLET),), (Reading("烧到39度4了"),)
    )
    assert check(case) == []


STATUTE = (
    "托育机构乳儿班每班不超过10人，保育人员与婴幼儿的比例不低于1:3。面积不足600平方米的，应当有2个以上安全出口。"
    "录像保存期不少于90日。处5000元以上3万元以下罚款，违法所得处二倍以上五倍以下罚款；5年内不得重新申请，20个工作日内作出决定。"
)
VACCINE = "接种前3日停药，18月龄加强1剂，剂量0.5 ml，两剂间隔不短于28天，留观30分钟。海拔每升高1000 m，低限上调约4%。"


@pytest.mark.parametrize(
    ("evidence", "answer"),
    [
        (STATUTE, "罚五千到三万块钱，或者违法所得的二到五倍，五年之内别再申请。"),
        (STATUTE, "师生比1比3，一个班最多十个人，20个工作日内答复。"),
        (VACCINE, "一岁半加强一针，一次半毫升，两针至少隔四周，坐半个小时再走。"),
        (VACCINE, "打针前三天把药停了。高原每高1000米，低限往上调4%。"),
        ("两次用药至少间隔6小时。", "一天别超过4次，每6小时以上一次。"),
        ("1～6岁体重（kg）＝年龄×2＋8。", "4岁约16公斤。"),
    ],
)
def test_plain_speech_about_rules_gives_no_signal(evidence: str, answer: str) -> None:
    assert signals(answer, evidence) == []


@pytest.mark.parametrize(
    ("evidence", "answer", "kind"),
    [
        (STATUTE, "处5000元以上5万元以下罚款。", "quantity"),
        (STATUTE, "保育人员与婴幼儿的比例不低于1:9。", "quantity"),
        (STATUTE, "20日内作出决定。", "unit"),
        (STATUTE, "3年内不得重新申请。", "frequency"),
        (VACCINE, "接种后3日停药。", "comparator"),
        (VACCINE, "低限下调约4%。", "comparator"),
        (VACCINE, "剂量0.5 L。", "unit"),
        (VACCINE, "两剂间隔不超过28天。", "comparator"),
    ],
)
def test_errors_in_rules_are_found(evidence: str, answer: str, kind: str) -> None:
    assert [s.kind for s in signals(answer, evidence)] == [kind]


def test_a_formula_that_divides_by_nothing_gives_nothing() -> None:
    assert signals("4岁约16公斤。", "体重＝（年龄＋9）/0。") != []


def test_very_many_amounts_are_refused_not_compared() -> None:
    found = check(Case(Reading(""), Reading("每次5 ml，" * 300), (Reading("每次6 ml，" * 300),)))
    assert [s.check for s in found] == ["quantity.too_many"]


@pytest.mark.parametrize(
    "answer",
    [
        "每次" + "1" * 19_000 + "毫克", "每次9**9**9毫克", "每次10^99999毫克", "每次1" + ",000" * 6 + "毫克",
        "每次" + "一二三" * 5_000, "每次3.14159265358979毫克", "每次" + "1" * 30_000,
    ],
    ids=lambda answer: answer[:12],
)  # fmt: skip
def test_a_number_that_cannot_be_read_is_no_number_that_is_right(answer: str) -> None:
    found = check(Case(Reading(""), Reading(answer), (Reading("每次5 mg。"),)))
    assert "quantity.unreadable" in [s.check for s in found]
    assert all(0 <= s.start < s.end <= len(answer) for s in found)


def test_a_number_that_the_evidence_has_in_the_same_digits_stands() -> None:
    text = "备案号为12345678901234567890。"
    assert not check(Case(Reading(""), Reading(text), (Reading(text),)))


@pytest.mark.parametrize(
    "piece", ["三分之", "1/2/", "每日早晚各", "(1", "1~", "在用药前", "先a再", "不超过3次", "\n1."]
)
def test_repeated_pieces_are_read_to_the_end(piece: str) -> None:
    text = piece * (19_000 // len(piece))
    for answer, evidence in ((text, "每次5 mg。"), ("每次5 mg，每日3次。", text)):
        check(Case(Reading(""), Reading(answer), (Reading(evidence),)))


GENRES: list[dict[str, Any]] = json.loads((Path(__file__).parent / "quantity_cases.json").read_text(encoding="utf-8"))
"""Leaflets, rules, a consultation and tables: answers in other words, and answers with one amount changed."""


@pytest.mark.parametrize("case", GENRES, ids=lambda case: case["name"])
def test_other_words_stand_and_other_amounts_fall(case: dict[str, Any]) -> None:
    for answer in case["faithful"]:
        assert signals(answer, case["evidence"], case["question"]) == [], answer
    for answer in case["wrong"]:
        found = check(Case(Reading(case["question"]), Reading(answer), (Reading(case["evidence"]),)))
        assert [s for s in found if s.strength >= 0.4], answer
