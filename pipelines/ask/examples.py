"""Every prompt: which stage sends it, what for, and what it looks like filled in with a record.

`pedcorpus prompts` lists these, and a test holds them against the files in `pipelines/prompts`. A new prompt is a file
there and a line in `EXAMPLES`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from pipelines.ask import reconstruction, regularize
from pipelines.ask.polished_pool import our_pool
from pipelines.ask.preferences import ASSISTANT, HUMANIZE, Limits, preference_job
from pipelines.ask.regularize import Regularization, dialogue_job
from pipelines.ask.role_play import GRAPH, PASSAGE, STATUTE, RolePlay, passage_job
from pipelines.ask.role_play_graph import graph_job
from pipelines.ask.seeds import SAFETY, SELF_COGNITION, SeedRows, seed_job
from pipelines.ask.verdict import PROMPT as VERDICT
from pipelines.ask.verdict import verdict_job
from pipelines.check.answers import Unfit
from pipelines.check.judging import Judging
from pipelines.check.review import review
from pipelines.fill_assistant import FillAssistant
from pipelines.llm.exchange import Ask, Reply
from pipelines.llm.stage import Job, Row
from pipelines.prompts import PromptBook
from schemas.records import DIALOGUE, DOCUMENT, INSTRUCTION, TRIPLE

MakeAsk = Callable[[Sequence[Row], PromptBook], Ask | None]
"""The question that a prompt makes of the first rows that it has a use for; None where there are none such."""

MODELS: Final = {"writer": "MODEL", "polisher": "MODEL", "assistant": "MODEL", "judge": "MODEL"}
"""Stand for the configured models, so that a job asks."""


@dataclass(frozen=True)
class PromptExample:
    """One prompt file and its use.

    Attributes:
        name: Of the file, without `.md`.
        stage: Kind of the stage that sends it.
        purpose: What for, in a few words.
        kind: Record kind of the rows that fill it in.
        ask: Makes the question from rows of that kind, read from the sources and cleaned; triples of whole diseases.
    """

    name: str
    stage: str
    purpose: str
    kind: str
    ask: MakeAsk


def first_ask(jobs: Iterable[Job], name: str, answer: Callable[[Ask], Reply] | None = None) -> Ask | None:
    """The first question of the jobs that is made from the prompt `name`; no LLM is asked.

    Args:
        jobs: Looked at one after another.
        name: Of the prompt.
        answer: Stands in for the LLM where the prompt only follows on a reply; a job ends at its first question
            without it.
    """
    for job in jobs:
        try:
            asked = next(job)
            while True:
                several = asked if isinstance(asked, tuple) else (asked,)
                found = next((ask for ask in several if ask.prompt == name), None)
                if found is not None:
                    return found
                if answer is None:
                    break
                replies = [answer(ask) for ask in several]
                asked = job.send(replies if isinstance(asked, tuple) else replies[0])
        except StopIteration:
            continue
        finally:
            job.close()
    return None


def _of_passage(name: str) -> MakeAsk:
    """The question about the longest of the first passages, which shows the most."""

    def ask(rows: Sequence[Row], prompts: PromptBook) -> Ask | None:
        longest = sorted(rows, key=lambda row: -len(row["text"]))
        return first_ask((passage_job(row, RolePlay(), MODELS, prompts) for row in longest), name)

    return ask


def _of_disease(rows: Sequence[Row], prompts: PromptBook) -> Ask | None:
    heads = dict.fromkeys(row["head"] for row in rows)
    groups = ([row for row in rows if row["head"] == head] for head in heads)
    return first_ask((graph_job(group, RolePlay(), MODELS, prompts) for group in groups), GRAPH)


_ROLE_PLAY: Final = (
    PromptExample(
        PASSAGE,
        "make_instructions",
        "items from a textbook or guideline",
        DOCUMENT,
        _of_passage(PASSAGE),
    ),
    PromptExample(STATUTE, "make_instructions", "items from a law or standard", DOCUMENT, _of_passage(STATUTE)),
    PromptExample(GRAPH, "make_instructions", "items from a disease's triples", TRIPLE, _of_disease),
)


def _of_seed(name: str) -> MakeAsk:
    def ask(rows: Sequence[Row], prompts: PromptBook) -> Ask | None:
        named = {"name": FillAssistant().name, "maker": FillAssistant().maker}
        return first_ask((seed_job(row, SeedRows(), named, MODELS, prompts) for row in rows), name)

    return ask


_SEEDS: Final = (
    PromptExample(SAFETY, "make_instructions", "to refuse, warn or send to hospital", DOCUMENT, _of_seed(SAFETY)),
    PromptExample(SELF_COGNITION, "make_instructions", "who the assistant is", DOCUMENT, _of_seed(SELF_COGNITION)),
)


def _of_dialogue(rows: Sequence[Row], prompts: PromptBook) -> Ask | None:
    jobs = (dialogue_job(row, Regularization(), MODELS, prompts, our_pool()) for row in rows)
    return first_ask(jobs, regularize.PROMPT)


def _of_reconstruction(name: str) -> MakeAsk:
    """The question about the densest of the first instructions, after findings that stand for a judge's."""

    def ask(rows: Sequence[Row], prompts: PromptBook) -> Ask | None:
        densest = sorted(rows, key=lambda row: -reconstruction.density(row))
        return first_ask((reconstruction.reconstruct_job(row, prompts) for row in densest), name, _judged)

    return ask


