"""PDF → blocks (placeholder until the layout reader lands)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from schemas.errors import PartRefused
from sources.sections import Block


def pdf_blocks(path: Path, notes: list[str]) -> Iterator[Block]:
    """Refuses: see the next commit."""
    raise PartRefused("unsupported", f"{path.name}: PDF is not read yet.")
