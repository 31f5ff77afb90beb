"""Calls against a server that goes wrong: each ends once, its money is settled once, and nothing is asked too often."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import traceback
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from pipelines.llm.settings import Endpoint
from pipelines.llm.transport import LiveBackend, Timing
from pipelines.llm.wire import Completion, EndpointDown, EndpointRefused, Request
from tests.llm_server import LlmServer
from tests.pipelines.llm.free_meter import FreeMeter

QUICK = Timing(first_backoff_s=0.005, longest_backoff_s=0.05, first_probe_s=0.02)
KEY = "sk-CanaryKeyThatNobodyMayEverSee/+=09"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("TEST_KEY", KEY)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)


@pytest.fixture(scope="module")
def shared() -> Iterator[LlmServer]:
    with LlmServer() as server:
        yield server


@pytest.fixture
def server(shared: LlmServer) -> LlmServer:
    """One server for all tests, as new for each."""
    shared.control({"latency_s": 0.0, "in_flight_limit": None, "requests_per_minute": None, "workers": None})
    shared.control({"keys": None, "always": None, "content": None, "reset_stats": True})
    shared.fail_for(0.0)
    shared._plan.clear()
    return shared


def request(number: int, **body: Any) -> Request:
    said = [{"role": "user", "content": f"第 {number} 问"}]
    return Request(f"{number:032x}", "writer", {"model": "m", "messages": said, **body}, 100, 200)


@asynccontextmanager
async def opened(*servers: LlmServer, **settings: Any) -> AsyncIterator[tuple[LiveBackend, FreeMeter]]:
    """A backend whose money must be even in the end."""
    urls = tuple(server.base_url for server in servers)
    given = {"model": "m", "base_url": urls, "api_key_env": "TEST_KEY", "timeout_s": 5.0, **settings}
    meter = FreeMeter()
    backend = LiveBackend("writer", Endpoint(**given), meter, QUICK)
    try:
        yield backend, meter
    finally:
        await backend.close()
    assert meter.open == 0


def ask(server: LlmServer, *kinds: str, **settings: Any) -> tuple[Completion, FreeMeter]:
    """One call that meets these faults."""

    async def run() -> tuple[Completion, FreeMeter]:
        async with opened(server, **settings) as (backend, meter):
            return await backend.complete(request(1)), meter

    server.plan(*kinds)
    return asyncio.run(run())


# one call


PASSING = [
    "408", "409", "429", "500", "502", "503", "504", "529", "429 retry-after=0.05", "429 ms=40", "429 reset=30ms",
    "429 date=0", "reset", "reset-middle", "malformed", "html", "html status=502", "error-200", "no-choices",
    "empty-body", "nested", "huge", "echo",
]  # fmt: skip


@pytest.mark.parametrize("kind", PASSING)
def test_a_passing_fault_is_got_over(server: LlmServer, kind: str) -> None:
    made, meter = ask(server, kind)
    assert (made.failure, made.n_attempts, made.status) == ("", 2, 200)
    assert made.text.startswith("这是对请求")
    assert len(meter.settled) == 2
    billed = server.stats().n_successes == 2  # the fault had cost something too
    assert not billed or meter.settled[0] is not None


@pytest.mark.parametrize(
    ("kind", "failure"),
    [
        ("500", "server_error"),
        ("429", "rate_limited"),
        ("reset", "connection"),
        ("reset-middle", "connection"),
        ("malformed", "malformed_response"),
        ("hang", "timeout"),
        ("drip seconds=0.02", "timeout"),
    ],
)
def test_a_fault_that_stays_ends_after_all_attempts(server: LlmServer, kind: str, failure: str) -> None:
    made, meter = ask(server, *[kind] * 3, max_attempts=3, timeout_s=0.15)
    assert (made.failure, made.n_attempts) == (failure, 3)
    assert server.stats().n_requests == len(meter.settled) == 3


@pytest.mark.parametrize(
    ("kind", "failure"),
    [("400", "bad_request"), ("422", "bad_request"), ("413", "context_overflow"), ("context", "context_overflow"),
     ("filter", "content_filter"), ("unsupported param=seed", "bad_request")],
)  # fmt: skip
def test_what_would_be_the_same_again_is_asked_once(server: LlmServer, kind: str, failure: str) -> None:
    made, meter = ask(server, kind)
    assert (made.failure, made.n_attempts, meter.settled) == (failure, 1, [None])
    assert made.detail


@pytest.mark.parametrize(
    ("kind", "text", "finish", "refusal"),
    [
        ("empty", "", "stop", ""),
        ("null", "", "stop", ""),
        ("refusal", "", "stop", "抱歉，我不能回答这个问题。"),
        ("cut-by-filter", "", "content_filter", ""),
        ("parts", "这是对请求", "stop", ""),
        ("nan", "这是对请求", "stop", ""),
        ("bytes", "这是对请求", "stop", ""),
        ("surrogate", "这是对请求", "stop", ""),
        ("large", "这是对请求", "stop", ""),
        ("truncated", "这是对", "length", ""),
    ],
)
def test_strange_completions_are_completions(
    server: LlmServer, kind: str, text: str, finish: str, refusal: str
) -> None:
    made, _ = ask(server, kind)
    assert (made.failure, made.n_attempts) == ("", 1)
    assert made.text.startswith(text)
    assert bool(made.text) == bool(text)
    assert (made.finish_reason, made.refusal) == (finish, refusal)
    made.text.encode()


def test_usage_is_handed_on_and_nonsense_is_not(server: LlmServer) -> None:
    made, _ = ask(server, "ok")
    assert made.input_tokens > 0
    assert made.output_tokens > 0
    made, _ = ask(server, "usage")
    assert (made.failure, made.input_tokens, made.output_tokens) == ("", -1, -1)


@pytest.mark.parametrize("kind", ["401", "402", "403", "404", "429 code=insufficient_quota", "307 location=http://a/"])
def test_what_no_call_survives_stops_all_of_them_at_once(server: LlmServer, kind: str) -> None:
    async def run() -> None:
        async with opened(server, max_in_flight=4) as (backend, _):
            calls = [backend.complete(request(n)) for n in range(200)]
            ends = await asyncio.wait_for(asyncio.gather(*calls, return_exceptions=True), 10)
            assert all(isinstance(end, EndpointRefused) for end in ends)
            shown = "".join(traceback.format_exception(ends[-1])) + str(ends[0])  # type: ignore[arg-type]
            assert "llm.writer" in shown
            assert KEY not in shown
            with pytest.raises(EndpointRefused):
                await backend.complete(request(1_000))

    server.always = kind
    asyncio.run(run())
    assert server.stats().n_requests <= 4


def test_a_body_that_is_no_json_is_not_sent(server: LlmServer) -> None:
    async def run() -> Completion:
        async with opened(server) as (backend, _):
            return await backend.complete(request(1, x="\ud800"))

    made = asyncio.run(run())
    assert (made.failure, made.n_attempts) == ("bad_request", 0)
    assert server.stats().n_requests == 0


# the key


def test_a_key_that_the_server_sends_back_is_seen_nowhere(server: LlmServer) -> None:
    async def run(kind: str) -> str:
        async with opened(server, max_attempts=1) as (backend, _):
            server.plan(kind)
            try:
                made: object = await backend.complete(request(1))
            except EndpointRefused as refused:
                made = "".join(traceback.format_exception(refused))
            return f"{made} {made!r} {backend!r} {backend.describe()} {backend._rotation.lanes}"

    for kind in ("echo", "echo status=400", "echo status=401"):
        seen = asyncio.run(run(kind))
        assert KEY not in seen
        assert "[key]" in seen
    assert server.headers[-1]["authorization"] == f"Bearer {KEY}"
    assert not [name for name in server.headers[-1] if "stainless" in name]


def test_a_model_that_says_the_key_does_not_bring_it_in(server: LlmServer) -> None:
    server.content = lambda body: f"Der Schlüssel ist {KEY}."
    made, _ = ask(server, "ok")
    assert made.text == "Der Schlüssel ist [key]."


# many calls


def test_among_many_faults_every_call_ends_once_and_attempts_are_bounded(server: LlmServer) -> None:
    kinds = ["ok", "500", "ok", "429", "reset", "ok", "malformed", "ok", "503", "context", "reset-middle", "ok", "ok"]
    server.plan(*kinds, times=20)

    async def run() -> None:
        async with opened(server, max_in_flight=16, max_attempts=5) as (backend, meter):
            ends = await asyncio.wait_for(asyncio.gather(*(backend.complete(request(n)) for n in range(150))), 30)
            assert len(ends) == 150
            assert all(end.n_attempts <= 5 + 3 for end in ends)
            assert sum(end.n_attempts for end in ends) == server.stats().n_requests == len(meter.settled)
            assert sum(1 for end in ends if not end.failure) > 100
            assert server.stats().n_distinct <= 150

    asyncio.run(run())
    assert server.stats().peak_in_flight <= 16


def test_never_more_in_flight_than_allowed(server: LlmServer) -> None:
    server.latency_s = 0.005

    async def run() -> None:
        async with opened(server, max_in_flight=7) as (backend, _):
            await asyncio.gather(*(backend.complete(request(n)) for n in range(100)))

    asyncio.run(run())
    assert server.stats().peak_in_flight == 7


def test_the_limit_of_a_server_costs_no_call_its_attempts(server: LlmServer) -> None:
    server.latency_s, server.in_flight_limit = 0.03, 10

    async def run() -> list[Completion]:
        async with opened(server, max_in_flight=128) as (backend, _):
            return await asyncio.wait_for(asyncio.gather(*(backend.complete(request(n)) for n in range(300))), 20)

    ends = asyncio.run(run())
    assert all(not end.failure and end.n_attempts <= 4 for end in ends)
    assert server.stats().n_refused < 200


def test_a_server_that_asks_for_a_pause_gets_it_from_all(server: LlmServer) -> None:
    server.latency_s = 0.001

    async def run() -> None:
        async with opened(server, max_in_flight=1) as (backend, _):
            await backend.complete(request(0))
            server.plan("429 retry-after=0.3")
            await asyncio.gather(*(backend.complete(request(n)) for n in range(1, 6)))

    asyncio.run(run())
    times = list(server.arrivals)
    assert times[2] - times[1] >= 0.29
    assert len(times) == 7


def test_requests_per_minute_are_kept(server: LlmServer) -> None:
    timing = Timing(minute_s=0.5)

    async def run() -> None:
        endpoint = Endpoint(model="m", base_url=(server.base_url,), requests_per_minute=40, api_key_env="TEST_KEY")
        backend = LiveBackend("writer", endpoint, FreeMeter(), timing)
        try:
            await asyncio.gather(*(backend.complete(request(n)) for n in range(100)))
        finally:
            await backend.close()

    asyncio.run(run())
    times = list(server.arrivals)
    assert all(later - earlier > 0.45 for earlier, later in zip(times, times[41:], strict=False))


def test_pace_and_a_limit_of_calls_in_flight_go_together(server: LlmServer) -> None:
    server.latency_s, server.in_flight_limit = 0.01, 3

    async def run() -> list[Completion]:
        async with opened(server, max_in_flight=64, requests_per_minute=6_000) as (backend, _):
            return await asyncio.wait_for(asyncio.gather(*(backend.complete(request(n)) for n in range(150))), 20)

    ends = asyncio.run(run())
    assert all(not end.failure for end in ends)
    assert server.stats().n_refused < 120


def test_a_queue_that_runs_into_timeouts_is_fed_less(server: LlmServer) -> None:
    server.latency_s, server.workers = 0.02, 2

    async def run() -> list[Completion]:
        async with opened(server, max_in_flight=64, timeout_s=0.3, max_attempts=8) as (backend, _):
            ends = await asyncio.wait_for(asyncio.gather(*(backend.complete(request(n)) for n in range(120))), 20)
            assert backend.describe()["urls"][0]["in_flight_limit"] < 32
            return ends

    assert all(not end.failure for end in asyncio.run(run()))
    assert server.stats().n_abandoned < 90


# outages


def test_an_outage_is_waited_out_without_using_up_attempts(server: LlmServer) -> None:
    async def run() -> list[Completion]:
        async with opened(server, max_in_flight=8, max_attempts=3) as (backend, _):
            await backend.complete(request(0))
            server.reset_stats()
            server.fail_for(0.6, "500")
            ends = await asyncio.wait_for(asyncio.gather(*(backend.complete(request(n)) for n in range(100))), 20)
            assert backend.describe()["urls"][0]["n_outages"] == 1
            return ends

    ends = asyncio.run(run())
    assert all(not end.failure for end in ends)
    assert server.stats().n_refused < 40  # where a flood would have been 300


@pytest.mark.parametrize("kind", ["500", "reset", "429", "html"])
def test_an_endpoint_that_stays_silent_ends_the_run(server: LlmServer, kind: str) -> None:
    server.always = kind

    async def run() -> list[Any]:
        async with opened(server, max_in_flight=8, max_outage_s=0.4) as (backend, _):
            calls = asyncio.gather(*(backend.complete(request(n)) for n in range(100)), return_exceptions=True)
            return await asyncio.wait_for(calls, 10)

    ends = asyncio.run(run())
    down = [end for end in ends if isinstance(end, EndpointDown)]
    assert len(down) > 80
    assert all(isinstance(end, EndpointDown) or end.failure for end in ends)
    assert ("base_url" if kind == "reset" else "max_outage_s") in str(down[0])
    assert server.base_url in str(down[0])


def test_nobody_there_at_all_ends_the_run(server: LlmServer) -> None:
    async def run() -> list[Any]:
        endpoint = Endpoint(model="m", base_url=("http://127.0.0.1:9/v1",), max_outage_s=300, max_in_flight=4)
        meter = FreeMeter()
        backend = LiveBackend("writer", endpoint, meter, replace(QUICK, unheard_s=0.3))
        ends = await asyncio.gather(*(backend.complete(request(n)) for n in range(20)), return_exceptions=True)
        await backend.close()
        assert set(meter.settled) == {None}  # what was never sent was never billed
        return ends

    down = [str(end) for end in asyncio.run(run()) if isinstance(end, EndpointDown)]
    assert down
    assert all("correct `base_url:`" in words for words in down)


def test_of_two_servers_a_dead_one_leaves_the_rotation_and_comes_back(server: LlmServer) -> None:
    async def run() -> None:
        with LlmServer() as other:
            async with opened(server, other, max_in_flight=8, max_attempts=4) as (backend, _):
                await asyncio.gather(*(backend.complete(request(n)) for n in range(40)))
                assert min(server.stats().n_successes, other.stats().n_successes) > 5  # the load is shared
                other.fail_for(0.5, "503")
                ends = await asyncio.gather(*(backend.complete(request(n)) for n in range(300)))
                assert all(not end.failure for end in ends)
                assert other.stats().n_refused < 60
                await asyncio.sleep(0.5)
                before = other.stats().n_successes
                for turn in range(5):
                    await asyncio.gather(*(backend.complete(request(1_000 * turn + n)) for n in range(40)))
                    await asyncio.sleep(0.1)
                assert other.stats().n_successes > before

    asyncio.run(run())


FEW_FILES = """
import asyncio, resource, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (160, 200))
from pipelines.llm.settings import Endpoint
from pipelines.llm.transport import LiveBackend
from tests.pipelines.llm.free_meter import FreeMeter
from tests.pipelines.llm.test_transport import request

