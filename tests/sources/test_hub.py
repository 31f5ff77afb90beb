"""Rows from saved data sets and from the Hub go through the same layouts as files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import datasets
import pytest

from schemas.errors import ConfigError, PartRefused
from sources.base import ReadReport
from sources.distilled import Distilled
from sources.hub import folder_parts, hub_parts, is_dataset_folder

ROWS = [{"question": f"问{i}", "answer": f"答{i}"} for i in range(5)]
COMMIT = "0123456789" * 4


def saved(folder: Path) -> Path:
    data = datasets.Dataset.from_list(ROWS)
    datasets.DatasetDict({"train": data, "test": data.select([0])}).save_to_disk(str(folder))
    return folder


def test_a_saved_data_set_is_read_split_by_split(tmp_path: Path) -> None:
    folder = saved(tmp_path / "set")
    assert is_dataset_folder(folder)
    source = Distilled(source_id="s", topic="general")
    parts = folder_parts("s", folder, "data/set")
    assert [part.path for part in parts] == ["data/set/train", "data/set/test"]
    rows = [row for batch in source.read(parts[0], ReadReport()) for row in batch.frame.to_dicts()]
    assert [row["messages"][0]["content"] for row in rows] == [row["question"] for row in ROWS]
    assert rows[0]["locator"] == "row 1"
    assert rows[0]["part"] == "data/set/train"


def test_the_hash_of_a_saved_part_follows_its_content(tmp_path: Path) -> None:
    first = folder_parts("s", saved(tmp_path / "a"), "x")[0]
    (tmp_path / "b").mkdir()
    for split in ("train", "test"):
        (tmp_path / "b" / split).mkdir()
        for file in (tmp_path / "a" / split).iterdir():
            (tmp_path / "b" / split / file.name).write_bytes(file.read_bytes())
    (tmp_path / "b" / "dataset_dict.json").write_bytes((tmp_path / "a" / "dataset_dict.json").read_bytes())
    assert folder_parts("s", tmp_path / "b", "x")[0].sha256 == first.sha256
    arrow = next((tmp_path / "b" / "train").glob("*.arrow"))
    arrow.write_bytes(arrow.read_bytes() + b"\0")
    assert folder_parts("s", tmp_path / "b", "x")[0].sha256 != first.sha256


def test_a_damaged_folder_is_refused(tmp_path: Path) -> None:
    folder = saved(tmp_path / "set")
    part = folder_parts("s", folder, "x")[0]
    for file in (folder / "train").glob("*.arrow"):
        file.write_bytes(b"nonsense")
    with pytest.raises(PartRefused) as caught:
        list(Distilled(source_id="s").read(part, ReadReport()))
    assert caught.value.reason == "damaged"


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A Hub with one data set; the dictionary gets what was asked of it."""
    asked: dict[str, Any] = {}

    class Info:
        sha = COMMIT

    def dataset_info(self: object, name: str, revision: str | None = None) -> Info:
        asked.update(name=name, revision=revision)
        if name != "org/set":
            raise OSError("404 Client Error\nmore")
        return Info()

    def load(name: str, subset: str, split: str, revision: str) -> datasets.Dataset:
        asked.update(loaded=(name, subset, split, revision))
        return datasets.Dataset.from_list(ROWS)

    monkeypatch.setattr("huggingface_hub.HfApi.dataset_info", dataset_info)
    monkeypatch.setattr(datasets, "get_dataset_config_names", lambda name, revision: ["default"])
    monkeypatch.setattr(datasets, "get_dataset_split_names", lambda name, subset, revision: ["train", "test"])
    monkeypatch.setattr(datasets, "load_dataset", load)
    return asked


def test_hub_parts_are_pinned_to_a_commit(hub: dict[str, Any]) -> None:
    source = Distilled(source_id="s", hub="org/set@v1", split="test", topic="general")
    (part,) = hub_parts(source)
    assert hub == {"name": "org/set", "revision": "v1"}
    assert part.path == "hub:org/set/test"
    rows = [row for batch in source.read(part, ReadReport()) for row in batch.frame.to_dicts()]
    assert hub["loaded"] == ("org/set", "default", "test", COMMIT)
    assert [row["part"] for row in rows] == ["hub:org/set/test"] * 5
    assert len(hub_parts(Distilled(source_id="s", hub="org/set"))) == 2


def test_a_wrong_name_is_one_sentence(hub: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=r"sources\.s: the data set 'org/none' cannot be read .*404 Client Error\)"):
        hub_parts(Distilled(source_id="s", hub="org/none"))
    with pytest.raises(ConfigError, match="no split 'dev', only train, test"):
        hub_parts(Distilled(source_id="s", hub="org/set", split="dev"))
