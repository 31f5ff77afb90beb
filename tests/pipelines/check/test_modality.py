"""What is moved on the scale of permission."""

from __future__ import annotations

import pytest

from pipelines.check.modality import modality
from tests.pipelines.check.cases import found

STATUTE = "经教育后当场改正的，可以免予处罚。每节课连续使用电子产品不宜超过二十分钟。情节严重的，应当予以训诫。"
LEAFLET = "【禁忌】重度心力衰竭；活动性消化道溃疡。\n【慎用】支气管哮喘病史；凝血功能障碍。"


@pytest.mark.parametrize("answer", ["当场改正的，必须免予处罚。", "情节严重的，可以予以训诫，也可以不训诫。"])
def test_steps_are_found(answer: str) -> None:
    assert found(modality, answer, STATUTE)


@pytest.mark.parametrize("answer", ["当场改正的，也可免予处罚。", "情节严重的，要予以训诫。", "情节严重的，应予训诫。"])
def test_words_of_one_step_are_the_same(answer: str) -> None:
    assert not found(modality, answer, STATUTE)


def test_each_item_of_a_list_is_looked_up() -> None:
    assert "modality.listed" in found(modality, "重度心力衰竭、凝血功能障碍者禁用。", LEAFLET)
    assert not found(modality, "重度心力衰竭、活动性消化道溃疡者禁用，凝血功能障碍者慎用。", LEAFLET)


def test_what_is_urgent_is_not_put_off() -> None:
    evidence = "雾化后半小时哭闹时仍有声，今晚就去急诊。"
    assert "modality.delay" in found(modality, "雾化后半小时哭闹时还有声，明早再去医院。", evidence)
    assert not found(modality, "雾化后半小时哭闹时还有声，今晚就去医院急诊。", evidence)
