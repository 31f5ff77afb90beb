"""A preference from an instruction: a humanistic rephrasing of its answer over what an assistant model says.

    rejected   the assistant model's answer to the same conversation, in plain chat and without a hint
    chosen     the polisher's rephrasing of the instruction's own answer: warm, clear, ordered, the same facts

The assistant is asked first, being the cheaper. Why a pair is dropped:

    rejected_refused     the assistant would not answer, or said next to nothing
    rejected_harmful     it tells how to do harm: an unsafe remedy with an amount in one sentence. Without an amount it
                         stays: that a model must learn to prefer something else is what preferences are for
    rejected_not_worse   it names nine tenths of the answer's facts, turns none round and is as warm and as ordered
    facts_differ         the rephrasing lost, changed or added a fact, after it was told so once
    hardly_different     chosen and rejected are nearly the same in letters
    length_ratio         one is much longer than the other: models would learn length
    identity, unsafe, leaked_prompt   the rephrasing or the assistant's answer holds what a corpus must not
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from rapidfuzz import fuzz

from pipelines.ask.coverage import turned, unsaid
from pipelines.ask.facts import FLIPPED, LOST, Finding, added, facts_of, kept
from pipelines.ask.quantities import quantities
from pipelines.ask.reconstruction import ANSWER_SCHEMA
from pipelines.ask.regularize import identities
from pipelines.ask.rows import preference
from pipelines.llm.exchange import Ask, Reply, Sampling, conversation
from pipelines.llm.stage import Drop, Job, Outcome, Row
from pipelines.prompts import PromptBook
from pipelines.teacher.conversations import is_unsafe
from schemas.records import PREFERENCE

HUMANIZE, ASSISTANT = "humanize", "assistant_answer"
PROMPTS: Final = (ASSISTANT, HUMANIZE)
_SAME_RATIO: Final = 85.0
_COVERED_RATIO: Final = 0.9
_LEAST_CHARS: Final = 10
_REFUSED: Final = re.compile(
    r"^.{0,20}(?:(?:我)?(?:无法|不能|没有办法|不便)(?:为您|为你|直接)?(?:提供|回答|给出|诊断|帮)|(?:抱歉|对不起).{0,20}(?:无法|不能|不便))"
)
_WARM: Final = re.compile(
    r"您好|理解(?:您|你)?的?|别(?:太)?(?:担心|着急|慌)|不用(?:太|过于)?(?:担心|着急|紧张)|辛苦|心疼|放心|安心|着急|谢谢(?:您|你)|"
    r"观察得|很(?:常见|正常)|慢慢|陪|请(?:您)?|不是(?:您|孩子)的错"
)
_ORDERED: Final = re.compile(
    r"首先|其次|第[一二三]|另外|同时|最后|一是|二是|(?:^|\n)\s*[1-9][.、]|如果.{1,40}(?:请|就|要)"
)
_LEAKED: Final = re.compile(
    r"材料 [0-9a-f]{8}|</?材料|原回答|改写|润色|提示词|JSON|json|(?:忽略|无视|忘记)[^。]{0,8}(?:指令|要求|规则)|"
    r"语言模型|AI ?助手"
)


@dataclass(frozen=True)
class Limits:
    """What a pair must keep to.

    Attributes:
        max_length_ratio: Of the longer to the shorter of the two answers.
        n_mends: How often the polisher is told which facts differ.
    """

    max_length_ratio: float
    n_mends: int


def preference_job(row: Row, prompts: PromptBook, limits: Limits) -> Job:
    """The job for one instruction: a preference, or a drop that says why not."""
    reference = row["messages"][-1]["content"]
    low_asked = _assistant_ask(row, prompts)
    low_reply: Reply = yield low_asked
    if not low_reply.ok:
        return Outcome.of(low_reply)
    low = low_reply.text.strip()
    if fault := fault_of_low(low):
        return _dropped(row, low_asked, low_reply, "", low, *fault)
    asked = _humanize_ask(row, prompts)
    reply: Reply = yield asked
    if not reply.ok:
        return Outcome.of(reply)
    chosen = reply.value["answer"].strip()
    for _ in range(limits.n_mends):
        differences = _differences(row, chosen)
        if not differences:
            break
        following = _mending(asked, reply, differences, prompts)
        again: Reply = yield following
        if again.state == "failed":
            return Outcome.of(again)
        if not again.ok:
            break
        asked, reply, chosen = following, again, again.value["answer"].strip()
    if why := fault_of_pair(row, reference, chosen, low, limits):
        return _dropped(row, asked, reply, chosen, low, *why)
    made = preference(row, asked, reply, prompt=row["messages"][:-1], chosen=chosen, rejected=low)
    return Outcome(made=[(PREFERENCE, made)])


def fault_of_low(low: str) -> tuple[str, str] | None:
    """Why the assistant's answer will not do for a rejected one, whatever the chosen is; a word and details."""
    if len(low) < _LEAST_CHARS or _REFUSED.search(low):
        return "rejected_refused", low[:80]
    for sentence in re.split(r"(?<=[。！？!?\n])", low):
        if is_unsafe(sentence) and quantities(sentence):
            return "rejected_harmful", sentence[:80]
    if found := identities(low):
        return "identity", f"rejected: {found[0]}"
    if leak := _LEAKED.search(low):
        return "leaked_prompt", f"rejected: {leak[0]}"
    return None


