"""What the benchmark's corpus promises, for its figures mean nothing otherwise."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from rapidfuzz.distance import Levenshtein

from tests.benchmarks.neardup_chart import write_chart
from tests.benchmarks.neardup_data import LEAST_CHARS, MOST_CHARS, Pair, corpus, write

FACTS = re.compile(
    r"[0-9]+(?:\.[0-9]+)?|[a-zA-Z%℃≥≤～]|[零一二三四五六七八九十百千万半两毫克升岁月周天日时次不无未没禁忌勿避]|[超低高]于?"
)
"""What numbers, units, ages, negations and comparators are written in; not the benchmark's own list."""


@pytest.fixture(scope="module")
def made() -> tuple[dict[str, str], list[Pair]]:
    rows, pairs = corpus(2_500, seed=11)
    assert len({name for name, _ in rows}) == len(rows)
    return dict(rows), pairs


def near(pairs: list[Pair]) -> list[Pair]:
    return [p for p in pairs if p.kind == "near"]


def variants(pairs: list[Pair]) -> list[Pair]:
    return [p for p in pairs if p.kind != "near"]


def test_a_tenth_are_copies_and_a_fiftieth_variants(made: tuple[dict[str, str], list[Pair]]) -> None:
    texts, pairs = made
    assert (len(near(pairs)), len(variants(pairs)), len(texts)) == (250, 50, 2_800)
    assert {p.kind for p in variants(pairs)} == {"number", "unit", "negation", "comparator"}
    assert len({p.twin for p in pairs}) == len(pairs), "a text with two copies confuses the count"


def test_records_are_of_the_lengths_that_are_promised_and_differ_much(made: tuple[dict[str, str], list[Pair]]) -> None:
    texts = [text for name, text in made[0].items() if name.startswith("b")]
    assert all(LEAST_CHARS <= len(text) <= MOST_CHARS for text in texts)
    assert sum(any(c.isdigit() for c in text) for text in texts) > len(texts) / 2
    closest = max(Levenshtein.normalized_similarity(a, b) for a in texts[:60] for b in texts[60:400])
    assert closest < 0.8, "records that are alike by themselves would be removals that nothing planted"


NAMES = re.compile("布洛芬|对乙酰氨基酚|阿莫西林|哮喘|肺炎|中耳炎|荨麻疹|佝偻病|惊厥|腹泻")


def test_typos_touch_no_number_unit_age_negation_or_name(made: tuple[dict[str, str], list[Pair]]) -> None:
    texts, pairs = made
    for pair in near(pairs):
        a, b = texts[pair.twin], texts[pair.id]
        assert a != b
        assert FACTS.findall(a) == FACTS.findall(b), (a, b)
        assert NAMES.findall(a) == NAMES.findall(b), (a, b)


def test_typos_are_as_many_as_is_said(made: tuple[dict[str, str], list[Pair]]) -> None:
    texts, pairs = made
    assert {p.edit for p in near(pairs)} == {k / 100 for k in range(1, 9)}
    for pair in near(pairs):
        wanted = max(1, round(len(texts[pair.twin]) * pair.edit))
        done = Levenshtein.distance(texts[pair.twin], texts[pair.id])
        assert wanted * 0.7 - 1 <= done <= wanted, "two edits side by side may be one, no more than that"


def test_a_variant_differs_in_exactly_the_fact_that_is_named(made: tuple[dict[str, str], list[Pair]]) -> None:
    texts, pairs = made
    for pair in variants(pairs):
        twin = texts[pair.twin]
        assert pair.old != pair.new
        assert twin[pair.at : pair.at + len(pair.old)] == pair.old
        assert texts[pair.id] == twin[: pair.at] + pair.new + twin[pair.at + len(pair.old) :]
        if pair.kind == "number":
            before, after = (re.findall(r"\d+(?:\.\d+)?", t) for t in (twin, texts[pair.id]))
            assert len(before) == len(after)
            assert sum(x != y for x, y in zip(before, after, strict=True)) == 1
            assert float(pair.old) != float(pair.new)


def test_a_seed_makes_the_same_bytes_and_another_seed_others(tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        write(tmp_path / name, 300, seed)
    a, b, c = ((tmp_path / name / "docs.jsonl").read_bytes() for name in "abc")
    assert a == b != c
    rows = pq.read_table(tmp_path / "a/docs.parquet").to_pylist()
    assert rows == [json.loads(line) for line in a.decode().splitlines()]


def test_the_chart_shows_every_tool_and_never_rounds_to_all_or_nothing(tmp_path: Path) -> None:
    from xml.etree import ElementTree

    tools = [
        {"tool": "<ours>", "records_per_s": 130_000.0, "caught_ratio": 0.9996, "merged_ratio": 0.0},
        {"tool": "other", "records_per_s": 900.0, "caught_ratio": 0.2, "merged_ratio": 1.0},
    ]
    write_chart(tmp_path / "c.svg", tools, ["112 records & more"])
    texts = [e.text for e in ElementTree.parse(tmp_path / "c.svg").iter("{http://www.w3.org/2000/svg}text")]
    assert {"<ours>", "other", "130,000", "900", "99.96 %", "0 %", "100 %", "20 %", "112 records & more"} <= set(texts)
