"""A question to a role, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from schemas.fingerprints import fingerprint

ROLES: Final = ("writer", "polisher", "assistant", "judge")
"""writer makes questions and answers, polisher rewrites, judge checks; assistant is the weaker model of preferences."""

STATES: Final = ("ok", "rejected", "invalid", "failed")
"""How a question ends; only `failed` is asked again by a later run.

ok         the reply is there and, where a schema was given, holds to it
rejected   the model or the endpoint will not answer this: `refused`, `content_filter`, `context_overflow`,
           `bad_request`
invalid    the reply is of no use, after one repair turn: `empty`, `truncated`, `malformed`, `wrong_schema`
failed     no reply, after every retry: `timeout`, `connection`, `rate_limited`, `server_error`, `malformed_response`
"""

Message = Mapping[str, str]
"""`role` (system | user | assistant) and `content`."""


@dataclass(frozen=True)
class Sampling:
    """How a reply is drawn.

    Attributes:
        temperature: 0 for the likeliest tokens.
        top_p: Nucleus.
        max_tokens: The longest reply, in tokens; what the budget reserves.
    """

    temperature: float = 0.7
    top_p: float = 1.0
    max_tokens: int = 2_048


@dataclass(frozen=True)
class Ask:
    """One question to a role.

    Attributes:
        role: One of `ROLES`; the settings say which model that is.
        prompt: Name of the prompt file that it was made from.
        version: Of that file: a hash of its text.
        messages: The conversation so far, source text and all.
        schema: JSON Schema of the reply, whose top level is an object; None for free text.
        sampling: How to draw.
        sample: Tells apart several draws for one and the same request.
    """

    role: str
    prompt: str
    version: str
    messages: tuple[Message, ...]
    schema: Mapping[str, Any] | None = None
    sampling: Sampling = field(default_factory=Sampling)
    sample: int = 0

    def following(self, reply: Reply, told: str) -> Ask:
        """The same question after its reply, with what the model is told about it."""
        more = ({"role": "assistant", "content": reply.text}, {"role": "user", "content": told})
        return replace(self, messages=(*self.messages, *more))

    def key(self, model: str, extra: Mapping[str, Any] | None = None) -> str:
        """What the ledger knows the call by: 32 hex digits over all that decides the reply, and nothing else.

        Where the endpoint is, how often was tried and who pays are no part of it.

        Args:
            model: The role's model.
            extra: Fields that the endpoint's settings add to the request's body.
        """
        drawn = [self.sampling.temperature, self.sampling.top_p, self.sampling.max_tokens, self.sample]
        messages = [[m["role"], m["content"]] for m in self.messages]
        return fingerprint([model, messages, self.schema, drawn, self.prompt, self.version, dict(extra or {})])


@dataclass(frozen=True)
class Reply:
    """What came of a question.

    Attributes:
        key: Of the call in the ledger; of the last one, where a repair turn or a longer draw followed.
        state: One of `STATES`.
        text: What the model wrote; empty unless there is something.
        value: The parsed reply where a schema was given and `state` is `ok`.
        reason: Why it is not `ok`, one of the words in `STATES`; empty where it is.
        model: Who wrote it.
    """

    key: str
    state: str
    text: str = ""
    value: Any = None
    reason: str = ""
    model: str = ""

    @property
    def ok(self) -> bool:
        """Whether there is something to use."""
        return self.state == "ok"


def conversation(system: str, *turns: str) -> tuple[Message, ...]:
    """A system message and turns that begin with the user and alternate."""
    roles: Sequence[str] = ("user", "assistant")
    return (
        {"role": "system", "content": system},
        *({"role": roles[i % 2], "content": turn} for i, turn in enumerate(turns)),
    )
