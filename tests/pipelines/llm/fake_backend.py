"""A backend without a wire: a function says what each request gets."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

from pipelines.llm.exchange import Ask, Sampling, conversation
from pipelines.llm.settings import Endpoint, LlmSettings
from pipelines.llm.wire import Completion, Meter, Request

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "question": {"type": "string", "minLength": 2},
        "answer": {"type": "string"},
        "level": {"type": "integer", "minimum": 1, "maximum": 5},
    },
    "required": ["question", "answer"],
    "additionalProperties": False,
}
GOOD = json.dumps({"question": "孩子发热怎么办？", "answer": "多饮水，注意休息。", "level": 2}, ensure_ascii=False)
ENDPOINT = Endpoint(model="m", base_url=("http://127.0.0.1:1/v1",), input_price=1.0, output_price=2.0)
SETTINGS = LlmSettings(writer=ENDPOINT, budget=1_000.0)


def said(text: str, **fields: Any) -> Completion:
    """A completion with that text."""
    return Completion(200, text=text, **{"finish_reason": "stop", "input_tokens": 30, "output_tokens": 20, **fields})


def question(n: int | str = 0, *, schema: Any = SCHEMA, role: str = "writer", prompt: str = "ask", **kw: Any) -> Ask:
    """A question that differs from others by `n`."""
    return Ask(role, prompt, "v1", conversation("你是儿科医生。", f"第 {n} 段材料"), schema, Sampling(**kw))


class FakeBackend:
    """Gives each request what `answer` makes of it; keeps what it was sent."""

    def __init__(self, answer: Callable[[Request], Completion] | None = None, latency_s: float = 0.0) -> None:
        self.answer = answer or (lambda request: said(GOOD))
        self.latency_s = latency_s
        self.meter: Meter | None = None
        self.sent: list[Request] = []
        self.n_closed = 0

    async def complete(self, request: Request) -> Completion:
        amount = await self.meter.reserved(request) if self.meter else 0.0
        self.sent.append(request)
        await asyncio.sleep(self.latency_s)
        completion = self.answer(request)
        if self.meter:
            unbilled = completion.failure in ("bad_request", "rate_limited")
            self.meter.settle(request, amount, None if unbilled else completion)
        return completion

    def stop(self, words: str) -> None:
        """Nothing waits here."""

    async def close(self) -> None:
        self.n_closed += 1

    def describe(self) -> dict[str, Any]:
        return {"n_sent": len(self.sent)}
