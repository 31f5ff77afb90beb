"""What batches leave on disk: requests that were sent, results that came back, and the steps in between.

    <folder>/batches.jsonl                  a line a step, appended and synced before and after each remote step
    <folder>/batches/NAME.requests.jsonl    what was uploaded
    <folder>/batches/NAME.output.jsonl      what came back
    <folder>/batches/NAME.errors.jsonl      the endpoint's second file: requests that have no completion

Files of a batch go when all of its results were taken and the run ended in good order.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Final
from urllib.parse import urlsplit

import orjson

from pipelines.llm.wire import Request

MAX_RESULT_BYTES: Final = 32 << 20
"""The longest line of results that is looked at; a longer one counts as missing."""


@dataclass(frozen=True)
class BatchTerms:
    """How an endpoint takes a file.

    Attributes:
        requests: The most lines.
        file_bytes: The most of the whole file.
        line_bytes: The most of one line.
        url: What its lines are sent to.
    """

    requests: int = 50_000
    file_bytes: int = 200_000_000
    line_bytes: int = 200_000_000
    url: str = "/v1/chat/completions"


OPENAI: Final = BatchTerms()
"""Source: OpenAI, API reference, "Create batch" (developers.openai.com/api/reference, read November 2026): 50,000
requests and 200 MB a file."""

TERMS: Final[Mapping[str, BatchTerms]] = {
    "aliyuncs.com": BatchTerms(50_000, 100_000_000, 1_000_000),
    "bigmodel.cn": BatchTerms(50_000, 100_000_000, 100_000_000, "/v4/chat/completions"),
    "siliconflow.cn": BatchTerms(5_000, 1_000_000_000, 1_000_000_000),
    "moonshot.cn": BatchTerms(50_000, 100_000_000, 100_000_000),
    "moonshot.ai": BatchTerms(50_000, 100_000_000, 100_000_000),
}
"""By the end of the host's name; all others as OpenAI.

