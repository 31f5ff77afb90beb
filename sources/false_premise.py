"""Questions that rest on a falsehood, and answers that say so: what a model should learn for safety.

Research sets mix such probes (is my child a superhero, since it has eczema?) into consultations. They are told
apart by the answer: it refutes, or it advises against what the question has only heard of.
"""

from __future__ import annotations

import re
from typing import Final

_REFUTES: Final = re.compile(
    r"无关[，。,；]|并?没有?任?何?科学(?:依据|根据|道理)|不科学|缺乏科学|毫无科学|不具科学|非科学|(?:说法|做法|想法|观点|联想)\S{0,4}(?:不准确|不正确|错误|不合理)|"
    r"不会(?:赋予|使您变|因为\S{1,12}变)|并不会因|是不可能\S{0,6}的|不可能(?:怀孕|变)|虚构|神话|臆想|并?没有?\S{0,14}(?:关联|关系)|并无关系|不能单凭|"
    r"(?:不要|不应|不宜)\S{0,4}(?:轻信|听信|混淆)|不应(?:该)?将\S{1,20}(?:等同|解释)|并不能直接"
)
_HEARSAY: Final = re.compile(r"听说|听人说|有人说|据说|网上说|偏方|老人说|都说")
_WARNS: Final = re.compile(r"不(?:推荐|建议|提倡|应长时间|应该?|要|能|宜)|避免|切勿|禁止|千万别|危险|有害")


def refutes_premise(question: str, answer: str) -> bool:
    """Whether the answer corrects what the question takes for granted."""
    if _REFUTES.search(answer):
        return True
    return bool(_HEARSAY.search(question) and _WARNS.search(answer))
