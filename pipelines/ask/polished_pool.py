"""The polished pool: raw conversations beside what a paediatrician would make of them, as in-context examples.

A JSONL file, a pair a line, ours (`pipelines/prompts/polished_pool.jsonl`) or the user's:

    {"id": "resp-1", "department": "呼吸", "raw": [TURN, …], "polished": [TURN, …]}
    TURN = {"role": "patient" or "doctor", "content": "…"}

`raw` is as people type; `polished` begins with the patient, ends with the doctor and takes turns. `department` is any
word; those in `departments.tsv` are also recognised by a conversation's words.
"""

from __future__ import annotations

import functools
import hashlib
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, Final, NamedTuple

import orjson

from pipelines.lexicons import rows
from schemas.errors import ConfigError

Turn = Mapping[str, str]
ROLES: Final = ("patient", "doctor")
_MAX_BYTES: Final = 20_000_000
_MAX_PROBLEMS: Final = 20
_RELEVANCE: Final = 0.6
"""Weight of relevance against diversity in the choice of examples."""


class Pair(NamedTuple):
    """One example: what was typed, and the same conversation as it should read."""

    id: str
    department: str
    raw: tuple[Turn, ...]
    polished: tuple[Turn, ...]

    @property
    def n_chars(self) -> int:
        """Characters of both sides."""
        return sum(len(turn["content"]) for turn in (*self.raw, *self.polished))


@dataclass(frozen=True)
class PolishedPool:
    """Pairs to choose examples from."""

    pairs: tuple[Pair, ...]

    @functools.cached_property
    def version(self) -> str:
        """12 hex digits over all pairs, for fingerprints."""
        data = orjson.dumps([[p.id, p.department, list(p.raw), list(p.polished)] for p in self.pairs])
        return hashlib.blake2b(data, digest_size=6).hexdigest()

    def examples(self, text: str, label: str | None, n: int, max_chars: int) -> list[Pair]:
        """The pairs that teach most about a conversation, the most fitting last, next to the conversation itself.

        Maximal marginal relevance: a pair counts for its department and the character pairs that it shares with the
        text, against those that it shares with the pairs chosen before.

        Args:
            text: Of the conversation.
            label: Department, as its source names it.
            n: How many.
            max_chars: Of all of them together; a pair that does not fit is passed over.
        """
        wanted, mine = departments_of(text, label), _bigrams(text)
        relevance = [self._relevance(at, label, wanted, mine) for at in range(len(self.pairs))]
        chosen: list[int] = []
        left = [at for at in range(len(self.pairs)) if self.pairs[at].n_chars <= max_chars]
        while left and len(chosen) < n:
            scores = {
                at: _RELEVANCE * relevance[at]
                - (1 - _RELEVANCE) * max((_likeness(self._bigrams[at], self._bigrams[c]) for c in chosen), default=0.0)
                for at in left
            }
            best = min(left, key=lambda at: (-round(scores[at], 9), self.pairs[at].id))
            chosen.append(best)
            max_chars -= self.pairs[best].n_chars
            left = [at for at in left if at != best and self.pairs[at].n_chars <= max_chars]
        return [self.pairs[at] for at in reversed(chosen)]

    @functools.cached_property
    def _bigrams(self) -> list[frozenset[str]]:
        return [_bigrams("".join(turn["content"] for turn in pair.raw)) for pair in self.pairs]

    def _relevance(self, at: int, label: str | None, wanted: Mapping[str, float], mine: frozenset[str]) -> float:
        department = self.pairs[at].department
        named = 1.0 if label and department in label else wanted.get(department, 0.0)
        return 0.5 * named + 0.5 * _likeness(self._bigrams[at], mine)


def departments_of(text: str, label: str | None) -> dict[str, float]:
    """Departments that a conversation belongs to, by its label or else its words; 1 for the likeliest."""
    known = _departments()
    if label:
        labelled = {name: 1.0 for name, labels, _ in known if labels.search(label)}
        if labelled:
            return labelled
    counts = Counter({name: len(set(words.findall(text[:4000]))) for name, _, words in known})
    top = max(counts.values(), default=0)
    return {name: count / top for name, count in counts.items() if count} if top else {}


