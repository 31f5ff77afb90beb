"""A local checkpoint: its name, and a server that is there while it is needed and never longer."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import struct
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from pipelines.llm import checkpoint_server as checkpoint
from pipelines.llm.checkpoint import CheckpointBackend, checkpoint_model, serve, served
from pipelines.llm.settings import Endpoint
from pipelines.llm.wire import Backend, Completion, EndpointDown, EndpointRefused, Meter, Request
from schemas.errors import ConfigError

ROOT = Path(__file__).parents[3]


def weights(path: Path, data: bytes) -> None:
    header = json.dumps({"w": {"dtype": "U8", "shape": [len(data)], "data_offsets": [0, len(data)]}}).encode()
    path.write_bytes(struct.pack("<Q", len(header)) + header + data)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Looks like a model; nothing loads it."""
    made = tmp_path / "小模型 v1"
    made.mkdir()
    (made / "config.json").write_text('{"model_type": "qwen2", "max_position_embeddings": 4096}')
    (made / "tokenizer.json").write_text("{}")
    weights(made / "model.safetensors", bytes(1_000))
    return made


def test_a_name_stands_for_weights_tokenizer_and_template_and_nothing_else(folder: Path) -> None:
    name = checkpoint_model(folder)
    assert name == checkpoint_model(folder)
    assert name.startswith("_v1-")
    (folder / "README.md").write_text("…")
    (folder / "optimizer.pt").write_bytes(b"...")
    assert checkpoint_model(folder) == name
    names = {name}
    weights(folder / "model.safetensors", bytes(999) + b"\1")
    names.add(checkpoint_model(folder))
    (folder / "chat_template.jinja").write_text("{{ messages }}")
    names.add(checkpoint_model(folder))
    (folder / "tokenizer.json").write_text("{ }")
    names.add(checkpoint_model(folder))
    assert len(names) == 4


def test_large_weights_are_sampled_all_over(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoint, "WHOLE_BYTES", 1_000)
    monkeypatch.setattr(checkpoint, "BLOCK_BYTES", 100)
    monkeypatch.setattr(checkpoint, "N_BLOCKS", 11)
    data = bytearray(100_000)
    weights(folder / "model.safetensors", bytes(data))
    name = checkpoint_model(folder)
    for at in (0, 50_000, 99_999):
        changed = bytearray(data)
        changed[at] = 1
        weights(folder / "model.safetensors", bytes(changed))
        assert checkpoint_model(folder) != name, at


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (None, "is no folder"),
        ({}, "holds no model"),
        ({"adapter_config.json": "{}"}, "adapter only"),
        ({"config.json": "[" * 100_000}, "cannot be read"),
        ({"config.json": '{"a": 1}'}, "model_type"),
        ({"config.json": '{"model_type": "qwen2"}', "pytorch_model.bin": ""}, "safetensors"),
    ],
)
def test_what_is_no_model_is_said_in_a_sentence(tmp_path: Path, names: Mapping[str, str] | None, words: str) -> None:
    folder = tmp_path / "model"
    if names is not None:
        folder.mkdir()
        for name, text in names.items():
            (folder / name).write_text(text)
    with pytest.raises(ConfigError, match=words):
        checkpoint_model(folder)


def test_missing_libraries_are_named_with_the_command_that_installs_them(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoint, "NEEDED", ("torch", "no_such_library"))

    async def enter() -> None:
        async with serve(folder, tmp_path):
            raise AssertionError

    with pytest.raises(EndpointRefused, match=r"needs no_such_library.*pip install 'pedcorpus\[serve\]'"):
        asyncio.run(enter())


def test_a_server_that_dies_says_so_with_the_end_of_its_log(folder: Path, tmp_path: Path) -> None:
    async def enter() -> None:
        async with serve(folder, tmp_path / "logs"):
            raise AssertionError

    with pytest.raises(EndpointDown, match=r"ended with code (.|\n)*Error"):
        asyncio.run(enter())


def test_what_the_server_cannot_do_is_not_asked_of_it(folder: Path) -> None:
    made = served(Endpoint(checkpoint=str(folder), api_key_env="MY_KEY", model="mine"), "http://127.0.0.1:1/v1")
    assert (made.structured, made.max_tokens_field, made.context_tokens) == ("prompt", "max_tokens", 4096)
    assert made.api_key_env != "MY_KEY"
    assert made.model == checkpoint_model(folder)
    assert made.max_in_flight <= 2


FAKE = """
import http.server, json, os, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = json.dumps({"pid": os.getpid(), "env": dict(os.environ), "argv": sys.argv}).encode()
        self.send_response(200); self.send_header("Content-Length", str(len(body))); self.end_headers()
        self.wfile.write(body)
http.server.HTTPServer(("127.0.0.1", int(sys.argv[sys.argv.index("--port") + 1])), Handler).serve_forever()
"""


