"""Configurations: every problem at once, each with its place, and nothing but plain data."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pytest

from schemas.errors import ConfigError
from schemas.settings import load_yaml, parse


@dataclass(frozen=True)
class Inner:
    depth: int = field(default=1, metadata={"min": 1, "max": 9})


@dataclass(frozen=True)
class Example:
    name: str
    ratio: float = field(default=0.5, metadata={"min": 0.0, "max": 1.0})
    mode: str = field(default="fast", metadata={"choices": ("fast", "exact")})
    paths: tuple[str, ...] = ()
    limit: int | None = None
    flag: bool = False
    inner: Inner = field(default_factory=Inner)
    columns: Mapping[str, str] = field(default_factory=dict)
    where: Mapping[str, Any] = field(default_factory=dict)


def test_values_take_the_field_types() -> None:
    problems: list[str] = []
    made = parse(Example, {"name": 3, "ratio": 1, "paths": "a.txt", "inner": {"depth": 2}}, "x", problems)
    assert not problems
    assert made == Example(name="3", ratio=1.0, paths=("a.txt",), inner=Inner(2))


@pytest.mark.parametrize(
    ("yaml", "says"),
    [
        ("ratio: .nan", "x.ratio: nan is no number to reckon with"),
        ("ratio: -.inf", "x.ratio: -inf is no number"),
        ("ratio: 1" + "0" * 400, "x.ratio: should be a number"),
        ("limit: 99999999999999999999999999", "x.limit: 99999999999999999999999999 is no number"),
        ("limit: 0b1_02", "x.limit: should be a whole number"),
        ("flag: yes please", "x.flag: should be true or false"),
        ('mode: "fast\\0"', "x.mode: holds a NUL"),
        ('paths: ["a", "\\ud800"]', r"x.paths\[1\]: holds a NUL or half a surrogate pair"),
        ("paths: [[a]]", r"x.paths\[0\]: should be text, is a list"),
        ("columns: {ask: null}", "x.columns.ask: should be text, is empty"),
        ("columns: {ask: [a]}", "x.columns.ask: should be text, is a list"),
        ("where: {day: 2024-01-01}", "x.where.day: should be text or a number, is date"),
        ("where: {day: [1, {a: 2}]}", r"x.where.day\[1\]: should be text or a number, is a mapping"),
        ("where: {day: .inf}", "x.where.day: inf is no number"),
    ],
)
def test_values_that_no_hash_or_file_takes_are_problems(tmp_path: Path, yaml: str, says: str) -> None:
    path = tmp_path / "c.yaml"
    path.write_text("name: a\n" + yaml + "\n", "utf-8")
    problems: list[str] = []
    assert parse(Example, load_yaml(path), "x", problems) is None
    assert len(problems) == 1
    assert re.match(says, problems[0]), problems


def test_where_takes_what_json_takes() -> None:
    problems: list[str] = []
    given = {"a": "儿科", "b": 1, "c": [True, None, 0.5]}
    made = parse(Example, {"name": "x", "where": given, "columns": {"ask": 3}}, "x", problems)
    assert made is not None, problems
    assert made.where == given
    assert made.columns == {"ask": "3"}
    json.dumps(asdict(made), allow_nan=False)


def test_every_problem_is_collected_with_its_place() -> None:
    problems: list[str] = []
    data = {"ration": 1, "ratio": 2, "mode": "fats", "flag": "yes", "limit": True, "inner": {"depth": 0}}
    assert parse(Example, data, "stages.dedup", problems) is None
    text = "\n".join(problems)
    assert "stages.dedup.ration: unknown key. Did you mean `ratio`?" in text
    assert "stages.dedup.ratio: 2.0 is out of bounds, it should be between 0.0 and 1.0." in text
    assert "stages.dedup.mode: `fats` is not one of fast, exact. Did you mean `fast`?" in text
    assert "stages.dedup.flag: should be true or false, is text (`yes`)." in text
    assert "stages.dedup.limit: should be a whole number, is true or false (`True`)." in text
    assert "stages.dedup.inner.depth: 0 is out of bounds" in text
    assert "stages.dedup: `name:` is missing." in text
    assert len(problems) == 7


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a: 1\na: 2\n", "given twice"),
        ("a: &x 1\nb: *x\n", "alias"),
        ("a: !!python/object/apply:os.system ['echo hi']\n", "could not determine a constructor"),
        ("- 1\n", "a configuration is a mapping"),
        ("1: x\n", "is not text"),
        ("a: [1\n", "line 2"),
        ("a: 2024-13-45\n", "holds a value that is none"),
        ("a: " + "9" * 5000 + "\n", "holds a value that is none"),
        ("", "a configuration is a mapping"),
        ("a: " + "[" * 5000, "nested too deeply"),
    ],
)
def test_yaml_that_is_not_plain_data_is_refused(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "c.yaml"
    path.write_text(text, "utf-8")
    with pytest.raises(ConfigError, match=says):
        load_yaml(path)


def test_files_that_cannot_be_read_say_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="pedcorpus init"):
        load_yaml(tmp_path / "none.yaml")
    with pytest.raises(ConfigError, match="is a folder"):
        load_yaml(tmp_path)
    (tmp_path / "b.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="cannot be read as UTF-8"):
        load_yaml(tmp_path / "b.yaml")
