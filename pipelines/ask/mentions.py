"""Drugs, diseases, symptoms, examinations and the advice to see a doctor, where a text names them, and how.

Lay and learned words have one meaning (拉肚子 and 腹泻), by `fact_words` and, for names, by the lists of drugs and
diseases. How a thing is named is its polarity:

    +   it is there, was given, is advised
    -   it is denied or advised against (没有发热, 不要用抗生素)
    ?   it is asked for, supposed or to be watched for (有没有发热, 如果抽搐, 警惕脱水): nobody says that it is there
"""

from __future__ import annotations

import functools
import re
from typing import Final, NamedTuple

from pipelines.ask.quantities import folded
from pipelines.lexicons import rows, words

KINDS: Final = ("plain", "symptom", "exam", "drug", "disease", "urgency")


class Mention(NamedTuple):
    """One naming: `kind`, `meaning` and `polarity` as above, and where it is."""

    kind: str
    meaning: str
    polarity: str
    start: int
    end: int
    text: str


_CLAUSE: Final = re.compile(r"[^，。；！？,;!?\n：:]+[，。；！？,;!?\n：:]?")
_SENTENCE_END: Final = "。！？!?；;\n"
_GENERAL: Final = re.compile(r"^(?:急性|小儿|儿童|婴幼儿|婴儿|幼儿|新生儿)(?=.{2})")
_DENIED: Final = re.compile(
    r"(?:没有?(?!几|多久|事|什么用|办法|退|好|完)|无(?!论|法|精|力)|未(?!来|成|必|明)|不伴|否认|并无|不是|"
    r"不(?!仅|但|停|时|知|舒|断|过|管|明|光|只|适|论|久|可以不|少|清楚|安|良|错|好|如|同|排除|退|除外|一定|到|足|及)|"
    r"别(?!人|的|处|墅)|勿|禁(?:用|止|忌)?|停(?:用|药|服|止|掉|了)|避免|无需|排除了)[^，。但却而]{0,9}$"
)
_DENIED_AFTER: Final = re.compile(
    r"^(?:都|也|倒是?|就|的(?:情况|症状|现象)?|是|还)*(?:没有|没|无|阴性|没出现|没发现|没见)(?:了|过|的|啊|呢|哦|出现)?[，。；！,;!\n]?$"
)
_ASKED: Final = re.compile(
    r"有没有|有无|是否|是不是|会不会|要不要|能不能|可不可以|可否|能否|需不需要|用不用|该不该|到底|算不算|有什么样|伴不伴"
)
_ASKED_AFTER: Final = re.compile(
    r"(?:吗|么|嘛|不|没|没有|呢|吧)?[？?]$|(?:吗|嘛|有没有|是不是|对不对|么)$|有(?:问题|困难)没|不[，,]?$"
)
_ASKS_HOW: Final = re.compile(r"怎么|咋|什么|为何|多少|几[天次个]|哪|如何|为啥|多久|多大|多高")
_SUPPOSED: Final = re.compile(
    r"如果|若(?!干)|一旦|要是|假如|万一|倘|如(?!何|此|下|今|同|果|前|实|期)|假设|出现以下|有以下|有下列|出现下列|当(?=.{1,20}时)|只要|除非|凡是"
)
_WATCHED: Final = re.compile(
    r"预防|以免|防止|警惕|观察|监测|留意|注意有无|排除|除外|小心|当心|避免|防|引起|导致|诱发|加重|缓解|减轻|超过|达到|高于|低于"
)
_WHEN: Final = re.compile(r"^[^，。；！？,;!?]{0,10}(?:的)?(?:时|时候|以上|期间|后)[，,]?(?!间|候)")
_PAIN: Final = re.compile(r"[不没].{0,2}[痛疼痒难]")
_JOINED: Final = re.compile(r"^[、和及与或/\s]|^以及|^(?:也|还|都)?$")


@functools.cache
def _patterns() -> tuple[tuple[str, re.Pattern[str], tuple[str, ...]], ...]:
    """For each kind one pattern whose groups are the meanings."""
    made = []
    for kind in KINDS:
        known = [row for row in rows("fact_words") if row["kind"] == kind]
        pattern = "|".join(f"(?P<m{n}>{row['pattern']})" for n, row in enumerate(known))
        made.append((kind, re.compile(pattern), tuple(row["meaning"] for row in known)))
    return tuple(made)


