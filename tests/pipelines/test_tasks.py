"""Tasks and engines: nothing lost, nothing done twice, the same whatever the shards and the workers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import polars as pl
import pytest

from pipelines import shuffle
from pipelines.drop_exact_duplicates import DropExactDuplicates
from pipelines.engine import Engine, InlineEngine, PoolEngine, WorkerLost, local_engine
from pipelines.tasks import MAX_BUNDLE_ROWS, BatchTask, bundles, total, write_shard
from pipelines.workspace import Result, Shard, Task, finished, run_task, sweep_unfinished, sweep_unused
from schemas.records import TRIPLE, frame_of
from tests.pipelines.toy import CountTails, DropShort, KillOnce, LosesRows, call, double, fail_stubbornly, triple


@pytest.fixture(scope="module")
def pool() -> Iterator[PoolEngine]:
    engine = PoolEngine(2)
    yield engine
    engine.close()


def shards_of(folder: Path, rows: list[dict[str, str]], n: int) -> list[Shard]:
    """`rows` cut into `n` shards."""
    size = -(-len(rows) // n)
    cut = [rows[i : i + size] for i in range(0, len(rows), size)]
    return [write_shard(folder, f"in-{n}-{i}", TRIPLE, f"in-{n}-{i}", frame_of(TRIPLE, r)) for i, r in enumerate(cut)]


def run(engine: Engine, tasks: Sequence[Task]) -> list[Result]:
    results = dict(engine.map(run_task, tasks))
    return [results[i] for i in range(len(tasks))]


def rows_of(results: Sequence[Result]) -> list[tuple[str, ...]]:
    frames = [pl.read_parquet(s.path).select("head", "relation", "tail") for r in results for s in r.shards]
    return sorted(pl.concat(frames).rows()) if frames else []


ROWS = [triple(f"病{i % 7}", "症状", "热" * (1 + i % 3) + str(i % 5), f"s{i % 2}") for i in range(200)]


def test_engines_return_every_result_with_its_index(pool: PoolEngine) -> None:
    for engine in (InlineEngine(), pool):
        assert dict(engine.map(double, range(20))) == {i: 2 * i for i in range(20)}


def test_local_engine_is_inline_for_one_worker() -> None:
    assert isinstance(local_engine(1), InlineEngine)


def test_a_lost_worker_says_what_to_do(tmp_path: Path) -> None:
    engine = PoolEngine(1)
    try:
        with pytest.raises(WorkerLost, match="Run the same command again"):
            list(engine.map(call, [KillOnce(str(tmp_path / "flag"))]))
    finally:
        engine.close()


def test_an_error_that_does_not_pickle_is_told_all_the_same(pool: PoolEngine) -> None:
    with pytest.raises(RuntimeError, match="Stubborn: page 3: is wrong"):
        list(pool.map(fail_stubbornly, ["page 3"]))
    assert dict(pool.map(double, [2])) == {0: 4}


def test_kept_and_dropped_add_up_and_rows_keep_their_order(tmp_path: Path) -> None:
    (shard,) = shards_of(tmp_path, ROWS, 1)
    result = run_task(BatchTask(str(tmp_path / "w"), (DropShort(n=3), DropShort(n=4)), (shard,)))
    for count in result.counts:
        assert count.n_in == count.n_out + sum(count.dropped.values())
    assert result.counts[1].n_in == result.counts[0].n_out
    kept = pl.read_parquet(result.shards[0].path)["record_id"].to_list()
    expected = [r["record_id"] for r in ROWS if len(r["tail"]) >= 4]
    assert kept == expected
    rejected = [pl.read_parquet(s.path).height for _, s in result.rejects]
    assert sum(rejected) + len(kept) == len(ROWS)


def test_a_stage_that_loses_rows_is_a_bug_not_a_smaller_corpus(tmp_path: Path) -> None:
    (shard,) = shards_of(tmp_path, ROWS, 1)
    with pytest.raises(AssertionError, match="must keep the rows"):
        run_task(BatchTask(str(tmp_path / "w"), (LosesRows(),), (shard,)))


@pytest.mark.parametrize("n_shards", [1, 3, 10])
def test_a_barrier_keeps_one_of_each_wherever_copies_lie(tmp_path: Path, pool: PoolEngine, n_shards: int) -> None:
    rows = [*ROWS, *(triple(r["head"], r["relation"], r["tail"], "s1") for r in ROWS[::2])]
    rows = list({r["record_id"]: r for r in rows}.values())
    stage = DropExactDuplicates(source_order=("s1", "s0"))
    for number, engine in enumerate((InlineEngine(), pool)):
        shards = shards_of(tmp_path, rows, n_shards)
        results = shuffle.barrier(engine, run, str(tmp_path / f"w{number}"), stage, shards)
        texts = rows_of(results)
        assert texts == sorted({(r["head"], r["relation"], r["tail"]) for r in rows})
        assert sum(c.n_out + sum(c.dropped.values()) for c in total([c for r in results for c in r.counts])) == len(
            rows
        )
        keepers = {s for r in results for s in pl.read_parquet(r.shards[0].path)["source_id"].to_list()}
        doubled = {(r["head"], r["tail"]) for r in rows if r["source_id"] == "s1"}
        kept = pl.concat([pl.read_parquet(s.path) for r in results for s in r.shards])
        for row in kept.iter_rows(named=True):
            if (row["head"], row["tail"]) in doubled:
                assert row["source_id"] == "s1"
        assert keepers <= {"s0", "s1"}


@pytest.mark.parametrize("n_shards", [1, 2, 5])
def test_a_record_that_comes_twice_stays_once(tmp_path: Path, n_shards: int) -> None:
    """Equal ids: a join by id would drop both, or none."""
    rows = [triple("麻疹", "症状", "发热"), triple("麻疹", "症状", "皮疹"), triple("水痘", "症状", "发热", "s1")]
    doubled = [rows[0], rows[1], rows[0], rows[2], triple("麻疹", "症状", "发热", "s2"), rows[0]]
    stage = DropExactDuplicates(source_order=("s2", "kg", "s1"))
    results = shuffle.barrier(InlineEngine(), run, str(tmp_path / "w"), stage, shards_of(tmp_path, doubled, n_shards))
    kept = pl.concat([pl.read_parquet(s.path) for r in results for s in r.shards])
    assert sorted(kept.select("source_id", "head", "tail").rows()) == [
        ("kg", "麻疹", "皮疹"), ("s1", "水痘", "发热"), ("s2", "麻疹", "发热"),
    ]  # fmt: skip
    (count,) = total([c for r in results for c in r.counts])
    assert (count.n_in, count.n_out, sum(count.dropped.values())) == (6, 3, 3)

    own = DropExactDuplicates(source_order=("kg", "s2", "s1"))
    results = shuffle.barrier(InlineEngine(), run, str(tmp_path / "v"), own, shards_of(tmp_path, doubled, n_shards))
    (count,) = total([c for r in results for c in r.counts])
    assert count.n_out == 3
    assert count.dropped == {"drop_exact_duplicates:same_record": 2, "drop_exact_duplicates:same_text": 1}


def test_space_is_no_letter_except_between_digits() -> None:
    def n_kept(*tails: str) -> int:
        frame = frame_of(TRIPLE, [triple("病", "量", tail, f"s{i}") for i, tail in enumerate(tails)])
        stage = DropExactDuplicates()
        return len(tails) - stage.decide(stage.keys(TRIPLE, frame)).height

    assert n_kept("每次 10 mg", "每次10mg", " 每次10\nmg ", "每 次10\u3000mg") == 1
    assert n_kept("第1 2周", "第12周", "第1  2 周") == 2
    assert n_kept("1 2 3", "1 23", "12 3", "123") == 4


def test_every_removal_names_its_keeper(tmp_path: Path) -> None:
    rows = [triple("麻疹", "症状", "发热", "s0"), triple("麻疹", "症状", "发热", "s1")]
    (result,) = shuffle.barrier(
        InlineEngine(), run, str(tmp_path), DropExactDuplicates(("s0", "s1")), shards_of(tmp_path, rows, 1)
    )
    ((stage, shard),) = result.rejects
    gone = pl.read_parquet(shard.path).row(0, named=True)
    assert stage == "drop_exact_duplicates"
    assert gone["drop_reason"] == "drop_exact_duplicates:same_text"
    assert gone["drop_detail"] == rows[0]["record_id"]


def test_groups_are_whole_however_the_rows_are_cut(
    tmp_path: Path, pool: PoolEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shuffle, "GROUP_ROWS_PER_PARTITION", 40)
    expected = None
    for n_shards in (1, 4):
        for number, engine in enumerate((InlineEngine(), pool)):
            shards = shards_of(tmp_path, ROWS, n_shards)
            made = shuffle.make(engine, run, str(tmp_path / f"g{n_shards}{number}"), CountTails(), TRIPLE, shards)
            counts = rows_of(made)
            expected = expected or counts
            assert counts == expected
            assert sum(int(tail) for _, _, tail in counts) == len(ROWS)


def test_finished_work_is_not_done_again(tmp_path: Path) -> None:
    (shard,) = shards_of(tmp_path, ROWS, 1)
    task = BatchTask(str(tmp_path / "w"), (DropShort(),), (shard,))
    assert not finished(task.root, task.key)
    first = run_task(task)
    Path(shard.path).unlink()  # a second run would fail to read it
    assert run_task(task) == first
    assert BatchTask(task.root, (DropShort(n=3),), (shard,)).key != task.key


def test_a_half_done_task_leaves_nothing_that_counts(tmp_path: Path) -> None:
    root = tmp_path / "w"
    (shard,) = shards_of(tmp_path, ROWS, 1)
    task = BatchTask(str(root), (DropShort(), LosesRows()), (shard,))
    with pytest.raises(AssertionError):
        run_task(task)
    assert not finished(task.root, task.key)
    sweep_unfinished(str(root))
    assert not (root / "tmp").exists()


def test_sweeping_keeps_what_is_used(tmp_path: Path) -> None:
    root = str(tmp_path / "w")
    (shard,) = shards_of(tmp_path, ROWS, 1)
    used, unused = (BatchTask(root, (DropShort(n=n),), (shard,)) for n in (1, 2))
    run_task(used), run_task(unused)
    assert sweep_unused(root, [used.key]) == 1
    assert finished(root, used.key)
    assert not finished(root, unused.key)


def test_partitions_do_not_depend_on_the_process() -> None:
    # The same rows must meet on every machine: python's own hash of strings differs from run to run.
    assert [shuffle.partition_of(k, 16) for k in ("麻疹", "水痘", "川崎病", "")] == [13, 12, 5, 4]


def test_bundles_lose_nothing_and_a_new_shard_changes_few() -> None:
    shards = [Shard(TRIPLE, "", f"key {i}", 1 + i * 37 % 211) for i in range(300)]
    bundled = bundles(shards)
    assert [s for b in bundled for s in b] == shards
    assert all(sum(s.n_rows for s in b) <= MAX_BUNDLE_ROWS for b in bundled)
    assert len(bundled) < len(shards) / 3
    with_one_more = bundles([*shards[:40], Shard(TRIPLE, "", "new", 50), *shards[40:]])
    assert len(set(with_one_more) - set(bundled)) <= 4
    assert bundles([Shard(TRIPLE, "", "large", 20_000)]) == [(Shard(TRIPLE, "", "large", 20_000),)]
