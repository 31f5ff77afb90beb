"""A local checkpoint as a backend: served from the first question on, until the client is closed."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from pipelines.llm.checkpoint_server import checkpoint_model, serve, served, serving
from pipelines.llm.settings import Endpoint
from pipelines.llm.wire import Backend, Completion, EndpointDown, Meter, Request, TeacherStopped

__all__ = ["CheckpointBackend", "checkpoint_model", "serve", "served"]

Live = Callable[[str, Endpoint, Meter], Backend]


class CheckpointBackend:
    """Implements `wire.Backend` by a server of our own that runs the endpoint's `checkpoint`.

    Args:
        role: Whose endpoint.
        endpoint: With `checkpoint`.
        meter: As for a live endpoint.
        folder: Gets the server's log; the system's folder for temporary files where it is left out.
        live: Makes the backend that talks to the server; `LiveBackend`.

    Raises:
        ConfigError: there is no model in the folder that could be served.
    """

    def __init__(
        self, role: str, endpoint: Endpoint, meter: Meter, folder: Path | None = None, *, live: Live | None = None
    ) -> None:
        self._role, self._endpoint, self._meter = role, endpoint, meter
        self._folder = folder or Path(tempfile.gettempdir())
        self._checkpoint = Path(endpoint.checkpoint or "")
        self._model = checkpoint_model(self._checkpoint)
        self._live = live
        self._backend: Backend | None = None
        self._starting: asyncio.Task[Backend] | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._death: asyncio.Task[EndpointDown] | None = None
        self._closing = asyncio.Event()

    async def complete(self, request: Request) -> Completion:
        """The completion; the first one waits for the server to load the model."""
        if "response_format" in request.body:
            # The server takes the field and heeds it not; a refusal tells the client to say it in words.
            said = "'response_format' is not supported by transformers serve"
            return Completion(400, "bad_request", n_attempts=0, detail=said)
        backend = self._backend or await self._started()
        call = asyncio.ensure_future(backend.complete(replace(request, body={**request.body, "model": self._model})))
        assert self._death is not None
        try:
            await asyncio.wait({call, self._death}, return_when=asyncio.FIRST_COMPLETED)
            if not call.done():
                raise self._death.result()
            return call.result()
        finally:
            call.cancel()

    async def _started(self) -> Backend:
        if self._closing.is_set():
            raise TeacherStopped(f"llm.{self._role}: the checkpoint's backend is closed.")
        if self._starting is None:
            ready: asyncio.Future[Backend] = asyncio.get_running_loop().create_future()
            self._keeper = asyncio.create_task(self._keep(ready))
            self._starting = asyncio.create_task(_result(ready))
        return await asyncio.shield(self._starting)

    async def _keep(self, ready: asyncio.Future[Backend]) -> None:
        """Holds the server from one task, whoever asks: its block ends where it began."""
        try:
            async with AsyncExitStack() as stack:
                server = await stack.enter_async_context(serving(self._checkpoint, self._folder))
                make = self._live or _live_backend
                self._backend = backend = make(self._role, served(self._endpoint, server.url), self._meter)
                stack.push_async_callback(backend.close)
                self._death = asyncio.create_task(server.death())
                ready.set_result(backend)
                await self._closing.wait()
                self._death.cancel()
        except Exception as error:
            if ready.done():
                raise
            ready.set_exception(error)

    async def close(self) -> None:
        """The server has ended."""
        self._closing.set()
        if self._keeper is not None and self._backend is None:
            self._keeper.cancel()  # it is still loading
        pending = [task for task in (self._keeper, self._starting) if task is not None]
        if self._starting is not None and not self._starting.done():
            self._starting.cancel()
        await asyncio.gather(*pending, return_exceptions=True)

    def describe(self) -> dict[str, Any]:
        """As the live backend, with the model's folder."""
        more = self._backend.describe() if self._backend is not None else {}
        return {**more, "checkpoint": str(self._checkpoint)}


async def _result(ready: asyncio.Future[Backend]) -> Backend:
    return await ready


def _live_backend(role: str, endpoint: Endpoint, meter: Meter) -> Backend:
    from pipelines.llm.transport import LiveBackend

    return LiveBackend(role, endpoint, meter)
