"""What a value is said of is told apart by age, weight, name and row, however the list is written."""

from fractions import Fraction

import pytest

from pipelines.check.binding import pairing
from pipelines.check.facets import facets
from pipelines.check.items import items
from pipelines.check.reading import Reading
from pipelines.check.records import Band, context, within
from pipelines.check.signals import Case

FREELY = Fraction(10**6)
LISTED = "沙丁胺醇：起始剂量：成人每次5 mg；儿童每次2.5 mg。维持剂量：成人每次2.5 mg；儿童每次1.25 mg。"
BRACKETS = "停光后12～18小时复查胆红素（溶血者6～12小时）。"
WEEKS = "第1周每日1 mg/kg；第2周每日2 mg/kg；第3周起每日3 mg/kg。"


def band(text: str, value: str) -> Band | None:
    reading = Reading(text)
    found = [i for each in items(reading).values() for i in each if reading.raw[i.start : i.end] == value]
    return context(reading, found[0]).band


def rules(question: str, answer: str, evidence: str) -> list[str]:
    return [s.check for s in pairing(Case(Reading(question), Reading(answer), (Reading(evidence),)))]


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("1岁以上、不足3岁每次5 ml。", 12, 36),
        ("6月龄以上至2岁以内每次5 ml。", 6, 24),
        ("自6月龄起每次5 ml。", 6, FREELY),
        ("每次5 ml（2～5岁）。", 24, 60),
        ("每次5 ml，用于2～5岁儿童。", 24, 60),
        ("1岁以上：体重≤15 kg，每次5 ml。", 12, FREELY),
    ],
)
def test_the_age_that_a_value_is_said_of(text: str, low: int, high: int) -> None:
    found = band(text, "5 ml")
    assert found is not None
    assert (found[0], found[1]) == (low, high)


def test_a_value_behind_a_list_of_ages_is_said_of_all() -> None:
    found = band("6个月以下每日5 mg，6～12个月每日10 mg，1岁以上每日20 mg，连用2日。", "2日")
    assert found is not None
    assert within((Fraction(8), Fraction(8)), found) == 1.0


@pytest.mark.parametrize(
    ("question", "answer", "evidence"),
    [
        ("孩子维持期一次多少？", "一次2.5毫克。", LISTED),
        ("孩子起始一次多少？", "一次5毫克。", LISTED),
        ("溶血的停光后多久查？", "停光后12到18小时查。", BRACKETS),
        ("", "第二周每天每公斤3毫克。", WEEKS),
    ],
)
def test_the_value_of_another_row_is_found(question: str, answer: str, evidence: str) -> None:
    assert any(rule.startswith("pairing.") for rule in rules(question, answer, evidence))


@pytest.mark.parametrize(
    ("question", "answer", "evidence"),
    [
        ("孩子维持期一次多少？", "一次1.25毫克。", LISTED),
        ("成人起始一次多少？", "一次5毫克。", LISTED),
        ("溶血的停光后多久查？", "停光后6到12小时查。", BRACKETS),
        ("", "第二周每天每公斤2毫克。", WEEKS),
    ],
)
def test_the_value_of_its_own_row_stands(question: str, answer: str, evidence: str) -> None:
    assert rules(question, answer, evidence) == []


def test_facets_exclude_each_other_and_the_longest_word_counts() -> None:
    found = facets(Reading("极重度贫血与重度不同，早产儿第2周复查。"))
    assert [(f.type, f.key) for f in found][:2] == [("facet:0", "极重度"), ("facet:0", "重度")]
    assert ("facet:周", "2") in [(f.type, f.key) for f in found]
