"""Values and names compete for their place; a paraphrase in the right place is left alone."""

import pytest

from pipelines.check.binding import pairing
from pipelines.check.reading import Reading
from pipelines.check.signals import Case

SYRUP = "体重5～7 kg（3～11月龄），每次2 ml；8～10 kg（1～2岁），每次3.5 ml；11～15 kg（3～4岁），每次5 ml。"
TWO_DRUGS = "甲药用于普通感染，每日20 mg；乙药用于重症感染，每日50 mg，重症者可加用激素。"
POOL = "池水游离性余氯0.3～1.0 mg/L，浸脚消毒池余氯5～10 mg/L，每4 h更换一次池水。"


def case(question: str, answer: str, *evidence: str) -> Case:
    return Case(Reading(question), Reading(answer), tuple(Reading(text) for text in evidence))


def flagged(question: str, answer: str, *evidence: str) -> list[str]:
    return [answer[s.start : s.end] for s in pairing(case(question, answer, *evidence))]


@pytest.mark.parametrize(
    ("question", "answer", "wrong"),
    [
        ("怎么喝？", "5到7公斤的一次喝3.5毫升。", "3.5毫升"),
        ("怎么喝？", "一岁到两岁的一次喝5毫升。", "5毫升"),
        ("我家宝宝14公斤，一次喝多少？", "一次2毫升。", "2毫升"),
        ("三岁半一次喝多少？", "一次喝两毫升。", "两毫升"),
    ],
)
def test_a_value_of_another_band_is_found(question: str, answer: str, wrong: str) -> None:
    assert any(wrong in said for said in flagged(question, answer, SYRUP))


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("怎么喝？", "5到7公斤的一次喝2毫升，8到10公斤的3.5毫升。"),
        ("我家宝宝14公斤，一次喝多少？", "一次5毫升。"),
        ("一岁半一次喝多少？", "一次喝三毫升半。"),
        ("怎么喝？", "11～15 kg每次5 ml，8～10 kg每次3.5 ml，5～7 kg每次2 ml。"),
    ],
)
def test_the_right_value_stays_in_any_order(question: str, answer: str) -> None:
    assert flagged(question, answer, SYRUP) == []


def test_a_band_holds_for_its_parts() -> None:
    text = "1～3岁每次4 ml；4～6岁每次5 ml。"
    assert flagged("2岁3个月一次多少？", "一次4毫升。", text) == []
    assert flagged("2岁3个月一次多少？", "一次5毫升。", text)


def test_a_value_that_is_told_apart_by_words_alone() -> None:
    assert flagged("池水余氯多少？", "池水的游离余氯要在每升5到10毫克。", POOL)
    assert flagged("池水余氯多少？", "池水的游离余氯要在每升0.3到1毫克。", POOL) == []
    assert flagged("乙药一天多少？", "重症感染每日20 mg。", TWO_DRUGS)


def test_exchanged_values_are_found_as_one_exchange() -> None:
    text = "0～8月龄每次3.0 mg/kg，9～11月龄每次3.5 mg/kg。"
    wrong = "0～8月龄每次3.5 mg/kg，9～11月龄每次3.0 mg/kg。"
    assert any("mg" in said for said in flagged("怎么吃？", wrong, text))
    assert flagged("怎么吃？", text, text) == []


def test_copied_evidence_is_never_flagged() -> None:
    for text in (SYRUP, TWO_DRUGS, POOL):
        assert flagged("怎么用？", text, text) == []


def test_findings_point_into_both_texts() -> None:
    made = case("怎么喝？", "5到7公斤的一次喝3.5毫升。", SYRUP)
    for signal in pairing(made):
        assert made.answer.raw[signal.start : signal.end]
        assert "2 ml" in SYRUP[signal.evidence_start : signal.evidence_end]
        assert 0 < signal.strength <= 1
        assert "3.5毫升" in signal.says


def test_many_values_are_no_trouble() -> None:
    text = "".join(f"{n}岁以下{n}mg布洛芬，" for n in range(1500))
    assert isinstance(pairing(case("多少？", text, text)), list)
