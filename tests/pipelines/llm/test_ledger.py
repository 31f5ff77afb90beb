"""The ledger's file: whatever happens to it, no call is lost that was whole, and none says what it did not say."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.llm.ledger import CALLS, LOCK, Ledger, LedgerNotWritten
from pipelines.llm.ledger_index import LedgerIndex
from schemas.errors import StoreError
from schemas.fingerprints import fingerprint

TEXTS = st.text(st.characters(codec=None), max_size=40)
"""Any text, NUL and halves of surrogates too."""
CALLS_OF = st.lists(
    st.tuples(st.integers(0, 5), st.sampled_from(["ok", "rejected", "invalid", "failed"]), TEXTS), max_size=8
)


def call_of(state: str, text: str) -> dict[str, Any]:
    return {"state": state, "reason": "", "text": text, "messages": [{"role": "user", "content": text}]}


def key_of(n: int) -> str:
    return fingerprint(n)


def written(folder: Path, calls: list[tuple[int, str, str]]) -> bytes:
    """The bytes of a ledger with those calls."""
    (folder / CALLS).unlink(missing_ok=True)
    with Ledger(folder) as ledger:
        for n, state, text in calls:
            ledger.put(key_of(n), call_of(state, text))
    return (folder / CALLS).read_bytes()


def expected(calls: list[tuple[int, str, str]]) -> dict[str, str]:
    """Key → text of what is not asked again."""
    return {key_of(n): text for n, state, text in calls if state != "failed"}


def found(folder: Path, *, read_only: bool = False) -> dict[str, str]:
    with Ledger(folder, read_only=read_only) as ledger:
        return {key_of(n): call["text"] for n in range(6) if (call := ledger.get(key_of(n))) is not None}


@given(calls=CALLS_OF)
def test_what_is_put_is_found_and_the_last_line_of_a_key_wins(
    tmp_path_factory: pytest.TempPathFactory, calls: list[tuple[int, str, str]]
) -> None:
    folder = tmp_path_factory.mktemp("ledger")
    data = written(folder, calls)
    assert found(folder) == found(folder, read_only=True) == expected(calls)
    for line in data.splitlines():
        assert json.loads(line)["state"] in ("ok", "rejected", "invalid", "failed")
    with Ledger(folder, read_only=True) as ledger:
        assert [call["text"] for call in ledger.calls()] == [text for _, _, text in calls]
        assert len(ledger) == len(expected(calls))


@given(calls=CALLS_OF, data=st.data())
def test_any_prefix_of_the_file_is_a_ledger_of_a_prefix_of_the_calls(
    tmp_path_factory: pytest.TempPathFactory, calls: list[tuple[int, str, str]], data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("ledger")
    whole = written(folder, calls)
    cut = data.draw(st.integers(0, len(whole)))
    (folder / CALLS).write_bytes(whole[:cut])
    n_whole = whole[:cut].count(b"\n")
    assert found(folder, read_only=True) == expected(calls[:n_whole]), "and nothing is changed by looking"
    assert (folder / CALLS).read_bytes() == whole[:cut]
    with Ledger(folder) as ledger:
        ledger.put(key_of(99), call_of("ok", "后来"))
        assert [c["text"] for c in ledger.calls()] == [text for _, _, text in calls[:n_whole]] + ["后来"]
        assert ledger.n_damaged == 0


@given(calls=CALLS_OF.filter(bool), data=st.data())
def test_a_damaged_byte_costs_its_line_and_makes_no_other_reply(
    tmp_path_factory: pytest.TempPathFactory, calls: list[tuple[int, str, str]], data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("ledger")
    whole = bytearray(written(folder, calls))
    at, to = data.draw(st.integers(0, len(whole) - 1)), data.draw(st.integers(0, 255))
    same = whole[at] == to
    whole[at] = to
    (folder / CALLS).write_bytes(whole)
    states = {key_of(n): [text for m, state, text in calls if m == n and state != "failed"] for n in range(6)}
    after = found(folder)
    for key, text in after.items():
        assert text in states[key], "a reply that was once given to this question, or none"
    assert not same or after == expected(calls)


def test_lines_of_garbage_are_stepped_over_and_counted(tmp_path: Path) -> None:
    good = written(tmp_path, [(0, "ok", "甲"), (1, "ok", "乙")]).splitlines(keepends=True)
    garbage = [b"\n", b"{}\n", b"\0" * 5_000_000 + b"\n", b'{"key":"' + b"g" * 200 + b'"}\n', b"[" * 300_000 + b"\n"]
    (tmp_path / CALLS).write_bytes(garbage[0] + good[0] + b"".join(garbage[1:]) + good[1])
    with Ledger(tmp_path) as ledger:
        assert ledger.n_damaged == len(garbage)
        assert [c["text"] for c in ledger.calls()] == ["甲", "乙"]


def test_a_text_of_16_mb_and_one_of_nothing(tmp_path: Path) -> None:
    long = "热\0\ud800" * (16_000_000 // 6)
    with Ledger(tmp_path) as ledger:
        ledger.put(key_of(0), call_of("ok", long))
        ledger.put(key_of(1), call_of("ok", ""))
    assert found(tmp_path) == {key_of(0): long, key_of(1): ""}


def test_a_second_process_is_told_and_may_look(tmp_path: Path) -> None:
    with Ledger(tmp_path) as ledger:
        ledger.put(key_of(0), call_of("ok", "甲"))
        code = f"from pathlib import Path; from pipelines.llm.ledger import Ledger; Ledger(Path({str(tmp_path)!r}))"
        run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
        assert f"another process ({os.getpid()}) is asking with this ledger" in run.stderr
        with Ledger(tmp_path, read_only=True) as looking:
            assert [c["text"] for c in looking.calls()] == ["甲"]
    with pytest.raises(StoreError, match="holds no ledger"):
        Ledger(tmp_path / "elsewhere", read_only=True)
    Ledger(tmp_path).close()
    assert (tmp_path / LOCK).exists()


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", "utf-8")
    for folder in (tmp_path / "file", tmp_path / "file" / "in", Path("/proc/none")):
        with pytest.raises(StoreError, match=rf"{folder}: no ledger can be kept here .*llm\.ledger"):
            Ledger(folder)


def test_a_full_disk_stops_asking_and_costs_no_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real, room = os.write, [10]

    def write(fd: int, data: bytes) -> int:
        if not room:
            raise OSError(28, "No space left on device")
        return real(fd, data[: room.pop()])

    with Ledger(tmp_path) as ledger:
        ledger.put(key_of(0), call_of("ok", "甲"))
        monkeypatch.setattr("pipelines.llm.ledger.os.write", write)
        with pytest.raises(LedgerNotWritten, match=r"calls\.jsonl: cannot be written to \(No space left on device\)"):
            ledger.put(key_of(1), call_of("ok", "乙"))
        monkeypatch.undo()
        ledger.put(key_of(2), call_of("ok", "丙"))
        assert [c["text"] for c in ledger.calls()] == ["甲", "丙"]
    assert found(tmp_path) == {key_of(0): "甲", key_of(2): "丙"}


def test_runs_survive_a_torn_line(tmp_path: Path) -> None:
    with Ledger(tmp_path) as ledger:
        ledger.add_run({"run": "a"})
        with (tmp_path / "runs.jsonl").open("ab") as file:
            file.write(b'{"run": "b", "en')
        ledger.add_run({"run": "c"})
        assert [run["run"] for run in ledger.runs()] == ["a", "c"]


@given(st.lists(st.tuples(st.integers(0, 40), st.booleans()), max_size=200))
def test_the_index_is_a_dict_of_the_last_places(steps: list[tuple[int, bool]]) -> None:
    index, truth = LedgerIndex(), dict[bytes, tuple[int, int]]()
    for at, (n, settle) in enumerate(steps):
        key = bytes.fromhex(key_of(n // 2))[:8] + bytes([n % 2] * 8)  # equal first halves
        index.add(key, at * 10, at)
        truth[key] = (at * 10, at)
        if settle:
            index.settle()
        assert index.find(key) == truth[key]
    assert len(index) == len(truth)
    assert all(index.find(key) == place for key, place in truth.items())
    assert index.latest(3) == sorted(truth.values())[-3:]
    assert index.find(b"x" * 16) is None
