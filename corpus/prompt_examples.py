"""A prompt as it would be sent, filled in with a record of a corpus; no LLM is asked, and nothing is kept."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from itertools import chain, islice, zip_longest
from pathlib import Path
from typing import Any, Final

import polars as pl

from corpus.config import Config, load_config, sample_config
from corpus.plan import make_plan
from pipelines.ask.examples import EXAMPLES, PromptExample
from pipelines.base import BatchStage
from pipelines.llm.exchange import Ask
from pipelines.prompts import PromptBook, our_prompts
from schemas.arrow import read_rows
from schemas.errors import InputError, PartRefused
from schemas.records import DIALOGUE, DOCUMENT, INSTRUCTION, TRIPLE
from schemas.settings import did_you_mean
from sources.base import Part, Source
from sources.isolation import Reader
from sources.seeds import Seeds, shipped_parts

_MAKES: Final = {
    "textbook": DOCUMENT,
    "guideline": DOCUMENT,
    "seeds": DOCUMENT,
    "knowledge_graph": TRIPLE,
    "dialogue": DIALOGUE,
    "distilled": INSTRUCTION,
}
_CLEANING: Final = ("normalize", "deidentify", "drop_low_quality", "drop_off_topic")
MAX_PARTS: Final = 40
"""Files of a corpus that are looked at for a record that fits."""
MAX_ROWS: Final = 4_000
"""Of a file."""


def example_of(name: str) -> PromptExample:
    """The registry's entry of a prompt.

    Raises:
        InputError: there is no prompt of that name.
    """
    found = next((example for example in EXAMPLES if example.name == name), None)
    if found is None:
        names = [example.name for example in EXAMPLES]
        raise InputError([f"{name}: no such prompt.{did_you_mean(name, names)} `pedcorpus prompts` lists them."])
    return found


def filled(example: PromptExample, config: Config, book: PromptBook) -> tuple[Ask, bool] | None:
    """The question, and whether the record is the sample corpus's, since none of the configured corpus fits.

    None where no record fits at all.
    """
    ask = _asked(example, config, book)
    if ask is not None:
        return ask, False
    ask = _asked(example, load_config(sample_config()), book)
    return None if ask is None else (ask, True)


def _asked(example: PromptExample, config: Config, book: PromptBook) -> Ask | None:
    """From the first file with a record that the prompt has a use for, each source's first file before any second."""
    for rows in islice(_rows(config, example.kind), MAX_PARTS):
        if rows and (ask := example.ask(rows, book)) is not None:
            return ask
    return None


def _rows(config: Config, kind: str) -> Iterator[list[dict[str, Any]]]:
    """A file's records after another's, cleaned as a build would."""
    reader = Reader(config.header.limits)
    try:
        for source, part in _parts(config, kind):
            yield _cleaned(config, kind, _read(reader, source, part, kind))
    finally:
        reader.close()


def _parts(config: Config, kind: str) -> Iterator[tuple[Source, Part]]:
    """Files by turns from the sources that make records of a kind; seeds first, ours where the corpus has none."""
    by_source: dict[str, list[tuple[Source, Part]]] = {}
    pairs = list(make_plan(config).parts)
    if not any(isinstance(source, Seeds) for source in config.sources):
        ours = Seeds(source_id="seeds")
        pairs += [(ours, part) for part in shipped_parts(ours)]
    for source, part in sorted(pairs, key=lambda pair: not isinstance(pair[0], Seeds)):
        if _MAKES.get(source.kind) == kind and source.role != "eval":
            by_source.setdefault(source.source_id, []).append((source, part))
    yield from (pair for pair in chain.from_iterable(zip_longest(*by_source.values())) if pair is not None)


def _read(reader: Reader, source: Source, part: Part, kind: str) -> pl.DataFrame | None:
    with tempfile.TemporaryDirectory(prefix="pedcorpus-prompts-") as folder:
        try:
            summary = reader.read(source, part, Path(folder))
        except PartRefused:
            return None  # a build lists it; here another file will do
        found = [name for of, name, _ in summary.shards if of == kind]
        return read_rows(str(Path(folder) / found[0])).head(MAX_ROWS) if found else None


def _cleaned(config: Config, kind: str, frame: pl.DataFrame | None) -> list[dict[str, Any]]:
    if frame is None:
        return []
    for stage in config.stages:
        if isinstance(stage, BatchStage) and stage.kind in _CLEANING and kind in stage.reads and frame.height:
            frame = stage.apply(kind, frame).filter(pl.col("drop_reason").is_null())
    return frame.to_dicts()


def copy_prompts(folder: Path, names: list[str]) -> list[Path]:
    """Our prompt files, copied to be edited and named under `llm.prompts`.

    Raises:
        InputError: a file is there already.
    """
    targets = [folder / f"{name}.md" for name in names]
    problems = [
        f"{path}: is there already. Remove it first, or name another folder." for path in targets if path.exists()
    ]
    if problems:
        raise InputError(problems)
    folder.mkdir(parents=True, exist_ok=True)
    for name, path in zip(names, targets, strict=True):
        path.write_text(PromptBook().get(name).text, "utf-8", newline="\n")
    return targets


def listed(book: PromptBook) -> list[dict[str, Any]]:
    """Every prompt: name, version, stage, purpose, and whether it is the user's own."""
    known = {example.name: example for example in EXAMPLES}
    return [
        {
            "name": name,
            "version": book.version(name),
            "stage": known[name].stage,
            "purpose": known[name].purpose,
            "origin": "yours" if name in book.own else "ours",
        }
        for name in our_prompts()
    ]
