"""The whole client against a server that is not ours: `transformers serve` with a tiny model that knows one sentence.

The protocol, the counts of tokens, the ways of refusing and the server's own ways are real.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

import psutil
import pytest

pytest.importorskip("torch")
pytest.importorskip("fastapi")

from pipelines.llm.checkpoint import checkpoint_model, serve
from pipelines.llm.client import LlmClient
from pipelines.llm.exchange import Ask, Reply, Sampling, conversation
from pipelines.llm.settings import Endpoint, LlmSettings
from pipelines.llm.wire import EndpointDown, EndpointRefused
from tests.llm_server.tiny_model import ANSWER, make

SCHEMA = {
    "type": "object",
    "properties": {"answer": {"type": "string"}},
    "required": ["answer"],
    "additionalProperties": False,
}
"""What the model's sentence holds to."""
OTHER = {"type": "object", "properties": {"dose": {"type": "number"}}, "required": ["dose"]}
"""What it does not."""


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    """For the servers: several wait for one another where others use the cores."""
    with mock.patch.dict("os.environ", OMP_NUM_THREADS="1"):
        yield


@pytest.fixture(scope="session")
def url(model: Path, one_thread: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The served model's URL. One server for all: it takes seconds to start."""
    with ExitStack() as stack:
        runner = stack.enter_context(asyncio.Runner())
        server = serve(model, tmp_path_factory.mktemp("logs"), ready_s=60)
        yield runner.run(server.__aenter__())
        runner.run(server.__aexit__(None, None, None))


@pytest.fixture
def endpoint(url: str, model: Path) -> Endpoint:
    return Endpoint(
        model=checkpoint_model(model), base_url=(url,), api_key_env="NO_SUCH_KEY", max_in_flight=4, max_outage_s=2.0
    )


def ask(number: int, *, schema: dict[str, Any] | None = None, role: str = "writer", **sampling: Any) -> Ask:
    messages = conversation("你是儿科医生。", f"孩子{number}岁，咳嗽三天，怎么办？")
    return Ask(role, "test", "0", messages, schema=schema, sampling=Sampling(**{"max_tokens": 64, **sampling}))


def run(settings: LlmSettings | Endpoint, folder: Path, *asks: Ask) -> tuple[list[Reply], dict[str, Any]]:
    """Replies and the client's report."""
    if isinstance(settings, Endpoint):
        settings = LlmSettings(writer=settings)

    async def asked() -> tuple[list[Reply], dict[str, Any]]:
        async with LlmClient(settings, folder) as client:
            replies = await asyncio.gather(*[client.ask(a) for a in asks])
            return list(replies), client.report()

    return asyncio.run(asked())


def counts(report: dict[str, Any], role: str = "writer") -> dict[str, Any]:
    return dict(report["roles"][role]["test"])


def test_questions_are_answered_and_never_asked_twice(endpoint: Endpoint, tmp_path: Path) -> None:
    asks = [ask(i) for i in range(6)]
    replies, report = run(endpoint, tmp_path, *asks)
    assert [(r.state, r.text) for r in replies] == [("ok", ANSWER)] * 6
    assert (counts(report)["sent"], counts(report)["calls_without_usage"]) == (6, 0)
    again, second = run(endpoint, tmp_path, *asks)
    assert again == replies
    assert (counts(second)["sent"], counts(second)["from_ledger"]) == (0, 6)


def test_tokens_are_those_of_the_models_own_tokenizer(endpoint: Endpoint, model: Path, tmp_path: Path) -> None:
    from transformers import AutoTokenizer

    _, report = run(endpoint, tmp_path, ask(7))
    tokenizer = AutoTokenizer.from_pretrained(model)
    prompt = tokenizer.apply_chat_template(list(ask(7).messages), add_generation_prompt=True, return_dict=True)
    assert counts(report)["input_tokens"] == len(prompt["input_ids"])
    assert counts(report)["output_tokens"] == len(tokenizer.encode(ANSWER, add_special_tokens=False)) + 1


@pytest.mark.parametrize("structured", ["json_schema", "json_object", "prompt", "auto"])
def test_json_comes_in_every_form_of_asking(endpoint: Endpoint, tmp_path: Path, structured: str) -> None:
    replies, report = run(replace(endpoint, structured=structured), tmp_path, ask(1, schema=SCHEMA))
    assert replies[0].ok
    assert replies[0].value == {"answer": "多饮水，注意休息。"}
    assert counts(report)["sent"] == 1


def test_a_schema_that_the_server_does_not_enforce_is_checked_here(endpoint: Endpoint, tmp_path: Path) -> None:
    replies, report = run(endpoint, tmp_path, ask(1, schema=OTHER))
    assert (replies[0].state, replies[0].reason) == ("invalid", "wrong_schema")
    assert counts(report)["sent"] == 2  # one repair turn
    again, second = run(endpoint, tmp_path, ask(1, schema=OTHER))
    assert (again[0].state, counts(second)["sent"]) == ("invalid", 0)


def test_a_reply_cut_off_is_noticed(endpoint: Endpoint, tmp_path: Path) -> None:
    replies, report = run(endpoint, tmp_path, ask(1, max_tokens=1))
    assert (replies[0].state, replies[0].reason) == ("invalid", "truncated")
    assert replies[0].text in ANSWER
    assert counts(report)["turns"] == {"longer": 1}
    replies, _ = run(endpoint, tmp_path, ask(2, schema=SCHEMA, max_tokens=2))
    assert replies[0].reason == "truncated"


def test_a_prompt_longer_than_the_window_is_not_sent(endpoint: Endpoint, tmp_path: Path) -> None:
    long = replace(ask(1), messages=conversation("你是儿科医生。", "咳嗽" * 3_000))
    replies, report = run(replace(endpoint, context_tokens=2_048), tmp_path, long)
    assert (replies[0].state, replies[0].reason) == ("rejected", "context_overflow")
    assert counts(report)["sent"] == 0


def test_a_field_that_the_server_does_not_know_stops_the_run(endpoint: Endpoint, tmp_path: Path) -> None:
    with pytest.raises(EndpointRefused, match=r"extra\.enable_thinking"):  # 422 with `detail`
        run(replace(endpoint, extra={"enable_thinking": False}), tmp_path, ask(1))


def test_a_model_that_it_does_not_serve_is_refused_and_no_outage(endpoint: Endpoint, tmp_path: Path) -> None:
    replies, _ = run(replace(endpoint, model="another"), tmp_path, ask(1))  # 400 with `detail`
    assert (replies[0].state, replies[0].reason) == ("rejected", "bad_request")


def test_a_checkpoint_is_served_while_the_client_is_open(model: Path, tmp_path: Path) -> None:
    settings = LlmSettings(writer=Endpoint(model="m"), assistant=Endpoint(checkpoint=str(model), max_outage_s=2.0))
    replies, report = run(settings, tmp_path, ask(1, role="assistant"), ask(2, role="assistant", schema=SCHEMA))
    assert [r.ok for r in replies] == [True, True]
    assert {r.model for r in replies} == {checkpoint_model(model)}
    assert counts(report, "assistant")["calls_without_usage"] == 0
    with_no_server, second = run(settings, tmp_path, ask(1, role="assistant"), ask(2, role="assistant", schema=SCHEMA))
    assert with_no_server == replies
    assert counts(second, "assistant")["sent"] == 0


def test_a_served_checkpoint_that_dies_ends_the_run(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipelines.llm.checkpoint.MAX_OUTAGE_S", 0.3)
    before = {child.pid for child in psutil.Process().children()}

    async def run() -> None:
        settings = LlmSettings(writer=Endpoint(checkpoint=str(model)))
        async with LlmClient(settings, tmp_path) as client:
            assert (await client.ask(ask(1))).ok
            (server,) = [child for child in psutil.Process().children() if child.pid not in before]
            server.kill()
            await asyncio.gather(*map(client.ask, map(ask, range(2, 10))))

    with pytest.raises(EndpointDown):
        asyncio.run(run())


def test_a_server_that_is_gone_stops_the_run_and_what_was_bought_stays(
    endpoint: Endpoint, model: Path, tmp_path: Path
) -> None:
    bought, _ = run(endpoint, tmp_path, ask(1))
    nobody = replace(endpoint, base_url=("http://127.0.0.1:9/v1",), max_outage_s=0.2)
    with pytest.raises(EndpointDown):
        run(nobody, tmp_path, *map(ask, range(8)))
    again, _ = run(nobody, tmp_path, ask(1))
    assert again == bought
