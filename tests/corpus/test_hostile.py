"""Files that were made to break their readers: each is refused by name, or read, and the rest is built."""

from __future__ import annotations

import json
import time
import zipfile
import zlib
from pathlib import Path
from typing import Any

import pytest

from corpus.build import build
from corpus.config import load_config
from corpus.lint import lint
from corpus.plan import make_plan
from corpus.verify import verify
from schemas.reader import open_version

CONFIG = """
name: hostile
limits: {seconds: 25, seconds_per_mb: 0.5, memory_mb: 2048}
engine: {workers: 2}
sources:
  texts: {kind: textbook, path: texts, license: CC0-1.0}
  tables: {kind: distilled, path: tables, license: CC0-1.0, topic: general}
"""
GOOD = "# 儿童水痘\n\n## 预防\n\n接种水痘疫苗是预防儿童水痘的有效办法，满12月龄的儿童就可以接种第一剂。\n"
CONTAINER = (
    '<?xml version="1.0"?><container xmlns="urn:oasis:names:tc:opendocument:xmlns:container" version="1.0">'
    '<rootfiles><rootfile full-path="content.opf" media-type="application/oebps-package+xml"/></rootfiles></container>'
)
OPF = (
    '<?xml version="1.0"?><package xmlns="http://www.idpf.org/2007/opf" version="3.0">'
    '<metadata xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>书</dc:title></metadata>'
    '<manifest><item id="a" href="{href}" media-type="application/xhtml+xml"/></manifest>'
    '<spine><itemref idref="a"/></spine></package>'
)
LAUGHS = (
    '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "哈哈哈哈哈哈哈哈哈哈">'
    + "".join(f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefgh", "bcdefghi", strict=True))
    + "]><html><body><p>&i;</p></body></html>"
)


def archive(path: Path, members: dict[str, bytes | str]) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in members.items():
            file.writestr(name, data)


def epub(path: Path, href: str, chapter: bytes | str, **more: bytes | str) -> None:
    members: dict[str, bytes | str] = {
        "mimetype": "application/epub+zip",
        "META-INF/container.xml": CONTAINER,
        "content.opf": OPF.format(href=href),
    }
    archive(path, {**members, **({} if href.startswith("..") else {href: chapter}), **more})


def pdf(path: Path, content: bytes, *, filters: bytes = b"", kids: int = 1) -> None:
    """A PDF of one page object that stands `kids` times in its page tree."""
    refs = b" ".join([b"3 0 R"] * kids)
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[" + refs + b"]/Count " + str(kids).encode() + b">>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]/Contents 4 0 R>>",
        b"<</Length " + str(len(content)).encode() + filters + b">>stream\n" + content + b"\nendstream",
    ]
    out, offsets = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += str(number).encode() + b" 0 obj" + body + b"endobj\n"
    table = b"".join(b"%010d 00000 n \n" % o for o in offsets)
    start = str(len(out)).encode()
    out += (
        b"xref\n0 5\n0000000000 65535 f \n" + table + b"trailer<</Size 5/Root 1 0 R>>\nstartxref\n" + start + b"\n%%EOF"
    )
    path.write_bytes(out)


