"""What is folded, and which facts two texts must share."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.near.comparison import compared, text_of
from pipelines.near.settings import FIELD

FEW = settings(max_examples=200, deadline=None, derandomize=True)


def folded(text: str) -> str:
    result = compared(pa.array([text], pa.large_string()))
    return text_of(result.units, result.offsets, 0)


def facts(text: str) -> int:
    return int(compared(pa.array([text], pa.large_string())).facts[0])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("体温 38.5 ℃，\n可 观察", "体温38.5℃,可观察"),
        ("ＡＢＣ　１２３", "abc123"),
        ("第1 2周", "第1 2周"),
        ("第1 周", "第1周"),
        ("5 \n\t 6", "5 6"),
        ("10² 和 102", "10²和102"),
        ("a\u200bb\ufeffc\u00a0d", "abcd"),
        ("≦5", "≤5"),
        ("  5 ", "5"),
        ("", ""),
        (f"问{FIELD}答", f"问{FIELD}答"),
    ],
)
def test_folding_keeps_meaning(text: str, expected: str) -> None:
    assert folded(text) == expected


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("每次2.50mg", "每次2.5mg"), ("05月", "5月"), ("三天", "3天"), ("两次", "2次"), ("１０毫升", "10 毫升"),
        ("３％", "3%"), ("发热咳嗽", "咳嗽发热"), ("3～5天", "3-5天"), ("＜5", "<5"), ("0.50", "00.5"), ("10", "10.0"),
    ],
)  # fmt: skip
def test_equal_facts(left: str, right: str) -> None:
    assert facts(left) == facts(right)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("5mg", "50mg"), ("2.5mg", "25mg"), ("1/2片", "1-2片"), ("第1 2周", "第12周"), ("三天", "四天"),
        ("不宜", "宜"), ("无发热", "发热"), ("禁用", "用"), ("3%", "3"), (">5", "<5"), ("≥5", ">5"), ("十", "百"),
        ("5mg,10mg", "10mg,5mg"), ("15", "1,5"), ("3天", "33天"), ("5", "半"), ("100", "1"), ("0.5", "5"),
    ],
)  # fmt: skip
def test_other_facts(left: str, right: str) -> None:
    assert facts(left) != facts(right)


@FEW
@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=60))
def test_a_folded_text_is_folded_and_a_text_hash_is_of_the_folded_text(text: str) -> None:
    once = folded(text)
    assert folded(once) == once
    first, second = (compared(pa.array([t], pa.large_string())) for t in (text, once))
    assert first.texts[0] == second.texts[0]
    assert first.facts[0] == second.facts[0]


@FEW
@given(st.lists(st.text("发热咳0123.５ /\n不一😀", max_size=20), max_size=8))
def test_texts_do_not_touch_their_neighbours(texts: list[str]) -> None:
    together = compared(pa.array(texts, pa.large_string()))
    for i, text in enumerate(texts):
        alone = compared(pa.array([text], pa.large_string()))
        assert text_of(together.units, together.offsets, i) == text_of(alone.units, alone.offsets, 0)
        assert (together.facts[i], together.texts[i]) == (alone.facts[0], alone.texts[0])


def test_a_slice_of_an_array_is_read_where_it_is() -> None:
    array = pa.array(["头痛3天", "发热5天", "咳嗽"], pa.large_string()).slice(1, 2)
    result = compared(array)
    assert [text_of(result.units, result.offsets, i) for i in range(2)] == ["发热5天", "咳嗽"]
