"""The promises of a build: the same bytes however it is run, nothing lost, nothing half done."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from corpus.build import build
from corpus.config import load_config
from corpus.plan import make_plan
from corpus.store import Store, bumped, version_key
from corpus.verify import verify
from schemas.errors import ConfigError, StoreError, VerifyError
from schemas.manifest import read_manifest
from schemas.reader import open_version
from tests.corpus.small import write_small_corpus

ROOT = Path(__file__).parents[2]
N_KILLS = 20


def run_cli(*arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """`pedcorpus` in a process of its own."""
    env = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    command = [sys.executable, "-m", "corpus.cli", *arguments]
    return subprocess.run(command, cwd=cwd, env=env, text=True, capture_output=True, timeout=300, check=False)


def hashes(version_dir: Path) -> dict[str, str]:
    """Every file of a version and its hash: what "the same version" means."""
    manifest = read_manifest(version_dir)
    return {"content": manifest.content_hash, **{f["path"]: f["sha256"] for f in manifest.files}}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A version of the small corpus."""
    folder = tmp_path_factory.mktemp("small")
    return build(make_plan(load_config(write_small_corpus(folder)))).version_dir


def test_a_version_holds_and_has_every_view(built: Path) -> None:
    assert verify(built) == []
    manifest = read_manifest(built)
    for view in ("cpt", "sft", "dfpo", "psft"):
        assert manifest.views[view]["train"]["n_rows"] > 0, view
    assert {"medkqa", "evidiag", "trerecom", "general"} <= manifest.tasks["sft"].keys()


def test_records_in_are_records_out_plus_drops_at_every_stage(built: Path) -> None:
    manifest = read_manifest(built)
    entering: dict[str, int] = {}
    for stage in manifest.stages:
        for count in stage["counts"]:
            kind = count["kind"]
            if count["n_in"] == 0 and stage["stage"].startswith("make_"):
                entering[kind] = entering.get(kind, 0) + count["n_out"]
                continue
            if stage["stage"] != "read":
                assert count["n_in"] == entering[kind], (stage["stage"], kind)
            assert count["n_in"] == count["n_out"] + sum(count["dropped"].values())
            entering[kind] = count["n_out"]
    dropped = sum(n for s in manifest.stages for c in s["counts"] for n in c["dropped"].values())
    rejected = pl.concat([pl.read_parquet(p) for p in (built / "rejected").glob("*.parquet")])
    assert rejected.height == dropped
    assert rejected["drop_reason"].null_count() == 0


def test_a_refused_file_is_listed_with_its_reason(built: Path) -> None:
    lines = [json.loads(line) for line in (built / "SOURCES.jsonl").read_text("utf-8").splitlines()]
    refused = {line["path"]: line["refused"]["reason"] for line in lines if line["refused"]}
    assert refused == {"norms/empty.md": "empty"}


def test_no_person_is_published(built: Path) -> None:
    for path in (built / "data").rglob("*.parquet"):
        assert b"13800138" not in path.read_bytes()
        assert "13800138" not in str(pl.read_parquet(path).to_dicts())


@pytest.mark.parametrize(
    "environment",
    [
        {"PYTHONHASHSEED": "0", "workers": "1"},
        {"PYTHONHASHSEED": "1", "workers": "2"},
        {"LC_ALL": "C", "PYTHONHASHSEED": "2", "workers": "2", "TZ": "Asia/Shanghai"},
    ],
    ids=["seed 0", "seed 1, two workers", "LC_ALL=C"],
)
def test_same_bytes_whatever_the_process(built: Path, tmp_path: Path, environment: dict[str, str]) -> None:
    write_small_corpus(tmp_path, store="elsewhere")
    workers = environment["workers"]
    rest = {k: v for k, v in environment.items() if k != "workers"}
    done = run_cli("build", "corpus.yaml", "--workers", workers, "--json", cwd=tmp_path, **rest)
    assert done.returncode == 0, done.stderr
    assert hashes(Path(json.loads(done.stdout)["version_dir"])) == hashes(built)


def test_building_again_does_nothing(built: Path) -> None:
    before = {p: p.stat().st_mtime_ns for p in built.rglob("*")}
    again = build(make_plan(load_config(built.parents[3] / "corpus.yaml")))
    assert not again.is_new
    assert before == {p: p.stat().st_mtime_ns for p in built.rglob("*")}


def test_another_content_needs_another_version(tmp_path: Path) -> None:
    config = write_small_corpus(tmp_path)
    first = build(make_plan(load_config(config)))
    (tmp_path / "books" / "9.md").write_text(
        "# 儿童湿疹\n\n## 概述\n\n湿疹是婴儿期常见的皮肤病，多在出生后1～3个月发病。\n", "utf-8"
    )
    before = hashes(first.version_dir)
    with pytest.raises(StoreError, match=r"set `version: 0\.1\.1`"):
        build(make_plan(load_config(config)))
    second = build(make_plan(load_config(config, version="0.1.1")))
    assert hashes(first.version_dir) == before
    store = Store(first.version_dir.parents[1])
    assert store.versions() == ["0.1.0", "0.1.1"]
    assert store.current() == "0.1.1"
    assert second.manifest.content_hash != first.manifest.content_hash


