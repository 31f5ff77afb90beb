"""The content decides, not the extension."""

from __future__ import annotations

import io
import json
import os
import zipfile
from pathlib import Path

import pytest

from sources import formats
from sources.formats import sniff, sniff_path

PROSE = "小儿肺炎是婴幼儿时期的常见病。\n治疗应根据病情，选择药物。\n"


def archive(*names: str) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as file:
        for name in names:
            file.writestr(name, "application/epub+zip" if name == "mimetype" else "<x/>")
    return held.getvalue()


CONTENTS = {
    "pdf": (formats.PDF, b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n1 0 obj"),
    "epub": (formats.EPUB, archive("mimetype", "META-INF/container.xml")),
    "docx": (formats.DOCX, archive("[Content_Types].xml", "word/document.xml")),
    "xlsx": (formats.BINARY, archive("[Content_Types].xml", "xl/workbook.xml")),
    "png": (formats.BINARY, b"\x89PNG\r\n\x1a\n" + bytes(range(32)) * 20),
    "html": (formats.HTML, "<!DOCTYPE html><html><body><p>发热</p></body></html>".encode()),
    "html fragment": (formats.HTML, "<div><h2>临床表现</h2><p>发热</p><p>咳嗽</p></div>".encode()),
    "markdown": (formats.MARKDOWN, f"# 肺炎\n\n{PROSE}\n## 治疗\n\n- 退热\n".encode()),
    "txt": (formats.TXT, PROSE.encode()),
    "txt in gb18030": (formats.TXT, PROSE.encode("gb18030")),
    "txt in utf-16": (formats.TXT, PROSE.encode("utf-16")),
    "tagged book": (formats.TAGGED_TCM, "<篇名>幼科\n书名：幼科\n<目录>\n<篇名>序\n属性：医".encode("gb18030")),
    "csv": (formats.CSV, '科室,问,答\n儿科,"发热,\n怎么办",多喝水\n儿科,咳嗽,就医\n'.encode("gb18030")),
    "tsv": (formats.TSV, "code\tdisease\nA00\t霍乱\nA01\t伤寒，副伤寒\n".encode()),
    "json": (formats.JSON, json.dumps([{"问": "发热", "答": "喝水"}], ensure_ascii=False, indent=1).encode()),
    "json object": (formats.JSON, b'{\n "a": [1, 2]\n}'),
    "json that goes on after the head": (formats.JSON, b'[{"a": "' + b"x" * formats.HEAD_BYTES),
    "jsonl": (formats.JSONL, '{"问": "发热"}\n{"问": "咳嗽"}\n'.encode()),
    "python literal": (formats.PYTHON_LITERAL, "[{'goal': {'发热': True}, 'x': None}]".encode()),
    "tagged python literal": (formats.PYTHON_LITERAL, "train@[{'goal': {'发热': True}}]".encode()),
    "turtle": (formats.TURTLE, '@prefix ex: <http://example.org/> .\nex:肺炎 ex:症状 "发热" .'.encode()),
    "ntriples": (formats.NTRIPLES, '<http://e/肺炎> <http://e/症状> "发热" .\n'.encode()),
    "parquet": (formats.PARQUET, b"PAR1\x15\x04"),
    "empty": (formats.EMPTY, b""),
    "only blanks": (formats.EMPTY, b"\xef\xbb\xbf \n\t\n"),
}


@pytest.mark.parametrize("content", CONTENTS)
@pytest.mark.parametrize("name", ["x", "x.txt", "x.dat"])
def test_content_decides(content: str, name: str) -> None:
    expected, data = CONTENTS[content]
    assert sniff(data[: formats.HEAD_BYTES], name) == expected


@pytest.mark.parametrize(
    ("content", "name"),
    [
        ("tsv", "icd.csv"),
        ("jsonl", "kg.json"),
        ("pdf", "book.txt"),
        ("csv", "a.tsv"),
        ("html", "page.md"),
        ("json", "a.csv"),
    ],
)
def test_a_lying_extension_is_not_believed(content: str, name: str) -> None:
    expected, data = CONTENTS[content]
    assert sniff(data[: formats.HEAD_BYTES], name) == expected


@pytest.mark.parametrize(
    ("name", "expected"), [("a.md", formats.MARKDOWN), ("a.txt", formats.TXT), ("a.csv", formats.CSV)]
)
def test_the_extension_decides_what_the_content_leaves_open(name: str, expected: str) -> None:
    assert sniff("疾病\n肺炎\n哮喘\n".encode(), name) == expected


def test_one_line_of_json_is_json_lines_only_by_name() -> None:
    assert sniff(b'{"a": 1}', "a.jsonl") == formats.JSONL
    assert sniff(b'{"a": 1}', "a.json") == formats.JSON


def test_prose_with_commas_is_not_a_table() -> None:
    text = "Fever, cough and rash are common.\nGive fluids, rest, and paracetamol.\nCome back, please.\n" * 5
    assert sniff(text.encode(), "a.txt") == formats.TXT


def test_nul_bytes_are_not_text() -> None:
    assert sniff(PROSE[:30].encode() + b"\0" + PROSE[30:60].encode(), "a.txt") == formats.TXT  # a damaged one
    assert sniff(b"\0" * 500 + PROSE.encode(), "a.txt") == formats.BINARY


@pytest.mark.parametrize("unit", ["[", "{", "<p>", "\n", " ", "|", "<", "'", "@", "-", '{"a":', "train@["])
def test_repetition_ends_soon(unit: str) -> None:
    assert sniff((unit * formats.HEAD_BYTES)[: formats.HEAD_BYTES].encode(), "a.txt")


def test_a_folder_of_arrow_files_is_a_data_set(tmp_path: Path) -> None:
    assert sniff_path(tmp_path) == formats.BINARY
    (tmp_path / "dataset_info.json").write_text("{}")
    assert sniff_path(tmp_path) == formats.DATASETS_FOLDER


@pytest.mark.real
@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("knowledge_graph/icd10.csv", formats.TSV),
        ("knowledge_graph/icd10.json", formats.JSON),
        ("knowledge_graph/disease.csv", formats.CSV),
        ("knowledge_graph/THUOCL_medical.txt", formats.TSV),
        ("dialogues/dxy_sample.txt", formats.PYTHON_LITERAL),
        ("dialogues/remedi_dev.txt", formats.TXT),
        ("distilled/kg_instructions_jsonl.json", formats.JSONL),
        ("textbooks/203-婴童类萃.txt", formats.TAGGED_TCM),
        ("guidelines/covid-protocol-2.html", formats.HTML),
    ],
)
def test_real_files(path: str, expected: str) -> None:
    root = os.environ.get("PEDCORPUS_REAL_DATA")
    if root is None:
        pytest.skip("PEDCORPUS_REAL_DATA is not set")
    assert sniff_path(Path(root) / path) == expected
