"""Names of hospitals: a place, a number or a proper part makes `…医院` a name; 三甲医院 and 儿童医院 alone are none."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from typing import Final

from pipelines.identifiers import Hit
from pipelines.lexicons import words

_SUFFIX: Final = re.compile(
    r"中医医?院|医院|卫生院|保健院|(?:妇幼|妇女儿童|妇儿)(?:医疗|保健)?中心|儿童医疗中心|卫生服务中心|门诊部|诊所|儿科研究所|疗养院|防治院"
)
_SHORT: Final = re.compile(
    r"(?:北医|北大|华西|湘雅|浙大|中大|武大|同济|上医|交大|[省市县区附])[一二三四五六七八九]院(?![长校子落士内外前后])|(?:首都)?儿研所"
    r"|(?:南方|珠江|西南|西北|东方|新桥|大坪)医院"  # words of direction and place that are names all the same
)
_CHILD_HEALTH: Final = re.compile(r"(?:妇幼|妇保)(?!保健|健康|卫生|人群|医|营|院)")
_BRANCH: Final = re.compile(r"(?:[（(]?(?:[东西南北本新老总]|[\u4e00-\u9fff]{2})(?:院区|分院)[)）]?)")
WINDOW_CHARS: Final = 26
_RUN: Final = re.compile(r"[\u4e00-\u9fffA-Za-z0-9（）()·]*$")
_STOPS: Final = frozenset(
    "在去到从往的和与及跟或被把给让了过来由经至对向说问看找住转送进出有没不就也都又再还是为于说带要想能会可请按据将等即该此其么吗哪呢吧啊什谁怎好者"
)
_ORDINAL: Final = re.compile(
    r"(?:附属)?第[一二三四五六七八九十百\d]{1,3}(?![家个次所间天时大类例批种步级线选方点者代位])"
)
_UNIT: Final = re.compile(
    r"(?:(?<![社地小病城县郊院校市片矿景牧])区|省|市|县|自治州|州|旗|镇|乡|街道|兵团)(?!级|区|里|内|外|上|人民政府|面)"
)
_PROPER_BODY: Final = re.compile(
    r"(?:第[一二三四五六七八九十]|[一二三四五六七八九](?=院|医|人民)|人民|中心|中医|中西医|妇幼|妇女|妇儿|妇产|儿童|红十字|立|协和|肿瘤|传染病|精神|职工|口腔|眼科|骨科|胸科|附属|友谊|结核|皮肤|康复|保健)"
)
_SPECIALITY: Final = re.compile(
    r"(?:肝病|癫痫|白癜风|糖尿病|甲状腺|肛肠|胃肠|不孕不育|男科|妇科|女子|脑科|脑瘫|牙科|整形|美容|男子|男性|女性|风湿|肾病|血液病|心血管|银屑病|牛皮癣|皮肤病|痛风|耳鼻喉|胎记)"
)
"""After the name of a place these make a name; alone they do not."""
_GENERIC_CHARS: Final = frozenset(
    "以决定选择是建议考虑最我们你他她它家当地本各全外老小社农村大这那上下前后昨今天刚又某几两多每同别任"
)


@functools.cache
def _vague() -> re.Pattern[str]:
    return re.compile(f"(?:{'|'.join(map(re.escape, words('vague_hospital_words')))})*")


@functools.cache
def _known() -> re.Pattern[str]:
    names = sorted((*words("places"), *words("hospital_names")), key=lambda w: (-len(w), w))
    return re.compile("|".join(map(re.escape, names)))


@functools.cache
def _places() -> re.Pattern[str]:
    return re.compile("|".join(map(re.escape, sorted(words("places"), key=lambda w: (-len(w), w)))))


@functools.cache
def _place_before() -> re.Pattern[str]:
    return re.compile(f"(?:[省市县区]|{_places().pattern})$")


@functools.cache
def _brand() -> re.Pattern[str]:
    alphabet = "".join(words("brand_characters"))
    return re.compile(f"[{alphabet}]{{2,4}}(?:妇产|儿童|妇儿|男科|妇科|口腔|眼科|皮肤|整形|中医|国际|综合|国际妇儿)?")


def hospitals(text: str) -> Iterator[Hit]:
    """Named hospitals, with the place and the university before the word; generic ones are left."""
    for match in _SUFFIX.finditer(text):
        start = _name_start(text, match.start(), match[0])
        if start is not None:
            end = match.end()
            branch = _BRANCH.match(text, end)
            yield Hit(start, branch.end() if branch else end, "[医院]")
    for match in _SHORT.finditer(text):
        yield Hit(*match.span(), "[医院]")
    for match in _CHILD_HEALTH.finditer(text):  # 市妇幼, 广州妇幼
        place = _place_before().search(text[max(0, match.start() - 4) : match.start()])
        if place:
            yield Hit(match.start() - len(place[0]), match.end(), "[医院]")


def _name_start(text: str, end: int, suffix: str) -> int | None:
    """Where the hospital's name begins whose `suffix` (医院) stands at `end`; None where it is no name."""
    low = max(0, end - WINDOW_CHARS)
    run = _RUN.search(text[low:end])
    window = run[0] if run else ""
    candidate = window[_last_stop(window) :]
    if not candidate or "某" in candidate or "×" in candidate or "XX" in candidate.upper():
        return None
    offset = _offset_in(candidate, suffix)
    return None if offset is None else end - len(candidate) + offset


