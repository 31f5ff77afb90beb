"""The client: what is asked again and what never, what follows a useless reply, what it finds out by itself."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipelines.llm.client import MAX_BAD_REQUESTS, LlmClient
from pipelines.llm.exchange import Ask, Reply, Sampling
from pipelines.llm.ledger import Ledger
from pipelines.llm.settings import Endpoint, LlmSettings
from pipelines.llm.wire import BudgetReached, Completion, EndpointRefused, Request
from schemas.errors import ConfigError, StoreError
from tests.pipelines.llm.fake_backend import ENDPOINT, GOOD, SETTINGS, FakeBackend, question, said


def asked(
    folder: Path, backend: FakeBackend, asks: Sequence[Ask], settings: LlmSettings = SETTINGS
) -> tuple[list[Reply], LlmClient]:
    """The replies to questions that are asked all at once."""

    async def run() -> tuple[list[Reply], LlmClient]:
        async with LlmClient(settings, folder, backends={"writer": backend}) as client:
            backend.meter = client.budget
            return list(await asyncio.gather(*map(client.ask, asks))), client

    return asyncio.run(run())


def one(folder: Path, answer: Callable[[Request], Completion], ask: Ask) -> tuple[Reply, FakeBackend]:
    backend = FakeBackend(answer)
    return asked(folder, backend, [ask])[0][0], backend


def test_a_reply_is_bought_once(tmp_path: Path) -> None:
    backend = FakeBackend()
    first, _ = asked(tmp_path, backend, [question(i) for i in range(20)])
    again, _ = asked(tmp_path, backend, [question(i) for i in range(20)])
    assert len(backend.sent) == 20
    assert first == again
    assert first[0].value == json.loads(GOOD)
    assert first[0].model == "m"


def test_equal_questions_in_flight_are_asked_once(tmp_path: Path) -> None:
    backend = FakeBackend(latency_s=0.01)
    replies, _ = asked(tmp_path, backend, [question(1)] * 50)
    assert len(backend.sent) == 1
    assert len(set(map(repr, replies))) == 1


@pytest.mark.parametrize(
    ("completion", "state", "reason", "n_first", "n_again"),
    [
        (said("", refusal="我不能回答。"), "rejected", "refused", 1, 0),
        (said("半句", finish_reason="content_filter"), "rejected", "content_filter", 1, 0),
        (Completion(400, "context_overflow"), "rejected", "context_overflow", 1, 0),
        (Completion(400, "content_filter"), "rejected", "content_filter", 1, 0),
        (said('{"question": "孩子', finish_reason="length"), "invalid", "truncated", 2, 0),
        (said("  \n"), "invalid", "empty", 2, 0),
        (said("好的，我来回答。"), "invalid", "malformed", 2, 0),
        (said('{"question": "问题"}'), "invalid", "wrong_schema", 2, 0),
        (Completion(0, "timeout"), "failed", "timeout", 1, 1),
        (Completion(503, "server_error"), "failed", "server_error", 1, 1),
        (Completion(200, "malformed_response"), "failed", "malformed_response", 1, 1),
    ],
)
def test_how_calls_end_and_what_is_asked_again(
    tmp_path: Path, completion: Completion, state: str, reason: str, n_first: int, n_again: int
) -> None:
    reply, backend = one(tmp_path, lambda request: completion, question())
    assert (reply.state, reply.reason, len(backend.sent)) == (state, reason, n_first)
    reply, backend = one(tmp_path, lambda request: completion, question())
    assert (reply.state, reply.reason, len(backend.sent)) == (state, reason, n_again)


def test_what_failed_is_asked_again_and_then_is_there(tmp_path: Path) -> None:
    one(tmp_path, lambda request: Completion(0, "connection"), question())
    reply, backend = one(tmp_path, lambda request: said(GOOD), question())
    assert reply.ok
    assert len(backend.sent) == 1
    reply, backend = one(tmp_path, lambda request: said("!"), question())
    assert reply.ok
    assert not backend.sent


def test_a_repair_turn_is_a_call_of_its_own_and_tells_what_is_wrong(tmp_path: Path) -> None:
    def answer(request: Request) -> Completion:
        last = request.body["messages"][-1]["content"]
        return said(GOOD if "缺少必需的键 answer" in last else '{"question": "问题"}')

    reply, backend = one(tmp_path, answer, question())
    assert reply.ok
    assert backend.sent[-1].key.startswith(reply.key)
    assert backend.sent[0].key != reply.key
    assert [m["role"] for m in backend.sent[1].body["messages"]] == ["system", "user", "assistant", "user"]
    again, backend = one(tmp_path, answer, question())
    assert again == reply
    assert not backend.sent


def test_a_longer_draw_and_another_draw(tmp_path: Path) -> None:
    def cut(request: Request) -> Completion:
        return said(GOOD) if request.body["max_tokens"] == 200 else said(GOOD[:20], finish_reason="length")

    reply, backend = one(tmp_path / "a", cut, question(max_tokens=100))
    assert reply.ok
    assert [r.max_output_tokens for r in backend.sent] == [100, 200]
    texts = iter(["<think>我想想</think>\n", GOOD])
    reply, backend = one(tmp_path / "b", lambda request: said(next(texts)), question())
    assert reply.ok
    assert len({r.key for r in backend.sent}) == len({r.body["seed"] for r in backend.sent}) == 2


def test_a_longer_draw_that_the_model_cannot_make_leaves_the_reply_truncated(tmp_path: Path) -> None:
    def answer(request: Request) -> Completion:
        if request.body["max_tokens"] > 100:
            return Completion(400, "bad_request", detail="max_tokens is too large: 200.")
        return said(GOOD[:20], finish_reason="length")

    for n_sent in (2, 0):
        reply, backend = one(tmp_path, answer, question(max_tokens=100))
        assert (reply.state, reply.reason, len(backend.sent)) == ("invalid", "truncated", n_sent)


def test_thoughts_are_kept_in_the_ledger_and_not_handed_on(tmp_path: Path) -> None:
    reply, _ = one(tmp_path, lambda request: said("<think>先想。</think>\n\n多喝水。"), question(schema=None))
    assert reply.text == "多喝水。"
    with Ledger(tmp_path, read_only=True) as ledger:
        assert [call["text"] for call in ledger.calls()] == ["<think>先想。</think>\n\n多喝水。"]


def refuses(*names: str, structure: Sequence[str] = ()) -> Callable[[Request], Completion]:
    """An endpoint that does not know some fields, or some kinds of `response_format`."""

    def answer(request: Request) -> Completion:
        for name in names:
            if name in request.body:
                words = f"Unsupported parameter: '{name}' is not supported with this model."
                return Completion(400, "bad_request", detail=words)
        kind = request.body.get("response_format", {}).get("type", "prompt")
        if kind in structure:
            return Completion(400, "bad_request", detail="This response_format type is unavailable now")
        return said(GOOD)

    return answer


@pytest.mark.parametrize(
    "answer",
    [
        refuses(structure=["json_schema"]),
        refuses(structure=["json_schema", "json_object"]),
        refuses("max_tokens", "temperature", "seed", structure=["json_schema"]),
        lambda r: Completion(400, "bad_request", detail="Bad Request") if "seed" in r.body else said(GOOD),
        lambda r: Completion(400, "bad_request", detail="no") if "response_format" in r.body else said(GOOD),
    ],
    ids=["schema", "format", "many", "unnamed seed", "unnamed format"],
)
def test_what_an_endpoint_cannot_do_is_found_out_and_nobody_pays_for_it(
    tmp_path: Path, answer: Callable[[Request], Completion]
) -> None:
    backend = FakeBackend(answer, latency_s=0.001)
    replies, _ = asked(tmp_path, backend, [question(i) for i in range(60)])
    assert {r.state for r in replies} == {"ok"}
    n = len(backend.sent)
    again, _ = asked(tmp_path, FakeBackend(), [question(i) for i in range(60)])
    assert again == replies, "the key of a call does not depend on the form it was sent in"
    later = FakeBackend(answer)

    async def run() -> None:
        async with LlmClient(SETTINGS, tmp_path, backends={"writer": later}) as client:
            for i in range(100, 130):
                assert (await client.ask(question(i))).ok

    asyncio.run(run())
    assert len(later.sent) <= 30 + 6, "found out once, then known"
    assert n <= 60 * 6


def test_the_schema_is_told_where_it_cannot_be_sent(tmp_path: Path) -> None:
    _, backend = one(tmp_path, refuses(structure=["json_schema", "json_object"]), question())
    plain = backend.sent[-1].body
    assert "response_format" not in plain
    assert '"minLength":2' in plain["messages"][0]["content"]
    strict = backend.sent[0].body["response_format"]["json_schema"]
    assert strict["strict"] is True
    assert strict["schema"]["required"] == ["question", "answer", "level"]
    assert "minLength" not in json.dumps(strict)


def test_an_endpoint_that_ignores_the_schema_is_told_it_in_the_prompt(tmp_path: Path) -> None:
    def answer(request: Request) -> Completion:
        return said(GOOD if "JSON Schema" in json.dumps(request.body["messages"], ensure_ascii=False) else "好的。")

    backend = FakeBackend(answer)

    async def run() -> None:
        async with LlmClient(SETTINGS, tmp_path, backends={"writer": backend}) as client:
            assert [(await client.ask(question(i))).ok for i in range(5)] == [True] * 5

    asyncio.run(run())
    assert len(backend.sent) == 6, "one repair turn, and from then on the schema in the prompt"


def test_what_the_configuration_insists_on_and_nobody_takes_stops_with_a_sentence(tmp_path: Path) -> None:
    insisting = replace(SETTINGS, writer=replace(ENDPOINT, structured="json_schema"))
    with pytest.raises(EndpointRefused, match=r"llm.writer: .*`structured:`"):
        asked(tmp_path, FakeBackend(refuses(structure=["json_schema"])), [question()], insisting)
    extra = replace(SETTINGS, writer=replace(ENDPOINT, extra={"enable_thinking": False}))
    with pytest.raises(EndpointRefused, match=r"`extra.enable_thinking:`"):
        asked(tmp_path, FakeBackend(refuses("enable_thinking")), [question()], extra)


def test_an_endpoint_that_refuses_everything_is_not_remembered_by_every_question(tmp_path: Path) -> None:
    wrong = FakeBackend(lambda request: Completion(400, "bad_request", detail="tenant is not set up"))
    with pytest.raises(EndpointRefused, match="tenant is not set up"):
        asked(tmp_path, wrong, [question(i) for i in range(2 * MAX_BAD_REQUESTS)])
    replies, _ = asked(tmp_path, FakeBackend(), [question(i) for i in range(2 * MAX_BAD_REQUESTS)])
    assert all(r.ok for r in replies)


def test_a_single_bad_request_is_rejected_and_remembered(tmp_path: Path) -> None:
    def answer(request: Request) -> Completion:
        bad = "第 3 段" in request.body["messages"][-1]["content"]
        return Completion(400, "bad_request", detail="The request is wrong.") if bad else said(GOOD)

    backend = FakeBackend(answer)
    states = [[r.state for r in asked(tmp_path, backend, [question(i)])[0]] for i in range(5)]
    assert states == [["ok"], ["ok"], ["ok"], ["rejected"], ["ok"]]


def test_the_temperature_of_the_endpoint_takes_the_place_of_the_prompts(tmp_path: Path) -> None:
    cool = replace(SETTINGS, writer=replace(ENDPOINT, temperature=0.0))
    backend = FakeBackend()
    (first,), _ = asked(tmp_path, backend, [question(temperature=0.9)], cool)
    (second,), _ = asked(tmp_path, backend, [question(temperature=0.0)])
    assert first.key == second.key
    assert [r.body["temperature"] for r in backend.sent] == [0.0]


def test_a_question_that_the_window_cannot_hold_is_not_sent(tmp_path: Path) -> None:
    narrow = replace(SETTINGS, writer=replace(ENDPOINT, context_tokens=600))
    backend = FakeBackend()
    asks = [question("长" * 900), question(1, max_tokens=100), question("长" * 300, max_tokens=500)]
    replies, _ = asked(tmp_path, backend, asks, narrow)
    assert [(r.state, r.reason) for r in replies] == [("rejected", "context_overflow"), ("ok", ""), ("ok", "")]
    lengths = [r.body["max_tokens"] for r in backend.sent]
    assert lengths[0] == 100
    assert 256 <= lengths[1] < 600 - 200, "what the prompt leaves"
    wide, _ = asked(tmp_path, backend, asks)
    assert [r.ok for r in wide] == [True] * 3
    assert len(backend.sent) == 3, "what was not sent is not in the ledger; the others do not know of the window"


def test_what_stops_a_run_is_raised_when_calls_in_flight_have_ended(tmp_path: Path) -> None:
    """A runner cancels everything when one question raises: by then all that is paid for is written down."""

    class Refusing(FakeBackend):
        async def complete(self, request: Request) -> Completion:
            if "第 7 段" in request.body["messages"][-1]["content"]:
                raise EndpointRefused("llm.writer: the key was refused.")
            return await super().complete(request)

    backend = Refusing(latency_s=0.05)

    async def run() -> None:
        async with LlmClient(SETTINGS, tmp_path, backends={"writer": backend}) as client, asyncio.TaskGroup() as group:
            for i in range(30):
                group.create_task(client.ask(question(i)))

    with pytest.raises(ExceptionGroup) as error:
        asyncio.run(run())
    assert error.group_contains(EndpointRefused)
    with Ledger(tmp_path, read_only=True) as ledger:
        assert len(ledger) == len(backend.sent)
        assert ledger.runs()[-1]["stopped"] == "llm.writer: the key was refused."


def test_after_a_stop_nothing_is_sent_but_the_ledger_answers(tmp_path: Path) -> None:
    asked(tmp_path, FakeBackend(), [question(1)])
    poor = replace(SETTINGS, budget=0.0)
    backend = FakeBackend()

    async def run() -> None:
        async with LlmClient(poor, tmp_path, backends={"writer": backend}) as client:
            backend.meter = client.budget
            for i in (2, 3):
                with pytest.raises(BudgetReached, match="Raise `budget:`"):
                    await client.ask(question(i))
            assert (await client.ask(question(1))).ok

    asyncio.run(run())
    assert not backend.sent


def test_whoever_asked_first_gives_up_and_the_others_get_their_reply(tmp_path: Path) -> None:
    backend = FakeBackend(latency_s=0.02)

    async def run() -> None:
        async with LlmClient(SETTINGS, tmp_path, backends={"writer": backend}) as client:
            first = asyncio.create_task(client.ask(question()))
            others = [asyncio.create_task(client.ask(question())) for _ in range(3)]
            await asyncio.sleep(0.005)
            first.cancel()
            assert [reply.ok for reply in await asyncio.gather(*others)] == [True] * 3
            assert client.report()["roles"]["writer"]["ask"]["stopped"] == 1

    asyncio.run(run())


def test_roles_with_equal_endpoints_share_one_backend_and_an_absent_role_is_a_sentence(tmp_path: Path) -> None:
    backend = FakeBackend()

    async def run() -> None:
        async with LlmClient(SETTINGS, tmp_path, backends={"writer": backend}) as client:
            await client.ask(question(1))
            await client.ask(question(2, role="judge"))
            with pytest.raises(ConfigError, match=r"llm\.assistant"):
                await client.ask(question(3, role="assistant"))
            assert [e["roles"] for e in client.report()["endpoints"]] == [["writer", "judge"]]

    asyncio.run(run())
    assert len(backend.sent) == 2
    assert backend.n_closed == 1


def test_two_clients_do_not_ask_with_one_ledger(tmp_path: Path) -> None:
    async def run() -> None:
        async with LlmClient(SETTINGS, tmp_path):
            with pytest.raises(StoreError, match=r"another process \(\d+\) is asking with this ledger"):
                await LlmClient(SETTINGS, tmp_path).__aenter__()

    asyncio.run(run())


def test_the_report_adds_up_and_is_kept(tmp_path: Path) -> None:
    def answer(request: Request) -> Completion:
        n = int(request.body["messages"][1]["content"].split()[1])
        return [said(GOOD), said("?"), Completion(0, "timeout"), said("", refusal="不")][n % 4]

    asked(tmp_path, FakeBackend(answer), [*(question(i) for i in range(40)), question(0)])
    with Ledger(tmp_path, read_only=True) as ledger:
        report = ledger.runs()[-1]
        assert sum(float(c["certain"]) for c in ledger.calls()) == pytest.approx(report["money"]["certain"])
    tally = report["roles"]["writer"]["ask"]
    assert tally["asked"] == 41 == tally["ok"] + tally["rejected"] + tally["invalid"] + tally["failed"]
    assert (tally["ok"], tally["shared"], tally["turns"], tally["sent"]) == (11, 1, {"repair": 10}, 50)
    assert tally["reasons"] == {"failed:timeout": 10, "invalid:malformed": 10, "rejected:refused": 10}
    assert report["money"]["uncertain"] > report["money"]["certain"] > 0, "timeouts are charged in full"


def test_estimates_learn_from_what_was_counted(tmp_path: Path) -> None:
    def heavy(request: Request) -> Completion:
        n_chars = sum(len(m["content"]) for m in request.body["messages"])
        return said(GOOD, input_tokens=2 * n_chars, output_tokens=77)

    ask = replace(question("热" * 400), sampling=Sampling(max_tokens=900))

    async def estimated() -> tuple[int, int, float]:
        async with LlmClient(SETTINGS, tmp_path, backends={"writer": FakeBackend()}) as client:
            return client.estimate(ask)

    before = asyncio.run(estimated())
    asked(tmp_path, FakeBackend(heavy), [question(f"{i}" + "热" * 400) for i in range(60)])
    after = asyncio.run(estimated())
    assert before[1] == 300
    assert after[1] == 77
    assert 2 * before[0] < after[0] < 4 * before[0]
    assert after[2] == pytest.approx((after[0] * 1.0 + after[1] * 2.0) / 1e6)


def test_a_key_that_a_server_echoes_gets_nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = "sk-canary-0123456789"
    monkeypatch.setenv("OPENAI_API_KEY", secret)
    answers = iter([said(f"你的密钥是 {secret}。"), Completion(500, "server_error", detail=f"Bearer {secret} …")])
    replies, client = asked(
        tmp_path, FakeBackend(lambda r: next(answers)), [question(i, schema=None) for i in range(2)]
    )
    assert "***" in replies[0].text
    assert secret not in repr(replies) + repr(vars(client)["_account"].report())
    for path in tmp_path.rglob("*"):
        assert secret.encode() not in path.read_bytes()


def test_halves_of_surrogates_come_out_as_text_that_can_be_written(tmp_path: Path) -> None:
    text = '{"question": "孩子\\ud83d发热", "answer": "\\ud83d\\ude00 \\u0000"}'
    reply, _ = one(tmp_path, lambda request: said(text), question("\udc00"))
    assert reply.value == {"question": "孩子�发热", "answer": "😀 \0"}
    for n_sent in (1, 0):
        plain, backend = one(tmp_path, lambda request: said("半个\ud83d"), question(schema=None))
        assert (plain.text, len(backend.sent)) == ("半个�", n_sent)
    again, backend = one(tmp_path, lambda request: said("?"), question("\udc00"))
    assert again == reply
    assert not backend.sent


def test_status_is_a_line(tmp_path: Path) -> None:
    _, client = asked(tmp_path, FakeBackend(), [question(1)])
    assert "calls/s" in client.status()
    assert "0 asked" in client.status()
    assert "of 1000 USD" in client.status()


def test_a_line_of_the_ledger_that_was_edited_is_not_believed(tmp_path: Path) -> None:
    asked(tmp_path, FakeBackend(), [question(1), question(2)])
    path = tmp_path / "calls.jsonl"
    path.write_bytes(path.read_bytes().replace("注意休息".encode(), "不必休息".encode(), 1))
    backend = FakeBackend()
    replies, _ = asked(tmp_path, backend, [question(1), question(2)])
    assert len(backend.sent) == 1
    assert {r.value["answer"] for r in replies} == {"多饮水，注意休息。"}
    with Ledger(tmp_path, read_only=True) as ledger:
        assert ledger.runs()[-1]["ledger"]["n_damaged"] == 1


def test_an_endpoint_without_a_budget_needs_no_prices(tmp_path: Path) -> None:
    plain = LlmSettings(writer=Endpoint(model="m"))
    replies, client = asked(tmp_path, FakeBackend(), [question(1)], plain)
    assert replies[0].ok
    assert client.budget.spent == 0


def test_money_of_calls_that_the_end_of_the_budget_stopped_is_in_their_tally(tmp_path: Path) -> None:
    class Twice(FakeBackend):
        async def complete(self, request: Request) -> Completion:
            for _ in range(2):  # a connection that broke after sending, and another try
                assert self.meter is not None
                amount = await self.meter.reserved(request)
                await asyncio.sleep(0)
                self.meter.settle(request, amount, Completion(0, "connection"))
            return Completion(0, "connection", n_attempts=2)

    async def run() -> dict[str, Any]:
        backend = Twice()
        settings = replace(SETTINGS, budget=0.0105)
        async with LlmClient(settings, tmp_path, backends={"writer": backend}) as client:
            backend.meter = client.budget
            found = await asyncio.gather(*(client.ask(question(i)) for i in range(9)), return_exceptions=True)
            assert any(isinstance(each, BudgetReached) for each in found)
            return client.report()

    report = asyncio.run(run())
    tally = report["roles"]["writer"]["ask"]
    assert report["money"]["uncertain"] > 0
    assert tally["uncertain"] == pytest.approx(report["money"]["uncertain"])
