"""Consultations rewritten, distilled answers reconstructed, preferences made: in a build, by way of a real server."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from corpus.build import build
from corpus.config import load_config
from corpus.plan import make_plan
from corpus.verify import verify
from schemas.reader import open_version
from tests.corpus.small import write_small_corpus
from tests.llm_server import LlmServer
from tests.pipelines.ask.rewriting import kind_model

ANSWER = (
    "第{n}种看法：考虑急性支气管炎，表现为咳嗽、咳痰和发热。体温超过38.5℃可口服布洛芬，每次5ml，"
    "间隔{n}小时一次，咳痰可用氨溴索，每日2次，三天后复查血常规。"
)


def view(version_dir: Path, name: str) -> pl.DataFrame:
    version = open_version(version_dir)
    return pl.concat([version.scan(name, split).collect() for split in version.manifest.views[name]])


def test_the_whole_of_rewriting_in_a_build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PED_TEST_KEY", "sk-test")
    config = write_small_corpus(tmp_path)
    names = "甲乙丙丁戊己庚辛壬癸"
    sets = [
        {"instruction": f"{name}班的孩子{n}岁咳嗽有痰，发烧，应该怎么治疗？", "input": "", "output": ANSWER.format(n=n)}
        for n, name in enumerate(names, 2)
    ]
    lines = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in sets)
    (tmp_path / "distilled.jsonl").write_text(lines, "utf-8")
    text = config.read_text("utf-8").replace(
        "  pairs:", "  distilled: {kind: distilled, path: distilled.jsonl, license: Apache-2.0}\n  pairs:"
    )
    with LlmServer() as server:
        server.content = kind_model
        endpoint = f"{{model: m, base_url: '{server.base_url}', api_key_env: PED_TEST_KEY, max_attempts: 2}}"
        stages = "stages:\n  reconstruct: {share: 1.0}\n  make_preferences: {share: 1.0}\n"
        config.write_text(f"{text}\n{stages}llm:\n  writer: {endpoint}\n  assistant: {endpoint}\n", "utf-8")
        built = build(make_plan(load_config(config)))
        assert verify(built.version_dir) == []
        n_calls = server.stats().n_successes
        assert n_calls == server.stats().n_distinct
        again = build(make_plan(load_config(config)))
        assert not again.is_new
        assert server.stats().n_successes == n_calls
    rows = view(built.version_dir, "sft")
    made_by = dict(rows["generator"].struct.field("template").value_counts().iter_rows())
    assert made_by["regularize"] > 0
    assert made_by["reconstruct_enrich"] > 0
    reconstructed = rows.filter(pl.col("generator").struct.field("template") == "reconstruct_enrich")
    assert reconstructed["source_id"].unique().to_list() == ["distilled"]
    pairs = view(built.version_dir, "dfpo")
    llm = pairs.filter(pl.col("generator").struct.field("method") == "llm")
    assert llm.height > 0
    assert (llm["chosen"] != llm["rejected"]).all()
