"""The real tables, value by value: what came in is what was kept and what was dropped, by reason."""

from __future__ import annotations

import os
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from sources.dialogue import Dialogue
from sources.distilled import Distilled
from sources.knowledge_graph import KnowledgeGraph
from tests.sources.table_readers import Rows, read, reasons

pytestmark = pytest.mark.real


def real(name: str) -> Path:
    folder = os.environ.get("PEDCORPUS_REAL_DATA")
    if not folder:
        pytest.skip("PEDCORPUS_REAL_DATA names no folder")
    return Path(folder) / name


def kept(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [row for row in rows if row["drop_reason"] is None]


def test_disease_csv() -> None:
    rows, report = read(KnowledgeGraph(source_id="kg"), real("knowledge_graph/disease.csv"))
    triples = rows["triple"]
    assert (report.format, report.encoding) == ("csv", "gb18030")
    assert reasons(triples) == {
        None: 8930,
        "truncated_value": 241,
        "junk_value": 170,
        "duplicate_value": 113,
        "shifted_columns": 76,
        "implausible_value": 43,
        "adult_value": 4,
    }
    assert len({t["locator"] for t in triples if t["drop_reason"] == "read:shifted_columns"}) == 6
    assert len({t["head"] for t in kept(triples)}) == 400
    tails = "\n".join(t["tail"] for t in kept(triples))
    assert not any(residue in tails for residue in ("[", "...", "暂无", "用什么药", "\u3000"))
    counts = Counter(t["relation"] for t in kept(triples))
    assert counts["症状"] == 1907
    assert counts["检查"] == 1470
    assert counts["医保"] == counts["传染性"] == 400


def test_vocabularies() -> None:
    graph = KnowledgeGraph(source_id="kg", topic="medical")
    rows, report = read(graph, real("knowledge_graph/icd10.csv"))
    assert (report.format, reasons(rows["triple"])) == ("tsv", {None: 1586})
    assert rows["triple"][0]["tail"] == "A00"
    rows, _ = read(graph, real("knowledge_graph/icd10.json"))
    counts = Counter(t["relation"] for t in kept(rows["triple"]))
    assert counts == {"ICD-10编码": 1819, "属于": 1800}
    rows, _ = read(graph, real("knowledge_graph/THUOCL_medical.txt"))
    assert reasons(rows["triple"]) == {None: 18749}
    assert rows["triple"][1]["head"] == "医院"


@pytest.mark.parametrize(
    ("name", "form", "counts"),
    [
        ("dialogues/cmd_internal_medicine.csv", "csv", {"dialogue": 3000}),
        ("dialogues/cmtmedqa.json", "json", {"dialogue": 149, "instruction": 32}),
        ("dialogues/dxy_sample.txt", "python_literal", {"dialogue": 40}),
        ("dialogues/remedi_dev.txt", "tagged", {"dialogue": 100}),
    ],
)
def test_dialogues(name: str, form: str, counts: dict[str, int]) -> None:
    rows, report = read(Dialogue(source_id="d"), real(name))
    assert report.format == form
    assert {kind: len(found) for kind, found in rows.items()} == counts
    assert all(reasons(found) == {None: len(found)} for found in rows.values())
    for row in rows["dialogue"]:
        roles = [turn["role"] for turn in row["turns"]]
        assert set(roles) == {"patient", "doctor"}
        assert all(a != b for a, b in pairwise(roles))
        assert all(t["content"].strip() not in ("", "nan", "无") and "<|" not in t["content"] for t in row["turns"])


def test_remedi_turns_are_said_once() -> None:
    path = real("dialogues/remedi_dev.txt")
    rows, report = read(Dialogue(source_id="d"), path)
    assert report.notes == ["833 lines folded into 100 conversations"]
    assert sum(len(row["turns"]) for row in rows["dialogue"]) == 2 * 833
    assert sum(row["age"] is not None for row in rows["dialogue"]) == 97


def instructions(source: Distilled, name: str) -> Rows:
    rows, _ = read(source, real(name))
    for row in kept(rows.get("instruction", [])):
        assert row["messages"][-1]["role"] == "assistant"
    return rows


def test_distilled() -> None:
    general, medical = Distilled(source_id="g", topic="general"), Distilled(source_id="m", topic="medical")
    wanted = {
        "distilled/alpaca_zh.json": (general, {"instruction": {None: 1000}}),
        "distilled/sharegpt_zh.jsonl": (general, {"instruction": {None: 150}}),
        "distilled/dpo_zh.json": (general, {"preference": {None: 300}}),
        "distilled/medical_sharegpt.jsonl": (medical, {"instruction": {None: 300}}),
        "distilled/kg_instructions_jsonl.json": (medical, {"instruction": {None: 300}}),
        "distilled/cmd_samples.json": (medical, {"instruction": {None: 120}}),
    }
    found = {
        name: {kind: reasons(rows) for kind, rows in instructions(source, name).items()}
        for name, (source, _) in wanted.items()
    }
    assert found == {name: counts for name, (_, counts) in wanted.items()}


def test_cmd_samples_misspelt_key_is_told() -> None:
    _, report = read(Distilled(source_id="m", topic="medical"), real("distilled/cmd_samples.json"))
    assert "column 'raw_anwser' taken for 'raw_answer'" in report.notes


def test_benchmarks_through_the_configuration() -> None:
    columns = {"question": "Question", "chosen": "Best Answer1", "rejected": "Wrong_Answer1"}
    rows, _ = read(Distilled(source_id="h", columns=columns, topic="general"), real("hallucination/HalluQA.json"))
    assert {kind: reasons(found) for kind, found in rows.items()} == {"preference": {None: 450}}
    source = Distilled(source_id="p", where={"label": "keep"}, topic="medical")
    rows, _ = read(source, real("hallucination/paraphrased_statutes.jsonl"))
    assert reasons(rows["instruction"]) == {None: 28, "filtered_by_where": 28}
