"""What an LLM will be asked, before it is: questions, tokens and money of each stage."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from corpus.plan import Plan
from pipelines.llm.exchange import Ask
from pipelines.llm.run import AskTask
from pipelines.llm.settings import Endpoint, LlmSettings
from pipelines.llm.stage import AskStage
from pipelines.llm.tokens import prompt_tokens
from pipelines.workspace import finished
from schemas.records import DIALOGUE, DOCUMENT, INSTRUCTION, TRIPLE

SAMPLED_QUESTIONS: Final = 400
"""First questions of a stage whose tokens are counted; the rest is taken to be like them."""
KINDS_OF: Final = {
    "textbook": DOCUMENT,
    "guideline": DOCUMENT,
    "plain": DOCUMENT,
    "seeds": DOCUMENT,
    "knowledge_graph": TRIPLE,
    "dialogue": DIALOGUE,
    "distilled": INSTRUCTION,
}
"""What the records of a source are, before any was read."""


@dataclass(frozen=True)
class Outlook:
    """What a stage is about to ask.

    Attributes:
        stage: Its kind.
        models: Whom.
        n_jobs: Rows or groups that it asks about.
        n_calls: Calls that makes, by what such jobs take on average.
        input_tokens, output_tokens: Of all calls.
        cost: In the configured currency, None where prices are not given.
        is_counted: True: from the rows themselves; False: guessed from the size of the files.
    """

    stage: str
    models: tuple[str, ...]
    n_jobs: int
    n_calls: int
    input_tokens: int
    output_tokens: int
    cost: float | None
    is_counted: bool


def asking_stages(plan: Plan) -> list[AskStage]:
    """The stages that ask, in their order."""
    return [s for step in plan.steps for s in step.stages if isinstance(s, AskStage) and s.has_teacher]


def guessed(plan: Plan, records: dict[str, int]) -> list[Outlook]:
    """The outlook of every asking stage, from the records that each source will about give.

    Args:
        plan: Whose stages.
        records: Source id → records, as `show.estimates` reckons them.
    """
    by_kind: dict[str, float] = {}
    for source in plan.config.sources:
        kind = KINDS_OF[source.kind]
        by_kind[kind] = by_kind.get(kind, 0) + records.get(source.source_id, 0)
    return guessed_of(plan, asking_stages(plan), by_kind)


def guessed_of(plan: Plan, stages: Sequence[AskStage], by_kind: dict[str, float]) -> list[Outlook]:
    """The outlook of some stages, one after another, from the records of each kind that there will about be."""
    found = []
    for stage in stages:
        n_jobs = round(sum(by_kind.get(kind, 0) * ratio for kind, ratio in stage.jobs_per_record.items()))
        calls = n_jobs * stage.calls_per_job
        found.append(_outlook(stage, plan.config.header.llm, n_jobs, calls * stage.input_tokens_per_call, False))
        by_kind[INSTRUCTION] = by_kind.get(INSTRUCTION, 0) + n_jobs * stage.rows_per_job
    return found


def counted(stage: AskStage, tasks: Sequence[AskTask], llm: LlmSettings) -> Outlook:
    """The outlook of a stage over rows that are there; work that is done already does not count."""
    todo = [task for task in tasks if not finished(task.root, task.key)]
    sizes: list[float] = []
    n_jobs = 0
    for task in todo:
        groups = [rows for rows, has_job in task.groups() if has_job]
        n_jobs += len(groups)
        for rows in itertools.islice(groups, max(0, SAMPLED_QUESTIONS - len(sizes))):
            asks = list(_first_questions(stage, task.kind, rows))
            sizes.append(sum(prompt_tokens(ask.messages) for ask in asks) / max(1, len(asks)))
    asked = [size for size in sizes if size]  # a job that finds nothing to ask about costs nothing
    n_asking = round(n_jobs * len(asked) / len(sizes)) if sizes else 0
    mean = sum(asked) / len(asked) if asked else 0.0
    return _outlook(stage, llm, n_asking, n_asking * stage.calls_per_job * mean, True)


def _first_questions(stage: AskStage, kind: str, rows: list[dict[str, Any]]) -> Iterator[Ask]:
    job = stage.job(kind, rows)
    try:
        asked = next(job)
        yield from [asked] if isinstance(asked, Ask) else asked
    except StopIteration:
        return
    finally:
        job.close()


def _outlook(stage: AskStage, llm: LlmSettings, n_jobs: int, input_tokens: float, is_counted: bool) -> Outlook:
    n_calls = round(n_jobs * stage.calls_per_job)
    output_tokens = n_calls * stage.output_tokens_per_call
    endpoints = [e for role in stage.asks if (e := llm.endpoint(role)) is not None]
    cost = _cost(endpoints, input_tokens, output_tokens)
    models = tuple(dict.fromkeys(stage.models[role] for role in stage.asks if role in stage.models))
    return Outlook(stage.kind, models, n_jobs, n_calls, round(input_tokens), output_tokens, cost, is_counted)


def _cost(endpoints: Sequence[Endpoint], input_tokens: float, output_tokens: float) -> float | None:
    """By the dearest of the endpoints that a stage asks; what its calls are shared out by is not known before."""
    costs = []
    for endpoint in endpoints:
        if endpoint.checkpoint:
            continue
        if endpoint.input_price is None or endpoint.output_price is None:
            return None
        costs.append((endpoint.input_price * input_tokens + endpoint.output_price * output_tokens) / 1e6)
    return max(costs, default=0.0)


def total(outlooks: Sequence[Outlook]) -> float | None:
    """The cost of all stages, None where one has no price."""
    costs = [o.cost for o in outlooks]
    return None if None in costs else sum(c for c in costs if c is not None)


def sentence(outlook: Outlook, currency: str) -> str:
    """For people, in one line."""
    cost = "" if outlook.cost is None else f", about {outlook.cost:,.2f} {currency}"
    return (
        f"{outlook.stage}: {outlook.n_jobs:,} questions left to ask ({', '.join(outlook.models)}), about "
        f"{outlook.n_calls:,} calls, {short(outlook.input_tokens)} + {short(outlook.output_tokens)} tokens{cost}"
    )


def short(n: int) -> str:
    """A large number as people read it: 1.2 M."""
    return f"{n / 1e6:.1f} M" if n >= 1e6 else f"{n / 1e3:.0f} k" if n >= 1e4 else f"{n:,}"
