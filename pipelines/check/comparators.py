"""Words that say on which side of an amount one is: 不超过, 至少, 以上, 未满, 后 …"""

from __future__ import annotations

import re
from typing import Final

UP: Final = frozenset(("ge", "gt", "at_least", "over", "after"))
DOWN: Final = frozenset(("le", "lt", "not_more", "under", "within", "before"))
STRICT: Final = frozenset(("gt", "lt"))
INCLUSIVE: Final = frozenset(("ge", "le", "not_more", "at_least"))

_NOT: Final = r"(?:不(?:得|能|可|要|应|该|宜|许|准|会|用|再)|没有|绝不|未曾|不|没|未|别|勿|莫|甭)(?:要|能|该|再|曾|得)?"
_MORE: Final = "超过|超出|大于|高于|多于|长于|大过|多过|高过|晚于|迟于|重于|快于|慢于|胜于|逾"
_LESS: Final = "低于|小于|少于|短于|早于|少过|低过|轻于|矮于|窄于|浅于|弱于"
_BEFORE: Final = re.compile(
    rf"(?P<not_more>{_NOT}(?:{_MORE}|过|超)|至多|最多|最大(?:量|剂量)?|最高|最长|最久|最迟|最晚|最重|顶多|顶天|充其量|撑死|封顶|上限|极量|≤|⩽|<=|"
    rf"[拖熬撑]不过|不出|"
    rf"(?:小于|少于|低于)(?:或|或者)?等于)"
    rf"|(?P<at_least>{_NOT}(?:{_LESS})|至少|最少|最低|最短|最早|最小|最轻|起码|少说|不下(?!降)|下限|≥|⩾|>=|"
    rf"(?:大于|多于|高于)(?:或|或者)?等于|满足|足足)"
    rf"|(?P<lt>{_LESS}|不到|不足|不满|未满|未到|没到|没满|没有满|没有到|还没到|不及|未达到?|没达到?|没有达到|达不到|未足|没足|不够|没够|未够|够不着|够不上|"
    rf"[涨升长降掉减吃用]不[到够足满]|<)"
    rf"|(?P<gt>{_MORE}|不止|不只|过了|[拖熬挨撑]过了?|超|>)"
    r"|(?P<ge>达到|年满|已满|凡满|够|满|足)"
    r"|(?P<about>大约|大概|约莫|约|将近|差不多|接近|近|平均|几乎)"
)
_ADJACENT: Final = frozenset(
    ("满", "足", "够", "不够", "超", "不出", "不下", "约", "近", "过了", "拖过", "熬过", ">", "<", "≥", "≤", "达到")
)
_AFTER: Final = re.compile(
    r"\s?(?:\([^()]{1,10}\)(?=以|之|内|及|后|前))?(?:的(?=以|之))?(?:"
    r"(?P<over>(?:及其?|或者?|和)?(?:以上|之上|往上|朝上|开外)|(?:及|或者?|甚至)更[多高长大久晚重]|(?<=[岁月日周天龄])起(?!来|床|初|病|始|效))"
    r"|(?P<under>(?:及其?|或者?|和)?(?:以下|之下|往下|朝下)|(?:及|或者?|甚至)更[少低短小早轻]|"
    r"[都还也]?(?:不到|没到|未到|不满|未满|没满|不足)(?=[,;。的就时者]|$))"
    r"|(?P<not_more>封顶|为限|为上限|到顶|为最高限)"
    r"|(?P<at_least>打底|为下限)"
    r"|(?P<within>(?:及|或)?(?:以内|之内|以里|内)(?!科|脏|镜|服|分泌|蒙|容|面))"
    r"|(?P<after>(?:以后|之后|过后|后(?!囟|天|续|备|遗|果)))"
    r"|(?P<before>(?:以前|之前|前(?!囟|列|臂|提|后|庭|往)))"
    r"|(?P<about>左右|上下|来(?=[天岁个斤])|许(?![可多])))"
)
_DENIED: Final = {"gt": "not_more", "lt": "at_least"}
_DENIAL: Final = re.compile(r"(?:别|不要|不能|不可|不得|不宜|不应|不该|勿|不许|不准)[^,;。:、]{0,6}$")
_GAP: Final = 9
_BARRIER: Final = re.compile(r"[,;。!?\n:(]|者|时(?!间)|则|应当|可以")


def before(text: str, start: int, floor: int) -> tuple[str, int]:
    """The comparator that stands before an amount at `start`, not before `floor`, and where it begins."""
    begin = max(floor, start - 16)
    last = None
    for match in _BEFORE.finditer(text, begin, start):
        last = match
    if last is None or last.lastgroup is None:
        return "", start
    gap = text[last.end() : start]
    allowed = 1 if last[0] in _ADJACENT or last.lastgroup == "about" else _GAP
    if len(gap.strip()) > allowed or _BARRIER.search(gap):
        return "", start
    if last.lastgroup in _DENIED and (denied := _DENIAL.search(text, max(floor, last.start() - 9), last.start())):
        return _DENIED[last.lastgroup], denied.start()
    return last.lastgroup, last.start()


def after(text: str, end: int) -> tuple[str, int]:
    """The comparator that stands right behind an amount that ends at `end`, and where it ends."""
    match = _AFTER.match(text, end)
    if match is None or match.lastgroup is None:
        return "", end
    return match.lastgroup, match.end()


def direction(comparator: str) -> int:
    """1 for more than, -1 for less than, 0 for neither."""
    return 1 if comparator in UP else -1 if comparator in DOWN else 0
