"""HTTP/1.1 on a socket, by hand: fast enough not to be what a benchmark measures, and free to break the rules."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from tests.llm_server import faults
from tests.llm_server.faults import Answer, Kind

if TYPE_CHECKING:
    from tests.llm_server.server import LlmServer


class LlmProtocol(asyncio.Protocol):
    """One connection; requests on it are answered one after the other."""

    def __init__(self, server: LlmServer) -> None:
        self._server, self._buffer = server, bytearray()
        self._hanging: tuple[asyncio.TimerHandle, Callable[[], None]] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._server.connections.add(self)

    def connection_lost(self, error: Exception | None) -> None:
        self._server.connections.discard(self)
        if self._hanging is not None:  # nobody waits for it any more
            timer, end = self._hanging
            timer.cancel()
            end()

    def abort(self) -> None:
        self._transport.abort()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = bytes(self._buffer[:end])
            length = _content_length(head)
            if len(self._buffer) < end + 4 + length:
                return
            body = bytes(self._buffer[end + 4 : end + 4 + length])
            del self._buffer[: end + 4 + length]
            if self._server.fixed and head.startswith(b"POST /v1/chat"):
                self._server.begin(lambda raw=body: self._fixed(raw), self._server.latency_s)  # type: ignore[misc]
            else:
                self._request(head.decode("latin-1"), body)

    def _fixed(self, raw: bytes) -> None:
        self._server.bill(raw, {}, faults.Answer(200, b""), self._transport.is_closing())
        if not self._transport.is_closing():
            self._transport.write(self._server.fixed_bytes)

    def _request(self, head: str, raw: bytes) -> None:
        first, *lines = head.split("\r\n")
        method, path, _ = first.split(" ", 2)
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        if path.startswith("/control"):
            self._control(raw)
        elif method == "POST" and path.split("?")[0].endswith("/chat/completions"):
            self._complete(headers | {":path": path}, raw)
        elif path.endswith("/models"):
            self._write(Answer(200, b'{"object": "list", "data": [{"id": "m", "object": "model", "created": 1}]}'))
        else:
            self._write(faults.error(404, f"There is nothing at {path}.", "not_found"))

    def _control(self, raw: bytes) -> None:
        try:
            self._write(Answer(200, json.dumps(self._server.control(json.loads(raw or b"{}"))).encode()))
        except ValueError as problem:
            self._write(faults.error(400, str(problem)))

    def _complete(self, head: dict[str, str], raw: bytes) -> None:
        server = self._server
        try:
            body = json.loads(raw)
        except ValueError:
            self._write(faults.error(400, "The body is no JSON."))
            return
        server.bodies.append(body)
        server.headers.append(head)
        kind = server.kind_for(head, body)
        if refuse := faults.REFUSALS.get(kind.word):
            answer = refuse(kind, head)
            server.count_refusal(answer.status)
            self._write(answer)
        elif kind.word == "reset":
            self._transport.abort()
        elif kind.word == "hang":
            self._hang(raw, body, kind)
        else:
            server.begin(lambda: self._reply(raw, body, kind), server.latency_s)

    def _hang(self, raw: bytes, body: dict[str, Any], kind: Kind) -> None:
        """Takes its time; ends with the connection at the latest."""
        self._server.in_flight += 1

        def end() -> None:
            self._hanging = None
            self._server.in_flight -= 1
            self._reply(raw, body, kind)

        self._hanging = (asyncio.get_running_loop().call_later(kind.seconds(3_600), end), end)

    def _reply(self, raw: bytes, body: dict[str, Any], kind: Kind) -> None:
        answer = self._server.completion(body, kind)
        gone = self._transport.is_closing()
        self._server.bill(raw, body, answer, gone)
        if gone:
            return
        data = answer.encode()
        if kind.word == "reset-middle":
            self._transport.write(data[: len(data) - len(answer.body) // 2])
            asyncio.get_running_loop().call_later(0.005, self._transport.abort)
        elif kind.word == "drip":
            self._drop(data, kind.seconds(0.05))
        else:
            self._transport.write(data)

    def _drop(self, data: bytes, seconds: float) -> None:
        """One byte, and the next after a while."""
        if data and not self._transport.is_closing():
            self._transport.write(data[:1])
            asyncio.get_running_loop().call_later(seconds, self._drop, data[1:], seconds)

    def _write(self, answer: Answer) -> None:
        if not self._transport.is_closing():
            self._transport.write(answer.encode())


def _content_length(head: bytes) -> int:
    at = head.lower().find(b"\r\ncontent-length:")
    return int(head[at + 17 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
