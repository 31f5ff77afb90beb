"""Where the questions of a role go: its endpoint's backend, its model, and what was learnt of both."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from pipelines.llm.exchange import Ask
from pipelines.llm.forms import Forms, Shape
from pipelines.llm.reply_schema import ReplySchema
from pipelines.llm.settings import Endpoint
from pipelines.llm.tokens import TokenScale, most_prompt_tokens, prompt_tokens
from pipelines.llm.wire import Backend, Meter, Request

_MARGIN: Final = 1.15
"""On the estimate of a prompt, where it decides what fits into a window."""
_SHORTEST_TOKENS: Final = 256
"""A reply that has less room is not asked for."""
_MIN_SECRET_CHARS: Final = 8
"""Shorter keys are words such as EMPTY, which servers without keys are given."""


def make_backend(role: str, endpoint: Endpoint, meter: Meter, folder: Path) -> Backend:
    """Who sends requests to an endpoint: live, in batches, or to a checkpoint served here.

    Args:
        role: Whose endpoint; for messages.
        endpoint: Where to.
        meter: Keeps the money.
        folder: Of the ledger, where batches leave what they need after a restart.
    """
    if endpoint.checkpoint:
        from pipelines.llm.served import ServedBackend

        return ServedBackend(role, endpoint, meter, folder)
    if endpoint.mode == "batch":
        from pipelines.llm.batch import BatchBackend

        return BatchBackend(role, endpoint, meter, folder)
    from pipelines.llm.transport import LiveBackend

    return LiveBackend(role, endpoint, meter)


def model_of(endpoint: Endpoint) -> str:
    """The model as keys and rows name it."""
    if endpoint.checkpoint:
        from pipelines.llm.checkpoint import checkpoint_model

        return checkpoint_model(Path(endpoint.checkpoint))
    return endpoint.model


def _as_served(endpoint: Endpoint) -> Endpoint:
    if not endpoint.checkpoint:
        return endpoint
    from pipelines.llm.checkpoint import served

    return served(endpoint, "http://127.0.0.1/v1")  # where, is the backend's business


class Desk:
    """One endpoint, for all roles that share it.

    Attributes:
        configured: The endpoint as the settings have it.
        endpoint: The same, or what a checkpoint is once it is served.
        model: As keys and rows name it.
        backend: Sends.
        scale: Of the model's tokens.
        n_good: Completions that came.
        n_bad_requests: Requests that were refused as wrong, as long as no completion came.
    """

    def __init__(self, role: str, endpoint: Endpoint, backend: Backend) -> None:
        self.role, self.configured, self.backend = role, endpoint, backend
        self.endpoint = _as_served(endpoint)
        self.model, self.scale = model_of(endpoint), TokenScale()
        self.n_good = self.n_bad_requests = 0
        self.waits_long = endpoint.mode == "batch"
        self._forms: dict[str, Forms] = {}
        self._latest: Forms | None = None

    def drawn(self, ask: Ask) -> Ask:
        """The question as this endpoint draws its replies."""
        temperature = self.endpoint.temperature
        if temperature is None or temperature == ask.sampling.temperature:
            return ask
        return replace(ask, sampling=replace(ask.sampling, temperature=temperature))

    def key(self, ask: Ask) -> str:
        """Of the call, in the ledger."""
        return ask.key(self.model, self.endpoint.extra)

    def forms(self, schema: ReplySchema | None) -> Forms:
        """The form for requests with that schema."""
        name = "" if schema is None else schema.text
        found = self._forms.get(name)
        if found is None:
            like = self._latest.shape if self._latest is not None else None
            found = self._latest = self._forms[name] = Forms(self.role, self.endpoint, schema, like)
        return found

    def request(self, ask: Ask, forms: Forms, shape: Shape, key: str) -> Request:
        """The request for a question in a form; its key differs where the form is not the first that is tried.

        A batch knows requests by their keys, and one that was refused in one form is another request in the next.
        """
        window = self.window_after(ask)
        if window is not None and window < ask.sampling.max_tokens:
            ask = replace(ask, sampling=replace(ask.sampling, max_tokens=window))
        body = forms.body(ask, shape, self.endpoint.model, key)
        n_input = most_prompt_tokens(body["messages"], forms.schema_bytes(shape))
        return Request(key + forms.mark(shape), ask.role, body, n_input, self._most_output(ask))

    def _most_output(self, ask: Ask) -> int:
        """The reply's bound; thinking that has a budget of its own comes on top."""
        thinking = self.endpoint.extra.get("thinking_budget", 0) if self.endpoint.extra else 0
        return ask.sampling.max_tokens + (thinking if isinstance(thinking, int) else 0)

    def window_after(self, ask: Ask) -> int | None:
        """Tokens that the window leaves to a reply, by an estimate that nothing learnt changes; None: not known."""
        if self.endpoint.context_tokens is None:
            return None
        return self.endpoint.context_tokens - round(_MARGIN * prompt_tokens(ask.messages))

    def overflows(self, ask: Ask) -> bool:
        """Whether the window leaves no room for a reply that would be of use."""
        window = self.window_after(ask)
        return window is not None and window < min(_SHORTEST_TOKENS, ask.sampling.max_tokens)

    def secret(self) -> str | None:
        """The endpoint's key, where it is one that must not be seen."""
        key = os.environ.get(self.endpoint.api_key_env, "").strip()
        return key if len(key) >= _MIN_SECRET_CHARS else None

    def describe(self) -> dict[str, Any]:
        """For the report."""
        forms = [forms.describe() for forms in self._forms.values()]
        return {
            "model": self.model,
            "mode": "checkpoint" if self.configured.checkpoint else self.endpoint.mode,
            "forms": [form for i, form in enumerate(forms) if form not in forms[:i]],
            "tokens_to_estimate": round(self.scale.ratio, 3),
            **self.backend.describe(),
        }
