"""Authority, extremes, and what the evidence has nothing of."""

from __future__ import annotations

import pytest

from pipelines.check.claims import claims
from pipelines.check.modality import modality
from pipelines.check.polarity import polarity
from pipelines.check.relations import relations
from pipelines.check.signals import Check
from pipelines.check.warnings import warnings
from tests.pipelines.check.cases import found, signals

EVIDENCE = "多数患儿7～10日缓解，一般不需用抗生素。依据省卫生健康委2021年《诊疗规范》制定。光疗期间遮盖双眼。"


@pytest.mark.parametrize(
    "answer",
    [
        "据《中华儿科杂志》统计，多数患儿7～10日缓解。",
        "美国儿科学会也推荐不用抗生素。",
        "2015年起多数患儿一般不需用抗生素。",
        "一项研究证实多数患儿会缓解。",
    ],
)
def test_authority_that_nobody_named(answer: str) -> None:
    assert "claim.authority" in found(claims, answer, EVIDENCE)


def test_authority_of_the_evidence_is_fine() -> None:
    assert not found(claims, "省卫生健康委2021年的《诊疗规范》这样规定。", EVIDENCE)


def test_a_share_that_no_text_has() -> None:
    evidence = "约80%的患儿在6个月内自愈。"
    assert "claim.statistic_rate" in found(claims, "约65%的患儿会自愈。", evidence)
    assert "claim.statistic_rate" in found(claims, "大约六成的患儿会自愈。", evidence)
    assert not {c for c in found(claims, "大约八成的患儿会自愈。", evidence) if "statistic" in c}


def test_extremes_count_only_where_the_evidence_lacks_them() -> None:
    assert "claim.universal_all_hedged" in found(claims, "所有患儿7～10日缓解。", EVIDENCE)
    assert not found(claims, "所有患儿均应遮盖双眼。", "全部患儿均应遮盖双眼。")
    assert not found(claims, "多数患儿7～10日缓解。", EVIDENCE)


def test_what_holds_for_some_only_is_no_ground_for_all() -> None:
    evidence = "静脉丙种球蛋白仅用于同族免疫性溶血。"
    assert "claim.universal_all_hedged" in found(claims, "凡是黄疸都可以用丙种球蛋白。", evidence)
    assert not {c for c in found(claims, "什么都别往嘴里塞。", "不要往嘴里塞东西。") if "universal" in c}


def test_what_the_evidence_has_nothing_of() -> None:
    assert "claim.unsupported_noun" in found(claims, "光疗期间遮盖双眼，每日雾化丙种球蛋白。", EVIDENCE)
    assert not found(claims, "照光的时候把眼睛遮好，有疑问请咨询医生。", EVIDENCE)


LONG = ("不" * 9_000, "不得，" * 1_000, "因为甲导致乙，" * 600, "（" * 9_000, "9" * 18_000, "禁用：甲、" * 3_000)


@pytest.mark.parametrize("check", [polarity, modality, relations, warnings, claims])
@pytest.mark.parametrize("text", LONG)
def test_no_text_hangs_a_check(check: Check, text: str) -> None:
    for signal in signals(check, text[:1_000], text, question=text[:200]):
        assert 0 <= signal.start < signal.end <= 1_000
        assert 0 <= signal.strength <= 1


@pytest.mark.parametrize("check", [polarity, modality, relations, warnings, claims])
def test_empty_texts_are_nothing_to_check(check: Check) -> None:
    assert signals(check, "", "") == []
