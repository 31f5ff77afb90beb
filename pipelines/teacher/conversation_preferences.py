"""Preferences from consultations: the whole, kind reply over the curt one that the doctor gave first.

The whole reply is the doctor's own: the first few words, what the same doctor said of the same matter later, opened
with a kind phrase and closed with when to see a doctor, if nothing in it says so. No fact is added that the doctor
did not state, and the rejected reply is the doctor's own too, so the two never contradict each other.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

from pipelines.teacher.conversation_cleaning import Said, cleaned, closed, evidence, is_advert, is_machine_made
from pipelines.teacher.conversations import (
    MAX_CHARS,
    Round,
    closed_question,
    is_about_a_child,
    is_unsafe,
    is_wrong,
    naming_round,
    rounds_of,
    with_grounds,
)
from pipelines.teacher.phrasing import pick
from pipelines.teacher.preference_wording import IF_UNSURE, IF_WORSE, NEUTRAL, TO_THE_OBSERVANT, TO_THE_WORRIED
from pipelines.teacher.rows import Message, Row, assistant, preference, user

_CURT_CHARS: Final = (2, 45)
_TELLING_CHARS: Final = 9
"""A curt reply of fewer characters (可以的) says nothing by itself and needs more of the doctor's words."""
_FULL_CHARS: Final = (40, 700)
_LATEST_TURN: Final = 19
_ASKS: Final = re.compile(r"[？?]|吗|怎么|什么|如何|能不能|可不可以|是不是|会不会|多久|咋|行不|几次|多少|哪")
_QUESTION: Final = re.compile(
    r"[？?]|吗|呢|多久|有没有|请问|是否|多大|什么|几次|几天|不[。，]?$|没[。，]?$|干不干|多不多"
)
_SAFETY: Final = re.compile(r"医院|就医|就诊|检查|复查|面诊|看医生|看看|急诊|复诊")
# Slips of the pen and of the keyboard that no careful doctor would sign.
_SLOPPY: Final = re.compile(
    r"[^，。；：！？、\s]{26,}|么[。，]?$|容于|消费|做好去|再您|暖水袋|旺仔|颅内压|不一定没有|断了的|龟头炎，|头孢|阿奇|阿莫西林|消炎药|纳.平|止咳药吃|连着吃|卖的|之类的[^。，]|喝了便秘|2小时|仃|哒|呗|哈|嘛|嗯|哦|奥|唉|木有|酱紫|[~～]{2}|\d{1,2}、?$|大家|上面|图|发来|单子|^(?:好的?|行|对|是的?|知道了?|明白|不用谢)[。，]?$"
)
_MORE_WANTED: Final = re.compile(
    r"还有(?:其他|别的|什么|哪些|没有)|其他.{0,8}(?:方法|建议|办法|注意|措施)|除了|具体|更多"
)
_KEY: Final = re.compile(r"[\u4e00-\u9fff]{2}")
_COMMON: Final = frozenset(
    re.findall("..", "可以这个什么怎么孩子宝宝是不不是医生现在有没没有我们一下需要如果的话就是还是已经一个时候")
)
_GOES_ON: Final = re.compile(r"^(?:另外|此外|除了|除此|最后|其次|同时|还有|还可以|再|接下来)")
_WORRIED: Final = re.compile(r"怎么办|担心|严重|要紧|咳|烧|吐|拉|疼|痛|哭|痒|血|肿|摔|疹|喘|抽|睡不|便秘|不肯|不吃")
_DETAILED_CHARS: Final = 45


def conversation_preferences(row: Row, at_most: int = 2) -> list[dict[str, Any]]:
    """Up to `at_most` preferences from one conversation about a child."""
    if row["domain"] == "medical":
        return []
    if sum(len(turn["content"] or "") for turn in row["turns"] or []) > MAX_CHARS:
        return []
    said = [turn for turn in cleaned(row["turns"] or []) if turn.text]
    rounds = rounds_of(cleaned(row["turns"] or []))
    if not said or not rounds or is_machine_made("".join(t.text for t in said), 2) or not is_about_a_child(row, rounds):
        return []
    made: dict[str, dict[str, Any]] = {}
    for found in (*_grounded(row, rounds), *_gathered(row, rounds), *_completed(row, said)):
        whole = "".join(m["content"] for m in found["prompt"] if m["role"] == "assistant") + found["chosen"]
        if not is_unsafe(whole) and not is_wrong(whole):
            made.setdefault(found["rejected"], found)
    return list(made.values())[:at_most]


def _grounded(row: Row, rounds: Sequence[Round]) -> Iterator[dict[str, Any]]:
    """The diagnosis with the patient's words that speak for it, over the bare name."""
    named = naming_round(rounds)
    if named is None or len(rounds[named].doctor.text) > 60 or not _states(rounds[named].doctor.text):
        return
    bare, full = closed(rounds[named].doctor.text), with_grounds(row, rounds, named)
    if full == bare:
        return
    prompt: list[Message] = []
    for pair in rounds[: named + 1]:
        prompt += [user(closed_question(pair.patient.text)), assistant(closed(pair.doctor.text))]
    yield preference(
        row,
        task="evidiag",
        template="dialogue/grounds",
        prompt=prompt[:-1],
        chosen=_framed(row, rounds[0].patient.text, full, (*TO_THE_WORRIED, *TO_THE_OBSERVANT)),
        rejected=bare,
        evidence=evidence(row, [part for pair in rounds[: named + 1] for part in pair]),
    )