async def run():
    backend = LiveBackend("writer", Endpoint(model="m", base_url=(sys.argv[1],), max_in_flight=1000), FreeMeter())
    ends = await asyncio.gather(*(backend.complete(request(n)) for n in range(400)))
    await backend.close()
    assert all(end.n_attempts == 1 and not end.failure for end in ends)

asyncio.run(run())
"""


def test_there_are_no_more_connections_than_the_process_may_open(server: LlmServer) -> None:
    server.latency_s = 0.05
    subprocess.run([sys.executable, "-c", FEW_FILES, server.base_url], check=True, timeout=30)
    assert 40 <= server.stats().peak_in_flight <= 72


# ends


def test_a_cancelled_call_is_settled_and_leaves_its_place(server: LlmServer) -> None:
    server.latency_s = 0.2

    async def run() -> None:
        async with opened(server, max_in_flight=2) as (backend, meter):
            calls = [asyncio.create_task(backend.complete(request(n))) for n in range(6)]
            await asyncio.sleep(0.1)
            for call in calls[:4]:
                call.cancel()
            ends = await asyncio.gather(*calls, return_exceptions=True)
            assert [isinstance(end, asyncio.CancelledError) for end in ends] == [True] * 4 + [False] * 2
            sent = [end for end in meter.settled if end is not None]
            assert len(sent) == 4  # two that were in flight may have been billed; two that waited were never sent
            assert backend._rotation.lanes[0].limit.in_flight == 0

    asyncio.run(run())


def test_closing_tells_those_who_wait(server: LlmServer) -> None:
    server.always = "hang"

    async def run() -> None:
        async with opened(server, max_in_flight=2, max_attempts=1) as (backend, _):
            calls = [asyncio.create_task(backend.complete(request(n))) for n in range(6)]
            await asyncio.sleep(0.1)
            await backend.close()
            ends = await asyncio.wait_for(asyncio.gather(*calls, return_exceptions=True), 5)
            assert all(isinstance(end, Exception) or end.failure for end in ends)

    asyncio.run(run())


def test_a_backend_that_was_never_asked_needs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TEST_KEY")
    backend = LiveBackend("writer", Endpoint(model="m", api_key_env="TEST_KEY"), FreeMeter())
    assert backend.describe()["urls"] == []
    asyncio.run(backend.close())
