"""`pedcorpus dedup`, through the command itself."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from click.testing import CliRunner
from polars.testing import assert_frame_equal

from corpus.cli import main
from tests.pipelines.near.planted import planted

MADE = planted(2000, seed=11, n_near=400, n_variants=200)
QUESTION = "孩子两岁半，昨天夜里开始发热，最高三十九度，精神还可以，请问在家里应该怎么护理？"
ANSWER = "多喝温水，注意观察精神状态和尿量，室内保持通风，衣物不要过多，持续高热或精神差时及时就医。"


def run(*arguments: Any, code: int = 0) -> str:
    """What the command says; it must end with that code and without a traceback."""
    result = CliRunner().invoke(main, ["dedup", *map(str, arguments)])
    assert result.exit_code == code, result.output + str(result.exception)
    return result.output


def dedup(out: Path, *arguments: Any) -> tuple[dict[str, Any], pl.DataFrame, pl.DataFrame]:
    """Summary, kept and removed rows."""
    summary = json.loads(run(*arguments, "--out", out, "--json"))
    return summary, pl.read_parquet(out / "kept.parquet"), pl.read_parquet(out / "removed.parquet")


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    """A Parquet file in several row groups."""
    path = tmp_path / "rows.parquet"
    MADE.frame.with_columns(n=pl.int_range(pl.len())).write_parquet(path, row_group_size=700)
    return path


def test_kept_and_removed_are_the_input(rows: Path, tmp_path: Path) -> None:
    summary, kept, removed = dedup(tmp_path / "out", rows, "--text-column", "text")
    whole = pl.read_parquet(rows)
    gone = removed["record_id"].to_list()
    assert_frame_equal(kept, whole.filter(~pl.col("record_id").is_in(gone)))
    assert removed.join(whole, on="record_id")["text"].to_list() == removed["text"].to_list()
    assert whole["record_id"].gather(removed["row"] - 1).to_list() == gone
    assert set(removed["keeper_id"]) <= set(kept["record_id"])
    assert removed.filter(pl.col("similarity") < 0.9).is_empty()
    assert (summary["records"], summary["kept"], sum(summary["removed"].values())) == (
        whole.height,
        kept.height,
        removed.height,
    )
    hits = set(gone)
    assert sum(a in hits or b in hits for a, b in MADE.near) >= 0.98 * len(MADE.near)
    pairs = set(removed.select("record_id", "keeper_id").iter_rows())
    assert not [1 for a, b in MADE.variants if (a, b) in pairs or (b, a) in pairs]
    assert not (tmp_path / "out" / ".work").exists()


@pytest.mark.parametrize("options", [["--exact"], ["--workers", 1], ["--workers", 4], ["--memory-mb", 400]])
def test_removals_do_not_depend_on_how_it_is_run(rows: Path, tmp_path: Path, options: list[Any]) -> None:
    _, _, expected = dedup(tmp_path / "a", rows, "--text-column", "text")
    _, _, found = dedup(tmp_path / "b", rows, "--text-column", "text", *options)
    assert_frame_equal(found, expected)


def test_without_the_guard_doses_go_too(rows: Path, tmp_path: Path) -> None:
    _, _, removed = dedup(tmp_path / "out", rows, "--text-column", "text", "--no-guard")
    gone = set(removed["record_id"])
    assert sum(a in gone or b in gone for a, b in MADE.variants) > 0.9 * len(MADE.variants)


def write_csv(path: Path, texts: list[str]) -> Path:
    text = io.StringIO()
    csv.writer(text).writerows([["编号", "answer"], *([i, t] for i, t in enumerate(texts))])
    path.write_bytes(text.getvalue().encode("gb18030"))
    return path


def test_files_of_every_kind_together_the_first_preferred(tmp_path: Path) -> None:
    first = write_csv(tmp_path / "first.csv", [ANSWER, ANSWER.replace("3", "4")])
    second = tmp_path / "second.jsonl"
    lines = [
        json.dumps({"answer": ANSWER + "祝好", "more": {"a": [1]}}, ensure_ascii=False),
        "{broken",
        '{"answer": null}',
    ]
    second.write_text("\n".join(lines), "utf-8")
    third = tmp_path / "third.parquet"
    pl.DataFrame({"answer": [ANSWER.replace("时及时就医", "时请及时就医"), "别的内容"], "x": [1.5, 2.5]}).write_parquet(
        third
    )
    summary, kept, removed = dedup(tmp_path / "out", first, second, third, "--text-column", "answer")
    assert removed.select("record_id", "keeper_id", "file", "row").rows() == [
        ("first.csv:2", "first.csv:1", "first.csv", 2),
        ("second.jsonl:1", "first.csv:1", "second.jsonl", 1),
        ("third.parquet:1", "first.csv:1", "third.parquet", 1),
    ]
    assert kept["answer"].to_list() == [ANSWER, None, "别的内容"]
    assert kept["x"].to_list() == [None, None, 2.5]
    assert (summary["rejected"], summary["without_text"]) == (1, 1)
    rejected = pl.read_parquet(tmp_path / "out" / "rejected.parquet").row(0, named=True)
    assert rejected == {"file": "second.jsonl", "locator": "L2", "reason": "bad_json", "raw": "{broken"}


def test_a_question_with_two_answers_stays(tmp_path: Path) -> None:
    path = tmp_path / "qa.jsonl"
    other = "建议先测量体温并记录，按体重使用退热药，避免捂汗，饮食清淡，出现抽搐或皮疹时立即去医院。"
    pairs = [
        (QUESTION, ANSWER),
        (QUESTION, other),
        (QUESTION + "谢谢", ANSWER),
        ("怎么办？", ANSWER),
        ("如何是好？", ANSWER),
    ]
    path.write_text("\n".join(json.dumps({"q": q, "a": a}, ensure_ascii=False) for q, a in pairs), "utf-8")
    _, _, removed = dedup(tmp_path / "out", path, "--text-column", "q", "--text-column", "a")
    assert removed.select("record_id", "keeper_id").rows() == [("qa.jsonl:1", "qa.jsonl:3")]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["nothing.jsonl", "--text-column", "text"], "nothing.jsonl: no such file"),
        (["rows.parquet", "--text-column", "txet"], "rows.parquet: no column `txet`. Did you mean `text`?"),
        (["rows.parquet", "--text-column", "n"], "rows.parquet: column `n` holds int64, not text"),
        (["rows.parquet", "--text-column", "text", "--id-column", "uid"], "no column `uid`"),
        (["rows.parquet", "rows.parquet", "--text-column", "text"], "named twice"),
        (["broken.parquet", "--text-column", "text"], "broken.parquet: no readable Parquet file"),
        (["empty.csv", "--text-column", "text"], "empty.csv: empty"),
        ([".", "--text-column", "q"], "rows.parquet: no column `q`"),
    ],
)
def test_mistakes_end_in_a_sentence(
    rows: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], sentence: str
) -> None:
    if arguments[0] == "broken.parquet":
        (tmp_path / "broken.parquet").write_bytes(b"PAR1 nothing of the kind")
    (tmp_path / "empty.csv").write_bytes(b"")
    if arguments[0] == ".":
        (tmp_path / "empty.csv").unlink()
    monkeypatch.chdir(tmp_path)
    output = run(*arguments, "--out", "out", code=2)
    assert sentence in output
    assert "Traceback" not in output
    assert not (tmp_path / "out" / "kept.parquet").exists()


def test_earlier_results_are_not_overwritten_unless_asked(rows: Path, tmp_path: Path) -> None:
    dedup(tmp_path / "out", rows, "--text-column", "text")
    assert "holds the results of an earlier run" in run(
        rows, "--text-column", "text", "--out", tmp_path / "out", code=2
    )
    dedup(tmp_path / "out", rows, "--text-column", "text", "--force")
    assert "is a file" in run(rows, "--text-column", "text", "--out", rows, "--force", code=2)


@pytest.mark.slow
def test_killed_at_any_moment_it_goes_on_from_there(rows: Path, tmp_path: Path) -> None:
    _, kept, removed = dedup(tmp_path / "a", rows, "--text-column", "text")
    out = tmp_path / "b"
    command = [sys.executable, "-m", "corpus.cli", "dedup", str(rows), "--text-column", "text", "--out", str(out)]
    began = time.monotonic()
    subprocess.run([*command[:-1], str(tmp_path / "c")], check=True, capture_output=True)
    whole = time.monotonic() - began
    for k in range(1, 8):
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(whole * k / 8)
        process.send_signal(signal.SIGKILL)
        process.wait()
        if (out / "summary.json").exists():
            break
        assert not (out / "kept.parquet").exists() or not (out / "summary.json").exists()
    if not (out / "summary.json").exists() or (out / ".work").exists():  # killed before it had tidied up
        subprocess.run(command, check=True, capture_output=True)
    assert_frame_equal(pl.read_parquet(out / "kept.parquet"), kept)
    assert_frame_equal(pl.read_parquet(out / "removed.parquet"), removed)
    assert not (out / ".work").exists(), os.listdir(out)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*:DeprecationWarning:ray")
@pytest.mark.filterwarnings("ignore:.*:ResourceWarning:ray")
@pytest.mark.parametrize("workers", [1, 2, 4])
def test_ray_removes_the_same(rows: Path, tmp_path: Path, workers: int) -> None:
    dedup(tmp_path / "local", rows, "--text-column", "text")
    dedup(tmp_path / "ray", rows, "--text-column", "text", "--engine", "ray", "--workers", workers)
    for name in ("kept.parquet", "removed.parquet"):
        assert (tmp_path / "ray" / name).read_bytes() == (tmp_path / "local" / name).read_bytes()
