"""Where a build runs: what the configuration and the command line say together, and what is no such thing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from corpus.config import EngineConfig, load_config
from corpus.options import engine_settings
from schemas.errors import ConfigError

HEADER = "name: a\nsources: {s: {kind: dialogue, path: x.csv}}\n"


def load(tmp_path: Path, engine: str, **override: Any) -> EngineConfig:
    """The engine of a configuration that says `engine`."""
    path = tmp_path / "c.yaml"
    path.write_text(HEADER + engine, "utf-8")
    return load_config(path, engine=override or None).header.engine


@pytest.mark.parametrize(
    ("engine", "says"),
    [
        ("engine: {kind: rya}", "engine.kind: `rya`"),
        ("engine: {address: '10.0.0.1:6379'}", "engine: address: only a Ray cluster has one; write `kind: ray`"),
        ("engine: {kind: ray, address: 10.0.0.1}", r"engine: address: `10\.0\.0\.1` is neither `auto` nor host:port"),
        ("engine: {kind: ray, address: 'ray://10.0.0.1:10001'}", "is neither `auto` nor host:port"),
        ("engine: {workers: 513}", "engine: workers: 513 is more than 512"),
        ("engine: {kind: ray, workers: 0}", "engine.workers: 0 is out of bounds"),
    ],
)
def test_what_is_no_engine_is_said(tmp_path: Path, engine: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        load(tmp_path, engine)


def test_the_command_line_replaces_what_it_names(tmp_path: Path) -> None:
    ray = "engine: {kind: ray, address: 'head:6379', workers: 64}"
    assert load(tmp_path, ray) == EngineConfig("ray", 64, "head:6379")
    assert load(tmp_path, ray, workers=3) == EngineConfig("ray", 3, "head:6379")
    assert load(tmp_path, ray, kind="local") == EngineConfig("local", 64)
    assert load(tmp_path, ray, address="auto") == EngineConfig("ray", 64, "auto")
    assert load(tmp_path, "", kind="ray") == EngineConfig("ray")
    assert load(tmp_path, "", kind="ray", address="[::1]:6379") == EngineConfig("ray", None, "[::1]:6379")


def test_an_address_alone_means_ray() -> None:
    assert engine_settings(None, None, "auto") == {"kind": "ray", "address": "auto"}
    assert engine_settings(None, 4, None) == {"workers": 4}
    assert engine_settings(None, None, None) is None


def test_the_engine_is_no_part_of_the_content(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text(HEADER, "utf-8")
    ray = {"kind": "ray", "address": "head:6379", "workers": 64}
    assert load_config(tmp_path / "c.yaml").resolved() == load_config(tmp_path / "c.yaml", engine=ray).resolved()
