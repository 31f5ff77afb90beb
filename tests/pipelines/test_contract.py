"""What every batch stage promises, tried on every stage of the table with rows that hypothesis makes."""

from __future__ import annotations

import pickle

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from pipelines.base import BatchStage
from pipelines.stages import STAGE_KINDS
from schemas.records import SCHEMAS
from tests.pipelines.rows import KINDS, framed, rows_of

BATCH_STAGES = [kind() for kind in STAGE_KINDS.values() if issubclass(kind, BatchStage)]
CASES = [
    pytest.param(stage, kind, id=f"{stage.kind}-{kind}")
    for stage in BATCH_STAGES
    for kind in KINDS
    if kind in stage.reads
]
FEW = settings(max_examples=5, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


@pytest.mark.parametrize(("stage", "kind"), CASES)
@FEW
@given(data=st.data())
def test_batches_do_not_matter(stage: BatchStage, kind: str, data: st.DataObject) -> None:
    left, right = data.draw(rows_of(kind)), data.draw(rows_of(kind))
    together = stage.apply(kind, framed(kind, left + right))
    apart = pl.concat([stage.apply(kind, framed(kind, left)), stage.apply(kind, framed(kind, right, first=len(left)))])
    assert_frame_equal(together, apart)


@pytest.mark.parametrize(("stage", "kind"), CASES)
@FEW
@given(data=st.data())
def test_rows_and_schema_stay_and_a_second_run_changes_nothing(
    stage: BatchStage, kind: str, data: st.DataObject
) -> None:
    frame = framed(kind, data.draw(rows_of(kind)))
    after = stage.apply(kind, frame)
    assert dict(after.schema) == SCHEMAS[kind]
    assert after["record_id"].to_list() == frame["record_id"].to_list()
    reasons = after["drop_reason"].drop_nulls()
    assert reasons.str.starts_with(f"{stage.kind}:").all()
    kept = after.filter(pl.col("drop_reason").is_null())
    assert_frame_equal(stage.apply(kind, kept), kept)


@pytest.mark.parametrize("stage", BATCH_STAGES, ids=lambda stage: stage.kind)
def test_stages_travel_to_workers(stage: BatchStage) -> None:
    copy = pickle.loads(pickle.dumps(stage))
    assert copy == stage
    assert copy.settings() == stage.settings()


@pytest.mark.parametrize("stage", BATCH_STAGES, ids=lambda stage: stage.kind)
def test_an_empty_batch_stays_empty(stage: BatchStage) -> None:
    for kind in stage.reads:
        assert_frame_equal(stage.apply(kind, framed(kind, [])), framed(kind, []))
