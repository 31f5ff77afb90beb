"""Identities leave typed placeholders; doses, standards, generic hospitals and eponyms stay."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from pipelines.deidentify import PLACEHOLDERS, Deidentify, placeholder_counts
from pipelines.identifiers import is_identity_number
from schemas.records import DIALOGUE, DOCUMENT, INSTRUCTION, TRIPLE
from tests.pipelines.rows import conversation, document, framed, instruction, triple

HERE = Path(__file__).parent


def cases(name: str) -> list[str]:
    lines = (HERE / name).read_text("utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def redacted(texts: list[str]) -> list[str]:
    frame = framed(DIALOGUE, [{"turns": [{"role": "patient", "content": text}]} for text in texts])
    return [turns[0]["content"] for turns in Deidentify().apply(DIALOGUE, frame)["turns"].to_list()]


def test_every_identity_of_the_list_is_replaced() -> None:
    pairs = [line.split(" ⇒ ") for line in cases("identity_positives.txt")]
    assert len(pairs) >= 150
    missed = [
        (text, got) for (text, want), got in zip(pairs, redacted([p[0] for p in pairs]), strict=True) if got != want
    ]
    assert not missed


def test_nothing_else_of_the_list_is_touched() -> None:
    texts = cases("identity_negatives.txt")
    assert len(texts) >= 200
    wrong = [(text, got) for text, got in zip(texts, redacted(texts), strict=True) if got != text]
    assert not wrong


def test_placeholders_are_all_declared() -> None:
    produced = {
        name
        for text in redacted([p.split(" ⇒ ")[0] for p in cases("identity_positives.txt")])
        for name in PLACEHOLDERS
        if name in text
    }
    assert produced == set(PLACEHOLDERS)


def test_identity_numbers_need_region_date_and_checksum() -> None:
    assert is_identity_number("110101199003077213")
    assert not is_identity_number("110101199003077214")
    assert not is_identity_number("110101199013077213")
    assert not is_identity_number("990101199003077213")


def test_old_books_keep_their_authors_and_general_rows_their_stories() -> None:
    old = document("作者：钱乙。张主任曰", register="classical")
    assert Deidentify().apply(DOCUMENT, old)["text"][0] == "作者：钱乙。张主任曰"
    story = instruction("我叫李小红，电话13800138000", "你好", topic="general")
    assert Deidentify().apply(INSTRUCTION, story)["messages"][0][0]["content"] == "我叫李小红，电话[电话]"


def test_a_row_of_a_table_is_no_phone() -> None:
    table = "钠 138 0013 8000 钾"
    assert Deidentify().apply(DOCUMENT, document(table))["text"][0] == table


def test_the_original_of_a_simplified_text_is_cleaned_too() -> None:
    frame = document("电话13800138000", original_text="電話13800138000")
    assert Deidentify().apply(DOCUMENT, frame)["original_text"][0] == "電話[电话]"


def test_settings_switch_finders_off() -> None:
    frame = conversation("隋医生，我在北京儿童医院，网址www.example.cn", "好")
    off = Deidentify(hospitals=False, doctors=False, links=False)
    assert off.apply(DIALOGUE, frame)["turns"][0][0]["content"] == "隋医生，我在北京儿童医院，网址www.example.cn"


def test_relations_stay_and_counts_add_up() -> None:
    frame = Deidentify().apply(TRIPLE, triple("肺炎", "就诊医院", "北京儿童医院"))
    assert frame.select("head", "relation", "tail").row(0) == ("肺炎", "就诊医院", "[医院]")
    both = pl.concat([frame, Deidentify().apply(TRIPLE, triple("联系", "电话", "13800138000"))])
    counts = placeholder_counts(TRIPLE, both)
    assert (counts["[医院]"], counts["[电话]"], sum(counts.values())) == (1, 1, 2)