@pytest.fixture
def fake_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In place of `transformers`, something that starts at once."""
    keeper = tmp_path / "checkpoint_keeper.py"
    ours = Path(checkpoint.__file__).with_name("checkpoint_keeper.py").read_text()
    keeper.write_text(ours.replace("    command.load()()", f"    exec({FAKE!r}, {{}})"))
    monkeypatch.setattr(checkpoint, "KEEPER", keeper)


def told(url: str) -> dict[str, Any]:
    with urllib.request.urlopen(url.removesuffix("/v1") + "/health", timeout=5) as answer:
        return dict(json.loads(answer.read()))


def gone(pid: int) -> bool:
    for _ in range(200):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        if Path(f"/proc/{pid}/stat").exists() and Path(f"/proc/{pid}/stat").read_text().split(") ")[1][0] == "Z":
            return True
        time.sleep(0.05)
    return False


def test_no_key_reaches_the_server_and_nothing_is_fetched(
    folder: Path, tmp_path: Path, fake_command: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEEPSEEK_API_KEY", "sk-canary")
    monkeypatch.setenv("HF_TOKEN", "hf-canary")

    async def look() -> dict[str, Any]:
        async with serve(folder, tmp_path) as url:
            return await asyncio.to_thread(told, url)

    found = asyncio.run(look())
    assert "canary" not in json.dumps(found["env"])
    assert found["env"]["HF_HUB_OFFLINE"] == "1"
    assert "--no-trust-remote-code" in found["argv"]
    assert found["argv"][2] == checkpoint_model(folder)
    assert gone(found["pid"])


def test_the_server_ends_with_an_exception(folder: Path, tmp_path: Path, fake_command: None) -> None:
    pids = []

    async def fail() -> None:
        async with serve(folder, tmp_path) as url:
            pids.append((await asyncio.to_thread(told, url))["pid"])
            raise RuntimeError("of the block")

    with pytest.raises(RuntimeError, match="of the block"):
        asyncio.run(fail())
    assert gone(pids[0])


def test_the_server_ends_with_us_even_by_sigkill(folder: Path, tmp_path: Path, fake_command: None) -> None:
    program = f"""
import asyncio, json, urllib.request
from pathlib import Path
from pipelines.llm import checkpoint_server as checkpoint
checkpoint.KEEPER = Path({str(checkpoint.KEEPER)!r})
async def main():
    async with checkpoint.serve(Path({str(folder)!r}), Path({str(tmp_path)!r})) as url:
        print(url, flush=True)
        await asyncio.sleep(60)
asyncio.run(main())
"""
    child = subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    pid = told(child.stdout.readline().strip())["pid"]
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    child.stdout.close()
    assert gone(pid)


class Answers:
    """In place of the live backend: tells what it was sent, or waits for ever."""

    def __init__(self, role: str, endpoint: Endpoint, meter: Meter) -> None:
        self.endpoint = endpoint

    async def complete(self, request: Request) -> Completion:
        if request.key == "wait":
            await asyncio.sleep(60)
        return Completion(200, text=json.dumps([self.endpoint.base_url[0], request.body["model"]]))

    async def close(self) -> None: ...

    def describe(self) -> dict[str, Any]:
        return {}


class NoMeter:
    def reserve(self, request: Request) -> float:
        return 0.0

    async def reserved(self, request: Request) -> float:
        return 0.0

    def settle(self, request: Request, amount: float, completion: Completion | None) -> None: ...


def question(key: str, **more: Any) -> Request:
    return Request(key, "assistant", {"model": "whatever", "messages": [], **more}, 1, 1)


def backend_of(folder: Path, logs: Path) -> CheckpointBackend:
    def live(role: str, endpoint: Endpoint, meter: Meter) -> Backend:
        return Answers(role, endpoint, meter)

    return CheckpointBackend("assistant", Endpoint(checkpoint=str(folder)), NoMeter(), logs, live=live)


def test_one_server_answers_all_and_is_asked_for_its_own_model(
    folder: Path, tmp_path: Path, fake_command: None
) -> None:
    async def run() -> tuple[list[Completion], int]:
        backend = backend_of(folder, tmp_path)
        found = await asyncio.gather(*[backend.complete(question(str(i))) for i in range(5)])
        pid = (await asyncio.to_thread(told, json.loads(found[0].text)[0]))["pid"]
        await backend.close()
        return found, pid

    found, pid = asyncio.run(run())
    assert len({c.text for c in found}) == 1
    assert json.loads(found[0].text)[1] == checkpoint_model(folder)
    assert gone(pid)


def test_structured_replies_are_refused_before_a_server_is_needed(folder: Path, tmp_path: Path) -> None:
    async def run() -> Completion:
        backend = backend_of(folder, tmp_path)
        try:
            return await backend.complete(question("1", response_format={"type": "json_object"}))
        finally:
            await backend.close()

    found = asyncio.run(run())
    assert (found.status, found.failure) == (400, "bad_request")
    assert "response_format" in found.detail


def test_who_waits_for_a_server_that_dies_is_told_at_once(folder: Path, tmp_path: Path, fake_command: None) -> None:
    async def run() -> None:
        backend = backend_of(folder, tmp_path)
        try:
            first = await backend.complete(question("1"))
            waiting = asyncio.create_task(backend.complete(question("wait")))
            await asyncio.sleep(0)
            os.kill((await asyncio.to_thread(told, json.loads(first.text)[0]))["pid"], signal.SIGKILL)
            await asyncio.wait_for(waiting, 20)
        finally:
            await backend.close()

    with pytest.raises(EndpointDown, match="ended with code"):
        asyncio.run(run())


def test_closing_while_the_model_loads_ends_the_server(folder: Path, tmp_path: Path, fake_command: None) -> None:
    shutil.rmtree(tmp_path / "logs", ignore_errors=True)

    async def run() -> None:
        backend = backend_of(folder, tmp_path / "logs")
        waiting = asyncio.create_task(backend.complete(question("1")))
        while not (tmp_path / "logs").exists():
            await asyncio.sleep(0.01)
        waiting.cancel()
        await backend.close()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    asyncio.run(run())
