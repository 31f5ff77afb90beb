"""Bytes → text without mojibake: a byte-order mark, then UTF-8, then the best of GB18030, Big5 and UTF-16.

GB18030 decodes nearly any Big5 file without an error, into nonsense. So what decides is not whether a codec
fails but how common the characters are that come out: about seven in ten characters of running Chinese are
among the few hundred of `FREQUENT`, and under one in twenty of a text read with the wrong codec.

A byte that does not decode, and a NUL, is never passed over. `decode` refuses the part; `decode_with_gaps` puts U+FFFD
in its place and lists it, for readers that can drop the one section around it and say so.
"""

from __future__ import annotations

import codecs
import itertools
import re
from typing import Final, NamedTuple

from schemas.errors import PartRefused

FREQUENT: Final = frozenset(
    "的一性不有和病者生第以人医治是之可为发其儿大细用上分下血在名他中热二法或会方行能小保疗三定子时服条无钱水重症目于应健出作疾好"
    "十气当要药婴部黄心了学多五白也类常如而详前个关后属代食查经院丸炎检体管家患天等次术状内地物我录对现理风进各篇过主毒汤并门伤因"
    "皮这务产两母日及实成四神国年市加科去民所化员情表散规感合痛月宝正种证自童书虚肿口接指则得疫哪此章寒处机外高便议传期起通来泻半"
    "结么未面饮手草果您同见末新提你制根身片入乳脾吐本没胃意相到防明少先特据每诊事卫问间惊育与清道位脉力七需调全苗消度色吃建开解宜"
    "急头些使取参型注原由脑肾液量知严数技施就精活阳安工吗咳复断改干直还导最止温异肠节变什非们点受足供致至红妇系给冷质然确若但女必"
    "醫爲為發兒細熱會療時條無錢於應氣當藥嬰黃學類詳個關後屬經檢體術狀內錄對現風進過湯並門傷這務產兩實國員規種證動書虛則處機議傳"
    "來瀉結麼飲見沒據診衛問間驚與脈調開頭參腦腎嚴數陽嗎復斷還導溫異腸節變們點婦給質確"
    "，。、；：？！（）《》“”．"
)
GAP_LIMIT: Final = 64
GAP_RATIO: Final = 1e-4
"""With more undecodable bytes than this (count, and share of the file's bytes) the encoding itself is in doubt."""

_SAMPLE_BYTES: Final = 65_536
_BOMS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16: its mark begins with the one of UTF-16
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CANDIDATES: Final = ("utf-8", "gb18030", "big5", "utf-16-le", "utf-16-be")
_BIG5_FAMILY: Final = ("big5", "cp950", "big5hkscs")  # the narrowest that reads the whole file
_DOUBTFUL_SCORE: Final = 0.12
_NON_ASCII: Final = re.compile(rb"[\x80-\xff]")
_NULS: Final = re.compile("\0+")
_NUL_BYTES: Final = re.compile(rb"\x00+")


class Gap(NamedTuple):
    """Bytes that no character came from: `n_bytes` at `byte_offset`, U+FFFD at `char_offset` of the text.

    One U+FFFD, or, where the bytes are NULs, one for each.
    """

    byte_offset: int
    char_offset: int
    n_bytes: int


class Decoded(NamedTuple):
    """A file as text. `encoding` is a Python codec name; a byte-order mark is not part of `text`."""

    text: str
    encoding: str
    gaps: tuple[Gap, ...]


def decode(data: bytes, override: str | None = None) -> tuple[str, str]:
    """The text of `data` and the codec that read it, every byte accounted for.

    Args:
        data: A whole file.
        override: A codec name from the configuration; switches detection off.

    Raises:
        PartRefused: `undecodable_byte` with the byte's offset; `unknown_encoding` where no codec gives
            plausible text or `override` names none; `nul_byte` where the file is not text at all.
    """
    text, encoding, _ = decode_with_gaps(data, override, gap_limit=0)
    return text, encoding


