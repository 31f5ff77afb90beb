"""The money: never more than the cap, nothing lost to rounding, nobody waits for ever."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.llm.budget import UNITS, Budget, money
from pipelines.llm.settings import Endpoint, LlmSettings
from pipelines.llm.wire import BudgetReached, Completion, Request


def budget_of(cap: float | None, input_price: float = 1.0, output_price: float = 2.0, **fields: float) -> Budget:
    writer = Endpoint(model="m", input_price=input_price, output_price=output_price, **fields)
    return Budget(LlmSettings(writer=writer, budget=cap))


def request(key: str = "k", n_input: int = 100, n_output: int = 100) -> Request:
    return Request(key, "writer", {}, n_input, n_output)


def used(n_input: int, n_output: int, n_cached: int = 0) -> Completion:
    return Completion(200, input_tokens=n_input, output_tokens=n_output, cached_tokens=n_cached)


def test_a_call_is_charged_what_was_counted() -> None:
    budget = budget_of(1.0, 0.15, 0.6, cached_input_price=0.0375)
    amount = budget.reserve(request())
    assert amount == (100 * 150_000 + 100 * 600_000) == budget.held
    budget.settle(request(), amount, used(80, 10, 40))
    assert budget.held == budget.uncertain == 0
    assert money(budget.certain) == "0.0000135"
    assert budget.taken("k").certain == budget.certain
    assert budget.taken("k").certain == 0, "told once"


def test_what_was_not_billed_costs_nothing_and_what_may_have_been_is_charged_in_full() -> None:
    budget = budget_of(1.0)
    for completion in (None, Completion(0, "timeout"), Completion(200, text="x")):
        budget.settle(request(), budget.reserve(request()), completion)
    assert (budget.certain, budget.held) == (0, 0)
    assert budget.uncertain == 2 * 300_000_000


def test_no_sum_drifts() -> None:
    budget = budget_of(10.0, 0.1, 0.2)
    for _ in range(10_000):
        budget.settle(request(), budget.reserve(request()), used(1, 1))
    assert money(budget.certain) == "0.003"


def test_the_cap_is_the_last_call_that_fits() -> None:
    budget = budget_of(0.0006)
    amounts = [budget.reserve(request()), budget.reserve(request())]
    said = r"could cost 0\.0003 USD; 0 of the budget of 0\.0006 is spent\. Raise `budget:`"
    with pytest.raises(BudgetReached, match=said):
        budget.reserve(request())
    budget.settle(request(), amounts[0], used(100, 100))
    with pytest.raises(BudgetReached):
        budget.reserve(request())
    budget.settle(request(), amounts[1], None)
    budget.reserve(request())


def test_calls_wait_for_what_others_give_back_and_are_refused_when_none_can() -> None:
    async def run() -> None:
        budget = budget_of(0.0006)
        amount = await budget.reserved(request())
        await budget.reserved(request())
        waiting = [asyncio.create_task(budget.reserved(request())) for _ in range(2)]
        await asyncio.sleep(0)
        assert budget.n_waiting == 2
        budget.settle(request(), amount, None)
        assert await waiting[0] == amount
        assert not waiting[1].done()
        budget.settle(request(), amount, used(100, 100))
        await asyncio.sleep(0)
        assert not waiting[1].done(), "the other one in flight may yet give back"
        budget.settle(request(), amount, used(100, 1))
        with pytest.raises(BudgetReached):
            await waiting[1]
        assert budget.held == budget.n_waiting == 0

    asyncio.run(run())


def test_who_waits_and_is_cancelled_holds_nothing_and_holds_nobody_up() -> None:
    async def run() -> None:
        budget = budget_of(0.0006)
        amount = await budget.reserved(request(n_input=300, n_output=150))
        large = asyncio.create_task(budget.reserved(request(n_input=200, n_output=200)))
        small = asyncio.create_task(budget.reserved(request(n_input=1, n_output=1)))
        await asyncio.sleep(0)
        assert budget.n_waiting == 2, "in the order of asking"
        large.cancel()
        await asyncio.gather(large, return_exceptions=True)
        granted = asyncio.create_task(budget.reserved(request(n_input=200, n_output=200)))
        budget.settle(request(), amount, None)
        granted.cancel()
        await asyncio.gather(granted, return_exceptions=True)
        budget.settle(request(), await small, None)
        assert budget.held == budget.n_waiting == 0

    asyncio.run(run())


@given(
    st.integers(0, 3_000_000_000),
    st.lists(
        st.tuples(
            st.integers(1, 300),
            st.integers(1, 300),
            st.integers(0, 5),
            st.sampled_from(["used", "free", "unsure", "lost"]),
        ),
        max_size=60,
    ),
    st.integers(1, 64),
)
def test_the_cap_holds_for_any_usage_in_any_order(
    cap: int, calls: list[tuple[int, int, int, str]], in_flight: int
) -> None:
    async def run() -> None:
        budget = budget_of(cap / UNITS)
        todo = iter(enumerate(calls))
        n_refused = n_done = 0

        async def worker() -> None:
            nonlocal n_refused, n_done
            for number, (n_input, n_output, turns, end) in todo:
                asked = request(str(number), n_input, n_output)
                try:
                    amount = await budget.reserved(asked)
                except BudgetReached:
                    n_refused += 1
                    assert budget.cap is not None
                    assert budget.spent + n_input * UNITS // 10**6 + n_output * 2 * UNITS // 10**6 > budget.cap
                    continue
                for _ in range(turns):
                    await asyncio.sleep(0)
                    assert budget.spent + budget.held <= (budget.cap or 0)
                ends = {
                    "used": used(n_input // 2, n_output // 3),
                    "free": None,
                    "unsure": Completion(0, "timeout"),
                    "lost": Completion(200, input_tokens=n_input),
                }
                budget.settle(asked, amount, ends[end])
                n_done += 1

        await asyncio.wait_for(asyncio.gather(*(worker() for _ in range(in_flight))), 20)
        assert n_refused + n_done == len(calls)
        assert budget.held == budget.n_waiting == 0
        charges = [budget.taken(str(number)) for number in range(len(calls))]
        assert sum(c.certain + c.uncertain for c in charges) == budget.spent <= cap

    asyncio.run(run())


def test_an_endpoint_that_bills_beyond_the_bounds_is_believed() -> None:
    budget = budget_of(1.0)
    before = budget.reserve(request())
    budget.settle(request(), before, used(100, 950))
    after = budget.reserve(request())
    assert after == (100 + 2 * 1_000) * 1_000_000
    assert budget.certain == (100 + 2 * 950) * 1_000_000


@given(st.integers(-(10**20), 10**20))
def test_money_is_exact(units: int) -> None:
    assert Decimal(money(units)) * UNITS == units


def test_without_prices_nothing_is_kept() -> None:
    budget = budget_of(None, 0.0, 0.0)
    budget.settle(request(), budget.reserve(request()), used(10**18, 10**18))
    assert budget.spent == 0
    assert budget.taken("k").certain == 0
