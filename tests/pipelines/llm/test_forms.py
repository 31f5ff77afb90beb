"""What an endpoint takes is found out, in batches too, where a request in another form is another request."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipelines.llm.client import LlmClient
from pipelines.llm.exchange import Reply
from pipelines.llm.forms import Forms
from pipelines.llm.reply_schema import ReplySchema
from pipelines.llm.settings import LlmSettings
from tests.llm_server.batch_api import BatchServer, completion, result, serving
from tests.pipelines.llm.batch_run import PACE, endpoint
from tests.pipelines.llm.fake_backend import ENDPOINT, GOOD, SCHEMA, question


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[BatchServer]:
    monkeypatch.setenv("BATCH_TEST_KEY", "sk-of-the-tests")
    monkeypatch.setattr("pipelines.llm.batch.BatchPace", lambda: PACE)
    with serving(BatchServer()) as served:
        yield served


def test_forms_are_found_out_over_batches_and_a_restart_pays_nothing(server: BatchServer, tmp_path: Path) -> None:
    def answer(line: dict[str, Any], n_before: int) -> Any:
        if line["body"].get("response_format", {}).get("type") == "json_schema":
            return result(line, {"error": {"message": "This response_format type is unavailable now"}}, 400)
        return result(line, completion(GOOD))

    server.answer = answer

    async def run() -> list[Reply]:
        settings = LlmSettings(writer=endpoint(server.url, input_price=1.0, output_price=2.0), budget=1.0)
        async with LlmClient(settings, tmp_path) as client:
            return list(await asyncio.gather(*(client.ask(question(i)) for i in range(8))))

    replies = asyncio.run(run())
    assert [r.state for r in replies] == ["ok"] * 8
    n_batches = len(server.batches)
    assert n_batches == 2, "one that was refused in the first form, one in the next"
    assert asyncio.run(run()) == replies
    assert len(server.batches) == n_batches


def test_a_refusal_that_came_late_does_not_change_what_others_found_out() -> None:
    forms = Forms("writer", replace(ENDPOINT, structured="auto"), ReplySchema("s", SCHEMA))
    first = forms.shape
    body = forms.body(question(), first, "m", "0" * 32)
    words = "This response_format type is unavailable now"
    second = forms.after_refusal(first, body, words)
    assert second is not None
    assert second.structure == "json_object"
    for _ in range(5):
        assert forms.after_refusal(first, body, words) == second, "all that were sent in the first form"
    forms.works(second)
    assert forms.after_refusal(second, forms.body(question(), second, "m", "0" * 32), "The request is wrong.") is None
    assert forms.shape == second


def test_a_form_has_one_name() -> None:
    def one() -> Forms:
        return Forms("writer", ENDPOINT, ReplySchema("s", SCHEMA))

    first = one()
    assert first.mark(first.shape) == ""
    simpler = first.shape._replace(structure="prompt", without=frozenset({"seed", "temperature", "top_p"}))
    assert first.mark(simpler) == one().mark(simpler) != ""
