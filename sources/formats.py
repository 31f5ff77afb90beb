"""What a file is, told by its content: an extension is only asked where the content leaves it open.

Binary formats have their magic numbers. Among text formats the order of the questions matters, from those
that hardly fit by chance (a JSON value, an RDF statement) to those that nearly anything fits (Markdown, text).
"""

from __future__ import annotations

import ast
import csv
import json
import re
from pathlib import Path, PurePosixPath
from typing import Final

from schemas.errors import PartRefused
from sources.encoding import detect_head

PDF, EPUB, DOCX = "pdf", "epub", "docx"
HTML, MARKDOWN, TXT, TAGGED_TCM = "html", "markdown", "txt", "tagged_tcm"
CSV, TSV, JSON, JSONL, PYTHON_LITERAL = "csv", "tsv", "json", "jsonl", "python_literal"
TURTLE, NTRIPLES = "turtle", "ntriples"
PARQUET, ARROW, DATASETS_FOLDER = "parquet", "arrow", "datasets_folder"
EMPTY, BINARY = "empty", "binary"

DOCUMENT_FORMATS: Final = (TXT, TAGGED_TCM, MARKDOWN, HTML, PDF, EPUB, DOCX)
TABLE_FORMATS: Final = (CSV, TSV, JSON, JSONL, PYTHON_LITERAL, PARQUET, ARROW)

HEAD_BYTES: Final = 65_536
"""As much of a file as `sniff` wants to see."""

_MAX_STRAY_NULS: Final = 8
"""With so few NULs a short file that is text but for them is a damaged text, whose reader says where they are."""

_MAGIC: Final = (
    (b"PAR1", PARQUET),
    (b"ARROW1", ARROW),
    (b"\xff\xff\xff\xff", ARROW),  # the stream form: a continuation mark, then the schema message
)
_EXTENSIONS: Final = {
    ".md": MARKDOWN,
    ".markdown": MARKDOWN,
    ".csv": CSV,
    ".tsv": TSV,
    ".json": JSON,
    ".jsonl": JSONL,
    ".ndjson": JSONL,
    ".html": HTML,
    ".htm": HTML,
    ".xhtml": HTML,
    ".ttl": TURTLE,
    ".nt": NTRIPLES,
    ".docx": DOCX,
    ".epub": EPUB,
}
_HTML_START: Final = re.compile(r"<(?:!doctype\s+html|html|head|body)\b", re.I)
_HTML_TAG: Final = re.compile(r"</(?:p|div|h[1-6]|td|li|span|a)>", re.I)
_TURTLE_START: Final = re.compile(r"(?:@prefix|@base|prefix|base)\s+[^\n]{0,200}<[^<>\n]{0,500}>", re.I)
_TRIPLE_LINE: Final = re.compile(r"(?:<[^<>\s]{1,2000}>|_:\S{1,200})\s+<[^<>\s]{1,2000}>\s+[<\"_][^\n]*\.\s*$")
_TCM_MARKER: Final = re.compile(r"^[ \t]*<(?:篇名|目录)>", re.M)
_LITERAL_START: Final = re.compile(r"(?:\w{1,20}@)?\s*[\[{(]\s*(?:[{(\[]\s*)?(?:'|None\b|True\b|False\b)")
_MARKDOWN_LINE: Final = re.compile(r"^(?:#{1,6}\s+\S|```|\|[^\n]*\|[ \t]*$|[ \t]*[-*+]\s+\S|>\s|\[.{1,80}\]:\s)", re.M)
_MARKDOWN_HEADING: Final = re.compile(r"^#{1,6}\s+\S", re.M)


def sniff_path(path: Path) -> str:
    """The format of a file, or `datasets_folder` for a folder that `datasets` or pyarrow wrote."""
    if path.is_dir():
        return DATASETS_FOLDER if _is_datasets_folder(path) else BINARY
    with path.open("rb") as file:
        return sniff(file.read(HEAD_BYTES), path.name)


def sniff(head: bytes, name: str) -> str:
    """One of this module's format names, for a file called `name` whose first bytes are `head`."""
    if not head.strip(b" \t\r\n\xef\xbb\xbf"):
        return EMPTY
    for magic, found in _MAGIC:
        if head.startswith(magic):
            return found
    if b"%PDF-" in head[:1024]:
        return PDF
    if head.startswith(b"PK\x03\x04"):
        return _sniff_archive(head, name)
    try:
        text = head.decode(detect_head(head), "replace").removeprefix("\ufeff")
    except PartRefused:
        # Readable but in no codec we know: let the reader say at which byte. Otherwise no text at all.
        return BINARY if _has_controls(head) else _EXTENSIONS.get(_suffix(name), TXT)
    if _has_controls(text.encode("utf-8", "replace")):
        is_damaged = 0 < head.count(0) <= _MAX_STRAY_NULS
        return sniff(head.replace(b"\0", b""), name) if is_damaged else BINARY
    return _sniff_text(text, _EXTENSIONS.get(_suffix(name)), is_whole=len(head) < HEAD_BYTES)


