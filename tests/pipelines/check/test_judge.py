"""Case → verdict."""

from __future__ import annotations

import time

import pytest

from pipelines.check.answers import MAX_ANSWER_CHARS
from pipelines.check.judge import CHECKS, judge, signals
from pipelines.check.reading import MAX_CHARS, Reading, reading_of
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


HOSTILE = (
    "", "。，", "9**9**9", "\n", "（", "【", "1", ",", "不", "5 ml，", "50%", "三分之一", "布洛芬", "1岁以上3岁以下",
    "不宜禁止可以应当", "【禁忌】\n", "阿莫西林每次10～15 mg/kg", "\u3000", "9" * 30 + "毫克",
)  # fmt: skip
PLAIN = "布洛芬混悬液，1～3岁每次5 ml，24小时内不超过4次。重度肝功能不全者禁用，有疑问请咨询医生。"


def _seconds(case: Case) -> float:
    started = time.process_time()
    judge(case)
    return time.process_time() - started


def _filled(piece: str, n_chars: int) -> str:
    return (piece * n_chars)[:n_chars]


@pytest.mark.parametrize("piece", HOSTILE)
def test_no_text_takes_much_longer_than_a_plain_one_of_its_length(piece: str) -> None:
    judge(_case("每次5 ml。"))
    plain = f"{piece[:8]}{PLAIN}"  # another text each time, so that nothing is known of it from before
    peer = _seconds(_case(_filled(plain, MAX_ANSWER_CHARS)))
    peer += _seconds(_case("每次5 ml，不超过4次。", evidence=_filled(plain, MAX_CHARS)))
    hostile = _seconds(_case(_filled(piece, MAX_ANSWER_CHARS)))
    hostile += _seconds(_case("每次5 ml，不超过4次。", evidence=_filled(piece, MAX_CHARS) or "无"))
    assert hostile < 8 * peer


def test_a_verdict_does_not_depend_on_what_was_judged_before() -> None:
    answers = ("1～3岁每次15 ml。", "重度肝功能不全者可用。", "布洛芬混悬液，1～3岁每次5 ml。", "每天不超过4次。")
    first = [judge(_case(answer)) for answer in answers]
    again = [judge(_case(answer)) for answer in reversed(answers)][::-1]
    shared = reading_of(EVIDENCE)
    assert first == again
    assert first == [judge(Case(Reading("怎么吃？"), Reading(answer), (shared,))) for answer in answers]
    assert reading_of(EVIDENCE) is shared
