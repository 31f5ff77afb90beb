"""Seeds: tables of hazards and topics become documents that nothing but an LLM stage uses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from corpus.config import load_config
from corpus.plan import make_plan
from pipelines.base import BatchStage
from pipelines.make_completions import MakeCompletions
from pipelines.make_instructions import MakeInstructions
from schemas.errors import PartRefused
from schemas.records import DOCUMENT, frame_of
from schemas.validation import violations
from sources.base import ReadReport
from sources.seeds import Seeds, shipped_parts
from tests.sources.table_readers import read, reasons

SOURCE = Seeds(source_id="s", path=("a.jsonl",), license="CC0-1.0")
ROW = {
    "task": "safety",
    "behaviour": "warn",
    "topic": "喂蜂蜜",
    "facts": "不要喂，1岁以下不能吃蜂蜜。",
    "source": "某指南",
}


def rows_of(folder: Path, rows: list[dict[str, Any]], source: Seeds = SOURCE) -> list[dict[str, Any]]:
    return read(source, folder / "a.jsonl", "\n".join(json.dumps(row) for row in rows))[0]["document"]


def shipped(tmp_path: Path) -> tuple[Any, list[dict[str, Any]]]:
    (tmp_path / "c.yaml").write_text("name: x\nsources:\n  seeds: {kind: seeds}\n", "utf-8")
    plan = make_plan(load_config(tmp_path / "c.yaml"))
    frames = [b.frame for source, part in plan.parts for b in source.read(part, ReadReport())]
    return plan, [row for frame in frames for row in frame.to_dicts()]


def test_a_row_becomes_a_document_with_task_and_behaviour(tmp_path: Path) -> None:
    (row, again) = rows_of(tmp_path, [ROW, {**ROW, "behaviour": "refuse"}])
    assert (row["title"], row["section_path"], row["text"]) == ("喂蜂蜜", ["safety", "warn"], ROW["facts"])
    assert (row["source_kind"], row["topic"], row["issuer"]) == ("seed", "general", "某指南")
    assert row["group_id"] == again["group_id"]  # one hazard is never on both sides of a split


def test_names_in_chinese_and_tables_with_commas_are_read(tmp_path: Path) -> None:
    table = "隐患,要点,行为,任务\n喂蜂蜜,不要喂。1岁以下不能吃。,warn,safety\n捂汗,不要捂。,warn,safety\n"
    rows, report = read(SOURCE, tmp_path / "a.csv", table)
    assert [row["title"] for row in rows["document"]] == ["喂蜂蜜", "捂汗"]
    assert report.format == "csv"


def test_what_is_no_seed_is_dropped_by_reason(tmp_path: Path) -> None:
    rows = [
        ROW,
        {**ROW, "topic": None},
        {**ROW, "facts": " "},
        {**ROW, "task": "medkqa"},
        {**ROW, "task": None},
        {**ROW, "behaviour": None},
        {**ROW, "behaviour": "scold"},
    ]
    found = rows_of(tmp_path, rows)
    assert reasons(found) == {
        None: 1,
        "no_topic": 1,
        "no_facts": 1,
        "unknown_task": 1,
        "no_task": 1,
        "no_behaviour": 1,
        "unknown_behaviour": 1,
    }
    assert not violations(DOCUMENT, frame_of(DOCUMENT, found))


def test_the_option_names_the_task_of_rows_without_one_and_leaves_others_out(tmp_path: Path) -> None:
    source = Seeds(source_id="s", path=("a.jsonl",), license="CC0-1.0", task="self_cognition")
    found = rows_of(tmp_path, [{"topic": "你是谁", "facts": "我是{assistant_name}。"}, {**ROW}], source)
    assert reasons(found) == {None: 1, "other_task": 1}
    assert found[0]["section_path"] == ["self_cognition", "answer"]


def test_a_table_of_something_else_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PartRefused) as caught:
        rows_of(tmp_path, [{"question": "问", "answer": "答"}] * 2)
    assert caught.value.reason == "unknown_layout"


def test_without_a_path_the_tables_that_ship_are_parts_with_the_same_names_everywhere(tmp_path: Path) -> None:
    plan, rows = shipped(tmp_path)
    assert [part.path for _, part in plan.parts] == ["pedcorpus:safety.jsonl", "pedcorpus:self_cognition.jsonl"]
    assert {row["license"] for row in rows} == {"CC-BY-4.0"}
    assert len({row["record_id"] for row in rows}) == len(rows) > 100
    assert not violations(DOCUMENT, frame_of(DOCUMENT, rows))
    assert [p.path for p in shipped_parts(Seeds(source_id="s", task="safety"))] == ["pedcorpus:safety.jsonl"]


def test_a_path_of_the_users_keeps_its_licence() -> None:
    assert Seeds(source_id="s").license == "CC-BY-4.0"
    assert Seeds(source_id="s", path=("a.csv",)).license == "unknown"


def test_ours_pass_the_stages_before_and_feed_neither_pretraining_nor_the_embedded_teacher(tmp_path: Path) -> None:
    plan, rows = shipped(tmp_path)
    frame = frame_of(DOCUMENT, rows)
    for stage in plan.config.stages:
        if isinstance(stage, BatchStage) and DOCUMENT in stage.reads:
            frame = stage.apply(DOCUMENT, frame)
    assert frame["drop_reason"].null_count() == frame.height
    assert frame["text"].to_list() == [row["text"] for row in rows]
    for stage in (MakeCompletions(), MakeInstructions()):
        assert all(made.is_empty() for made in stage.make(DOCUMENT, frame).values())
    with_model = MakeInstructions(models={"writer": "m"})
    assert with_model.asked_of(DOCUMENT, frame).height == frame.height
