"""Jobs over shards: every row accounted for, nothing asked twice, the same rows whatever comes first."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pytest

from pipelines.llm.exchange import Ask, Reply, conversation
from pipelines.llm.run import AskTask, Teacher
from pipelines.llm.stage import AskStage, Job, Outcome, Row
from pipelines.llm.wire import BudgetReached
from pipelines.tasks import read_shard
from pipelines.workspace import Result
from schemas.records import DOCUMENT, INSTRUCTION, QUESTION
from tests.pipelines.llm.toy import Echo, Parrot, Polish, Seen, shard_of
from tests.pipelines.teacher_rows import document

TEXTS = [f"问题{i}。" + ("再问。" if i % 3 == 0 else "") for i in range(20)] + ["没有内容。", "也没有。"]
ECHO = Echo(models={"writer": "parrot"})


def run(root: Path, parrot: Parrot, stage: AskStage = ECHO, n_jobs: int = 7, n_shards: int = 3) -> list[Result]:
    rows = [document(text, ("章",)) for text in TEXTS]
    shards = [shard_of(root / "in", DOCUMENT, rows[i::n_shards], f"s{i}") for i in range(n_shards)]
    teacher = Teacher(lambda: parrot)
    watcher = Seen()
    try:
        tasks = [AskTask(str(root / "work"), stage, DOCUMENT, (shard,)) for shard in shards]
        results = teacher.ask(tasks, n_jobs, watcher)
    finally:
        teacher.close()
    assert watcher.n == len(TEXTS)
    return results


def rows_of(results: list[Result]) -> pl.DataFrame:
    return pl.concat([read_shard(s) for r in results for s in r.shards]).sort("record_id")


def refuse_some(text: str) -> str | Reply:
    if "问题4" in text:
        return Reply("0" * 32, "rejected", reason="refused")
    if "问题7" in text:
        return Reply("0" * 32, "invalid", reason="malformed")
    return "坏的" if "问题5" in text else text


def test_every_job_is_counted_and_every_drop_listed(tmp_path: Path) -> None:
    results = run(tmp_path, Parrot(refuse_some))
    counts = [c for r in results for c in r.counts]
    passed = [c for c in counts if c.kind == DOCUMENT]
    assert sum(c.n_in for c in passed) == sum(c.n_out for c in passed) == len(TEXTS)
    jobs = [c for c in counts if c.kind == QUESTION]
    assert sum(c.n_in for c in jobs) == 20
    assert sum(c.n_out for c in jobs) == 18
    dropped: dict[str, int] = {}
    for c in counts:
        for why, n in c.dropped.items():
            dropped[why] = dropped.get(why, 0) + n
    assert dropped == {"make_echo:refused": 1, "make_echo:malformed": 1, "make_echo:bad_word": 1}
    listed = {(s.kind, reason) for r in results for _, s in r.rejects for reason in read_shard(s)["drop_reason"]}
    assert listed == {
        (QUESTION, "make_echo:refused"),
        (QUESTION, "make_echo:malformed"),
        (INSTRUCTION, "make_echo:bad_word"),
    }
    assert rows_of(results).height == 17


def test_the_order_of_replies_changes_nothing(tmp_path: Path) -> None:
    at_once = run(tmp_path / "a", Parrot(refuse_some, delay_s=0.001), n_jobs=64)
    one_by_one = run(tmp_path / "b", Parrot(refuse_some), n_jobs=1)
    assert rows_of(at_once).equals(rows_of(one_by_one))
    assert [s.key for r in at_once for s in r.shards] == [s.key for r in one_by_one for s in r.shards]


def test_jobs_wait_side_by_side_and_no_more_of_them_than_may(tmp_path: Path) -> None:
    parrot = Parrot(delay_s=0.002)
    run(tmp_path, parrot, n_jobs=5)
    assert 5 <= parrot.peak <= 10  # the second question of a job comes with the first one again


def test_what_is_done_is_not_asked_again(tmp_path: Path) -> None:
    first = run(tmp_path, Parrot())
    again = Parrot()
    second = run(tmp_path, again)
    assert again.asked == []
    assert rows_of(first).equals(rows_of(second))


def test_what_failed_is_asked_again_and_what_did_not_is_kept(tmp_path: Path) -> None:
    def down(text: str) -> str | Reply:
        return Reply("0" * 32, "failed", reason="timeout") if "问题1。" in text else text

    first = run(tmp_path, Parrot(down))
    assert sum(n for r in first for why, n in r.report["jobs"].items() if why == "failed:timeout") == 1
    again = Parrot()
    second = run(tmp_path, again)
    assert "问题1。" in again.asked
    assert len(again.asked) < len(TEXTS)  # shards without a failure stay as they are
    assert rows_of(second).height == rows_of(first).height + 1
    third = Parrot()
    run(tmp_path, third)
    assert third.asked == []


def test_a_stop_ends_all_jobs_with_its_own_sentence(tmp_path: Path) -> None:
    def broke(text: str) -> str | Exception:
        return BudgetReached("no money") if "问题9" in text else text

    with pytest.raises(BudgetReached, match="no money"):
        run(tmp_path, Parrot(broke, delay_s=0.001))


def test_a_fault_in_a_job_names_its_record(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError) as caught:
        run(tmp_path, Parrot(lambda text: ZeroDivisionError("a bug")))
    assert any("in the job of record d" in note for note in caught.value.__notes__)


def test_a_stage_that_replaces_keeps_every_row_and_its_place(tmp_path: Path) -> None:
    made = [row for r in run(tmp_path / "make", Parrot()) for s in r.shards for row in read_shard(s).to_dicts()]
    rows = [{**row, "task": "general" if i % 5 == 0 else "medkqa"} for i, row in enumerate(made)]
    shard = shard_of(tmp_path / "in", INSTRUCTION, rows, "instructions")

    def polish(text: str) -> str | Reply:
        return Reply("0" * 32, "rejected", reason="refused") if "问题8" in text else text + "（润色）"

    teacher = Teacher(lambda: Parrot(polish))
    try:
        stage = Polish(models={"polisher": "parrot"})
        (result,) = teacher.ask([AskTask(str(tmp_path / "work"), stage, INSTRUCTION, (shard,))], 8, Seen())
    finally:
        teacher.close()
    after = read_shard(result.shards[0]).to_dicts()
    assert [row["record_id"] for row in after] == [row["record_id"] for row in rows]
    for before, now in zip(rows, after, strict=True):
        kept = before["task"] == "general" or "问题8" in before["messages"][0]["content"]
        assert (now["messages"] == before["messages"]) == kept
    (passed,) = [c for c in result.counts if c.kind == INSTRUCTION]
    assert passed.n_in == passed.n_out == len(rows)


@pytest.fixture(autouse=True)
def no_loop_left() -> Iterator[None]:
    yield
    with pytest.raises(RuntimeError):
        asyncio.get_running_loop()


def test_groups_make_one_job_and_rows_without_a_job_are_counted(tmp_path: Path) -> None:
    @dataclass(frozen=True)
    class ByTitle(Echo):
        def group_by(self, kind: str) -> str | None:
            return "title"

        def job(self, kind: str, rows: Sequence[Row]) -> Job:
            yield Ask("writer", "echo", "1", conversation("数", " ".join(row["text"] for row in rows)))
            return Outcome()

    rows = [document(text, ("章",), title=f"书{i % 2}") for i, text in enumerate(TEXTS)]
    shards = tuple(shard_of(tmp_path / "in", DOCUMENT, rows[i::2], f"s{i}") for i in range(2))
    parrot = Parrot()
    teacher = Teacher(lambda: parrot)
    try:
        task = AskTask(str(tmp_path / "work"), ByTitle(models={"writer": "parrot"}), DOCUMENT, shards)
        (result,) = teacher.ask([task], 4, Seen())
    finally:
        teacher.close()
    assert sorted(len(text.split()) for text in parrot.asked) == [10, 10]
    (passed,) = [c for c in result.counts if c.kind == DOCUMENT]
    assert passed.n_in == passed.n_out == len(rows)


def test_other_models_and_prompts_are_other_work(tmp_path: Path) -> None:
    shard = shard_of(tmp_path, DOCUMENT, [document("问？", ("章",))])
    make: Callable[[AskStage], str] = lambda stage: AskTask("w", stage, DOCUMENT, (shard,)).key  # noqa: E731
    assert make(ECHO) == make(Echo(models={"writer": "parrot"}))
    assert make(ECHO) != make(Echo(models={"writer": "another"}))


def test_the_garbage_collector_is_as_it_was_after_the_jobs(tmp_path: Path) -> None:
    during: list[tuple[int, int]] = []

    def look(text: str) -> str:
        during.append((gc.get_threshold()[0], gc.get_freeze_count()))
        return refuse_seven(text)

    def refuse_seven(text: str) -> str:
        if "问题7" in text:
            raise BudgetReached("the end")
        return text

    before = (gc.get_threshold(), gc.get_freeze_count(), gc.isenabled())
    with pytest.raises(BudgetReached):
        run(tmp_path, Parrot(look))
    assert during[0][0] > before[0][0]
    assert (gc.get_threshold(), gc.get_freeze_count(), gc.isenabled()) == before
