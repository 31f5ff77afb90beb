"""The columnar checks and the JSON Schemas are one rule said twice: they must agree on every row."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import jsonschema
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.json.__main__ import documents
from schemas.records import make_record_id
from schemas.validation import json_schema, shapes, violations


def a_value(dtype: Any) -> Any:
    if isinstance(dtype, pl.List):
        return [a_value(dtype.inner)]
    if isinstance(dtype, pl.Struct):
        return {f.name: a_value(f.dtype) for f in dtype.fields}
    return 1 if dtype == pl.Int64 else "文字"


_FITTING = {
    "record_id": make_record_id("document", "x"),
    "group_id": make_record_id("group", "x"),
    "topic": "paediatric",
    "domain": "paediatric",
    "split": "train",
    "drop_reason": None,
    "task": "medkqa",
    "origin": "document",
    "source_kind": "textbook",
    "register": "modern",
    "turns": [{"role": "patient", "content": "发热"}],
    "messages": [{"role": "user", "content": "发热怎么办？"}, {"role": "assistant", "content": "多饮水。"}],
    "prompt": [{"role": "user", "content": "发热怎么办？"}],
    "evidence": [{"record_id": make_record_id("document", "x"), "start": 0, "end": 2, "text": "发热"}],
    "generator": {"method": "source", "name": "x", "version": None, "template": None, "call_key": None},
}


def fitting_row(shape: str) -> dict[str, Any]:
    row = {}
    for column, dtype in shapes()[shape].items():
        row[column] = copy.deepcopy(_FITTING.get(column, a_value(dtype)))
        if shape == "view-dfpo" and column in ("chosen", "rejected"):
            row[column] = [{"role": "assistant", "content": "多饮水。"}]
    return row


@pytest.mark.parametrize("shape", shapes())
def test_a_fitting_row_fits_both(shape: str) -> None:
    row = fitting_row(shape)
    jsonschema.Draft202012Validator(json_schema(shape)).validate(row)
    assert violations(shape, pl.DataFrame([row], schema=shapes()[shape])) == []


blank = ["", " ", "\x1f", "\x85", "\ufeff", "\u3000", "\xa0\n", "\x00"]
wrong = st.sampled_from([None, *blank, "X", "文", -1, 0, 7, [], [None], {}])


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(sorted(shapes())), st.data())
def test_both_judge_a_spoilt_row_alike(shape: str, data: st.DataObject) -> None:
    row, schema = fitting_row(shape), shapes()[shape]
    column = data.draw(st.sampled_from(sorted(schema)))
    value, _dtype = data.draw(wrong), schema[column]
    target = row[column]
    if isinstance(target, list) and target and isinstance(target[0], dict) and data.draw(st.booleans()):
        target[0][data.draw(st.sampled_from(sorted(target[0])))] = value
    else:
        row[column] = value
    try:
        frame = pl.DataFrame([row], schema=dict(schema.items()), strict=True)
    except (TypeError, pl.exceptions.PolarsError):
        return  # not of the column's type: it cannot be in a frame at all
    if frame.to_dicts()[0] != row:
        return  # the frame made another row of it
    valid = jsonschema.Draft202012Validator(json_schema(shape)).is_valid(row)
    assert valid == (violations(shape, frame) == [])


@pytest.mark.parametrize(
    ("column", "value", "fits"),
    [
        *(("head", text, False) for text in blank),
        ("head", " 麻疹\n", True),
        ("record_id", "t" + "0" * 20, True),
        ("record_id", "t" + "0" * 20 + "\n", False),
        ("record_id", "T" + "0" * 20, False),
        ("drop_reason", "stage:reason\n", False),
        ("drop_reason", None, True),
    ],
)
def test_blanks_and_line_ends_are_judged_alike(column: str, value: str | None, fits: bool) -> None:
    row = {**fitting_row("triple"), column: value}
    assert jsonschema.Draft202012Validator(json_schema("triple")).is_valid(row) == fits
    assert (violations("triple", pl.DataFrame([row], schema=shapes()["triple"])) == []) == fits


def test_columns_of_another_shape_are_one_violation() -> None:
    (found,) = violations("triple", pl.DataFrame({"record_id": ["x"], "surplus": [1]}))
    assert found.column == "columns"
    assert "surplus" in found.rule


def test_a_violation_names_the_first_record() -> None:
    rows = [fitting_row("triple"), fitting_row("triple"), fitting_row("triple")]
    for number, row in enumerate(rows):
        row["record_id"] = make_record_id("triple", str(number))
    rows[1]["head"], rows[2]["head"] = " ", " "
    (found,) = violations("triple", pl.DataFrame(rows, schema=shapes()["triple"]))
    assert (found.column, found.n_rows, found.record_id) == ("head", 2, rows[1]["record_id"])


@pytest.mark.parametrize(("name", "text"), documents().items())
def test_schema_files_are_what_the_rules_say(name: str, text: str) -> None:
    folder = Path(__file__).parents[2] / "schemas" / "json"
    assert (folder / name).read_text("utf-8") == text, "run `python -m schemas.json`"
