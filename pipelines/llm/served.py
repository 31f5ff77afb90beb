"""A checkpoint as a backend: served on this machine from the first request to the end."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

from pipelines.llm.checkpoint import serve, served
from pipelines.llm.settings import Endpoint
from pipelines.llm.wire import Backend, Completion, EndpointDown, Meter, Request


class ServedBackend:
    """Starts a server with the first request, and sends all to it.

    Args:
        role: Whose endpoint.
        endpoint: With `checkpoint:`.
        meter: Told of each request.
        folder: For the server's log.
    """

    def __init__(self, role: str, endpoint: Endpoint, meter: Meter, folder: Path) -> None:
        self._role, self._endpoint, self._meter = role, endpoint, meter
        self._serving: AbstractAsyncContextManager[str] = serve(Path(endpoint.checkpoint or ""), folder)
        self._starting: asyncio.Future[Backend] | None = None
        self._has_server = False
        self._death: EndpointDown | None = None
        self._asking_why = asyncio.Lock()

    async def complete(self, request: Request) -> Completion:
        """See `wire.Backend`.

        Raises:
            EndpointDown: the server died, with the last lines of its log.
        """
        if self._starting is None:
            self._starting = asyncio.ensure_future(self._started())
        backend = await asyncio.shield(self._starting)
        try:
            return await backend.complete(request)
        except EndpointDown as error:
            async with self._asking_why:
                if self._death is None:
                    try:
                        await self._ended(error)  # which says why the server died, where it did
                    except EndpointDown as death:
                        self._death = death
            raise (self._death or error) from None  # the same words for all who wait

    async def _started(self) -> Backend:
        from pipelines.llm.transport import LiveBackend

        url = await self._serving.__aenter__()
        self._has_server = True
        return LiveBackend(self._role, served(self._endpoint, url), self._meter)

    async def _ended(self, error: BaseException | None) -> None:
        if self._has_server:
            self._has_server = False
            await self._serving.__aexit__(type(error) if error else None, error, error.__traceback__ if error else None)

    def stop(self, words: str) -> None:
        """See `wire.Backend`."""
        if self._starting is not None and self._starting.done() and self._starting.exception() is None:
            self._starting.result().stop(words)

    async def close(self) -> None:
        """Ends the server."""
        if self._starting is None:
            return
        try:
            if self._starting.done() and not self._starting.cancelled() and self._starting.exception() is None:
                await self._starting.result().close()
            else:
                self._starting.cancel()
                await asyncio.wait([self._starting])
        finally:
            await self._ended(None)

    def describe(self) -> dict[str, Any]:
        """What the transport found out."""
        if self._starting is None or not self._starting.done() or self._starting.exception() is not None:
            return {}
        return self._starting.result().describe()
