"""`pedcorpus ledger`: what people and programs see of a ledger, also while it is written."""

from __future__ import annotations

import asyncio
import io
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from rich.console import Console

from corpus import show_ledger
from corpus.ledger_command import ledger
from pipelines.llm.client import LlmClient
from pipelines.llm.exchange import STATES
from pipelines.llm.ledger import Ledger
from pipelines.llm.wire import Completion, Request
from tests.pipelines.llm.fake_backend import GOOD, SETTINGS, FakeBackend, question, said


def answer(request: Request) -> Completion:
    n = int(request.body["messages"][1]["content"].split()[1])
    if "无法使用" in request.body["messages"][-1]["content"]:
        return said(GOOD)
    return [said(GOOD), said('{"question": "问题"}'), Completion(0, "timeout", detail="no answer \x1b[31m"), said("")][
        n % 4
    ]


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A store with a corpus whose ledger has 12 questions."""

    async def run() -> None:
        backend = FakeBackend(answer)
        async with LlmClient(SETTINGS, tmp_path / "small" / "ledger", backends={"writer": backend}) as client:
            backend.meter = client.budget
            for n in range(12):
                await client.ask(question(n))

    asyncio.run(run())
    return tmp_path


def shown(store: Path, *args: str) -> Result:
    return CliRunner().invoke(ledger, ["--store", str(store), *args])


def test_the_summary_adds_up(store: Path) -> None:
    data = json.loads(shown(store, "--json").output)
    assert data["calls"] == 18 == data["ok"] + data["rejected"] + data["invalid"] + data["failed"]
    assert data["to_ask_again"] == 3
    assert data["turns"] == {"repair": 3, "again": 3}
    assert data["reasons"] == {"invalid:empty": 6, "invalid:wrong_schema": 3, "failed:timeout": 3}
    assert data["models"]["m"]["calls"] == data["prompts"][0]["calls"] == data["runs"][0]["calls"] == 18
    assert data["runs"][0]["ended"] is True
    assert data["cost"] == pytest.approx(15 * 70e-6)
    assert data["perhaps"] > 0
    text = shown(store).output
    assert "18 calls: 6 ok, 0 rejected, 9 invalid, 3 failed; 3 will be asked again." in text


def test_a_narrow_terminal_breaks_names_and_no_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    file = io.StringIO()
    monkeypatch.setattr(show_ledger, "console", Console(width=80, file=file))
    sums = dict.fromkeys(STATES, 0) | {"calls": 1_234, "ok": 1_234, "cost": 12.5, "perhaps": 0}
    sums |= {"input_tokens": 2_345_678, "output_tokens": 345_678}
    table = show_ledger._table("prompt", [{"prompt": "reconstruct_restructure 33d04", **sums}], "USD")
    show_ledger.console.print(table)
    text = file.getvalue()
    assert "…" not in text
    assert all(figure in text for figure in ("2,345,678", "345,678", "12.5000"))


def test_one_exchange_with_what_followed(store: Path) -> None:
    listed = json.loads(shown(store, "--state", "invalid", "--limit", "1", "--json").output)
    chain = json.loads(shown(store, listed[0]["key"], "--json").output)
    assert [call["turn"] for call in chain] == ["", "repair"]
    text = shown(store, listed[0]["key"][:12]).output
    assert "第 1 段材料" in text
    assert "缺少必需的键 answer" in text
    assert f"repair after {listed[0]['key'][:12]}" in text


def test_what_a_server_said_does_not_steer_the_terminal(store: Path) -> None:
    assert "\x1b" not in shown(store, "--state", "failed").output


def test_what_was_answered_since_is_failed_no_more(store: Path) -> None:
    before = json.loads(shown(store, "--state", "failed", "--json").output)
    assert len(before) == 3

    async def again() -> None:
        backend = FakeBackend(
            lambda request: said(GOOD) if "第 2 段" in str(request.body) else Completion(0, "timeout")
        )
        async with LlmClient(SETTINGS, store / "small" / "ledger", backends={"writer": backend}) as client:
            for n in (2, 6):
                await client.ask(question(n))

    asyncio.run(again())
    after = json.loads(shown(store, "--state", "failed", "--json").output)
    assert {call["key"] for call in after} == {call["key"] for call in before[1:]}
    assert len(after) == 2
    assert json.loads(shown(store, "--json").output)["to_ask_again"] == 2


def test_export_and_filters(store: Path, tmp_path: Path) -> None:
    to = tmp_path / "calls.jsonl"
    assert shown(store, "--state", "ok", "--export", str(to)).exit_code == 0
    calls = [json.loads(line) for line in to.read_text("utf-8").splitlines()]
    assert [call["state"] for call in calls] == ["ok"] * 6
    again = shown(store, "--export", str(to))
    assert again.exit_code == 2
    assert "is there already" in again.output


@pytest.mark.parametrize(
    ("args", "sentence"),
    [
        (["--prompt", "asc"], "Did you mean `ask`?"),
        (["xyz"], "is no key of a call"),
        (["0" * 32], "no call has the key"),
        (["--ledger", "nowhere"], "holds no ledger"),
    ],
)
def test_mistakes_end_in_a_sentence(store: Path, args: list[str], sentence: str) -> None:
    result = shown(store, *args)
    assert result.exit_code == 2
    assert sentence in result.output


def test_several_ledgers_and_none(store: Path, tmp_path: Path) -> None:
    assert "holds no ledger" in shown(store / "small" / "ledger").output
    assert json.loads(shown(store / "small", "--json").output)["calls"] == 18
    with Ledger(store / "other" / "ledger"):
        assert "several ledgers. Say which: --ledger " in shown(store).output


def test_it_looks_on_while_a_build_writes(store: Path) -> None:
    folder = store / "small" / "ledger"
    with Ledger(folder), (folder / "calls.jsonl").open("ab") as file:
        file.write(b'{"key":"torn')
        file.flush()
        assert json.loads(shown(store, "--json").output)["calls"] == 18
