"""Building again: after a kill between two renames, a full disk, a slow day, or while another build runs."""

from __future__ import annotations

import dataclasses
import fcntl
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import psutil
import pytest
from click.testing import CliRunner

import corpus.build
from corpus.build import build
from corpus.cli import main
from corpus.config import load_config
from corpus.plan import Plan, make_plan
from corpus.reading import PartChanged, close_reader
from corpus.store import Store
from corpus.verify import verify
from pipelines import workspace
from pipelines.overlap_index import Index
from pipelines.workspace import Result, finished, run_task, sweep_unused
from schemas.arrow import write_shard_file
from schemas.errors import PartRefused, ShardNotWritten, StoreError
from schemas.reader import open_version
from schemas.records import DOCUMENT, frame_of
from sources.isolation import Reader

CONFIG = """
name: tiny
version: {version}
description: {description}
sources:
  books: {{kind: textbook, path: ".", license: CC0-1.0, skip: ["*.jsonl"]}}
limits: {{seconds: {seconds}}}
engine: {{workers: 1}}
"""
CHAPTER = "# 儿童水痘\n\n## 概述\n\n水痘是儿童常见的传染病，{n}岁前后多见，冬春季节发病较多，一般一到两周痊愈。\n"


def plan_of(folder: Path, version: str = "0.1.0", description: str = "x", seconds: float = 60) -> Plan:
    for n in (1, 2):
        path = folder / f"{n}.md"
        if not path.exists():
            path.write_text(CHAPTER.format(n=n), "utf-8")
    config = folder / "corpus.yaml"
    config.write_text(CONFIG.format(version=version, description=description, seconds=seconds), "utf-8")
    return make_plan(load_config(config))


def test_a_kill_between_version_and_pointer_loses_neither(tmp_path: Path) -> None:
    store = Store(build(plan_of(tmp_path)).version_dir.parents[1])
    (store.root / "CURRENT").rename(store.root / ".CURRENT-next")
    assert store.current() == "0.1.0"
    build(plan_of(tmp_path, "0.2.0", description="other"))
    assert store.current() == "0.2.0"
    assert not (store.root / ".CURRENT-next").exists()


def test_a_kill_before_the_version_is_in_place_leaves_the_old_one_current(tmp_path: Path) -> None:
    store = Store(build(plan_of(tmp_path)).version_dir.parents[1])
    for torn in ("0.2.0\n", "0.", ""):
        (store.root / ".CURRENT-next").write_text(torn, "utf-8")
        assert store.current() == "0.1.0"
    store.sweep_unfinished()
    assert not (store.root / ".CURRENT-next").exists()
    assert store.current() == "0.1.0"


def test_a_version_published_while_we_waited_for_the_lock_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = plan_of(tmp_path)
    build(plan)
    looked_up, answers = corpus.build._published, [None]
    monkeypatch.setattr(corpus.build, "_published", lambda *a: answers.pop() if answers else looked_up(*a))
    assert not build(plan).is_new


def test_a_folder_in_the_way_is_named(tmp_path: Path) -> None:
    plan = plan_of(tmp_path)
    (plan.config.store / "versions" / "0.1.0").mkdir(parents=True)
    with pytest.raises(StoreError, match="Remove the folder"):
        build(plan)


def test_the_version_that_is_proposed_is_free(tmp_path: Path) -> None:
    build(plan_of(tmp_path))
    build(plan_of(tmp_path, "0.1.1", description="another"))
    with pytest.raises(StoreError, match=r"set `version: 0\.1\.2`"):
        build(plan_of(tmp_path, "0.1.0", description="a third"))


