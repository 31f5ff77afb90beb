"""No minute holds more than the limit, nobody is overtaken, and what was expected is put right by what came."""

from __future__ import annotations

import asyncio
import random

import pytest

from pipelines.llm.pace import Expectation, Pace, Window
from pipelines.llm.wire import Completion, Request


def request(n_in: int = 100, n_out: int = 100) -> Request:
    return Request("k", "writer", {}, n_in, n_out)


@pytest.mark.parametrize("limit", [1, 3, 60, 500, 10_000])
def test_no_window_holds_more_wherever_it_begins(limit: int) -> None:
    window, now, sent = Window(limit), 0.0, []
    draw = random.Random(limit)
    while now < 200 and len(sent) < 20_000:
        wait = window.wait_s(1, now)
        if wait > 0:
            now += wait
            continue
        window.send(1, now)
        sent.append(now)
        if draw.random() < 0.01:
            now += draw.uniform(0, 30)  # nobody asked for a while
    first = 0
    for last, at in enumerate(sent):
        while sent[first] <= at - 60:
            first += 1
        assert last - first + 1 <= limit


@pytest.mark.parametrize("limit", [60, 500, 10_000])
def test_the_limit_is_used_and_spread(limit: int) -> None:
    window, now, n = Window(limit), 0.0, 0
    early = 0
    while now < 120:
        if (wait := window.wait_s(1, now)) > 0:
            now += wait
            continue
        window.send(1, now)
        n += 1
        early += now < 6
    assert n >= 0.93 * 2 * limit
    assert early <= 0.15 * limit


def test_tokens_are_booked_as_they_came() -> None:
    window = Window(1_000)
    entry = window.send(900, 0.0)
    assert window.wait_s(200, 30.0) == pytest.approx(30.0, abs=31)
    window.correct(entry, 100.0)
    assert window.wait_s(800, 30.0) == 0.0
    window.correct(entry, 1_000.0)
    assert window.wait_s(1, 30.0) > 0


def test_a_call_beyond_the_limit_goes_alone() -> None:
    window = Window(100)
    assert window.wait_s(5_000, 0.0) == 0.0
    window.send(5_000, 0.0)
    assert window.wait_s(1, 1.0) > 50


def test_expectations_follow_what_replies_take() -> None:
    expected = Expectation()
    assert expected.tokens(request(1_000, 2_000)) == 3_000
    for _ in range(50):
        expected.learn(request(1_000, 2_000), Completion(200, input_tokens=600, output_tokens=200))
    assert expected.tokens(request(1_000, 2_000)) == pytest.approx(800, rel=0.05)


def test_calls_go_in_the_order_of_asking_and_a_cancelled_one_holds_nobody_up() -> None:
    async def run() -> list[int]:
        loop = asyncio.get_running_loop()
        pace, order = Pace(100, None, loop.create_future, minute_s=1.0), []

        async def call(number: int) -> None:
            await pace.permit(request())
            order.append(number)

        tasks = [asyncio.create_task(call(number)) for number in range(20)]
        await asyncio.sleep(0.02)
        tasks[10].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        pace.close()
        return order

    order = asyncio.run(run())
    assert order == [n for n in range(20) if n != 10]


def test_refused_calls_take_no_tokens() -> None:
    async def run() -> None:
        loop = asyncio.get_running_loop()
        pace = Pace(None, 1_000, loop.create_future, minute_s=600.0)
        for _ in range(20):  # each of them books all there is
            permit = await asyncio.wait_for(pace.permit(request(500, 500)), 1)
            pace.settle(permit, request(500, 500), None)

    asyncio.run(run())
