"""Rows held against an index: each row is read once, and what a seed points to is aligned around the seed."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import polars as pl

from pipelines.overlap_index import RUN_LETTERS, Index
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
_MIN_BITS: Final = 12


class Search:
    """An index made ready for scanning: a map of bits says quickly that no seed has a hash."""

    def __init__(self, index: Index, all_of_rank: int) -> None:
        """`all_of_rank`: from this rank on, a run counts only if it is half of the row or of the text."""
        self._index, self._all_of_rank = index, all_of_rank
        bits = max(_MIN_BITS, len(index.seed_hashes).bit_length())
        self._shift = np.uint64(64 - bits)
        buckets = np.arange((1 << bits) + 1, dtype=np.uint64)
        firsts = (index.seed_hashes >> self._shift).astype(np.int64)
        self._buckets = np.searchsorted(firsts, buckets.astype(np.int64)).astype(np.int64)
        self._map_shift = np.uint64(64 - bits - 4)
        self._map = np.zeros(1 << (bits + 1), np.uint8)  # 16 bits a bucket
        at = index.seed_hashes >> self._map_shift
        values = (np.uint8(1) << (at & np.uint64(7)).astype(np.uint8)).astype(np.uint8)
        np.bitwise_or.at(self._map, (at >> np.uint64(3)).astype(np.int64), values)

    def find(self, codes: Codes, starts: Places, ends: Places, limits: Any) -> pl.DataFrame:
        """The indexed texts that stand in each row, each once with its best place; sorted by row and text.

        Args:
            codes: Letters of the rows.
            starts: Of each row.
            ends: Of each row.
            limits: Of each row: only texts of lower ranks are looked for; 0 for none.
        """
        from pipelines.overlap_scan import scan

        i = self._index
        n, found = scan(
            codes, starts, ends, limits, i.codes, i.starts, i.ranks, i.piece_starts, i.piece_texts, i.piece_edits,
            i.seed_hashes, i.seed_places, i.seed_pieces, self._buckets, self._shift, self._map, self._map_shift,
            RUN_LETTERS, self._all_of_rank,
        )  # fmt: skip
        columns = dict(zip(FOUND, found[:n].T, strict=True))
        return pl.DataFrame(columns).cast(FOUND).sort("row", "text")  # type: ignore[arg-type]

    def find_whole(
        self, codes: Codes, starts: Places, ends: Places, rows: Places, limits: Any, base: Places
    ) -> pl.DataFrame:
        """The same for texts that are compared with whole fields.

        Args:
            codes: Letters of the fields.
            starts: Of each field.
            ends: Of each field.
            rows: The row of each field.
            limits: Of each field's row.
            base: Where each field's row begins in `codes`.
        """
        from pipelines.overlap_kernels import hashes_of

        i = self._index
        hashes = np.zeros(len(starts), np.uint64)
        hashes_of(codes, starts, ends, hashes)
        low, high = np.searchsorted(i.whole_hashes, hashes), np.searchsorted(i.whole_hashes, hashes, "right")
        found = []
        for field in np.flatnonzero(high > low):
            mine = codes[starts[field] : ends[field]]
            for at in range(low[field], high[field]):
                text = int(i.whole_texts[at])
                same = np.array_equal(mine, i.codes[i.starts[text] : i.starts[text + 1]])
                if len(mine) and same and i.ranks[text] < limits[field]:
                    start = int(starts[field] - base[field])
                    found.append((int(rows[field]), text, TEXT, len(mine), start, start + len(mine)))
        return pl.DataFrame(found, schema=FOUND, orient="row").unique(
            ["row", "text"], maintain_order=True, keep="first"
        )
