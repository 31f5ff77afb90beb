"""One request to an endpoint, its completion, and what stops a whole run.

What stops a run (all end in a sentence and exit code 2; what was bought stays bought):

    TeacherStopped         nothing more can be asked for now
    ├── EndpointRefused    401, 402, 403, 404: the key, the account or the model's name
    ├── EndpointDown       no answer for longer than `max_outage_s`
    ├── BudgetReached      the next call could cost more than is left
    └── Interrupted        somebody pressed Ctrl-C
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from schemas.errors import PedCorpusError


class TeacherStopped(PedCorpusError):
    """Nothing more can be asked for now; the same command goes on from here."""


class EndpointRefused(TeacherStopped):
    """The endpoint will have none of our calls: the key, the account or the model's name is wrong."""


class EndpointDown(TeacherStopped):
    """An endpoint answered nothing for longer than it may."""


class BudgetReached(TeacherStopped):
    """The next call could cost more than what is left of the budget."""


class Interrupted(TeacherStopped):
    """Somebody wants the run to end; calls in flight are still answered."""


@dataclass(frozen=True)
class Request:
    """The body of a chat completion, ready to be sent.

    Attributes:
        key: Of the call, for the ledger and as `custom_id` in batches.
        role: Whose endpoint.
        body: What `POST /chat/completions` takes.
        max_input_tokens: An upper bound of the prompt's tokens.
        max_output_tokens: An upper bound of the reply's.
    """

    key: str
    role: str
    body: Mapping[str, Any]
    max_input_tokens: int
    max_output_tokens: int


@dataclass(frozen=True)
class Completion:
    """What an endpoint made of a request, retries and all.

    Attributes:
        status: HTTP status of the last answer, 0 where there was none.
        failure: Empty for a completion. Else why there is none: `timeout`, `connection`, `rate_limited`,
            `server_error`, `malformed_response` (to be tried another day); `context_overflow`, `content_filter`,
            `bad_request` (would be the same again).
        text: The message's content.
        finish_reason: As the endpoint gave it: `stop`, `length`, `content_filter` …
        refusal: The message's refusal, where the model says so by itself.
        input_tokens, output_tokens, cached_tokens: As the endpoint counted them; -1 where it did not say.
        n_attempts: HTTP requests that were sent for it.
        latency_s: Of the last one, in seconds.
        detail: For a person: the endpoint's own words, keys taken out, at most 500 characters.
    """

    status: int
    failure: str = ""
    text: str = ""
    finish_reason: str = ""
    refusal: str = ""
    input_tokens: int = -1
    output_tokens: int = -1
    cached_tokens: int = 0
    n_attempts: int = 1
    latency_s: float = 0.0
    detail: str = ""


class Meter(Protocol):
    """Keeps the money: told before each HTTP request, and told what it cost."""

    def reserve(self, request: Request) -> float:
        """Sets aside the most that one attempt can cost; returns the amount.

        Raises:
            BudgetReached: that is more than is left, and nothing in flight will give any back.
        """

    async def reserved(self, request: Request) -> float:
        """As `reserve`, but waits where calls in flight may yet give something back."""

    def settle(self, request: Request, amount: float, completion: Completion | None) -> None:
        """What became of a reservation: the usage of a completion, or None for an attempt that was not billed.

        A completion with `failure` set and tokens of -1 (a timeout, a connection that broke after sending) may have
        been billed: it is charged in full, and counted apart as uncertain.
        """


class Backend(Protocol):
    """Sends requests of one role; live or in batches."""

    async def complete(self, request: Request) -> Completion:
        """The completion, or the failure that every retry ended in.

        Raises:
            TeacherStopped: nothing more can be asked for now.
        """

    def stop(self, words: str) -> None:
        """Nothing more is sent, and who waits gets `Interrupted`; what is in flight is still answered."""

    async def close(self) -> None:
        """Gives connections back; what is in flight is abandoned."""

    def describe(self) -> dict[str, Any]:
        """What it did and found out, for the report: attempts, failures by kind, calls in flight that it settled on."""
