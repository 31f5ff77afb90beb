"""What is denied on one side only."""

from __future__ import annotations

import pytest

from pipelines.check.polarity import polarity
from tests.pipelines.check.cases import found, signals

LEAFLET = (
    "【注意事项】本品不能代替疫苗。脱水患儿应先补足液体。不推荐常规拍胸片，怀疑气胸时可拍。如出现皮疹，须立即停药就医。"
)


@pytest.mark.parametrize(
    "answer",
    ["本品可以代替疫苗。", "推荐常规拍胸片。", "出现皮疹无须停药，继续观察。", "脱水患儿不应补足液体。"],
)
def test_what_is_turned_round_is_found(answer: str) -> None:
    assert found(polarity, answer, LEAFLET)


@pytest.mark.parametrize(
    "answer",
    [
        "本品不可代替疫苗。",
        "胸片不建议常规拍。",
        "出现皮疹要马上停药去医院。",
        "脱水的孩子要先把液体补足。",
        "怀疑气胸可以拍胸片。",
    ],
)
def test_the_same_in_other_words_is_not(answer: str) -> None:
    assert not found(polarity, answer, LEAFLET)


def test_a_short_answer_speaks_of_the_question() -> None:
    question = "本品能代替流感疫苗吗？"
    assert found(polarity, "可以。", "本品不能代替流感疫苗。", question=question)
    assert not found(polarity, "不可以。", "本品不能代替流感疫苗。", question=question)


def test_opposites_in_clauses_on_the_same() -> None:
    evidence = "与甲氨蝶呤合用可使甲氨蝶呤血药浓度升高。"
    assert "polarity.opposite" in found(polarity, "与甲氨蝶呤合用可使甲氨蝶呤血药浓度降低。", evidence)
    assert not found(polarity, "与甲氨蝶呤合用，甲氨蝶呤血药浓度会上升。", evidence)


def test_spans_are_of_the_texts() -> None:
    answer = "家里平时注意保暖。本品可以代替疫苗。"
    signal = signals(polarity, answer, LEAFLET)[0]
    assert "可以代替疫苗" in answer[signal.start : signal.end]
    assert "不能代替疫苗" in LEAFLET[signal.evidence_start : signal.evidence_end]


def test_an_exception_is_no_case_of_the_rule() -> None:
    evidence = "中断训练连续超过三十日的，停止发放补助，因住院治疗的除外。"
    assert "polarity.exception" in found(polarity, "住院治疗连续超过三十日也会停发补助。", evidence)
    assert not found(polarity, "住院治疗连续超过三十日的不停发补助。", evidence)
