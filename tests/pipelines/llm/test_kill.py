"""Against a real server that goes wrong: nothing is bought twice, the cap holds, every question has an end."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from pipelines.llm.client import LlmClient
from pipelines.llm.exchange import Ask, Reply
from pipelines.llm.ledger import Ledger
from pipelines.llm.settings import Endpoint, LlmSettings
from pipelines.llm.transport import LiveBackend, Timing
from pipelines.llm.wire import BudgetReached, EndpointRefused
from tests.llm_server import KINDS, LlmServer
from tests.pipelines.llm.fake_backend import question

N, IN_FLIGHT, N_KILLS = 300, 32, 20
QUICK = Timing(0.005, 0.02, 0.01)
STOPPING = {"301", "307", "401", "402", "403", "404"}


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retries of this process come at once."""
    monkeypatch.setattr(
        "pipelines.llm.client.make_backend",
        lambda role, endpoint, meter, folder: LiveBackend(role, endpoint, meter, QUICK),
    )


def answer(body: dict[str, Any]) -> str:
    """Says which question it answers, at a length that only the question decides."""
    asked = body["messages"][1]["content"] if "messages" in body else "无"
    n = int.from_bytes(hashlib.blake2b(asked.encode(), digest_size=2).digest()) % 300
    return json.dumps({"question": asked, "answer": "答" * n}, ensure_ascii=False)


@contextmanager
def children(server: LlmServer, folder: Path) -> Iterator[Callable[[], int]]:
    """What starts a process that asks all questions; its id."""
    given = [server.base_url, str(folder), str(N), str(IN_FLIGHT), "--children"]
    command = [sys.executable, "-m", "tests.pipelines.llm.asker", *given]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0) as parent:
        assert parent.stdin is not None
        assert parent.stdout is not None
        into, out = parent.stdin, parent.stdout

        def start() -> int:
            into.write(b"\n")
            return int(out.readline())

        try:
            yield start
        finally:
            into.close()


def is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def n_written(folder: Path) -> int:
    if not (folder / "ledger" / "calls.jsonl").exists():
        return 0
    with Ledger(folder / "ledger", read_only=True) as ledger:
        assert ledger.n_damaged == 0
        return len(ledger)


@pytest.mark.slow
def test_killed_at_any_moment_it_loses_the_calls_in_flight_and_no_others(tmp_path: Path) -> None:
    with LlmServer(latency_s=0.02, content=answer) as server, children(server, tmp_path) as start:
        lost = 0
        for kill in range(N_KILLS):
            process = start()
            wanted = (N + lost) * (kill + 1) // (N_KILLS + 1)
            while server.stats().n_successes < wanted and is_alive(process):
                time.sleep(0.001)
            os.kill(process, signal.SIGKILL)
            while is_alive(process) or server.in_flight:
                time.sleep(0.005)
            lost_now = server.stats().n_successes - n_written(tmp_path) - lost
            assert 0 <= lost_now <= IN_FLIGHT
            lost += lost_now
        process = start()
        while is_alive(process):
            time.sleep(0.01)
        stats = server.stats()
        assert stats.n_distinct == N
        assert stats.n_successes == N + lost, "what was lost at the kills was bought again, and nothing else"
        assert lost > 0, "the kills came in the middle of calls"
    replies = json.loads((tmp_path / "replies.json").read_text("utf-8"))
    assert [json.loads(text)["question"] for _, _, text in replies] == [f"第 {i} 段材料" for i in range(N)]
    assert n_written(tmp_path) == N
    with Ledger(tmp_path / "ledger", read_only=True) as ledger:
        assert Counter(c["state"] for c in ledger.calls()) == {"ok": N}
        assert sum("ended" in run for run in ledger.runs()) == 1


def asked(
    server: LlmServer, folder: Path, asks: list[Ask], budget: float | None = None, **fields: Any
) -> tuple[list[Reply | BaseException], dict[str, Any]]:
    """Replies and the report; questions that the run's end left without a reply have what ended it."""
    settings = {"max_in_flight": 64, "max_attempts": 4, "timeout_s": 0.4, "max_outage_s": 60.0, **fields}
    writer = Endpoint(model="m", base_url=(server.base_url,), input_price=1.0, output_price=2.0, **settings)

    async def run() -> tuple[list[Reply | BaseException], dict[str, Any]]:
        async with LlmClient(LlmSettings(writer=writer, budget=budget), folder) as client:
            first = await asyncio.gather(client.ask(asks[0]), return_exceptions=True)  # the endpoint is known to work
            rest = await asyncio.gather(*map(client.ask, asks[1:]), return_exceptions=True)
            return [*first, *rest], client.report()

    return asyncio.run(run())


