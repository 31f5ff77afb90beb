"""What an answer leaves out."""

from __future__ import annotations

from pipelines.check.warnings import warnings
from tests.pipelines.check.cases import found

LEAFLET = "【用法用量】每日1次，早晨服。\n【禁忌】青光眼；有抽动障碍者；对本品过敏者。\n【慎用】癫痫病史。"
ADVICE = "每日1次，早晨服，六岁起用。"


def test_a_contraindication_that_the_question_names() -> None:
    question = "孩子有抽动障碍，这药怎么吃？"
    assert "warning.contraindicated" in found(warnings, ADVICE, LEAFLET, question=question)
    assert not found(warnings, "有抽动障碍的不能吃这药。", LEAFLET, question=question)


def test_an_answer_that_covers_only_what_was_asked_is_fine() -> None:
    assert not found(warnings, ADVICE, LEAFLET, question="这药怎么吃？")


def test_a_list_that_was_asked_for_is_whole() -> None:
    evidence = "患有结膜炎、中耳炎、皮肤病、癫痫者禁止入池。"
    question = "哪些孩子禁止下水？"
    assert "warning.incomplete" in found(warnings, "结膜炎、皮肤病、癫痫的孩子不能下水。", evidence, question=question)
    assert not found(warnings, "结膜炎、中耳炎、皮肤病、癫痫的不能下水。", evidence, question=question)


def test_who_must_be_careful_was_asked_too() -> None:
    evidence = "铁剂禁用于铁负荷过重者；溃疡性结肠炎者慎用。"
    question = "铁剂有什么禁用和慎用？"
    assert found(warnings, "铁负荷过重者禁用。", evidence, question=question)
    assert not found(warnings, "铁负荷过重者禁用，溃疡性结肠炎者慎用。", evidence, question=question)


def test_a_child_below_the_age() -> None:
    evidence = "止泻药洛哌丁胺禁用于2岁以下儿童。"
    assert "warning.too_young" in found(
        warnings, "可用洛哌丁胺止泻。", evidence, question="1岁的孩子能用洛哌丁胺止泻吗？"
    )
    assert not found(warnings, "可用洛哌丁胺止泻。", evidence, question="5岁的孩子能用洛哌丁胺止泻吗？")
