"""In-context regularisation: a real consultation, rewritten to be doctor-like and patient-friendly, every fact kept.

The polisher sees a few polished examples and then the conversation. What it writes is held against the original by
`conversation_facts`; what it lost, added or turned round it is told once, and what is still wrong then is dropped.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import orjson
from rapidfuzz import fuzz

from pipelines import hospitals, identifiers, people
from pipelines.ask import conversation_facts, facts
from pipelines.ask.coverage import turned, unsaid
from pipelines.ask.mentions import mentions
from pipelines.ask.polished_pool import PolishedPool, Turn
from pipelines.ask.rows import instruction
from pipelines.llm.exchange import Ask, Reply, Sampling, conversation
from pipelines.llm.stage import Drop, Job, Outcome
from pipelines.prompts import PromptBook
from pipelines.teacher.conversation_cleaning import Said, cleaned, evidence, is_advert, is_machine_made
from pipelines.teacher.conversations import is_about_a_child, is_unsafe, is_wrong, naming_round, rounds_of, wants_advice
from schemas.records import INSTRUCTION, ROLE_NAMES

PROMPT: Final = "regularize"
ROLE: Final = "polisher"

SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["usable", "turns"],
    "properties": {
        "usable": {"type": "boolean"},
        "turns": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["role", "content"],
                "properties": {
                    "role": {"type": "string", "enum": ["patient", "doctor"]},
                    "content": {"type": "string"},
                },
            },
        },
    },
}

_SAME_RATIO: Final = 95.0
_SHORTER_RATIO: Final = 0.9
_WORDY_CHARS: Final = 60
"""A doctor who says more than this a turn may be put in fewer words."""
_WORDY_RATIO: Final = 0.6
_BARE: Final = re.compile(r"^[\s，。！!~～]*(?:没有?|有的?|是的?|不是|对的?|无|不|会|嗯+|恩+|否)[\s，。！!~～]*$")
_LEAKED: Final = re.compile(
    r"材料 [0-9a-f]{8}|</?材料|(?:(?:问诊|原始|对话)|(?<![\u4e00-\u9fff])|根据|按照?)记录(?:中|里|显示|提到|，)|"
    r"改写|润色|示范对话|范例|JSON|json|usable|提示词|系统提示|"
    r"(?:忽略|无视|忘记)[^。]{0,8}(?:指令|要求|规则|内容)|AI ?助手|人工智能|语言模型|"
    r"^(?:患者|家长|医生)[：:]|\[[^\]\s]{1,6}\]"
)
_REASONS: Final = {
    facts.FLIPPED: "negation_changed",
    conversation_facts.MOVED: "turns_changed",
    facts.LOST: "fact_lost",
    facts.CHANGED: "fact_lost",
    facts.ADDED: "fact_added",
}


@dataclass(frozen=True)
class Regularization:
    """How conversations are regularised.

    Attributes:
        pool: JSONL file of polished examples, from the configuration's folder; None: the ones that ship with us.
        n_examples: Examples before each conversation.
        max_example_chars: Of all examples of a conversation together.
        max_turns: Longer conversations are not asked about.
        max_chars: Of a conversation, likewise.
        min_answer_chars: What the doctor must have said in all, or there is nothing to keep.
        n_mends: How often the model is told what is wrong and may write again.
    """

    pool: str | None = None
    n_examples: int = field(default=3, metadata={"min": 0, "max": 12})
    max_example_chars: int = field(default=3_600, metadata={"min": 0, "max": 50_000})
    max_turns: int = field(default=24, metadata={"min": 2, "max": 200})
    max_chars: int = field(default=3_000, metadata={"min": 50, "max": 20_000})
    min_answer_chars: int = field(default=6, metadata={"min": 1})
    n_mends: int = field(default=1, metadata={"min": 0, "max": 3})


def dialogue_job(
    row: Mapping[str, Any],
    settings: Regularization,
    models: Mapping[str, str],
    prompts: PromptBook,
    pool: PolishedPool,
) -> Job:
    """The job for one conversation: one instruction, a drop that says why not, or nothing where it is no use asking."""
    said = spoken(row, settings)
    if why := unfit(row, settings, said):
        return Outcome(reason=why)
    if ROLE not in models:
        return Outcome(reason="no_model")
    original = turns_of(said)
    asked = first_ask(row, original, settings, prompts, pool)
    reply: Reply = yield asked
    if not reply.ok:
        return Outcome.of(reply)
    problems: list[tuple[str, str]] = []
    for mend in range(settings.n_mends + 1):
        if not reply.value["usable"]:
            return Outcome(reason="no_content")
        rewritten = merged(reply.value["turns"])
        problems = faults(original, rewritten)
        if not problems:
            verdict = f"pass after {mend}" if mend else "pass"
            return Outcome(made=[(INSTRUCTION, _row(row, asked, reply, said, rewritten, verdict))])
        if mend == settings.n_mends:
            break
        following = _mending(asked, reply, problems, prompts)
        again: Reply = yield following
        if again.state == "failed":
            return Outcome.of(again)
        if not again.ok:
            break
        asked, reply = following, again
    made = _row(row, asked, reply, said, rewritten, ", ".join(dict.fromkeys(reason for reason, _ in problems)))
    return Outcome(dropped=[Drop(INSTRUCTION, made, problems[0][0], "; ".join(detail for _, detail in problems[:6]))])


def asks_of_dialogue(row: Mapping[str, Any], settings: Regularization) -> bool:
    """Whether a conversation gets a question; without one nothing is lost, for nothing could be made of it."""
    return not unfit(row, settings, spoken(row, settings))


def spoken(row: Mapping[str, Any], settings: Regularization) -> list[Said]:
    """What of a conversation is shown: no courtesy, adverts or greetings; from a patient's turn to a doctor's.

    A bare yes or no, which the extractive teacher leaves out, stays: here it becomes a sentence. Before the first
    advice that would harm a child the conversation ends, as it does there.
    """
    turns = row["turns"] or []
    if len(turns) > settings.max_turns or sum(len(turn["content"] or "") for turn in turns) > settings.max_chars:
        return []
    shown = []
    for said in cleaned(turns):
        content = turns[said.number]["content"] or ""
        if said.text:
            shown.append(said)
        elif said.role == "patient" and shown and _BARE.match(content):
            start = len(content) - len(content.lstrip())
            shown.append(Said(said.number, said.role, ((start, len(content.rstrip())),), content.strip()))
        if said.role == "doctor" and is_unsafe(said.text):  # what comes after may lean on it
            del shown[-1:]
            break
    while shown and shown[0].role != "patient":
        shown.pop(0)
    while shown and shown[-1].role != "doctor":
        shown.pop()
    return shown


def unfit(row: Mapping[str, Any], settings: Regularization, said: Sequence[Said]) -> str:
    """Why there is no use in asking about a conversation; empty where there is."""
    turns = row["turns"] or []
    if row["domain"] == "general":
        return "not_medical"
    if len(turns) > settings.max_turns or sum(len(turn["content"] or "") for turn in turns) > settings.max_chars:
        return "too_long"
    answers = "".join(part.text for part in said if part.role == "doctor")
    if len(answers) < settings.min_answer_chars:
        return "empty"
    everything = "".join(part.text for part in said)
    if is_advert(answers):
        return "advert"
    if is_machine_made(everything, 1 if len(said) <= 2 else 2):
        return "machine_made"
    if is_wrong(everything):
        return "unsafe"
    if not any(m.kind != "urgency" for m in mentions(everything)):
        return "not_medical"
    rounds = rounds_of(cleaned(turns))
    if row["domain"] != "medical" and not (rounds and is_about_a_child(dict(row), rounds)):
        return "not_about_a_child"
    return ""


def turns_of(said: Sequence[Said]) -> list[Turn]:
    """The turns of a conversation, neighbours of one speaker as one."""
    return merged([{"role": part.role, "content": part.text} for part in said])


def merged(turns: Sequence[Turn]) -> list[Turn]:
    """Turns without empty ones, neighbours of one speaker as one."""
    made: list[Turn] = []
    for turn in turns:
        content = turn["content"].strip()
        if content and made and made[-1]["role"] == turn["role"]:
            made[-1] = {"role": turn["role"], "content": f"{made[-1]['content']}\n{content}"}
        elif content:
            made.append({"role": turn["role"], "content": content})
    return made


def shown(turns: Sequence[Turn]) -> str:
    """A conversation as it stands in the prompt."""
    return "\n".join(f"{ROLE_NAMES[turn['role']]}：{turn['content']}" for turn in turns)


def first_ask(
    row: Mapping[str, Any], original: Sequence[Turn], settings: Regularization, prompts: PromptBook, pool: PolishedPool
) -> Ask:
    """The question about one conversation, examples before it."""
    prompt = prompts.get(PROMPT)
    text = shown(original)
    said: list[str] = []
    for pair in pool.examples(text, row["department"], settings.n_examples, settings.max_example_chars):
        said.append(prompt.fill("user", {"conversation_text": shown(pair.raw)}))
        said.append(orjson.dumps({"usable": True, "turns": list(pair.polished)}).decode())
    said.append(prompt.fill("user", {"conversation_text": text}))
    longest = min(8_192, 600 + 3 * len(text))
    return Ask(
        ROLE,
        PROMPT,
        prompt.version,
        conversation(prompt.fill("system", {}), *said),
        SCHEMA,
        Sampling(temperature=0.3, max_tokens=longest),
    )


def _mending(asked: Ask, reply: Reply, problems: Sequence[tuple[str, str]], prompts: PromptBook) -> Ask:
    told = "\n".join(f"- {_told(reason, detail)}" for reason, detail in problems[:12])
    return asked.following(reply, prompts.get(PROMPT).fill("mend", {"problems": told}))


_TOLD: Final = {
    "fact_lost": "丢失或改变了原有的事实",
    "fact_added": "写了记录里没有的事实",
    "negation_changed": "把有说成了没有，或把没有说成了有",
    "turns_changed": "谁说的话变了，或轮次不合要求",
    "unsafe": "含有不安全的做法",
    "identity": "含有姓名、机构或联系方式",
    "leaked_prompt": "含有与对话无关的话",
    "not_better": "与原来几乎一样，或医生的话变短了",
}


def _told(reason: str, detail: str) -> str:
    """A problem as the model is told; the words in question stand in 「」."""
    words = re.search(r"「[^」]*」", detail)
    return _TOLD[reason] + (f"：{words[0]}" if words else "")


def faults(original: Sequence[Turn], rewritten: Sequence[Turn]) -> list[tuple[str, str]]:
    """What is wrong with a rewriting, the gravest first: a reason, and a detail for people."""
    if not rewritten or rewritten[0]["role"] != "patient" or rewritten[-1]["role"] != "doctor":
        return [("turns_changed", "should begin with the patient and end with the doctor")]
    if len(rewritten) > len(original):
        return [("turns_changed", f"{len(original)} turns became {len(rewritten)}")]
    text = "\n".join(turn["content"] for turn in rewritten)
    answers = "".join(turn["content"] for turn in rewritten if turn["role"] == "doctor")
    found = []
    if is_unsafe(answers):
        found.append(("unsafe", "names a remedy that harms children"))
    found += [("identity", f"「{hit}」") for hit in identities(text)]
    if leak := next((m for turn in rewritten if (m := _LEAKED.search(turn["content"]))), None):
        found.append(("leaked_prompt", f"「{leak[0]}」"))
    found += _fact_faults(original, rewritten)
    return found or _not_better(original, rewritten, answers)


def _fact_faults(original: Sequence[Turn], rewritten: Sequence[Turn]) -> list[tuple[str, str]]:
    order = list(_REASONS)
    findings = sorted(conversation_facts.findings(original, rewritten), key=lambda f: order.index(f.reason))
    found = [(_REASONS[f.reason], f"「{f.text}」 {f.detail}") for f in findings]
    for role in ("patient", "doctor"):
        said, now = ("\n".join(t["content"] for t in turns if t["role"] == role) for turns in (original, rewritten))
        found += [("negation_changed", f"「{stem}」 was denied, is stated") for stem in turned(said, now)]
        if role == "doctor":
            found += [("fact_lost", f"「{clause}」 is not said any more") for clause in unsaid(said, now)]
    return found


def _not_better(original: Sequence[Turn], rewritten: Sequence[Turn], answers: str) -> list[tuple[str, str]]:
    if (ratio := fuzz.ratio(shown(original), shown(rewritten))) >= _SAME_RATIO:
        return [("not_better", f"{ratio:.0f} % of it is the original")]
    turns = [turn["content"] for turn in original if turn["role"] == "doctor"]
    before = sum(map(len, turns))
    least = _SHORTER_RATIO if before < _WORDY_CHARS * len(turns) else _WORDY_RATIO
    if len(answers) < least * before:
        return [("not_better", f"the doctor's {before} characters became {len(answers)}")]
    return []


def identities(text: str) -> list[str]:
    """Names, places of treatment and ways to reach people that a text gives away."""
    finders = (
        lambda t: identifiers.phones(t, True),
        identifiers.identity_numbers,
        identifiers.accounts,
        people.doctors,
        people.names,
        people.children,
        hospitals.hospitals,
    )
    return list(dict.fromkeys(text[hit.start : hit.end] for find in finders for hit in find(text)))


def task_of(row: Mapping[str, Any], turns: Sequence[Turn]) -> tuple[str, str]:
    """Task and aspect, as the extractive teacher tells them."""
    if row["domain"] == "medical":
        return "general", "advice"
    rounds = rounds_of(cleaned([dict(turn) for turn in turns]))
    if rounds and naming_round(rounds) is not None:
        return "evidiag", "diagnosis"
    asked = turns[0]["content"] + "".join(turn["content"] for turn in turns[2:] if turn["role"] == "patient")
    return ("trerecom", "advice") if wants_advice(asked) else ("medkqa", "knowledge")


def _row(
    row: Mapping[str, Any], asked: Ask, reply: Reply, said: Sequence[Said], rewritten: Sequence[Turn], verdict: str
) -> dict[str, Any]:
    task, aspect = task_of(row, rewritten) if rewritten else ("general", "advice")
    stated = [part for part in said if part.role == "doctor" or facts.facts_of(part.text) or _BARE.match(part.text)]
    messages = [
        {"role": "user" if turn["role"] == "patient" else "assistant", "content": turn["content"]} for turn in rewritten
    ]
    return instruction(
        row,
        asked,
        reply,
        task=task,
        aspect=aspect,
        department=row["department"],
        messages=messages,
        evidence=evidence(dict(row), stated),
        verdicts=[{"check": "regularize", "verdict": verdict}],
    )
