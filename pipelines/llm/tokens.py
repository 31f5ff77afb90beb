"""How many tokens a text is: an estimate that learns from what endpoints count, and a bound that holds for all.

No tokenizer is loaded: the endpoint's own is not known, and what it counted comes back with every reply.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from pipelines.llm.exchange import Message

TOKENS_PER_WIDE: Final = 0.7
"""Tokens to a Chinese character. Source: usage of current models on Chinese medical text, 0.55 (Qwen, DeepSeek) to
1.0 (older OpenAI models)."""
TOKENS_PER_NARROW: Final = 0.28
"""Tokens to a Latin letter, a digit, a mark of JSON."""
TOKENS_PER_MESSAGE: Final = 5
"""Marks of role, begin and end, in common chat templates."""
BOUND_PER_MESSAGE: Final = 16
BOUND_PER_REQUEST: Final = 128
"""More than what chat templates add by themselves, a default system message included."""
_PRIOR_TOKENS: Final = 2_000
"""How many tokens of usage weigh as much as what was assumed before."""


def estimated_tokens(texts: Iterable[str]) -> float:
    """About the tokens of some texts, before anything was learnt of the model."""
    n_chars = n_bytes = 0
    for text in texts:
        n_chars += len(text)
        n_bytes += byte_length(text)
    wide = (n_bytes - n_chars) / 2  # what is beyond ASCII takes three bytes, nearly always
    return wide * TOKENS_PER_WIDE + (n_chars - wide) * TOKENS_PER_NARROW


def byte_length(text: str) -> int:
    """Of the text in UTF-8."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def prompt_tokens(messages: Iterable[Message]) -> float:
    """About the tokens of a prompt."""
    contents = [m["content"] for m in messages]
    return estimated_tokens(contents) + TOKENS_PER_MESSAGE * len(contents)


def most_prompt_tokens(messages: Iterable[Message], schema_bytes: int = 0) -> int:
    """What a prompt cannot exceed: a token is at least a byte of UTF-8.

    Args:
        messages: As they are sent.
        schema_bytes: Of a schema that the endpoint may write into the prompt, at most three times as long as ours.
    """
    n = sum(byte_length(m["content"]) + BOUND_PER_MESSAGE for m in messages)
    return n + BOUND_PER_REQUEST + 3 * schema_bytes


class TokenScale:
    """What the estimates for one model have to be multiplied by, learnt from usage."""

    def __init__(self) -> None:
        self._estimated = self._counted = float(_PRIOR_TOKENS)

    @property
    def ratio(self) -> float:
        """Tokens counted to a token estimated."""
        return self._counted / self._estimated

    def learn(self, estimated: float, counted: int) -> None:
        """An endpoint counted a prompt; -1 where it did not say."""
        if counted > 0 and estimated > 0:
            self._estimated += estimated
            self._counted += counted


class ReplyLengths:
    """How long the replies to a prompt file are."""

    def __init__(self) -> None:
        self._n = self._tokens = 0

    def learn(self, counted: int) -> None:
        """A reply was that long; -1 where the endpoint did not say."""
        if counted > 0:
            self._n += 1
            self._tokens += counted

    def expected(self, max_tokens: int) -> int:
        """Tokens of a reply, on average; a third of what is allowed as long as nothing is known."""
        return min(max_tokens, round(self._tokens / self._n)) if self._n else max(1, max_tokens // 3)
