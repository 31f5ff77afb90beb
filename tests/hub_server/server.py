"""The server: sockets, the log of what was asked, and faults put in its way. What it answers is in `protocol`."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

from tests.hub_server.protocol import Answer, Request, answer
from tests.hub_server.repository import HubError, Repository


@dataclass(frozen=True)
class Exchange:
    """One request as it came in, and the status it got; 0 where the connection was dropped."""

    method: str
    path: str
    token: str | None
    status: int


@dataclass
class _Fault:
    method: str
    pattern: str
    status: int | None = None
    message: str = "Injected by a test"
    code: str | None = None
    drop: str | None = None
    call: Callable[[], None] | None = None
    skip: int = 0
    times: int = 1


@dataclass
class HubServer:
    """Listens on a free port of 127.0.0.1 from `with` to the end of it.

    Attributes:
        page_size: Entries to a page of a listing; small, so that clients must follow the pages.
    """

    write_token: str = "hf_testWriteTokenThatNobodyMayEverSee"
    read_token: str = "hf_testReadTokenThatNobodyMayEverSee"
    page_size: int = 5
    repositories: dict[str, Repository] = field(default_factory=dict)
    large_files: dict[str, bytes] = field(default_factory=dict)
    exchanges: list[Exchange] = field(default_factory=list)
    lock: threading.RLock = field(default_factory=threading.RLock)
    _faults: list[_Fault] = field(default_factory=list)

    def __enter__(self) -> HubServer:
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), type("_BoundHandler", (_Handler,), {"hub": self}))
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    @property
    def port(self) -> int:
        return int(self._http.server_address[1])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def storage_url(self) -> str:
        """The host of the large files: the same server by another name, which clients must take for a stranger."""
        return f"http://localhost:{self.port}"

    def repository(self, repo_id: str) -> Repository:
        return self.repositories[repo_id]

    def inject(
        self,
        method: str,
        pattern: str,
        *,
        status: int | None = None,
        message: str = "Injected by a test",
        code: str | None = None,
        drop: str | None = None,
        call: Callable[[], None] | None = None,
        skip: int = 0,
        times: int = 1,
    ) -> None:
        """The next request whose method and path match goes wrong.

        Args:
            method: A regular expression for the whole method, as `GET` or `GET|HEAD`.
            pattern: Searched in the path with its query.
            status: Answer this instead of handling the request, with `message` and `code`.
            drop: `before` or `after` handling the request, close the connection without an answer.
            call: Called before the request is handled, which then goes on.
            skip: Requests that match and are let through before.
            times: Requests that it then happens to.
        """
        self._faults.append(_Fault(method, pattern, status, message, code, drop, call, skip, times))

    def fault(self, method: str, path: str) -> _Fault | None:
        with self.lock:
            for fault in self._faults:
                if not re.fullmatch(fault.method, method) or not re.search(fault.pattern, path) or not fault.times:
                    continue
                if fault.skip:
                    fault.skip -= 1
                    continue
                fault.times -= 1
                return fault
        return None

    def withdraw_faults(self) -> list[str]:
        """No fault is left; returns those that nothing ran into: a test that went by one has tested nothing."""
        with self.lock:
            left = [f"{fault.method} {fault.pattern}" for fault in self._faults if fault.times]
            self._faults.clear()
        return left


class _Handler(BaseHTTPRequestHandler):
    hub: HubServer
    protocol_version = "HTTP/1.1"
    timeout = 30
    disable_nagle_algorithm = True  # else head and body of an answer wait 40 ms for each other

    def _serve(self) -> None:
        body = self._body()
        token = (self.headers.get("Authorization") or "").removeprefix("Bearer ") or None
        fault = self.hub.fault(self.command, self.path)
        if fault and fault.call:
            fault.call()
        if fault and fault.drop == "before":
            self._drop(token)
            return
        if fault and fault.status:
            reply = Answer.error(HubError(fault.status, fault.message, fault.code))
        else:
            parts = urlsplit(self.path)
            host = self.headers.get("Host", "")
            request = Request(self.command, parts.path, parts.query, dict(self.headers), body, token, host)
            with self.hub.lock:
                reply = answer(self.hub, request)
        if fault and fault.drop == "after":
            self._drop(token)
            return
        self._send(reply, token)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = _serve

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            chunks = []
            while size := int(self.rfile.readline().split(b";")[0], 16):
                chunks.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(chunks)
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _send(self, reply: Answer, token: str | None) -> None:
        self.hub.exchanges.append(Exchange(self.command, self.path, token, reply.status))
        try:
            self.send_response(reply.status)
            for name, value in {**reply.headers, "Content-Length": str(len(reply.body))}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(reply.body)
        except ConnectionError:  # the client lost its patience, or was killed
            self.close_connection = True

    def _drop(self, token: str | None) -> None:
        self.hub.exchanges.append(Exchange(self.command, self.path, token, 0))
        self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:
        """Exchanges are kept in the log instead."""
