"""Case → verdict."""

from __future__ import annotations

import time

import pytest

from pipelines.check.judge import CHECKS, judge, signals
from pipelines.check.reading import Reading
from pipelines.check.signals import Case
from pipelines.check.verdict import Thresholds

EVIDENCE = "【用法用量】布洛芬混悬液，1～3岁每次5 ml，24小时内不超过4次。\n【禁忌】重度肝功能不全者禁用。"


def _case(answer: str, question: str = "怎么吃？", evidence: str = EVIDENCE) -> Case:
    return Case(Reading(question), Reading(answer), (Reading(evidence),))


def test_what_the_evidence_says_is_kept_and_another_dose_is_not() -> None:
    faithful = judge(_case("布洛芬混悬液，1～3岁每次5 ml，24小时内不超过4次。"))
    wrong = judge(_case("布洛芬混悬液，1～3岁每次15 ml，24小时内不超过4次。"))
    assert faithful.verdict == "keep"
    assert wrong.verdict != "keep"
    assert wrong.probability > faithful.probability
    assert "15 ml" in _case("布洛芬混悬液，1～3岁每次15 ml").answer.raw
    assert wrong.worst == 1


def test_findings_of_the_worst_clause_come_first_and_are_real_spans() -> None:
    case = _case("布洛芬混悬液，1～3岁每次15 ml，24小时内不超过9次，重度肝功能不全者可用。")
    judgement = judge(case)
    assert judgement.findings
    places = [case.answer.clause_at(f.start).number == judgement.worst for f in judgement.findings]
    assert places == sorted(places, reverse=True)
    assert all(case.answer.raw[f.start : f.end] for f in judgement.findings)
    assert len(judgement.clauses) == len(case.answer.clauses)


def test_a_check_that_is_off_says_nothing() -> None:
    case = _case("布洛芬混悬液，1～3岁每次15 ml。")
    assert signals(case, {}) == []
    names = {s.check.split(".")[0] for s in signals(case, {"differences": CHECKS["differences"]})}
    assert names == {"difference"}


def test_thresholds() -> None:
    thresholds = Thresholds(0.4, 0.8)
    assert [thresholds.verdict(p) for p in (0.1, 0.4, 0.79, 0.8)] == ["keep", "quarantine", "quarantine", "reject"]


@pytest.mark.parametrize("text", ["", "。，", "9**9**9", "（" * 5000, "1" * 18_000, "5 ml，" * 1500, "不" * 9000])
def test_nothing_hangs_it(text: str) -> None:
    started = time.process_time()
    judge(_case(text))
    judge(_case("每次5 ml，不超过4次。", evidence=text or "无"))
    assert time.process_time() - started < 10
