"""Records to check, and a judge that says what the answer asks for: `!` rejects, `?` holds back."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.check.signals import Case, Signal
from pipelines.check.verdict import Judgement, Thresholds

EVIDENCE = "对乙酰氨基酚每次10～15 mg/kg，每4～6小时一次，24小时内不超过4次。不要用酒精擦浴。"
ANSWER = "对乙酰氨基酚每次10～15 mg/kg，每4～6小时一次。"


@dataclass(frozen=True)
class ToyJudge:
    """Rejects a clause with 杀, holds back one with 疑; a signal on each such character."""

    def __call__(self, case: Case) -> Judgement:
        chances = [0.95 if "杀" in c.text else 0.6 if "疑" in c.text else 0.05 for c in case.answer.clauses]
        found = []
        for at, character in enumerate(case.answer.raw):
            if character in "杀疑":
                there = case.evidence[0].raw[:4]
                found.append(
                    Signal("toy.word", "entity", at, at + 1, 0, 0, len(there), 0.9, f"「{character}」没有依据。")
                )
        worst = chances.index(max(chances))
        verdict = Thresholds(0.5, 0.9).verdict(chances[worst])
        return Judgement(verdict, chances[worst], tuple(found), worst, tuple(chances))


def record(number: int, answer: str = ANSWER, **more: Any) -> dict[str, Any]:
    """A record of that number."""
    return {"id": f"r{number}", "question": "怎么退烧？", "answer": answer, "evidence": [EVIDENCE], **more}


def write_lines(path: Path, lines: Iterable[dict[str, Any] | bytes]) -> Path:
    """A JSON Lines file of objects, and of lines as they are."""
    made = (x if isinstance(x, bytes) else json.dumps(x, ensure_ascii=False).encode() for x in lines)
    path.write_bytes(b"".join(line + b"\n" for line in made))
    return path


def read_lines(path: Path) -> list[dict[str, Any]]:
    """Its objects."""
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]
