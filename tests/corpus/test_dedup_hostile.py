"""`pedcorpus dedup` on files that are not as they should be, and folders that hold more than tables."""

from __future__ import annotations

import itertools
import json
import os
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from corpus.cli import main
from corpus.dedup import inputs
from corpus.dedup.inputs import find_inputs, unchanged
from schemas.errors import InputError

TEXTS = ["患儿发热咳嗽，建议多喝温水并注意观察精神状态和尿量", "皮疹消退以后可以正常洗澡，注意皮肤保湿和衣物清洁"] * 2


def run(*arguments: Any, code: int = 0) -> str:
    """What the command says; it must end with that code."""
    result = CliRunner().invoke(main, ["dedup", *map(str, arguments), "--text-column", "text"])
    assert result.exit_code == code, result.output + str(result.exception)
    return result.output


def table(path: Path, **columns: Any) -> Path:
    pq.write_table(pa.table({"text": TEXTS} | columns), path)
    return path


def test_results_are_no_input_of_the_next_run(tmp_path: Path) -> None:
    table(tmp_path / "a.parquet")
    (tmp_path / "b.jsonl").write_text("\n".join(json.dumps({"text": t}) for t in TEXTS), "utf-8")
    out = tmp_path / "out"
    run(tmp_path, "--out", out)
    first = (out / "removed.parquet").read_bytes()
    work = out / ".work" / "ab" / "abcd"
    work.mkdir(parents=True)
    table(work / "rows.parquet")  # as a killed run leaves it
    run(tmp_path, "--out", out, "--force")
    assert (out / "removed.parquet").read_bytes() == first
    assert "earlier run" in run(tmp_path, "--out", tmp_path / "other", code=2)
    run(tmp_path / "a.parquet", out / "kept.parquet", "--out", tmp_path / "other")


def test_results_beside_their_input(tmp_path: Path) -> None:
    table(tmp_path / "a.parquet")
    run(tmp_path, "--out", tmp_path)
    run(tmp_path, "--out", tmp_path, "--force")
    assert json.loads((tmp_path / "summary.json").read_text())["records"] == len(TEXTS)


@pytest.mark.parametrize("force", [(), ("--force",)])
def test_nothing_is_written_over_an_input(tmp_path: Path, force: tuple[str, ...]) -> None:
    own = table(tmp_path / "kept.parquet")
    before = own.read_bytes()
    assert "another --out" in run(own, "--out", tmp_path, *force, code=2)
    assert own.read_bytes() == before
    other = table(tmp_path / "other.parquet")
    if not force:
        run(other, "--out", tmp_path, code=2)
        assert own.read_bytes() == before


def test_one_file_under_two_names(tmp_path: Path) -> None:
    path = table(tmp_path / "a.parquet")
    (tmp_path / "b.parquet").symlink_to(path)
    assert "named twice" in run(path, tmp_path / "b.parquet", "--out", tmp_path / "out", code=2)
    assert not (tmp_path / "out").exists()


def test_a_mistake_leaves_no_folder(tmp_path: Path) -> None:
    path = table(tmp_path / "a.parquet")
    result = CliRunner().invoke(main, ["dedup", str(path), "--text-column", "texts", "--out", str(tmp_path / "out")])
    assert result.exit_code == 2
    assert "Did you mean `text`?" in result.output
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("groups", [0, 1])
def test_no_rows(tmp_path: Path, groups: int) -> None:
    schema = pa.schema({"text": pa.string(), "n": pa.int64()})
    with pq.ParquetWriter(tmp_path / "a.parquet", schema) as writer:
        for _ in range(groups):
            writer.write_table(schema.empty_table())
    run(tmp_path / "a.parquet", "--out", tmp_path / "out")
    kept = pq.read_table(tmp_path / "out" / "kept.parquet")
    assert (kept.num_rows, kept.schema.names) == (0, ["text", "n"])
    assert pq.read_table(tmp_path / "out" / "removed.parquet").num_rows == 0


@pytest.mark.parametrize("dtype", [pa.string_view(), pa.large_string(), pa.dictionary(pa.int8(), pa.string())])
def test_kinds_of_text(tmp_path: Path, dtype: pa.DataType) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"text": pa.array(TEXTS).cast(dtype)}), path)
    run(path, "--out", tmp_path / "out")
    assert pl.read_parquet(tmp_path / "out" / "kept.parquet")["text"].cast(pl.String).to_list() == TEXTS[:2]