@functools.cache
def _names() -> dict[str, tuple[tuple[str, str], ...]]:
    """First two characters → names that begin so and their kinds, longest first."""
    found: dict[str, dict[str, str]] = {}
    passed = set(words("not_diseases"))
    for kind, lists in (("disease", ("disease_names", "paediatric_diseases")), ("drug", ("drug_names",))):
        for name in (folded(word) for each in lists for word in words(each)):
            if len(name) >= 2 and name not in passed:
                found.setdefault(name[:2], {})[name] = kind
    return {two: tuple(sorted(known.items(), key=lambda item: -len(item[0]))) for two, known in found.items()}


def mentions(text: str) -> list[Mention]:
    """All namings in a text, in order; of those that overlap the first, of equal beginnings the longest."""
    text = folded(text)
    found = sorted(_found(text), key=lambda item: (item[2], -item[3], KINDS.index(item[0])))
    made: list[Mention] = []
    end = 0
    for kind, meaning, start, stop in found:
        if start < end:
            continue
        end = stop
        if kind != "plain":
            polarity = _polarity(text, kind, start, stop, made[-1] if made else None)
            made.append(Mention(kind, meaning, polarity, start, stop, text[start:stop]))
    return made


def _found(text: str) -> list[tuple[str, str, int, int]]:
    found = [
        (kind, meanings[int(match.lastgroup[1:])], match.start(), match.end())
        for kind, pattern, meanings in _patterns()
        for match in pattern.finditer(text)
        if match.lastgroup and match.end() > match.start()
    ]
    known = {(start, stop) for _, _, start, stop in found}
    names, low = _names(), text.lower()
    for at in range(len(low) - 1):
        for name, kind in names.get(low[at : at + 2], ()):
            if low.startswith(name, at):
                if (at, at + len(name)) not in known:
                    found.append((kind, _GENERAL.sub("", name), at, at + len(name)))
                break
    return found


def _polarity(text: str, kind: str, start: int, stop: int, before: Mention | None) -> str:
    clause_start, clause_end = _around(text, start, stop)
    lead, rest = text[clause_start:start], text[stop:clause_end]
    asked = _ASKED.search(lead) or _is_either_or(text, start, stop)
    if asked or (_ASKED_AFTER.search(rest) and not _ASKS_HOW.search(lead + rest)):
        return "?"
    sentence_start = max(text.rfind(mark, max(0, start - 200), start) for mark in _SENTENCE_END) + 1
    sentence_start = max(sentence_start, start - 200)
    if _SUPPOSED.search(text[sentence_start:start]):
        return "?"
    if before is not None and before.end >= clause_start and before.kind == kind:
        between = text[before.end : start]
        if len(between) <= 2 and _JOINED.match(between):
            return before.polarity
    if kind in ("symptom", "disease") and (_WATCHED.search(lead) or _WHEN.match(rest)):
        return "?"
    if _PAIN.search(text[start:stop]) or _DENIED.search(lead) or _DENIED_AFTER.match(rest):
        return "-"
    return "+"


def _is_either_or(text: str, start: int, stop: int) -> bool:
    """Whether it is one half of 吐没吐 or 喘不喘."""
    last, first = text[stop - 1], text[start]
    is_first = text[stop : stop + 2] in (f"不{last}", f"没{last}")
    return is_first or (start >= 2 and text[start - 2 : start] in (f"{first}不", f"{first}没"))


def _around(text: str, start: int, stop: int) -> tuple[int, int]:
    """The clause that holds a place, its closing mark included."""
    begin = max(text.rfind(mark, max(0, start - 200), start) for mark in "，。；！？,;!?\n：:") + 1
    begin = max(begin, start - 200)
    match = _CLAUSE.match(text, stop, stop + 200)
    if stop < len(text) and text[stop] in "，。；！？,;!?\n：:":
        return begin, stop + 1
    return begin, match.end() if match else stop
