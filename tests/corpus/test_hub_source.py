"""A source on the Hub, read by the real clients from a server that speaks its protocol, in a whole build."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from schemas.reader import open_version
from tests.hub_server import HubServer, Repository

ROOT = Path(__file__).parents[2]
CONFIG = """
name: from-hub
engine: {workers: 1}
sources:
  remote: {kind: distilled, hub: HUB, license: Apache-2.0, topic: general}
"""


def lines(n: int) -> bytes:
    items = (
        {"instruction": f"请说出第{i}种颜色。", "input": "", "output": f"第{i}种颜色看起来很漂亮。"} for i in range(n)
    )
    return "".join(json.dumps(x, ensure_ascii=False) + "\n" for x in items).encode()


def pedcorpus(folder: Path, hub: HubServer, *arguments: str) -> subprocess.CompletedProcess[str]:
    env = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "HF_ENDPOINT": hub.url,
        "HF_HOME": str(folder / "hf"),
        "HF_TOKEN": hub.read_token,
        "HF_HUB_DISABLE_XET": "1",
    }
    command = [sys.executable, "-m", "corpus.cli", *arguments]
    return subprocess.run(command, cwd=folder, env=env, text=True, capture_output=True, timeout=120, check=False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "corpus.yaml").write_text(CONFIG.replace("HUB", "org/set"), "utf-8")
    return tmp_path


def test_rows_of_a_hub_data_set_are_built_and_pinned_to_their_commit(folder: Path) -> None:
    with HubServer() as hub:
        hub.repositories["org/set"] = Repository("org/set", private=False)
        hub.repository("org/set").write({"train.jsonl": lines(12)})
        done = pedcorpus(folder, hub, "build", "corpus.yaml", "--json")
        assert done.returncode == 0, done.stderr
        built = json.loads(done.stdout)
        version = open_version(Path(built["version_dir"]))
        rows = [row for s in version.manifest.views["sft"] for row in version.scan("sft", s).collect().to_dicts()]
        assert len(rows) == 12
        assert {row["part"] for row in rows} == {"hub:org/set/train"}
        assert hub.read_token not in done.stdout + done.stderr
        hub.repository("org/set").write({"train.jsonl": lines(13)})
        again = pedcorpus(folder, hub, "build", "corpus.yaml")
        assert again.returncode == 2, "another commit is another content, which needs another version"
        assert "version: 0.1.1" in again.stderr


def test_a_hub_that_is_not_there_is_one_sentence(folder: Path) -> None:
    with HubServer() as hub:
        done = pedcorpus(folder, hub, "build", "corpus.yaml")
    assert done.returncode == 2
    assert "sources.remote: the data set 'org/set' cannot be read from the Hub" in done.stderr
    assert "Traceback" not in done.stderr
