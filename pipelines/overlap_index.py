"""An index of texts that must not be met in training: where in a row one of them could stand.

Guarantee. A text of L letters stands in a row with at most k edits (a letter replaced, left out or put in). Any k + 1
n-grams of it that do not overlap cannot all be hit by k edits, so one of them stands in the row unharmed, at its
place. Hence it is enough to look for k + 1 of its n-grams, its *seeds*, and to align the text around each one that is
found (`overlap_search`). With n = 8, k + 1 seeds fit where 8 (k + 1) ≤ L. We take

    k = ceil(R / 16)         R: its characters without white space; so 5 % of R, and room to spare
    k = round(R / 20)        for L < 40: 5 %, to the nearest, since a disease is but two or three letters
    k = floor(R / 20)        for L < 20: 5 %, since one letter is another disease

and at most floor(L / 8) - 1, which is less than 5 % only in texts that are mostly punctuation (L = 16, R = 40). A text
of more than 512 letters is cut into pieces of at most that; with 5 % of edits in all, some piece has no more than its
share.

Found by its seeds, a text of at least 100 letters may differ more, as near-duplicates do: up to a fifth of its letters.
That is no guarantee, only likely: with a fifth edited at random, of 9 seeds one survives with probability
1 - (1 - 0.8^8)^9 = 0.81, of 33 with 0.998. Shorter texts made from one template differ in less than a fourth of their
letters and speak of different diseases (measured on real graphs), hence the bound.

Of all choices of k + 1 n-grams the one is taken whose n-grams are rarest among the indexed texts (least sum, by dynamic
programming), so that what all questions share (有哪些临床表现) is no seed where there is anything else. And of every
21 neighbouring n-grams one is a seed: a run of 50 letters contains 43, hence one whole such stretch, hence a seed.
What is the seed of more than 256 texts is no seed; such texts are counted as `n_weak`.

Memory: 2 bytes a letter, some 26 a seed (a seed for 10 to 16 letters), 50 a text: 0.8 KB for a text of 200 letters,
which the workers of a machine share. Building it takes up to four times that for a while (1,000,000 texts: 2.6 GB).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl

from pipelines.overlap_letters import Codes, Letters, Places, letters_of
from schemas.errors import ShardNotWritten

PIECE_LETTERS: Final = 512
RUN_LETTERS: Final = 50
_STRIDE: Final = 21
_COMMON: Final = 256
_NEAR_LETTERS: Final = 100
_BRIEF_LETTERS: Final = 20
_SHORT_LETTERS: Final = 40
_MAX_COUNTER_BITS: Final = 26
_MIN_BUCKET_BITS: Final = 12

SEARCHED, WHOLE_ONLY, UNCHECKED = "searched", "whole_only", "unchecked"

_GRAM: Final = 8
_NO_SEEDS: Final = np.zeros(0, np.uint64)


@dataclass(frozen=True)
class Index:
    """The indexed texts. They have numbers, in the order of preference when a match is named.

    Attributes:
        codes: Letters of all texts.
        starts: Where each text begins in `codes`; one more for the end of the last.
        ranks: Of each text: a row looks for those below its own limit.
        piece_starts: Where each piece begins in `codes`; one more.
        piece_texts: The text of each piece.
        piece_edits: How many edits a piece may have.
        seed_hashes: Sorted.
        seed_places: Where the seed begins in `codes`.
        seed_pieces: The piece of that place.
        buckets: Of each beginning of a hash, where its seeds begin; one more.
        bitmap: A bit for each longer beginning that some seed has; most n-grams of a row are done with after one look.
        whole_hashes: Sorted hashes of the texts that are compared as a whole field only.
        whole_texts: Their texts.
    """

    codes: Codes
    starts: Places
    ranks: npt.NDArray[np.int8]
    piece_starts: Places
    piece_texts: npt.NDArray[np.int32]
    piece_edits: npt.NDArray[np.int32]
    seed_hashes: npt.NDArray[np.uint64]
    seed_places: Places
    seed_pieces: npt.NDArray[np.int32]
    buckets: npt.NDArray[np.int32]
    bitmap: npt.NDArray[np.uint8]
    whole_hashes: npt.NDArray[np.uint64]
    whole_texts: npt.NDArray[np.int32]

    def save(self, folder: Path) -> Path:
        """Writes one file an array; returns the folder's first."""
        for name, array in vars(self).items():
            try:
                np.save(folder / f"{name}.npy", array, allow_pickle=False)
            except OSError as error:  # of a full disk numpy says how many numbers it wrote, and no errno
                raise ShardNotWritten(str(folder), str(error)) from error
        return folder / "codes.npy"

    @classmethod
    def load(cls, folder: Path) -> Index:
        """Maps the files, so that workers of one machine share the memory."""
        names = cls.__dataclass_fields__
        arrays: dict[str, Any] = {n: np.load(folder / f"{n}.npy", mmap_mode="r", allow_pickle=False) for n in names}
        return cls(**{name: np.asarray(array) for name, array in arrays.items()})


