"""A build over every real file: each is read or refused for the right reason, and what comes out is clean."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from corpus.build import build
from corpus.config import load_config
from corpus.plan import make_plan
from corpus.trace import trace
from corpus.verify import verify
from schemas.reader import Version, open_version

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The configuration beside links to the real files' folders."""
    real = os.environ.get("PEDCORPUS_REAL_DATA")
    if not real:
        pytest.skip("PEDCORPUS_REAL_DATA names no folder of real files")
    folder = tmp_path_factory.mktemp("real")
    for path in Path(real).iterdir():
        if path.is_dir():
            (folder / path.name).symlink_to(path)
    config = (Path(__file__).parent / "pedcorpus.yaml").read_text("utf-8")
    (folder / "pedcorpus.yaml").write_text(config, "utf-8")
    return folder


@pytest.fixture(scope="module")
def version(folder: Path) -> Version:
    """The version that the configuration builds."""
    return open_version(build(make_plan(load_config(folder / "pedcorpus.yaml"))).version_dir)


@pytest.fixture(scope="module")
def parts(version: Version) -> dict[str, dict[str, Any]]:
    """SOURCES.jsonl by file name."""
    lines = map(json.loads, (version.folder / "SOURCES.jsonl").read_text("utf-8").splitlines())
    return {Path(line["path"]).name: line for line in lines}


def test_every_file_is_read_or_refused_by_name(folder: Path, parts: dict[str, dict[str, Any]]) -> None:
    there = {p.name for d in folder.iterdir() if d.is_symlink() for p in d.iterdir()}
    assert set(parts) == there
    refused = {name: part["refused"]["reason"] for name, part in parts.items() if part["refused"]}
    assert refused == {
        "食品安全国家标准-婴儿配方食品2021.pdf": "no_text_layer",
        "重庆市实施《母婴保健法》办法(2018-07-26).md": "no_provisions",
    }
    assert all(part["refused"] or sum(part["n_records"].values()) for part in parts.values())


def test_the_awkward_ones_come_out_right(parts: dict[str, dict[str, Any]]) -> None:
    assert (parts["icd10.csv"]["format"], parts["icd10.csv"]["n_records"]) == ("tsv", {"triple": 1586})
    assert parts["kg_instructions_jsonl.json"]["format"] == "jsonl"
    assert parts["dxy_sample.txt"]["format"] == "python_literal"
    assert parts["dxy_sample.txt"]["n_records"] == {"dialogue": 40}
    assert parts["remedi_dev.txt"]["n_records"] == {"dialogue": 100}
    assert parts["cmtmedqa.json"]["n_records"] == {"dialogue": 149, "instruction": 32}
    assert parts["cmd_samples.json"]["n_records"] == {"instruction": 120}
    assert any("raw_anwser" in note for note in parts["cmd_samples.json"]["notes"])
    assert parts["disease.csv"]["encoding"] == parts["cmd_internal_medicine.csv"]["encoding"] == "gb18030"
    assert parts["disease.csv"]["n_dropped"]["triple"]["read:shifted_columns"] > 0
    assert parts["paraphrased_statutes.jsonl"]["n_dropped"]["instruction"] == {"read:filtered_by_where": 28}
    illegal = parts["203-婴童类萃.txt"]
    assert any("27395" in note for note in illegal["notes"])
    assert illegal["n_dropped"]["document"]["read:undecodable_byte"] == 2
    assert all(parts[name]["encoding"] == "gb18030" for name in parts if name.endswith(".txt") and "-" in name[:4])


def test_it_verifies_and_is_clean(version: Version) -> None:
    assert verify(version.folder) == []


def test_enough_of_each_task(version: Version) -> None:
    tasks = version.manifest.tasks["sft"]
    assert tasks["medkqa"] >= 3_000
    assert tasks["evidiag"] >= 300
    assert tasks["trerecom"] >= 800
    assert all(version.manifest.views[view]["train"]["n_rows"] for view in ("cpt", "sft", "dfpo", "psft"))


def test_benchmarks_are_only_in_eval(version: Version) -> None:
    judged = {"halluqa", "paraphrased-statutes"}
    for view in ("cpt", "sft", "dfpo", "psft"):
        for split in version.manifest.views[view]:
            assert not judged & set(version.scan(view, split).select("source_id").unique().collect()["source_id"])
    assert judged <= set(version.scan("eval", "test").select("source_id").unique().collect()["source_id"])


def test_classical_texts_go_to_cpt_and_nowhere_else(version: Version) -> None:
    for view in ("sft", "psft", "eval", "dfpo"):
        for split in version.manifest.views[view]:
            assert version.scan(view, split).filter(pl.col("source_id") == "classics").collect().is_empty()
    assert version.scan("cpt", "train").filter(pl.col("source_id") == "classics").collect().height > 1_000


def test_paediatric_tasks_are_about_children(version: Version) -> None:
    rows = version.scan("psft", "train").filter(pl.col("task").is_in(["medkqa", "evidiag", "trerecom"])).collect()
    assert set(rows["domain"]) == {"paediatric"}


def test_a_trace_ends_in_the_file(folder: Path, version: Version) -> None:
    rows = version.scan("psft", "train").filter(pl.col("source_id") == "guidelines").collect()
    of_text = rows.filter(pl.col("part").str.ends_with(".md"))
    found = trace(version, of_text["record_id"][0], folder)
    assert found.links
    for link in found.links:
        assert link.cut == link.text
        assert link.raw
        assert "".join(link.text.split())[:12] in "".join(link.raw.split())
