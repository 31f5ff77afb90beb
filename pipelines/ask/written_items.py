"""What an LLM wrote as one item, and whether it may stay: each check has a word for the drop and says what it found."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from rapidfuzz import fuzz

from pipelines.ask.passage_facts import foreign_article, foreign_drug, foreign_quantity
from pipelines.ask.quotes import folded
from pipelines.prompts import Prompt

MAX_ITEMS: Final = 30
"""Items of one reply that are looked at; more were never asked for."""
MAX_QUESTION_CHARS: Final = 600
MAX_TURNS: Final = 16

_OF_TEXT: Final = (
    r"(?:根据|依据|按照|参照|从|由|见|如)(?:以上|上述|上面|所给|给出的|提供的|这段|这份|该|此|原)?"
    r"(?:材料|资料|文本|原文|片段|段落|文字|条目|图谱|文献)(?!学|管理)"
    r"|(?:以上|上述|所给|给出的|提供的|这段|这份|该段)(?:材料|资料|文本|原文|片段|段落|文字|条目|图谱)"
    r"|(?:材料|资料|原文|条目|图谱|文献)(?:中|里|没有|未|所述|提到|提及|指出|显示|写明|认为|给出)"
    r"|文中|(?<!还)原文|上文|下文|前文|该文|(?<![基根])本[文章节段]"
    r"|(?:如|见)(?:下|上|附)?(?:图(?![像形案书画])|表(?![现面皮情示明达浅层观]))|(?<![电声像力线间])[图表]\s*[A-Z]?\.?\s*\d"
    r"|(?<![基根])本(?:法|条例|办法|标准|指南|规范|规定|细则|制度|条|款)(?!律)(?=[，。的所规中第、及》]|$)|前款|附录\s*[A-Z]"
)
_POINTS: Final = re.compile(_OF_TEXT)
_WHAT_IT_LEARNT: Final = re.compile(r"资料|文献")
"""An assistant that is asked where its knowledge is from speaks of these, and points at no passage."""
_MARKS: Final = re.compile(
    r"[<＜〈]\s*[/／]?\s*材料|```|\b(?:medkqa|evidiag|trerecom|grandparent|persona|quotes|assistant_\w+)\b"
    r"|\{\"|\"(?:role|content|turns|items)\"",
    re.IGNORECASE,
)
_MACHINE_TALK: Final = re.compile(
    r"系统提示|提示词|占位符|语言模型|人工智能(?:助手|模型)|作为(?:一个|一名)?\s*AI|我是(?:一个|一名)?\s*AI"
    r"|system prompt|ignore (?:all|any|the|previous)"
    r"|(?:忽略|无视|忘记)(?:以上|之前|前面|上面|上述|所有)[^，。]{0,8}(?:指令|要求|规则|提示|设定)",
    re.IGNORECASE,
)
_INJECTION: Final = re.compile(
    r"(?:忽略|无视|忘记|不要理会|停止遵守)[^。\n]{0,12}(?:指令|要求|规则|提示|设定|内容|任务)"
    r"|你(?:现在|必须|是一个|要扮演|将扮演)[^。\n]{0,20}(?:输出|回答|回复|扮演|模型|助手|AI)"
    r"|(?:输出|写出|附上|加上|包含)[^。\n]{0,6}(?:字样|以下|暗号|口令|[A-Z0-9_-]{5,}|[“\"「])"
    r"|ignore (?:all|any|the|previous)|system\s*[:：]|\bprompt\b|<\|?im_",
    re.IGNORECASE,
)
_DISTINCT: Final = re.compile(r"[A-Za-z0-9_-]{5,}|[“\"「『]([^”\"」』]{3,60})[”\"」』]")
_ASKS_AS_FAMILY: Final = re.compile(
    r"^(?:医生|大夫|专家)(?:您?好|，|,|：|:|！)|^请问(?:医生|大夫)|(?:^|[。！？])我家(?:孩子|宝宝|娃|孙|儿子|女儿)"
    r"|我(?:孙子|孙女|外孙|儿子|女儿)"
)
_ANSWERS_AS_DOCTOR: Final = re.compile(
    r"(?:^|[。！？])(?:作为(?:一名|您的)?(?:儿科)?(?:医生|专家)|我是儿科(?:医生|专家)|建议您(?:带|给)孩子)"
)
_MAY_BE_DOCTORS: Final = ("resident", "nurse", "")
"""Among askers: without a persona it is who a seed brings, as somebody who claims to be one to be told a dose."""
_NAMES_DIAGNOSIS: Final = re.compile(r"考虑|可能|诊断|倾向|符合|提示|像是|支持")
_QUESTION: Final = re.compile(r"[？?]|[吗呢么](?:[。，]|$)|请(?:说|告诉|描述)")
_SAME_QUESTION: Final = 88.0
_COPIED_CHARS: Final = 24
_HAN: Final = re.compile(r"[\u4e00-\u9fff]")


class Fault(NamedTuple):
    """Why an item goes: a word, and what was found, for a person to judge."""

    reason: str
    detail: str


@dataclass(frozen=True)
class Item:
    """One item as the model wrote it, its shape already checked by the schema."""

    persona: str
    task: str
    turns: tuple[Mapping[str, str], ...]
    quotes: tuple[str, ...]

    @classmethod
    def of(cls, value: Mapping[str, Any]) -> Item:
        """The item of a reply's object; blanks around texts go."""
        turns = tuple({"role": t["role"], "content": t["content"].strip()} for t in value["turns"])
        quotes = tuple(value.get("quotes", ()))
        return cls(value.get("persona", ""), value.get("task", ""), turns, quotes)

    def said(self, role: str) -> list[str]:
        """The contents of a side's turns."""
        return [t["content"] for t in self.turns if t["role"] == role]

    @property
    def question(self) -> str:
        """The first question."""
        return next(iter(self.said("user")), "")

    @property
    def answer(self) -> str:
        """The last answer."""
        return self.turns[-1]["content"] if self.turns else ""


