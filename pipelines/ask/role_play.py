"""Role-play over passages: somebody asks, an expert answers from the passage only, and says which sentences he used.

One passage is one job. What is written comes back item by item; each is checked against the passage, and what does not
pass stays as a dropped row with its reason:

    no_quote, quote_not_found     nothing is quoted, or something that the passage does not say
    not_in_passage                a figure, a drug, an article from elsewhere
    bad_turns, bad_consultation, too_short, too_long, role_confusion
    leaked_prompt                 words of the prompt, or an order in the passage that was obeyed
    points_at_passage, answers_itself, repeated_question
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from pipelines.ask import rows
from pipelines.ask.content import Content, Piece, has_content, is_statute, pieces
from pipelines.ask.inquirers import PERSONAS, TASKS, Slot, described, listing, slots
from pipelines.ask.quotes import Folded, find, folded, merged, parts_of
from pipelines.ask.written_items import (
    MAX_ITEMS,
    Fault,
    Item,
    fact_fault,
    repeated,
    shape_fault,
    telling_fault,
    wording_fault,
)
from pipelines.llm.exchange import Ask, Reply, Sampling, conversation
from pipelines.llm.stage import Drop, Job, Outcome, Row
from pipelines.prompts import Prompt, PromptBook
from schemas.records import DOCUMENT, INSTRUCTION, span

PASSAGE, STATUTE, GRAPH = "role_play_passage", "role_play_statute", "role_play_graph"
PROMPTS: Final = (PASSAGE, STATUTE, GRAPH)
_MIN_QUOTE_CHARS: Final = 4
_MAX_HEADINGS: Final = 3
_BARE_NUMBER: Final = re.compile(r"[\d.\s]+")
_MIN_FACTS_OF_TURNS: Final = 4
"""A piece with fewer has nothing left to ask after the first answer."""
_TOKENS_PER_ITEM: Final = 600
_BAD_STATES: Final = ("ok", "rejected", "invalid", "failed")
"""From best to worst: a job of several questions ends as the worst of them."""


@dataclass(frozen=True)
class RolePlay:
    """How many questions of whom an LLM makes from passages and diseases.

    Attributes:
        personas: Who may ask.
        max_items: Items from one piece of a passage; fewer where it has less to say.
        max_graph_items: Items from the triples of one disease.
        facts_per_item: Sentences that stand alone, for each item; those with figures or advice count up to double.
        min_facts: A passage with fewer yields nothing, without a call.
        min_chars: A passage with fewer Chinese characters yields nothing, without a call.
        max_chars: The longest piece of a passage in one call; longer passages are cut at the ends of sentences.
        multi_turn_ratio: Share of items with several turns; evidence-based diagnoses always have them.
        min_answer_chars: Shortest last answer.
        max_answer_chars: Longest answer.
        temperature: How freely it is worded.
    """

    personas: tuple[str, ...] = field(default=PERSONAS, metadata={"choices": PERSONAS})
    max_items: int = field(default=5, metadata={"min": 1, "max": 20})
    max_graph_items: int = field(default=5, metadata={"min": 0, "max": 20})
    facts_per_item: float = field(default=2.5, metadata={"min": 0.5, "max": 50.0})
    min_facts: float = field(default=1.5, metadata={"min": 1.0, "max": 1_000.0})
    min_chars: int = field(default=16, metadata={"min": 1, "max": 100_000})
    max_chars: int = field(default=2_000, metadata={"min": 200, "max": 20_000})
    multi_turn_ratio: float = field(default=0.25, metadata={"min": 0.0, "max": 1.0})
    min_answer_chars: int = field(default=12, metadata={"min": 1, "max": 1_000})
    max_answer_chars: int = field(default=1_500, metadata={"min": 50, "max": 20_000})
    temperature: float = field(default=0.7, metadata={"min": 0.0, "max": 2.0})

    def n_items(self, n_facts: float) -> int:
        """How many items a piece with so many facts is good for."""
        return max(1, min(self.max_items, round(n_facts / self.facts_per_item)))


def asks_of_passage(row: Row, settings: RolePlay) -> bool:
    """Whether a document gets a job; by the row alone, and cheap."""
    return row["domain"] != "general" and has_content(row, settings.min_facts, settings.min_chars)


def passage_job(row: Row, settings: RolePlay, models: Mapping[str, str], prompts: PromptBook) -> Job:
    """Items from one document, a question to the writer for each of its pieces."""
    if "writer" not in models or not asks_of_passage(row, settings):
        return Outcome(reason="no_content")
    parts = [p for p in pieces(row, settings.max_chars) if p.content.n_facts >= settings.min_facts]
    asks = tuple(passage_ask(row, piece, settings, prompts) for piece in parts)
    if not asks:
        return Outcome(reason="no_content")
    replies = yield asks
    fold = folded(row["text"])
    heading = _heading(row)

    def evidence_of(item: Item) -> list[dict[str, Any]] | Fault:
        return _quoted(row, item, fold)

    made = Checked(prompts.get(asks[0].prompt), settings, [heading, row["text"]])
    for ask, reply in zip(asks, replies, strict=True):
        made.take(row, ask, reply, evidence_of)
    return made.outcome()


def passage_ask(row: Row, piece: Piece, settings: RolePlay, prompts: PromptBook) -> Ask:
    """The question about one piece of a passage."""
    name = STATUTE if is_statute(row) else PASSAGE
    content = piece.content
    if name == STATUTE:  # an article is no advice on treatment, and anybody may ask what it says
        content = Content(content.n_facts, of_diagnosis=False, of_treatment=False, for_family=False, of_science=False)
    n_items = settings.n_items(content.n_facts)
    ratio = settings.multi_turn_ratio if content.n_facts >= _MIN_FACTS_OF_TURNS else 0.0
    key = f"{row['record_id']}/{piece.start}"
    plan = slots(key, content, n_items, settings.personas, ratio, medical=row["domain"] == "medical")
    text = f"{_heading(row)}\n\n{row['text'][piece.start : piece.end]}"
    return role_play_ask(name, {"passage_text": text}, plan, settings, prompts)


def role_play_ask(
    name: str, values: Mapping[str, str], plan: Sequence[Slot], settings: RolePlay, prompts: PromptBook
) -> Ask:
    """A question for the items of a plan, from the prompt of that name."""
    prompt = prompts.get(name)
    filled = {
        **values,
        "n_items": str(len(plan)),
        "plan": listing(plan),
        "personas": described(prompt, [slot.persona for slot in plan]),
    }
    if "medkqa" in prompt.sections:
        filled["tasks"] = described(prompt, [slot.task for slot in plan])
    return Ask(
        role="writer",
        prompt=name,
        version=prompt.version,
        messages=conversation(prompt.fill("system", {}), prompt.fill("user", filled)),
        schema=SCHEMA,
        sampling=Sampling(temperature=settings.temperature, max_tokens=600 + _TOKENS_PER_ITEM * len(plan)),
    )


def _heading(row: Row) -> str:
    """Title, last headings and number, as far as the passage needs them to be understood."""
    title, number = row["title"] or "", row["number"] or ""
    path = [h for h in row["section_path"] or [] if h and h != title and not _BARE_NUMBER.fullmatch(h)]
    named = [f"《{title.strip('《》')}》" if title else "", *path[-_MAX_HEADINGS:]]
    is_named = number in "".join(path[-1:]) or row["text"].startswith(number)
    if number and not is_named and (is_statute(row) or not _BARE_NUMBER.fullmatch(number)):
        named.append(number)
    return "出处：" + (" › ".join(part for part in named if part) or "未注明")


def _quoted(row: Row, item: Item, fold: Folded) -> list[dict[str, Any]] | Fault:
    quotes = parts_of(item.quotes, _MIN_QUOTE_CHARS)
    if not quotes:
        return Fault("no_quote", "没有引文" if not item.quotes else f"引文太短：{item.quotes[0][:20]}")
    spans = []
    for quote in quotes:
        place = find(quote, row["text"], fold)
        if place is None:
            return Fault("quote_not_found", f"原文没有：{quote[:80]}")
        spans.append(place)
    return [span(DOCUMENT, row, start, end) for start, end in merged(spans)]


class Checked:
    """Takes replies one after another; keeps what passes, and a dropped row of what does not."""

    def __init__(self, prompt: Prompt, settings: RolePlay, sources: Sequence[str]) -> None:
        """
        Args:
            prompt: That the items were asked with.
            settings: Their bounds.
            sources: What figures and drugs of answers may come from.
        """
        self._prompt, self._settings, self._sources = prompt, settings, list(sources)
        self._questions: list[str] = []
        self._outcome = Outcome()
        self._n_items = 0

    def take(self, row: Row, ask: Ask, reply: Reply, evidence_of: Any) -> None:
        """The items of a reply; `evidence_of` gives an item's spans, or the fault in its quotes."""
        if not reply.ok:
            if _BAD_STATES.index(reply.state) > _BAD_STATES.index(self._outcome.state):
                self._outcome.state, self._outcome.reason = reply.state, reply.reason
                self._outcome.detail = f"call {reply.key}"
            return
        for value in reply.value["items"][:MAX_ITEMS]:
            item = Item.of(value)
            evidence = evidence_of(item)
            fault = self._fault(item)
            if fault is None and isinstance(evidence, Fault):
                fault = evidence
            kept = [] if isinstance(evidence, Fault) else evidence
            made = rows.instruction(
                row,
                ask,
                reply,
                task=item.task,
                messages=item.turns,
                evidence=kept,
                template=f"{ask.prompt}/{item.persona}",
                aspect="law" if ask.prompt == STATUTE else None,
            )
            self._n_items += 1
            self._put(made, item, fault)

    def _fault(self, item: Item) -> Fault | None:
        settings = self._settings
        fault = (
            shape_fault(item, settings.min_answer_chars, settings.max_answer_chars)
            or wording_fault(item, self._prompt, "\n".join(self._sources))
            or telling_fault(item)
            or fact_fault(item, self._sources)
        )
        same = None if fault else repeated(item.question, self._questions)
        return Fault("repeated_question", f"与“{same[:60]}”相同") if same else fault

    def _put(self, made: Row, item: Item, fault: Fault | None) -> None:
        if fault is None:
            self._questions.append(item.question)
            self._outcome.made.append((INSTRUCTION, made))
        else:
            self._outcome.dropped.append(Drop(INSTRUCTION, made, fault.reason, fault.detail))

    def outcome(self) -> Outcome:
        """What came of it all."""
        if self._outcome.state == "ok" and not self._n_items:
            self._outcome.reason = "no_content"
        return self._outcome


_TURN: Final = {
    "type": "object",
    "properties": {"role": {"type": "string", "enum": ["user", "assistant"]}, "content": {"type": "string"}},
    "required": ["role", "content"],
    "additionalProperties": False,
}
TURNS: Final = {"type": "array", "items": _TURN}
SCHEMA: Final[Mapping[str, Any]] = {
    "type": "object",
    "properties": {
        "items": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "persona": {"type": "string", "enum": list(PERSONAS)},
                    "task": {"type": "string", "enum": list(TASKS)},
                    "turns": TURNS,
                    "quotes": {"type": "array", "items": {"type": "string"}},
                },
                "required": ["persona", "task", "turns", "quotes"],
                "additionalProperties": False,
            },
        }
    },
    "required": ["items"],
    "additionalProperties": False,
}
"""A reply's shape, within what endpoints with strict schemas take: all required, nothing else, no bounds."""
