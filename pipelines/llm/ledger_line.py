"""What a line of the ledger says of a call."""

from __future__ import annotations

from typing import Any

from pipelines.llm.budget import Charge, money
from pipelines.llm.exchange import Ask
from pipelines.llm.judgement import Judged
from pipelines.llm.wire import Completion


def call_line(
    ask: Ask,
    model: str,
    completion: Completion,
    judged: Judged,
    charge: Charge,
    n_attempts: int,
    turn: tuple[str, str],
) -> dict[str, Any]:
    """A finished call; the state comes first, where the index looks for it.

    Args:
        ask: The question, as it was drawn.
        model: Who answered.
        completion: What came, keys taken out.
        judged: What it amounts to.
        charge: What all attempts cost.
        n_attempts: HTTP requests, in all forms that were tried.
        turn: Which kind of follow-up it is, and the key of the call that it follows; both empty for a first question.
    """
    sampling = ask.sampling
    return {
        "state": judged.state,
        "reason": judged.reason,
        "role": ask.role,
        "prompt": ask.prompt,
        "version": ask.version,
        "model": model,
        # All that was written, thoughts too; of a refusal what it says.
        "text": completion.text if judged.state in ("ok", "invalid") else judged.words,
        "finish_reason": completion.finish_reason,
        "input_tokens": completion.input_tokens,
        "output_tokens": completion.output_tokens,
        "cached_tokens": completion.cached_tokens,
        "n_attempts": n_attempts,
        "latency_s": round(completion.latency_s, 3),
        "detail": judged.complaint or completion.detail,
        "certain": money(charge.certain),
        "uncertain": money(charge.uncertain),
        "turn": turn[0],
        "after": turn[1],
        "sampling": [sampling.temperature, sampling.top_p, sampling.max_tokens, ask.sample],
        "messages": ask.messages,
    }
