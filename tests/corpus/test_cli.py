"""The command as people and programs use it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from corpus.cli import main
from corpus.show import BYTES_PER_RECORD
from schemas.records import TASKS
from sources.kinds import SOURCE_KINDS
from tests.corpus.small import write_small_corpus

ROOT = Path(__file__).parents[2]


def run(*arguments: str) -> Result:
    """The command in this process; a bug in it is raised."""
    return CliRunner().invoke(main, list(arguments), catch_exceptions=False)


def data(*arguments: str) -> Any:
    """What a command prints for programs."""
    done = run(*arguments, "--json")
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small corpus, built."""
    folder = tmp_path_factory.mktemp("cli")
    write_small_corpus(folder)
    assert run("build", str(folder / "corpus.yaml")).exit_code == 0
    return folder


@pytest.fixture
def store(folder: Path) -> list[str]:
    """The options that name its store."""
    return ["--store", str(folder / "store")]


COMMANDS = main.commands.items()


@pytest.mark.parametrize(("name", "command"), COMMANDS)
def test_every_command_has_help_with_an_example_and_is_in_the_docs(name: str, command: click.Command) -> None:
    done = run(name, "--help")
    assert done.exit_code == 0
    assert f"pedcorpus {name}" in done.output.partition("Example:")[2], f"{name} has no example"
    pages = "".join(p.read_text("utf-8") for p in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))])
    assert f"pedcorpus {name}" in pages, f"{name} is not documented"


@pytest.mark.parametrize("name", sorted(set(main.commands) - {"init"}))
def test_every_command_that_reports_can_do_so_for_programs(name: str) -> None:
    assert "--json" in run(name, "--help").output


def test_stats_count_what_verify_and_the_manifest_count(folder: Path, store: list[str]) -> None:
    stats = data("stats", *store)
    assert stats["views"]["sft"]["train"] > 0
    assert set(stats["tasks"]["sft"]) <= set(TASKS)
    assert sum(stats["tasks"]["sft"].values()) == sum(stats["views"]["sft"].values())
    shown = run("stats", *store).output
    assert "drop_exact_duplicates" in shown
    assert data("verify", *store) == {
        "version_dir": str(folder / "store/small/versions/0.1.0"),
        "ok": True,
        "problems": [],
    }


def test_distinct_counts_ngrams() -> None:
    from corpus.statistics import distinct

    words = [["发热", "三", "天"], ["发热", "三", "天"], []]
    assert distinct(words, 1) == 0.5
    assert distinct(words, 2) == 0.5
    assert distinct([["发热", "三"], ["三", "发热"]], 2) == 1.0
    assert distinct([["发热"]], 2) == 0.0


def test_trace_goes_from_a_row_to_the_words_in_the_file(folder: Path, store: list[str]) -> None:
    from corpus.locate import find_version

    rows = find_version(None, folder / "store").scan("sft", "train").collect()
    of_books = [r for r in rows.iter_rows(named=True) if r["source_id"] == "books" and r["evidence"]]
    row = of_books[0]
    found = data("trace", row["record_id"], "--files", str(folder), *store)
    answer = row["messages"][-1]["content"]
    assert found["row"]["messages"][-1]["content"] == answer
    for link in found["links"]:
        assert link["cut"] == link["text"]
        assert link["part"]["path"] == row["part"]
        assert link["text"][:10] in re.sub(r"\s", "", link["raw"]) or link["text"][:10] in link["raw"]
    shown = run("trace", row["record_id"][:14], *store).output
    assert "agrees" in shown
    assert "CC-BY-4.0" in shown
    missing = run("trace", "i0000", *store)
    assert missing.exit_code == 2
    assert "pedcorpus rejects --id" in missing.output


def test_rejects_can_be_narrowed_down(store: list[str]) -> None:
    everything = data("rejects", "--limit", "1000", *store)
    n = sum(sum(reasons.values()) for reasons in everything["counts"].values())
    assert len(everything["records"]) == n > 0
    assert all(r["drop_reason"] for r in everything["records"])
    stage = next(iter(everything["counts"]))
    narrowed = data("rejects", "--stage", stage, "--limit", "1000", *store)["records"]
    assert {r["drop_reason"].partition(":")[0] for r in narrowed} == {stage}
    wrong = run("rejects", "--stage", "drop_of_topic", *store)
    assert wrong.exit_code == 2
    assert "Nothing was dropped with stage" in wrong.output


def test_rejects_show_the_record_that_another_went_for(tmp_path: Path) -> None:
    question = "宝宝两岁三个月，昨天晚上开始发烧，最高38.9度，有点流鼻涕，请问需要去医院吗？"
    answer = "精神好的话可以先在家观察，多喝温水，超过38.5度可以口服退热药，三天不退应及时就诊。"
    rows = [{"instruction": question, "output": text} for text in (answer, answer.replace("应及时", "就应及时"))]
    lines = [json.dumps(row, ensure_ascii=False) for row in rows]
    (tmp_path / "inst.jsonl").write_text("\n".join(lines), "utf-8")
    config = tmp_path / "c.yaml"
    source = "{kind: distilled, path: inst.jsonl, license: CC-BY-4.0}"
    config.write_text(f"name: two\nsources: {{inst: {source}}}\nengine: {{workers: 1}}\n", "utf-8")
    data("build", str(config))
    store = ["--store", str(tmp_path / "store")]
    (gone,) = data("rejects", "--stage", "drop_near_duplicates", *store)["records"]
    assert gone["kept"]["record_id"] == gone["drop_detail"].split(" ")[0] != gone["record_id"]
    assert (gone["kept"]["part"], gone["kept"]["locator"]) == ("inst.jsonl", "L2")
    shown = "".join(run("rejects", "--stage", "drop_near_duplicates", *store).output.split())
    assert "三天不退应及时就诊" in shown
    assert "三天不退就应及时就诊" in shown