def test_only_a_changed_file_is_read_again(tmp_path: Path) -> None:
    config = write_small_corpus(tmp_path)
    build(make_plan(load_config(config)))
    assert make_plan(load_config(config, version="0.1.1")).n_to_read() == 0
    (tmp_path / "books" / "0.md").write_text("# 儿童水痘\n\n## 预防\n\n接种水痘疫苗是预防水痘的有效办法。\n", "utf-8")
    assert make_plan(load_config(config, version="0.1.1")).n_to_read() == 1


def test_killed_at_any_moment_it_goes_on_from_there(built: Path, tmp_path: Path) -> None:
    """Twenty kills spread over the build's work, the last of them while it publishes; each leaves only whole things."""
    config = write_small_corpus(tmp_path)
    old = build(make_plan(load_config(config))).version_dir
    before = hashes(old)
    store = Store(tmp_path / "store" / "small")
    shutil.rmtree(store.root / "work")
    (tmp_path / "sets.jsonl").write_text(
        '{"instruction": "请说一句问候的话。", "input": "", "output": "早上好，祝你一天顺利。"}\n', "utf-8"
    )
    reference = tmp_path / "reference"
    shutil.copytree(tmp_path, reference, ignore=shutil.ignore_patterns("store", "reference"))
    expected = build(make_plan(load_config(reference / "corpus.yaml", version="0.2.0"))).version_dir
    n_tasks = n_finished(expected.parents[1])
    moments = random.Random(7)
    for n in sorted(moments.randrange(n_tasks) for _ in range(N_KILLS - 3)):
        kill_build(config, lambda n=n: n_finished(store.root) >= n)
        assert store.versions() == ["0.1.0"]
        assert hashes(old) == before
    for _ in range(3):
        kill_build(config, lambda: any((store.root / "versions").glob(".tmp-*")), moments.uniform(0, 0.1))
        assert hashes(old) == before
        for version in store.versions():
            assert verify(store.version_dir(version)) == []
    done = run_cli("build", str(config), "--version", "0.2.0", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert hashes(store.version_dir("0.2.0")) == hashes(expected)
    assert store.current() == "0.2.0"
    assert not list((store.root / "versions").glob(".tmp-*"))


def n_finished(corpus: Path) -> int:
    """Finished tasks in a corpus's workspace."""
    return len(list((corpus / "work").glob("??/*/result.json")))


def kill_build(config: Path, is_time: Any, then_s: float = 0.0) -> None:
    """Starts a build of version 0.2.0 and kills it when `is_time()`, or a little later; waits for its end."""
    command = [sys.executable, "-m", "corpus.cli", "build", str(config), "--version", "0.2.0", "--workers", "2"]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while process.poll() is None and not is_time():
        time.sleep(0.005)
    time.sleep(then_s)
    process.send_signal(signal.SIGKILL)
    process.wait()


def test_two_builds_at_once_do_not_mix(tmp_path: Path) -> None:
    import fcntl

    config = write_small_corpus(tmp_path)
    root = tmp_path / "store" / "small"
    root.mkdir(parents=True)
    with (root / "lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(StoreError, match="another build is running"):
            build(make_plan(load_config(config)))


@pytest.mark.parametrize("damage", ["flip a byte", "remove", "add", "manifest"])
def test_a_damaged_version_is_found_out(built: Path, tmp_path: Path, damage: str) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(built, copy)
    victim = next((copy / "data" / "sft").glob("train-*.parquet"))
    if damage == "flip a byte":
        data = bytearray(victim.read_bytes())
        data[len(data) // 2] ^= 1
        victim.write_bytes(data)
    elif damage == "remove":
        victim.unlink()
    elif damage == "add":
        (copy / "data" / "sft" / "more.parquet").write_bytes(b"PAR1")
    else:
        (copy / "manifest.json").write_text('{"format": 1}', "utf-8")
    assert verify(copy)
    with pytest.raises(VerifyError):
        open_version(copy)


def test_configuration_problems_come_all_at_once(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text(
        "name: Bad Name\nversion: one\nsource: {}\nstages: {normalise: {}}\n"
        "sources: {a: {kind: textbok, path: x}, b: {kind: plain, path: x, licence: MIT}}\n",
        "utf-8",
    )
    with pytest.raises(ConfigError) as error:
        load_config(path)
    text = str(error.value)
    expected = (
        "lower-case",
        "not a semantic version",
        "source: unknown key. Did you mean",
        "`textbok` is no kind of source. Did you mean `textbook`",
        "licence: unknown key. Did you mean `license`",
        "normalise: no such stage",
    )
    for says in expected:
        assert says in text


def test_versions_sort_as_versions() -> None:
    names = ["0.10.0", "0.9.0", "1.0.0", "1.0.0-rc.1", "0.9.1"]
    assert sorted(names, key=version_key) == ["0.9.0", "0.9.1", "0.10.0", "1.0.0-rc.1", "1.0.0"]
    assert bumped("0.1.9") == "0.1.10"


def test_an_altered_version_is_not_taken_for_built(tmp_path: Path) -> None:
    config = write_small_corpus(tmp_path)
    first = build(make_plan(load_config(config))).version_dir
    before = hashes(first)
    (first / "LICENSES.md").write_text("all mine", "utf-8")
    with pytest.raises(StoreError, match=r"altered after publishing.*Remove the folder and build again"):
        build(make_plan(load_config(config)))
    shutil.rmtree(first)
    assert hashes(build(make_plan(load_config(config))).version_dir) == before
