"""Text is reached wherever it lies in a record, and nothing else is touched."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from pipelines.text_columns import TEXT_COLUMNS, changed_where, each_text, joined_text, map_texts
from schemas.records import DIALOGUE, DOCUMENT
from tests.pipelines.rows import KINDS, conversation, document, framed, rows_of


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=15, deadline=None, derandomize=True)
@given(data=st.data())
def test_mapping_nothing_changes_nothing(kind: str, data: st.DataObject) -> None:
    frame = framed(kind, data.draw(rows_of(kind)))
    assert_frame_equal(map_texts(kind, frame, lambda texts: texts), frame)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=15, deadline=None, derandomize=True)
@given(data=st.data())
def test_mapping_reaches_every_text_and_nothing_else(kind: str, data: st.DataObject) -> None:
    frame = framed(kind, data.draw(rows_of(kind)))
    after = map_texts(kind, frame, lambda texts: texts + "！")
    assert each_text(kind, after)["text"].to_list() == [text + "！" for text in each_text(kind, frame)["text"]]
    others = [name for name in frame.columns if name not in TEXT_COLUMNS[kind]]
    assert_frame_equal(after.select(others), frame.select(others))


def test_joined_text_knows_roles_and_keeps_every_row() -> None:
    frame = pl.concat(
        [conversation("问一", "答一", "问二"), framed(DIALOGUE, [{"turns": None}, {"turns": []}], first=1)]
    )
    assert joined_text(DIALOGUE, frame, ["patient"]).to_list() == ["问一\n问二", "", ""]
    assert joined_text(DIALOGUE, frame).to_list() == ["问一\n答一\n问二", "", ""]


def test_headings_are_text() -> None:
    frame = document("正文", title="书", section_path=["第一章", "总论"])
    assert joined_text(DOCUMENT, frame).to_list() == ["书\n第一章\n总论\n正文"]


def test_only_triggered_strings_are_changed_and_the_input_stays() -> None:
    texts = pl.Series("t", ["a1", None, "b", "c2"])
    assert changed_where(texts, r"\d", lambda some: some + "!").to_list() == ["a1!", None, "b", "c2!"]
    assert texts.to_list() == ["a1", None, "b", "c2"]