def shape_fault(item: Item, min_answer_chars: int, max_answer_chars: int) -> Fault | None:
    """Turns that do not alternate, are empty, or are too short or too long to be one."""
    roles = [t["role"] for t in item.turns]
    if len(roles) < 2 or len(roles) % 2 or any(role != ("user", "assistant")[i % 2] for i, role in enumerate(roles)):
        return Fault("bad_turns", f"轮次为 {' '.join(roles[:MAX_TURNS]) or '空'}")
    if len(roles) > MAX_TURNS:
        return Fault("bad_turns", f"共{len(roles)}轮，最多{MAX_TURNS}轮")
    if not all(_HAN.search(t["content"]) for t in item.turns):
        return Fault("bad_turns", "有一轮没有文字")
    if len(item.answer) < min_answer_chars or len(item.question) < 4:
        return Fault("too_short", f"问{len(item.question)}字，答{len(item.answer)}字")
    longest_question = max(map(len, item.said("user")))
    longest_answer = max(map(len, item.said("assistant")))
    if longest_question > MAX_QUESTION_CHARS or longest_answer > max_answer_chars:
        return Fault("too_long", f"问{longest_question}字，答{longest_answer}字")
    if item.task == "evidiag":
        return _consultation_fault(item)
    return None


def _consultation_fault(item: Item) -> Fault | None:
    if len(item.turns) < 4 or not any(_QUESTION.search(a) for a in item.said("assistant")[:-1]):
        return Fault("bad_consultation", "医生没有追问")
    if not _NAMES_DIAGNOSIS.search(item.answer):
        return Fault("bad_consultation", f"最后没有说出诊断：{item.answer[:40]}")
    return None


