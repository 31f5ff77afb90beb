"""Role-play over real files: which passages and diseases get a job, and what it costs to ask about them."""

from __future__ import annotations

import shutil
from collections import defaultdict
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from corpus.config import load_config
from corpus.plan import make_plan
from pipelines.ask.role_play import RolePlay, asks_of_passage, passage_job
from pipelines.ask.role_play_graph import asks_of_triple, graph_job
from pipelines.base import BatchStage
from pipelines.llm.exchange import Ask
from pipelines.prompts import PromptBook
from schemas.errors import PartRefused
from schemas.records import DOCUMENT, TRIPLE
from sources.base import ReadReport
from tests.pipelines.ask.scripts import MODELS, questions
from tests.real.test_tables import real

pytestmark = pytest.mark.real
_CLEANING = ("normalize", "deidentify", "drop_low_quality", "drop_off_topic")


def rows_of(folder: Path, kind: str) -> list[dict[str, Any]]:
    shutil.copy(Path(__file__).parent / "pedcorpus.yaml", folder)
    for each in real("").iterdir():
        if each.is_dir():
            (folder / each.name).symlink_to(each)
    plan = make_plan(load_config(folder / "pedcorpus.yaml"))
    rows: list[dict[str, Any]] = []
    for source, part in plan.parts:
        if source.kind not in ("textbook", "guideline") and (kind, source.kind) != (TRIPLE, "knowledge_graph"):
            continue
        try:
            frames = [b.frame for b in source.read(part, ReadReport()) if b.kind == kind]
        except PartRefused:
            continue
        for frame in frames:
            for stage in plan.config.stages:
                if isinstance(stage, BatchStage) and stage.kind in _CLEANING:
                    frame = stage.apply(kind, frame.filter(pl.col("drop_reason").is_null()))
            rows += frame.filter(pl.col("drop_reason").is_null()).to_dicts()
    return rows


def n_items(ask: Ask) -> int:
    return ask.messages[1]["content"].count("｜1轮") + ask.messages[1]["content"].count("｜2～3轮")


def chars(asks: list[Ask]) -> int:
    return sum(len(m["content"]) for ask in asks for m in ask.messages)


def test_passages(tmp_path: Path) -> None:
    rows, settings = rows_of(tmp_path, DOCUMENT), RolePlay()
    asked = [row for row in rows if asks_of_passage(row, settings)]
    assert not [row for row in asked if row["register"] == "classical"]
    modern = [row for row in rows if row["register"] != "classical"]
    assert 0.3 < len(asked) / len(modern) < 0.6  # the rest: tables elsewhere, requirements of products, the office
    asks = [ask for row in asked for ask in questions(passage_job(row, settings, MODELS, PromptBook()))]
    laws = [a for a in asks if a.prompt == "role_play_statute"]
    assert len(laws) >= 25
    assert all("trerecom" not in a.messages[1]["content"] for a in laws)
    assert chars(asks) / sum(map(n_items, asks)) < 1_000


def test_diseases(tmp_path: Path) -> None:
    groups: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows_of(tmp_path, TRIPLE):
        if asks_of_triple(row):
            groups[row["head"]].append(row)
    asks: list[Ask] = []
    for rows in groups.values():
        try:
            asks += questions(graph_job(rows, RolePlay(), MODELS, PromptBook()))
        except StopIteration:
            continue
    assert 300 < len(asks) <= len(groups) < 420  # not the 20,000 words of the vocabularies
    assert chars(asks) / sum(map(n_items, asks)) < 600
    sent = "\n".join(a.messages[1]["content"] for a in asks)
    assert not [word for word in ("宫颈", "前列腺", "[详细]", "...", "跌打丸") if word in sent]
