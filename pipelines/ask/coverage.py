"""Clauses whose matter the rewriting does not speak of any more, whatever words it uses: what no list of facts knows.

A rewriting keeps most of a clause's own characters (流动凉水冲20分钟), even where every word around them changes; a
clause of which less than three in ten are left was left out. On 37 good rewritings of consultations one clause in 500
falls below that, and of sentences taken out of them every second one that is more than courtesy is found.
"""

from __future__ import annotations

import re
from typing import Final

LEAST_LEFT: Final = 0.3
_LEAST_CHARACTERS: Final = 4
_CLAUSE: Final = re.compile(r"[^，。！？；、,;!?\s：:]+")
_HAN: Final = re.compile(r"[\u4e00-\u9fff]")
_COMMON: Final = frozenset(
    "的了吗呢啊是就在也都有没不要可以您你我他她它这那个和与或会能请给到上下一好吧呀很还再先别去来说看想被把让用做些什么"
)
_ANNOUNCES: Final = re.compile(
    r"以下|如下|下面|了解(?:更多|一下|情况)|请问|您好|你好|谢|祝|希望|不客气|高兴|咨询|解答|描述|情况看"
)


def unsaid(original: str, rewritten: str) -> list[str]:
    """The clauses of a text that the other one leaves out."""
    there = set(_HAN.findall(rewritten))
    found = []
    for clause in _CLAUSE.findall(original):
        characters = [c for c in _HAN.findall(clause) if c not in _COMMON]
        if len(characters) < _LEAST_CHARACTERS or _ANNOUNCES.search(clause):
            continue
        if sum(c in there for c in characters) < LEAST_LEFT * len(characters):
            found.append(clause)
    return found