Source: the providers' pages on batches as of November 2026 (docs/llm.md names them). Alibaba's has grown since the
smaller figures that stand here; those hold on every version of it."""


def terms_of(url: str) -> BatchTerms:
    """How the endpoint at a URL takes a file."""
    host = urlsplit(url).hostname or ""
    return next((found for end, found in TERMS.items() if host == end or host.endswith("." + end)), OPENAI)


def request_line(request: Request, url: str) -> bytes:
    """A request as a line of an input file."""
    line = {"custom_id": request.key, "method": "POST", "url": url, "body": dict(request.body)}
    try:
        return orjson.dumps(line) + b"\n"
    except TypeError:  # half a surrogate pair, which only an escape can carry
        return json.dumps(line, ensure_ascii=True).encode("ascii") + b"\n"


@dataclass
class BatchState:
    """A batch as the log knows it.

    Attributes:
        name: Ours: of its files, and in its metadata.
        endpoint: Which endpoint and role it belongs to.
        step: Of the last line: planned, uploading, uploaded, creating, created, finished, fetched, done, dropped.
        n_requests: Lines of its input file.
        file_id, batch_id: The endpoint's names for it.
        status: The endpoint's last word: completed, expired, cancelled, failed.
        output_file_id, error_file_id: Where its results are.
        created_at: Unix time of the endpoint's clock; 0 where it is not known.
        problems: `(line or None, code, message)` of a file that was refused.
    """

    name: str
    endpoint: str
    step: str = "planned"
    n_requests: int = 0
    file_id: str = ""
    batch_id: str = ""
    status: str = ""
    output_file_id: str = ""
    error_file_id: str = ""
    created_at: int = 0
    problems: list[tuple[int | None, str, str]] = field(default_factory=list)


_FIELDS: Final = frozenset(BatchState.__dataclass_fields__)


class BatchLog:
    """The steps of all batches of a folder: appended, synced, and read back after any end."""

    def __init__(self, folder: Path, endpoint: str) -> None:
        self.folder = folder / "batches"
        self._path = folder / "batches.jsonl"
        self.endpoint = endpoint
        self.n_known = 0

    def load(self) -> list[BatchState]:
        """The batches of our endpoint that are not over, in the order of their making."""
        found: dict[str, BatchState] = {}
        for event in self._events():
            name = event.get("name")
            if event.get("endpoint") != self.endpoint or not isinstance(name, str) or "/" in name:
                continue
            state = found.setdefault(name, BatchState(name, self.endpoint))
            for key, value in event.items():
                if key in _FIELDS:
                    setattr(state, key, value)
        self.n_known = len(found)
        return [state for state in found.values() if state.step not in ("done", "dropped")]

    def _events(self) -> Iterator[dict[str, Any]]:
        """Lines that can be read. One that was being written when the process was killed told of no step yet."""
        if not self._path.exists():
            return
        with self._path.open("rb") as file:
            for line in file:
                try:
                    event = orjson.loads(line)
                except orjson.JSONDecodeError:
                    continue
                if isinstance(event, dict):
                    yield event

    def step(self, state: BatchState, step: str, **what: Any) -> None:
        """Moves a batch on, on disk first."""
        event = {"name": state.name, "endpoint": self.endpoint, "step": step, **what}
        self._append(event)
        for key, value in event.items():
            setattr(state, key, value)

    def _append(self, event: Mapping[str, Any]) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        line = orjson.dumps(event) + b"\n"
        with self._path.open("ab+") as file:
            if file.tell():
                file.seek(-1, os.SEEK_END)
                if file.read(1) != b"\n":
                    line = b"\n" + line
            file.write(line)
            _synced(file)

    def plan(self, name: str, lines: Iterable[bytes]) -> BatchState:
        """A new batch, its input file on disk."""
        self.folder.mkdir(parents=True, exist_ok=True)
        path, n_lines = self.requests(name), 0
        with path.open("wb") as file:
            for line in lines:
                file.write(line)
                n_lines += 1
            _synced(file)
        state = BatchState(name, self.endpoint)
        self.n_known += 1
        self.step(state, "planned", n_requests=n_lines)
        return state

    def requests(self, name: str) -> Path:
        """The input file of a batch."""
        return self.folder / f"{name}.requests.jsonl"

    def results(self, name: str) -> tuple[Path, Path]:
        """Its files of results and of errors; either may be missing."""
        return self.folder / f"{name}.output.jsonl", self.folder / f"{name}.errors.jsonl"

    def keys(self, name: str) -> list[str]:
        """The keys of a batch's requests, in the order of its input file's lines."""
        path = self.requests(name)
        if not path.exists():
            return []
        with path.open("rb") as file:
            return [str(orjson.loads(line)["custom_id"]) for line in file]

    def remove_files(self, name: str) -> None:
        """What a batch left on disk is gone."""
        for path in (self.requests(name), *self.results(name)):
            path.unlink(missing_ok=True)


class BatchResults:
    """The result lines of a batch, found by key, read when asked for."""

    def __init__(self, paths: Iterable[Path]) -> None:
        self._at: dict[str, tuple[Path, int, int]] = {}
        self.n_unreadable = 0
        for path in paths:
            if path.exists():
                self._index(path)

    def _index(self, path: Path) -> None:
        with path.open("rb") as file:
            while True:
                at, line = file.tell(), file.readline(MAX_RESULT_BYTES)
                if not line:
                    return
                key = None
                if len(line) == MAX_RESULT_BYTES and not line.endswith(b"\n"):
                    _skip_line(file)
                elif line.strip():
                    key = _key_of(line)
                else:
                    continue
                if key is None:
                    self.n_unreadable += 1
                else:
                    self._at.setdefault(key, (path, at, len(line)))

    def get(self, key: str) -> dict[str, Any] | None:
        """The result of a request, as the endpoint wrote it; None where there is none."""
        found = self._at.get(key)
        if found is None:
            return None
        path, at, n_bytes = found
        with path.open("rb") as file:
            file.seek(at)
            return _parsed(file.read(n_bytes))


def _skip_line(file: BinaryIO) -> None:
    while (piece := file.readline(MAX_RESULT_BYTES)) and not piece.endswith(b"\n"):
        pass


def _key_of(line: bytes) -> str | None:
    key = (_parsed(line) or {}).get("custom_id")
    return key if isinstance(key, str) else None


def _parsed(line: bytes) -> dict[str, Any] | None:
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError:
        return _parsed_loosely(line)
    return value if isinstance(value, dict) else None


def _parsed_loosely(line: bytes) -> dict[str, Any] | None:
    """A line with half a surrogate pair or NaN in it, which are no JSON but were paid for."""
    try:
        value = json.loads(line.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _synced(file: Any) -> None:
    file.flush()
    os.fsync(file.fileno())
