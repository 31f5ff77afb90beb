"""Before is not after, first is not last, and most is not least."""

import pytest

from pipelines.check.orders import order
from pipelines.check.reading import Reading
from pipelines.check.signals import Case

LEAFLET = (
    "口服，餐前服用。应在使用抗菌药物之前留取尿标本。游泳人员应先淋浴，再经浸脚池入池。不得使用大剂量水杨酸类药物。"
)


def rules(answer: str, evidence: str = LEAFLET, question: str = "") -> list[str]:
    return [s.check for s in order(Case(Reading(question), Reading(answer), (Reading(evidence),)))]


@pytest.mark.parametrize(
    ("answer", "rule"),
    [
        ("饭后吃。", "comparator.event"),
        ("先用上抗菌药，随后再留尿标本。", "comparator.steps"),
        ("先过浸脚池，然后去淋浴。", "comparator.steps"),
        ("小剂量的水杨酸类药物不能用。", "comparator.scale"),
    ],
)
def test_what_is_turned_round_is_found(answer: str, rule: str) -> None:
    assert rule in rules(answer)


@pytest.mark.parametrize(
    "answer",
    [
        "吃饭以前服。",
        "先留尿标本，再用抗菌药。",
        "先淋浴，然后过浸脚池。",
        "大剂量的水杨酸类药物不能用。",
        "目前没有别的办法。",
    ],
)
def test_the_same_in_other_words_is_not(answer: str) -> None:
    assert rules(answer) == []


def test_what_is_said_of_both_sides_is_decided_by_what_stands_with_it() -> None:
    text = "消毒前总菌落超标、消毒后检出任何细菌的，应整批废弃。"
    assert "comparator.event_mixed" in rules("消毒之前检出任何细菌都要倒掉。", text)
    assert rules("消毒之后检出任何细菌都要倒掉。", text) == []


def test_spans_are_of_the_texts() -> None:
    case = Case(Reading(""), Reading("先过浸脚池，然后去淋浴，饭后再来。"), (Reading(LEAFLET),))
    for s in order(case):
        assert 0 <= s.start < s.end <= len(case.answer.raw)
        assert 0 <= s.evidence_start < s.evidence_end <= len(LEAFLET)
        assert 0 < s.strength <= 1
