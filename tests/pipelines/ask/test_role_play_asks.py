"""What is asked about a passage: nothing about what has nothing to say, more about what has more, always the same."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.ask.content import pieces
from pipelines.ask.inquirers import CLINICIANS, FAMILY, PERSONAS
from pipelines.ask.role_play import RolePlay, asks_of_passage, passage_job
from pipelines.prompts import PromptBook
from tests.pipelines.ask.scripts import MODELS, PASSAGE, PATH, questions
from tests.pipelines.teacher_rows import document, documents

SETTINGS = RolePlay()
_SLOT = re.compile(r"^\d+\. (\w+)｜(\w+)｜(\S+)$", re.MULTILINE)


def slots(row: dict[str, Any], settings: RolePlay = SETTINGS) -> list[tuple[str, str, str]]:
    found = []
    for ask in questions(passage_job(row, settings, MODELS, PromptBook())):
        found += _SLOT.findall(ask.messages[1]["content"])
    return found


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("第一章 发热……………………1\n第二章 惊厥……………………15\n第三章 喉炎……………………27", ("儿科学", "目录")),
        ("[1] 王某某. 儿童喉炎的诊治[J]. 中华儿科杂志, 2016, 54(3): 167.\n[2] Li A, et al. 2018;3:1.", ("喉炎",)),
        ("本书由全国多家儿童医院的专家共同编写，供儿科医师、医学生参考，编写时间为2023年5月至2024年6月。", ("前言",)),
        ("本指南适用于0～14岁急性喉炎患儿，推荐供各级医疗机构儿科医师使用，不适用于先天性喉喘鸣患儿。", ("范围",)),
        ("本标准规定了婴儿配方食品的要求、试验方法和检验规则，适用于0～12月龄婴儿的食品，应当遵守。", ("喉炎指南",)),
        ("凡小儿发搐，目直视，身反折，口噤不开，宜泻青丸主之，后以地黄丸补之，日服三次。", ("卷上", "治疗")),
        ("母乳的储存条件和允许储存时间见表2。具体推荐量应按附录A执行。", ("喂养",)),
        ("各种蔬菜的重量：\n西红柿一类的蔬菜：重量（g）为120\n大白菜一类的蔬菜：重量（g）为115", ("喂养", "互换表")),
        ("治疗", ("喉炎", "治疗")),
        (" \n\t ", ("喉炎", "治疗")),
    ],
)  # fmt: skip
def test_what_has_nothing_to_say_yields_nothing_without_a_call(text: str, path: tuple[str, ...]) -> None:
    register = "classical" if text.startswith("凡") else "modern"
    row = document(text, path, register=register)
    assert not asks_of_passage(row, SETTINGS)
    with pytest.raises(StopIteration) as stop:
        next(passage_job(row, SETTINGS, MODELS, PromptBook()))
    assert stop.value.value.reason == "no_content"


@pytest.mark.parametrize("columns", [{"source_kind": "plain"}, {"source_kind": "seed"}, {"domain": "general"}])
def test_text_to_read_and_general_text_are_not_asked_about(columns: dict[str, Any]) -> None:
    assert asks_of_passage(document(PASSAGE, PATH), SETTINGS)
    assert not asks_of_passage(document(PASSAGE, PATH, **columns), SETTINGS)


def test_the_number_of_items_goes_by_what_a_passage_says_and_not_by_its_length() -> None:
    little = (
        "急性喉炎的名称由来已久，"
        + "历史上有许多不同的叫法与写法流传，" * 20
        + "至今仍有争议。急性喉炎在儿科门诊很常见。"
    )
    rich = "".join(f"推荐第{i}种情况的患儿口服药物{i} mg，每日{i}次。" for i in range(2, 9))
    assert len(little) > len(rich)
    assert len(slots(document(rich, PATH))) > len(slots(document(PASSAGE, PATH))) > 0
    assert len(slots(document(little, PATH))) == 1
    assert len(slots(document(rich, PATH), RolePlay(max_items=2))) == 2


def test_personas_follow_the_content_and_all_of_them_come_up() -> None:
    care = [document(f"家长应当给{i}月龄的宝宝勤喂奶。{PASSAGE}", ("喉炎", "家庭护理")) for i in range(30)]
    science = [document(f"第{i}型的机制不同。{PASSAGE}", ("喉炎", "发病机制")) for i in range(30)]
    first_of_care = {slots(row)[0][0] for row in care}
    first_of_science = {slots(row)[0][0] for row in science}
    assert first_of_care == set(FAMILY)
    assert first_of_science <= set(CLINICIANS)
    assert {slot[0] for row in (*care, *science) for slot in slots(row)} == set(PERSONAS)


def test_families_consult_and_colleagues_ask_about_adults() -> None:
    signs = document(PASSAGE + "还可有发热、呕吐、水疱。诊断依据临床表现。", ("急性喉炎", "临床表现"))
    consultations = [slot for slot in slots(signs) if slot[1] == "evidiag"]
    assert len(consultations) == 1
    assert consultations[0][0] in FAMILY
    adults = slots(document(PASSAGE, PATH, domain="medical"))
    assert {persona for persona, _, _ in adults} <= set(CLINICIANS)


def test_a_share_of_items_has_several_turns() -> None:
    rows = [document(f"{i}号病区的要求。{PASSAGE * 2}", ("喉炎", "发病机制")) for i in range(60)]
    several = [slot[2] != "1轮" for row in rows for slot in slots(row)]
    assert 0.1 < sum(several) / len(several) < 0.4
    assert not any(slot[2] != "1轮" for row in rows for slot in slots(row, RolePlay(multi_turn_ratio=0.0)))


def test_the_same_passage_is_asked_the_same_wherever_it_is_asked() -> None:
    code = (
        "from tests.pipelines.ask.test_role_play_asks import *\n"
        "asks = [a for d in documents() if asks_of_passage(d, SETTINGS)"
        " for a in questions(passage_job(d, SETTINGS, MODELS, PromptBook()))]\n"
        "print([a.key('m') for a in asks])"
    )
    said = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed, "LC_ALL": "C"},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(said) == 1
    assert "['" in said.pop()


def test_clauses_and_sections_are_asked_about_and_tables_that_are_not_there_are_not() -> None:
    asked = {row["text"][:8] for row in documents() if asks_of_passage(row, SETTINGS)}
    assert {"小儿腹泻病的治", "毛细支气管炎是"} <= {text[:7] for text in asked}
    assert not any(text.startswith(("凡小儿", "母乳的储存")) for text in asked)


@given(
    st.lists(st.sampled_from(["推荐口服补液盐50 ml/kg。", "患儿咳嗽！", "\n", "长" * 90, "，" * 7, "。"]), max_size=60),
    st.integers(200, 900),
)
def test_pieces_are_the_passage_and_none_is_too_long(texts: list[str], max_chars: int) -> None:
    text = "".join(texts) or "。"
    cut = pieces(document(text, PATH), max_chars)
    assert [p.start for p in cut] == [0, *[p.end for p in cut[:-1]]]
    assert cut[-1].end == len(text)
    assert all(0 < p.end - p.start <= max_chars for p in cut)


def test_pieces_end_where_sentences_end() -> None:
    text = "婴儿口服补液盐每次50毫升，少量多次，并观察尿量。" * 100
    assert all(text[p.end - 1] == "。" for p in pieces(document(text, PATH), 700))


def test_a_long_passage_takes_small_requests_and_a_file_that_nobody_cut_takes_none() -> None:
    text = "婴儿腹泻应口服补液盐50 ml/kg。"
    asks = questions(passage_job(document(text * 500, PATH), SETTINGS, MODELS, PromptBook()))
    assert all(len(ask.messages[1]["content"]) < SETTINGS.max_chars + 1_500 for ask in asks)
    assert not asks_of_passage(document(text * 50_000, PATH), SETTINGS)
