"""Mixing: shares hold exactly, whoever has less than its share keeps all, and evaluation rows are not counted."""

from __future__ import annotations

from itertools import pairwise

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.drop_surplus import DropSurplus
from schemas.errors import ConfigError
from schemas.records import TASKS, make_record_id


def keyed(n_rows: dict[str, int]) -> pl.DataFrame:
    rows = [(make_record_id("instruction", task, str(i)), task, None) for task, n in n_rows.items() for i in range(n)]
    frame = pl.DataFrame(rows, schema={"record_id": pl.String, "task": pl.String, "split": pl.String}, orient="row")
    return DropSurplus().keys("instruction", frame)


@given(
    n_rows=st.dictionaries(st.sampled_from(TASKS), st.integers(0, 60), min_size=1),
    shares=st.dictionaries(st.sampled_from(TASKS), st.sampled_from([0.0, 0.1, 0.2, 0.3]), max_size=3),
)
def test_no_task_has_more_than_its_share_and_none_gives_more_than_it_must(
    n_rows: dict[str, int], shares: dict[str, float]
) -> None:
    keys = keyed(n_rows)
    gone = DropSurplus(shares).decide(keys)
    left = keys.join(gone, on="record_id", how="anti")
    n_left = dict(left.group_by("task").len().iter_rows())
    for task, share in shares.items():
        n = n_left.get(task, 0)
        assert n <= share * left.height + 1e-6
        if n < n_rows.get(task, 0):  # one more would be too many
            assert n + 1 > share * (left.height + 1) - 1e-6
    for task in n_rows.keys() - shares.keys():
        assert n_left.get(task, 0) == n_rows[task]


def test_what_stays_is_a_sample_that_grows_with_the_rest() -> None:
    stage, kept = DropSurplus({"general": 0.25}), []
    for n in (30, 60, 90):
        keys = keyed({"medkqa": n, "general": 100})
        gone = stage.decide(keys)
        assert gone["drop_reason"].unique().to_list() == ["drop_surplus:over_share"]
        kept.append(set(keys.filter(pl.col("task") == "general").join(gone, on="record_id", how="anti")["record_id"]))
    assert [len(ids) for ids in kept] == [10, 20, 30]
    assert all(fewer < more for fewer, more in pairwise(kept))


def test_rows_for_evaluation_are_not_mixed() -> None:
    frame = pl.DataFrame({"record_id": ["i1", "i2"], "task": ["general", "general"], "split": ["test", None]})
    stage = DropSurplus({"general": 0.5})
    assert stage.decide(stage.keys("instruction", frame))["record_id"].to_list() == ["i2"]


@pytest.mark.parametrize("shares", [{"generel": 0.1}, {"general": 1.0}, {"general": 0.6, "safety": 0.5}])
def test_shares_that_cannot_be(shares: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match="shares"):
        DropSurplus(shares)
