"""Clauses that were taken over but for a word that turns them."""

from __future__ import annotations

import pytest

from pipelines.check.edits import edits, steps
from pipelines.check.polarity import polarity
from tests.pipelines.check.cases import case, found

EVIDENCE = "病灶处有化脓灶，无脱皮，且对青霉素多耐药。没有呼吸道问题就先不吃激素。主管部门可以暂停其接种业务三个月。"


@pytest.mark.parametrize("answer", ["没有呼吸道问题就先吃激素。"])
def test_a_denial_that_is_gone(answer: str) -> None:
    assert any(edit.turns for edit in edits(case(answer, EVIDENCE)))
    assert "polarity.edited" in found(polarity, answer, EVIDENCE)


@pytest.mark.parametrize(
    "answer", ["没有呼吸道问题就先不吃激素。", "没有呼吸道问题就先别吃激素。", "主管部门可以暂停其接种业务三个月。"]
)
def test_the_same_and_another_word_for_it_are_no_departure(answer: str) -> None:
    assert not any(edit.turns for edit in edits(case(answer, EVIDENCE)))


def test_steps_go_up_and_down() -> None:
    (edit,) = edits(case("主管部门应当暂停其接种业务三个月。", EVIDENCE))
    assert steps(edit) == 2
    assert not edit.turns


def test_limits_are_no_denials() -> None:
    evidence = "每次委托有效期不超过3天。"
    assert not any(edit.turns for edit in edits(case("每次委托有效期最长3天。", evidence)))
