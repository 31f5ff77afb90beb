"""Benchmark files: what is wrong with them is said before anything runs; what is in them is not trained on."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from corpus.build import build
from corpus.config import load_config
from corpus.plan import Plan, make_plan
from corpus.statistics import statistics
from corpus.verify import verify
from schemas.errors import ConfigError
from schemas.reader import open_version
from tests.corpus.test_held_out import write
from tests.pipelines.overlap_rows import edited, evenly, passage

CONFIG = """
name: tested
sources:
  sets: {{kind: distilled, path: sets.jsonl, license: Apache-2.0, topic: general}}
stages: {{drop_contaminated: {{benchmarks: {benchmarks}}}, assign_splits: {{validation: 0, test: 0}}}}
engine: {{workers: 1}}
"""


def plan_of(folder: Path, benchmarks: Any) -> Plan:
    (folder / "c.yaml").write_text(CONFIG.format(benchmarks=json.dumps(benchmarks, ensure_ascii=False)), "utf-8")
    return make_plan(load_config(folder / "c.yaml"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path, "sets.jsonl", [{"instruction": "你好，请问你是谁呀？", "output": "我是一个助手，很高兴认识你。"}])
    (tmp_path / "exams").mkdir()
    write(tmp_path / "exams", "a.jsonl", [{"question": "甲", "answer": "乙", "nothing": ""}])
    (tmp_path / "exams" / "empty.csv").write_text("", "utf-8")
    (tmp_path / "exams" / "header.csv").write_text("question,answer\n", "utf-8")
    (tmp_path / "exams" / "broken.jsonl").write_text('{"question": \n{"question"\n', "utf-8")
    (tmp_path / "exams" / "bad.parquet").write_bytes(b"PAR1" + b"\0" * 40 + b"PAR1")
    (tmp_path / "nobody").mkdir()
    return tmp_path


@pytest.mark.parametrize(
    ("benchmarks", "says"),
    [
        ([{"path": "exams/b.jsonl", "columns": ["question"]}], r"\[0\].path: nothing matches `exams/b.jsonl`"),
        ([{"path": "nobody", "columns": ["question"]}], r"benchmarks\[0\].path: .*nobody"),
        ([{"path": "exams/a.jsonl", "columns": ["qestion"]}], r"has no column `qestion`. Did you mean `question`"),
        ([{"path": "exams/a.jsonl", "columns": ["question", "nothing"]}], r"nothing in column `nothing`, in all 1"),
        ([{"path": "exams/empty.csv", "columns": ["question"]}], r"empty.csv cannot be read: empty"),
        ([{"path": "exams/header.csv", "columns": ["question"]}], r"header.csv has no rows"),
        ([{"path": "exams/broken.jsonl", "columns": ["question"]}], r"broken.jsonl has no row that can be read \(L1"),
        ([{"path": "exams/bad.parquet", "columns": ["question"]}], r"bad.parquet cannot be read: a damaged"),
        ([{"path": "exams/a.jsonl", "columns": []}], r"benchmarks\[0\]: `columns:` is empty"),
        ([{"path": "exams/a.jsonl"}], r"benchmarks\[0\]: `columns:` is missing"),
        ([{"path": "exams/a.jsonl", "colums": ["question"]}], r"\[0\].colums: unknown key. Did you mean `col"),
        ([{"path": "exams/a.jsonl", "columns": ["question"], "encoding": "gb2313"}], r"gb2313"),
        ([{"path": p, "columns": ["question"]} for p in ("exams/a*", "exams/a.jsonl")], r"\[1\].path: .* named twice"),
        ("exams/a.jsonl", r"benchmarks\[0\]: should be a mapping"),
    ],
)  # fmt: skip
def test_what_cannot_be_compared_is_said_at_once(folder: Path, benchmarks: Any, says: str) -> None:
    with pytest.raises(ConfigError, match=says) as raised:
        plan_of(folder, benchmarks)
    assert all(problem.startswith("stages.drop_contaminated") for problem in raised.value.problems)
    assert not any("skip:" in problem for problem in raised.value.problems)


def test_files_of_a_stage_are_not_for_the_user_to_set(folder: Path) -> None:
    (folder / "c.yaml").write_text(
        "name: a\nsources: {sets: {kind: distilled, path: sets.jsonl}}\nstages: {drop_contaminated: {files: []}}\n",
        "utf-8",
    )
    with pytest.raises(ConfigError, match=r"drop_contaminated\.files: unknown key"):
        load_config(folder / "c.yaml")


def test_a_version_is_known_by_its_benchmarks_bytes_wherever_they_lie(folder: Path, tmp_path_factory: Any) -> None:
    named = [{"path": "exams/a.jsonl", "columns": ["question"]}]
    first = plan_of(folder, named).content_hash
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "deep"
    shutil.copytree(folder, elsewhere)
    assert plan_of(elsewhere, named).content_hash == first
    assert plan_of(folder, [{"path": str(folder / "exams" / "a.jsonl"), "columns": ["question"]}]).content_hash == first
    write(folder / "exams", "a.jsonl", [{"question": "丙", "answer": "乙"}])
    assert plan_of(folder, named).content_hash != first
    assert plan_of(elsewhere, [{**named[0], "columns": ["answer"]}]).content_hash != first


def as_csv(rows: list[dict[str, str]], path: Path) -> None:
    path.write_bytes(("题目,答案\n" + "".join(f'"{r["q"]}","{r["a"]}"\n' for r in rows)).encode("gb18030"))


def as_jsonl(rows: list[dict[str, str]], path: Path) -> None:
    nested = [{"题目": r["q"], "答案": [r["a"]]} for r in rows]
    path.write_text("".join(json.dumps(r, ensure_ascii=False) + "\n" for r in nested) + '{"题目": \n', "utf-8")


def as_json(rows: list[dict[str, str]], path: Path) -> None:
    path.write_text(json.dumps([{"题目": r["q"], "答案": r["a"]} for r in rows]), "utf-8")


def as_parquet(rows: list[dict[str, str]], path: Path) -> None:
    pl.DataFrame({"题目": [r["q"] for r in rows], "答案": [r["a"] for r in rows]}).write_parquet(path)


@pytest.mark.parametrize(
    ("name", "save"),
    [("exam.csv", as_csv), ("exam.jsonl", as_jsonl), ("exam.json", as_json), ("exam.parquet", as_parquet)],
)
def test_a_build_trains_on_nothing_that_it_is_tested_on(
    tmp_path: Path, name: str, save: Callable[[list[dict[str, str]], Path], None]
) -> None:
    rng = random.Random(name)
    exam = [{"q": passage(rng, 50), "a": passage(rng, 120)} for _ in range(12)]
    save(exam, tmp_path / name)
    planted = [edited(rng, r["q"], evenly(50, 2)) for r in exam]
    rows = [{"instruction": q, "output": f"第{i}题，{passage(rng, 60)}。"} for i, q in enumerate(planted)]
    rows += [{"instruction": f"{passage(rng, 30)}？", "output": f"{passage(rng, 90)}。"} for _ in range(60)]
    write(tmp_path, "sets.jsonl", rows)
    made = build(plan_of(tmp_path, [{"path": name, "columns": ["题目", "答案"]}]))
    assert verify(made.version_dir) == []
    card = (made.version_dir / "README.md").read_text("utf-8")
    assert f"| {name} | {12 + (name == 'exam.jsonl')} | 12 | 0 |" in card
    (benchmark,) = statistics(open_version(made.version_dir))["contamination"]
    n_broken = int(name == "exam.jsonl")
    assert benchmark == {
        "role": "benchmark", "source": name, "n_rows": 12 + n_broken, "n_searched": 12, "n_whole_only": 0,
        "n_unchecked": n_broken, "n_weak": 0, "n_found": 12, "n_matched": 24,
    }  # fmt: skip
    dropped = pl.read_parquet(made.version_dir / "rejected" / "drop_contaminated.parquet")
    assert dict(dropped.group_by("kind").len().iter_rows()) == {"instruction": 12, "completion": 12}
    assert set(dropped["drop_reason"]) == {"drop_contaminated:benchmark"}
    assert dropped["drop_detail"].str.contains(rf"^{name} \S+.* 题目: all of it, \d+ of \d+ letters").all()
    for view, column in (("sft", "messages"), ("cpt", "text")):
        text = str(open_version(made.version_dir).scan(view, "train").collect()[column].to_list())
        assert "。" in text
        assert not [question for question in planted if question[10:30] in text]


def test_a_report_that_says_less_than_was_dropped_is_found(tmp_path: Path) -> None:
    from schemas.fingerprints import sha256_file

    rng = random.Random(2)
    question = passage(rng, 60)
    write(tmp_path, "sets.jsonl", [{"instruction": question, "output": passage(rng, 60)}, *(
        {"instruction": passage(rng, 40), "output": passage(rng, 60)} for _ in range(20))])  # fmt: skip
    write(tmp_path, "exam.jsonl", [{"q": question}])
    made = build(plan_of(tmp_path, [{"path": "exam.jsonl", "columns": ["q"]}]))
    report = made.version_dir / "contamination.json"
    said = json.loads(report.read_text("utf-8"))
    for found in said:
        found["n_matched"] = 0
    report.write_text(json.dumps(said), "utf-8")
    manifest = made.version_dir / "manifest.json"
    data = json.loads(manifest.read_text("utf-8"))
    for entry in data["files"]:
        if entry["path"] == "contamination.json":
            entry |= {"sha256": sha256_file(report), "n_bytes": report.stat().st_size}
    manifest.write_text(json.dumps(data), "utf-8")
    assert any("contamination.json: 0 rows matched" in problem for problem in verify(made.version_dir))
