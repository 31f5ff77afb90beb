"""Turns of a conversation, however they are written down, as `patient` and `doctor`.

Understood are lists of objects with a role, lists of plain sentences that take turns, transcripts (`患者：…`), and
tagged text in which each line repeats the turns before it (`<|context|>… <|currentuser|>… <|response|>…`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Any, Final, NamedTuple

from sources.distilled import Unusable, turn_of
from sources.mapping import text_of

Turn = dict[str, str]

PATIENT, DOCTOR = "patient", "doctor"
ROLES: Final = {
    **dict.fromkeys(("patient", "user", "human", "currentuser", "asker", "questioner", "client", "p", "q"), PATIENT),
    **dict.fromkeys(("患者", "病人", "用户", "家长", "患儿家长", "咨询者", "提问者", "问", "病患"), PATIENT),
    **dict.fromkeys(("doctor", "assistant", "gpt", "bot", "response", "expert", "model", "d", "a"), DOCTOR),
    **dict.fromkeys(("医生", "医师", "大夫", "专家", "医生助理", "医助", "答"), DOCTOR),
}
_SYSTEM: Final = "system"
_SPOKEN: Final = re.compile(
    r"^[ \t]*(患者|病人|用户|家长|患儿家长|咨询者|病患|问|医生|医师|大夫|专家|答|"
    r"patient|doctor|user|assistant)[ \t]*[：:]",
    re.I | re.M,
)
_TAG: Final = re.compile(r"<\|(\w{1,40})\|>")
_AGE: Final = re.compile(
    r"[（(]\s*("
    r"[男女]性?\s*[，,、 ]?\s*\d{1,3}\s*(?:周?岁半?(?:\s*\d{1,2}\s*个?月)?|个半?月|月|天|周)|"
    r"[男女]性?\s*[，,、 ]\s*\d{1,3}|"  # （女，25）
    r"\d{1,3}\s*周?岁半?(?:\s*\d{1,2}\s*个?月)?(?:\s*[，,、]?\s*[男女])?"  # without a sex, days may be of illness
    r")\s*[)）]"
)
_MAX_TURNS: Final = 2_000


class Conversation(NamedTuple):
    """Turns as they were found, and the lines that they stood on."""

    locator: str
    turns: list[Turn]
    n_lines: int
    problem: str | None = None
    raw: str = ""


def turns_of(value: Any, opening: str | None = None) -> list[Turn]:
    """The turns of a value, by role; `opening` goes first unless it is said there already.

    Raises:
        Unusable: `no_turns`, or `unknown_role` where someone speaks who is neither patient nor doctor.
    """
    if isinstance(value, str):
        spoken = list(spoken_turns(value))
    elif isinstance(value, list):
        spoken = [*map(turn_of, value)]
        if any(role == "" for role, _ in spoken):
            spoken = list(_alternating(value))
    else:
        raise Unusable("no_turns")
    has_doctor = any(ROLES.get(role) == DOCTOR for role, _ in spoken)
    turns: list[Turn] = [{"role": PATIENT, "content": opening}] if opening else []
    for role, text in spoken:
        if role == _SYSTEM and has_doctor:
            continue  # instructions to a model, said by nobody
        named = DOCTOR if role == _SYSTEM else ROLES.get(role)
        if text is None:
            continue
        if named is None:
            raise Unusable("unknown_role")
        if len(turns) == 1 and opening and _plain(text) == _plain(opening):
            continue
        turns.append({"role": named, "content": text})
    return merged(turns)


def merged(turns: Iterable[Turn]) -> list[Turn]:
    """The turns without empty ones, neighbours of one role joined by a line end.

    Raises:
        Unusable: `no_turns`, `no_patient_turn`, `no_doctor_turn`.
    """
    result: list[Turn] = []
    for turn in turns:
        text = text_of(turn["content"])
        if text is None:
            continue
        if result and result[-1]["role"] == turn["role"]:
            result[-1]["content"] += "\n" + text
        else:
            result.append({"role": turn["role"], "content": text})
    roles = {turn["role"] for turn in result}
    if not result:
        raise Unusable("no_turns")
    for role in (PATIENT, DOCTOR):
        if role not in roles:
            raise Unusable(f"no_{role}_turn")
    return result


def without_age(turns: Sequence[Turn]) -> tuple[list[Turn], str | None]:
    """The turns without the age tag (`（男，37岁）`) of the patient's first one, and the tag's inside."""
    for i, turn in enumerate(turns):
        if turn["role"] != PATIENT:
            continue
        match = _AGE.search(turn["content"])
        if match is None:
            break
        rest = (turn["content"][: match.start()] + turn["content"][match.end() :]).strip()
        if not rest:
            break
        return [*turns[:i], {"role": PATIENT, "content": rest}, *turns[i + 1 :]], match[1].strip()
    return list(turns), None


def spoken_turns(text: str) -> Iterator[tuple[str, str | None]]:
    """`(role, text)` of a transcript in which each turn begins with its speaker; nothing where none does."""
    marks = list(_SPOKEN.finditer(text))
    for mark, following in zip(marks, [*marks[1:], None], strict=False):
        end = following.start() if following else len(text)
        yield mark[1].lower(), text_of(text[mark.end() : end])


def is_tagged(head: str) -> bool:
    """Whether text is a conversation with tags such as `<|user|>`."""
    return {"user", "currentuser", "response", "assistant"} & set(_TAG.findall(head)) != set()


def is_transcript(head: str) -> bool:
    """Whether text is a conversation in which lines begin with their speaker, both of them."""
    roles = {ROLES[mark[1].lower()] for mark in _SPOKEN.finditer(head)}
    return roles == {PATIENT, DOCTOR}


def tagged_conversations(lines: Iterable[tuple[str, bool]]) -> Iterator[Conversation]:
    """Conversations out of tagged lines, each of which may repeat some or all of the turns before it.

    A line goes on with the conversation if its context is the end of what has been said; after a blank line, if
    its context is all of it.
    """
    turns: list[Turn] = []
    said: list[str] = []
    first = last = 0
    is_after_blank = False
    for number, (line, is_cut) in enumerate(lines, 1):
        if is_cut:
            yield Conversation(f"L{number}", [], 1, "row_too_long", line[:300])
            continue
        context, current = _tagged_turns(line)
        if not context and not current:
            if line.strip():
                yield Conversation(f"L{number}", [], 1, "no_turns", line[:300])
            is_after_blank = True
            continue
        heard = [_plain(turn["content"]) for turn in context]
        new_from = _goes_on(said, heard, is_after_blank)
        if new_from is None or len(turns) > _MAX_TURNS:
            if turns:
                yield Conversation(_lines(first, last), turns, last - first + 1)
            turns, said, first, new_from = [], [], number, 0
        added = [*context[new_from:], *current]
        turns += added
        said += [_plain(turn["content"]) for turn in added]
        last, is_after_blank = number, False
    if turns:
        yield Conversation(_lines(first, last), turns, last - first + 1)


def transcripts(lines: Iterable[tuple[str, bool]]) -> Iterator[Conversation]:
    """Conversations out of a transcript: a blank line, or a line without a speaker after one, ends each."""
    block: list[str] = []
    first = 0
    for number, (line, is_cut) in enumerate(chain(lines, [("", False)]), 1):
        if is_cut:
            yield Conversation(f"L{number}", [], 1, "row_too_long", line[:300])
        elif line.strip():
            first = first or number
            block.append(line)
        elif block:
            spoken = list(spoken_turns("".join(block)))
            turns = [{"role": ROLES[role], "content": text} for role, text in spoken if text]
            problem = None if turns else "no_turns"
            yield Conversation(_lines(first, number - 1), turns, len(block), problem, block[0][:300])
            block, first = [], 0


def _alternating(values: list[Any]) -> Iterator[tuple[str, str | None]]:
    """Plain sentences by turns, the patient first; a speaker's name before a sentence goes before that."""
    for i, value in enumerate(values):
        text = text_of(value)
        mark = _SPOKEN.match(text) if text else None
        if text and mark:
            yield mark[1].lower(), text_of(text[mark.end() :])
        elif isinstance(value, dict):
            yield turn_of(value)
        else:
            yield (PATIENT, DOCTOR)[i % 2], text


