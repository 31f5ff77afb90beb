"""Rows per second through our columnar checks and through what others would use, in one run.

    python -m tests.benchmarks.validation [ROWS]

Peers: `jsonschema` (a tenth of the rows, it is slow) and, where installed, `jsonschema-rs` fed with parsed JSON.
All check the same rows against the same schema, the `sft` view's.
"""

from __future__ import annotations

import importlib.util
import sys
import time
from collections.abc import Callable
from typing import Any

import jsonschema
import orjson
import polars as pl

from schemas.validation import json_schema, shapes, violations
from tests.schemas.test_validation import fitting_row

SHAPE = "view-sft"


def rate(n: int, work: Callable[[], Any]) -> float:
    """Rows per second, the best of three."""
    times = []
    for _ in range(3):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return n / min(times)


def main(n_rows: int = 200_000) -> dict[str, float]:
    """Prints and returns rows per second by tool."""
    row, schema = fitting_row(SHAPE), json_schema(SHAPE)
    row["messages"][1]["content"] *= 40  # an answer of ordinary length
    frame = pl.DataFrame([row] * n_rows, schema=shapes()[SHAPE])
    lines = [orjson.dumps(row)] * n_rows
    validator = jsonschema.Draft202012Validator(schema)
    few = [orjson.loads(line) for line in lines[: n_rows // 100]]
    rates = {
        "ours, by columns": rate(n_rows, lambda: violations(SHAPE, frame)),
        "jsonschema": rate(len(few), lambda: [validator.is_valid(r) for r in few]),
    }
    if importlib.util.find_spec("jsonschema_rs"):
        import jsonschema_rs

        fast = jsonschema_rs.validator_for(schema)
        rates["orjson + jsonschema-rs"] = rate(n_rows, lambda: [fast.is_valid(orjson.loads(x)) for x in lines])
    for name, value in rates.items():
        print(f"{name:<24} {value:>12,.0f} rows/s")
    return rates


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
