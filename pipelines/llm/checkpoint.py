"""A model in a folder on this machine: what it is called in the ledger, and its being served while we ask.

`transformers serve` is for smoke tests and for the weaker model of preferences: it answers one request at a time, and
takes no notice of `response_format` or of the model's window (`served` sees to both). For hours of work start vLLM on
the same folder and give its URL.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import importlib.util
import json
import os
import re
import signal
import socket
import struct
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO, Final

import aiohttp

from pipelines.llm.settings import Endpoint
from pipelines.llm.wire import EndpointDown, EndpointRefused
from schemas.errors import ConfigError

NEEDED: Final = ("torch", "transformers", "fastapi", "uvicorn")
KEEPER: Final = Path(__file__).with_name("checkpoint_keeper.py")
READY_S: Final = 900.0
"""How long a server may take to load its model."""
END_S: Final = 5.0
"""How long it may take to end before it is killed."""
LOG_LINES: Final = 12
"""Of a dead server's log, in the message."""
MAX_IN_FLIGHT: Final = 2
"""One that is answered, and one that is ready for when that is done."""
MAX_OUTAGE_S: Final = 30.0
"""A server of our own that answers nothing for so long is dead; nobody will start it again."""
WHOLE_BYTES: Final = 64 << 20
BLOCK_BYTES, N_BLOCKS = 1 << 16, 256
MAX_HEADER_BYTES: Final = 100_000_000
"""Of a safetensors file; the format's own limit."""

_READ_WHOLE: Final = {".json", ".jinja", ".model", ".txt", ".tiktoken"}
_NOT_THE_MODEL: Final = {"readme.txt", "license.txt", "trainer_state.json", "all_results.json", "train_results.json"}
_SECRET: Final = re.compile(r"KEY|TOKEN|SECRET|PASSW|CREDENTIAL", re.IGNORECASE)


def checkpoint_model(folder: Path) -> str:
    """The name of the model in a folder: the folder's, and a hash of what decides its replies.

    The hash covers configuration, tokenizer and chat template whole; of weights up to 64 MiB every byte, of larger
    files the size, the safetensors header (name, type, shape and place of each tensor) and 256 blocks of 64 KiB spread
    over the file.

    Does not cover: weights that differ only between those blocks. Training moves nearly every number, so that no
    checkpoint of a run is taken for another; a few numbers patched by hand may be missed.

    Cost: 17 MB of reading a file of weights.

    Raises:
        ConfigError: there is no model in the folder that could be served.
    """
    _looked_at(folder)
    digest = hashlib.blake2b(digest_size=6)
    for path in sorted(folder.iterdir(), key=lambda p: p.name):
        if not path.is_file() or path.name.lower() in _NOT_THE_MODEL:
            continue
        if path.suffix == ".safetensors":
            pieces: Iterator[bytes] = _sampled(path)
        elif path.suffix in _READ_WHOLE:
            pieces = iter([path.read_bytes()])
        else:
            continue
        digest.update(f"{path.name}\0{path.stat().st_size}\0".encode("utf-8", "surrogateescape"))
        for piece in pieces:
            digest.update(piece)
    return f"{re.sub(r'[^0-9A-Za-z._-]+', '_', folder.resolve().name)[:60] or 'model'}-{digest.hexdigest()}"