def _gathered(row: Row, rounds: Sequence[Round]) -> Iterator[dict[str, Any]]:
    """All that the doctor said, on being asked for more, in one reply, over the first part of it alone."""
    number = 0
    while number < min(len(rounds), 6):
        parts = _run_from(rounds, number)
        asked = rounds[number].patient
        if len(parts) > 1 and _pairs(asked.text) & _pairs("".join(part.text for part in parts)):
            text = "".join(closed(part.text) for part in parts)
            before = [said for pair in rounds[:number] for said in pair]
            yield preference(
                row,
                task="trerecom",
                template="dialogue/gathered",
                prompt=_prompt([*before, asked]),
                chosen=_framed(row, asked.text, text),
                rejected=closed(parts[0].text),
                evidence=evidence(row, parts),
            )
        number += len(parts) or 1


def _run_from(rounds: Sequence[Round], number: int) -> list[Said]:
    """The doctor's turns from this round on that answer one question, as long as they fit into one reply."""
    first = rounds[number]
    if not _ASKS.search(first.patient.text) or not _states(first.doctor.text) or len(first.doctor.text) > 300:
        return []
    parts = [first.doctor]
    for pair in rounds[number + 1 :]:
        more = pair.doctor
        wanted = _MORE_WANTED.search(pair.patient.text) or not _ASKS.search(pair.patient.text)
        goes_on = _GOES_ON.match(more.text) or _MORE_WANTED.search(pair.patient.text)
        fits = sum(len(part.text) for part in parts) + len(more.text) <= _FULL_CHARS[1]
        if not (wanted and goes_on and fits and len(pair.patient.text) <= 40 and _states(more.text)):
            break
        parts.append(more)
    return parts


def _completed(row: Row, said: Sequence[Said]) -> Iterator[dict[str, Any]]:
    """A reply in a few words, filled up with what the doctor said of the same matter later."""
    for at in range(1, min(len(said), _LATEST_TURN + 1)):
        curt, asked = said[at], said[at - 1]
        if curt.role != "doctor" or asked.role != "patient" or not _ASKS.search(asked.text):
            continue
        if not _CURT_CHARS[0] <= len(curt.text) <= _CURT_CHARS[1] or not _states(curt.text):
            continue
        more = _more(said, at, row)
        text = "".join(closed(part.text) for part in [curt, *more])
        if not more and len(curt.text) < _TELLING_CHARS:
            continue
        chosen = _framed(row, asked.text, text)
        if len(chosen) < _FULL_CHARS[0]:
            continue
        yield preference(
            row,
            task="trerecom",
            template="dialogue/curt",
            prompt=_prompt(said[:at]),
            chosen=chosen,
            rejected=closed(curt.text),
            evidence=evidence(row, [curt, *more]),
        )


def _framed(row: Row, asked: str, text: str, openings: Sequence[str] = ()) -> str:
    """The text with a kind opening that fits what was asked and, where it does not say so, when to see a doctor."""
    key = (row["record_id"], asked)
    worried = bool(_WORRIED.search(asked))
    detailed = len(asked) >= _DETAILED_CHARS
    fitting = (*NEUTRAL, *(TO_THE_WORRIED if worried else ()), *(TO_THE_OBSERVANT if detailed else ()))[-6:]
    end = "" if _SAFETY.search(text) else pick(IF_WORSE if worried else IF_UNSURE, *key, "safety")
    return f"{pick(openings or fitting, *key, 'opening')}{text}{end}"


def _states(text: str) -> bool:
    """Whether a doctor's turn states something that may be repeated: no question, no slip, no harm."""
    return not (_QUESTION.search(text) or _SLOPPY.search(text) or is_unsafe(text) or is_advert(text))


def _more(said: Sequence[Said], at: int, row: Row) -> list[Said]:
    """What the doctor states later on the same matter; advice on seeing a doctor comes last."""
    matter = _pairs(said[at - 1].text) | _pairs(said[at].text)
    chosen: list[Said] = []
    known = said[at].text
    for turn in said[at + 1 : at + 9]:
        if turn.role != "doctor":
            if turn is said[at + 1]:  # what is asked at once about the few words belongs to the matter
                matter |= _pairs(turn.text)
            continue
        content = row["turns"][turn.number]["content"]
        for start, end in turn.spans:
            sentence = content[start:end]
            if len(sentence) < 8 or sentence in known or not _states(sentence):
                continue
            repeats = 2 * len(_pairs(sentence) & _pairs(known)) >= len(_pairs(sentence))
            if (
                not repeats
                and len(known) + len(sentence) <= _FULL_CHARS[1]
                and (_pairs(sentence) & matter or _SAFETY.search(sentence))
            ):
                chosen.append(Said(turn.number, turn.role, ((start, end),), sentence))
                known += sentence
    return sorted(chosen[:4], key=lambda part: bool(_SAFETY.search(part.text)))


def _pairs(text: str) -> set[str]:
    """Pairs of neighbouring characters, for what two sentences have in common."""
    return {text[i : i + 2] for i in range(len(text) - 1) if _KEY.fullmatch(text[i : i + 2])} - _COMMON


def _prompt(said: Sequence[Said]) -> list[Message]:
    """The talk so far, beginning with the patient, neighbouring turns of one speaker as one."""
    prompt: list[Message] = []
    for turn in said:
        speaker = user if turn.role == "patient" else assistant
        text = closed_question(turn.text) if turn.role == "patient" else closed(turn.text)
        if prompt and prompt[-1]["role"] == speaker("")["role"]:
            prompt[-1] = speaker(prompt[-1]["content"] + text)
        elif prompt or turn.role == "patient":
            prompt.append(speaker(text))
    return prompt
