"""A local checkpoint: its name, and a server that is there while it is needed and never longer."""

from __future__ import annotations

import asyncio
import json
import os
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

from pipelines.llm import checkpoint
from pipelines.llm.checkpoint import checkpoint_model, serve, served
from pipelines.llm.settings import Endpoint
from pipelines.llm.wire import EndpointDown, EndpointRefused
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
from pipelines.llm import checkpoint
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


def test_a_block_that_the_servers_death_ends_says_so(folder: Path, tmp_path: Path, fake_command: None) -> None:
    async def run() -> None:
        async with serve(folder, tmp_path) as url:
            os.kill((await asyncio.to_thread(told, url))["pid"], signal.SIGKILL)
            await asyncio.sleep(0.2)
            raise EndpointDown("nobody answers")

    with pytest.raises(EndpointDown, match="ended with code"):
        asyncio.run(run())


def test_a_block_cancelled_while_the_model_loads_leaves_no_server(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeper = tmp_path / "keeper.py"
    keeper.write_text("import os, time\nprint(os.getpid(), flush=True)\ntime.sleep(60)\n")
    monkeypatch.setattr(checkpoint, "KEEPER", keeper)
    monkeypatch.setattr(checkpoint, "END_S", 0.1)  # it does not look at its pipe
    logs = tmp_path / "logs"

    async def enter() -> None:
        async with serve(folder, logs):
            raise AssertionError

    async def run() -> int:
        task = asyncio.create_task(enter())
        while not (text := "".join(path.read_text() for path in logs.glob("*.log"))).endswith("\n"):
            await asyncio.sleep(0.02)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return int(text)

    assert gone(asyncio.run(run()))
