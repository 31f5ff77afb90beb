"""What is evaluated on is never trained on, whatever sources share."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from corpus.build import Built, build
from corpus.config import load_config
from corpus.plan import make_plan
from corpus.verify import verify

CONFIG = """
name: held
sources:
  graph: {kind: knowledge_graph, path: graph.csv, license: CC0-1.0}
  sets: {kind: distilled, path: sets.jsonl, license: Apache-2.0}
  pairs: {kind: distilled, path: pairs.jsonl, license: Apache-2.0}
  exam: {kind: distilled, path: exam.jsonl, license: Apache-2.0, role: eval}
  exam-pairs: {kind: distilled, path: exam-pairs.jsonl, license: Apache-2.0, role: eval}
  exam-graph: {kind: knowledge_graph, path: exam.csv, license: CC0-1.0, role: eval}
engine: {workers: 1}
"""
N = 12


def question(n: int) -> str:
    return f"{n + 1}岁的宝宝发烧{38 + n / 10}度，精神很好，还需要马上去医院吗？"


def pair(n: int) -> dict[str, str]:
    return {
        "prompt": question(n),
        "chosen": "宝宝精神好的时候，可以先在家多喂水、减少衣物并注意观察；如果精神变差，请及时就医。",
        "rejected": "不用去，在家看着就行。",
    }


def item(n: int, answer: str) -> dict[str, str]:
    return {"instruction": question(n), "input": "", "output": f"第{n}种情况下，{answer}"}


def write(folder: Path, name: str, rows: list[dict[str, str]]) -> None:
    (folder / name).write_text("".join(json.dumps(r, ensure_ascii=False) + "\n" for r in rows), "utf-8")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    folder = tmp_path_factory.mktemp("held")
    home = "宝宝精神好可以先在家观察，多喂温水，体温超过38.5度再按说明书给退热药。"
    clinic = "建议家长先测量体温并记录，孩子精神变差、呼吸急促或者抽搐时立即去医院。"
    write(folder, "sets.jsonl", [item(n, home) for n in range(N)])
    write(folder, "exam.jsonl", [item(n, clinic if n else home) for n in range(4)])
    write(folder, "pairs.jsonl", [pair(n) for n in range(N)])
    write(folder, "exam-pairs.jsonl", [pair(5), pair(1)])
    header, row = "name,symptom,treatment,department\n", "小儿{},发热 咳嗽 呕吐 皮疹,药物治疗、支持治疗,儿科\n"
    diseases = ("肺炎", "支气管炎", "水痘", "麻疹")
    (folder / "graph.csv").write_text(header + "".join(row.format(d) for d in diseases), "utf-8")
    (folder / "exam.csv").write_text(header + row.format("肺炎").replace("呕吐", "气促"), "utf-8")
    (folder / "corpus.yaml").write_text(CONFIG, "utf-8")
    return build(make_plan(load_config(folder / "corpus.yaml")))


def rows(built: Built) -> pl.DataFrame:
    """Every published row: view, split, source, group."""
    return pl.concat(
        pl.read_parquet(built.version_dir / name)
        .select("record_id", "source_id", "group_id")
        .with_columns(view=pl.lit(view), split=pl.lit(split))
        for view, splits in built.manifest.views.items()
        for split, entry in splits.items()
        for name in entry["files"]
    )


def test_no_group_of_an_evaluation_source_is_trained_on(built: Built) -> None:
    found = rows(built)
    of_exams = pl.col("source_id").str.starts_with("exam")
    held = found.filter(of_exams)
    assert set(held["view"]) == {"eval"}
    assert set(held["source_id"]) == {"exam", "exam-graph"}
    assert held.filter(pl.col("source_id") == "exam").height == 4, "the whole exam, its copies in `sets` are what goes"
    trained = found.filter(~of_exams)
    assert not set(held["group_id"]) & set(trained["group_id"])
    assert trained.filter(pl.col("source_id") == "graph").height > 0
    assert {"cpt", "sft", "psft", "dfpo"} <= set(trained["view"])
    assert verify(built.version_dir) == []


def test_what_is_held_out_is_on_record(built: Built) -> None:
    dropped = pl.read_parquet(built.version_dir / "rejected" / "drop_held_out.parquet")
    reasons: dict[Any, int] = dict(dropped.group_by("drop_reason", "kind").len().select(
        pl.concat_str("kind", "drop_reason", separator=" "), "len").iter_rows())  # fmt: skip
    assert reasons["preference drop_held_out:no_view"] == 2
    assert reasons["preference drop_held_out:same_group"] == 3  # 0, 2 and 3; 1 is a copy of an exam pair
    assert reasons["instruction drop_held_out:same_group"] >= 3
    holders = set(dropped.filter(pl.col("drop_reason").str.ends_with("same_group"))["drop_detail"])
    assert holders <= set(rows(built).filter(pl.col("view") == "eval")["record_id"]) | set(dropped["record_id"])


def test_every_record_is_published_or_dropped(built: Built) -> None:
    last = built.manifest.stages[-1]
    assert last["stage"] == "drop_contaminated"
    n_out = {c["kind"]: c["n_out"] for c in last["counts"]}
    n_rows = {view: sum(e["n_rows"] for e in splits.values()) for view, splits in built.manifest.views.items()}
    assert n_rows["cpt"] == n_out["completion"]
    assert n_rows["dfpo"] == n_out["preference"]
    published = rows(built).filter(pl.col("view").is_in(["sft", "eval"]))["record_id"].n_unique()
    assert published == n_out["instruction"]


def test_without_splits_everything_is_trained_on(tmp_path: Path) -> None:
    write(tmp_path, "sets.jsonl", [item(n, "多喂温水，注意观察孩子的精神，必要时到医院就诊。") for n in range(N)])
    (tmp_path / "c.yaml").write_text(
        "name: x\nsources: {sets: {kind: distilled, path: sets.jsonl}}\nstages: {assign_splits: false}\n"
        "engine: {workers: 1}\n",
        "utf-8",
    )
    made = build(make_plan(load_config(tmp_path / "c.yaml")))
    assert {view: list(splits) for view, splits in made.manifest.views.items() if splits} == {
        "cpt": ["train"], "sft": ["train"], "psft": ["train"],
    }  # fmt: skip
    assert verify(made.version_dir) == []
