"""Rows of table files: every form gives the same rows, and what is broken is a row with a problem."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from schemas.errors import PartRefused
from sources import rows as rows_module
from sources.base import ReadReport
from sources.delimited import column_names
from sources.rows import MAX_ROW_CHARS, Row
from sources.tables import read_table

WANTED = [{"question": "发烧怎么办？", "answer": "多喝水，\n“休息”"}, {"question": "咳嗽怎么办？", "answer": "润肺"}]


def read(path: Path, content: bytes | str, known: tuple[str, ...] = ("question",)) -> tuple[list[Row], ReadReport]:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    report = ReadReport()
    return list(read_table(path, report, known=known)), report


FORMS = {
    "a.csv": 'question,answer\n发烧怎么办？,"多喝水，\n“休息”"\n咳嗽怎么办？,润肺\n',
    "b.csv": 'question\tanswer\r\n发烧怎么办？\t"多喝水，\n“休息”"\r\n咳嗽怎么办？\t润肺\r\n',
    "c.csv": 'question;answer\n发烧怎么办？;"多喝水，\n“休息”"\n咳嗽怎么办？;润肺\n',
    "d.json": json.dumps(WANTED, ensure_ascii=False),
    "e.json": json.dumps(WANTED, indent=2),
    "f.json": "\n".join(json.dumps(row, ensure_ascii=False) for row in WANTED),
    "g.json": json.dumps({key: [row[key] for row in WANTED] for key in WANTED[0]}),
    "h.json": json.dumps({"version": "1.0", "data": WANTED}),
    "i.json": json.dumps({"x": WANTED[0], "y": WANTED[1]}),
    "j.txt": f"train@{WANTED!r}",
    "k.txt": "\n".join(map(repr, WANTED)),
}


@pytest.mark.parametrize("name", FORMS)
def test_every_form_gives_the_same_rows(tmp_path: Path, name: str) -> None:
    rows, _ = read(tmp_path / name, FORMS[name])
    assert [row.values for row in rows] == WANTED
    assert all(row.locator and row.problem is None for row in rows)
    assert len({row.locator for row in rows}) == len(rows)


def test_locators_say_where(tmp_path: Path) -> None:
    assert [r.locator for r in read(tmp_path / "a.csv", FORMS["a.csv"])[0]] == ["row 1", "row 2"]
    assert [r.locator for r in read(tmp_path / "f.json", FORMS["f.json"].replace("\n", "\n\n"))[0]] == ["L1", "L3"]
    assert [r.locator for r in read(tmp_path / "d.json", FORMS["d.json"])[0]] == ["[0]", "[1]"]
    assert [r.locator for r in read(tmp_path / "j.txt", FORMS["j.txt"])[0]] == ["train[0]", "train[1]"]


@pytest.mark.parametrize("encoding", ["gb18030", "utf-8-sig", "utf-16"])
def test_encodings_do_not_change_rows(tmp_path: Path, encoding: str) -> None:
    rows, report = read(tmp_path / "a.csv", FORMS["a.csv"].encode(encoding))
    assert [row.values for row in rows] == WANTED
    assert report.encoding == encoding


def test_parquet_and_arrow(tmp_path: Path) -> None:
    table = pa.Table.from_pylist(WANTED)
    pq.write_table(table, tmp_path / "a.parquet")
    with pa.OSFile(str(tmp_path / "a.arrow"), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    with pa.OSFile(str(tmp_path / "b.arrow"), "wb") as sink, pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    for name in ("a.parquet", "a.arrow", "b.arrow"):
        rows = list(read_table(tmp_path / name, ReadReport()))
        assert [(row.locator, row.values) for row in rows] == [("row 1", WANTED[0]), ("row 2", WANTED[1])]


def test_blank_and_double_headers_get_names() -> None:
    assert column_names(["name", "", "name", " ", "name_2", "name"]) == [
        "name",
        "_1",
        "name_2",
        "_3",
        "name_2_2",
        "name_3",
    ]


def test_missing_values_are_none(tmp_path: Path) -> None:
    rows, _ = read(tmp_path / "a.csv", "question,answer,x\nnan,NULL, \n咳,N/A,0\n")
    assert [r.values for r in rows] == [
        {"question": None, "answer": None, "x": None},
        {"question": "咳", "answer": None, "x": "0"},
    ]
    rows, _ = read(tmp_path / "b.jsonl", '{"question": NaN, "answer": "nan"}\n{"question": "a", "answer": -Infinity}\n')
    assert [r.values["question"] for r in rows] == [None, "a"]
    assert all(r.values["answer"] is None and r.problem is None for r in rows)


def test_a_header_is_told_from_data(tmp_path: Path) -> None:
    assert read(tmp_path / "a.txt", "精神\t606946\n医院 \t580436\n")[0][0].values == {"_0": "精神", "_1": "606946"}
    triples = "霍乱,症状,腹泻\n霍乱,症状,呕吐\n麻疹,并发症,肺炎\n"
    assert len(read(tmp_path / "b.csv", triples, known=("症状",))[0]) == 3
    named = "代码\t病名\nA00\t霍乱\nA01\t伤寒\n"
    assert len(read(tmp_path / "c.tsv", named, known=("代码",))[0]) == 2


def test_commas_in_a_tab_separated_file_are_text(tmp_path: Path) -> None:
    rows, report = read(tmp_path / "a.csv", "code\tdisease\nA05\t食物中毒,不可归类\nA06\t阿米巴病\n", known=("code",))
    assert report.format == "tsv"
    assert rows[0].values == {"code": "A05", "disease": "食物中毒,不可归类"}


def test_a_quote_in_tsv_is_text(tmp_path: Path) -> None:
    rows, _ = read(tmp_path / "a.tsv", 'question\tanswer\n"三高"人群\t注意\n咳\t好\n')
    assert rows[0].values["question"] == '"三高"人群'


def test_a_broken_line_is_one_row_with_its_place(tmp_path: Path) -> None:
    rows, _ = read(tmp_path / "a.jsonl", '{"question": "a"}\n{"question": "b"}\n{"question": \n\n{"question": "c"}\n')
    assert [(r.locator, r.problem) for r in rows] == [("L1", None), ("L2", None), ("L3", "bad_json"), ("L5", None)]
    assert rows[2].raw == '{"question":'


def test_a_lone_surrogate_is_a_problem_and_not_a_crash(tmp_path: Path) -> None:
    rows, _ = read(tmp_path / "a.jsonl", '{"question": "a"}\n{"question": "a"}\n{"question": ["\\ud800"]}\n')
    assert rows[2].problem == "lone_surrogate"
    rows[2].raw.encode()


def test_nesting_is_bounded(tmp_path: Path) -> None:
    deep = '{"question": ' + "[" * 100_000 + "\n"
    assert read(tmp_path / "a.jsonl", '{"question": 1}\n{"question": 2}\n' + deep)[0][2].problem in (
        "too_deep",
        "bad_json",
    )
    assert read(tmp_path / "b.json", "[" * 500_000)[0][0].problem == "too_deep"
    assert read(tmp_path / "c.txt", "train@[{'a': " + "[" * 100_000)[0][0].problem == "too_deep"
    assert read(tmp_path / "d.txt", "train@[{'a': 1}, " + "-" * 100_000 + "1]")[0][1].problem == "bad_literal"


def test_literals_are_never_evaluated(tmp_path: Path) -> None:
    rows, _ = read(tmp_path / "a.txt", "train@[{'a': 1}, {'a': __import__('os').getcwd()}, {'a': (1, b'x', None)}]")
    assert [r.problem for r in rows] == [None, "bad_literal", None]
    assert rows[2].values == {"a": [1, "x", None]}


def test_an_overlong_line_is_dropped_and_its_neighbours_stay(tmp_path: Path) -> None:
    long = '{"question": "' + "x" * (MAX_ROW_CHARS + 10) + '"}'
    rows, _ = read(tmp_path / "a.jsonl", '{"question": 1}\n{"question": 2}\n' + long + '\n{"question": 3}\n')
    assert [(r.locator, r.problem) for r in rows] == [("L1", None), ("L2", None), ("L3", "row_too_long"), ("L4", None)]
    assert len(rows[2].raw) < 1_000
    rows, _ = read(tmp_path / "a.csv", "question,answer\n1,2\n" + "x" * (MAX_ROW_CHARS + 10) + ",y\n3,4\n")
    assert [r.problem for r in rows] == [None, "row_too_long", None]


def test_a_quote_that_never_closes_takes_one_row_with_it(tmp_path: Path) -> None:
    lines = [f'"问{i},答{i}' if i in (20, 60) else f"问{i},答{i}" for i in range(100)]
    rows, _ = read(tmp_path / "a.csv", "question,answer\n" + "\n".join(lines) + "\n")
    assert [r.locator for r in rows if r.problem == "bad_csv"] == ["row 21", "row 61"]
    assert [r.values["question"] for r in rows if not r.problem] == [f"问{i}" for i in range(100) if i not in (20, 60)]


def test_rows_of_other_widths(tmp_path: Path) -> None:
    rows, _ = read(tmp_path / "a.csv", "question,answer,x\n1,2,3\n4\n5,6,7,8\n9,10,11,\n")
    assert rows[1].values == {"question": "4", "answer": None, "x": None}
    assert rows[1].problem is None
    assert (rows[2].problem, rows[2].values["_3"]) == ("ragged_row", "8")
    assert rows[3].problem is None


def test_a_truncated_array_gives_what_was_whole(tmp_path: Path) -> None:
    rows, report = read(tmp_path / "a.json", '[{"question": 1}, {"question": 2}, {"quest')
    assert [r.problem for r in rows] == [None, None, "bad_json"]
    assert "[2]" in report.notes[0]


def test_large_files_are_streamed_with_the_same_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    values = [{"question": f"问题{i}", "answer": "答" * (i % 90), "x": i * 1.5} for i in range(3_000)]
    values[7]["answer"] = 'a"]},{['
    (tmp_path / "a.json").write_text(json.dumps(values), "utf-8")
    (tmp_path / "b.csv").write_bytes(b"question,answer\n" + b"a,b\n" * 30_000 + "咳嗽,润肺\n".encode("gb18030"))
    known = ("question",)
    whole = [list(read_table(tmp_path / name, ReadReport(), known=known)) for name in ("a.json", "b.csv")]
    for module in ("sources.rows", "sources.json_rows"):
        monkeypatch.setattr(f"{module}.MAX_WHOLE_BYTES", 1_000)
    monkeypatch.setattr("sources.json_rows._STEP_CHARS", 997)
    streamed = [list(read_table(tmp_path / name, ReadReport(), known=known)) for name in ("a.json", "b.csv")]
    assert streamed == whole
    assert whole[1][-1].values == {"question": "咳嗽", "answer": "润肺"}


def test_a_large_file_names_its_undecodable_byte(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sources.rows.MAX_WHOLE_BYTES", 1_000)
    content = "问题,答案\n".encode() * 20_000
    offset = len(content)
    with pytest.raises(PartRefused, match=f"byte {offset} ") as caught:
        read(tmp_path / "a.csv", content + b"\xff\xff" + content)
    assert caught.value.reason == "undecodable_byte"


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.csv", b"", "empty"),
        ("a.csv", "一段没有任何分隔的文字。\n又是一段文字。\n".encode(), "not_a_table"),
        ("a.jsonl", b"\x1f\x8b\x08" + bytes(range(256)) * 9, "not_a_table"),
        ("a.parquet", b"PAR1" + bytes(99) + b"PAR1", "damaged"),
        ("a.arrow", b"ARROW1\0\0" + bytes(99), "damaged"),
    ],
)
def test_what_is_no_table_is_refused_by_reason(tmp_path: Path, name: str, content: bytes, reason: str) -> None:
    with pytest.raises(PartRefused) as caught:
        read(tmp_path / name, content)
    assert caught.value.reason == reason


def test_present_keeps_zero_and_false() -> None:
    assert [rows_module.present(v) for v in (0, False, "0", "无", math.inf, " ")] == [0, False, "0", "无", None, None]
