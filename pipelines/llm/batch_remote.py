"""The Batch API of one endpoint, through the `openai` SDK: each step once, and what went wrong as one of three.

EndpointRefused   no batch will do here: the key, the account, the model, or no Batch API at all
Unreached         no answer, or "later"; the step may have happened or not
Gone              a file or a batch that the endpoint no longer knows
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from pipelines.llm.batch_files import BatchTerms
from pipelines.llm.connection import addresses
from pipelines.llm.failures import RETRY, fault_of
from pipelines.llm.redaction import Redaction
from pipelines.llm.settings import Endpoint
from pipelines.llm.wire import EndpointRefused

if TYPE_CHECKING:
    from openai import APIStatusError, AsyncOpenAI

MAX_RESULTS_BYTES: Final = 8_000_000_000
"""The most that is read of one file of results: forty times OpenAI's largest file of requests."""
MAX_LISTED: Final = 2_000
"""Batches of the account that are looked through, newest first, for one of ours whose name was lost."""
OVER: Final = frozenset({"completed", "failed", "expired", "cancelled"})


class Unreached(Exception):
    """No answer, or one that says "later"."""

    def __init__(self, detail: str, *, sent: bool, retry_after_s: float = 0.0) -> None:
        super().__init__(detail)
        self.sent, self.retry_after_s = sent, retry_after_s
        """`sent`: whether the endpoint may have done what it was asked."""


class Gone(Exception):
    """The endpoint does not know this file or batch, or knows it no longer."""


@dataclass(frozen=True)
class RemoteBatch:
    """A batch as the endpoint tells of it.

    Attributes:
        problems: `(line or None, code, message)` of a file that was refused.
    """

    id: str
    status: str
    input_file_id: str = ""
    output_file_id: str = ""
    error_file_id: str = ""
    created_at: int = 0
    n_total: int = 0
    n_completed: int = 0
    n_failed: int = 0
    problems: tuple[tuple[int | None, str, str], ...] = field(default=())

    @property
    def over(self) -> bool:
        """Whether nothing will change any more."""
        return self.status in OVER


