"""The character tables of `normalize`: what is written in another width, as a compatibility form, or invisibly.

NFKC is not used: it turns 10² into 102, ① into 1 and ½ into 1⁄2. Only width, compatibility ideographs, radicals that
PDF fonts leave behind, squared units and ligatures are mapped, each to what a person reads there anyway.
"""

from __future__ import annotations

import unicodedata
from functools import cache
from typing import Final

_KEPT_WIDE: Final = "！（），：；？～"
"""Full-width punctuation that Chinese text uses as it is."""

_RADICALS: Final = dict(
    zip(
        "⺇⺌⺍⺎⺏⺐⺗⺟⺠⺧⺨⺪⺫⺮⺱⺶⺷⺸⺻⺼⻁⻄⻅⻆⻉⻋⻌⻍⻎⻏⻐⻑⻒⻓⻔⻖⻗⻘⻙⻚⻛⻜⻝⻟⻠⻢⻣⻤⻥⻦⻧⻨⻩⻬⻮⻰⻳",
        "几小小兀尢尢心母民牛犭疋目竹网羊羊羊聿月虎西见角贝车辶辶辶邑钅長镸长门阜雨青韦页风飞食飠饣马骨鬼鱼鸟卤麦黄齐齿龙龟",
        strict=True,
    )
)
"""CJK radicals that stand for a character in text extracted from PDF."""

_UNITS: Final = {
    "㎍": "μg", "㎎": "mg", "㎏": "kg", "㎕": "μl", "㎖": "ml", "㎗": "dl", "㎘": "kl", "㏄": "cc", "㎛": "μm",
    "㎜": "mm", "㎝": "cm", "㎞": "km", "㎟": "mm²", "㎠": "cm²", "㎡": "m²", "㎢": "km²", "㎣": "mm³", "㎤": "cm³",
    "㎥": "m³", "㎈": "cal", "㎉": "kcal", "㎐": "Hz", "㎑": "kHz", "㎒": "MHz", "㎩": "Pa", "㎪": "kPa", "㎳": "ms",
    "㏖": "mol", "㏒": "log", "㏑": "ln", "㏗": "pH", "㎰": "ps", "㎱": "ns", "㎲": "μs",
}  # fmt: skip
"""Squared units; exponents stay exponents."""

_FORMS: Final = {
    "µ": "μ", "∕": "/", "⁄": "/", "‐": "-", "‑": "-", "﹣": "-", "−": "-", "〜": "～", "∼": "～",
    "ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl", "ﬅ": "st", "ﬆ": "st",
    "￠": "¢", "￡": "£", "￥": "¥", "￦": "₩", "￨": "|", "｡": "。", "｢": "「", "｣": "」", "､": "、", "･": "・",
    "﹐": "，", "﹑": "、", "﹒": ".", "﹔": "；", "﹕": "：", "﹖": "？", "﹗": "！", "﹙": "（", "﹚": "）",
    "﹛": "{", "﹜": "}", "﹝": "〔", "﹞": "〕", "﹟": "#", "﹠": "&", "﹡": "*", "﹢": "+", "﹤": "<", "﹥": ">",
    "﹦": "=", "﹨": "\\", "﹩": "$", "﹪": "%", "﹫": "@", "℡": "电话", "㈠": "（一）", "㈡": "（二）", "㈢": "（三）",
    "㈣": "（四）", "㈤": "（五）", "㈥": "（六）", "㈦": "（七）", "㈧": "（八）", "㈨": "（九）", "㈩": "（十）",
}  # fmt: skip

_SPACES: Final = "\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"

INVISIBLE: Final = (
    "[\\x00-\\x08\\x0e-\\x1f\\x7f-\\x84\\x86-\\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f"
    "\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0d\ufeff\uffa0\ufff9-\ufffb\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
"""Controls, zero-width and bidirectional marks, soft hyphens, variation selectors other than the emoji ones."""

LINE_ENDS: Final = "\\r\\n?|[\\x0b\\x0c\\x85\u2028\u2029]"


def _compatibility_ideographs() -> dict[str, str]:
    ranges = ((0xF900, 0xFAFF), (0x2F800, 0x2FA1F))
    decomposed = {chr(c): unicodedata.normalize("NFC", chr(c)) for low, high in ranges for c in range(low, high + 1)}
    kangxi = {chr(c): unicodedata.normalize("NFKC", chr(c)) for c in (*range(0x2F00, 0x2FD6), 0x2E9F, 0x2EF3)}
    return {c: plain for c, plain in (decomposed | kangxi).items() if c != plain}


@cache
def character_map() -> dict[str, str]:
    """Every character that `normalize` replaces, and by what; no value holds a key, so one pass is enough."""
    width = {chr(c): chr(c - 0xFEE0) for c in range(0xFF01, 0xFF5F) if chr(c) not in _KEPT_WIDE}
    return width | dict.fromkeys(_SPACES, " ") | _compatibility_ideographs() | _RADICALS | _UNITS | _FORMS


@cache
def character_trigger() -> str:
    """A character class that matches exactly the keys of `character_map`."""
    codes = sorted(map(ord, character_map()))
    ranges: list[list[int]] = []
    for code in codes:
        if ranges and code == ranges[-1][1] + 1:
            ranges[-1][1] = code
        else:
            ranges.append([code, code])
    return "[" + "".join(f"\\x{{{low:X}}}-\\x{{{high:X}}}" for low, high in ranges) + "]"


SUPERSCRIPTS: Final = str.maketrans("0123456789+-()n", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁽⁾ⁿ")
SUBSCRIPTS: Final = str.maketrans("0123456789+-()", "₀₁₂₃₄₅₆₇₈₉₊₋₍₎")