def edits_for(n_letters: Any, sizes: Any) -> Any:
    """How many edits each text may have; see the module."""
    brief = np.where(n_letters < _BRIEF_LETTERS, sizes // 20, (sizes + 10) // 20)
    wanted = np.where(n_letters < _SHORT_LETTERS, brief, -(-sizes // 16))
    return np.maximum(0, np.minimum(wanted, n_letters // _GRAM - 1))


def numbered(items: pl.DataFrame) -> tuple[pl.DataFrame, Letters]:
    """The items, each with the number of its text in `text`: equal letters, equal number; and the texts' letters.

    Items come in the order of preference, so that a text has the lowest number where it is first.
    """
    from pipelines.overlap_kernels import hashes_of

    letters = letters_of(items["content"])
    starts = np.concatenate([[0], letters.ends[:-1]]).astype(np.int64)
    hashes = np.zeros(items.height, np.uint64)
    hashes_of(letters.codes, starts, letters.ends, hashes)
    keyed = pl.DataFrame({"hash": hashes, "length": letters.ends - starts, "row": np.arange(items.height)})
    first = keyed.with_columns(pl.col("row").first().over("hash", "length").alias("first"))
    kept = np.flatnonzero(first["first"].to_numpy() == np.arange(items.height))
    number = np.searchsorted(kept, first["first"].to_numpy())
    codes = [letters.codes[starts[i] : letters.ends[i]] for i in kept]
    texts = Letters(
        np.concatenate(codes) if codes else letters.codes,
        np.cumsum([len(c) for c in codes], dtype=np.int64),
        letters.sizes[kept],
    )
    lengths = pl.Series("n_letters", letters.ends - starts)
    return items.with_columns(lengths, pl.Series("text", number.astype(np.int32))), texts


def build_index(texts: Letters, ranks: npt.NDArray[np.int8], shortest: Places, may_be_whole: Any) -> tuple[Index, Any]:
    """The index of numbered texts, and of each text how it is checked: 0 not at all, 1 whole, 2 searched, 3 weakly.

    Args:
        texts: Their letters.
        ranks: Of each text.
        shortest: Fewer letters are not searched for.
        may_be_whole: Whether a text that is not searched for is compared as a whole.
    """
    starts = np.concatenate([[0], texts.ends]).astype(np.int64)
    lengths = np.diff(starts)
    searched = lengths >= np.maximum(shortest, _GRAM)
    piece_starts, piece_texts, sure_edits = _pieces(starts, texts.sizes, searched)
    n_letters = np.diff(piece_starts)
    near = np.where((n_letters >= _NEAR_LETTERS) & (sure_edits >= 0), n_letters // 5, -1)
    piece_edits = np.maximum(sure_edits, near).astype(np.int32)
    hashes, places, pieces, weak = _seeds(texts.codes, starts, piece_starts, piece_texts, sure_edits)
    checked = np.where(searched, 2, 0)
    checked[weak] = 3
    seedless = searched & ~np.isin(np.arange(len(lengths)), piece_texts[np.unique(pieces)])
    whole = np.flatnonzero((may_be_whole & (checked == 0)) | seedless)
    checked[whole] = 1
    whole_hashes = np.zeros(len(whole), np.uint64)
    from pipelines.overlap_kernels import hashes_of

    hashes_of(texts.codes, starts[whole], starts[whole + 1], whole_hashes)
    order = np.argsort(whole_hashes, kind="stable")
    index = Index(
        texts.codes, starts, ranks, piece_starts, piece_texts, piece_edits, hashes, places, pieces,
        *_lookup(hashes), whole_hashes[order], whole[order].astype(np.int32),
    )  # fmt: skip
    return index, checked


def _lookup(hashes: npt.NDArray[np.uint64]) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.uint8]]:
    """Buckets and bitmap of sorted hashes: about a seed a bucket, 16 bits a bucket."""
    bits = max(_MIN_BUCKET_BITS, len(hashes).bit_length())
    firsts = (hashes >> np.uint64(64 - bits)).astype(np.int64)
    buckets = np.zeros((1 << bits) + 1, np.int32)
    np.cumsum(np.bincount(firsts, minlength=1 << bits), out=buckets[1:])
    longer = np.unique(hashes >> np.uint64(64 - bits - 4))
    bitmap = np.zeros(1 << (bits + 1), np.uint8)
    np.bitwise_or.at(
        bitmap, (longer >> np.uint64(3)).astype(np.int64), np.left_shift(1, longer & np.uint64(7)).astype(np.uint8)
    )
    return buckets, bitmap


def _pieces(starts: Places, sizes: Places, searched: Any) -> tuple[Places, Any, Any]:
    """Texts cut into nearly equal pieces, with the edits that each may have; -1 where it is not searched for."""
    lengths = np.diff(starts)
    n_pieces = np.maximum(1, -(-lengths // PIECE_LETTERS))
    texts = np.repeat(np.arange(len(lengths)), n_pieces)
    number = np.arange(len(texts)) - np.repeat(np.cumsum(n_pieces) - n_pieces, n_pieces)
    length, of = lengths[texts], n_pieces[texts]
    low, high = length * number // of, length * (number + 1) // of
    edits = edits_for(high - low, -(-sizes[texts] * (high - low) // np.maximum(length, 1)))
    piece_starts = np.concatenate([starts[texts] + low, starts[-1:]])
    return piece_starts, texts.astype(np.int32), np.where(searched[texts], edits, -1).astype(np.int32)


def _seeds(codes: Codes, starts: Places, piece_starts: Places, piece_texts: Any, piece_edits: Any) -> Any:
    """Hashes, places and pieces of the seeds, sorted; and the texts that lost one that they need."""
    from pipelines.overlap_kernels import choose_all, count_grams, gram_hashes

    if len(codes) < _GRAM or not (piece_edits >= 0).any():
        return _NO_SEEDS, np.zeros(0, np.int64), np.zeros(0, np.int32), np.zeros(0, np.int64)
    grams = np.empty(len(codes) - _GRAM + 1, np.uint64)
    gram_hashes(codes, grams)
    bits = min(_MAX_COUNTER_BITS, max(8, len(grams).bit_length() + 1))
    shift = np.uint64(64 - bits)
    counts = np.zeros(1 << bits, np.uint16)
    count_grams(grams, counts, shift)
    n_most = len(codes) // 4 + 4 * len(piece_edits)
    places, pieces, needed = np.empty(n_most, np.int64), np.empty(n_most, np.int32), np.empty(n_most, np.bool_)
    text_ends = starts[piece_texts + 1]
    n = choose_all(grams, counts, shift, piece_starts, text_ends, piece_edits, _STRIDE, places, pieces, needed)
    hashes = grams[places[:n]]
    order = np.lexsort((places[:n], hashes))
    places, pieces, needed, hashes = places[order], pieces[order], needed[order], hashes[order]
    _, at, n_same = np.unique(hashes, return_inverse=True, return_counts=True)
    common = n_same[at] > _COMMON
    weak = np.unique(piece_texts[pieces[common & needed]])
    return hashes[~common], places[~common], pieces[~common], weak