def wording_fault(item: Item, prompt: Prompt, source: str, speaks_of_itself: bool = False) -> Fault | None:
    """Roles that are mixed up, words of the prompt, an order of the passage that was obeyed, pointers to the passage.

    Args:
        item: The item.
        prompt: That it was asked with.
        source: The text that stood between the fence marks.
        speaks_of_itself: The item is about the assistant: it may be asked about its settings, and call itself an AI.
    """
    for turn in item.turns:
        content, asks = turn["content"], turn["role"] == "user"
        if leak := _leak(content, prompt, source, speaks_of_itself):
            return Fault("leaked_prompt", leak)
        confused = (_ANSWERS_AS_DOCTOR if asks else _ASKS_AS_FAMILY).search(content)
        if confused and not (asks and item.persona in _MAY_BE_DOCTORS):
            return Fault("role_confusion", f"{'提问者' if asks else '医生'}说：{confused[0]}")
        points = _POINTS.search(content)
        if points and not (speaks_of_itself and _WHAT_IT_LEARNT.search(points[0])):
            return Fault("points_at_passage", f"{'问' if asks else '答'}：{points[0]}")
    return None


def _leak(content: str, prompt: Prompt, source: str, speaks_of_itself: bool) -> str | None:
    if leak := _MARKS.search(content) or (not speaks_of_itself and _MACHINE_TALK.search(content)):
        return f"出现：{leak[0]}"
    for order in orders(source):
        if order in content:
            return f"照办了材料里的指令：{order[:40]}"
    if copied := _copied(content, _phrases(prompt)):
        return f"抄了提示词：{copied}"
    return None


@functools.lru_cache(maxsize=32)
def orders(source: str) -> tuple[str, ...]:
    """The telling words of sentences in a passage that speak to a model: what only a reply that obeyed would say."""
    found: list[str] = []
    for line in re.split(r"[。！!\n]", source):
        if _INJECTION.search(line):
            found += [m[1] or m[0] for m in _DISTINCT.finditer(line)]
            found.append(line.strip()[:_COPIED_CHARS])
    return tuple(dict.fromkeys(word for word in found if len(word) >= 4))


@functools.lru_cache(maxsize=64)
def _phrases(prompt: Prompt) -> frozenset[str]:
    text = "\n".join(prompt.sections.values())
    return frozenset(
        line[i : i + _COPIED_CHARS] for line in text.splitlines() for i in range(len(line) - _COPIED_CHARS + 1)
    )


def _copied(content: str, phrases: frozenset[str]) -> str | None:
    runs = (content[i : i + _COPIED_CHARS] for i in range(len(content) - _COPIED_CHARS + 1))
    return next((run for run in runs if run in phrases), None)


def telling_fault(item: Item) -> Fault | None:
    """A question that has its own answer in it."""
    if len(item.turns) != 2:
        return None
    asked, answered = folded(item.question).text, folded(item.answer).text
    pairs = {answered[i : i + 2] for i in range(len(answered) - 1)}
    there = sum(pair in asked for pair in pairs)
    if pairs and there / len(pairs) >= 0.75:
        return Fault("answers_itself", f"问题里已有答案的{there * 100 // len(pairs)}%")
    return None


def fact_fault(item: Item, sources: Sequence[str]) -> Fault | None:
    """A figure, a drug or an article in the doctor's words that neither the passage nor the asker gave."""
    heard: list[str] = list(sources)
    for turn in item.turns:
        if turn["role"] == "user":
            heard.append(turn["content"])
            continue
        for what, found in (
            ("数值", foreign_quantity(turn["content"], heard)),
            ("药名", foreign_drug(turn["content"], heard)),
            ("条号", foreign_article(turn["content"], heard)),
        ):
            if found:
                return Fault("not_in_passage", f"{what}“{found}”在原文和提问里都没有")
    return None


def repeated(question: str, before: Iterable[str]) -> str | None:
    """An earlier question that is nearly this one; other figures make another question."""
    asked = folded(question).text
    for other in before:
        text = folded(other).text
        if fuzz.ratio(asked, text) >= _SAME_QUESTION and re.findall(r"\d+", asked) == re.findall(r"\d+", text):
            return other
    return None
