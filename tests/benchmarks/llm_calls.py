"""Calls per second and CPU per call of several clients against one server, in one run.

    python -m tests.benchmarks.llm_calls [CALLS] [IN_FLIGHT ...]

The server answers after 200 ms with the same bytes and has no limit (`tests.llm_server --fixed`, on uvloop where that
is installed); the ideal is what so many calls in flight would get there. Each client runs in a process of its own, one
after the other. Those: the `openai` SDK as it comes, on its aiohttp backend, bare aiohttp (a session and a loop of
`post`), ours: the transport alone, and the whole client with ledger, validation and accounting.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

LATENCY_S = 0.2
CLIENTS = ("bare aiohttp", "openai", "openai on aiohttp", "ours, transport", "ours, whole")
_TEXT = "患儿，男，4岁，反复咳嗽10天，夜间明显，无发热。查体：咽部轻度充血，双肺呼吸音稍粗，心腹无异常。" * 4

Call = Callable[[int], Awaitable[None]]


def messages(number: int) -> list[dict[str, str]]:
    """Of one call; each is another."""
    return [
        {"role": "system", "content": "你是儿科医生。只根据材料回答，以 JSON 格式返回。"},
        {"role": "user", "content": f"第 {number} 条：{_TEXT}"},
    ]


async def bare_aiohttp(url: str, run: Callable[[Call], Awaitable[dict[str, float]]]) -> dict[str, float]:
    import aiohttp

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def call(number: int) -> None:
            body = {"model": "m", "messages": messages(number)}
            async with session.post(f"{url}/chat/completions", json=body) as response:
                assert (await response.json())["choices"][0]["message"]["content"]

        return await run(call)


async def openai_sdk(url: str, run: Callable[[Call], Awaitable[dict[str, float]]], aiohttp: bool) -> dict[str, float]:
    import openai

    extra: dict[str, Any] = {"http_client": openai.DefaultAioHttpClient()} if aiohttp else {}
    async with openai.AsyncOpenAI(base_url=url, api_key="x", **extra) as client:

        async def call(number: int) -> None:
            made = await client.chat.completions.create(model="m", messages=messages(number))  # type: ignore[arg-type]
            assert made.choices[0].message.content

        return await run(call)


async def transport(url: str, run: Callable[[Call], Awaitable[dict[str, float]]], in_flight: int) -> dict[str, float]:
    from pipelines.llm.settings import Endpoint
    from pipelines.llm.transport import LiveBackend
    from pipelines.llm.wire import Request
    from tests.pipelines.llm.free_meter import FreeMeter

    backend = LiveBackend("writer", Endpoint(model="m", base_url=(url,), max_in_flight=in_flight), FreeMeter())

    async def call(number: int) -> None:
        body = {"model": "m", "messages": messages(number)}
        assert (await backend.complete(Request(str(number), "writer", body, 400, 400))).text

    try:
        return await run(call)
    finally:
        await backend.close()


SCHEMA = {
    "type": "object",
    "properties": {"answer": {"type": "string", "minLength": 1}},
    "required": ["answer"],
    "additionalProperties": False,
}


async def whole(url: str, run: Callable[[Call], Awaitable[dict[str, float]]], in_flight: int) -> dict[str, float]:
    from pipelines.llm.client import LlmClient
    from pipelines.llm.exchange import Ask
    from pipelines.llm.settings import Endpoint, LlmSettings

    writer = Endpoint(model="m", base_url=(url,), max_in_flight=in_flight, input_price=1.0, output_price=2.0)
    with tempfile.TemporaryDirectory() as folder:
        async with LlmClient(LlmSettings(writer=writer, budget=1e6), Path(folder)) as client:

            async def call(number: int) -> None:
                reply = await client.ask(Ask("writer", "p", "v", tuple(messages(number)), SCHEMA))
                assert reply.ok, reply

            return await run(call)


async def measured(name: str, url: str, n_calls: int, in_flight: int) -> dict[str, float]:
    """Calls per second and milliseconds of CPU per call, after one call to warm up."""

    async def run(call: Call) -> dict[str, float]:
        numbers = iter(range(1, n_calls + 1))

        async def worker() -> None:
            for number in numbers:
                await call(number)

        await call(0)
        began, cpu = time.perf_counter(), _cpu_s()
        await asyncio.gather(*(worker() for _ in range(in_flight)))
        seconds = time.perf_counter() - began
        return {"calls_per_s": n_calls / seconds, "cpu_ms": (_cpu_s() - cpu) / n_calls * 1_000}

    if name == "bare aiohttp":
        return await bare_aiohttp(url, run)
    if name.startswith("ours"):
        return await (transport if name == "ours, transport" else whole)(url, run, in_flight)
    return await openai_sdk(url, run, aiohttp="aiohttp" in name)


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def served() -> tuple[subprocess.Popen[bytes], str]:
    """A server in a process of its own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, "-m", "tests.llm_server", str(port), "--latency", str(LATENCY_S), "--fixed"]
    )
    while server.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return server, f"http://127.0.0.1:{port}/v1"
        time.sleep(0.05)
    raise RuntimeError("the server did not start")


def main(n_calls: int = 2_000, *in_flight: int) -> None:
    """Prints a table: share of the ideal, calls per second, CPU per call."""
    server, url = served()
    try:
        for many in in_flight or (256, 1_024):
            print(f"{many} in flight, {n_calls} calls; ideal {many / LATENCY_S:,.0f} calls/s")
            for name in CLIENTS:
                command = [sys.executable, "-m", "tests.benchmarks.llm_calls", "--one", name, url, n_calls, many]
                found = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, check=False, text=True)
                if found.returncode:
                    print(f"  {name:<20} did not run")
                    continue
                made = json.loads(found.stdout.splitlines()[-1])
                share = made["calls_per_s"] / (many / LATENCY_S)
                print(f"  {name:<20} {share:6.2f} {made['calls_per_s']:>9,.0f} calls/s {made['cpu_ms']:>7.3f} ms CPU")
    finally:
        server.terminate()
        server.wait()


if __name__ == "__main__":
    for variable in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        os.environ.pop(variable, None)
    if sys.argv[1:2] == ["--one"]:
        print(json.dumps(asyncio.run(measured(sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5])))))
    else:
        main(*map(int, sys.argv[1:]))
