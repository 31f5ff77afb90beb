"""Texts as the letters that matching compares: what is left when typography is taken away.

Only letters and digits count: white space, punctuation and symbols are passed over, width and case are folded, and a
traditional character stands for its simplified one. So a copy that differs in full stops or in the width of its
digits is a verbatim copy.
"""

from __future__ import annotations

import functools
import unicodedata
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

Codes = npt.NDArray[np.uint16]
Places = npt.NDArray[np.int64]

_PLANES: Final = 0x40000
"""Characters beyond are passed over: no script lives there."""
_PRIVATE, _N_PRIVATE = 0xE000, 6_400
"""Where characters beyond 16 bits go: the private use area, whose own characters are no letters."""
_PASSED, _WHITE = 0, 1


@dataclass(frozen=True)
class Letters:
    """The letters of some texts, one after another.

    Attributes:
        codes: Of all texts, without separators.
        ends: Where each text ends in `codes`; the first begins at 0.
        sizes: Characters of each text, white space left out, punctuation not.
    """

    codes: Codes
    ends: Places
    sizes: Places


@functools.cache
def letter_table() -> Codes:
    """Character code → letter; 0 for what is passed over, 1 for white space."""
    import opencc

    table = np.zeros(_PLANES, np.uint16)
    folded: dict[int, str] = {}
    for code in range(_PLANES):
        char = chr(code)
        if char.isspace():
            table[code] = _WHITE
            continue
        if 0xD800 <= code < 0xE000 or (code > 0x7F and unicodedata.category(char) == "Cn"):
            continue
        plain = unicodedata.normalize("NFKC", char)
        plain = (plain if len(plain) == 1 else char).lower()
        if len(plain) == 1 and unicodedata.category(plain)[0] in "LN":
            folded[code] = plain
    # One call for all characters, each on a line of its own so that no phrase rule applies.
    simplified = opencc.OpenCC("t2s").convert("\n".join(folded.values())).split("\n")
    for code, char in zip(folded, simplified, strict=True):
        letter = ord(char[0])
        table[code] = letter if letter < 0x10000 else _PRIVATE + letter % _N_PRIVATE
    return table


def letters_of(texts: pl.Series) -> Letters:
    """The letters of each text; null is the empty text."""
    from pipelines.overlap_kernels import fold

    array = texts.fill_null("").rechunk().to_arrow()
    _, offset_buffer, data_buffer = array.buffers()
    offsets = np.frombuffer(offset_buffer, np.int64)[array.offset : array.offset + len(array) + 1]
    data = np.frombuffer(data_buffer, np.uint8) if data_buffer is not None else np.zeros(0, np.uint8)
    n_bytes = int(offsets[-1] - offsets[0]) if len(array) else 0
    codes = np.empty(n_bytes, np.uint16)
    ends, sizes = np.zeros(len(array), np.int64), np.zeros(len(array), np.int64)
    n = fold(data, offsets, letter_table(), codes, ends, sizes) if len(array) else 0
    return Letters(codes[:n].copy(), ends, sizes)


def words_at(text: str, start: int, end: int) -> str:
    """The part of a text whose letters are those from `start` to `end`."""
    raw = np.frombuffer(text.encode("utf-32-le", "replace"), np.uint32)
    table = letter_table()
    places = np.flatnonzero(table[np.minimum(raw, _PLANES - 1)] > _WHITE)
    if not 0 <= start < end <= len(places):
        return ""
    return text[places[start] : places[end - 1] + 1]