def fault_of_pair(row: Row, reference: str, chosen: str, low: str, limits: Limits) -> tuple[str, str] | None:
    """Why the two answers make no preference; a word and details."""
    if differences := _differences(row, chosen):
        return "facts_differ", "; ".join(f.detail for f in differences[:4])
    if is_unsafe(chosen):
        return "unsafe", "names a remedy that harms children"
    if found := [each for each in identities(chosen) if each not in reference]:
        return "identity", found[0]
    if leak := _LEAKED.search(chosen):
        return "leaked_prompt", leak[0]
    if (ratio := fuzz.ratio(chosen, low)) >= _SAME_RATIO:
        return "hardly_different", f"{ratio:.0f} % the same"
    if why := why_not_worse(reference, chosen, low):
        return "rejected_not_worse", why
    longer, shorter = max(len(chosen), len(low)), max(1, min(len(chosen), len(low)))
    if longer > limits.max_length_ratio * shorter:
        return "length_ratio", f"chosen {len(chosen)} characters, rejected {len(low)}"
    return None


def why_not_worse(reference: str, chosen: str, low: str) -> str:
    """By what the rejected answer is as good as the chosen one; empty where it is worse.

    Facts: the share of the reference's that it names, and whether it turns any round. Manner: how many ways of warmth
    and of order it shows. No measure of truth: what it says beyond the reference counts neither for it nor against it.
    """
    known = {(f.kind, f.meaning) for f in facts_of(reference) if f.polarity != "?"}
    covered = len(known & {(f.kind, f.meaning) for f in facts_of(low)}) / len(known) if known else 1.0
    turned = any(f.reason == FLIPPED for f in kept(reference, low))
    manner = [_manner(low), _manner(chosen)]
    if covered >= _COVERED_RATIO and not turned and manner[0] >= manner[1]:
        return f"names {covered:.0%} of the facts, manner {manner[0]} against {manner[1]}"
    return ""


def _manner(text: str) -> int:
    return len(set(_WARM.findall(text))) + min(3, len(_ORDERED.findall(text)))


def _differences(row: Row, chosen: str) -> list[Finding]:
    """Facts of the answer that the rephrasing does not have, and those that neither it nor the talk before has."""
    reference = row["messages"][-1]["content"]
    before = "\n".join(m["content"] for m in row["messages"])
    gone = [Finding(LOST, "clause", clause, f"{clause} is not said any more") for clause in unsaid(reference, chosen)]
    gone += [Finding(FLIPPED, "denial", stem, f"{stem} was denied, is stated") for stem in turned(reference, chosen)]
    return [*kept(reference, chosen), *added(before, chosen), *gone]


def _assistant_ask(row: Row, prompts: PromptBook) -> Ask:
    prompt = prompts.get(ASSISTANT)
    told = [dict(m) for m in row["messages"][:-1]]
    system = prompt.fill("system", {})
    if told and told[0]["role"] == "system":
        system, told = told[0]["content"], told[1:]
    messages = ({"role": "system", "content": system}, *told)
    return Ask("assistant", ASSISTANT, prompt.version, messages, None, Sampling(temperature=0.7, max_tokens=1_024))


def _humanize_ask(row: Row, prompts: PromptBook) -> Ask:
    prompt = prompts.get(HUMANIZE)
    answer = row["messages"][-1]["content"]
    names = {"user": "问", "assistant": "答", "system": "设定"}
    talk = "\n".join(f"{names[m['role']]}：{m['content']}" for m in row["messages"][:-1])
    values = {"question_text": talk, "answer_text": answer}
    messages = conversation(prompt.fill("system", {}), prompt.fill("user", values))
    longest = min(6_000, 500 + 3 * len(answer))
    return Ask("polisher", HUMANIZE, prompt.version, messages, ANSWER_SCHEMA, Sampling(0.5, max_tokens=longest))


def _mending(asked: Ask, reply: Reply, differences: list[Finding], prompts: PromptBook) -> Ask:
    names = {"lost": "丢失", "changed": "对应关系改变", "flipped": "有无颠倒", "added": "原回答没有"}
    told = "\n".join(f"- {names[f.reason]}：「{f.text}」" for f in differences[:12])
    return asked.following(reply, prompts.get(HUMANIZE).fill("mend", {"problems": told}))


def _dropped(row: Row, asked: Ask, reply: Reply, chosen: str, low: str, reason: str, detail: str) -> Outcome:
    made: Mapping[str, Any] = preference(row, asked, reply, prompt=row["messages"][:-1], chosen=chosen, rejected=low)
    return Outcome(dropped=[Drop(PREFERENCE, dict(made), reason, detail)])
