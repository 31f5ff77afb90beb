"""The server: sockets, limits, counts, and who gets which fault."""

from __future__ import annotations

import asyncio
import collections
import hashlib
import json
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from types import TracebackType
from typing import Any

from tests.llm_server import faults
from tests.llm_server.content import default_content, n_tokens
from tests.llm_server.faults import Answer, Kind
from tests.llm_server.protocol import LlmProtocol


@dataclass
class Stats:
    """What happened since the start, or since `reset_stats`.

    Attributes:
        n_requests: That came in whole.
        n_successes: Completions that were made, each billed, whether or not somebody was still there to read it.
        n_distinct: Different bodies among those.
        n_abandoned: Completions that nobody was there to read.
        n_refused: Answers with a status of 400 or more.
        peak_in_flight: The most at a time that were being worked on, refused ones not counted.
        cost: Of what was billed.
    """

    n_requests: int = 0
    n_successes: int = 0
    n_distinct: int = 0
    n_abandoned: int = 0
    n_refused: int = 0
    peak_in_flight: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost: float = 0.0


@dataclass
class LlmServer:
    """Listens on 127.0.0.1 from `with` to the end of it.

    Attributes:
        latency_s: Of each completion.
        content: Body of a request → what the model says; None for `default_content`.
        in_flight_limit, requests_per_minute: Beyond them, 429; the latter with Retry-After unless `silent`.
        workers: So many at a time; the others wait in a queue. None: all at once.
        keys: That are good; None: any, or none.
        always: A fault for every request that no plan is for.
        fixed: Every request gets the same bytes, unread; for benchmarks.
        n_bodies: Requests to be kept in `bodies`.
        input_price, output_price: For a million tokens.
    """

    port: int = 0
    latency_s: float = 0.0
    content: Callable[[dict[str, Any]], str] | None = None
    in_flight_limit: int | None = None
    requests_per_minute: int | None = None
    silent: bool = False
    workers: int | None = None
    keys: set[str] | None = None
    always: str | None = None
    fixed: bool = False
    n_bodies: int = 1_000
    input_price: float = 1.0
    output_price: float = 2.0
    minute_s: float = 60.0
    in_flight: int = 0
    headers: collections.deque[dict[str, str]] = field(default_factory=lambda: collections.deque(maxlen=1_000))

    def __post_init__(self) -> None:
        self.bodies: collections.deque[dict[str, Any]] = collections.deque(maxlen=self.n_bodies)
        self.arrivals: collections.deque[float] = collections.deque(maxlen=200_000)
        self._stats, self._seen = Stats(), set[int]()
        self._plan: collections.deque[Kind] = collections.deque()
        self._failing: tuple[float, Kind] = (0.0, Kind("500"))
        self._queue: collections.deque[Callable[[], None]] = collections.deque()
        self._admitted: collections.deque[float] = collections.deque()
        self._working = 0
        fixed = self.completion({"model": "m", "response_format": {"type": "json_object"}}, Kind("ok"))
        self.fixed_bytes = fixed.encode()

    # in a thread of its own, or for good

    def __enter__(self) -> LlmServer:
        ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve(ready)), daemon=True)
        self._thread.start()
        if not ready.wait(20):
            raise RuntimeError("the server did not start")
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(20)

    async def _serve(self, ready: threading.Event | None = None) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        self.connections: set[LlmProtocol] = set()
        listening = await self._loop.create_server(lambda: LlmProtocol(self), "127.0.0.1", self.port, backlog=4_096)
        self.port = listening.sockets[0].getsockname()[1]
        if ready:
            ready.set()
        await self._stop.wait()
        listening.close()
        for connection in list(self.connections):
            connection.abort()
        await asyncio.sleep(0)

    def run(self) -> None:
        """Serves until it is interrupted."""
        asyncio.run(self._serve())

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    # what the test says

    def plan(self, *kinds: str, times: int = 1) -> None:
        """What happens to the next requests, in turn; after that, all goes well."""
        self._plan.extend(Kind.parse(kind) for kind in kinds * times)

    def fail_for(self, seconds: float, kind: str = "503") -> None:
        """What happens to every request for a while."""
        self._failing = (time.monotonic() + seconds, Kind.parse(kind))

    def stats(self) -> Stats:
        self._stats.n_distinct = len(self._seen)
        money = self._stats.input_tokens * self.input_price + self._stats.output_tokens * self.output_price
        self._stats.cost = money / 1e6
        return self._stats

    def reset_stats(self) -> None:
        self._stats, self._seen = Stats(), set()
        self.bodies.clear()
        self.headers.clear()
        self.arrivals.clear()

    def control(self, command: dict[str, Any]) -> dict[str, Any]:
        """Carries out what `POST /control` says; returns the counts."""
        for name, value in command.items():
            if name == "plan":
                self.plan(*value)
            elif name == "fail_for":
                self.fail_for(*value)
            elif name == "reset_stats":
                self.reset_stats()
            elif name == "keys":
                self.keys = set(value) if value is not None else None
            elif name in self.__dataclass_fields__ and name != "port":
                setattr(self, name, value)
            else:
                raise ValueError(f"{name} is nothing that can be set")
        return asdict(self.stats())

    # what the protocol asks

    def kind_for(self, head: dict[str, str], body: dict[str, Any]) -> Kind:
        """The fault of a request: its own, the plan's, that of the time, or that of a limit."""
        self._stats.n_requests += 1
        self.arrivals.append(time.monotonic())
        if self.keys is not None and _key(head) not in self.keys:
            return Kind("401")
        model = str(body.get("model", ""))
        if own := head.get("x-fault") or (model.removeprefix("fault:") if model.startswith("fault:") else ""):
            return Kind.parse(own)
        until, kind = self._failing
        if time.monotonic() < until:
            return kind
        if self._plan:
            return self._plan.popleft()
        if self.always:
            return Kind.parse(self.always)
        return self._limited() or Kind("ok")

    def _limited(self) -> Kind | None:
        if self.in_flight_limit is not None and self.in_flight >= self.in_flight_limit:
            return Kind("429")
        if self.requests_per_minute is None:
            return None
        now, times = time.monotonic(), self._admitted
        while times and times[0] <= now - self.minute_s:
            times.popleft()
        if len(times) >= self.requests_per_minute:
            wait = f"{times[0] + self.minute_s - now:.3f}"
            return Kind("429") if self.silent else Kind("429", {"retry-after": wait})
        times.append(now)
        return None

    def begin(self, work: Callable[[], None], seconds: float) -> None:
        """`work` after a latency, when there is a worker for it."""
        self.in_flight += 1
        self._stats.peak_in_flight = max(self._stats.peak_in_flight, self.in_flight)

        def ended() -> None:
            self.in_flight -= 1
            self._working -= 1
            work()
            if self._queue:
                self._queue.popleft()()

        def started() -> None:
            self._working += 1
            self._loop.call_later(seconds, ended)

        if self.workers is not None and self._working >= self.workers:
            self._queue.append(started)
        else:
            started()

    def completion(self, body: dict[str, Any], kind: Kind) -> Answer:
        """An answer of 200, with what is wrong with it."""
        content: Any = (self.content or default_content)(body)
        content = faults.CONTENTS.get(kind.word, lambda c: c)(content)
        n_in, n_out = n_tokens(body.get("messages")), n_tokens(content)
        message = {"role": "assistant", "content": content, "refusal": None}
        if kind.word == "refusal":
            message["refusal"] = "抱歉，我不能回答这个问题。"
        choice = {"index": 0, "finish_reason": faults.finish_reason(kind.word), "logprobs": None, "message": message}
        usage = {"prompt_tokens": n_in, "completion_tokens": n_out, "total_tokens": n_in + n_out}
        made = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": body.get("model", "m")}
        ascii_only = kind.word == "surrogate"
        data = json.dumps(made | {"choices": [choice], "usage": usage}, ensure_ascii=ascii_only).encode()
        return Answer(200, faults.BODIES.get(kind.word, lambda d: d)(data))

    def count_refusal(self, status: int) -> None:
        self._stats.n_refused += status >= 400

    def bill(self, raw: bytes, body: dict[str, Any], answer: Answer, abandoned: bool) -> None:
        """Counts a completion that was made."""
        self._stats.n_successes += 1
        self._stats.n_abandoned += abandoned
        self._seen.add(int.from_bytes(hashlib.blake2b(raw, digest_size=8).digest()))
        if self.fixed:
            return
        try:
            usage = json.loads(answer.body).get("usage", {})
        except (ValueError, RecursionError, AttributeError):
            return
        for name, count in (("input_tokens", "prompt_tokens"), ("output_tokens", "completion_tokens")):
            tokens = usage.get(count)
            setattr(self._stats, name, getattr(self._stats, name) + (tokens if isinstance(tokens, int) else 0))


def _key(head: dict[str, str]) -> str:
    return head.get("api-key") or head.get("authorization", "").removeprefix("Bearer ")


def servers(n: int, **settings: Any) -> Iterable[LlmServer]:
    """So many servers of one kind, not yet started."""
    return [LlmServer(**settings) for _ in range(n)]
