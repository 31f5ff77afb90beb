"""Reading in a child process: what a hostile file does to its reader, it does to nobody else."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from schemas.errors import PartRefused
from sources.base import Part
from sources.isolation import Limits, Reader
from tests.sources.toy import Toy


@pytest.fixture(scope="module")
def reader() -> Iterator[Reader]:
    child = Reader(Limits(seconds=4, seconds_per_mb=0, memory_mb=1_500))
    yield child
    child.close()


def part_of(tmp_path: Path, text: str) -> Part:
    path = tmp_path / "toy.txt"
    path.write_text(text, "utf-8")
    return Part("toys", "toy.txt", str(path), "0" * 64, path.stat().st_size)


def read(reader: Reader, tmp_path: Path, text: str) -> tuple[list[str], int]:
    folder = tmp_path / "out"
    folder.mkdir()
    summary = reader.read(Toy("toys"), part_of(tmp_path, text), folder)
    kept = [t for _, name, _ in summary.shards for t in pl.read_parquet(folder / name)["text"].to_list()]
    return kept, sum(n for _, _, n in summary.dropped)


def test_records_come_back_kept_and_dropped_apart(reader: Reader, tmp_path: Path) -> None:
    assert read(reader, tmp_path, "发热\n\n咳嗽\n") == (["发热", "咳嗽"], 1)


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("hang", "timeout"),
        ("crash", "parser_crashed"),
        ("exit", "parser_crashed"),
        ("memory", "memory"),
        ("recursion", "nested_too_deeply"),
        ("refuse", "toy_refusal"),
    ],
)
def test_a_fault_refuses_the_part_and_the_next_is_read(reader: Reader, tmp_path: Path, fault: str, reason: str) -> None:
    began = time.monotonic()
    with pytest.raises(PartRefused) as refused:
        reader.read(Toy("toys"), part_of(tmp_path, fault), tmp_path)
    assert refused.value.reason == reason
    assert "sources.toys: toy.txt" in str(refused.value)
    assert time.monotonic() - began < 30
    assert read(reader, tmp_path, "发热\n")[0] == ["发热"]


def test_an_unforeseen_fault_names_itself_and_its_place(reader: Reader, tmp_path: Path) -> None:
    with pytest.raises(PartRefused, match=r"ZeroDivisionError: a bug of ours, at toy\.py:\d+") as refused:
        reader.read(Toy("toys"), part_of(tmp_path, "bug"), tmp_path)
    assert refused.value.reason == "reader_failed"
    assert read(reader, tmp_path, "发热\n")[0] == ["发热"]
