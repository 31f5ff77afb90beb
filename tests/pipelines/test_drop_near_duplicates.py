"""What of each kind of record is compared, and what is never merged."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pipelines.drop_near_duplicates import DropNearDuplicates
from pipelines.engine import InlineEngine, PoolEngine
from pipelines.shuffle import barrier
from pipelines.tasks import write_shard
from pipelines.workspace import Result, Shard, Task, run_task
from schemas.records import DIALOGUE, DOCUMENT, INSTRUCTION, PREFERENCE, frame_of

ADVICE = "多喝温水，注意观察精神状态和尿量，室内保持通风，衣物不要过多，持续高热或精神差时及时就医。"
OTHER = "建议先测量体温并记录，按体重使用退热药，避免捂汗，饮食清淡，出现抽搐或皮疹时立即去医院。"
CASE = "孩子两岁半，昨天夜里开始发热，最高三十九度，精神还可以，请问在家里应该怎么护理？"
SECTION = "发热是儿科最常见的症状之一，多数由病毒感染引起，病程自限。家长应当观察孩子的精神、进食和尿量，" * 3


def dropped(
    folder: Path, kind: str, rows: list[dict[str, Any]], *, rows_a_shard: int = 100, workers: int = 1, **options: Any
) -> dict[str, tuple[str, str]]:
    """Of each dropped row its reason and the keeper that its detail names."""
    folder.mkdir(exist_ok=True)
    made = [{"record_id": f"r{i}", "source_id": "a", "part": f"p{i}", **row} for i, row in enumerate(rows)]
    shards = [
        write_shard(folder, f"{k}", kind, f"{k}-{rows_a_shard}", frame)
        for k, frame in enumerate(frame_of(kind, made).iter_slices(rows_a_shard))
    ]
    engine = InlineEngine() if workers == 1 else PoolEngine(workers)

    def run(engine: Any, tasks: Sequence[Task]) -> list[Result]:
        results = dict(engine.map(run_task, tasks))
        return [results[i] for i in range(len(tasks))]

    try:
        results = barrier(engine, run, str(folder / "work"), DropNearDuplicates(**options), shards)
    finally:
        engine.close()
    assert sum(c.n_in for r in results for c in r.counts) == len(rows)
    gone: dict[str, tuple[str, str]] = {}
    for result in results:
        for _, shard in result.rejects:
            for row in pl.read_parquet(shard.path).iter_rows(named=True):
                gone[row["record_id"]] = (row["drop_reason"], row["drop_detail"].split(" ")[0])
    kept: list[Shard] = [s for r in results for s in r.shards]
    assert sum(s.n_rows for s in kept) == len(rows) - len(gone)
    return gone


def turns(*contents: str) -> list[dict[str, str]]:
    return [{"role": ("patient", "doctor")[i % 2], "content": c} for i, c in enumerate(contents)]


def messages(question: str, answer: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]


def test_dialogues_are_compared_without_their_thanks(tmp_path: Path) -> None:
    rows = [
        {"turns": turns(CASE, ADVICE)},
        {"turns": turns(CASE, ADVICE, "好的，谢谢医生！", "不客气，祝宝宝早日康复。")},
        {"turns": turns(CASE, OTHER, "好的，谢谢医生！", "不客气，祝宝宝早日康复。")},
        {"turns": turns("孩子咳嗽一周，夜间明显，没有发热，该做什么检查？", ADVICE, "好的，谢谢医生！")},
        {"turns": turns("好的，谢谢医生！", "不客气，祝宝宝早日康复。")},
        {"turns": turns("好的，谢谢医生！", "不客气，祝宝宝早日康复。")},
    ]
    assert dropped(tmp_path, DIALOGUE, rows) == {"r1": ("drop_near_duplicates:same_text", "r0")}


@pytest.mark.parametrize(
    ("thanks", "answer"),
    [
        ("明白了，太感谢您了，辛苦啦！", "不用谢，有问题再联系。"),
        ("好的呢，谢谢您的耐心解答～", "应该的，祝宝贝健康快乐！"),
        ("打扰您了，非常感谢！", "不客气，有什么问题随时咨询我。"),
    ],
)
def test_however_they_are_said_thanks_are_not_compared(tmp_path: Path, thanks: str, answer: str) -> None:
    rows = [{"turns": turns(CASE, ADVICE)}, {"turns": turns(CASE, ADVICE, thanks, answer)}]
    assert dropped(tmp_path, DIALOGUE, rows) == {"r1": ("drop_near_duplicates:same_text", "r0")}


@pytest.mark.parametrize("more", ["还要继续吃药吗？", "他不肯吃药。", "体温又升到三十九度了", "有疹子"])
def test_a_short_turn_that_says_something_is_compared(tmp_path: Path, more: str) -> None:
    rows = [{"turns": turns(CASE, ADVICE)}, {"turns": turns(CASE, ADVICE, more + "而且咳嗽得更厉害了", "好的")}]
    assert dropped(tmp_path, DIALOGUE, rows) == {}


def test_instructions_are_compared_question_by_question_and_answer_by_answer(tmp_path: Path) -> None:
    rows = [
        {"messages": messages(CASE, ADVICE)},
        {"messages": messages(CASE, OTHER)},
        {"messages": messages("小儿发热怎么办？", ADVICE)},
        {"messages": messages("小儿发烧怎么办？", ADVICE)},
        {"messages": messages("小儿发热怎么办? ", ADVICE + "好")},
        {"messages": messages(CASE.replace("两岁半", "三岁半"), ADVICE)},
    ]
    assert dropped(tmp_path, INSTRUCTION, rows) == {"r2": ("drop_near_duplicates:levenshtein", "r4")}


def test_what_we_made_of_one_file_is_parallel_on_purpose(tmp_path: Path) -> None:
    def row(part: str, method: str, tail: str) -> dict[str, Any]:
        return {"messages": messages(CASE, ADVICE + tail), "part": part, "generator": {"method": method}}

    one_file = [row("a.md", "extractive", ""), row("a.md", "extractive", "好")]
    assert dropped(tmp_path / "a", INSTRUCTION, one_file) == {}
    two_files = [row("a.md", "extractive", ""), row("b.md", "extractive", "好")]
    assert set(dropped(tmp_path / "b", INSTRUCTION, two_files)) == {"r0"}
    from_outside = [row("a.json", "source", ""), row("a.json", "source", "好")]
    assert set(dropped(tmp_path / "c", INSTRUCTION, from_outside)) == {"r0"}


def test_documents_across_files_under_headings_that_do_not_contradict(tmp_path: Path) -> None:
    def row(part: str, title: str, text: str, *path: str) -> dict[str, Any]:
        return {"part": part, "title": title, "section_path": list(path), "text": text}

    rows = [
        row("a.md", "儿科学", SECTION, "第一章 发热", "概述"),
        row("a.md", "儿科学", SECTION + "等等", "第一章 发热", "概述二"),
        row("b.md", "儿科护理", SECTION + "等", "发热", "一、概述"),
        row("c.md", "水痘", SECTION, "水痘", "概述"),
        row("d.md", "手足口病", SECTION, "手足口病", "概述"),
        row("e.md", "药典", "自由流动的白色结晶或结晶性粉末，易溶于水。", "乳糖", "性状"),
        row("f.md", "标准", "自由流动的白色结晶或结晶性粉末，易溶于水。", "葡萄糖", "理化性质"),
    ]
    gone = dropped(tmp_path, DOCUMENT, rows)
    assert "r2" in gone
    assert not {"r5", "r6"} & set(gone)
    assert not {("r3", "r4"), ("r4", "r3")} & {(r, k) for r, (_, k) in gone.items()}
    assert not {("r0", "r1"), ("r1", "r0")} & {(r, k) for r, (_, k) in gone.items()}


def test_preferences_are_compared_on_all_three_texts(tmp_path: Path) -> None:
    def row(chosen: str, rejected: str) -> dict[str, Any]:
        return {"prompt": [{"role": "user", "content": CASE}], "chosen": chosen, "rejected": rejected}

    rows = [row(ADVICE, OTHER), row(ADVICE + "好", OTHER), row(OTHER, ADVICE), row(ADVICE, ADVICE)]
    assert dropped(tmp_path, PREFERENCE, rows) == {"r0": ("drop_near_duplicates:levenshtein", "r1")}


def test_the_source_named_first_is_preferred(tmp_path: Path) -> None:
    rows = [
        {"messages": messages(CASE, ADVICE + "好的"), "source_id": "b"},
        {"messages": messages(CASE, ADVICE), "source_id": "c"},
        {"messages": messages(CASE, ADVICE), "source_id": "d"},
    ]
    gone = dropped(tmp_path, INSTRUCTION, rows, source_order=("c", "b", "d"))
    assert {r: k for r, (_, k) in gone.items()} == {"r0": "r1", "r2": "r1"}


def test_shards_and_workers_do_not_matter(tmp_path: Path) -> None:
    rows = [{"messages": messages(CASE + "。" * (i % 3), (ADVICE, OTHER)[i % 2] + "好" * (i % 4))} for i in range(60)]
    expected = dropped(tmp_path / "a", INSTRUCTION, rows)
    assert len(expected) > 50
    assert dropped(tmp_path / "b", INSTRUCTION, rows, rows_a_shard=7) == expected
    assert dropped(tmp_path / "c", INSTRUCTION, rows, rows_a_shard=11, workers=2) == expected
