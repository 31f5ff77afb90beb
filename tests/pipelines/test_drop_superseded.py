"""`drop_superseded` over shards: every row of an older version goes, none of a newer, however the rows are cut."""

from __future__ import annotations

import pickle
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pipelines import shuffle
from pipelines.drop_exact_duplicates import DropExactDuplicates
from pipelines.drop_superseded import DropSuperseded
from pipelines.engine import Engine, InlineEngine
from pipelines.superseded.findings import read_detail
from pipelines.tasks import total, write_shard
from pipelines.workspace import Result, Shard, Task, run_task
from schemas.errors import ConfigError
from schemas.records import DOCUMENT, frame_of, make_record_id
from schemas.settings import parse

ACT = "儿童用药管理办法"
OLD = [
    "为了保障儿童用药安全，制定本办法。",
    "医疗机构应当在二十日内完成儿童用药的登记。",
    "儿童药品的说明书应当写明每千克体重的用量。",
    "村卫生室可以向儿童出售散装药品。",
]
NEW = [OLD[0], OLD[2], OLD[1].replace("二十日", "三十日"), "不得向儿童家长推荐成人药品。"]


def rows(
    texts: Sequence[str], year: int | None, source: str = "acts", title: str = ACT, **columns: Any
) -> list[dict[str, Any]]:
    """A document's rows, an article each."""
    part = columns.get("part", f"{title}{year}.md")
    return [
        {
            "record_id": make_record_id(DOCUMENT, source, part, str(n), text),
            "source_id": source,
            "part": part,
            "locator": f"L{n}/{n}",
            "license": "CC0-1.0",
            "group_id": "g",
            "title": title,
            "section_path": ["第一章 总则"],
            "text": text,
            "number": f"第{n}条",
            "year": year,
            "source_kind": "guideline",
            **columns,
        }
        for n, text in enumerate(texts, 1)
    ]


def run(engine: Engine, tasks: Sequence[Task]) -> list[Result]:
    found = dict(engine.map(run_task, tasks))
    return [found[i] for i in range(len(tasks))]


