"""The money of a run: set aside before each attempt, settled by what the endpoint counted, never more than the cap.

Amounts are whole numbers of 10⁻¹² of the currency, so that no sum drifts. What a call may cost is reckoned from upper
bounds of its tokens; near the cap calls wait until others have given back what they did not use. What earlier runs
spent is not part of a run's budget; the ledger knows it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from typing import Any, Final

from pipelines.llm.exchange import ROLES
from pipelines.llm.settings import LlmSettings
from pipelines.llm.wire import BudgetReached, Completion, Request

UNITS: Final = 10**12
"""To one of the currency."""


@dataclass
class Price:
    """What a role's tokens cost, in units each; and how far its endpoint went beyond what a request allowed.

    An endpoint that bills more tokens than the bounds allow (thinking that `max_tokens` does not limit) is believed
    from the first time on: the bounds of later requests are multiplied.
    """

    input: int
    output: int
    cached: int
    times_input: int = 1
    times_output: int = 1

    def most(self, request: Request) -> int:
        """What one attempt can cost."""
        n_input, n_output = request.max_input_tokens * self.times_input, request.max_output_tokens * self.times_output
        return n_input * max(self.input, self.cached) + n_output * self.output

    def charge(self, request: Request, completion: Completion) -> int:
        """What the endpoint's count costs."""
        cached = min(max(completion.cached_tokens, 0), completion.input_tokens)
        self.times_input = max(self.times_input, -(-completion.input_tokens // max(1, request.max_input_tokens)))
        self.times_output = max(self.times_output, -(-completion.output_tokens // max(1, request.max_output_tokens)))
        fresh = completion.input_tokens - cached
        return fresh * self.input + cached * self.cached + completion.output_tokens * self.output


@dataclass
class Charge:
    """What one call cost, all its attempts, in units."""

    certain: int = 0
    uncertain: int = 0

    def __add__(self, other: Charge) -> Charge:
        return Charge(self.certain + other.certain, self.uncertain + other.uncertain)


class Budget:
    """Keeps the money of a run; a `wire.Meter`.

    Attributes:
        cap: In units; None for no cap.
        certain: Spent, by what endpoints counted.
        uncertain: Charged in full where an endpoint did not say what it counted.
        held: Set aside for attempts that are under way.
    """

    def __init__(self, settings: LlmSettings) -> None:
        self.cap = None if settings.budget is None else _units(settings.budget)
        self.currency = settings.currency
        self.certain = self.uncertain = self.held = 0
        self._prices = _prices(settings)
        self._free = not any(p.input or p.output or p.cached for p in self._prices.values())
        self._charges: dict[str, Charge] = {}
        self._waiting: deque[tuple[int, asyncio.Future[float]]] = deque()

    @property
    def spent(self) -> int:
        """What is gone for certain or perhaps."""
        return self.certain + self.uncertain

    @property
    def n_waiting(self) -> int:
        """Calls that wait for others to give something back."""
        return len(self._waiting)

    def reserve(self, request: Request) -> float:
        """See `wire.Meter`: at once, or not at all."""
        amount = self._prices[request.role].most(request)
        if self.cap is not None and (self._waiting or self.spent + self.held + amount > self.cap):
            raise self._reached(amount)
        self.held += amount
        return amount

    async def reserved(self, request: Request) -> float:
        """See `wire.Meter`: in the order of asking, so that a large call is not passed by for ever."""
        amount = self._prices[request.role].most(request)
        if self.cap is None or (not self._waiting and self.spent + self.held + amount <= self.cap):
            self.held += amount
            return amount
        waiting: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        place = (amount, waiting)
        self._waiting.append(place)
        self._serve()
        try:
            return await waiting
        except asyncio.CancelledError:
            if place in self._waiting:
                self._waiting.remove(place)
            elif not waiting.cancelled() and waiting.exception() is None:
                self.held -= amount
            self._serve()
            raise

    def settle(self, request: Request, amount: float, completion: Completion | None) -> None:
        """See `wire.Meter`."""
        self.held -= int(amount)
        if completion is not None and not self._free:
            charge = self._charges.setdefault(request.key, Charge())
            if completion.input_tokens < 0 or completion.output_tokens < 0:
                charge.uncertain += int(amount)
                self.uncertain += int(amount)
            else:
                cost = self._prices[request.role].charge(request, completion)
                charge.certain += cost
                self.certain += cost
        if self._waiting:
            self._serve()

    def _serve(self) -> None:
        """Gives to those who wait, the first first; refuses those for whom nothing in flight can release enough."""
        cap = self.cap or 0
        while self._waiting:
            amount, waiting = self._waiting[0]
            if waiting.done():
                self._waiting.popleft()
            elif self.spent + self.held + amount <= cap:
                self._waiting.popleft()
                self.held += amount
                waiting.set_result(amount)
            elif self.spent + amount > cap:
                self._waiting.popleft()
                waiting.set_exception(self._reached(amount))
            else:
                return

    def _reached(self, amount: int) -> BudgetReached:
        unsure = f", {money(self.uncertain)} of them perhaps" if self.uncertain else ""
        return BudgetReached(
            f"llm.budget: the next call could cost {money(amount)} {self.currency}; {money(self.spent)} of the budget "
            f"of {money(self.cap or 0)} is spent{unsure}. Raise `budget:` and run the same again: it goes on from here."
        )

    def taken(self, key: str) -> Charge:
        """What the attempts of a call cost; told once."""
        return self._charges.pop(key, _NOTHING)

    def estimate(self, role: str, input_tokens: int, output_tokens: int) -> int:
        """What that many tokens of a role cost, in units."""
        price = self._prices[role]
        return input_tokens * price.input + output_tokens * price.output

    def report(self) -> dict[str, Any]:
        """The money of this run."""
        return {
            "currency": self.currency,
            "budget": None if self.cap is None else float(money(self.cap)),
            "certain": float(money(self.certain)),
            "uncertain": float(money(self.uncertain)),
        }


_NOTHING: Final = Charge()


def money(units: int) -> str:
    """An amount as a decimal number, exactly."""
    whole, rest = divmod(abs(units), UNITS)
    digits = f"{rest:012d}".rstrip("0")
    return f"{'-' if units < 0 else ''}{whole}{f'.{digits}' if digits else ''}"


def _units(amount: float) -> int:
    """The most whole units in an amount."""
    return int(Decimal(str(amount)) * UNITS)


def _per_token(price: float | None) -> int:
    """Units a token, from a price for a million."""
    return int((Decimal(str(price or 0.0)) * UNITS / 1_000_000).to_integral_value(ROUND_CEILING))


def _prices(settings: LlmSettings) -> dict[str, Price]:
    found = {}
    for role in ROLES:
        if (endpoint := settings.endpoint(role)) is not None:
            given = endpoint.input_price if endpoint.cached_input_price is None else endpoint.cached_input_price
            found[role] = Price(_per_token(endpoint.input_price), _per_token(endpoint.output_price), _per_token(given))
    return found
