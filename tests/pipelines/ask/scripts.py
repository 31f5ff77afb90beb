"""Jobs driven by hand: what they ask is looked at, and what a model might say is handed to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pipelines.llm.exchange import Ask, Reply
from pipelines.llm.stage import Job, Outcome

MODELS = {"writer": "model-1"}

PASSAGE = (
    "急性喉炎多见于6个月至3岁的婴幼儿，主要表现为犬吠样咳嗽、声音嘶哑、吸气性喉鸣和三凹征，夜间症状加重。"
    "轻者可口服泼尼松，每日1～2 mg/kg，疗程2～3天。布地奈德雾化吸入每次2 mg，可减轻喉头水肿。"
    "出现安静时喉鸣、烦躁或口唇发绀时，应立即急诊处理。严禁使用氯丙嗪和吗啡。"
)
PATH = ("急性感染性喉炎", "治疗")


def questions(job: Job) -> tuple[Ask, ...]:
    """What a job asks first."""
    asked = next(job)
    return asked if isinstance(asked, tuple) else (asked,)


def outcome(job: Job, *values: Mapping[str, Any] | Reply) -> Outcome:
    """What comes of a job whose first questions get these replies."""
    asked = next(job)
    several = asked if isinstance(asked, tuple) else (asked,)
    replies = [
        value if isinstance(value, Reply) else Reply(f"key{at}", "ok", "", dict(value), "", "model-1")
        for at, (_, value) in enumerate(zip(several, values, strict=True))
    ]
    try:
        job.send(replies if isinstance(asked, tuple) else replies[0])
    except StopIteration as stop:
        made: Outcome = stop.value
        return made
    raise AssertionError("the job asks again")


def item(
    turns: Sequence[str], quotes: Sequence[str] = (), persona: str = "parent", task: str = "trerecom"
) -> dict[str, Any]:
    """An item whose turns alternate from the asker on."""
    roles = ("user", "assistant")
    return {
        "persona": persona,
        "task": task,
        "turns": [{"role": roles[i % 2], "content": turn} for i, turn in enumerate(turns)],
        "quotes": list(quotes),
    }


def reasons(made: Outcome) -> list[str]:
    """Why the dropped items were dropped, in order."""
    return [drop.reason for drop in made.dropped]