def test_sweeping_that_is_killed_leaves_nothing_that_counts_as_finished(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = plan_of(tmp_path)
    tasks = plan.read_tasks()
    for task in tasks:
        run_task(task)
    close_reader()

    def killed(folder: Path, **_: Any) -> None:
        next(p for p in sorted(Path(folder).iterdir()) if p.suffix == ".parquet").unlink()
        raise KeyboardInterrupt

    monkeypatch.setattr(workspace.shutil, "rmtree", killed)
    with pytest.raises(KeyboardInterrupt):
        sweep_unused(str(plan.workspace), ())
    monkeypatch.undo()
    assert sum(finished(t.root, t.key) for t in tasks) == len(tasks) - 1
    assert build(plan).is_new


def test_a_part_that_was_not_read_in_time_is_tried_again_and_makes_other_content(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(self: Reader, source: Any, part: Any, folder: Path) -> Any:
        if part.path == "2.md":
            raise PartRefused("timeout", f"{part.path} was not read within 60 s.")
        return read(self, source, part, folder)

    read = Reader.read
    monkeypatch.setattr(Reader, "read", slow)
    lacking = build(plan_of(tmp_path))
    assert plan_of(tmp_path).n_to_read() == 1
    assert lacking.manifest.content_hash != plan_of(tmp_path).content_hash
    assert not build(plan_of(tmp_path)).is_new, "what is published stays, with what it lacks"
    monkeypatch.undo()
    whole = build(plan_of(tmp_path, "0.1.1"))
    assert whole.manifest.content_hash == plan_of(tmp_path).content_hash
    (source,) = whole.manifest.sources
    assert (source["n_parts"], source["n_refused"]) == (2, 0)


def test_limits_do_not_change_what_was_read(tmp_path: Path) -> None:
    build(plan_of(tmp_path))
    assert plan_of(tmp_path, seconds=61).n_to_read() == 0
    assert plan_of(tmp_path, seconds=61).content_hash == plan_of(tmp_path).content_hash


def test_a_description_is_content(tmp_path: Path) -> None:
    assert plan_of(tmp_path, description="a").content_hash != plan_of(tmp_path, description="b").content_hash


@pytest.mark.parametrize("how", ["written", "removed"])
def test_a_file_that_changes_under_way_stops_the_build(tmp_path: Path, how: str) -> None:
    plan = plan_of(tmp_path)
    if how == "written":
        (tmp_path / "2.md").write_text(CHAPTER.format(n=9), "utf-8")
    else:
        (tmp_path / "2.md").unlink()
    with pytest.raises(PartChanged, match="run the same command again"):
        build(plan)
    assert build(plan_of(tmp_path)).is_new


def test_the_store_and_the_configuration_are_no_sources(tmp_path: Path) -> None:
    plan = plan_of(tmp_path)
    build(plan)
    again = plan_of(tmp_path)
    assert [p.path for _, p in again.parts] == ["1.md", "2.md"]
    assert again.content_hash == plan.content_hash


def test_a_disk_that_takes_no_more_in_the_middle_of_a_file(tmp_path: Path) -> None:
    frame = pl.DataFrame({f"column {n}": [str(n)] for n in range(600)})
    write_shard_file(frame, tmp_path / "whole.parquet")
    size = (tmp_path / "whole.parquet").stat().st_size
    numbers = np.arange(1_000)
    arrays: dict[str, Any] = dict.fromkeys((f.name for f in dataclasses.fields(Index)), numbers)
    index = Index(**arrays)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        for part in range(0, size, size // 20):  # so much goes into a file, and then no more
            resource.setrlimit(resource.RLIMIT_FSIZE, (part, hard))
            with pytest.raises(ShardNotWritten, match="Make room"):
                write_shard_file(frame, tmp_path / "part.parquet")
        resource.setrlimit(resource.RLIMIT_FSIZE, (200, hard))
        with pytest.raises(ShardNotWritten, match="Make room"):
            index.save(tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_is_the_disks_fault(tmp_path: Path) -> None:
    frame = frame_of(DOCUMENT, [{"record_id": "x", "text": "字" * 1000}] * 1000)
    if Path("/dev/full").exists():
        (tmp_path / "full.parquet").symlink_to("/dev/full")
        with pytest.raises(ShardNotWritten, match="No space left"):
            write_shard_file(frame, tmp_path / "full.parquet")
    task = plan_of(tmp_path).read_tasks()[0]
    with pytest.raises(ShardNotWritten, match="Make room"):
        task.run(tmp_path / "not" / "there")
    close_reader()


def test_a_folder_may_be_called_like_a_pattern(tmp_path: Path) -> None:
    """polars, datasets and rich each read something into brackets."""
    folder = tmp_path / "[旧] a*b [/x]"
    folder.mkdir(parents=True)
    plan = plan_of(folder)
    config = (folder / "corpus.yaml").read_text("utf-8").replace("CC0-1.0", '"[/y] [MIT]"')
    (folder / "corpus.yaml").write_text(config, "utf-8")
    version = build(plan_of_file(folder)).version_dir
    assert verify(version) == []
    assert open_version(version).dataset("cpt", "train").num_rows == 2
    store = ["--store", str(plan.config.store_root)]
    (record_id,) = open_version(version).scan("cpt", "train").select("record_id").collect().row(0)
    for command in (["plan", str(folder / "corpus.yaml")], ["sources", str(folder / "corpus.yaml")]):
        assert "[/y] [MIT]" in CliRunner().invoke(main, command, catch_exceptions=False).output
    for command in (["stats", *store], ["trace", record_id, *store], ["rejects", *store], ["versions", *store]):
        assert CliRunner().invoke(main, command, catch_exceptions=False).exit_code == 0


def plan_of_file(folder: Path) -> Plan:
    return make_plan(load_config(folder / "corpus.yaml"))


@pytest.mark.parametrize("store", ["file", "file/below", "n" * 300])
def test_a_store_that_cannot_be_is_a_sentence(tmp_path: Path, store: str) -> None:
    plan_of(tmp_path)
    (tmp_path / "file").touch()
    done = CliRunner().invoke(main, ["build", str(tmp_path / "corpus.yaml"), "--store", str(tmp_path / store)])
    assert done.exit_code == 2
    assert "mend that" in done.output


def test_init_leaves_out_what_the_program_keeps(tmp_path: Path) -> None:
    build(plan_of(tmp_path))
    done = CliRunner().invoke(main, ["init", str(tmp_path), "--force"], catch_exceptions=False)
    assert done.exit_code == 0
    written = make_plan(load_config(tmp_path / "pedcorpus.yaml", store="elsewhere"))
    assert [p.path for _, p in written.parts if "corpus.yaml" not in p.path] == ["1.md", "2.md"]
    refused = CliRunner().invoke(main, ["init", str(tmp_path), "--out", str(tmp_path), "--force"])
    assert (refused.exit_code, "is a folder" in refused.output) == (2, True)


def test_ctrl_c_ends_workers_and_readers_without_a_traceback(tmp_path: Path) -> None:
    for n in range(3, 60):
        (tmp_path / f"{n}.md").write_text(CHAPTER.format(n=n) * 200, "utf-8")
    plan_of(tmp_path)
    command = [sys.executable, "-m", "corpus.cli", "build", str(tmp_path / "corpus.yaml"), "--workers", "2"]
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    process = subprocess.Popen(command, env=env, stderr=subprocess.PIPE, text=True, start_new_session=True)
    while not list((tmp_path / "store" / "tiny" / "work").glob("??/*")):
        assert process.poll() is None
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGINT)
    _, printed = process.communicate(timeout=60)
    assert process.returncode == 130, printed
    assert "Traceback" not in printed
    assert "Run the same command again" in printed
    for _ in range(500):
        if not (left := members(process.pid)):
            break
        time.sleep(0.01)
    assert not left


def members(session: int) -> list[int]:
    """The processes of a session, less those that only wait to be reaped."""
    return [p.pid for p in psutil.process_iter() if _session(p.pid) == session and p.status() != psutil.STATUS_ZOMBIE]


def _session(pid: int) -> int | None:
    try:
        return os.getsid(pid)
    except ProcessLookupError:
        return None


def test_fresh_waits_for_the_lock_like_any_build(tmp_path: Path) -> None:
    plan = plan_of(tmp_path)
    build(plan)
    shutil.rmtree(plan.config.store / "versions")
    n_done = len(list(plan.workspace.glob("??/*")))
    arguments = ["build", str(tmp_path / "corpus.yaml"), "--fresh", "--json"]
    with (plan.config.store / "lock").open("r") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        refused = CliRunner().invoke(main, arguments)
    assert refused.exit_code == 2
    assert "another build is running" in refused.output
    assert len(list(plan.workspace.glob("??/*"))) == n_done > 0
    done = CliRunner().invoke(main, arguments, catch_exceptions=False)
    assert json.loads(done.stdout)["is_new"]


def test_results_that_may_be_otherwise_next_time_are_not_kept(tmp_path: Path) -> None:
    class Passing:
        root, key = str(tmp_path), "ab" * 16

        def run(self, folder: Path) -> Result:
            return Result(report={"tried": True}, is_final=False)

    assert run_task(Passing()).report == {"tried": True}
    assert not finished(str(tmp_path), Passing.key)
    assert not list((tmp_path / "tmp").iterdir())
