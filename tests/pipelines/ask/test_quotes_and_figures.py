"""Quotes are found where they stand and nowhere else; figures and drugs from elsewhere are noticed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.ask.passage_facts import foreign_article, foreign_drug, foreign_quantity
from pipelines.ask.quotes import find, folded, merged, parts_of

TEXT = "布地奈德 雾化吸入，每次1.5 mg；体温≥38.5℃时，\n口服对乙酰氨基酚15mg/kg（最大量）。"


@pytest.mark.parametrize(
    ("quote", "found"),
    [
        ("每次1.5 mg", "每次1.5 mg"),
        ("每次１．５mg", "每次1.5 mg"),
        ("体温≥38.5℃时口服对乙酰氨基酚", "体温≥38.5℃时，\n口服对乙酰氨基酚"),
        ("“雾化吸入”，每次1.5MG", "雾化吸入，每次1.5 mg"),
        ("每次15 mg", None),
        ("5mg/kg", None),
        ("5 mg", None),
        ("体温≥38", None),
        ("体温＜38.5℃", None),
        ("", None),
        ("，。", None),
    ],
)
def test_a_quote_is_found_or_not(quote: str, found: str | None) -> None:
    place = find(quote, TEXT, folded(TEXT))
    assert (None if place is None else TEXT[slice(*place)]) == found


@given(st.text(alphabet="婴儿发热1.5～3 mg，。（）\n", min_size=1, max_size=60), st.data())
def test_any_cut_of_a_text_is_found_in_it(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    quote = text[start:end]
    place = find(quote, text, folded(text))
    if place is not None:
        assert folded(text[slice(*place)]).text == folded(quote).text
    elif folded(quote).text:  # only a cut through a number is not found
        around = text[max(start - 1, 0) : start + 1] + text[end - 1 : end + 1]
        assert set(around) & set("135.")


def test_quotes_are_cut_at_ellipses_and_short_ones_left_out() -> None:
    assert parts_of(["布地奈德雾化……口服对乙酰氨基酚", "发热", "布地奈德雾化"], 4) == [
        "布地奈德雾化",
        "口服对乙酰氨基酚",
    ]
    assert merged([(5, 9), (0, 3), (2, 5)]) == [(0, 9)]


@pytest.mark.parametrize(
    ("answer", "evidence", "found"),
    [
        ("每次10～15mg/kg", "每次10-15 mg/kg", None),
        ("观察24小时", "观察1天", None),
        ("18个月的孩子", "1.5岁的患儿", None),
        ("疗程三天", "疗程3～5 d", None),
        ("每次5毫克", "每次5mg", None),
        ("一天三次", "每日3次", None),
        ("1. 多喝水\n2. 多休息", "多喝水，多休息", None),
        ("请拨打120", "立即送医", None),
        ("喂1,000 ml", "喂1000ml", None),
        ("一般来说，十分重要，万一不行", "重要", None),
        ("处5万到50万元罚款，1到10倍", "处五万元以上五十万元以下罚款，一倍以上十倍以下", None),
        ("低于第3百分位", "体重低于第3百分位", None),
        ("最高500元", "五百元以下", None),
        ("最高600元", "五百元以下", "600"),
        ("处5万元罚款", "处五十万元以下罚款", "50000"),
        ("每次5毫克", "每次5ml", "5毫克"),
        ("疗程七天", "疗程3天", "七天"),
        ("血压90 mmHg", "血压80 mmHg", "90"),
        ("约30%", "约20%", "30%"),
        ("每次0.5g", "每次5g", "0.5g"),
    ],
)
def test_figures_from_elsewhere(answer: str, evidence: str, found: str | None) -> None:
    told = foreign_quantity(answer, [evidence])
    assert told is None if found is None else found in (told or "")


def test_drugs_and_articles_from_elsewhere() -> None:
    assert foreign_drug("可用头孢或布洛芬", ["头孢曲松、布洛芬"]) is None
    assert foreign_drug("可用阿奇霉素", ["头孢曲松"]) == "阿奇霉素"
    assert foreign_article("依据第十条", ["第十条　应当", "问"]) is None
    assert foreign_article("依据第十一条", ["第十条　应当"]) == "第十一条"
