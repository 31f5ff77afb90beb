"""Who is asked, how fast, and for how much: the `llm:` section of a configuration."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from pipelines.llm.exchange import ROLES
from schemas.errors import ConfigError

STRUCTURED: Final = ("auto", "json_schema", "json_object", "prompt")
MODES: Final = ("live", "batch")
_VARIABLE: Final = re.compile(r"[A-Z][A-Z0-9_]{0,63}")
_OURS: Final = {"model", "messages", "stream", "n", "response_format", "seed", "max_tokens", "max_completion_tokens"}
"""Fields of a request's body that `extra` must not set."""
BATCH_JOBS: Final = 20_000
"""Jobs that wait for one batch: some 10 kB of memory each."""
_SECRET: Final = re.compile(
    r"api[-_]?key|(access|auth|api|bearer)[-_]?token|^(key|token)$|authorization|secret|password", re.IGNORECASE
)
"""Names of fields that hold what nobody may read; `max_tokens` and its like do not."""


@dataclass(frozen=True)
class Endpoint:
    """An OpenAI-compatible endpoint and the model that answers there.

    Attributes:
        model: Its name, as the endpoint knows it.
        base_url: Up to and including `/v1`; several for several servers of the same model. Where it is left out:
            `OPENAI_BASE_URL`, or else OpenAI itself.
        api_key_env: The environment variable that holds the key; it may be unset where the server asks for none.
        api_version: Of Azure's deployments, e.g. `2024-10-21`; not needed for Azure's `/openai/v1` addresses.
        mode: `live`, or `batch` for the Batch API: half the price, an answer within a day.
        max_in_flight: The most calls at a time, for each URL. Fewer where the server asks for it or slows down.
        requests_per_minute: The account's limit, if any.
        tokens_per_minute: The account's limit, if any; prompt and reply together.
        timeout_s: For one call, in seconds, from sending to the last byte.
        max_attempts: Tries of one call, waits between them and all, before it counts as failed.
        max_outage_s: How long, in seconds, an endpoint may answer nothing at all before the run stops.
        structured: How a reply in JSON is asked for; `auto` finds out what the endpoint can do, in this order.
        max_tokens_field: `max_completion_tokens` for OpenAI's newer models, else `max_tokens`; `auto` finds out.
        send_seed: Send a seed, derived from the question, so that a draw can be repeated where the server can.
        extra: Further fields of the request's body, e.g. `{enable_thinking: false}`.
        temperature: Overrides the prompts' own; None leaves them.
        context_tokens: The model's window; longer requests are not sent. None: not known, the server will say.
        input_price: For a million prompt tokens, in `llm.currency`.
        output_price: For a million tokens of replies.
        cached_input_price: For a million prompt tokens that the endpoint had cached; None: as `input_price`.
        checkpoint: Folder of a model in Hugging Face's format, served on this machine by `transformers serve` while
            the stage runs, instead of `base_url`.
    """

    model: str = ""
    base_url: tuple[str, ...] = ()
    api_key_env: str = "OPENAI_API_KEY"
    api_version: str | None = None
    mode: str = field(default="live", metadata={"choices": MODES})
    max_in_flight: int = field(default=64, metadata={"min": 1, "max": 4_096})
    requests_per_minute: int | None = field(default=None, metadata={"min": 1})
    tokens_per_minute: int | None = field(default=None, metadata={"min": 1})
    timeout_s: float = field(default=120.0, metadata={"min": 0.1, "max": 3_600.0})
    max_attempts: int = field(default=6, metadata={"min": 1, "max": 50})
    max_outage_s: float = field(default=300.0, metadata={"min": 0.0, "max": 86_400.0})
    structured: str = field(default="auto", metadata={"choices": STRUCTURED})
    max_tokens_field: str = field(default="auto", metadata={"choices": ("auto", "max_tokens", "max_completion_tokens")})
    send_seed: bool = True
    extra: Mapping[str, Any] = field(default_factory=dict, metadata={"nested": True})
    temperature: float | None = field(default=None, metadata={"min": 0.0, "max": 2.0})
    context_tokens: int | None = field(default=None, metadata={"min": 256})
    input_price: float | None = field(default=None, metadata={"min": 0.0})
    output_price: float | None = field(default=None, metadata={"min": 0.0})
    cached_input_price: float | None = field(default=None, metadata={"min": 0.0})
    checkpoint: str | None = None

    def __post_init__(self) -> None:
        problems = []
        if not self.model and not self.checkpoint:
            problems.append("`model:` is missing; the name that the endpoint knows the model by.")
        if self.checkpoint and self.base_url:
            problems.append("`checkpoint:` and `base_url:` exclude each other; leave one out.")
        if self.checkpoint and self.mode == "batch":
            problems.append("mode: a checkpoint is served live; there is no Batch API for it.")
        problems += [f"base_url: {problem}" for url in self.base_url if (problem := address_problem(url))]
        if not _VARIABLE.fullmatch(self.api_key_env):  # which may be a key: it is not repeated
            problems.append("api_key_env: should be the *name* of an environment variable, such as OPENAI_API_KEY.")
        if ours := sorted({*self.extra} & _OURS):
            problems.append(f"extra: {', '.join(ours)} is set by the program; take it out.")
        for name in _secrets_in(self.extra):  # the manifest publishes the settings
            problems.append(f"extra: `{name}` holds a key, by its name. Put it into the variable of `api_key_env:`.")
        if problems:
            raise ConfigError(problems)


