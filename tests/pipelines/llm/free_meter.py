"""Meters for tests of what sends calls."""

from __future__ import annotations

from dataclasses import dataclass, field

from pipelines.llm.wire import Completion, Request


@dataclass
class FreeMeter:
    """Money is no object; every reservation must be settled, exactly once.

    Attributes:
        open: Reserved and not settled.
        settled: What each attempt was settled with, in order.
    """

    open: int = 0
    n_reserved: int = 0
    settled: list[Completion | None] = field(default_factory=list)

    def reserve(self, request: Request) -> float:
        self.open += 1
        self.n_reserved += 1
        return 1.0

    async def reserved(self, request: Request) -> float:
        return self.reserve(request)

    def settle(self, request: Request, amount: float, completion: Completion | None) -> None:
        assert amount == 1.0
        self.open -= 1
        assert self.open >= 0, "settled twice"
        self.settled.append(completion)
