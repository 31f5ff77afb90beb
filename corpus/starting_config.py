"""A starting configuration for a folder: looks at every file, and says what it took each for."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Final

from schemas.errors import ConfigError, PartRefused
from sources.base import Part, ReadReport
from sources.conversations import is_tagged, is_transcript
from sources.dialogue import Dialogue
from sources.encoding import decode
from sources.formats import DOCUMENT_FORMATS, NTRIPLES, TABLE_FORMATS, TURTLE, sniff_path
from sources.hub import is_dataset_folder
from sources.kinds import SOURCE_KINDS
from sources.parts import list_parts
from sources.plain import Plain

_HEAD_BYTES: Final = 200_000
_GUIDELINE_NAME: Final = re.compile(
    r"指南|指引|规范|标准|共识|办法|条例|法[（(.]|方案|专家建议|[GD]B[ _-]?\d|WS[ _-]?\d|guideline|consensus|protocol",
    re.I,
)
_ARTICLE: Final = re.compile(r"^\s*(?:第[一二三四五六七八九十百]+条|推荐意见\s*\d|【?推荐)", re.M)
_CHAPTER: Final = re.compile(r"^\s*(?:#{1,3}\s|第[一二三四五六七八九十百\d]+[章节篇]|<篇名>)", re.M)
_TABLE_KINDS: Final = ("distilled", "dialogue", "knowledge_graph")
"""Tried in this order: an instruction set says so by its keys, nearly any table is a table of entities."""
_OF_CONSULTATIONS: Final = re.compile(r"depart|cate\d|dialog|history|disease|ask\b|科室|对话|问诊|病情", re.I)
"""Column names that make question and answer a consultation, not an instruction."""


_TEACHER: Final = (
    "# An LLM writes what the embedded teacher only extracts; any OpenAI-compatible endpoint (docs/llm.md). To use it,",
    "# take out the marks, then `pedcorpus plan` says what it will be asked and what that costs.",
    "# llm:",
    "#   budget: 20                    # what one run may cost at the most; needs prices, per million tokens",
    "#   writer:",
    "#     model: MODEL",
    "#     base_url: http://localhost:8000/v1",
    "#     api_key_env: OPENAI_API_KEY # the name of an environment variable, never the key",
    "#     input_price: 0",
    "#     output_price: 0",
    "# Safety and self-cognition come from seeds, which need an LLM; ours, as a source above:",
    "#   hazards: {kind: seeds}",
)


@dataclass
class _Group:
    """Files of one folder that were taken for the same kind."""

    kind: str
    folder: str
    paths: list[str] = field(default_factory=list)


def write_starting_config(folder: Path, out: Path, force: bool) -> Path:
    """Writes a configuration for the files in `folder`; returns its path.

    Raises:
        ConfigError: `folder` is none or has nothing that can be read, or `out` exists and `force` is not set.
    """
    if not folder.is_dir():
        raise ConfigError([f"{folder}: no such folder."])
    if out.is_dir():
        raise ConfigError([f"{out} is a folder. Name a file with `--out`."])
    if out.exists() and not force:
        raise ConfigError([f"{out} exists. Give another file with `--out`, or replace it with `--force`."])
    groups, unread = _look(folder, out)
    if not groups:
        raise ConfigError([f"{folder}: none of its {len(unread)} files can be read.", *unread])
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(_text(folder, out, groups, unread), "utf-8")
    return out


def _look(folder: Path, out: Path) -> tuple[list[_Group], list[str]]:
    base = out.parent.resolve()
    ours = (out, folder / "store", out.parent / "store")
    parts, refusals = list_parts(Plain("files", path=(str(folder.resolve()),)), base, ours)
    groups: dict[tuple[str, str], _Group] = {}
    unread = [r.detail.removeprefix("sources.files: ") for r in refusals]
    for part in parts:
        folder_of = PurePosixPath(part.path).parent
        data_folder = next((p for p in _parents(part, base) if is_dataset_folder(p)), None)
        try:
            kind = "distilled" if data_folder else _kind_of(part)
        except PartRefused as refused:
            unread.append(str(refused).removeprefix("sources.files: "))
            continue
        path = data_folder.relative_to(base).as_posix() if data_folder else part.path
        group = groups.setdefault((kind, str(folder_of)), _Group(kind, str(folder_of)))
        if path not in group.paths:
            group.paths.append(path)
    return sorted(groups.values(), key=lambda g: (list(SOURCE_KINDS).index(g.kind), g.folder)), unread


def _parents(part: Part, base: Path) -> list[Path]:
    return [p for p in Path(part.location).parents if base in p.parents]


def _kind_of(part: Part) -> str:
    """The kind of source that a file most likely belongs to.

    Raises:
        PartRefused: no kind reads such a file.
    """
    path = Path(part.location)
    form = sniff_path(path)
    if form in (TURTLE, NTRIPLES):
        return "knowledge_graph"
    if form in TABLE_FORMATS:
        return _table_kind(part)
    if form in DOCUMENT_FORMATS:
        return _document_kind(path, form)
    raise PartRefused("unknown_format", f"{part.path} is {form}; nothing here reads that. Convert it, or leave it out.")


def _document_kind(path: Path, form: str) -> str:
    if _GUIDELINE_NAME.search(path.name):
        return "guideline"
    if form in ("pdf", "epub", "docx"):
        return "textbook"
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    try:
        text, _ = decode(head, None)
    except PartRefused:
        text = head.decode("gb18030", "replace")  # good enough to guess by; reading it will say what is wrong
    if form == "txt" and (is_tagged(text) or is_transcript(text)):
        return "dialogue"
    if len(_ARTICLE.findall(text)) >= 2 or _GUIDELINE_NAME.search(text.lstrip("\ufeff# \n")[:40]):
        return "guideline"
    return "textbook" if form != "html" and len(_CHAPTER.findall(text)) >= 3 else "plain"


def _table_kind(part: Part) -> str:
    """The first kind whose layouts fit the table's first rows."""
    refused: PartRefused | None = None
    row = next(iter(Dialogue("files").rows(part, ReadReport())), None)
    is_consultation = row is not None and any(_OF_CONSULTATIONS.search(str(key)) for key in row.values)
    for kind in ("dialogue", *_TABLE_KINDS) if is_consultation else _TABLE_KINDS:
        source = SOURCE_KINDS[kind](source_id="files")
        try:
            batch = next(iter(source.read(part, ReadReport())), None)
        except PartRefused as error:
            refused = refused or error
            continue
        if batch is not None and batch.frame["drop_reason"].null_count() * 2 > batch.frame.height:
            return kind
    raise refused or PartRefused("unknown_layout", f"{part.path}: no rows of a layout that is known.")