def write_hostile(folder: Path) -> None:
    texts, tables = folder / "texts", folder / "tables"
    texts.mkdir()
    tables.mkdir()
    (texts / "good.md").write_text(GOOD, "utf-8")
    (texts / "empty.txt").write_bytes(b"")
    (texts / "nul.txt").write_bytes(b"\x00" * 5_000)
    (texts / "nul_inside.txt").write_bytes(GOOD.encode() + b"\x00" * 3)
    (texts / "one_line.txt").write_text("发热" * 8_500_000, "utf-8")  # 51 MB
    (texts / "nested.html").write_text("<html><body>" + "<div>" * 200_000 + "发热" + "</div>" * 200_000, "utf-8")
    (texts / "loop").symlink_to(texts)
    (texts / "self.md").symlink_to(texts / "self.md")
    archive(texts / "bomb.docx", {"[Content_Types].xml": "<Types/>", "word/document.xml": b"\0" * 400_000_000})
    epub(texts / "traversal.epub", "../../../etc/passwd", "")
    epub(texts / "bomb.epub", "a.xhtml", b"<html>" + b" " * 400_000_000)
    epub(texts / "laughs.epub", "a.xhtml", LAUGHS)
    twice = zlib.compress(zlib.compress(b"BT (x) Tj ET " * 20_000_000, 9), 9)
    pdf(texts / "stream_bomb.pdf", twice, filters=b"/Filter[/FlateDecode/FlateDecode]")
    pdf(texts / "many_pages.pdf", b"", kids=300_000)
    (texts / "cut.pdf").write_bytes(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj<</Type/Catalog")
    (texts / "zip.epub").write_bytes(b"PK\x03\x04" + b"\xff" * 500)
    (tables / "good.jsonl").write_text(
        '{"instruction": "请说早上好。", "output": "早上好，祝你今天顺利愉快。"}\n', "utf-8"
    )
    (tables / "empty.json").write_bytes(b"")
    (tables / "nested.json").write_text("[" * 200_000 + "]" * 200_000, "utf-8")
    (tables / "surrogate.jsonl").write_text(
        '{"instruction": "坏\\ud800字", "output": "一个落单的代理字符。"}\n', "utf-8"
    )
    (tables / "long.jsonl").write_text('{"instruction": "问", "output": "' + "答" * 17_000_000 + '"}\n', "utf-8")
    (tables / "literal.txt").write_text("x@[" + "(" * 100_000 + ")" * 100_000 + "]", "utf-8")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, float]:
    """The version and the seconds that it took."""
    folder = tmp_path_factory.mktemp("hostile")
    write_hostile(folder)
    (folder / "corpus.yaml").write_text(CONFIG, "utf-8")
    began = time.monotonic()
    version_dir = build(make_plan(load_config(folder / "corpus.yaml"))).version_dir
    return version_dir, time.monotonic() - began


def parts(version_dir: Path) -> dict[str, dict[str, Any]]:
    lines = map(json.loads, (version_dir / "SOURCES.jsonl").read_text("utf-8").splitlines())
    return {line["path"]: line for line in lines}


REFUSED = (
    "texts/empty.txt",
    "texts/nul.txt",
    "texts/loop",
    "texts/self.md",
    "texts/bomb.docx",
    "texts/traversal.epub",
    "texts/bomb.epub",
    "texts/stream_bomb.pdf",
    "texts/many_pages.pdf",
    "texts/cut.pdf",
    "texts/zip.epub",
    "tables/empty.json",
)


@pytest.mark.parametrize("path", REFUSED)
def test_it_is_refused_by_name_with_a_reason_and_what_to_do(built: tuple[Path, float], path: str) -> None:
    refused = parts(built[0])[path]["refused"]
    assert refused, f"{path} was read"
    assert Path(path).name in refused["detail"]
    assert refused["reason"] != "reader_failed", refused["detail"]
    assert len(refused["detail"]) < 500


def test_every_file_is_accounted_for(built: tuple[Path, float]) -> None:
    for path, part in parts(built[0]).items():
        assert part["refused"] or sum(part["n_records"].values()) or part["n_dropped"], path
        assert not part["refused"] or part["refused"]["reason"] != "reader_failed", part["refused"]


def test_the_rest_is_built_whole_and_clean(built: tuple[Path, float]) -> None:
    version_dir, _ = built
    assert verify(version_dir) == []
    version = open_version(version_dir)
    texts = version.scan("cpt", "train").collect()
    assert texts["text"].str.contains("接种水痘疫苗").any()
    assert not lint("cpt", texts)
    assert not texts["text"].str.contains("root:|哈{200}").any(), "what an entity or a path outside the archive holds"


def test_in_bounded_time(built: tuple[Path, float]) -> None:
    assert built[1] < 240, "the limits of the configuration allow a few files half a minute each"
