"""Token differences of near-verbatim clauses."""

from __future__ import annotations

import pytest

from pipelines.check.differences import differences
from pipelines.check.reading import Reading
from pipelines.check.signals import Case

EVIDENCE = (
    "布洛芬混悬液：6个月～1岁每次2.5 ml，1～3岁每次5 ml，必要时每6～8小时重复1次，24小时内不超过4次。"
    "重度肝功能不全者禁用，应当在医师指导下口服。"
)


def _rules(answer: str, evidence: str = EVIDENCE, question: str = "") -> set[str]:
    case = Case(Reading(question), Reading(answer), (Reading(evidence),))
    found = differences(case)
    for signal in found:
        assert 0 <= signal.start < signal.end <= len(answer)
        assert 0 <= signal.strength <= 1
        if signal.source >= 0:
            assert evidence[signal.evidence_start : signal.evidence_end]
    return {signal.check.removeprefix("difference.") for signal in found if signal.strength > 0.3}


@pytest.mark.parametrize(
    "answer",
    [
        EVIDENCE,
        "重度肝功能不全者禁用，应在医师指导下口服。",
        "布洛芬混悬液：1～3岁每次5毫升，必要时每6到8个小时重复一次。",
        "",
        "，。",
    ],
)
def test_what_says_the_same_in_the_same_words_has_none(answer: str) -> None:
    assert not {rule for rule in _rules(answer) if not rule.startswith("dropped")}


@pytest.mark.parametrize(
    ("answer", "rules"),
    [
        ("1～3岁每次8 ml，必要时每6～8小时重复1次。", {"quantity"}),
        ("重度肾功能不全者禁用，应当在医师指导下口服。", {"disease"}),
        ("重度肝功能不全者禁用，应当在医师指导下静脉滴注。", {"route"}),
        ("重度肝功能不全者可用，应当在医师指导下口服。", {"mark_permission", "mark_modality"}),
        ("必要时每6～8小时重复1次，24小时内不少于4次。", {"comparator"}),
    ],
)
def test_an_exchanged_word_is_found(answer: str, rules: set[str]) -> None:
    assert _rules(answer) & rules


def test_an_answer_in_other_words_has_none() -> None:
    assert not _rules("孩子难受的话隔半天再喂一遍就行，别太频繁。")


def test_a_repetition_in_another_unit_is_no_difference() -> None:
    evidence = "发现聚集性病例，疫情报告人应当于二十四小时内向疾病预防控制机构报告。"
    assert not _rules("发现聚集性病例，疫情报告人应当于二十四小时（一天）内向疾病预防控制机构报告。", evidence)
