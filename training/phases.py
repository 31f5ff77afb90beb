"""The four phases and the view of the corpus that each consumes (PediatricsGPT, arXiv 2405.19266, section 3)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import polars as pl

from schemas.errors import StoreError
from schemas.reader import Version, open_version


@dataclass(frozen=True)
class Phase:
    """One phase of the training.

    Attributes:
        name: As recipes call it.
        view: The view that it reads.
        columns: The columns that the trainer sees; the rest is provenance.
        title: For people.
    """

    name: str
    view: str
    columns: tuple[str, ...]
    title: str


PHASES: Final = (
    Phase("cpt", "cpt", ("text",), "continued pre-training, loss on all tokens"),
    Phase("sft", "sft", ("messages",), "full-parameter fine-tuning, loss on responses"),
    Phase("dfpo", "dfpo", ("prompt", "chosen", "rejected"), "direct following preference optimisation"),
    Phase("psft", "psft", ("messages",), "LoRA with universal-specific experts, loss on responses"),
)


def phase_data(folder: Path) -> list[dict[str, Any]]:
    """What each phase would train and validate on: rows and characters, after checking every file's hash.

    Raises:
        VerifyError: the version is not whole, or a file was altered.
        StoreError: a phase has nothing to train on.
    """
    version = open_version(folder)
    return [_phase(version, phase) for phase in PHASES]


def _phase(version: Version, phase: Phase) -> dict[str, Any]:
    splits = version.manifest.views.get(phase.view, {})
    if "train" not in splits:
        raise StoreError(
            f"{version.folder}: view `{phase.view}` has no rows to train on, so phase {phase.name} cannot run. "
            "Add sources that give some, and build again."
        )
    counted = {split: _count(version, phase, split) for split in ("train", "validation") if split in splits}
    return {"phase": phase.name, "view": phase.view, "title": phase.title, "splits": counted}


def _count(version: Version, phase: Phase, split: str) -> dict[str, int]:
    rows = version.scan(phase.view, split)
    chars = sum(
        (
            pl.col(c).str.len_chars()
            if c == "text"
            else pl.col(c).list.eval(pl.element().struct.field("content").str.len_chars()).list.sum()
            for c in phase.columns
        ),
        start=pl.lit(0),
    )
    n_rows, n_chars = rows.select(pl.len(), chars.sum()).collect(engine="streaming").row(0)
    return {"n_rows": n_rows, "n_chars": n_chars}
