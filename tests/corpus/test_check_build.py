"""A build that holds its rows against their evidence: what is dropped, what an LLM decides, and what is told of it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from corpus.build import build
from corpus.config import load_config
from corpus.plan import make_plan
from corpus.statistics import statistics
from corpus.verify import verify
from schemas.errors import ConfigError
from schemas.reader import open_version
from tests.corpus.check_records import ANSWER, record, write_lines
from tests.corpus.small import write_small_corpus
from tests.corpus.test_build import run_cli
from tests.corpus.test_llm_build import KEY, instructions, with_teacher
from tests.llm_server import LlmServer
from tests.pipelines.ask.scripted import obliging

_FENCED = re.compile(r"<材料 (\w+)>\n(.*?)\n</材料 \1>", re.DOTALL)
ALL_HELD = "stages:\n  drop_unsupported: {quarantine: 0.0, reject: 1.0}\n"


def judging(body: Mapping[str, Any]) -> str:
    """A judge that finds all borne out but what is about 水痘, and otherwise an obliging writer."""
    system, user = body["messages"][0]["content"], body["messages"][-1]["content"]
    if "核对员" not in system:
        return obliging(body)
    evidence, _, answer, clauses = (m[2] for m in _FENCED.finditer(user))
    word = "矛盾" if "水痘" in answer else "支持"
    numbers = [int(n) for n in re.findall(r"^(\d+)\. ", clauses, re.MULTILINE)]
    verdicts = [{"clause": n, "verdict": word, "quote": evidence.split("\n")[0]} for n in numbers]
    return json.dumps({"verdicts": verdicts}, ensure_ascii=False)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[LlmServer]:
    monkeypatch.setenv("PED_TEST_KEY", KEY)
    with LlmServer() as started:
        started.content, started.keys = judging, {KEY}
        yield started


def dropped(version_dir: Path, stage: str) -> pl.DataFrame:
    return pl.read_parquet(version_dir / "rejected" / f"{stage}.parquet")


def test_it_is_on_and_nobody_is_asked_until_a_configuration_says_so(tmp_path: Path, server: LlmServer) -> None:
    config = with_teacher(write_small_corpus(tmp_path), server)
    steps = [step.name for step in make_plan(load_config(config)).steps]
    assert steps.index("filter") + 1 == steps.index("support") < steps.index("dedup_made")
    assert "judge" not in steps
    for stages, kinds in (
        ("{drop_unsupported: false, judge_unsupported: true}", set()),
        ("{judge_unsupported: true}", {"drop_unsupported", "judge_unsupported"}),
    ):
        named = tmp_path / "named.yaml"
        named.write_text(config.read_text("utf-8") + f"\nstages: {stages}\n", "utf-8")
        assert {s.kind for s in load_config(named).stages if "unsupported" in s.kind} == kinds


def test_without_an_llm_what_is_held_back_goes_into_rejected(tmp_path: Path) -> None:
    config = write_small_corpus(tmp_path)
    config.write_text(config.read_text("utf-8") + ALL_HELD, "utf-8")
    built = build(make_plan(load_config(config)))
    assert verify(built.version_dir) == []
    gone = dropped(built.version_dir, "drop_unsupported")
    assert gone.height > 20
    assert gone["drop_reason"].str.starts_with("drop_unsupported:quarantine_").all()
    assert gone["drop_detail"].str.contains("答：.+｜据：").all()
    left = instructions(built.version_dir)
    assert left.height > 0
    assert (left["evidence"].list.len() == 0).all()  # nothing to hold it against
    verdicts = left.select(pl.col("verdicts").list.last().struct.field("verdict")).to_series()
    assert verdicts.unique().to_list() == ["no_evidence"]
    told = statistics(open_version(built.version_dir))["unsupported"]
    assert told["kept"] == sum(told["rejected"].values()) == 0
    assert told["no_evidence"] == left.height
    assert sum(told["quarantined"].values()) == sum(told["by_check"].values()) == gone.height
    assert len(told["worst"]) == 10
    assert [e["probability"] for e in told["worst"]] == sorted((e["probability"] for e in told["worst"]), reverse=True)
    card = (built.version_dir / "README.md").read_text("utf-8")
    assert "## Answers against their evidence" in card
    assert all(f"| {kind} | 0 | {n} | 0 |" in card for kind, n in told["quarantined"].items())


def test_the_corpus_own_graph_holds_back_what_contradicts_it(tmp_path: Path) -> None:
    config = write_small_corpus(tmp_path)
    graph = tmp_path / "graph.csv"
    text = graph.read_bytes().decode("gb18030")
    lines = [line + (",忌吃" if n == 0 else ",阿司匹林") for n, line in enumerate(text.splitlines())]
    graph.write_bytes("\n".join(lines).encode("gb18030"))
    (tmp_path / "books" / "old.md").write_text(
        "# 儿童水痘\n\n## 护理\n\n水痘患儿发热时要多饮水，可以服用阿司匹林退热，剪短指甲防止抓破，衣被要勤换洗。\n",
        "utf-8",
    )
    config.write_text(
        config.read_text("utf-8") + "stages:\n  drop_unsupported: {quarantine: 1.0, reject: 1.0}\n", "utf-8"
    )
    told = statistics(open_version(build(make_plan(load_config(config))).version_dir))["unsupported"]
    assert not any(check.startswith("graph") for check in told["by_check"])  # the passage says so itself


def test_with_an_llm_quarantine_empties_and_its_word_decides(tmp_path: Path, server: LlmServer) -> None:
    config = with_teacher(write_small_corpus(tmp_path), server)
    config.write_text(config.read_text("utf-8") + ALL_HELD.rstrip() + "\n  judge_unsupported: {votes: 3}\n", "utf-8")
    built = build(make_plan(load_config(config)))
    assert verify(built.version_dir) == []
    assert not (built.version_dir / "rejected" / "drop_unsupported.parquet").exists()
    gone = dropped(built.version_dir, "judge_unsupported")
    assert gone.height
    assert gone["record"].str.contains("水痘").all()
    assert not gone["drop_reason"].str.contains("quarantine").any()
    kept = instructions(built.version_dir).filter(pl.col("evidence").list.len() > 0)
    assert kept.height
    answers = kept.select(pl.col("messages").list.last().struct.field("content")).to_series()
    assert not answers.str.contains("水痘").any()
    said = kept.select(pl.col("verdicts").list.last().struct.field("verdict")).to_series()
    assert said.str.contains("^支持 3/3 ").all()
    counts = {c["kind"]: c for s in built.manifest.stages if s["stage"] == "judge_unsupported" for c in s["counts"]}
    assert counts["instruction"]["n_in"] - counts["instruction"]["n_out"] == gone.height
    server.reset_stats()
    config.write_text(config.read_text("utf-8").replace("0.1.0", "0.2.0"), "utf-8")
    build(make_plan(load_config(config)), fresh=True)
    assert server.stats().n_requests == 0


def test_the_command_asks_the_same_model_and_pays_once(tmp_path: Path, server: LlmServer) -> None:
    asker = with_teacher(write_small_corpus(tmp_path), server)
    only_llm = tmp_path / "llm.yaml"
    only_llm.write_text("llm:" + asker.read_text("utf-8").split("\nllm:")[1], "utf-8")
    lines = [record(n, ANSWER + (f"水痘第{n}天。" if n % 4 == 0 else f"第{n}天。")) for n in range(1, 41)]
    write_lines(tmp_path / "in.jsonl", lines)
    command = ("check", "in.jsonl", "--out", "out.jsonl", "--json", "--quarantine", "0", "--reject", "1")
    for _ in range(2):
        done = run_cli(*command, "--llm", "llm.yaml", cwd=tmp_path, PED_TEST_KEY=KEY)
        assert done.returncode == 3, done.stderr
        verdicts = json.loads(done.stdout)["verdicts"]
        assert verdicts == {"keep": 30, "quarantine": 0, "reject": 10}
    assert server.stats().n_requests == 40
    wrong = run_cli(*command, "--llm", "pedcorpus.yaml", cwd=tmp_path)
    assert wrong.returncode == 2


def test_a_classifier_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    config = write_small_corpus(tmp_path)
    config.write_text(config.read_text("utf-8") + "stages: {drop_unsupported: {model: none.json}}\n", "utf-8")
    with pytest.raises(ConfigError, match=r"none\.json is no file"):
        load_config(config)


def test_a_list_of_names_counts_by_its_content(tmp_path: Path) -> None:
    config = write_small_corpus(tmp_path)
    names = tmp_path / "own.tsv"
    config.write_text(config.read_text("utf-8") + "stages: {drop_unsupported: {lexicon: own.tsv}}\n", "utf-8")
    settings = []
    for text in ("drug\t虚构平\t假想达\n", "drug\t虚构平\t臆想达\n"):
        names.write_text(text, "utf-8")
        settings.append([s.settings() for s in load_config(config).stages if s.kind == "drop_unsupported"])
    assert settings[0] != settings[1]
    names.write_text("drug\t虚构平\n", "utf-8")
    with pytest.raises(ConfigError, match="line 1: 2 cells"):
        load_config(config)
