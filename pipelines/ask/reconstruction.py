"""Progressive reconstruction of a distilled item: detect → restructure → enrich → check, each seeing the one before.

    detect        judge      what is missing, wrong, illogical, unsafe or unclear, each with a verbatim quote
    restructure   polisher   mends what was found and puts the answer in order; skipped where only something is missing
    enrich        polisher   adds what was found missing; skipped where nothing is
    check         judge      which of the two answers is better, blind to which is new

An answer without findings keeps its original after one call. What no finding gives a reason for may neither go nor
come: the facts of the new answer are held against the original's and the findings'. An item that is no better keeps
its original, with a verdict that says why.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from typing import Any, Final

from pipelines.ask.facts import ADDED, Finding, added, facts_of, kept
from pipelines.ask.rows import instruction
from pipelines.llm.exchange import Ask, Message, Reply, Sampling, conversation
from pipelines.llm.stage import Job, Outcome, Row
from pipelines.prompts import PromptBook
from pipelines.teacher.conversations import is_unsafe
from pipelines.teacher.phrasing import draw
from schemas.records import INSTRUCTION

DETECT, RESTRUCTURE, ENRICH, CHECK = (
    "reconstruct_detect",
    "reconstruct_restructure",
    "reconstruct_enrich",
    "reconstruct_check",
)
PROMPTS: Final = (DETECT, RESTRUCTURE, ENRICH, CHECK)
MAX_CHARS: Final = 6_000
"""Of an item; longer ones are left as they are."""
_MAX_FINDINGS: Final = 12
_SHORTER_RATIO: Final = 0.5
_LONGER_RATIO: Final = 4.0
_KINDS: Final = ("missing", "wrong", "illogical", "unsafe", "unclear")
_NAMES: Final = {"missing": "缺漏", "wrong": "错误", "illogical": "逻辑不通", "unsafe": "不安全", "unclear": "含混"}

DETECT_SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["findings"],
    "properties": {
        "findings": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["kind", "quote", "problem", "correction"],
                "properties": {
                    "kind": {"type": "string", "enum": list(_KINDS)},
                    "quote": {"type": "string"},
                    "problem": {"type": "string"},
                    "correction": {"type": "string"},
                },
            },
        }
    },
}
ANSWER_SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["answer"],
    "properties": {"answer": {"type": "string"}},
}
CHECK_SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["errors_a", "errors_b", "better"],
    "properties": {
        "errors_a": {"type": "array", "items": {"type": "string"}},
        "errors_b": {"type": "array", "items": {"type": "string"}},
        "better": {"type": "string", "enum": ["A", "B", "same"]},
    },
}


def density(row: Mapping[str, Any]) -> float:
    """Distinct medical facts in 100 characters of the answer; 0 for answers too short to hold any order."""
    answer = row["messages"][-1]["content"] if row["messages"] else ""
    if len(answer) < 40:
        return 0.0
    found = {(fact.kind, fact.meaning) for fact in facts_of(answer)}
    return 100 * len(found) / max(len(answer), 100)


def reconstruct_job(row: Row, prompts: PromptBook) -> Job:
    """The job for one instruction: the new row in its place, or the same row with a verdict that says why it stays."""
    item = _Item(row, prompts)
    reply = yield item.ask(DETECT, DETECT_SCHEMA, 1_500, role="judge")
    if not reply.ok:
        return item.unanswered("detect", reply)
    item.findings = usable_findings(reply.value["findings"], item.answer)
    item.note("detect", ",".join(sorted({f["kind"] for f in item.findings})) or "nothing", reply)
    if not item.findings:
        return item.keep("nothing_found")
    written = yield from item.rewrite()
    if isinstance(written, Outcome):
        return written
    asked, reply, text = written
    if fault := item.fault(text):
        return item.keep(*fault)
    swapped = is_swapped(row["record_id"])
    pair = (text, item.answer) if swapped else (item.answer, text)
    judged = yield item.ask(
        CHECK, CHECK_SCHEMA, 800, role="judge", values={"first_text": pair[0], "second_text": pair[1]}
    )
    if not judged.ok:
        return item.unanswered("check", judged)
    new, old = ("A", "B") if swapped else ("B", "A")
    errors = judged.value["errors_a" if swapped else "errors_b"], judged.value["errors_b" if swapped else "errors_a"]
    winner = {new: "new", old: "original"}.get(judged.value["better"], "same")
    item.note("check", f"{winner} better" if winner != "same" else "same", judged)
    if winner != "new":
        return item.keep("worse" if winner == "original" else "no_better")
    if len(errors[0]) > len(errors[1]):
        return item.keep("more_errors")
    return item.replace(asked, reply, text)


def is_swapped(record_id: str) -> bool:
    """Whether the new answer is shown first in the check: by the id, so that neither place is the new one's."""
    return draw(2, "order", record_id) == 1


def usable_findings(findings: Sequence[Mapping[str, str]], answer: str) -> list[Mapping[str, str]]:
    """Findings whose quote stands in the answer word for word; what is missing needs none."""
    made = []
    for finding in findings[:_MAX_FINDINGS]:
        quote = finding["quote"].strip()
        if finding["problem"].strip() and (finding["kind"] == "missing" or (len(quote) >= 2 and quote in answer)):
            made.append(finding)
    return made