def _judged(ask: Ask) -> Reply:
    """What a judge and a polisher might say, so that the next question can be shown."""
    finding = {"quote": "", "problem": "没有说明何时就医。", "correction": "精神变差时请及时就医。"}
    current = re.findall(r"(?s)<材料 (\w+)>\n(.*?)\n</材料 \1>", ask.messages[-1]["content"])
    quote = current[1][1][:12] if len(current) > 1 else ""
    unclear = {"kind": "unclear", "quote": quote, "problem": "说得含混。", "correction": ""}
    found = [{"kind": "missing", **finding}, *([unclear] if quote else [])]
    value = (
        {"findings": found} if "findings" in str(ask.schema) else {"answer": f"{current[1][1]}精神变差时请及时就医。"}
    )
    return Reply("example", "ok", "", value, "", "MODEL")


def _of_preference(name: str) -> MakeAsk:
    def ask(rows: Sequence[Row], prompts: PromptBook) -> Ask | None:
        said = Reply("example", "ok", "多喝水，多休息，过几天再看看。", None, "", "MODEL")
        limits = Limits(max_length_ratio=3.0, n_mends=0)
        return first_ask(
            (preference_job(row, prompts, limits) for row in rows if row["messages"]), name, lambda _: said
        )

    return ask


def _of_verdict(rows: Sequence[Row], prompts: PromptBook) -> Ask | None:
    """The question about a sentence of the longest of the first passages, as if it were an answer in doubt."""
    for row in sorted(rows, key=lambda row: -len(row["text"])):
        sentences = [s for s in re.split(r"(?<=。)", row["text"]) if len(s) > 12]
        answer = {"role": "assistant", "content": "".join(sentences[-1:])}
        try:
            found = review([{"role": "user", "content": "这方面要注意什么？"}, answer], [row["text"]], Judging())
        except Unfit:
            continue
        if (asked := next(verdict_job(found, prompts, 1), None)) is not None:
            return asked[0]
    return None


_REWRITING: Final = (
    PromptExample(regularize.PROMPT, "make_instructions", "a consultation, rewritten", DIALOGUE, _of_dialogue),
    *(
        PromptExample(name, "reconstruct", purpose, INSTRUCTION, _of_reconstruction(name))
        for name, purpose in (
            (reconstruction.DETECT, "what an answer lacks or has wrong"),
            (reconstruction.RESTRUCTURE, "the answer, mended and put in order"),
            (reconstruction.ENRICH, "the answer, with what was missing"),
            (reconstruction.CHECK, "which of two answers is better, blind"),
        )
    ),
    PromptExample(ASSISTANT, "make_preferences", "the rejected answer", INSTRUCTION, _of_preference(ASSISTANT)),
    PromptExample(HUMANIZE, "make_preferences", "the preferred answer", INSTRUCTION, _of_preference(HUMANIZE)),
    PromptExample(
        VERDICT, "judge_unsupported", "whether the evidence bears out what is in doubt", DOCUMENT, _of_verdict
    ),
)
EXAMPLES: Final[tuple[PromptExample, ...]] = (*_ROLE_PLAY, *_SEEDS, *_REWRITING)
