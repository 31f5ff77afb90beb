"""Batches against a server that speaks the Batch API: results, failures, money, and what a restart finds."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipelines.llm.batch import BatchBackend
from pipelines.llm.batch_files import BatchTerms, terms_of
from pipelines.llm.client import LlmClient
from pipelines.llm.exchange import Ask, Reply, conversation
from pipelines.llm.settings import LlmSettings
from pipelines.llm.wire import BudgetReached, Completion, EndpointDown, EndpointRefused, TeacherStopped
from tests.llm_server.batch_api import BatchServer, answered, completion, failed, result, serving
from tests.pipelines.llm.batch_run import PACE, Money, ask, endpoint, request

ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BATCH_TEST_KEY", "sk-of-the-tests")


@pytest.fixture
def server() -> Iterator[BatchServer]:
    with serving(BatchServer()) as found:
        yield found


def asked(server: BatchServer, folder: Path, n: int, money: Money | None = None, **more: Any) -> list[Any]:
    return asyncio.run(ask(server.url, folder, n, money or Money(), **more))[0]


def texts(n: int) -> list[str]:
    return [f"答：问{i}" for i in range(n)]


def test_many_that_ask_at_once_make_one_batch(server: BatchServer, tmp_path: Path) -> None:
    money = Money()
    found, backend = asyncio.run(ask(server.url, tmp_path, 300, money))
    assert [c.text for c in found] == texts(300)
    assert (found[0].input_tokens, found[0].output_tokens, found[0].failure) == (100, 10, "")
    assert len(server.batches) == 1
    assert set(server.billed.values()) == {1}
    assert money.spent == pytest.approx(37.5)
    assert money.reserved_now == 0
    described = backend.describe()
    assert (described["batches"], described["requests"], described["answered"]) == (1, 300, 300)


def test_nothing_of_a_run_in_good_order_stays_but_its_log(server: BatchServer, tmp_path: Path) -> None:
    asked(server, tmp_path, 5)
    assert [p.name for p in tmp_path.rglob("*") if p.is_file()] == ["batches.jsonl"]
    assert "sk-of-the-tests" not in (tmp_path / "batches.jsonl").read_text()


def test_the_sdk_tells_nothing_of_this_machine(server: BatchServer, tmp_path: Path) -> None:
    asked(server, tmp_path, 1)
    assert server.calls["POST /batches"] == 1
    assert not [name for name in server.headers if name.startswith("x-stainless")]


def test_a_missing_key_is_said_before_anything_is_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BATCH_TEST_KEY")
    found = asyncio.run(ask("https://api.deepseek.com/v1", tmp_path, 1, Money()))[0]
    assert isinstance(found[0], EndpointRefused)
    assert "BATCH_TEST_KEY" in str(found[0])


def test_a_client_in_batch_mode_buys_once(server: BatchServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.llm.batch.BatchPace", lambda: PACE)
    writer = endpoint(server.url, input_price=1.0, output_price=2.0)

    async def run() -> tuple[list[Reply], dict[str, Any]]:
        async with LlmClient(LlmSettings(writer=writer, budget=1.0), tmp_path) as client:
            asks = [Ask("writer", "test", "0", conversation("系统", f"问{i}")) for i in range(12)]
            return list(await asyncio.gather(*map(client.ask, asks))), client.report()

    replies, report = asyncio.run(run())
    assert [r.text for r in replies] == texts(12)
    assert report["money"]["certain"] == pytest.approx(12 * (100 + 2 * 10) / 1e6)
    assert asyncio.run(run())[0] == replies
    assert (len(server.batches), set(server.billed.values())) == (1, {1})


def test_a_full_file_goes_out_and_the_rest_follows(
    server: BatchServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipelines.llm.batch.terms_of", lambda url: BatchTerms(4, 10_000, 10_000))
    assert [c.text for c in asked(server, tmp_path, 10)] == texts(10)
    assert sorted(len(b["_lines"]) for b in server.batches) == [2, 4, 4]


def test_a_request_longer_than_a_line_may_be_is_not_sent(
    server: BatchServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipelines.llm.batch.terms_of", lambda url: BatchTerms(9, 1_000, 100))
    assert [c.failure for c in asked(server, tmp_path, 2)] == ["bad_request"] * 2
    assert not server.batches


def test_each_request_gets_the_failure_that_its_line_tells_of(server: BatchServer, tmp_path: Path) -> None:
    def answer(line: dict[str, Any], n_before: int) -> Any:
        number = int(line["custom_id"], 16)
        long = {"error": {"code": "context_length_exceeded", "message": "maximum context length is 8192 tokens"}}
        policy = {"error": {"code": "content_filter", "message": "filtered"}}
        cases: dict[int, Any] = {
            0: result(line, long, 400),
            1: result(line, policy, 400),
            2: result(line, {"error": {"message": "max_tokens is too large"}}, 400),
            3: result(line, {"error": {"message": "slow down"}}, 429),
            4: result(line, {"error": {"message": "oops"}}, 500),
            5: failed(line, "batch_expired", "This request could not be executed before the window ended"),
            6: None,
            7: result(line, completion("x", choices=[])),
            8: b'{"custom_id": "' + line["custom_id"].encode() + b'", "response": {"status_code": 200, "body": 7}}',
            9: b"no json at all",
        }
        return cases.get(number) or (None if number in cases else answered(line, n_before))

    server.answer = answer
    money = Money()
    found = asked(server, tmp_path, 11, money, max_attempts=2)
    assert [c.failure for c in found] == [
        "context_overflow",
        "content_filter",
        "bad_request",
        "rate_limited",
        "server_error",
        "timeout",
        "server_error",
        "malformed_response",
        "server_error",
        "server_error",
        "",
    ]
    assert [c.n_attempts for c in found] == [1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 1]
    assert money.reserved_now == 0
    assert "maximum context length" in found[0].detail


def test_what_expired_goes_into_the_next_batch_and_is_billed_once(server: BatchServer, tmp_path: Path) -> None:
    server.states = lambda n: ("validating", "in_progress", "expired") if n < 2 else ("validating", "completed")
    server.answer = lambda line, n: (
        answered(line, n) if n or int(line["custom_id"], 16) % 2 else failed(line, "batch_expired")
    )
    assert [c.text for c in asked(server, tmp_path, 6)] == texts(6)
    assert set(server.billed.values()) == {1}
    assert len(server.batches) == 2


def test_a_cancelled_batch_is_not_sent_again_by_this_run(server: BatchServer, tmp_path: Path) -> None:
    server.states = lambda n: ("validating", "cancelled")
    server.answer = lambda line, n: answered(line, n) if int(line["custom_id"], 16) == 0 else None
    found = asked(server, tmp_path, 3)
    assert [c.failure for c in found] == ["", "server_error", "server_error"]
    assert "cancelled" in found[1].detail
    assert len(server.batches) == 1


def test_a_refused_file_loses_the_lines_at_fault_and_no_other(server: BatchServer, tmp_path: Path) -> None:
    server.states = lambda n: ("validating", "failed") if n == 0 else ("validating", "completed")
    server.problems = [{"code": "invalid_request", "message": "messages is empty", "line": 2, "param": None}]
    found = asked(server, tmp_path, 3, max_attempts=1)
    assert [c.failure for c in found] == ["", "bad_request", ""]
    assert "line 2 of 3" in found[1].detail
    assert "messages is empty" in found[1].detail


def test_a_file_refused_as_a_whole_stops_the_run_and_says_why(server: BatchServer, tmp_path: Path) -> None:
    server.states = lambda n: ("validating", "failed")
    server.problems = [{"code": "model_not_found", "message": "no such model m", "line": None}]
    found = asked(server, tmp_path, 3)
    assert all(isinstance(e, EndpointRefused) and "no such model m" in str(e) for e in found)
    assert len(server.batches) == 1


def test_too_many_tokens_enqueued_is_waited_for(server: BatchServer, tmp_path: Path) -> None:
    server.states = lambda n: ("validating", "failed") if n == 0 else ("validating", "completed")
    server.problems = [{"code": "token_limit_exceeded", "message": "Enqueued token limit reached", "line": None}]
    assert [c.text for c in asked(server, tmp_path, 3)] == texts(3)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"supported": False}, "mode: live"),
        ({"key": "another"}, "BATCH_TEST_KEY"),
        ({"faults": {"POST /files": [402]}}, "money"),
        ({"faults": {"POST /batches": [405]}}, "mode: live"),
        ({"faults": {"POST /batches": [400]}}, "fault 400"),
    ],
)
def test_what_no_batch_can_get_past_stops_the_run(
    server: BatchServer, tmp_path: Path, change: dict[str, Any], words: str
) -> None:
    for name, value in change.items():
        setattr(server, name, value)
    money = Money()
    found = asked(server, tmp_path, 3, money)
    assert all(isinstance(e, EndpointRefused) and words in str(e) for e in found), found
    assert "sk-of-the-tests" not in "".join(map(str, found))
    assert (money.reserved_now, money.spent, len(server.batches)) == (0, 0, 0)


def test_faults_on_the_way_are_waited_out_and_nothing_is_bought_twice(server: BatchServer, tmp_path: Path) -> None:
    server.faults = {
        "POST /files": [503, "cut"],
        "POST /batches": ["lost"],
        "GET /batches": ["cut"],
        "GET /batches/id": [500, "cut", 429],
        "GET /files/content": ["cut"],
    }
    assert [c.text for c in asked(server, tmp_path, 4)] == texts(4)
    assert len(server.batches) == 1
    assert server.calls["POST /batches"] == 1


def test_an_outage_ends_the_run(server: BatchServer, tmp_path: Path) -> None:
    server.faults = {"GET /batches/id": [503] * 1_000}
    found = asked(server, tmp_path, 2, max_outage_s=0.2)
    assert all(isinstance(e, EndpointDown) and "take their results" in str(e) for e in found)
    server.faults = {}
    assert [c.text for c in asked(server, tmp_path, 2)] == texts(2)
    assert set(server.billed.values()) == {1}


def test_the_cap_holds_and_what_fits_is_bought(server: BatchServer, tmp_path: Path) -> None:
    money = Money(left=3.0)
    found = asked(server, tmp_path, 40, money)
    good = [c for c in found if isinstance(c, Completion)]
    assert all(isinstance(c, BudgetReached) for c in found if not isinstance(c, Completion))
    assert len(good) == sum(server.billed.values()) == 17  # 0.125 each of 3.0, while 1.0 is to be set aside
    assert money.most <= 3.0
    assert money.reserved_now == 0


def test_an_interrupted_run_leaves_its_batch_and_the_next_takes_it_up(
    server: BatchServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    server.states = lambda n: ("validating", *["in_progress"] * 10_000)

    async def interrupted() -> dict[str, Any]:
        backend = BatchBackend("writer", endpoint(server.url), Money(), tmp_path, pace=PACE)
        waiting = [asyncio.create_task(backend.complete(request(i))) for i in range(3)]
        while not server.calls["GET /batches/id"]:
            await asyncio.sleep(0.01)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        await backend.close()
        with pytest.raises(TeacherStopped):
            await backend.complete(request(1))
        return backend.describe()

    described = asyncio.run(interrupted())
    assert "Run the same again" in described["note"]
    assert "Run the same again" in caplog.text
    assert described["out"][0]["batch"] == "batch_0"
    server.states = lambda n: ("validating", "completed")
    assert [c.text for c in asked(server, tmp_path, 5)] == texts(5)
    assert set(server.billed.values()) == {1}
    assert len(server.batches) == 2  # the two that were new made one of their own


def test_results_that_nobody_asks_for_are_kept_until_somebody_does(server: BatchServer, tmp_path: Path) -> None:
    class Killed(Exception):
        pass

    async def first() -> None:
        backend = BatchBackend("writer", endpoint(server.url), Money(), tmp_path, pace=PACE)
        await asyncio.gather(*[backend.complete(request(i)) for i in range(4)])
        assert backend._runner is not None
        backend._runner.cancel()
        await backend._remote.close()  # as if killed: nothing is tidied up

    asyncio.run(first())
    assert [c.text for c in asked(server, tmp_path, 2)] == texts(2)
    money = Money()
    assert [c.text for c in asked(server, tmp_path, 4, money)] == texts(4)
    assert (len(server.batches), set(server.billed.values())) == (1, {1})
    assert money.spent == pytest.approx(0.5)
    asked(server, tmp_path, 4)  # taken, and the run had ended well: whoever asks again wants new ones
    assert len(server.batches) == 2


def test_a_batch_that_is_gone_is_asked_again(server: BatchServer, tmp_path: Path) -> None:
    server.states = lambda n: ("validating", "completed")
    server.at = lambda moment: (
        server.batches[0].update(_gone=True) if moment == "POST /batches after" and len(server.batches) == 1 else None
    )
    assert [c.text for c in asked(server, tmp_path, 3)] == texts(3)
    assert len(server.batches) == 2


def test_a_reply_with_half_a_surrogate_pair_or_a_nul_was_paid_for_and_is_taken(
    server: BatchServer, tmp_path: Path
) -> None:
    def answer(line: dict[str, Any], n_before: int) -> Any:
        return json.dumps(result(line, completion("甲\ud800乙\x00"))).encode()

    server.answer = answer
    found = asked(server, tmp_path, 1)[0]
    assert found.text.startswith("甲")
    assert found.text.encode()
    assert sum(server.billed.values()) == 1


def test_a_torn_line_in_the_log_is_passed_over(server: BatchServer, tmp_path: Path) -> None:
    (tmp_path / "batches.jsonl").write_bytes(b'{"name": "pedcorpus-1", "endpoint": "x", "st')
    assert [c.text for c in asked(server, tmp_path, 2)] == texts(2)
    lines = (tmp_path / "batches.jsonl").read_bytes().splitlines()
    assert all(json.loads(line) for line in lines[1:])


def test_terms_are_those_of_the_host() -> None:
    assert terms_of("https://open.bigmodel.cn/api/paas/v4").url == "/v4/chat/completions"
    assert terms_of("https://dashscope.aliyuncs.com/compatible-mode/v1").line_bytes == 1_000_000
    assert terms_of("https://notaliyuncs.com/v1") == terms_of("") == BatchTerms()


MOMENTS = [
    "POST /files before",
    "POST /files after",
    "POST /batches before",
    "POST /batches after",
    "GET /batches/id before",
    "GET /batches/id after",
    "GET /files/content before",
    "GET /files/content after",
]


@pytest.mark.parametrize("moment", MOMENTS)
def test_killed_at_any_moment_nothing_is_bought_twice(server: BatchServer, tmp_path: Path, moment: str) -> None:
    command = [sys.executable, "-m", "tests.pipelines.llm.batch_run", server.url, str(tmp_path), "7"]
    child: list[subprocess.Popen[bytes]] = []
    killed: list[int] = []

    def kill(now: str) -> None:
        if now == moment and not killed:
            killed.append(child[0].pid)
            os.kill(child[0].pid, signal.SIGKILL)

    server.at = kill
    child.append(subprocess.Popen(command, cwd=ROOT))
    assert child[0].wait(60) == -signal.SIGKILL
    assert killed
    assert subprocess.run(command, cwd=ROOT, capture_output=True, check=True, timeout=60).stdout == b"answered\n"
    assert len(server.batches) == 1
    assert server.billed == {f"{i:032x}": 1 for i in range(7)}


def test_killed_at_every_moment_in_a_row_nothing_is_bought_twice(server: BatchServer, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.pipelines.llm.batch_run", server.url, str(tmp_path), "9", "4"]
    child: list[subprocess.Popen[bytes]] = []
    left = [m for m in MOMENTS for _ in range(2)]
    server.states = lambda n: ("validating", "in_progress", "expired" if n == 1 else "completed")
    server.answer = lambda line, n: answered(line, n) if n or int(line["custom_id"], 16) % 3 else None

    def kill(now: str) -> None:
        if left and now == left[0]:
            left.pop(0)
            os.kill(child[-1].pid, signal.SIGKILL)

    server.at = kill
    for _ in range(60):
        child.append(subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE))
        said, _ = child[-1].communicate(timeout=60)
        if child[-1].returncode == 0:
            break
        assert child[-1].returncode == -signal.SIGKILL
    assert said == b"answered\n"
    assert server.billed == {f"{i:032x}": 1 for i in range(9)}
