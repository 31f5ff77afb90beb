"""Asks a batch server some questions, as a process of its own that the tests can kill.

python -m tests.pipelines.llm.batch_run URL FOLDER N [LINES_OF_A_FILE]
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

from pipelines.llm import batch
from pipelines.llm.batch import BatchBackend
from pipelines.llm.batch_files import BatchTerms
from pipelines.llm.batch_watch import BatchPace
from pipelines.llm.settings import Endpoint
from pipelines.llm.wire import BudgetReached, Completion, Request

PACE = BatchPace(quiet_s=0.05, held_s=0.05, first_poll_s=0.01, last_poll_s=0.05, growth=1.2, lookups=(0.0, 0.02, 0.05))


class Money:
    """A meter: what each request may cost is one; `left` is the cap."""

    def __init__(self, left: float = 1e9) -> None:
        self.left, self.reserved_now, self.spent, self.uncertain = left, 0.0, 0.0, 0
        self.most = 0.0

    def reserve(self, request: Request) -> float:
        if self.spent + self.reserved_now + 1.0 > self.left:
            raise BudgetReached("the budget is reached")
        self.reserved_now += 1.0
        self.most = max(self.most, self.spent + self.reserved_now)
        return 1.0

    async def reserved(self, request: Request) -> float:
        return self.reserve(request)

    def settle(self, request: Request, amount: float, completion: Completion | None) -> None:
        self.reserved_now -= amount
        if completion is not None:
            self.spent += 0.125 if completion.output_tokens >= 0 else 1.0
            self.uncertain += completion.output_tokens < 0


def request(number: int, **body: Any) -> Request:
    """A question whose key is its number."""
    messages = [{"role": "user", "content": f"问{number}"}]
    return Request(f"{number:032x}", "writer", {"model": "m", "messages": messages, **body}, 100, 100)


def endpoint(url: str, **more: Any) -> Endpoint:
    """The batch server as an endpoint."""
    return Endpoint(
        model="m",
        base_url=(url,),
        api_key_env="BATCH_TEST_KEY",
        mode="batch",
        **{"max_outage_s": 5.0, "max_attempts": 3, **more},
    )


async def ask(url: str, folder: Path, n: int, money: Money, **more: Any) -> tuple[list[Any], BatchBackend]:
    """The completions of `n` questions asked at once, or what was raised instead; the backend is closed."""
    backend = BatchBackend("writer", endpoint(url, **more), money, folder, pace=PACE)
    try:
        asked = [backend.complete(request(i)) for i in range(n)]
        return await asyncio.gather(*asked, return_exceptions=True), backend
    finally:
        await backend.close()


if __name__ == "__main__":
    if len(sys.argv) > 4:
        batch.terms_of = lambda url: BatchTerms(int(sys.argv[4]), 10_000, 10_000)  # type: ignore[assignment]
    found, _ = asyncio.run(ask(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), Money()))
    assert [c.text for c in found] == [f"答：问{i}" for i in range(int(sys.argv[3]))], found
    print("answered")
