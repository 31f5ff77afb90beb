"""Cautions that should have been told: to whom they apply, what was asked, what stood beside, what was listed."""

from __future__ import annotations

import pytest

from pipelines.check.omissions import asked_but_untold
from pipelines.check.reading import Reading
from pipelines.check.signals import Case
from pipelines.check.warnings import warnings
from tests.pipelines.check.cases import found

MANNITOL = (
    "20%甘露醇每次0.5～1g/kg，静脉滴入；心力衰竭、肾衰竭者禁用，新生儿慎用。呋塞米可与甘露醇交替。"
    "头抬高15°～30°，避免低血压。"
)
ORS = "口服补液盐不适用于昏迷、肠梗阻、休克、严重腹胀或持续呕吐者，此类患儿应静脉补液。"
STEPS = "须区别会厌炎：不检查咽部，不强行躺下，立即由麻醉医师在手术室开放气道。"


def test_an_illness_that_the_question_names_by_another_name() -> None:
    answer = "20%甘露醇每次0.5～1g/kg，静脉滴入。"
    assert "warning.named" in found(warnings, answer, MANNITOL, question="心衰的孩子甘露醇怎么用？")
    assert not found(warnings, "心衰的孩子不能用甘露醇。", MANNITOL, question="心衰的孩子甘露醇怎么用？")
    assert "warning.named" not in found(warnings, answer, MANNITOL, question="颅内压高的孩子甘露醇怎么用？")


def test_a_child_within_the_band_of_a_caution() -> None:
    evidence = "3个月以上选头孢曲松每日100mg/kg；新生儿不用头孢曲松。"
    answer = "用头孢曲松，每天每公斤100毫克。"
    asked = "出生两周的宝宝头孢曲松怎么用？"
    assert "warning.young" in found(warnings, answer, evidence, question=asked)
    assert "warning.young" not in found(warnings, answer, evidence, question="两岁的孩子头孢曲松怎么用？")


def test_one_item_of_a_list_that_was_taken_over() -> None:
    question = "口服补液盐不适用于哪些患儿？"
    assert "list.items" in found(warnings, "昏迷、肠梗阻、休克或持续呕吐者不适用。", ORS, question=question)
    whole = "昏迷、肠梗阻、休克、严重腹胀或持续呕吐者不适用。"
    assert not {c for c in found(warnings, whole, ORS, question=question) if c.startswith("list")}
    part = "昏迷者不适用。"
    assert not {c for c in found(warnings, part, ORS, question=question) if c.startswith("list")}


def test_a_caution_between_what_was_taken_over() -> None:
    question = "会厌炎疑似者如何处理，要注意什么？"
    answer = "须区别会厌炎，立即由麻醉医师在手术室开放气道。"
    assert {"warning.between_care", "warning.asked_nothing_care"} <= found(warnings, answer, STEPS, question=question)
    assert not found(warnings, STEPS, STEPS, question=question)


@pytest.mark.parametrize("question", ["甘露醇多久起效？", "头抬高到几度？"])
def test_nothing_is_missed_that_nobody_asked_for(question: str) -> None:
    assert not found(warnings, "头抬高15°～30°。", MANNITOL, question=question, at_least=0.6)


def test_a_short_no_tells_the_caution_that_was_asked_about() -> None:
    evidence = Reading("母乳妈妈不用忌口。茵栀黄别吃。")
    case = Case(Reading("母乳妈妈要忌口吗？"), Reading("不用。"), (evidence,))
    assert not [s for s in asked_but_untold(case) if "忌口" in s.says]