class _Item:
    """An instruction on its way through the steps."""

    def __init__(self, row: Row, prompts: PromptBook) -> None:
        self._row, self._prompts = row, prompts
        self.answer: str = row["messages"][-1]["content"]
        self.findings: list[Mapping[str, str]] = []
        self._verdicts: list[dict[str, str]] = []

    def note(self, step: str, verdict: str, reply: Reply) -> None:
        """Records a step, with its call."""
        self._verdicts.append({"check": f"reconstruct/{step}", "verdict": f"{verdict} ({reply.key})"})

    def ask(
        self,
        name: str,
        schema: Mapping[str, Any],
        max_tokens: int,
        role: str = "polisher",
        values: Mapping[str, str] = {},
    ) -> Ask:
        """The question of one step."""
        prompt = self._prompts.get(name)
        filled = {"question_text": _shown(self._row["messages"][:-1]), "answer_text": self.answer, **values}
        messages = conversation(prompt.fill("system", {}), prompt.fill("user", filled))
        temperature = 0.0 if role == "judge" else 0.3
        return Ask(role, name, prompt.version, messages, schema, Sampling(temperature, max_tokens=max_tokens))

    def rewrite(self) -> Generator[Ask, Reply, Outcome | tuple[Ask, Reply, str]]:
        """Restructures and enriches, as far as the findings ask for it; the last question, its reply and the answer."""
        to_mend = [f for f in self.findings if f["kind"] != "missing"]
        missing = [f for f in self.findings if f["kind"] == "missing"]
        text, last = self.answer, None
        for step, name, todo in (("restructure", RESTRUCTURE, to_mend), ("enrich", ENRICH, missing)):
            if not todo:
                continue
            values = {"current_text": text, "findings_text": _listed(todo)}
            asked = self.ask(name, ANSWER_SCHEMA, min(6_000, 800 + 3 * len(text)), values=values)
            reply = yield asked
            if not reply.ok:
                return self.unanswered(step, reply)
            changed = reply.value["answer"].strip() != text
            self.note(step, f"{len(todo)} mended" if changed else "unchanged", reply)
            text = reply.value["answer"].strip()
            last = asked, reply, text
        if last is None:
            raise AssertionError("rewriting without findings")
        return last

    def fault(self, text: str) -> tuple[str, str] | None:
        """Why a new answer cannot stand, whatever the judge would say: a word, and details."""
        if not text or text == self.answer:
            return "unchanged", ""
        if not _SHORTER_RATIO * len(self.answer) <= len(text) <= _LONGER_RATIO * len(self.answer) + 200:
            return "length", f"{len(self.answer)} to {len(text)} characters"
        if is_unsafe(text) and not is_unsafe(self.answer):
            return "unsafe", ""
        question = _shown(self._row["messages"][:-1])
        lost = [f for f in kept(self.answer, text) if not self._explains_loss(f)]
        if lost:
            return "fact_lost", "; ".join(f.detail for f in lost[:4])
        reasons = "\n".join([question, self.answer, *(f"{f['problem']}。{f['correction']}" for f in self.findings)])
        new = [f for f in added(reasons, text) if f.reason == ADDED]
        if new:
            return "fact_added", "; ".join(f.detail for f in new[:4])
        return None

    def _explains_loss(self, lost: Finding) -> bool:
        """Whether a fact went because a finding quoted it."""
        return any(lost.text in f["quote"] for f in self.findings if f["kind"] != "missing")

    def keep(self, why: str, detail: str = "") -> Outcome:
        """The original, with the steps and why it stays."""
        verdict = f"kept_original:{why}" + (f" ({detail})" if detail else "")
        return Outcome(made=[(INSTRUCTION, self._with("reconstruct", verdict))])

    def unanswered(self, step: str, reply: Reply) -> Outcome:
        """The original where a step had no usable reply; as it was where the step may yet be answered."""
        if reply.state == "failed":
            return Outcome(reply.state, reply.reason, f"{step}: call {reply.key}", made=[(INSTRUCTION, self._row)])
        row = self._with("reconstruct", f"kept_original:{step}_{reply.reason or reply.state}")
        return Outcome(reply.state, reply.reason, f"{step}: call {reply.key}", made=[(INSTRUCTION, row)])

    def replace(self, asked: Ask, reply: Reply, text: str) -> Outcome:
        """The new row: its id is made from the original's, its group, locator and licence are the original's."""
        row = self._row
        self._verdicts.append({"check": "reconstruct", "verdict": f"replaced {row['record_id']}"})
        made = instruction(
            row,
            asked,
            reply,
            task=row["task"],
            aspect=row["aspect"],
            department=row["department"],
            messages=[*row["messages"][:-1], {"role": "assistant", "content": text}],
            evidence=row["evidence"] or [],
            verdicts=[*(row["verdicts"] or []), *self._verdicts],
        )
        return Outcome(made=[(INSTRUCTION, made)])

    def _with(self, check: str, verdict: str) -> Row:
        verdicts = [*(self._row["verdicts"] or []), *self._verdicts, {"check": check, "verdict": verdict}]
        return {**self._row, "verdicts": verdicts}


def _listed(findings: Sequence[Mapping[str, str]]) -> str:
    return "\n".join(
        f"{number}. {_NAMES[f['kind']]}"
        + (f"：「{f['quote'].strip()}」" if f["quote"].strip() else "")
        + f"。{f['problem'].strip()}"
        + (f" 应为：{f['correction'].strip()}" if f["correction"].strip() else "")
        for number, f in enumerate(findings, 1)
    )


def _shown(messages: Sequence[Message]) -> str:
    """The talk before the answer."""
    names = {"user": "问", "assistant": "答", "system": "设定"}
    if len(messages) == 1:
        return messages[0]["content"]
    return "\n".join(f"{names[m['role']]}：{m['content']}" for m in messages)
