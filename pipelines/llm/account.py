"""What a run asked and what came of it, by role and prompt; the arithmetic of the report."""

from __future__ import annotations

import time
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Any

from pipelines.llm.budget import Charge, money
from pipelines.llm.exchange import Reply
from pipelines.llm.wire import Completion


@dataclass
class Tally:
    """Of one role and prompt.

    Attributes:
        asked: Questions. Always `ok + rejected + invalid + failed + stopped`.
        from_ledger: Questions answered without a call.
        shared: Questions that were on their way already for somebody else.
        stopped: Questions without an answer because the run stopped.
        sent: Calls, repair turns and further draws included.
        repairs, longer, again: Calls that followed a useless reply.
        states: By state, and for all but `ok` by `state:reason`.
        unsure: Calls of which the endpoint did not say what it counted.
    """

    asked: int = 0
    from_ledger: int = 0
    shared: int = 0
    stopped: int = 0
    sent: int = 0
    n_attempts: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    certain: int = 0
    uncertain: int = 0
    unsure: int = 0
    latency_s: float = 0.0
    turns: Counter[str] = field(default_factory=Counter)
    states: Counter[str] = field(default_factory=Counter)

    def answered(self, reply: Reply, bought: int, shared: int) -> None:
        """A question has its reply, after so many calls."""
        self.states[reply.state] += 1
        if reply.reason:
            self.states[f"{reply.state}:{reply.reason}"] += 1
        if shared:
            self.shared += 1
        elif not bought:
            self.from_ledger += 1

    def called(self, turn: str, completion: Completion, n_attempts: int, charge: Charge) -> None:
        """A call ended."""
        self.sent += 1
        self.n_attempts += n_attempts
        self.latency_s += completion.latency_s
        if turn:
            self.turns[turn] += 1
        if completion.input_tokens >= 0 and completion.output_tokens >= 0:
            self.input_tokens += completion.input_tokens
            self.output_tokens += completion.output_tokens
            self.cached_tokens += completion.cached_tokens
        elif not completion.failure:
            self.unsure += 1
        self.certain += charge.certain
        self.uncertain += charge.uncertain

    def given_up(self, charge: Charge) -> None:
        """A call was stopped before it ended, after attempts that cost something."""
        self.certain += charge.certain
        self.uncertain += charge.uncertain

    def report(self) -> dict[str, Any]:
        """The figures, for the report."""
        states = ("ok", "rejected", "invalid", "failed")
        return {
            "asked": self.asked,
            "from_ledger": self.from_ledger,
            "shared": self.shared,
            "sent": self.sent,
            **{state: self.states[state] for state in states},
            "stopped": self.stopped,
            "reasons": {name: n for name, n in sorted(self.states.items()) if name not in states},
            "turns": dict(sorted(self.turns.items())),
            "n_attempts": self.n_attempts,
            "input_tokens": self.input_tokens,
            "output_tokens": self.output_tokens,
            "cached_tokens": self.cached_tokens,
            "calls_without_usage": self.unsure,
            "certain": float(money(self.certain)),
            "uncertain": float(money(self.uncertain)),
            "latency_s": round(self.latency_s / self.sent, 3) if self.sent else 0.0,
        }


class Account:
    """The tallies of a run."""

    def __init__(self) -> None:
        self._tallies: dict[tuple[str, str], Tally] = {}
        self._began = time.monotonic()
        self._recent: deque[tuple[float, int]] = deque(maxlen=20)

    def of(self, role: str, prompt: str) -> Tally:
        """The tally of a role and a prompt."""
        found = self._tallies.get((role, prompt))
        if found is None:
            found = self._tallies[role, prompt] = Tally()
        return found

    @property
    def n_asked(self) -> int:
        """Questions so far."""
        return sum(t.asked for t in self._tallies.values())

    def calls_per_s(self) -> float:
        """Calls that ended a second, over the last looks at it."""
        now, n = time.monotonic(), sum(t.sent for t in self._tallies.values())
        since, before = self._recent[0] if self._recent else (self._began, 0)
        self._recent.append((now, n))
        return (n - before) / max(now - since, 1e-3)

    def report(self) -> dict[str, Any]:
        """Role → prompt → figures, and how long it took."""
        roles: dict[str, Any] = {}
        for (role, prompt), tally in sorted(self._tallies.items()):
            roles.setdefault(role, {})[prompt] = tally.report()
        return {"seconds": round(time.monotonic() - self._began, 3), "roles": roles}