def address_problem(url: str) -> str:
    """What keeps calls from being sent to an address, empty where nothing does; a password in it is not repeated."""
    shown = f"`{re.sub('//.*@', '//***@', url)}`"
    if not url.startswith(("http://", "https://")):
        return f"{shown} should begin with http:// or https://."
    if re.search(r"[\s\x00-\x1f\x7f]", url):
        return f"{shown} has a space or a line end in it; take it out."
    try:
        parts = urlsplit(url)
        _ = parts.port
        host = (parts.hostname or "").removesuffix(".")
        host.encode("idna")
    except ValueError:  # of a port as of a name
        return f"{shown} is no address: its host or its port cannot be."
    return "" if host else f"{shown} names no host."


def _secrets_in(extra: Any) -> list[str]:
    """Names in `extra`, at any depth, under which a key would be sent and written down."""
    if isinstance(extra, Mapping):
        own = [str(name) for name, value in extra.items() if isinstance(value, str) and _SECRET.search(str(name))]
        return own + [name for value in extra.values() for name in _secrets_in(value)]
    return [name for item in extra for name in _secrets_in(item)] if isinstance(extra, list | tuple) else []


def voice(endpoint: Endpoint) -> str:
    """What decides an endpoint's replies besides the question: the model, and what the settings add to a request."""
    model = endpoint.model
    if endpoint.checkpoint:
        from pipelines.llm.checkpoint import checkpoint_model

        model = checkpoint_model(Path(endpoint.checkpoint))
    added: dict[str, Any] = {**endpoint.extra}
    if endpoint.temperature is not None:
        added["temperature"] = endpoint.temperature
    return f"{model} {json.dumps(added, sort_keys=True, ensure_ascii=False)}" if added else model


@dataclass(frozen=True)
class LlmSettings:
    """Endpoints by role, and what the whole run may cost.

    Attributes:
        writer: Makes questions and answers from passages. Without it no stage asks an LLM.
        polisher: Rewrites consultations and answers; the writer where it is left out.
        assistant: The weaker model whose answers are the rejected ones of preferences; no other stands in for it.
        judge: Checks what the others wrote; the writer where it is left out.
        budget: The most that a run may cost, in `currency`; needs the prices of every endpoint. None: no cap.
        currency: For people to read.
        max_failed_ratio: Share of calls that may fail for good without keeping the version from being published.
        ledger: Folder of the ledger, from the configuration's folder; None: beside the versions. Corpora may share it.
        prompts: Folder with prompt files that take the place of ours of the same name.
    """

    writer: Endpoint | None = None
    polisher: Endpoint | None = None
    assistant: Endpoint | None = None
    judge: Endpoint | None = None
    budget: float | None = field(default=None, metadata={"min": 0.0})
    currency: str = "USD"
    max_failed_ratio: float = field(default=0.0, metadata={"min": 0.0, "max": 1.0})
    ledger: str | None = None
    prompts: str | None = None

    def __post_init__(self) -> None:
        problems = []
        given = [(role, endpoint) for role in ROLES if (endpoint := getattr(self, role)) is not None]
        if given and self.writer is None:
            problems.append("`writer:` is missing; the other roles add to it.")
        if self.budget is not None:
            for role, endpoint in given:
                if not endpoint.checkpoint and (endpoint.input_price is None or endpoint.output_price is None):
                    problems.append(f"budget: {role} has no `input_price:` and `output_price:` to reckon with.")
        if problems:
            raise ConfigError(problems)

    def endpoint(self, role: str) -> Endpoint | None:
        """Who answers in a role; the writer stands in for the polisher and the judge."""
        found: Endpoint | None = getattr(self, role)
        return found if found is not None or role == "assistant" else self.writer

    def n_jobs(self, roles: Iterable[str]) -> int:
        """Jobs to keep under way at a time: enough that nobody who answers in one of the roles runs dry."""
        endpoints = {repr(e): e for role in roles if (e := self.endpoint(role)) is not None}.values()
        if any(e.mode == "batch" for e in endpoints):
            return BATCH_JOBS
        return 16 + sum(2 * e.max_in_flight * max(1, len(e.base_url)) for e in endpoints)