class BatchRemote:
    """Steps of the Batch API at one endpoint. Nothing is opened before the first."""

    def __init__(self, endpoint: Endpoint, role: str, terms: BatchTerms) -> None:
        self._endpoint, self._role, self._terms = endpoint, role, terms
        self._key = os.environ.get(endpoint.api_key_env, "").strip()
        self.redaction = Redaction([self._key])
        self._opened: AsyncOpenAI | None = None

    def __repr__(self) -> str:
        return f"BatchRemote({self.host})"

    @property
    def host(self) -> str:
        """Where it is, for people."""
        urls = self._endpoint.base_url or (os.environ.get("OPENAI_BASE_URL", ""),)
        parts = urlsplit(urls[0])
        return f"{parts.hostname or 'OpenAI'}:{parts.port}" if parts.port else parts.hostname or "OpenAI"

    async def _client(self) -> AsyncOpenAI:
        """The SDK's client, opened for the first step.

        Raises:
            EndpointRefused: the key is missing where one is needed, or the address will not do.
        """
        if self._opened is None:
            import openai

            await addresses(self._role, self._endpoint)  # says in a sentence what is wrong with them
            given: dict[str, Any] = {
                "api_key": self._key or "none",
                "base_url": self._endpoint.base_url[0] if self._endpoint.base_url else None,
                "max_retries": 0,
                "timeout": max(60.0, self._endpoint.timeout_s),
                "http_client": openai.DefaultAsyncHttpxClient(event_hooks={"request": [_untold]}),
            }
            version = self._endpoint.api_version
            if version and not (given["base_url"] or "").rstrip("/").endswith("/v1"):
                at = (given.pop("base_url") or os.environ.get("AZURE_OPENAI_ENDPOINT", "")).rstrip("/")
                at = at.partition("/deployments/")[0].removesuffix("/openai")
                self._opened = openai.AsyncAzureOpenAI(azure_endpoint=at, api_version=version, **given)
            else:
                query = {"api-version": version} if version else None
                self._opened = openai.AsyncOpenAI(default_query=query, **given)
        return self._opened

    async def upload(self, path: Path, name: str) -> str:
        """Uploads a file of requests; its id."""
        async with self._step("uploading a batch"):
            made = await (await self._client()).files.create(file=(f"{name}.jsonl", path), purpose="batch")
            return str(made.id)

    async def create(self, file_id: str, name: str) -> RemoteBatch:
        """Has the requests of a file answered, and paid for."""
        async with self._step("creating a batch"):
            made = await (await self._client()).batches.create(
                input_file_id=file_id,
                endpoint=self._terms.url,  # type: ignore[arg-type]
                completion_window="24h",
                metadata={"pedcorpus": name},
                extra_headers={"Idempotency-Key": name},
            )
            return _told(made)

    async def find(self, file_id: str, name: str) -> RemoteBatch | None:
        """A batch of ours whose creation got no answer, by its input file or its name; None where there is none."""
        async with self._step("listing batches"):
            n_seen = 0
            async for batch in (await self._client()).batches.list(limit=100):
                if batch.input_file_id == file_id or (batch.metadata or {}).get("pedcorpus") == name:
                    return _told(batch)
                n_seen += 1
                if n_seen >= MAX_LISTED:
                    break
            return None

    async def look(self, batch_id: str) -> RemoteBatch:
        """How a batch is."""
        async with self._step("asking after a batch", known=True):
            return _told(await (await self._client()).batches.retrieve(batch_id))

    async def download(self, file_id: str, path: Path) -> None:
        """A file of results is at `path`, whole."""
        async with self._step("downloading results", known=True):
            started = path.with_suffix(".part")
            n_bytes = 0
            async with (await self._client()).files.with_streaming_response.content(file_id) as response:
                with started.open("wb") as file:
                    async for piece in response.iter_bytes(1 << 16):
                        n_bytes += len(piece)
                        if n_bytes > MAX_RESULTS_BYTES:
                            raise self._refused(0, "", f"results of more than {MAX_RESULTS_BYTES:,} bytes")
                        file.write(piece)
                    file.flush()
                    os.fsync(file.fileno())
            started.replace(path)

    async def forget(self, file_id: str) -> None:
        """Deletes an uploaded file that no batch was made of."""
        async with self._step("deleting a file", known=True):
            await (await self._client()).files.delete(file_id)

    async def close(self) -> None:
        """Connections are given back."""
        if self._opened is not None:
            await self._opened.close()
            self._opened = None

    @asynccontextmanager
    async def _step(self, doing: str, *, known: bool = False) -> AsyncIterator[None]:
        """Turns what the SDK raises into ours.

        Args:
            doing: What is tried, for messages.
            known: Whether 404 means this one file or batch, and not that there is no Batch API.
        """
        import httpx2
        import openai

        try:
            yield
        except openai.APIStatusError as error:
            raise self._failed(error, doing, known) from None
        except (openai.APIConnectionError, httpx2.TransportError) as error:
            cause = error.__cause__ or error
            raise Unreached(f"{doing}: {type(cause).__name__}: {self.told(str(cause))}", sent=True) from None
        except openai.APIError as error:  # an answer that is no JSON
            raise Unreached(f"{doing}: {self.told(error.message)}", sent=True) from None

    def _failed(self, error: APIStatusError, doing: str, known: bool) -> Exception:
        status, body = error.status_code, error.body
        fault = fault_of(status, body if isinstance(body, Mapping | list) else None, str(body or error.message))
        said = self.told(fault.words or error.message)
        if status == 404 and known:
            return Gone(said)
        if fault.then == RETRY:
            return Unreached(f"{doing}: {status} {said}", sent=status != 429, retry_after_s=_retry_after_s(error))
        return self._refused(status, fault.failure, said)

    def _refused(self, status: int, why: str, said: str) -> EndpointRefused:
        where, said = f"llm.{self._role}: {self.host}", f"({status}: {said})" if status else f"({said})"
        if status in (404, 405, 501):
            return EndpointRefused(f"{where} has no Batch API {said}. Use `mode: live`.")
        if why == "key":
            return EndpointRefused(f"{where} does not accept the key {said}. Check ${self._endpoint.api_key_env}.")
        if why == "money":
            return EndpointRefused(f"{where} wants money first {said}. Top up the account, and run the same again.")
        return EndpointRefused(f"{where} refuses the batch {said}. Mend that, or use `mode: live`.")

    def told(self, words: str) -> str:
        """The endpoint's own words for a person: without keys, on one line, at most 500 characters."""
        return self.redaction.detail(words)


async def _untold(request: Any) -> None:
    """Takes out of a request what the SDK tells of this machine."""
    for name in [name for name in request.headers if name.lower().startswith("x-stainless")]:
        del request.headers[name]


def _told(batch: Any) -> RemoteBatch:
    counts, errors = batch.request_counts, batch.errors
    found = errors.data if errors is not None and getattr(errors, "data", None) else []
    return RemoteBatch(
        id=batch.id,
        status=batch.status or "",
        input_file_id=batch.input_file_id or "",
        output_file_id=batch.output_file_id or "",
        error_file_id=batch.error_file_id or "",
        created_at=batch.created_at if isinstance(batch.created_at, int) else 0,
        n_total=getattr(counts, "total", 0) or 0,
        n_completed=getattr(counts, "completed", 0) or 0,
        n_failed=getattr(counts, "failed", 0) or 0,
        problems=tuple((e.line if isinstance(e.line, int) else None, e.code or "", e.message or "") for e in found),
    )


def _retry_after_s(error: Any) -> float:
    try:
        return min(600.0, max(0.0, float(error.response.headers.get("retry-after", "0"))))
    except ValueError:
        return 0.0
