"""Safety and self-cognition from seeds: a hazard or topic, with the facts for an answer, becomes several rows.

A seed is a document of the kind of source `seeds`: `title` is the hazard, `section_path` the task and the behaviour
that an answer must show, `text` the facts. What is written and does not pass stays as a dropped row:

    behaviour_missing    no refusal, no warning, no way to a hospital where the seed asks for it
    wrong_name           the assistant calls itself, or its maker, by another name
    not_in_passage       a figure or a drug that the seed and the asker do not have
    bad_turns, too_short, too_long, role_confusion, leaked_prompt, points_at_passage, repeated_question
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from pipelines.ask import rows
from pipelines.ask.role_play import TURNS
from pipelines.ask.written_items import MAX_ITEMS, Fault, Item, fact_fault, repeated, shape_fault, wording_fault
from pipelines.llm.exchange import Ask, Reply, Sampling, conversation
from pipelines.llm.stage import Drop, Job, Outcome, Row
from pipelines.prompts import Prompt, PromptBook
from pipelines.teacher.phrasing import draw, shuffled
from schemas.records import DOCUMENT, INSTRUCTION, SAFETY_BEHAVIOURS, SEED, span

SAFETY, SELF_COGNITION = "safety", "self_cognition"
PROMPTS: Final = (SAFETY, SELF_COGNITION)
_TOKENS_PER_ITEM: Final = 350
BEHAVIOUR_PATTERNS: Final = {
    "refuse": re.compile(
        r"不能|不可|不会|无法|不提供|不应|不建议|不同意|不推荐|不帮|没办法|没有办法|没法|不行|不得|拒绝|不便|不要"
        r"|帮不了|做不到|恕难"
    ),
    "warn": re.compile(r"不要|不能|不可以|不可|别|避免|不建议|不推荐|不应|不宜|不行|切勿|禁|危险|不得"),
    "emergency": re.compile(
        r"120|110|急诊|(?:立即|立刻|马上|尽快|赶紧|赶快|当天|现在就)[^。！？]{0,16}(?:医院|就医|就诊|送医|看医生|面诊)"
    ),
    "correct_premise": re.compile(
        r"不对|不是|并非|没有(?:科学)?(?:依据|证据)|不准确|不正确|误解|误区|不一定|不等于|不能|不会|其实|错误|不科学"
    ),
}
_OTHERS: Final = re.compile(
    r"ChatGPT|GPT|OpenAI|Claude|Anthropic|Gemini|Bard|Google|谷歌|LLaMA|Meta|Copilot|微软|Grok"
    r"|Microsoft|Mistral|Siri|苹果公司|通义|千问|Qwen|阿里|文心|百度|ERNIE|DeepSeek|深度求索|Kimi|月之暗面|Moonshot|智谱|清言|ChatGLM|豆包|字节"
    r"|Doubao|讯飞|星火|混元|元宝|腾讯|盘古|华为|百川|Baichuan|书生|InternLM|MiniMax|海螺AI|零一万物"
    r"|天工|商汤|日日新|小爱同学|小度|天猫精灵",
    re.IGNORECASE,
)
_DENIES: Final = re.compile(
    r"不是|并非|不属于|没有关系|无关|不同|不由|不评价|不冒充|不能假装|不会假装|不扮演|不叫|不改"
)
_CALLS_ITSELF: Final = re.compile(r"我(?:叫|的名字(?:是|叫)|名叫)[“\"「]?([^，。；！？、\s”\"」（(]{1,20})")
_MADE_BY: Final = re.compile(r"由\s*[“\"「]?([^，。；！？\n]{2,30}?)[”\"」]?\s*(?:开发|研发|训练|打造|推出|研制|制作)")
_MADE_BY_WHOM: Final = re.compile(r"名字|是谁|开发|哪家公司")
_CLAUSE: Final = re.compile(r"[。！？；\n]")


@dataclass(frozen=True)
class SeedRows:
    """How many rows an LLM makes from seeds.

    Attributes:
        items: Rows from one seed; 0 for none.
        multi_turn_ratio: Share of rows with several turns.
        min_answer_chars: Shortest last answer.
        max_answer_chars: Longest answer.
        temperature: How freely it is worded.
    """

    items: int = field(default=6, metadata={"min": 0, "max": 20})
    multi_turn_ratio: float = field(default=0.3, metadata={"min": 0.0, "max": 1.0})
    min_answer_chars: int = field(default=10, metadata={"min": 1, "max": 1_000})
    max_answer_chars: int = field(default=800, metadata={"min": 50, "max": 20_000})
    temperature: float = field(default=0.9, metadata={"min": 0.0, "max": 2.0})


def asks_of_seed(row: Row) -> bool:
    """Whether a document is a seed that there is a prompt for; by the row alone."""
    path = row["section_path"] or []
    if row["source_kind"] != SEED or len(path) != 2:
        return False
    return path[0] == SELF_COGNITION or (path[0] == SAFETY and path[1] in SAFETY_BEHAVIOURS)


def seed_job(
    row: Row, settings: SeedRows, assistant: Mapping[str, str], models: Mapping[str, str], prompts: PromptBook
) -> Job:
    """Rows from one seed.

    Args:
        row: The seed.
        settings: How many rows.
        assistant: `name` and `maker`, which take the place of the two placeholders of `fill_assistant`.
        models: Without a writer there is nothing to ask.
        prompts: The prompts.
    """
    if "writer" not in models or not asks_of_seed(row) or not settings.items:
        return Outcome(reason="no_content")
    ask = seed_ask(row, settings, assistant, prompts)
    reply: Reply = yield ask
    if not reply.ok:
        return Outcome.of(reply)
    outcome = Outcome()
    facts = _filled(f"{row['title']}\n{row['text']}", assistant)
    prompt = prompts.get(ask.prompt)
    questions: list[str] = []
    for value in reply.value["items"][:MAX_ITEMS]:
        item = Item.of({**value, "task": row["section_path"][0]})
        made = rows.instruction(
            row,
            ask,
            reply,
            task=item.task,
            messages=item.turns,
            evidence=[span(DOCUMENT, row, 0, len(row["text"]))],
            template=f"{ask.prompt}/{row['section_path'][1]}",
        )
        fault = _fault(item, row, settings, prompt, facts, assistant)
        if fault is None and (same := repeated(item.question, questions)):
            fault = Fault("repeated_question", f"与“{same[:60]}”相同")
        if fault is None:
            questions.append(item.question)
            outcome.made.append((INSTRUCTION, made))
        else:
            outcome.dropped.append(Drop(INSTRUCTION, made, fault.reason, fault.detail))
    if not outcome.made and not outcome.dropped:
        outcome.reason = "no_content"
    return outcome


def seed_ask(row: Row, settings: SeedRows, assistant: Mapping[str, str], prompts: PromptBook) -> Ask:
    """The question about one seed."""
    task, behaviour = row["section_path"][:2]
    prompt = prompts.get(task)
    values = {
        "seed_text": _filled(f"话题：{row['title']}\n要点：{row['text']}", assistant),
        "n_items": str(settings.items),
        "plan": _plan(row, settings, prompt),
        "rule": prompt.fill(behaviour, {}) if task == SAFETY else "",
    }
    return Ask(
        role="writer",
        prompt=task,
        version=prompt.version,
        messages=conversation(prompt.fill("system", values), prompt.fill("user", values)),
        schema=SCHEMA,
        sampling=Sampling(temperature=settings.temperature, max_tokens=400 + _TOKENS_PER_ITEM * settings.items),
    )


def _plan(row: Row, settings: SeedRows, prompt: Prompt) -> str:
    """A way to ask for each row, and in how many turns; ways that need two turns get them."""
    own = f"ways_{row['section_path'][1]}"
    listed = prompt.fill(own if own in prompt.sections else "ways", {}).splitlines()
    ways = shuffled(listed, row["record_id"], "ways")
    lines = []
    for number in range(settings.items):
        way = ways[number % len(ways)]
        drawn = draw(1000, row["record_id"], str(number), "turns") < settings.multi_turn_ratio * 1000
        turns = "2～3轮" if drawn or "第二轮" in way or "再" in way else "1轮"
        lines.append(f"{number + 1}. {way}｜{turns}")
    return "\n".join(lines)


def _filled(text: str, assistant: Mapping[str, str]) -> str:
    return text.replace("{assistant_name}", assistant["name"]).replace("{assistant_maker}", assistant["maker"])


def _fault(
    item: Item, row: Row, settings: SeedRows, prompt: Prompt, facts: str, assistant: Mapping[str, str]
) -> Fault | None:
    fault = shape_fault(item, settings.min_answer_chars, settings.max_answer_chars)
    if fault is None:
        fault = wording_fault(item, prompt, facts, speaks_of_itself=item.task == SELF_COGNITION)
    if fault is None:
        fault = fact_fault(item, [facts])
    if fault is not None:
        return fault
    if item.task == SELF_COGNITION:
        return name_fault(item, assistant, row["title"] or "")
    return behaviour_fault(item, row["section_path"][1])


def behaviour_fault(item: Item, behaviour: str) -> Fault | None:
    """An answer that does not do what the seed asks for; in a refusal the last one counts, lest it gave way."""
    needs = BEHAVIOUR_PATTERNS.get(behaviour)
    if needs is None:
        return None
    answers = item.said("assistant")
    whole = "".join(answers)
    if needs.search(whole if behaviour != "refuse" else answers[-1]) is None:
        return Fault("behaviour_missing", f"应有的行为是 {behaviour}，回答里没有：{answers[-1][:60]}")
    return None


def name_fault(item: Item, assistant: Mapping[str, str], topic: str) -> Fault | None:
    """Another name for the assistant or its maker; another's name that is not the asker's, and denied."""
    name, maker = assistant["name"], assistant["maker"]
    heard = ""
    for turn in item.turns:
        if turn["role"] == "user":
            heard += turn["content"]
            continue
        own = turn["content"].replace(name, "").replace(maker, "")
        for other in _OTHERS.finditer(own):
            clause = _clause(own, other.start())
            if other[0].lower() not in heard.lower() or not _DENIES.search(clause):
                return Fault("wrong_name", f"提到了{other[0]}：{clause[:60]}")
        for called in _CALLS_ITSELF.finditer(turn["content"]):
            if not called[1].startswith(name) and not name.startswith(called[1]):
                return Fault("wrong_name", f"自称{called[1]}")
        for made in _MADE_BY.finditer(turn["content"]):
            if maker not in made[1] and not _DENIES.search(_clause(turn["content"], made.start())):
                return Fault("wrong_name", f"说由{made[1]}开发")
    answers = "".join(item.said("assistant"))
    if _MADE_BY_WHOM.search(topic) and name not in answers and maker not in answers:
        return Fault("wrong_name", f"没有说出名字：{answers[:60]}")
    return None


def _clause(text: str, at: int) -> str:
    """The sentence around a place."""
    start = max((m.end() for m in _CLAUSE.finditer(text, 0, at)), default=0)
    end = _CLAUSE.search(text, at)
    return text[start : end.start() if end else len(text)]


SCHEMA: Final[Mapping[str, Any]] = {
    "type": "object",
    "properties": {
        "items": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"turns": TURNS},
                "required": ["turns"],
                "additionalProperties": False,
            },
        }
    },
    "required": ["items"],
    "additionalProperties": False,
}
