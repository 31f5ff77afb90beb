"""The exact join against brute force, pair for pair; sketches against their own arithmetic."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from rapidfuzz.distance import Levenshtein
from rapidfuzz.process import cdist

from pipelines.near.candidates import Texts, band_pairs, small_pairs, unique_pairs
from pipelines.near.comparison import compared
from pipelines.near.exact_join import exact_pairs
from pipelines.near.settings import JACCARD, LEVENSHTEIN
from pipelines.near.similarity import similarities
from pipelines.near.sketches import banding
from tests.pipelines.near.planted import planted

ODD = [
    "小儿发热",
    "小儿发烧",
    "吃什么好呢",
    "吃什么好",
    "x",
    "",
    "😀" * 20 + "好",
    "😀" * 19 + "😁好好",
    "a" * 300,
    "a" * 290,
]


def texts_of(strings: list[str], group: list[int] | None = None) -> Texts:
    folded = compared(pa.array(strings, pa.large_string()))
    numbers = np.asarray(group or [0] * len(strings), np.int64)
    return Texts(folded.units, folded.offsets[:-1], folded.offsets[1:], numbers)


def pair_set(pairs: np.ndarray) -> set[tuple[int, int]]:
    return {(int(i), int(j)) for i, j in pairs}


@pytest.mark.parametrize(
    ("n", "threshold"), [(5000, 0.95), (5000, 0.9), (5000, 0.85), (1000, 0.75), (600, 0.6), (500, 0.5)]
)
def test_the_exact_join_is_brute_force_pair_for_pair(n: int, threshold: float) -> None:
    made = planted(n * 10 // 11, seed=n)
    texts = texts_of([*made.frame["text"], *ODD])
    strings = [texts.text(i) for i in range(len(texts.starts))]
    full = cdist(strings, strings, scorer=Levenshtein.normalized_similarity, score_cutoff=threshold, dtype=np.float32)
    expected = pair_set(np.argwhere(np.triu(full, 1) > 0))
    assert len(expected) > len(made.near) // 2

    everyone = np.arange(len(strings))
    candidates = exact_pairs(texts, everyone, LEVENSHTEIN, threshold, 3, (0, 1))
    found = similarities(texts, candidates, LEVENSHTEIN, threshold, 3, 0)
    assert pair_set(candidates[found > 0]) == expected
    shares = [exact_pairs(texts, everyone, LEVENSHTEIN, threshold, 3, (k, 3)) for k in range(3)]
    assert pair_set(np.concatenate(shares)) == pair_set(candidates)


@pytest.mark.parametrize("threshold", [0.9, 0.7, 0.5])
def test_the_exact_join_of_sets_is_brute_force_too(threshold: float) -> None:
    texts = texts_of([*planted(350).frame["text"], *ODD])
    strings = [texts.text(i) for i in range(len(texts.starts))]
    sets = [{s[k : k + 3] for k in range(max(1, len(s) - 2))} for s in strings]
    expected = {
        (i, j)
        for i in range(len(sets))
        for j in range(i + 1, len(sets))
        if len(sets[i] & sets[j]) / len(sets[i] | sets[j]) >= threshold
    }
    candidates = exact_pairs(texts, np.arange(len(sets)), JACCARD, threshold, 3, (0, 1))
    found = similarities(texts, candidates, JACCARD, threshold, 3, 0)
    assert pair_set(candidates[found > 0]) == expected


@pytest.mark.parametrize(
    ("n", "threshold", "measure"),
    [(4000, 0.9, LEVENSHTEIN), (2000, 0.8, LEVENSHTEIN), (800, 0.6, LEVENSHTEIN), (800, 0.8, JACCARD)],
)
def test_bands_find_what_the_exact_join_finds(n: int, threshold: float, measure: str) -> None:
    texts = texts_of(planted(n, seed=3, n_near=n // 3).frame["text"].to_list())
    everyone = np.arange(len(texts.starts))
    plan = banding(threshold, measure)
    exact = exact_pairs(texts, everyone, measure, threshold, plan.ngram, (0, 1))
    expected = pair_set(exact[similarities(texts, exact, measure, threshold, plan.ngram, 0) > 0])
    least = threshold if measure == LEVENSHTEIN else 0.0
    found = pair_set(np.concatenate(list(band_pairs(texts, everyone, plan, range(plan.bands), least))))
    assert len(expected & found) >= 0.995 * len(expected)
    assert len(expected) > n // 8


def test_a_band_is_shared_as_often_as_the_similarity_says() -> None:
    plan = banding(0.9, LEVENSHTEIN)
    assert plan.probability(0.573) == pytest.approx(0.9991, abs=2e-4)
    assert plan.probability(0.034) < 0.0015
    alphabet = [chr(0x4E00 + i) for i in range(3000)]
    chance = np.random.default_rng(5)
    shared = 0
    for _ in range(400):
        body = "".join(chance.choice(alphabet, 60))
        tails = ["".join(chance.choice(alphabet, 30)) for _ in range(2)]
        texts = texts_of([body + tail for tail in tails])
        one = range(1)  # one band: three hashes must agree
        shared += len(np.concatenate(list(band_pairs(texts, np.arange(2), plan, one, 0.0))))
    jaccard = 58 / (58 + 2 * 30)
    assert shared / 400 == pytest.approx(jaccard**3, abs=0.05)


def test_groups_never_meet() -> None:
    made = planted(300, n_near=100).frame["text"].to_list()
    group = [i * 3 // len(made) for i in range(len(made))]
    texts = texts_of(made, group)
    plan = banding(0.5, LEVENSHTEIN)
    pairs = np.concatenate(
        [*band_pairs(texts, np.arange(len(made)), plan, range(plan.bands), 0.0), small_pairs(texts, 0.0)]
    )
    assert len(pairs)
    assert all(group[i] == group[j] for i, j in pairs)


def test_a_large_bucket_links_all_its_texts_without_all_its_pairs() -> None:
    texts = texts_of(["宝宝发热时要多喝水注意观察精神状态" + "好" * (i % 3) for i in range(3000)])
    plan = banding(0.9, LEVENSHTEIN)
    pairs = unique_pairs(np.concatenate(list(band_pairs(texts, np.arange(3000), plan, range(plan.bands), 0.5))))
    assert len(pairs) < 3000 * 60
    linked = {0}
    for i, j in pairs:
        if i in linked:
            linked.add(int(j))
    assert len(linked) == 3000