def _sampled(path: Path) -> Iterator[bytes]:
    """The bytes of a file of weights that its hash is taken over."""
    n_bytes = path.stat().st_size
    with path.open("rb") as file:
        if n_bytes <= WHOLE_BYTES:
            while piece := file.read(1 << 20):
                yield piece
            return
        header = _header(file)
        yield header
        begin = len(header)
        for i in range(N_BLOCKS):
            file.seek(begin + (n_bytes - begin - BLOCK_BYTES) * i // (N_BLOCKS - 1))
            yield file.read(BLOCK_BYTES)


def _header(file: BinaryIO) -> bytes:
    (length,) = struct.unpack("<Q", file.read(8))
    return file.read(min(length, MAX_HEADER_BYTES))


def _looked_at(folder: Path) -> dict[str, Any]:
    """The configuration of the model in a folder.

    Raises:
        ConfigError: there is no model in it that could be served.
    """
    if not folder.is_dir():
        raise ConfigError([f"checkpoint: {folder} is no folder. Name the folder that holds the model's config.json."])
    if (folder / "adapter_config.json").exists() and not (folder / "config.json").exists():
        raise ConfigError([f"checkpoint: {folder} holds an adapter only. Merge it into its base model first."])
    try:
        config = json.loads((folder / "config.json").read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ConfigError([f"checkpoint: {folder} holds no model, its config.json cannot be read ({error})."]) from None
    if not isinstance(config, dict) or not isinstance(config.get("model_type"), str):
        raise ConfigError(
            [f"checkpoint: {folder}/config.json names no `model_type`; that is no model's configuration."]
        )
    if not any(folder.glob("*.safetensors")):
        raise ConfigError([f"checkpoint: {folder} holds no *.safetensors. Save the weights in that format."])
    return config


def served(endpoint: Endpoint, base_url: str) -> Endpoint:
    """The endpoint that a served checkpoint is: what `transformers serve` cannot do is not asked of it.

    It takes `response_format` and heeds it not, it goes past the model's window without a word, it comes back from no
    outage, and it would be sent the key of another endpoint.

    Raises:
        ConfigError: there is no model in the folder that could be served.
    """
    folder = Path(endpoint.checkpoint or "")
    window = _looked_at(folder).get("max_position_embeddings")
    return replace(
        endpoint,
        checkpoint=None,
        base_url=(base_url,),
        model=checkpoint_model(folder),
        api_key_env="PEDCORPUS_NO_KEY",
        structured="prompt" if endpoint.structured == "auto" else endpoint.structured,
        max_tokens_field="max_tokens",
        max_in_flight=min(endpoint.max_in_flight, MAX_IN_FLIGHT),
        max_outage_s=min(endpoint.max_outage_s, MAX_OUTAGE_S),
        context_tokens=endpoint.context_tokens or (window if isinstance(window, int) and window >= 256 else None),
    )


@asynccontextmanager
async def serve(folder: Path, log_folder: Path, *, ready_s: float = READY_S) -> AsyncIterator[str]:
    """The model in a folder answers at the URL that this gives, as `checkpoint_model(folder)`, until the end.

    The server ends with the block, with an exception in it, and with this process, however that ends. Nothing is
    fetched, and no code from the folder is run.

    Args:
        folder: Of the model.
        log_folder: Gets the server's log, `serve-<model>.log`.
        ready_s: How long loading may take.

    Raises:
        ConfigError: there is no model in the folder that could be served.
        EndpointRefused: `transformers[serving]` is not installed.
        EndpointDown: the server died, or did not get ready; also instead of the `EndpointDown` of a block that its
            death ended, with the end of its log.
    """
    model = await asyncio.to_thread(checkpoint_model, folder)
    missing = [name for name in NEEDED if not importlib.util.find_spec(name)]
    if missing:
        raise EndpointRefused(
            f"checkpoint: serving {folder} needs {', '.join(missing)}. Install it: pip install 'pedcorpus[serve]'."
        )
    log_folder.mkdir(parents=True, exist_ok=True)
    log = log_folder / f"serve-{model}.log"
    with tempfile.TemporaryDirectory(prefix="pedcorpus-serve-") as shelf:
        (Path(shelf) / model).symlink_to(folder.resolve(), target_is_directory=True)
        process, port = await _started(model, Path(shelf), log)
        try:
            await _ready(process, port, folder, log, ready_s)
            try:
                yield f"http://127.0.0.1:{port}/v1"
            except EndpointDown as error:
                if process.returncode is not None:
                    raise _dead(process, folder, log) from error
                raise
        finally:
            await _ended(process)


async def _started(model: str, shelf: Path, log: Path) -> tuple[asyncio.subprocess.Process, int]:
    """The server's process, a group of its own, which ends when the pipe to it is closed: by us, or by our end."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    environment = {name: value for name, value in os.environ.items() if not _SECRET.search(name)}
    environment |= {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "PYTHONUNBUFFERED": "1"}
    environment |= {"HF_HUB_DISABLE_TELEMETRY": "1", "DO_NOT_TRACK": "1", "TOKENIZERS_PARALLELISM": "false"}
    with log.open("wb") as out:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", str(KEEPER), "serve", model, "--host", "127.0.0.1", "--port", str(port)),
            *("--no-trust-remote-code",),
            cwd=shelf,
            env=environment,
            stdin=asyncio.subprocess.PIPE,
            stdout=out,
            stderr=out,
            start_new_session=True,
        )
    return process, port


async def _ready(process: asyncio.subprocess.Process, port: int, folder: Path, log: Path, ready_s: float) -> None:
    began = time.monotonic()
    limit = aiohttp.ClientTimeout(total=5)
    async with aiohttp.ClientSession(timeout=limit) as session:
        while process.returncode is None:
            with contextlib.suppress(aiohttp.ClientError, TimeoutError):
                async with session.get(f"http://127.0.0.1:{port}/health") as answer:
                    if answer.status == 200 and process.returncode is None:
                        return
            if time.monotonic() - began > ready_s:
                raise EndpointDown(
                    f"checkpoint: the server of {folder} is not ready after {ready_s:g} s. Its log is {log}."
                )
            await asyncio.sleep(0.2)
    raise _dead(process, folder, log)


def _dead(process: asyncio.subprocess.Process, folder: Path, log: Path) -> EndpointDown:
    return EndpointDown(
        f"checkpoint: the server of {folder} ended with code {process.returncode}. Its log, {log}, ends with:\n"
        + "\n".join(f"    {line}" for line in last_lines(log))
    )


def last_lines(log: Path) -> list[str]:
    """The end of a log: at most `LOG_LINES` lines of at most 300 characters."""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 20_000))
        lines = file.read().decode("utf-8", "replace").splitlines()
    return [line[:300] for line in lines if line.strip()][-LOG_LINES:]


async def _ended(process: asyncio.subprocess.Process) -> None:
    """The server and whatever it started are no more."""
    assert process.stdin is not None
    process.stdin.close()
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(asyncio.shield(process.wait()), END_S)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    await process.wait()