@pytest.mark.parametrize("ids", [[b"\xff"] * 4, [[1]] * 4, [{"a": 1}] * 4])
def test_ids_that_name_nothing(tmp_path: Path, ids: list[Any]) -> None:
    path = table(tmp_path / "a.parquet", id=ids)
    run(path, "--out", tmp_path / "out")
    assert pl.read_parquet(tmp_path / "out" / "removed.parquet")["keeper_id"].to_list() == [
        "a.parquet:1",
        "a.parquet:2",
    ]
    message = run(path, "--out", tmp_path / "other", "--id-column", "id", code=2)
    assert "names no row" in message


def test_two_columns_of_one_name(tmp_path: Path) -> None:
    pq.write_table(pa.table([TEXTS, TEXTS], names=["text", "text"]), tmp_path / "a.parquet")
    assert "several columns are called `text`" in run(tmp_path / "a.parquet", "--out", tmp_path / "out", code=2)


def test_damaged_pages(tmp_path: Path) -> None:
    path = table(tmp_path / "a.parquet", n=list(range(4)))
    data = bytearray(path.read_bytes())
    for i in range(4, len(data) // 3):
        data[i] ^= 0x5A
    path.write_bytes(bytes(data))
    assert "a.parquet" in run(path, "--out", tmp_path / "out", code=2)


def test_objects_without_a_key(tmp_path: Path) -> None:
    rows = [{"text": TEXTS[0], "meta": {}, "list": [{}], "none": [None]}, {"text": TEXTS[1], "meta": {}}]
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, rows)), "utf-8")
    run(tmp_path / "a.jsonl", "--out", tmp_path / "out")
    assert pl.read_parquet(tmp_path / "out" / "kept.parquet").row(0) == (TEXTS[0], "{}", "[{}]", "[null]")


def _changed_and_failed(path: Path) -> None:
    os.utime(path, ns=(1, 1))
    raise ValueError("whatever reading came to")


def test_a_file_that_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = table(tmp_path / "a.parquet")
    found = find_inputs([path], tmp_path / "out")
    with pytest.raises(InputError, match=r"a\.parquet: changed while it was read"), unchanged(found):
        _changed_and_failed(path)
    with pytest.raises(ValueError, match="whatever"), unchanged(find_inputs([path], tmp_path / "out")):
        raise ValueError("whatever")
    numbers = itertools.count()
    monkeypatch.setattr(inputs, "_stamp", lambda path: (next(numbers), 0))
    assert "changed" in run(path, "--out", tmp_path / "out", code=2)
    assert not (tmp_path / "out" / "kept.parquet").exists()


def test_a_separator_inside_a_text_is_a_blank(tmp_path: Path) -> None:
    text = "患儿发热咳嗽，建议多喝温水并注意观察精神状态和尿量"
    pq.write_table(
        pa.table({"text": [text, text.replace("，", "，\x1f"), "\x1f" * 30, "\x1f\x1f"]}), tmp_path / "a.parquet"
    )
    run(tmp_path / "a.parquet", "--out", tmp_path / "out")
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert (summary["removed"], summary["without_text"]) == ({"same_text": 1}, 2)


def test_bytes_that_are_no_text_do_not_reach_into_the_next(tmp_path: Path) -> None:
    cut = TEXTS[0].encode()[:-1]
    for name, texts in (("a", [cut, cut]), ("b", [cut, b"\xbfx", cut])):
        array = pa.array(texts, pa.binary())
        pq.write_table(
            pa.table({"text": pa.Array.from_buffers(pa.string(), len(array), array.buffers())}),
            tmp_path / f"{name}.parquet",
        )
        run(tmp_path / f"{name}.parquet", "--out", tmp_path / name)
        assert json.loads((tmp_path / name / "summary.json").read_text())["removed"] == {"same_text": 1}


def test_many_columns_without_text(tmp_path: Path) -> None:
    names = [f"c{i}" for i in range(12)]
    pq.write_table(pa.table({"text": TEXTS, **{name: [None] * 4 for name in names}}), tmp_path / "a.parquet")
    more = [part for name in names for part in ("--text-column", name)]
    assert (
        CliRunner()
        .invoke(main, ["dedup", str(tmp_path / "a.parquet"), *more, "--out", str(tmp_path / "out")])
        .exit_code
        == 0
    )
    assert json.loads((tmp_path / "out" / "summary.json").read_text())["without_text"] == 4


def test_exact_at_a_half_with_several_columns(tmp_path: Path) -> None:
    table(tmp_path / "a.parquet", other=[t + "。" for t in TEXTS])
    run(tmp_path / "a.parquet", "--out", tmp_path / "out", "--text-column", "other", "--exact", "--threshold", 0.5)
    assert pq.read_table(tmp_path / "out" / "kept.parquet").num_rows == 2
