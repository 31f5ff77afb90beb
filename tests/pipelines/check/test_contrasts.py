"""Words in the place of others that exclude them."""

from __future__ import annotations

import time

import pytest

from pipelines.check.contrasts import contrasts, sides
from pipelines.check.reading import Reading
from pipelines.lexicons import rows
from tests.pipelines.check.cases import case, found, signals


@pytest.mark.parametrize(
    ("answer", "evidence", "rule"),
    [
        ("左侧中耳积液者复查听力。", "右侧中耳积液者复查听力。", "contrast.entity"),
        ("首剂须皮下给予。", "首剂须肌内给予。", "contrast.route"),
        ("由县级主管部门书面告知父亲。", "由县级主管部门书面告知母亲。", "contrast.actor"),
        ("监护人应口头同意采样。", "监护人应书面同意采样。", "contrast.entity"),
    ],
)
def test_another_side_of_the_slot(answer: str, evidence: str, rule: str) -> None:
    assert found(contrasts, evidence, evidence) == set()
    assert rule in found(contrasts, answer, evidence)


@pytest.mark.parametrize(
    ("answer", "evidence"),
    [
        ("左耳或右耳疼痛都要查。", "右耳疼痛要查，左耳疼痛也要查。"),
        ("餐前服用。", "饭前服用。"),
        ("餐前服用，餐后不服。", "餐后不宜，餐前服用。"),
        ("左氧氟沙星每日一次。", "右美沙芬每日一次，左氧氟沙星每日一次。"),
        ("能在饭前吃吗？", "饭后吃。"),
        ("不是急性的。", "慢性的。"),
    ],
)
def test_both_the_same_and_the_denied_are_no_contrast(answer: str, evidence: str) -> None:
    assert not found(contrasts, answer, evidence, at_least=0.0)


def test_a_side_that_the_evidence_has_elsewhere_is_a_weaker_rule() -> None:
    evidence = "右侧鼓膜穿孔者禁用滴耳液。左侧听力正常。"
    assert found(contrasts, "左侧鼓膜穿孔者禁用滴耳液。", evidence) == {"contrast.elsewhere"}


def test_spans_hold_the_words() -> None:
    answer, evidence = "每日肌肉注射维生素K一次。", "每日口服维生素K一次。"
    (signal,) = signals(contrasts, answer, evidence)
    assert answer[signal.start : signal.end] == "肌肉注射"
    assert evidence[signal.evidence_start : signal.evidence_end] == "口服"
    assert "肌肉注射" in signal.says
    assert "口服" in signal.says


def test_words_take_one_side_of_a_slot() -> None:
    for row in rows("check_contrasts"):
        listed = [side.split() for side in row["sides"].split("|")]
        words = [word for side in listed for word in side]
        assert len(listed) >= 2, row
        assert len(words) == len(set(words)), row


def test_long_texts_are_read_fast() -> None:
    for text in ("左" * 19_000, "静脉，" * 6_000, "急性慢性" * 4_000):
        of = case(text, text)
        of.alignment  # noqa: B018
        started = time.process_time()
        contrasts(of)
        assert time.process_time() - started < 1.5
    assert sides(Reading("")) == ((),)


def test_what_excludes_each_other_never_means_the_same() -> None:
    groups = [frozenset(row["words"].split()) for row in rows("check_synonyms")]
    for row in rows("check_contrasts"):
        listed = [set(side.split()) for side in row["sides"].split("|")]
        for group in groups:
            assert sum(bool(side & group) for side in listed) < 2, (row, group)