def _text(folder: Path, out: Path, groups: list[_Group], unread: list[str]) -> str:
    name = re.sub(r"[^a-z0-9._-]+", "-", folder.resolve().name.lower()).strip("-._")[:60] or "corpus"
    lines = [
        "# Written by `pedcorpus init`; a start, to be read and mended.",
        "# - license: as the licensor states it. What stays `unknown` can be built, and not be pushed.",
        "# - topic:   paediatric (other rows are dropped), medical (they stay as general medical data), general.",
        f"# See what each source gives:  pedcorpus sources {out.name}",
        f"name: {name}",
        "version: 0.1.0",
        "",
        "sources:",
    ]
    ids: dict[str, int] = {}
    for group in groups:
        ids[group.kind] = ids.get(group.kind, 0) + 1
        number = f"-{ids[group.kind]}" if ids[group.kind] > 1 else ""
        lines += [f"  {group.kind.replace('_', '-')}{number}:", f"    kind: {group.kind}", "    path:"]
        lines += [f"      - {_quoted(path)}" for path in group.paths]
        lines += ["    license: unknown", "    topic: paediatric"]
    lines += ["", *_TEACHER]
    if unread:
        lines += ["", "# Left out:", *(f"# - {reason}" for reason in unread)]
    return "\n".join(lines) + "\n"


def _quoted(path: str) -> str:
    return "'" + path.replace("'", "''") + "'"
