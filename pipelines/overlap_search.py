"""Rows held against an index: each row is read once, and what a seed points to is aligned around the seed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import polars as pl

from pipelines.overlap_index import RUN_LETTERS, Index
from pipelines.overlap_items import OWN_RANK
from pipelines.overlap_letters import Codes, Places

RUN, TEXT = 0, 1
"""How a text was found: a run of its letters, or as a whole with few edits."""

FOUND: Final = {
    "row": pl.Int64,
    "text": pl.Int32,
    "how": pl.Int8,
    "n_same": pl.Int32,
    "start": pl.Int64,
    "end": pl.Int64,
}
"""A text that stands in a row: `n_same` letters of it are there, between the row's letters `start` and `end`."""


def find(
    index: Index, codes: Codes, starts: Places, ends: Places, limits: Any, all_of_rank: int = OWN_RANK
) -> pl.DataFrame:
    """The indexed texts that stand in each row, each once with its best place; sorted by row and text.

    Args:
        index: What to look for.
        codes: Letters of the rows.
        starts: Of each row.
        ends: Of each row.
        limits: Of each row: only texts of lower ranks are looked for; 0 for none.
        all_of_rank: Of texts from this rank on a run counts only if it is half of the row or of the text.
    """
    from pipelines.overlap_scan import scan

    bits = (len(index.buckets) - 1).bit_length() - 1
    shift, map_shift = np.uint64(64 - bits), np.uint64(64 - bits - 4)
    n, found = scan(
        codes, starts, ends, limits, index.codes, index.starts, index.ranks,
        index.piece_starts, index.piece_texts, index.piece_edits, index.seed_hashes, index.seed_places,
        index.seed_pieces, index.buckets, shift, index.bitmap, map_shift, RUN_LETTERS, all_of_rank,
    )  # fmt: skip
    columns = dict(zip(FOUND, found[:n].T, strict=True))
    return pl.DataFrame(columns).cast(FOUND).sort("row", "text")  # type: ignore[arg-type]


@dataclass(frozen=True)
class Fields:
    """Stretches of rows that may be, as a whole, what is looked for.

    Attributes:
        starts: Where each begins in the letters of all rows.
        ends: Where it ends.
        rows: Its row.
        bases: Where its row begins.
        limits: Of its row, as in `find`.
    """

    starts: Places
    ends: Places
    rows: Places
    bases: Places
    limits: Any


def find_whole(index: Index, codes: Codes, fields: Fields) -> pl.DataFrame:
    """The same for texts that are compared with whole fields only."""
    from pipelines.overlap_kernels import hashes_of

    hashes = np.zeros(len(fields.starts), np.uint64)
    hashes_of(codes, fields.starts, fields.ends, hashes)
    low, high = np.searchsorted(index.whole_hashes, hashes), np.searchsorted(index.whole_hashes, hashes, "right")
    found = []
    for field in np.flatnonzero(high > low):
        start, end = fields.starts[field], fields.ends[field]
        for text in map(int, index.whole_texts[low[field] : high[field]]):
            is_same = np.array_equal(codes[start:end], index.codes[index.starts[text] : index.starts[text + 1]])
            if is_same and end > start and index.ranks[text] < fields.limits[field]:
                base = fields.bases[field]
                found.append(
                    (int(fields.rows[field]), text, TEXT, int(end - start), int(start - base), int(end - base))
                )
    return pl.DataFrame(found, schema=FOUND, orient="row").unique(["row", "text"], maintain_order=True, keep="first")
