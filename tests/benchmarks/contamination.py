"""Overlap detection alone: seconds and MB of text a second, by the number of held texts; recall on planted copies.

    python -m tests.benchmarks.contamination [ITEMS ...] [--rows N]

One process, one core. Rows are made of sentences that recur, as in a real corpus, so that n-grams are shared.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl
import psutil

from pipelines.overlap_index import Index, build_index, numbered
from pipelines.overlap_letters import letters_of
from pipelines.overlap_search import find
from tests.pipelines.overlap_rows import edited, evenly, passage

N_PLANTED = 1_000
ROWS_AT_ONCE = 8_000
"""As in a shard."""


def texts(rng: random.Random, n: int, n_sentences: int) -> list[str]:
    """Texts of 20 to 400 characters, mostly new wording and now and then a sentence that many share."""
    common = [passage(rng, rng.randint(15, 40)) for _ in range(n_sentences)]
    letters = [chr(code) for code in range(0x4E00, 0x4E00 + 3_000)]
    made = []
    for _ in range(n):
        parts = ["".join(rng.choices(letters, k=rng.randint(10, 200))), rng.choice(common)]
        made.append("，".join(rng.sample(parts * rng.randint(1, 2), k=len(parts))))
    return made


def measure(n_items: int, n_rows: int) -> None:
    """Prints one line."""
    rng = random.Random(n_items)
    held = texts(rng, n_items, 300)
    started = time.perf_counter()
    _, letters = numbered(pl.DataFrame({"content": held}))
    n = len(letters.ends)
    index, checked = build_index(letters, np.zeros(n, np.int8), np.full(n, 16), np.ones(n, bool))
    indexed = time.perf_counter() - started
    with tempfile.TemporaryDirectory() as folder:
        index.save(Path(folder))
        n_bytes = sum(path.stat().st_size for path in Path(folder).iterdir())
        index = Index.load(Path(folder))
        rows = texts(rng, n_rows, 300)
        copied = rng.sample(held, min(N_PLANTED, n_items))
        planted = [rng.choice(rows) + edited(rng, t, evenly(len(t), len(t) // 20)) + rng.choice(rows) for t in copied]
        n_holding(index, rows[:10])
        started = time.perf_counter()
        n_flagged = sum(n_holding(index, rows[at : at + ROWS_AT_ONCE]) for at in range(0, n_rows, ROWS_AT_ONCE))
        searched = time.perf_counter() - started
        n_found = n_holding(index, planted)
    megabytes = sum(len(row.encode()) for row in rows) / 1e6
    resident = psutil.Process().memory_info().rss / 1e6
    print(
        f"{n_items:>9} texts: index {indexed:6.2f} s, {n_bytes / n_items:4.0f} bytes each, {sum(checked == 3)} weak; "
        f"{n_rows} rows {megabytes / searched:6.1f} MB/s, {n_flagged} flagged; "
        f"{n_found} of {len(planted)} planted found; {resident:.0f} MB resident"
    )


def n_holding(index: Index, rows: list[str]) -> int:
    """How many of the rows hold a text of the index."""
    letters = letters_of(pl.Series(rows))
    starts = np.concatenate([[0], letters.ends[:-1]]).astype(np.int64)
    return find(index, letters.codes, starts, letters.ends, np.full(len(rows), 4, np.int8))["row"].n_unique()


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("items", nargs="*", type=int, default=[1_000, 10_000, 100_000])
    parser.add_argument("--rows", type=int, default=100_000)
    options = parser.parse_args()
    measure(100, 1_000)  # compiles
    for n_items in options.items:
        measure(n_items, options.rows)


if __name__ == "__main__":
    sys.exit(main())
