"""One HTTP request and what came of it; which of them may have been billed."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import aiohttp

from pipelines.llm import replies
from pipelines.llm.connection import Address
from pipelines.llm.failures import RETRY, STOP, Fault, fault_of
from pipelines.llm.redaction import Redaction
from pipelines.llm.waits import asked_wait_s
from pipelines.llm.wire import Completion

_USER_AGENT: Final = "pedcorpus"
_CONNECT_S: Final = 15.0
_IDLE_S: Final = 4.0
"""Servers close idle connections after five seconds and more (uvicorn, node); a call must not meet that moment."""


@dataclass(frozen=True)
class Outcome:
    """What came of an attempt.

    Attributes:
        completion: Where there is one.
        fault: Where there is none.
        billed: What the meter is told: None for an attempt that cost nothing.
        wait_s: What the server asked for.
        latency_s: From sending to the last byte.
    """

    status: int
    completion: Completion | None = None
    fault: Fault | None = None
    billed: Completion | None = None
    wait_s: float | None = None
    latency_s: float = 0.0


class Wire:
    """The connections of one endpoint."""

    def __init__(self, timeout_s: float, redaction: Redaction) -> None:
        self._redaction = redaction
        self._loop = asyncio.get_running_loop()
        self._timeout_s = timeout_s
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=_IDLE_S),
            timeout=aiohttp.ClientTimeout(total=timeout_s, connect=min(_CONNECT_S, 0.9 * timeout_s)),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=True,
            trust_env=False,
        )

    async def close(self) -> None:
        await self._session.close()

    async def send(self, address: Address, headers: Any, body: bytes) -> Outcome:
        """Sends one request and reads the answer to its end. Only a cancellation is raised."""
        began = self._loop.time()
        try:
            response = await self._session.post(
                address.url,
                data=body,
                headers=headers,
                allow_redirects=False,
                proxy=address.proxy,
                proxy_headers=address.proxy_headers,
            )
            try:
                data = await _read(response)
            finally:
                response.release()
        except (aiohttp.ClientError, TimeoutError, OSError, ssl.SSLError) as error:
            return _broken(error, self._loop.time() - began)
        return self._judge(response, data, self._loop.time() - began)

    def _judge(self, response: aiohttp.ClientResponse, data: bytes | None, latency_s: float) -> Outcome:
        status = response.status
        if data is None:
            return _uncertain(status, "malformed_response", "the answer is longer than 16 MB", latency_s)
        if 200 <= status < 300:
            found = replies.completion(data, latency_s, self._redaction)
            if isinstance(found, Completion):
                return Outcome(status, found, None, found, None, latency_s)
            fault, billed = found
            return Outcome(status, None, fault, billed, asked_wait_s(response.headers), latency_s)
        answer = replies.parsed(data)
        raw = "" if answer is not None else data[:20_000].decode("utf-8", "replace")
        wait = asked_wait_s(response.headers) if status in (408, 429, 500, 502, 503, 504, 529) else None
        fault = fault_of(status, answer, raw)
        if 300 <= status < 400:
            fault = Fault(STOP, "address", f"it sends calls on to {response.headers.get('Location', 'elsewhere')}")
        return Outcome(status, None, fault, None, wait, latency_s)


def sent_headers(address: Address) -> Mapping[str, str]:
    """Headers of every call to an address."""
    fixed = {"Content-Type": "application/json", "Accept": "application/json", "Accept-Encoding": "identity"}
    return {**address.headers, **fixed, "User-Agent": _USER_AGENT}


async def _read(response: aiohttp.ClientResponse) -> bytes | None:
    """The body; None where it is longer than it may be."""
    content = response.content
    first = await content.readany()
    if content.at_eof():
        return first
    chunks, n_bytes = [first], len(first)
    while chunk := await content.readany():
        n_bytes += len(chunk)
        if n_bytes > replies.MAX_REPLY_BYTES:
            response.close()
            return None
        chunks.append(chunk)
    return b"".join(chunks)


def _uncertain(status: int, failure: str, words: str, latency_s: float, congested: bool = False) -> Outcome:
    """An attempt that the server may have worked on, and billed."""
    fault = Fault(RETRY, failure, words, congested)
    return Outcome(status, None, fault, Completion(status, failure), None, latency_s)


def _broken(error: Exception, latency_s: float) -> Outcome:
    """What an exception means. Before a connection stood, nothing was sent, and nothing billed."""
    words = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return Outcome(0, None, Fault(STOP, "address", f"its certificate is not valid ({error.certificate_error})"))
    if isinstance(error, aiohttp.ClientHttpProxyError):
        if error.status == 407:
            return Outcome(407, None, Fault(STOP, "address", "the proxy asks for a login"))
        return Outcome(0, None, Fault(RETRY, "connection", f"the proxy answers {error.status}"), latency_s=latency_s)
    if isinstance(error, aiohttp.ConnectionTimeoutError | aiohttp.ClientConnectorError):
        return Outcome(0, None, Fault(RETRY, "connection", words), latency_s=latency_s)
    if isinstance(error, aiohttp.InvalidURL):
        return Outcome(0, None, Fault(STOP, "address", "it is no address"))
    if isinstance(error, TimeoutError):
        return _uncertain(0, "timeout", f"no whole answer within {latency_s:.3g} s", latency_s, congested=True)
    if isinstance(error, aiohttp.ClientResponseError):
        return _uncertain(0, "malformed_response", f"the answer is no HTTP: {error.message}", latency_s)
    return _uncertain(0, "connection", words, latency_s)
