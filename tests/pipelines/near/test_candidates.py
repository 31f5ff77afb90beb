"""The exact join against brute force, pair for pair; sketches against their own arithmetic."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from rapidfuzz.distance import Levenshtein
from rapidfuzz.process import cdist

from pipelines.near.candidates import Texts, band_pairs, small_pairs, unique_pairs
from pipelines.near.clusters import Forest
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


def exact(
    texts: Texts, members: np.ndarray, measure: str, threshold: float, ngram: int, turn: tuple[int, int]
) -> np.ndarray:
    """All pairs of the exact join, where none is joined."""
    found = exact_pairs(texts, members, measure, threshold, ngram, turn, Forest(len(texts.starts)))
    return unique_pairs(np.concatenate([np.zeros((0, 2), np.int64), *found]))


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
    candidates = exact(texts, everyone, LEVENSHTEIN, threshold, 3, (0, 1))
    found = similarities(texts, candidates, LEVENSHTEIN, threshold, 3, 0)
    assert pair_set(candidates[found > 0]) == expected
    shares = [exact(texts, everyone, LEVENSHTEIN, threshold, 3, (k, 3)) for k in range(3)]
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
    candidates = exact(texts, np.arange(len(sets)), JACCARD, threshold, 3, (0, 1))
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
    joined = exact(texts, everyone, measure, threshold, plan.ngram, (0, 1))
    expected = pair_set(joined[similarities(texts, joined, measure, threshold, plan.ngram, 0) > 0])
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


def test_alike_texts_are_joined_without_all_their_pairs() -> None:
    body = "".join(chr(0x5000 + i) for i in range(100))
    strings = [body[: i % 100] + chr(0x6000 + i) + body[i % 100 + 1 :] for i in range(3000)]
    texts, forest = texts_of(strings), Forest(3000)
    n_pairs = 0
    for pairs in exact_pairs(texts, np.arange(3000), LEVENSHTEIN, 0.9, 3, (0, 1), forest):
        forest.join(pairs[similarities(texts, pairs, LEVENSHTEIN, 0.9, 3, 0) > 0])
        n_pairs += len(pairs)
    assert not forest.roots().any()
    assert n_pairs < 3000 * 2999 // 2 // 2


def test_what_is_left_out_of_a_chunk_comes_again() -> None:
    """Of two texts that are connected, the second alone is similar to a third."""
    chance = np.random.default_rng(1)
    alphabet = [chr(0x5000 + i) for i in range(2000)]
    chain = ["".join(chance.choice(alphabet, 100))]
    for _ in range(1500):
        text = list(chain[-1])
        for place in chance.integers(0, 100, 4):
            text[place] = alphabet[chance.integers(2000)]
        chain.append("".join(text))
    strings = [chain[i] for i in chance.permutation(len(chain))]
    texts, forest = texts_of(strings), Forest(len(strings))
    plain = exact(texts, np.arange(len(strings)), LEVENSHTEIN, 0.5, 3, (0, 1))
    expected = Forest(len(strings))
    expected.join(plain[similarities(texts, plain, LEVENSHTEIN, 0.94, 3, 0) > 0])
    for pairs in exact_pairs(texts, np.arange(len(strings)), LEVENSHTEIN, 0.5, 3, (0, 1), forest):
        forest.join(pairs[similarities(texts, pairs, LEVENSHTEIN, 0.94, 3, 0) > 0])
    assert (forest.roots() == expected.roots()).all()


def test_sets_of_fields_that_share_their_grams() -> None:
    """Fields with the same n-grams: as one set, the texts are less alike than either field."""
    body = "".join(chr(0x5000 + i) for i in range(100))
    tails = ["".join(chr(0x6000 + 100 * k + i) for i in range(4)) for k in range(4)]
    texts = texts_of([f"{body}{tails[0]}\x1f{body}{tails[1]}", f"{body}{tails[2]}\x1f{body}{tails[3]}"])
    pairs = exact(texts, np.arange(2), JACCARD, 0.92, 3, (0, 1))
    assert pair_set(pairs) == {(0, 1)}
    assert similarities(texts, pairs, JACCARD, 0.92, 3, 0)[0] == pytest.approx(98 / 106)


@pytest.mark.parametrize("hundredths", range(50, 100))
def test_a_similarity_of_just_the_threshold_reaches_it(hundredths: int) -> None:
    body = "".join(chr(0x5000 + i) for i in range(100))
    other = body[:hundredths] + body[:1] * (100 - hundredths)
    texts = texts_of([body, other, f"{body}\x1f{body}", f"{body}\x1f{other}"])
    pairs, threshold = np.asarray([[0, 1], [2, 3]]), hundredths / 100
    found = similarities(texts, pairs, LEVENSHTEIN, threshold, 3, 0)
    assert found.tolist() == pytest.approx([threshold, threshold])
    assert (found >= threshold).all()
    assert similarities(texts, pairs, LEVENSHTEIN, threshold + 0.001, 3, 0).tolist() == [0, 0]
    for candidates in (exact(texts, np.arange(2), LEVENSHTEIN, threshold, 3, (0, 1)), small_pairs(texts, threshold)):
        assert (0, 1) in pair_set(candidates)


def test_long_grams_do_not_ask_for_a_million_bands() -> None:
    assert banding(0.9, LEVENSHTEIN, 50).bands <= 400
    assert banding(0.5, LEVENSHTEIN, 50).bands <= 400
    assert banding(0.9, JACCARD, 50).ngram == 50


def test_a_bound_of_nothing_rules_nothing_out() -> None:
    texts = texts_of(["小儿发热怎么办", "完全不同的另一段话", "第三段"])
    assert len(exact(texts, np.arange(3), LEVENSHTEIN, 0.0, 3, (0, 1))) == 3
