"""Overlap on real text: planted questions of one data set are found among the rows of the others, and nothing else."""

from __future__ import annotations

import os
import random
from pathlib import Path

import polars as pl
import pytest

from schemas.records import COMPLETION
from sources.base import ReadReport
from sources.tables import read_table
from tests.pipelines.overlap_rows import decided, edited, evenly
from tests.pipelines.rows import framed

pytestmark = pytest.mark.real

ROWS = (
    "distilled/alpaca_zh.json", "distilled/sharegpt_zh.jsonl", "distilled/medical_sharegpt.jsonl",
    "distilled/kg_instructions_jsonl.json", "dialogues/cmd_internal_medicine.csv", "dialogues/cmtmedqa.json",
    "knowledge_graph/disease.csv",
)  # fmt: skip
N_ROWS = 10_000


@pytest.fixture(scope="module")
def folder() -> Path:
    if not os.environ.get("PEDCORPUS_REAL_DATA"):
        pytest.skip("PEDCORPUS_REAL_DATA names no folder of real files")
    return Path(os.environ["PEDCORPUS_REAL_DATA"])


def test_ten_thousand_real_rows(folder: Path, tmp_path: Path) -> None:
    asked = [row.values for row in read_table(folder / "hallucination/HalluQA.json", ReadReport())]
    questions = [[str(row["Question"]), str(row["Best Answer1"])] for row in asked]
    texts = [str(row.values) for name in ROWS for row in read_table(folder / name, ReadReport())]
    rng = random.Random(1)
    rows = rng.sample(texts, min(N_ROWS, len(texts)))
    assert len(rows) > 4_000
    long = [i for i, (question, _) in enumerate(questions) if len(question) >= 22]
    planted = []
    for i in long:
        question = questions[i][0]
        copy = edited(rng, question, evenly(len(question), len(question) // 20))
        planted.append(rng.choice(rows)[:300] + copy + rng.choice(rows)[:300])
    frame = framed(COMPLETION, [{"text": t, "origin": "source", "derived_from": []} for t in (*rows, *planted)])
    dropped, (found,) = decided(tmp_path, [(COMPLETION, frame)], questions)
    ids = frame["record_id"].to_list()
    assert [ids.index(i) for i in dropped if ids.index(i) < len(rows)] == []
    assert [questions[long[n]][0] for n in range(len(planted)) if ids[len(rows) + n] not in dropped] == []
    assert found["n_rows"] == len(questions)
    assert found["n_unchecked"] == 0
    assert frame.filter(pl.col("record_id").is_in(list(dropped)))["text"].str.len_chars().max() > 300