def _sniff_text(text: str, by_name: str | None, is_whole: bool) -> str:
    start = text.lstrip()[:4096]
    if _HTML_START.search(start[:1024]) and start.startswith("<"):
        return HTML
    if _TCM_MARKER.search(text):
        return TAGGED_TCM
    if found := _sniff_rdf(start):
        return found
    has_values = start[0] in "[{" or _LITERAL_START.match(start)
    if has_values and (found := _sniff_values(text.strip(), by_name, is_whole)):
        return found
    if by_name == HTML or (start.startswith("<") and len(_HTML_TAG.findall(text)) >= 2):
        return HTML
    if by_name == MARKDOWN or (by_name is None and _looks_like_markdown(text)):
        return MARKDOWN
    if found := _sniff_delimiter(text, by_name, is_whole):
        return found
    return TXT


def _sniff_archive(head: bytes, name: str) -> str:
    if head[30:58] == b"mimetypeapplication/epub+zip" or b"META-INF/container.xml" in head:
        return EPUB
    if b"word/" in head:
        return DOCX
    if b"xl/" in head or b"ppt/" in head:
        return BINARY
    by_name = _EXTENSIONS.get(_suffix(name))
    return by_name if by_name in (DOCX, EPUB) else BINARY


def _sniff_rdf(start: str) -> str | None:
    lines = [line for line in start.splitlines() if line.strip() and not line.startswith("#")]
    if lines and _TRIPLE_LINE.match(lines[0]):
        return NTRIPLES
    if lines and _TURTLE_START.match(lines[0]):
        return TURTLE
    return None


def _sniff_values(text: str, by_name: str | None, is_whole: bool) -> str | None:
    """JSON, JSON Lines or Python literals, by what the first lines parse as."""
    lines = [line for line in text.split("\n") if line.strip()]
    whole_lines = lines if is_whole else lines[:-1]
    if len(whole_lines) > 1 and all(_is_json(line) for line in whole_lines[:2]):
        return JSONL
    if is_whole and _is_json(text):
        return JSONL if by_name == JSONL else JSON
    first = whole_lines[0] if whole_lines else lines[0]
    if _LITERAL_START.match(text) and (not whole_lines or _is_literal(first) or _is_literal(text)):
        return PYTHON_LITERAL
    if re.match(r'[\[{]\s*(?:["\[{\]}]|-?\d|true\b|false\b|null\b)', text):
        # An array or object that goes on after the head, or a broken one: its reader says where.
        return JSONL if by_name == JSONL else JSON
    return None


def _is_json(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict | list)
    except (ValueError, RecursionError):
        return False


def _is_literal(text: str) -> bool:
    try:
        ast.literal_eval(text[text.find("@") + 1 :] if re.match(r"\w{1,20}@", text) else text)
        return True
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return False


def _sniff_delimiter(text: str, by_name: str | None, is_whole: bool) -> str | None:
    """TSV or CSV where at least nine in ten of the first records have the first one's number of fields."""
    lines = text.splitlines()[:200]
    if not is_whole and len(lines) > 1:
        lines = lines[:-1]
    if _n_fields_agree(lines, "\t"):
        return TSV
    # Commas stand in prose too: without the name's word for it, only where every record agrees.
    if _n_fields_agree(lines, ",", share=0.5 if by_name in (CSV, TSV) else 1.0):
        return CSV
    return by_name if by_name in (CSV, TSV) else None


def _n_fields_agree(lines: list[str], delimiter: str, share: float = 0.9) -> bool:
    try:
        rows = [row for row in csv.reader(lines, delimiter=delimiter) if row]
    except csv.Error:
        return False
    if len(rows) > 2:
        rows = rows[:-1]  # the last may be cut, or end inside quotes
    if not rows or len(rows[0]) < 2 or (len(rows) < 2 and share == 1.0):
        return False
    return sum(len(row) == len(rows[0]) for row in rows) >= share * len(rows)


def _looks_like_markdown(text: str) -> bool:
    return bool(_MARKDOWN_HEADING.search(text)) and len(_MARKDOWN_LINE.findall(text)) >= 2


def _has_controls(data: bytes) -> bool:
    """More than one byte in a hundred is a control that no text has."""
    n_controls = len(data) - len(data.translate(None, bytes(range(9)) + bytes(range(14, 27)) + bytes(range(28, 32))))
    return n_controls * 100 > len(data)


def _suffix(name: str) -> str:
    return PurePosixPath(name).suffix.lower()


def _is_datasets_folder(path: Path) -> bool:
    if (path / "dataset_info.json").is_file() or (path / "dataset_dict.json").is_file():
        return True
    return any(path.glob("*.parquet")) or any(path.glob("*.arrow"))