def _tagged_turns(line: str) -> tuple[list[Turn], list[Turn]]:
    """`(turns of the context, turns of the line itself)`; what other tags hold, such as intents, is left out."""
    context: list[Turn] = []
    current: list[Turn] = []
    marks = list(_TAG.finditer(line))
    into = current
    for mark, following in zip(marks, [*marks[1:], None], strict=False):
        tag = mark[1].lower()
        if tag in ("context", "endofcontext"):
            into = context if tag == "context" else current
        role = DOCTOR if tag == _SYSTEM else ROLES.get(tag)
        text = text_of(line[mark.end() : following.start() if following else len(line)])
        if role and text:
            into.append({"role": role, "content": text})
    return context, current


def _goes_on(said: list[str], heard: list[str], is_after_blank: bool) -> int | None:
    """From which turn of the context on a line adds to what has been said; None where it is another conversation."""
    if not said or not heard:
        return None
    if len(heard) >= len(said) and heard[: len(said)] == said:
        return len(said)
    if len(heard) < len(said) and said[-len(heard) :] == heard and not is_after_blank:
        return len(heard)
    return None


def _lines(first: int, last: int) -> str:
    return f"L{first}" if first == last else f"L{first}-L{last}"


def _plain(text: str) -> str:
    return re.sub(r"\s+", "", text)