def test_plan_names_the_benchmarks(tmp_path: Path) -> None:
    for name in ("inst.jsonl", "exam.jsonl"):
        row = {"instruction": "宝宝发烧怎么办？", "output": "多喝温水，必要时口服退热药，持续不退应就诊。"}
        (tmp_path / name).write_text(json.dumps(row, ensure_ascii=False), "utf-8")
    config = tmp_path / "c.yaml"
    config.write_text(
        "name: two\nsources: {inst: {kind: distilled, path: inst.jsonl}}\n"
        "stages: {drop_contaminated: {benchmarks: [{path: exam.jsonl, columns: [instruction]}]}}\n",
        "utf-8",
    )
    assert "exam.jsonl" in run("plan", str(config)).output


def test_plan_runs_nothing_and_shows_the_tree(tmp_path: Path) -> None:
    config = str(write_small_corpus(tmp_path))
    planned = data("plan", config)
    assert not (tmp_path / "store").exists()
    assert planned["n_parts"] == planned["n_parts_to_read"] == 21
    assert planned["steps"][0]["step"] == "clean"
    assert all(re.fullmatch(r"[0-9a-f]{32}", s["fingerprint"]) for s in planned["steps"])
    assert planned["estimated_records"]["books"] > 0
    assert "drop_low_quality" in run("plan", config).output
    built = data("build", config)
    assert built["content_hash"] == planned["content_hash"]


def test_plan_guesses_the_records_of_every_kind_of_source(tmp_path: Path) -> None:
    assert set(BYTES_PER_RECORD) == set(SOURCE_KINDS)
    (tmp_path / "c.yaml").write_text("name: c\nversion: 0.1.0\nsources: {ours: {kind: seeds}}\n", "utf-8")
    assert 60 < data("plan", str(tmp_path / "c.yaml"))["estimated_records"]["ours"] < 250


def test_sources_show_what_adapters_see_and_what_the_build_will_read(tmp_path: Path) -> None:
    config = str(write_small_corpus(tmp_path))
    seen = {s["source_id"]: s for s in data("sources", config)}
    graph = seen["graph"]["parts"][0]
    assert (graph["format"], graph["encoding"]) == ("csv", "gb18030")
    refused = [p for p in seen["norms"]["parts"] if p["refused"]]
    assert [(p["path"], p["refused"]["reason"]) for p in refused] == [("norms/empty.md", "empty")]
    assert len(seen["talks"]["samples"]) == 2
    assert data("plan", config)["n_parts_to_read"] == 0, "what was read is kept for the build"
    assert "norms/empty.md" in run("sources", config, "--source", "norms").output
    wrong = run("sources", config, "--source", "norm")
    assert "Did you mean `norms`?" in wrong.output


def test_init_writes_a_configuration_that_builds(tmp_path: Path) -> None:
    write_small_corpus(tmp_path / "files")
    (tmp_path / "files" / "corpus.yaml").unlink()
    (tmp_path / "files" / "picture.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(64))
    done = run("init", str(tmp_path / "files"))
    assert done.exit_code == 0, done.output
    written = (tmp_path / "files" / "pedcorpus.yaml").read_text("utf-8")
    assert "picture.png" in written.partition("# Left out:")[2]
    kinds = set(re.findall(r"kind: (\w+)", written))
    assert {"textbook", "guideline", "knowledge_graph", "dialogue", "distilled"} <= kinds
    assert run("init", str(tmp_path / "files")).exit_code == 2, "it must not overwrite what a person may have mended"
    built = data("build", str(tmp_path / "files" / "pedcorpus.yaml"))
    assert built["views"]["sft"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["build", "nowhere.yaml"], "no such file. Write one with `pedcorpus init DIR`"),
        (["versions", "--store", "nowhere"], "no corpus here"),
        (["stats", "9.9.9", "--store", "STORE"], "no version 9.9.9. There is: 0.1.0"),
        (["stats", "other/0.1.0", "--store", "STORE"], "no corpus `other`. There is: small"),
        (["verify", "--store", "nowhere"], "no corpus here"),
        (["init", "nowhere"], "no such folder"),
    ],
)
def test_mistakes_are_one_sentence_and_exit_code_2(folder: Path, arguments: list[str], says: str) -> None:
    done = run(*(str(folder / "store") if a == "STORE" else a for a in arguments))
    assert done.exit_code == 2
    assert says in done.output
    assert "Traceback" not in done.output


def test_a_tampered_version_is_exit_code_3(folder: Path, tmp_path: Path) -> None:
    import shutil

    shutil.copytree(folder / "store", tmp_path / "store")
    victim = next((tmp_path / "store").rglob("LICENSES.md"))
    victim.write_text("all mine", "utf-8")
    done = run("verify", "--store", str(tmp_path / "store"))
    assert done.exit_code == 3
    assert "was altered after publishing" in done.output


def test_the_reference_of_the_configuration_is_that_of_the_code() -> None:
    from corpus.reference import reference

    written = (ROOT / "docs" / "configuration.md").read_text("utf-8")
    assert written == reference(), "run `python -m corpus.reference > docs/configuration.md`"
    empty = [line for line in written.splitlines() if re.fullmatch(r"\| `\w+` \|.*\|\s*\|", line)]
    assert not empty, f"options without a word about what they mean: {empty}"