def _last_stop(window: str) -> int:
    """The place after the last function word that is not part of a known name (成都, 和睦家)."""
    known = [match.span() for match in _known().finditer(window)]
    for i in range(len(window) - 1, -1, -1):
        if window[i] in _STOPS and not any(a <= i < b for a, b in known):
            return i + 1
    return 0


def _offset_in(candidate: str, suffix: str) -> int | None:
    place = _places().search(candidate)
    if place:
        rest = candidate[place.end() :].lstrip("省市区县州")
        if rest and _vague().fullmatch(rest) and not (_PROPER_BODY.match(rest) or _SPECIALITY.match(rest)):
            return None
        first = _known().search(candidate)
        return min(place.start(), first.start() if first else place.start())
    unit = _unit_offset(candidate, suffix)
    if unit is None and _vague().fullmatch(candidate):
        return None
    for found in (unit, _ordinal_offset(candidate), _proper_offset(candidate)):
        if found is not None:
            return found
    if _brand().fullmatch(candidate):
        return 0
    body = re.search(r"(?:人民|中心|妇幼|中医)$", candidate)
    if body and 2 <= body.start() <= 3 and not _GENERIC_CHARS & set(candidate[: body.start()]):
        return 0 if not _vague().fullmatch(candidate[: body.start()]) else None
    return None


def _unit_offset(candidate: str, suffix: str) -> int | None:
    """`赣县医院`, `县第一人民医院`, `市妇幼保健院`; 县医院 and 县级医院 are no names."""
    unit = _UNIT.search(candidate)
    if not unit:
        return None
    before, rest = candidate[: unit.start()], candidate[unit.end() :].removeprefix("城")
    named = 1 <= len(before) <= 4 and not _GENERIC_CHARS & set(before)
    if _PROPER_BODY.match(rest + suffix):
        return 0 if named else unit.start()
    if not rest and named and len(before) >= 2:
        return 0
    return None


def _ordinal_offset(candidate: str) -> int | None:
    ordinal = _ORDINAL.search(candidate)
    if not ordinal:
        return None
    return 0 if ordinal.start() <= 8 and not _GENERIC_CHARS & set(candidate[: ordinal.start()]) else ordinal.start()


def _proper_offset(candidate: str) -> int | None:
    proper = _known().search(candidate)
    if not proper:
        return None
    return 0 if proper.start() <= 4 and not _GENERIC_CHARS & set(candidate[: proper.start()]) else proper.start()
