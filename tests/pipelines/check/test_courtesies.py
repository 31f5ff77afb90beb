"""Clauses of courtesy are no statements; those that state something stay."""

from __future__ import annotations

import pytest

from pipelines.check.courtesies import courtesies
from pipelines.check.reading import Reading
from pipelines.check.signals import Case

EVIDENCE = "布洛芬每次5毫升，两次至少隔6小时。出院后家长学会心肺复苏手法。发热超过三天应当就医。"


def _polite(question: str, answer: str) -> bool:
    case = Case(Reading(question), Reading(answer), (Reading(EVIDENCE),))
    return 0 in courtesies(case)


@pytest.mark.parametrize("answer", ["先别慌", "您一定很着急", "很理解您的担心", "出院前可以请护士再教一遍手法"])
def test_a_kind_word_or_an_offer_states_nothing(answer: str) -> None:
    assert _polite("孩子发烧怎么办？", answer)


@pytest.mark.parametrize("answer", ["不用着急去医院", "不要怕多吃布洛芬", "请喂10毫升", "别用布洛芬", "看家长意愿"])
def test_an_order_or_an_amount_is_a_statement(answer: str) -> None:
    assert not _polite("孩子发烧怎么办？", answer)


def test_no_haste_answers_whoever_asks_for_it() -> None:
    assert not _polite("要马上去医院吗？", "先别急")
