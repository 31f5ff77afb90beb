"""Preferences from consultations: the whole reply over the curt one.

Where a doctor first answers in a few words and says more later, the full reply joins the doctor's own sentences of
that conversation; the few words alone are what it is preferred to. No fact is added that the doctor did not state.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

from pipelines.teacher.conversation_cleaning import Said, cleaned, closed, evidence, is_advert, is_machine_made
from pipelines.teacher.conversations import MAX_CHARS, closed_question, naming_round, rounds_of, with_grounds
from pipelines.teacher.phrasing import pick
from pipelines.teacher.rows import Message, Row, assistant, preference, user

_CURT_CHARS: Final = (2, 30)
_FULL_CHARS: Final = (30, 420)
_ASKS: Final = re.compile(r"[？?]|吗|怎么|什么|如何|能不能|可不可以|是不是|会不会|多久|咋|行不")
_QUESTION: Final = re.compile(r"[？?]|吗|呢|多久|有没有|请问|是否|多大")
_SAFETY: Final = re.compile(r"医院|就医|就诊|检查|复查|面诊|看医生|看看|急诊|观察")
_UNSAFE: Final = re.compile(r"甘草|阿司匹林|尼美舒利|安乃近|庆大|四环素|酒精|偏方|氨酚|纳而平|利巴韦林")
_OPENINGS: Final = ("您好，理解您的担心。", "您好，您的心情可以理解。", "您好，关于您问的这个情况，")
_KEY: Final = re.compile(r"[\u4e00-\u9fff]{2}")
_COMMON: Final = frozenset(
    [
        "可以",
        "这个",
        "什么",
        "怎么",
        "孩子",
        "宝宝",
        "是不",
        "不是",
        "医生",
        "现在",
        "有没",
        "没有",
        "我们",
        "一下",
        "需要",
        "如果",
        "的话",
        "就是",
    ]
)


def conversation_preferences(row: Row, at_most: int = 1) -> list[dict[str, Any]]:
    """Up to `at_most` preferences from one conversation about a child."""
    if row["domain"] == "medical":
        return []
    if sum(len(turn["content"] or "") for turn in row["turns"] or []) > MAX_CHARS:
        return []
    said = [turn for turn in cleaned(row["turns"] or []) if turn.text]
    if not said or is_machine_made("".join(t.text for t in said), 2):
        return []
    made = _grounded(row, said)
    for at in range(1, len(said)):
        if len(made) >= at_most:
            break
        curt, asked = said[at], said[at - 1]
        if curt.role != "doctor" or asked.role != "patient" or not _is_curt(curt.text) or not _ASKS.search(asked.text):
            continue
        more = _more(said, at, row)
        if more and at <= 19:
            made.append(_row(row, said, at, more))
    return made[:at_most]


def _grounded(row: Row, said: Sequence[Said]) -> list[dict[str, Any]]:
    """The diagnosis with the patient's words that speak for it, over the bare name."""
    rounds = rounds_of(cleaned(row["turns"]))
    named = naming_round(rounds)
    if named is None or len(rounds[named].doctor.text) > 60:
        return []
    bare, full = closed(rounds[named].doctor.text), with_grounds(row, rounds, named)
    if full == bare:
        return []
    prompt: list[Message] = []
    for pair in rounds[: named + 1]:
        prompt += [user(closed_question(pair.patient.text)), assistant(closed(pair.doctor.text))]
    return [
        preference(
            row,
            task="evidiag",
            template="dialogue/grounds",
            prompt=prompt[:-1],
            chosen=f"{_OPENINGS[1]}{full}",
            rejected=bare,
            evidence=evidence(row, [part for pair in rounds[: named + 1] for part in pair]),
        )
    ]


def _is_curt(text: str) -> bool:
    return _CURT_CHARS[0] <= len(text) <= _CURT_CHARS[1] and not _QUESTION.search(text) and not _UNSAFE.search(text)


def _more(said: Sequence[Said], at: int, row: Row) -> list[Said]:
    """What the doctor states later on the same matter, with a piece of safety advice among it; else nothing."""
    matter = _pairs(said[at - 1].text) | _pairs(said[at].text)
    chosen: list[Said] = []
    length = len(said[at].text)
    for turn in said[at + 1 : at + 9]:
        if turn.role != "doctor" or is_advert(turn.text) or _UNSAFE.search(turn.text):
            continue
        content = row["turns"][turn.number]["content"]
        for start, end in turn.spans:
            sentence = content[start:end]
            if len(sentence) < 8 or _QUESTION.search(sentence) or length + len(sentence) > _FULL_CHARS[1]:
                continue
            if _pairs(sentence) & matter or _SAFETY.search(sentence):
                chosen.append(Said(turn.number, turn.role, ((start, end),), sentence))
                length += len(sentence)
    safe = any(_SAFETY.search(part.text) for part in [said[at], *chosen])
    return chosen[:4] if chosen and safe and length >= _FULL_CHARS[0] else []


def _pairs(text: str) -> set[str]:
    """Pairs of neighbouring characters, for what two sentences have in common."""
    return {text[i : i + 2] for i in range(len(text) - 1) if _KEY.fullmatch(text[i : i + 2])} - _COMMON


def _row(row: Row, said: Sequence[Said], at: int, more: Sequence[Said]) -> dict[str, Any]:
    prompt: list[Message] = []
    for turn in said[:at]:
        speaker = user if turn.role == "patient" else assistant
        text = closed_question(turn.text) if turn.role == "patient" else closed(turn.text)
        if prompt and prompt[-1]["role"] == speaker("")["role"]:
            prompt[-1] = speaker(prompt[-1]["content"] + text)
        elif prompt or turn.role == "patient":
            prompt.append(speaker(text))
    chosen = pick(_OPENINGS, row["record_id"], "opening") + "".join(closed(t.text) for t in [said[at], *more])
    return preference(
        row,
        task="trerecom",
        template="dialogue/curt",
        prompt=prompt,
        chosen=chosen,
        rejected=closed(said[at].text),
        evidence=evidence(row, [said[at], *more]),
    )
