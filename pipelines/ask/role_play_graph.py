"""Role-play over a disease of the knowledge graph: what is plausible of its triples, and answers from those only.

The extractive teacher's own judgement (`pipelines.teacher.diseases`) decides what is sent: scraped graphs hold
examinations of grown-ups and drugs for anything, and an LLM that is told to stay with its material would repeat them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pipelines.ask.content import Content
from pipelines.ask.inquirers import slots
from pipelines.ask.quotes import folded
from pipelines.ask.role_play import GRAPH, Checked, RolePlay, role_play_ask
from pipelines.ask.written_items import Fault, Item
from pipelines.llm.exchange import Ask
from pipelines.llm.stage import Job, Outcome, Row
from pipelines.prompts import PromptBook
from pipelines.teacher.diseases import Disease, Fact, diseases
from pipelines.teacher.relations import aspect_of

_LINES: Final = {
    "alias": "别名",
    "people": "好发人群",
    "cause": "病因",
    "transmission": "传播途径",
    "infectious": "传染性",
    "symptom": "症状",
    "part": "发病部位",
    "exam": "检查",
    "complication": "并发症",
    "treatment": "治疗方式",
    "period": "治疗周期",
    "prevention": "预防",
    "department": "就诊科室",
}
_TELLING: Final = re.compile(r"疫苗|不宜|禁|慎|避免|潜伏期|隔离|护理")
"""Relations without an aspect of ours that say something to ask for; lists of common drugs do not."""
_BETWEEN: Final = re.compile(r"[、，,；;。\n]|和|与|及")
_MIN_FACTS: Final = 4
_MAX_FACTS_OF_ASPECT: Final = 12
_FACTS_PER_ITEM: Final = 4


@dataclass(frozen=True)
class Sheet:
    """What is sent of a disease: its facts by the name of their line."""

    name: str
    row: Row
    lines: Mapping[str, tuple[Fact, ...]]

    @property
    def text(self) -> str:
        """As it stands between the fence marks."""
        told = (f"{line}：{'、'.join(fact.text for fact in facts)}" for line, facts in self.lines.items())
        return "\n".join([f"病名：{self.name}", *told])

    @property
    def facts(self) -> list[Fact]:
        """All of them, in order."""
        return [fact for facts in self.lines.values() for fact in facts]


def asks_of_triple(row: Row) -> bool:
    """Whether a triple can be part of what is sent; by the row alone, and cheap."""
    if row["domain"] == "general":
        return False
    aspect = aspect_of(row["relation"])
    return aspect in _LINES or (aspect is None and bool(_TELLING.search(row["relation"])))


def graph_job(rows: Sequence[Row], settings: RolePlay, models: Mapping[str, str], prompts: PromptBook) -> Job:
    """Items from all triples of one disease; the same disease of two sources is asked about twice."""
    sheets = [sheet for disease in diseases(rows) if (sheet := _sheet(disease, rows)) is not None]
    if "writer" not in models or not sheets or not settings.max_graph_items:
        return Outcome(reason="no_content")
    asks = tuple(graph_ask(sheet, settings, prompts) for sheet in sheets)
    replies = yield asks
    texts = [sheet.text for sheet in sheets]
    made = Checked(prompts.get(GRAPH), settings, texts)
    for sheet, ask, reply in zip(sheets, asks, replies, strict=True):
        made.take(sheet.row, ask, reply, sheet_evidence(sheet))
    return made.outcome()


def graph_ask(sheet: Sheet, settings: RolePlay, prompts: PromptBook) -> Ask:
    """The question about one disease."""
    lines = sheet.lines
    content = Content(
        n_facts=len(sheet.facts),
        of_diagnosis=len(lines.get("症状", ())) >= 3 and "检查" in lines,
        of_treatment="治疗方式" in lines or "预防" in lines,
        for_family=False,
        of_science=False,
    )
    n_items = max(1, min(settings.max_graph_items, len(sheet.facts) // _FACTS_PER_ITEM))
    key = f"{sheet.row['record_id']}/{sheet.name}"
    plan = slots(key, content, n_items, settings.personas, settings.multi_turn_ratio)
    return role_play_ask(GRAPH, {"facts_text": sheet.text}, plan, settings, prompts)


def _sheet(disease: Disease, rows: Sequence[Row]) -> Sheet | None:
    """The sheet of a disease; None where there is too little to ask about."""
    lines = {
        line: disease.facts[aspect][:_MAX_FACTS_OF_ASPECT]
        for aspect, line in _LINES.items()
        if disease.facts.get(aspect)
    }
    for row in disease.rows:
        if aspect_of(row["relation"]) is None and _TELLING.search(row["relation"]) and len(row["tail"]) <= 60:
            held = lines.get(row["relation"], ())
            if len(held) < _MAX_FACTS_OF_ASPECT:
                lines[row["relation"]] = (*held, Fact(row["tail"].strip(), row))
    n_facts = sum(map(len, lines.values()))
    if n_facts < _MIN_FACTS or len(lines) < 2:
        return None
    return Sheet(disease.name, dict(disease.rows[0]), lines)


def sheet_evidence(sheet: Sheet) -> Any:
    """What gives an item's triples: those that it quotes, and those whose words stand in its answers."""
    told = {folded(fact.text).text: fact for fact in sheet.facts}
    known = folded(sheet.text).text

    def evidence_of(item: Item) -> list[dict[str, Any]] | Fault:
        found: dict[str, Fact] = {}
        for quote in item.quotes:
            if missing := _quoted(quote, told, known, found):
                return Fault("quote_not_found", f"条目里没有：{missing[:80]}")
        if not found:
            return Fault("no_quote", "没有引用条目")
        answers = folded("".join(item.said("assistant"))).text
        found |= {text: fact for text, fact in told.items() if len(text) >= 2 and text in answers}
        return [fact.evidence for text, fact in told.items() if text in found]

    return evidence_of


def _quoted(quote: str, told: Mapping[str, Fact], known: str, found: dict[str, Fact]) -> str | None:
    """Adds the facts that a quote names to `found`; what of it is none, if anything."""
    whole = folded(quote).text
    if whole in told:
        found[whole] = told[whole]
        return None
    for part in _BETWEEN.split(re.sub(r"^[^：:]{1,12}[：:]", "", quote.strip())):
        text = folded(part).text
        hits = {text: told[text]} if text in told else {k: f for k, f in told.items() if len(text) >= 2 and text in k}
        if hits:
            found.update(hits)
        elif text and text not in known:
            return part
    return None