@functools.cache
def _departments() -> tuple[tuple[str, re.Pattern[str], re.Pattern[str]], ...]:
    return tuple((r["department"], re.compile(r["labels"]), re.compile(r["pattern"])) for r in rows("departments"))


def _bigrams(text: str) -> frozenset[str]:
    text = re.sub(r"[\W\d_]+", "", text[:4000])
    return frozenset(text[i : i + 2] for i in range(len(text) - 1))


def _likeness(left: frozenset[str], right: frozenset[str]) -> float:
    """Dice's coefficient."""
    return 2 * len(left & right) / (len(left) + len(right)) if left and right else 0.0


@functools.cache
def our_pool() -> PolishedPool:
    """The pool that ships with the package."""
    return parsed((resources.files("pipelines.prompts") / "polished_pool.jsonl").read_bytes(), "polished_pool.jsonl")


def read_pool(path: Path) -> PolishedPool:
    """The pool in a file of the user's.

    Raises:
        ConfigError: the file cannot be read, or lines of it are no pairs; every one is named.
    """
    try:
        size = path.stat().st_size
        data = path.read_bytes() if size <= _MAX_BYTES else b""
    except OSError as error:
        raise ConfigError([f"regularization.pool: {path} cannot be read ({error.strerror}). Mend the path."]) from error
    if size > _MAX_BYTES:
        raise ConfigError(
            [f"regularization.pool: {path} has {size:,} bytes. A pool is some dozens of pairs; keep the best."]
        )
    return parsed(data, str(path))


def parsed(data: bytes, name: str) -> PolishedPool:
    """The pool in the bytes of a JSONL file.

    Raises:
        ConfigError: no pairs, or lines that are none.
    """
    pairs: dict[str, Pair] = {}
    problems: list[str] = []
    for number, line in enumerate(data.removeprefix(b"\xef\xbb\xbf").splitlines(), 1):
        if not line.strip():
            continue
        found = _pair(line)
        if isinstance(found, str):
            problems.append(f"regularization.pool: {name} line {number}: {found}")
        elif found.id in pairs:
            problems.append(
                f"regularization.pool: {name} line {number}: the id `{found.id}` was there before. Rename it."
            )
        else:
            pairs[found.id] = found
    if not pairs and not problems:
        problems.append(f"regularization.pool: {name} is empty. Write a pair a line, or leave `pool:` out for ours.")
    if problems:
        more = len(problems) - _MAX_PROBLEMS
        raise ConfigError([*problems[:_MAX_PROBLEMS], *([f"… and {more} more."] if more > 0 else [])])
    return PolishedPool(tuple(pairs.values()))


def _pair(line: bytes) -> Pair | str:
    """The pair in a line, or the sentence that says what is wrong with it."""
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        return f"this is no JSON in UTF-8 ({error}). A pair is one object on one line."
    if not isinstance(value, dict) or set(value) - {"id", "department", "raw", "polished"}:
        return "a pair is an object with `id`, `department`, `raw` and `polished`, and nothing else."
    for key in ("id", "department"):
        if not isinstance(value.get(key), str) or not value[key].strip():
            return f"`{key}` should be a word, found {_shown(value.get(key))}."
    sides = []
    for key in ("raw", "polished"):
        turns: Any = value.get(key)
        if fault := _fault(turns):
            return f"`{key}` {fault}"
        sides.append(tuple({"role": turn["role"], "content": turn["content"].strip()} for turn in turns))
    roles = [turn["role"] for turn in sides[1]]
    if roles != [ROLES[at % 2] for at in range(len(roles))] or len(roles) % 2:
        return "`polished` should begin with the patient, take turns and end with the doctor."
    return Pair(value["id"], value["department"], sides[0], sides[1])


def _fault(turns: Any) -> str | None:
    if not isinstance(turns, list) or len(turns) < 2:
        return f"should be a list of at least two turns, found {_shown(turns)}."
    for number, turn in enumerate(turns, 1):
        if not isinstance(turn, dict) or set(turn) != {"role", "content"} or turn["role"] not in ROLES:
            return f"turn {number}: should have `role` (patient or doctor) and `content`, found {_shown(turn)}."
        if not isinstance(turn["content"], str) or not turn["content"].strip():
            return f"turn {number}: `content` is empty. Leave the turn out."
    return None


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "…"
