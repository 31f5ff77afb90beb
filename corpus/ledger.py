"""What a ledger holds, for people: how calls ended, what they cost, one exchange in full."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any

from pipelines.llm.exchange import STATES
from pipelines.llm.json_text import dump_json
from pipelines.llm.ledger import CALLS, Ledger
from schemas.errors import InputError, StoreError
from schemas.settings import did_you_mean

FOLDER = "ledger"
"""Of a corpus, unless `llm.ledger` says otherwise."""


def find_ledger(ledger: Path | None, store: Path) -> Path:
    """The folder of the ledger that was named, or else the one in the store.

    Raises:
        StoreError: there is none, or there are several.
    """
    if ledger is not None:
        return ledger
    found = [
        path.parent for path in (store / FOLDER / CALLS, *sorted(store.glob(f"*/{FOLDER}/{CALLS}"))) if path.is_file()
    ]
    if len(found) > 1:
        raise StoreError(f"{store}: several ledgers. Say which: {', '.join(f'--ledger {path}' for path in found)}.")
    if not found:
        raise StoreError(
            f"{store} holds no ledger. A build that asks an LLM writes one; or name it with `--ledger DIR`."
        )
    return found[0]


@dataclass
class _Sum:
    n_calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    certain: Decimal = Decimal(0)
    uncertain: Decimal = Decimal(0)
    states: Counter[str] = field(default_factory=Counter)

    def add(self, call: dict[str, Any]) -> None:
        self.n_calls += 1
        self.states[call["state"]] += 1
        for name in ("input_tokens", "output_tokens", "cached_tokens"):
            setattr(self, name, getattr(self, name) + max(0, call[name]))
        self.certain += Decimal(call["certain"])
        self.uncertain += Decimal(call["uncertain"])

    def data(self) -> dict[str, Any]:
        return {
            "calls": self.n_calls,
            **{state: self.states[state] for state in STATES},
            "input_tokens": self.input_tokens,
            "output_tokens": self.output_tokens,
            "cached_tokens": self.cached_tokens,
            "cost": float(self.certain),
            "perhaps": float(self.uncertain),
        }


def summary(folder: Path) -> dict[str, Any]:
    """Calls by how they ended, by model, by prompt and by run; what is still to be asked again.

    Raises:
        StoreError: there is no ledger.
    """
    total, models, prompts, runs = _Sum(), dict[str, _Sum](), dict[tuple[str, str], _Sum](), dict[str, _Sum]()
    reasons: Counter[str] = Counter()
    failed: set[str] = set()
    turns: Counter[str] = Counter()
    with Ledger(folder, read_only=True, index=False) as ledger:
        for call in ledger.calls():
            for one in (
                total,
                models.setdefault(call["model"], _Sum()),
                prompts.setdefault((call["prompt"], call["version"]), _Sum()),
                runs.setdefault(call["run"], _Sum()),
            ):
                one.add(call)
            if call["reason"]:
                reasons[f"{call['state']}:{call['reason']}"] += 1
            if call["turn"]:
                turns[call["turn"]] += 1
            if call["state"] == "failed":
                failed.add(call["key"])
            else:
                failed.discard(call["key"])
        told = {line["run"]: line for line in ledger.runs() if "run" in line}
        ended = {run for run, line in told.items() if "ended" in line}
        n_damaged = ledger.n_damaged
    return {
        "ledger": str(folder),
        **total.data(),
        "to_ask_again": len(failed),
        "damaged_lines": n_damaged,
        "currencies": sorted({line["money"]["currency"] for line in told.values() if "money" in line}),
        "reasons": dict(reasons.most_common()),
        "turns": dict(turns.most_common()),
        "models": {name: one.data() for name, one in sorted(models.items())},
        "prompts": [{"prompt": p, "version": v, **one.data()} for (p, v), one in sorted(prompts.items())],
        "runs": [
            {"run": run, "ended": run in ended, "stopped": told.get(run, {}).get("stopped", ""),
             "seconds": told.get(run, {}).get("seconds"), **runs.get(run, _Sum()).data()}
            for run in sorted({*runs, *told})
        ],
    }  # fmt: skip


def exchanges(folder: Path, state: str | None = None, prompt: str | None = None) -> Iterator[dict[str, Any]]:
    """The calls of a state and a prompt, oldest first; all where neither is given.

    Of calls that failed those that nobody answered since, each once: what the next run asks again.

    Raises:
        InputError: the ledger has no call of that prompt.
    """
    seen: set[str] = set()
    with Ledger(folder, read_only=True, index=False) as ledger:
        unanswered = _unanswered(ledger) if state == "failed" else {}
        for number, call in enumerate(ledger.calls()):
            seen.add(call["prompt"])
            stands = state != "failed" or unanswered.get(call["key"]) == number
            if stands and state in (None, call["state"]) and prompt in (None, call["prompt"]):
                yield call
    if prompt is not None and prompt not in seen:
        raise InputError([f"{folder}: no call was made with the prompt `{prompt}`.{did_you_mean(prompt, seen)}"])


def _unanswered(ledger: Ledger) -> dict[str, int]:
    """Key → number of the last line, of the calls that failed and were not answered later."""
    found: dict[str, int] = {}
    for number, call in enumerate(ledger.calls()):
        if call["state"] == "failed":
            found[call["key"]] = number
        else:
            found.pop(call["key"], None)
    return found


def exchange(folder: Path, key: str) -> list[dict[str, Any]]:
    """The call whose key begins so, its earlier attempts, and the calls that followed because it was of no use.

    Raises:
        InputError: there is none, or there are several keys that begin so.
    """
    with ExitStack() as stack:
        ledger = stack.enter_context(Ledger(folder, read_only=True, index=False))
        digits = key.lower()
        if not digits or digits.strip("0123456789abcdef"):
            raise InputError([f"{key!r} is no key of a call, which is 32 hex digits, or the first of them."])
        found = list(ledger.calls(b'"key":"' + digits.encode("ascii")))
        keys = {call["key"] for call in found if call["key"].startswith(digits)}
        if len(keys) != 1:
            what = f"{len(keys)} calls have keys that begin with" if keys else "no call has the key"
            raise InputError([f"{folder}: {what} {key}.{' Give more digits.' if keys else ''}"])
        (whole,) = keys
        chain, at = [call for call in found if call["key"] == whole], whole
        while following := list(islice(ledger.calls(b'"after":"' + at.encode("ascii")), 1)):
            at = following[0]["key"]
            chain.append(following[0])
        return chain


def export(folder: Path, to: Path, state: str | None, prompt: str | None) -> int:
    """Writes calls as JSON lines; how many.

    Raises:
        InputError: the file is there already.
    """
    try:
        file = to.open("xb")
    except FileExistsError:
        raise InputError([f"{to} is there already. Name another file, or remove it."]) from None
    n = 0
    with file:
        for call in exchanges(folder, state, prompt):
            file.write(dump_json(call) + b"\n")
            n += 1
    return n