TROUBLE = ["500", "429", "hang seconds=0.6", "ok", "reset-middle", "malformed", "ok", "drip", "reset", "ok", "usage"]


@pytest.mark.parametrize("budget", [0.004, 0.02, 0.05])
def test_what_the_server_bills_stays_under_the_cap(tmp_path: Path, budget: float) -> None:
    asks = [question(i, max_tokens=400) for i in range(300)]
    with LlmServer(latency_s=0.005, content=answer) as server:
        server.plan(*TROUBLE, times=30)
        replies, report = asked(server, tmp_path, asks, budget)
        while server.in_flight:
            time.sleep(0.01)
        cost = server.stats().cost
    assert cost <= budget
    spent = report["money"]["certain"] + report["money"]["uncertain"]
    assert cost <= spent + 1e-9
    assert spent <= budget
    unanswered = [r for r in replies if isinstance(r, BaseException)]
    assert unanswered, "the budget was too small for all"
    assert all(isinstance(r, BudgetReached) for r in unanswered)
    assert budget - spent < 0.003, "and was used until one more call could have gone beyond it"
    tally = report["roles"]["writer"]["ask"]
    assert tally["stopped"] == len(unanswered)
    ends = sum(tally[name] for name in ("ok", "rejected", "invalid", "failed", "stopped"))
    assert tally["asked"] == ends == len(asks)


def test_every_question_has_an_end_whatever_the_server_does(tmp_path: Path) -> None:
    menu = [*sorted(KINDS - STOPPING - {"hang", "drip"}), "hang seconds=0.6", "drip"]
    asks = [question(i) for i in range(6 * len(menu))]
    with LlmServer(content=lambda body: "？" if "7 段" in str(body.get("messages")) else answer(body)) as server:
        server.plan("ok", *menu * 4)
        replies, report = asked(server, tmp_path, asks, max_attempts=1)
        tally = report["roles"]["writer"]["ask"]
        ends = Counter(reply.state for reply in replies if isinstance(reply, Reply))
        assert sum(ends.values()) == len(asks) == tally["asked"]
        assert {state: tally[state] for state in ends} == dict(ends)
        assert set(ends) == {"ok", "rejected", "invalid", "failed"}
        server.reset_stats()
        again, later = asked(server, tmp_path, asks)
        tally = later["roles"]["writer"]["ask"]
        assert server.stats().n_requests == tally["sent"]
        assert tally["sent"] - sum(tally["turns"].values()) == ends["failed"] == len(asks) - tally["from_ledger"]
    for before, after in zip(replies, again, strict=True):
        assert isinstance(before, Reply)
        assert isinstance(after, Reply)
        assert before == after or before.state == "failed" != after.state
    for ask, reply in zip(asks, again, strict=True):
        if isinstance(reply, Reply) and reply.ok:
            assert reply.value["question"] == ask.messages[1]["content"]


def test_a_refused_key_stops_at_once_and_what_was_bought_stays(tmp_path: Path) -> None:
    with LlmServer(latency_s=0.01, content=answer) as server:
        server.plan(*["ok"] * 100, *["401"] * 400)
        replies, _ = asked(server, tmp_path, [question(i) for i in range(400)])
        stopped = [r for r in replies if not isinstance(r, Reply)]
        assert all(isinstance(r, EndpointRefused) for r in stopped)
        assert server.stats().n_requests <= 100 + 64 * 2
        assert n_ok(tmp_path) == server.stats().n_successes == 400 - len(stopped)


def n_ok(folder: Path) -> int:
    with Ledger(folder, read_only=True) as ledger:
        return sum(c["state"] == "ok" for c in ledger.calls())


def test_a_key_that_the_server_echoes_appears_nowhere(tmp_path: Path) -> None:
    secret = "sk-canary-8d1f0c2b7a"
    for number, fault in enumerate(("echo", "echo status=400", "echo status=401", "error-200")):
        folder = tmp_path / str(number)
        folder.mkdir()
        with LlmServer(always=fault) as server:
            run = subprocess.run(
                [
                    sys.executable,
                    "-X",
                    "dev",
                    "-m",
                    "tests.pipelines.llm.asker",
                    server.base_url,
                    str(folder),
                    "3",
                    "2",
                ],
                env={**os.environ, "OPENAI_API_KEY": secret, "PYTHONASYNCIODEBUG": "0"},
                capture_output=True,
                check=False,
            )
            assert any(secret in str(head) for head in server.headers) or server.stats().n_requests
        files = [path.read_bytes() for path in folder.rglob("*") if path.is_file()]
        assert files
        for seen in (run.stdout, run.stderr, *files):
            assert secret.encode() not in seen
            assert b"canary" not in seen