def decode_with_gaps(data: bytes, override: str | None = None, gap_limit: int = GAP_LIMIT) -> Decoded:
    """Like `decode`, but a few undecodable bytes become U+FFFD and are listed.

    Raises:
        PartRefused: as `decode` does, with `undecodable_byte` and `nul_byte` only where there are more than
            `gap_limit` such places or they are more than `GAP_RATIO` of the file. A file with a byte-order mark is read
            without gaps or not at all.
    """
    encoding = _narrowest(data, _checked(override) if override else detect(data))
    if encoding in ("utf-8-sig", "utf-16", "utf-32"):
        gap_limit = 0  # decoding again from the middle would lose what the mark says
    pieces: list[str] = []
    gaps: list[Gap] = []
    at = n_chars = 0
    view = memoryview(data)
    while True:
        try:
            pieces.append(codecs.decode(view[at:], encoding))
            break
        except UnicodeDecodeError as error:
            start, end = at + error.start, at + error.end
            if len(gaps) + 1 > min(gap_limit, len(data) * GAP_RATIO):
                first = gaps[0].byte_offset if gaps else start
                raise _undecodable(data, encoding, first, len(gaps) + 1) from None
            pieces += (codecs.decode(view[at:start], encoding), "\ufffd")
            n_chars += len(pieces[-2]) + 1
            gaps.append(Gap(start, n_chars - 1, end - start))
            at = end
    text = "".join(pieces)
    if "\0" not in text:
        return Decoded(text, encoding, tuple(gaps))
    nuls = _nul_gaps(text, data, encoding, min(gap_limit, len(data) * GAP_RATIO) - len(gaps))
    return Decoded(text.replace("\0", "\ufffd"), encoding, tuple(sorted([*gaps, *nuls])))


def detect(data: bytes) -> str:
    """The codec that most plausibly wrote `data`, which may still hold bytes that it cannot read.

    Cost: one strict UTF-8 pass over the whole, then at most 64 KiB scored with each candidate.

    Raises:
        PartRefused: `unknown_encoding`.
    """
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return encoding
    wide = _wide_by_nuls(data[:_SAMPLE_BYTES])
    if wide:
        return wide
    try:
        data.decode("utf-8")
        return "utf-8"
    except UnicodeDecodeError:
        return detect_head(data)


def detect_head(head: bytes) -> str:
    """`detect` for the beginning of a file, whose last character may be cut.

    Raises:
        PartRefused: `unknown_encoding`.
    """
    for mark, encoding in _BOMS:
        if head.startswith(mark):
            return encoding
    if wide := _wide_by_nuls(head[:_SAMPLE_BYTES]):
        return wide
    first = _NON_ASCII.search(head)
    if first is None:
        return "utf-8"
    begin = first.start() // 2 * 2  # an even offset, for the UTF-16 candidates
    sample = head[begin : begin + _SAMPLE_BYTES]
    scores = {encoding: _plausibility(sample, encoding) for encoding in _CANDIDATES}
    best = max(_CANDIDATES, key=lambda name: scores[name])  # ties go to the earlier candidate
    if scores[best] < _DOUBTFUL_SCORE:
        raise PartRefused(
            "unknown_encoding",
            f"neither UTF-8, GB18030, Big5 nor UTF-16 gives plausible Chinese from byte {first.start()} on. "
            "Convert the file to UTF-8, or name its codec under 'encoding:'.",
        )
    return best


def _plausibility(sample: bytes, encoding: str) -> float:
    """Mean worth of the non-ASCII characters: 1 if frequent, 0.3 if of the script's first plane of common
    use, 0 if not, -1 if undecodable or out of place."""
    text = sample.decode(encoding, "replace")
    if not text.isascii() and text.endswith("\ufffd"):
        text = text[:-1]  # the sample may end inside a character
    wide = [char for char in text if char > "\x7f"]
    worth = sum(_worth(char) for char in wide)
    if encoding.startswith("utf-16"):
        worth -= sum(char < "\t" for char in text)
    return worth / max(1, len(wide))


