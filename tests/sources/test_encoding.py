"""Every byte becomes the right character, or the part is refused with the byte's offset."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import PartRefused
from sources.encoding import decode, decode_with_gaps, detect_head

SIMPLIFIED = "小儿肺炎的治疗：应根据病情选择药物，发热时多饮水。体温超过38.5℃可服用退热药。"
TRADITIONAL = "小兒肺炎的治療：應根據病情選擇藥物，發熱時多飲水。體溫過高可服用退熱藥。"
CODECS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "gb18030")


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("text", [SIMPLIFIED, TRADITIONAL, "疾病,症状\n肺炎,发热\n", SIMPLIFIED * 500])
def test_what_was_written_is_read(text: str, codec: str) -> None:
    assert decode(text.encode(codec)) == (text, codec)


@pytest.mark.parametrize("text", [TRADITIONAL, "疾病,症狀\n肺炎,發熱\n", TRADITIONAL * 500])
def test_big5_is_not_taken_for_gb18030_which_reads_it_too(text: str) -> None:
    data = text.encode("big5")
    assert data.decode("gb18030", "replace") != text
    assert decode(data) == (text, "big5")


def test_the_narrowest_dialect_of_big5_is_named() -> None:
    text = TRADITIONAL + "碁"  # an extension of CP950
    assert decode(text.encode("cp950")) == (text, "cp950")


def test_chinese_after_a_long_stretch_of_ascii_is_still_detected() -> None:
    text = "id,name\n" * 20_000 + SIMPLIFIED
    assert decode(text.encode("gb18030")) == (text, "gb18030")


@given(st.text(alphabet=st.characters(exclude_characters="\0\ufeff", exclude_categories=("Cs",))))
def test_utf8_is_exact(text: str) -> None:
    assert decode(text.encode())[0] == text


@pytest.mark.parametrize(("codec", "bad"), [("utf-8", b"\xff"), ("gb18030", b"\xff"), ("utf-8", b"\xed\xa0\x80")])
def test_a_broken_byte_is_refused_with_its_offset(codec: str, bad: bytes) -> None:
    head = (SIMPLIFIED * 10).encode(codec)
    with pytest.raises(PartRefused, match=rf"byte {len(head)} \(") as refused:
        decode(head + bad + (SIMPLIFIED * 10).encode(codec))
    assert refused.value.reason == "undecodable_byte"


def test_one_broken_byte_in_utf8_does_not_turn_the_file_into_gb18030() -> None:
    data = (SIMPLIFIED * 400).encode() + b"\x80" + (SIMPLIFIED * 400).encode()
    text, encoding, gaps = decode_with_gaps(data)
    assert encoding == "utf-8"
    assert text == SIMPLIFIED * 400 + "\ufffd" + SIMPLIFIED * 400
    assert [(gap.byte_offset, text[gap.char_offset]) for gap in gaps] == [(len(data) // 2, "\ufffd")]


def test_gaps_name_every_place_and_lose_nothing_else() -> None:
    pieces = [(SIMPLIFIED * 600).encode("gb18030")] * 4
    data = b"\xff".join(pieces)
    text, _, gaps = decode_with_gaps(data)
    assert text.replace("\ufffd", "") == SIMPLIFIED * 2400
    assert [gap.byte_offset for gap in gaps] == [len(pieces[0]) * n + n - 1 for n in (1, 2, 3)]
    assert all(data[gap.byte_offset : gap.byte_offset + gap.n_bytes] == b"\xff" for gap in gaps)


def test_more_gaps_than_a_damaged_file_has_are_a_wrong_codec() -> None:
    with pytest.raises(PartRefused, match="is not utf-8"):
        decode_with_gaps((SIMPLIFIED.encode() + b"\xff") * 200)


def test_a_lone_surrogate_in_utf16_is_refused() -> None:
    data = b"\xff\xfe" + SIMPLIFIED.encode("utf-16-le") + b"\x00\xd8" + SIMPLIFIED.encode("utf-16-le")
    with pytest.raises(PartRefused) as refused:
        decode(data)
    assert refused.value.reason == "undecodable_byte"


def test_a_nul_is_refused_with_its_offset() -> None:
    head = SIMPLIFIED.encode()
    with pytest.raises(PartRefused, match=f"byte {len(head)} is NUL") as refused:
        decode(head + b"\0" + SIMPLIFIED.encode() * 20)
    assert refused.value.reason == "nul_byte"


def test_a_few_nuls_in_a_long_text_are_gaps() -> None:
    pieces = [(SIMPLIFIED * 600).encode("gb18030")] * 3
    data = pieces[0] + b"\0" + pieces[1] + b"\xff" + pieces[2] + b"\0\0\0"
    text, encoding, gaps = decode_with_gaps(data)
    assert encoding == "gb18030"
    assert text.replace("\ufffd", "") == SIMPLIFIED * 1800
    assert [data[gap.byte_offset : gap.byte_offset + gap.n_bytes] for gap in gaps] == [b"\0", b"\xff", b"\0\0\0"]
    assert all(text[gap.char_offset] == "\ufffd" for gap in gaps)
    with pytest.raises(PartRefused, match="is NUL"):
        decode_with_gaps(b"\0".join([SIMPLIFIED.encode()] * 200))


@pytest.mark.parametrize("data", [bytes(range(128, 256)) * 8, "Größe für Öl, déjà vu à côté".encode("latin-1")])
def test_what_is_no_chinese_in_any_codec_is_refused(data: bytes) -> None:
    with pytest.raises(PartRefused) as refused:
        decode(data)
    assert refused.value.reason in ("unknown_encoding", "undecodable_byte", "nul_byte")


def test_an_override_wins_and_a_wrong_one_is_refused() -> None:
    assert decode("Größe".encode("latin-1"), "latin-1")[0] == "Größe"
    for wrong in ("gb99999", "zlib", "rot13"):
        with pytest.raises(PartRefused, match=wrong):
            decode(b"abc", wrong)


@pytest.mark.parametrize("codec", ["utf-8", "gb18030", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("n_cut", [0, 1, 2, 3])
def test_a_cut_head_is_detected_all_the_same(codec: str, n_cut: int) -> None:
    data = (SIMPLIFIED * 3).encode(codec)
    assert detect_head(data[: len(data) - n_cut]) == codec


@pytest.mark.real
def test_the_book_with_illegal_bytes_names_their_offsets() -> None:
    root = os.environ.get("PEDCORPUS_REAL_DATA")
    if root is None:
        pytest.skip("PEDCORPUS_REAL_DATA is not set")
    data = (Path(root) / "textbooks" / "203-婴童类萃.txt").read_bytes()
    with pytest.raises(PartRefused, match="byte 27395 "):
        decode(data)
    assert [gap.byte_offset for gap in decode_with_gaps(data).gaps] == [27395, 66497]
