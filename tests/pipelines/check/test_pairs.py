"""Stances beside those of the evidence."""

from __future__ import annotations

from pipelines.check.pairs import pairs
from pipelines.check.polarity import polarity
from tests.pipelines.check.cases import case, found

EVIDENCE = "本品不能用于治疗急性哮喘发作，应备好短效吸入药物。不应突然以本品取代激素。可在医师指导下逐渐减量。"


def test_what_speaks_most_of_the_same_stands_first() -> None:
    (pair,) = pairs(case("可以用来治疗急性哮喘发作。", EVIDENCE))
    score, unit = pair.theirs[0]
    assert unit.stance.text.startswith("不能")
    assert score > 0.5


def test_an_objection_is_weaker_where_another_statement_agrees() -> None:
    one, both = "布洛芬不要用。", "布洛芬不要用。平时布洛芬可以用。"
    alone, beside = (pairs(case("布洛芬可以用。", text))[0].against() for text in (one, both))
    assert alone is not None
    assert beside is None or beside[0] < alone[0]


def test_what_is_copied_is_never_held_against() -> None:
    evidence = "【禁忌】对本品过敏者；青光眼患者。\n【用法】青光眼患者可用其他药。"
    for answer in ("对本品过敏者；青光眼患者。", "青光眼患者可用其他药。", evidence):
        assert not found(polarity, answer, evidence)


def test_a_condition_is_no_statement() -> None:
    assert not pairs(case("如出现皮疹，", "如出现皮疹，须立即停药。"))
