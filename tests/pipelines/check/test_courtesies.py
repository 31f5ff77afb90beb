"""Clauses of courtesy are no statements; those that state something stay."""

from __future__ import annotations

import pytest

from pipelines.check.courtesies import courtesies, without_copies
from pipelines.check.judge import signals
from pipelines.check.reading import Reading
from pipelines.check.signals import Case, Signal

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


def test_a_sentence_that_is_copied_is_no_finding_and_a_changed_one_is() -> None:
    articles = [
        "第一条 接种单位应当自收到申请之日起五个工作日内补发接种证。",
        "第二条 疾病预防控制机构、配送单位应当建立真实、完整的购进、储存、配送记录，并保存不少于五年备查。",
        "第三条 上市许可持有人应当建立真实、完整的销售记录，并向药品监督管理部门报告。",
    ]
    copied = "配送单位应当建立真实、完整的购进、储存、配送记录，并保存不少于五年备查。"
    evidence = (Reading("\n".join(articles)),)
    case = Case(Reading("记录要保存多久？"), Reading(copied), evidence)
    loud = [
        Signal("actor.slot", "actor", 0, 4, 0, 0, 4, 1.0, "。"),
        Signal("warning.named", "omitted_warning", 0, 4, -1, 0, 0, 1.0, "。"),
    ]
    assert [s.check for s in without_copies(case, loud)] == ["warning.named"]
    changed = Case(case.question, Reading(copied.replace("五年", "三年")), evidence)
    assert without_copies(changed, loud) == loud
    assert any(s.kind in ("frequency", "quantity") for s in signals(changed))
