"""What of a text is compared: its letters folded, without white space, and its strict facts as one number.

Folding keeps meaning: full-width forms become ASCII, capitals small letters, white space and control characters go
(one blank stays between two digits, for 第1 2周 is not 第12周). 10² stays 10². `FIELD` separates a record's fields.

Strict facts are what two texts must agree in, in order, whatever their similarity:

    runs of digits, with `.` `/` `:` inside (2.50 equals 2.5; 3-5 is two runs, 1/2 is one)
    Chinese numerals, 三 equal to 3; 十 百 千 万 亿 半 as themselves
    their capital forms (零 伍 陆 …) beside another numeral: not in 零食, 队伍, 陆续
    不 无 未 勿 禁 忌 慎
    % ‰ ℃ ≤ ≥ ±
    < > beside a digit, and + before a bracket that closes: (+), (2+)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines.jit import jit
from pipelines.near.settings import FIELD

DIGIT, JOINER, TOKEN, _SPACE, _CAPITAL, _SIGN, _NUMERAL = 1, 2, 3, 4, 5, 6, 7
_CAPITALS: Final = {
    **{c: str(i) for i, c in enumerate("零壹贰叁肆伍陆柒捌玖")},
    **{"拾": "十", "佰": "百", "仟": "千"},  # noqa: PIE800
}
_NUMERALS: Final = {
    **{c: str(i) for i, c in enumerate("〇一二三四五六七八九")},
    **{c: c for c in "十百千万亿半"},
    "两": "2",
}
_STRICT: Final = "不无未勿禁忌慎%‰℃≤≥±"
_SIGNS: Final = "<>+"
_SAME: Final = {"≦": "≤", "≧": "≥", "⩽": "≤", "⩾": "≥", "﹪": "%", "﹤": "<", "﹥": ">"}

Units = npt.NDArray[np.uint16]
Offsets = npt.NDArray[np.int64]
Hashes = npt.NDArray[np.uint64]


def _folded(code: int) -> str:
    character = chr(code)
    if 0xD800 <= code < 0xE000:  # no character; valid UTF-8 has none
        return "\ufffd"
    if 0xFF01 <= code <= 0xFF5E:
        character = chr(code - 0xFEE0)
    character = _SAME.get(character, character)
    small = character.lower()
    return small if len(small) == 1 else character


def _tables() -> tuple[Units, npt.NDArray[np.uint8], Units]:
    """By code unit: what it folds to, what it is to the facts, and the token that it stands for there."""
    fold, kind, token = np.zeros(65536, np.uint16), np.zeros(65536, np.uint8), np.zeros(65536, np.uint16)
    for code in range(65536):
        fold[code] = ord(_folded(code))
        if chr(code) != FIELD and (chr(code).isspace() or _is_invisible(code)):
            kind[code] = _SPACE
    of_kind = {
        DIGIT: dict.fromkeys("0123456789", "0"),
        JOINER: dict.fromkeys("./:", "."),
        TOKEN: {c: c for c in _STRICT},
        _SIGN: {c: c for c in _SIGNS},
        _NUMERAL: _NUMERALS,
        _CAPITAL: _CAPITALS,
    }
    for number, names in of_kind.items():
        for character, name in names.items():
            kind[ord(character)], token[ord(character)] = number, ord(name)
    return fold, kind, token


def _is_invisible(code: int) -> bool:
    return code < 0x20 or 0x7F <= code <= 0x9F or code in (0xAD, 0xFEFF) or 0x200B <= code <= 0x200F or code == 0x2060


_FOLD, KINDS, TOKENS = _tables()


@dataclass(frozen=True)
class Compared:
    """Texts ready for comparison.

    Attributes:
        units: The characters of all texts, one after another, 16 bits each; the rare ones beyond the first plane
            share 6,400 numbers.
        offsets: Text i is `units[offsets[i]:offsets[i + 1]]`; one more than there are texts.
        facts: A hash of each text's strict facts.
        texts: A hash of each text's units: equal texts, equal hashes.
    """

    units: Units
    offsets: Offsets
    facts: Hashes
    texts: Hashes

    def __len__(self) -> int:
        return len(self.facts)


def compared(texts: pa.LargeStringArray) -> Compared:
    """The texts of an Arrow array (`large_string`, nulls count as empty), folded."""
    n = len(texts)
    _, bounds, data = texts.buffers()
    if n == 0 or data is None:
        empty = np.zeros(n, np.uint64)
        return Compared(np.zeros(0, np.uint16), np.zeros(n + 1, np.int64), empty, empty.copy())
    ends: Any = np.frombuffer(bounds, np.int64, n + 1 + texts.offset)[texts.offset :]
    # A character takes at least a byte, so the bytes bound the units.
    units, offsets = np.empty(int(ends[-1] - ends[0]), np.uint16), np.zeros(n + 1, np.int64)
    facts, hashes = np.empty(n, np.uint64), np.empty(n, np.uint64)
    used = _fold_all(np.frombuffer(data, np.uint8), ends, _FOLD, KINDS, TOKENS, units, offsets, facts, hashes)
    return Compared(units[:used], offsets, facts, hashes)


def text_of(units: Units, offsets: Offsets, i: int) -> str:
    """Text i as a string, as it is compared."""
    return units[offsets[i] : offsets[i + 1]].tobytes().decode("utf-16-le")


@jit
def fact_at(units: Units, at: int, begin: int, end: int, kinds: npt.NDArray[np.uint8]) -> int:
    """What stands at a place of the text `begin:end`, to the facts: `DIGIT`, `JOINER`, `TOKEN`, or 0 for nothing."""
    kind = int(kinds[units[at]])
    if kind < 3:
        return kind
    if kind == 3 or kind == 7:
        return 3
    if kind == 4:
        return 0
    before = units[at - 1] if at > begin else 0
    after = units[at + 1] if at + 1 < end else 0
    if kind == 6:
        is_sign = after == 41 if units[at] == 43 else kinds[before] == 1 or kinds[after] == 1
        return 3 if is_sign else 0
    beside = (int(kinds[before]), int(kinds[after]))
    is_number = beside[0] in (1, 5, 7) or beside[1] in (1, 5, 7)
    return 3 if is_number or after == 0x4E0B else 0  # 零下


@jit
def _mixed(h: np.uint64, value: np.uint64) -> np.uint64:
    h = (h ^ value) * np.uint64(0x9E3779B97F4A7C15)
    return h ^ (h >> np.uint64(29))


@jit
def _number(units: Units, start: int, end: int, h: np.uint64) -> np.uint64:
    """The facts so far and the run of digits and joiners `start:end`; 05 counts as 5, 2.50 as 2.5."""
    n_points = n_others = 0
    point = end
    for i in range(start, end):
        if units[i] == 46:
            n_points += 1
            point = i
        elif units[i] == 47 or units[i] == 58:
            n_others += 1
    if n_points <= 1 and n_others == 0:
        while start + 1 < point and units[start] == 48:
            start += 1
        if n_points == 1:
            while units[end - 1] == 48:
                end -= 1
            if units[end - 1] == 46:
                end -= 1
    for i in range(start, end):
        h = _mixed(h, np.uint64(units[i]))
    return _mixed(h, np.uint64(0x10000))


@jit
def _fold_all(
    data: npt.NDArray[np.uint8],
    ends: Offsets,
    fold: Units,
    kinds: npt.NDArray[np.uint8],
    tokens: Units,
    units: Units,
    offsets: Offsets,
    facts: Hashes,
    hashes: Hashes,
) -> int:
    used = 0
    for i in range(len(ends) - 1):
        begin = used
        used = _fold(data[ends[i] : ends[i + 1]], fold, kinds, units, used)
        offsets[i + 1] = used
        facts[i] = _facts_hash(units, begin, used, kinds, tokens)
        hashes[i] = _text_hash(units, begin, used)
    return used


@jit
def _fold(data: npt.NDArray[np.uint8], fold: Units, kinds: npt.NDArray[np.uint8], units: Units, used: int) -> int:
    """Writes the text of valid UTF-8 to `units[used:]`; where it ends there."""
    at, begin, blank = 0, used, False
    while at < len(data):
        b = int(data[at])
        if b >= 0xC0 and at + (2 if b < 0xE0 else 3 if b < 0xF0 else 4) > len(data):
            code, at = 0xFFFD, len(data)  # no UTF-8, and what follows belongs to another text
        elif b < 0x80:
            code = b
            at += 1
        elif b < 0xE0:
            code = ((b & 0x1F) << 6) | (int(data[at + 1]) & 0x3F)
            at += 2
        elif b < 0xF0:
            code = ((b & 0x0F) << 12) | ((int(data[at + 1]) & 0x3F) << 6) | (int(data[at + 2]) & 0x3F)
            at += 3
        else:
            code = ((b & 0x07) << 18) | ((int(data[at + 1]) & 0x3F) << 12)
            code |= ((int(data[at + 2]) & 0x3F) << 6) | (int(data[at + 3]) & 0x3F)
            code = 0xE000 + code % 6400  # one unit a character, or lengths and distances would be of two kinds
            at += 4
        if kinds[code] == 4:
            blank = used > begin and kinds[units[used - 1]] == 1
            continue
        unit = fold[code]
        if blank:
            if kinds[unit] == 1:  # 第1 2周 is not 第12周
                units[used] = 32
                used += 1
            blank = False
        units[used] = unit
        used += 1
    return used


@jit
def _text_hash(units: Units, begin: int, end: int) -> np.uint64:
    """A hash of a text, four units at a time."""
    h = np.uint64(end - begin)
    at = begin
    while at + 4 <= end:
        four = np.uint64(units[at]) | (np.uint64(units[at + 1]) << np.uint64(16))
        four |= (np.uint64(units[at + 2]) << np.uint64(32)) | (np.uint64(units[at + 3]) << np.uint64(48))
        h = _mixed(h, four)
        at += 4
    while at < end:
        h = _mixed(h, np.uint64(units[at]))
        at += 1
    return _mixed(h, np.uint64(0))


@jit
def _facts_hash(units: Units, begin: int, end: int, kinds: npt.NDArray[np.uint8], tokens: Units) -> np.uint64:
    """A hash of a text's strict facts."""
    facts = np.uint64(0)
    run = -1
    for i in range(begin, end):
        unit = units[i]
        if kinds[unit] == 0 and run < 0:
            continue
        kind = fact_at(units, i, begin, end, kinds)
        if kind == 1:
            if run < 0:
                run = i
            continue
        if run >= 0 and not (kind == 2 and i + 1 < end and kinds[units[i + 1]] == 1):
            facts = _number(units, run, i, facts)
            run = -1
        if kind == 3:
            token = tokens[unit]
            facts = _mixed(facts, np.uint64(token))
            if 48 <= token <= 57:
                facts = _mixed(facts, np.uint64(0x10000))  # 三 ends as 3 does
    if run >= 0:
        facts = _number(units, run, end, facts)
    return facts


@jit
def gather(units: Units, offsets: Offsets, order: npt.NDArray[np.int64], out: Units, out_offsets: Offsets) -> None:
    """Copies texts in another order; `out` has room for all of them."""
    used = 0
    for k in range(len(order)):
        begin, end = offsets[order[k]], offsets[order[k] + 1]
        out[used : used + end - begin] = units[begin:end]
        used += end - begin
        out_offsets[k + 1] = used