def shards_of(folder: Path, records: list[dict[str, Any]], n: int) -> list[Shard]:
    size = max(1, -(-len(records) // n))
    cut = [records[at : at + size] for at in range(0, len(records), size)]
    folder.mkdir(exist_ok=True)
    return [write_shard(folder, f"{i}", DOCUMENT, f"{folder}-{i}", frame_of(DOCUMENT, r)) for i, r in enumerate(cut)]


def outcome(
    folder: Path, records: list[dict[str, Any]], n_shards: int = 1, stage: DropSuperseded | None = None
) -> tuple[list[str], dict[str, tuple[str, str]]]:
    """Ids of the rows that stay, and of the others the reason and the detail."""
    shards = shards_of(folder, records, n_shards)
    results = shuffle.barrier(InlineEngine(), run, str(folder / "work"), stage or DropSuperseded(), shards)
    kept = [i for r in results for s in r.shards for i in pl.read_parquet(s.path)["record_id"].to_list()]
    gone: dict[str, tuple[str, str]] = {}
    for result in results:
        for name, shard in result.rejects:
            assert name == "drop_superseded"
            for row in pl.read_parquet(shard.path).iter_rows(named=True):
                gone[row["record_id"]] = (row["drop_reason"], row["drop_detail"])
    for count in total([c for r in results for c in r.counts]):
        assert (count.n_in, count.n_out) == (len(records), len(kept))
        assert sum(count.dropped.values()) == len(records) - len(kept)
    return kept, gone


def ids(records: list[dict[str, Any]]) -> list[str]:
    return [record["record_id"] for record in records]


def test_every_row_of_the_older_version_goes_with_what_became_of_it(tmp_path: Path) -> None:
    old, new = rows(OLD, 2010), rows(NEW, 2020)
    kept, gone = outcome(tmp_path, old + new)
    assert kept == ids(new)
    reasons = [gone[i][0].removeprefix("drop_superseded:") for i in ids(old)]
    assert reasons == ["unchanged", "changed", "unchanged", "removed"]
    told = [read_detail(gone[i][1]) for i in ids(old)]
    assert [t and t.record_id for t in told] == [ids(new)[0], ids(new)[2], ids(new)[1], None]
    assert [t and t.place for t in told] == ["第1条", "第2条→第3条", "第3条→第2条", "第4条"]
    assert {t and (t.newer, t.n_added) for t in told} == {(f"《{ACT}》（2020）", 1)}
    assert "二十日" in gone[ids(old)[1]][1].split("→")[1]
    assert "三十日" in gone[ids(old)[1]][1]


def test_other_documents_pass(tmp_path: Path) -> None:
    others = [
        *rows(OLD, 2010, source_kind="textbook", part="book.md"),
        *rows(OLD, 2010, title=f"{ACT}实施细则"),
        *rows(OLD, 2010, title=f"重庆市{ACT}"),
        *rows(OLD, None, part="undated.md"),
        *rows(OLD, 2010, title=ACT.replace("儿童", "成人")),
        *rows(OLD, 2020, part="a-copy.md"),
        *rows(OLD, 1990, title="附件"),
    ]
    new = rows(NEW, 2020) + rows(NEW, 2020, title="附件")
    assert outcome(tmp_path, others + new) == (ids(others + new), {})


def test_the_answer_does_not_depend_on_shards_or_on_order(tmp_path: Path) -> None:
    records = [
        *rows(OLD, 2001),
        *rows([*OLD, "儿童用药应当优先口服。"], 2010),
        *rows(OLD, 2010, source="copies", part="x.md"),
        *rows(NEW, 2020),
        *rows(NEW, 2020, source="copies", part="y.md"),
        *rows(OLD, 2015, title="儿童喂养指南"),
    ]
    expected = outcome(tmp_path / "1", records)
    assert len(expected[1]) == 4 + 5 + 4
    for n_shards in (2, 5, len(records)):
        kept, gone = outcome(tmp_path / f"{n_shards}", records, n_shards)
        assert (kept, gone) == expected
    shuffled = random.Random(3).sample(records, len(records))
    kept, gone = outcome(tmp_path / "shuffled", shuffled, 3)
    assert (sorted(kept), gone) == (sorted(expected[0]), expected[1])


def test_of_three_versions_each_older_one_points_at_the_newest(tmp_path: Path) -> None:
    versions = [rows(OLD, 2001), rows(OLD, 2010), rows(NEW, 2020)]
    kept, gone = outcome(tmp_path, [r for v in versions for r in v], 2)
    assert kept == ids(versions[2])
    for version in versions[:2]:
        assert gone[ids(version)[0]][1].startswith(f"{ids(versions[2])[0]}｜")


def test_one_title_for_unlike_documents_drops_nothing_unless_the_user_says_so(tmp_path: Path) -> None:
    unlike = rows(["校车应当每日检修。", "图书室免费开放。", "食堂公布食谱。", "操场全天开放，家长可以入内。"], 2010)
    new = rows(NEW, 2020)
    assert outcome(tmp_path / "a", unlike + new)[1] == {}
    stage = DropSuperseded(replaces={f"{ACT}（旧）": ACT})
    old = [{**row, "title": f"{ACT}（旧）"} for row in unlike]
    assert set(outcome(tmp_path / "b", old + new, 1, stage)[1]) == set(ids(old))


def test_a_version_that_only_the_one_between_resembles_goes_too(tmp_path: Path) -> None:
    first = ["校车应当每日检修。", "图书室免费开放。", "食堂应当公布食谱。", "操场全天开放，家长可以入内。"]
    versions = [rows(first, 2001), rows([*first[:3], *OLD[:3]], 2010), rows(NEW, 2020)]
    kept, gone = outcome(tmp_path, [r for v in versions for r in v])
    assert kept == ids(versions[2])
    assert {gone[i][0] for i in ids(versions[0])} == {"drop_superseded:removed"}


def test_the_record_in_its_place_is_the_one_that_stays_among_exact_duplicates(tmp_path: Path) -> None:
    old, new, copy = rows(OLD, 2010), rows(NEW, 2020), rows(NEW, 2020, source="preferred", part="z.md")
    for order in (("preferred", "acts"), ("acts", "preferred")):
        folder = tmp_path / order[0]
        kept, gone = outcome(folder, old + new + copy, 2, DropSuperseded(source_order=order))
        duplicates = DropExactDuplicates(source_order=order)
        frame = frame_of(DOCUMENT, [r for r in old + new + copy if r["record_id"] in kept])
        last = set(kept) - set(duplicates.decide(duplicates.keys(DOCUMENT, frame))["record_id"].to_list())
        assert {gone[i][1].split("｜")[0] for i in ids(old)[:3]} <= last
        assert not set(ids(old)) & last


def test_rows_that_repeat_within_the_older_version_all_go(tmp_path: Path) -> None:
    old = rows([OLD[0], OLD[0], OLD[1]], 2010)
    for row in old:
        row["number"] = None
    kept, gone = outcome(tmp_path, old + rows(NEW, 2020))
    assert set(gone) == set(ids(old))
    assert [gone[i][0].rpartition(":")[2] for i in ids(old)] == ["unchanged", "unchanged", "changed"]
    assert len(kept) == len(NEW)


def test_a_version_in_two_files_is_one_version(tmp_path: Path) -> None:
    first, second = rows(NEW[:2], 2020, part="一.md"), rows(NEW[2:], 2020, part="二.md")
    kept, gone = outcome(tmp_path, rows(OLD, 2010) + first + second)
    assert kept == ids(first + second)
    assert sorted(reason.rpartition(":")[2] for reason, _ in gone.values()) == [
        "changed",
        "removed",
        "unchanged",
        "unchanged",
    ]


def test_null_columns_and_nothing_at_all(tmp_path: Path) -> None:
    bare = rows(OLD, None, title=ACT, section_path=None, number=None, issuer=None, part="p")
    assert outcome(tmp_path / "a", bare)[1] == {}
    texts = rows(OLD, 2010, section_path=None, number=None) + rows(NEW, 2020, section_path=None, number=None)
    assert len(outcome(tmp_path / "b", texts)[1]) == len(OLD)


def test_replaces_comes_from_the_configuration_and_is_checked() -> None:
    problems: list[str] = []
    stage = parse(
        DropSuperseded, {"replaces": {"旧儿童办法": "新儿童办法"}}, "stages.drop_superseded", problems, source_order=()
    )
    assert stage is not None
    assert not problems
    assert pickle.loads(pickle.dumps(stage)).settings() == stage.settings()
    for wrong, said in (
        ({"甲儿童办法": "甲儿童办法"}, "cannot take its own place"),
        ({"甲儿童办法": "乙儿童办法", "乙儿童办法": "甲儿童办法"}, "replace each other"),
        ({"甲儿童办法": ""}, "should be two titles"),
        (["甲"], "should be a mapping"),
    ):
        assert parse(DropSuperseded, {"replaces": wrong}, "stages.drop_superseded", problems) is None
        assert said in problems[-1]


def test_a_renamed_document_that_is_not_there_is_the_users_mistake(tmp_path: Path) -> None:
    stage = DropSuperseded(replaces={"儿童计划免疫条例": ACT})
    with pytest.raises(
        ConfigError, match=r"stages\.drop_superseded\.replaces: no guideline is titled `儿童计划免疫条例`"
    ):
        outcome(tmp_path / "a", rows(OLD, 2010), 1, stage)
    old, new = rows(OLD, 2010, title="儿童计划免疫条例"), rows(NEW, 2020)
    kept, gone = outcome(tmp_path / "b", old + new, 1, stage)
    assert (kept, set(gone)) == (ids(new), set(ids(old)))
