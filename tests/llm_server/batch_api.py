"""A server that speaks the Batch API, in a thread of its own: files, batches and their states, and what goes wrong.

A batch moves on by one state each time it is looked at, so nothing depends on a clock. `billed` counts, for each
request, how often it was answered: the number that must never exceed one.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

States = tuple[str, ...]
USUAL: States = ("validating", "in_progress", "finalizing", "completed")


def completion(text: str, **more: Any) -> dict[str, Any]:
    """The body of a chat completion."""
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}],
        "usage": {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110},
        **more,
    }


def answered(line: dict[str, Any], n_before: int) -> dict[str, Any] | None:
    """The result of a request: what was asked, back again."""
    text = line["body"]["messages"][-1]["content"]
    return result(line, completion(f"答：{text}"))


def result(line: dict[str, Any], body: Any, status: int = 200) -> dict[str, Any]:
    """A line of results."""
    return {
        "id": f"r-{line['custom_id']}",
        "custom_id": line["custom_id"],
        "response": {"status_code": status, "request_id": "q", "body": body},
        "error": None,
    }


def failed(line: dict[str, Any], code: str, message: str = "") -> dict[str, Any]:
    """A line of errors."""
    return {
        "id": f"r-{line['custom_id']}",
        "custom_id": line["custom_id"],
        "response": None,
        "error": {"code": code, "message": message or code},
    }


@dataclass
class BatchServer:
    """What the server holds and how it behaves.

    Attributes:
        answer: Line and how many batches held it before → a line for the file of results (status 200), for the file
            of errors (anything else, or `error` set), or None for neither; bytes go into the results as they are.
        states: What a batch goes through, one look at a time; by the batch's number from 0.
        problems: Of batches that fail: `errors.data`.
        faults: `"POST /batches"` and such → what becomes of the next calls: a status, `lost` (done, but nobody is
            told), `cut` (not done, connection closed).
        at: Called with `"POST /batches before"`, `"… after"` and such for each call; may kill the client.
        key: What must be in `Authorization`.
        supported: Whether there is a Batch API at all.
    """

    answer: Callable[[dict[str, Any], int], Any] = answered
    states: Callable[[int], States] = lambda n: USUAL
    problems: list[dict[str, Any]] = field(default_factory=list)
    faults: dict[str, list[Any]] = field(default_factory=dict)
    at: Callable[[str], None] = lambda moment: None
    key: str = "sk-of-the-tests"
    supported: bool = True
    url: str = ""
    files: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    batches: list[dict[str, Any]] = field(default_factory=list)
    billed: Counter[str] = field(default_factory=Counter)
    held: Counter[str] = field(default_factory=Counter)
    calls: Counter[str] = field(default_factory=Counter)
    headers: set[str] = field(default_factory=set)
    n_stored: int = 0

    @property
    def uploads(self) -> list[str]:
        """Names of files of requests, as uploaded."""
        return [name for name, _ in self.files.values() if name.endswith(".jsonl")]

    # ---- handlers

    @web.middleware
    async def around(self, request: web.Request, handler: Any) -> web.StreamResponse:
        path = request.path.removeprefix("/v1").split("/")
        name = f"{request.method} /{path[1]}" + ("/content" if path[-1] == "content" else "/id" * (len(path) > 2))
        self.calls[name] += 1
        self.headers |= {header.lower() for header in request.headers}
        await asyncio.get_running_loop().run_in_executor(None, self.at, f"{name} before")
        if not self.supported:
            return web.json_response({"detail": "Not Found"}, status=404)
        if request.headers.get("Authorization") != f"Bearer {self.key}":
            said = {"message": f"Incorrect API key provided: {request.headers.get('Authorization', '')[7:]}."}
            return web.json_response({"error": said | {"code": "invalid_api_key"}}, status=401)
        fault = self.faults[name].pop(0) if self.faults.get(name) else None
        if isinstance(fault, int):
            return web.json_response({"error": {"message": f"fault {fault}"}}, status=fault)
        if isinstance(fault, dict):
            return web.json_response(fault["body"], status=fault["status"])
        if fault != "cut":
            answer = await handler(request)
            await asyncio.get_running_loop().run_in_executor(None, self.at, f"{name} after")
        if fault in ("cut", "lost"):
            assert request.transport is not None
            request.transport.close()
            raise web.HTTPInternalServerError
        return answer

    async def upload(self, request: web.Request) -> web.Response:
        form = await request.post()
        sent = form["file"]
        assert form["purpose"] == "batch"
        assert isinstance(sent, web.FileField)
        with sent.file as file:
            return web.json_response(self._file(self._store(sent.filename, file.read())))

    def _store(self, name: str, data: bytes) -> str:
        self.n_stored += 1  # not the number that there are: one that was deleted leaves its name to nobody
        file_id = f"file-{self.n_stored}"
        self.files[file_id] = (name, data)
        return file_id

    def _file(self, file_id: str) -> dict[str, Any]:
        name, data = self.files[file_id]
        return {
            "id": file_id,
            "object": "file",
            "filename": name,
            "bytes": len(data),
            "created_at": 1,
            "purpose": "batch",
            "status": "processed",
        }

    async def content(self, request: web.Request) -> web.Response:
        if request.match_info["id"] not in self.files:
            return web.json_response({"error": {"message": "No such File object"}}, status=404)
        return web.Response(body=self.files[request.match_info["id"]][1])

    async def delete(self, request: web.Request) -> web.Response:
        self.files.pop(request.match_info["id"], None)
        return web.json_response({"id": request.match_info["id"], "object": "file", "deleted": True})

    async def create(self, request: web.Request) -> web.Response:
        sent = await request.json()
        lines = [json.loads(line) for line in self.files[sent["input_file_id"]][1].splitlines()]
        batch = {
            "id": f"batch_{len(self.batches)}",
            "object": "batch",
            "endpoint": sent["endpoint"],
            "completion_window": sent["completion_window"],
            "input_file_id": sent["input_file_id"],
            "metadata": sent.get("metadata"),
            "status": self.states(len(self.batches))[0],
            "created_at": 1_800_000_000 + len(self.batches),
            "request_counts": {"total": len(lines), "completed": 0, "failed": 0},
            "errors": None,
            "output_file_id": None,
            "error_file_id": None,
            "_lines": lines,
            "_looks": 0,
            "_ended": False,
            "_number": len(self.batches),
        }
        self.batches.append(batch)
        return web.json_response(self._shown(batch))

    def _shown(self, batch: dict[str, Any]) -> dict[str, Any]:
        return {k: v for k, v in batch.items() if not k.startswith("_")}

    async def look(self, request: web.Request) -> web.Response:
        batch = next((b for b in self.batches if b["id"] == request.match_info["id"]), None)
        if batch is None or batch.get("_gone"):
            return web.json_response({"error": {"message": "No batch found"}}, status=404)
        states = self.states(batch["_number"])
        if not batch["_ended"]:
            batch["_looks"] += 1
            batch["status"] = states[min(batch["_looks"], len(states) - 1)]
            if batch["_looks"] >= len(states) - 1:
                batch["_ended"] = True
                self._end(batch)
        return web.json_response(self._shown(batch))

    def _end(self, batch: dict[str, Any]) -> None:
        if batch["status"] == "failed":
            batch["errors"] = {"object": "list", "data": self.problems}
            return
        good, bad = [], []
        for line in batch["_lines"]:
            key = line["custom_id"]
            found = self.answer(line, self.held[key])
            self.held[key] += 1
            if isinstance(found, bytes):
                good.append(found)
                self.billed[key] += 1
            elif found is not None:
                fine = found["response"] is not None and found["response"]["status_code"] == 200
                self.billed[key] += fine
                (good if fine else bad).append(json.dumps(found, ensure_ascii=False).encode("utf-8", "surrogatepass"))
        batch["request_counts"].update(completed=len(good), failed=len(bad))
        if good:
            batch["output_file_id"] = self._store("out", b"\n".join(good) + b"\n")
        if bad:
            batch["error_file_id"] = self._store("err", b"\n".join(bad) + b"\n")

    async def listed(self, request: web.Request) -> web.Response:
        newest = self.batches[::-1]
        after = request.query.get("after")
        if after:
            newest = newest[[b["id"] for b in newest].index(after) + 1 :]
        limit = int(request.query.get("limit", "20"))
        return web.json_response(
            {
                "object": "list",
                "data": [self._shown(b) for b in newest[:limit]],
                "last_id": newest[:limit][-1]["id"] if newest else None,
                "has_more": len(newest) > limit,
            }
        )

    def app(self) -> web.Application:
        app = web.Application(middlewares=[self.around], client_max_size=1 << 30)
        app.router.add_post("/v1/files", self.upload)
        app.router.add_get("/v1/files/{id}/content", self.content)
        app.router.add_delete("/v1/files/{id}", self.delete)
        app.router.add_post("/v1/batches", self.create)
        app.router.add_get("/v1/batches", self.listed)
        app.router.add_get("/v1/batches/{id}", self.look)
        return app


@contextmanager
def serving(server: BatchServer) -> Iterator[BatchServer]:
    """The server at `server.url`, until the end of the block."""
    loop = asyncio.new_event_loop()
    started = threading.Event()

    async def start() -> web.AppRunner:
        runner = web.AppRunner(server.app(), shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        server.url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
        return runner

    def run() -> None:
        asyncio.set_event_loop(loop)
        runner = loop.run_until_complete(start())
        started.set()
        loop.run_forever()
        with contextlib.suppress(ConnectionError):
            loop.run_until_complete(runner.cleanup())
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()

    thread = threading.Thread(target=run)
    thread.start()
    assert started.wait(20)
    try:
        yield server
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(20)