def _worth(char: str) -> float:
    if char in FREQUENT:
        return 1.0
    if "\u4e00" <= char <= "\u9fff":
        return 0.3 if _in_common_use(char) else 0.0
    if char == "\ufffd" or "\ud800" <= char <= "\uf8ff" or "\u0080" <= char <= "\u009f":
        return -1.0  # a failure, a surrogate, a private-use character or a C1 control
    if "\uff00" <= char <= "\uff5e" or "\u3000" <= char <= "\u301f" or "\u2010" <= char <= "\u203b":
        return 0.5  # full-width forms and punctuation
    return 0.0


def _in_common_use(char: str) -> bool:
    """In the first level of GB 2312 (3,755 simplified characters) or of Big5 (5,401 traditional ones)."""
    simplified = char.encode("gb2312", "ignore")
    if simplified and simplified < b"\xd8\xa1":
        return True
    traditional = char.encode("big5", "ignore")
    return bool(traditional) and traditional < b"\xc6\x80"


def _wide_by_nuls(sample: bytes) -> str | None:
    """UTF-16 without a mark, told by the NULs of its ASCII and line ends: all in odd, or all in even, places."""
    n_even, n_odd = sample[0::2].count(0), sample[1::2].count(0)
    n_pairs = max(1, len(sample) // 2)
    if max(n_even, n_odd) < 0.02 * n_pairs or min(n_even, n_odd) > 0.02 * max(n_even, n_odd):
        return None
    encoding = "utf-16-le" if n_odd > n_even else "utf-16-be"
    text = sample[: n_pairs * 2].decode(encoding, "replace")
    n_readable = sum(char in FREQUENT or char.isascii() for char in text)
    return encoding if n_readable > 0.4 * len(text) else None


def _checked(override: str) -> str:
    try:
        codec = codecs.lookup(override)
    except LookupError:
        codec = None
    if codec is None or not codec._is_text_encoding:
        raise PartRefused(
            "unknown_encoding", f"'encoding: {override}' names no text codec. Use utf-8, gb18030 or big5."
        )
    return codec.name


def _nul_gaps(text: str, data: bytes, encoding: str, limit: float) -> list[Gap]:
    """The runs of NULs as gaps.

    Raises:
        PartRefused: `nul_byte` where there are more than `limit`, or where a NUL is part of other characters.
    """
    in_text = [found.span() for found in itertools.islice(_NULS.finditer(text), GAP_LIMIT + 1)]
    in_data = [found.span() for found in itertools.islice(_NUL_BYTES.finditer(data), GAP_LIMIT + 1)]
    is_wide = encoding.startswith(("utf-16", "utf-32"))
    if is_wide or len(in_text) > limit or len(in_text) != len(in_data):
        where = f"character {in_text[0][0]}" if is_wide else f"byte {in_data[0][0]}"
        raise PartRefused(
            "nul_byte",
            f"{where} is NUL: the file is not text, or was damaged. Mend it, or list it under 'skip:'.",
        )
    return [Gap(start, at, end - start) for (at, _), (start, end) in zip(in_text, in_data, strict=True)]


def _undecodable(data: bytes, encoding: str, offset: int, n_places: int) -> PartRefused:
    found = data[offset : offset + 2].hex(" ")
    more = f" (and {n_places - 1} places after it or more)" if n_places > 1 else ""
    return PartRefused(
        "undecodable_byte",
        f"byte {offset} ({found}) is not {encoding}{more}. Mend the file, or name its codec under 'encoding:'.",
    )


def _narrowest(data: bytes, encoding: str) -> str:
    """Of Big5's dialects the first that reads all of `data`; `encoding` itself where none does."""
    if encoding != "big5":
        return encoding
    for dialect in _BIG5_FAMILY:
        try:
            data.decode(dialect)
            return dialect
        except UnicodeDecodeError:
            continue
    return encoding
