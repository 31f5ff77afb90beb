"""Removals do not depend on how the work is cut; they are explained, and no dose goes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from rapidfuzz.distance import Levenshtein

from pipelines.near import tasks
from pipelines.near.prepared import write_prepared
from pipelines.near.settings import Near
from pipelines.near.tasks import Prepared, resolve
from pipelines.workspace import Result, Task, run_task
from tests.pipelines.near.planted import Planted, planted

MADE = planted(3000, n_near=600, n_variants=300)
NEAR = Near(has_fields=False)


def removed(
    folder: Path, frame: pl.DataFrame, near: Near = NEAR, *, n_partitions: int = 1, rows: int = 10_000
) -> pl.DataFrame:
    """The removals of a frame with `record_id` and `text`, in chunks of so many rows."""
    prepared = []
    for k, part in enumerate(frame.iter_slices(rows)):
        path = folder / f"{len(list(folder.iterdir()))}-{k}.arrow"
        records = part.with_columns(rank=pl.lit(0)) if "rank" not in part.columns else part
        written = write_prepared(path, records.to_arrow(), n_partitions, near.guard)
        prepared.append(Prepared(str(path), path.name, written.chars))

    def run(todo: Sequence[Task]) -> list[Result]:
        return [run_task(task) for task in todo]

    decided = resolve(run, str(folder / "work"), near, "near", prepared)
    found = pl.concat([pl.read_parquet(r.shards[0].path) for r in decided])
    return found.select("record_id", "keeper_id", "similarity", "rule").sort("record_id")


def frame_of(*texts: str, **columns: Any) -> pl.DataFrame:
    return pl.DataFrame({"record_id": [f"r{i}" for i in range(len(texts))], "text": texts, **columns})


def caught(made: Planted, gone: set[str]) -> float:
    return sum(a in gone or b in gone for a, b in made.near) / len(made.near)


def test_planted_duplicates_go_and_doses_stay(tmp_path: Path) -> None:
    found = removed(tmp_path, MADE.frame)
    gone = dict(found.select("record_id", "keeper_id").iter_rows())
    assert caught(MADE, set(gone)) >= 0.99
    assert not [pair for pair in MADE.variants if gone.get(pair[0]) == pair[1] or gone.get(pair[1]) == pair[0]]
    text = dict(MADE.frame.iter_rows())
    for record_id, keeper_id, similarity, _ in found.iter_rows():
        assert keeper_id not in gone
        assert similarity >= 0.9
        assert Levenshtein.normalized_similarity(text[record_id], text[keeper_id]) >= 0.85


@pytest.mark.parametrize(
    ("near", "n_partitions", "rows"),
    [(NEAR, 5, 10_000), (NEAR, 3, 400), (Near(has_fields=False, exact=True), 2, 999), (Near(guard=False), 1, 700)],
)
def test_partitions_and_shards_do_not_matter(tmp_path: Path, near: Near, n_partitions: int, rows: int) -> None:
    whole = removed(tmp_path, MADE.frame, near)
    assert whole.height > 500
    assert_frame_equal(removed(tmp_path, MADE.frame, near, n_partitions=n_partitions, rows=rows), whole)


@pytest.mark.parametrize("near", [Near(guard=False), Near(guard=False, exact=True)])
def test_a_large_partition_is_shared_between_tasks(tmp_path: Path, near: Near, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = removed(tmp_path, MADE.frame, near)
    monkeypatch.setattr(tasks, "CHARS_PER_PARTITION", 50_000)
    assert_frame_equal(removed(tmp_path, MADE.frame, near), whole)
    assert len(list((tmp_path / "work").rglob("edges.parquet"))) > 3


def test_the_order_of_rows_does_not_matter(tmp_path: Path) -> None:
    shuffled = MADE.frame.sample(fraction=1.0, shuffle=True, seed=1)
    assert_frame_equal(removed(tmp_path, shuffled), removed(tmp_path, MADE.frame))


LONG = "宝宝发热的时候要多喝温水，注意观察精神状态和尿量，室内保持通风，衣物不要过多。"


def test_the_better_source_then_the_longer_text_then_the_lower_id_stays(tmp_path: Path) -> None:
    frame = frame_of(LONG, LONG + "好", "请" + LONG, LONG, rank=[1, 1, 0, 0])
    assert removed(tmp_path, frame)["keeper_id"].unique().to_list() == ["r2"]
    frame = frame_of(LONG, LONG + "好", LONG + "吧", rank=[0, 0, 0])
    assert removed(tmp_path, frame)["keeper_id"].unique().to_list() == ["r1"]


def test_short_texts_must_be_equal(tmp_path: Path) -> None:
    frame = frame_of(
        "小儿发热时应该怎么处理才好", "小儿发烧时应该怎么处理才好", "小儿发热时应该怎么 处理才好", "热", "热", ""
    )
    found = removed(tmp_path, frame)
    assert found.select("record_id", "keeper_id", "rule").rows() == [
        ("r2", "r0", "same_text"),
        ("r4", "r3", "same_text"),
    ]


def test_texts_shorter_than_an_n_gram_are_compared_where_asked_for(tmp_path: Path) -> None:
    frame = frame_of(*["头痛", "头疼", "咳", "头痛欲裂", "头痛欲烈"] * 20)
    near = Near(threshold=0.5, min_chars=1, has_fields=False, ngram=5)
    kept = frame.join(removed(tmp_path, frame, near), on="record_id", how="anti")["text"].to_list()
    assert sorted(kept) == ["咳", "头疼", "头痛欲裂"]


def test_every_field_must_be_similar(tmp_path: Path) -> None:
    other = "按时接种疫苗并且勤洗手，少去人多的地方，出门戴好口罩，回家以后先换衣服再抱孩子。"
    question = "请问孩子这几天总是发热咳嗽，精神还好，家里应该怎么护理才能好得快一些呢"
    near = Near()
    frame = frame_of(
        f"{question}\x1f{LONG}", f"{question}\x1f{other}", f"{question}呀\x1f{LONG}", f"这是为什么呢\x1f{LONG}"
    )
    assert removed(tmp_path, frame, near).select("record_id", "keeper_id").rows() == [("r0", "r2")]


def test_same_names_set_apart_and_contexts_without_a_common_word_do_too(tmp_path: Path) -> None:
    frame = frame_of(LONG, LONG + "好", LONG + "吧", apart=["a/1", "a/1", "b/1"])
    assert removed(tmp_path, frame).select("record_id", "keeper_id").rows() == [("r2", "r1")]
    frame = frame_of(LONG, LONG, LONG + "吧", context=["肺炎|哮喘", "麻疹", "哮喘"])
    assert removed(tmp_path, frame).select("record_id", "keeper_id").rows() == [("r0", "r2")]


def test_equal_texts_are_one_text_however_many(tmp_path: Path) -> None:
    frame = frame_of(*[LONG] * 5000, LONG + "好")
    found = removed(tmp_path, frame)
    assert found.height == 5000
    assert found["keeper_id"].unique().to_list() == ["r5000"]
