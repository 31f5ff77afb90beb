"""The whole `pedcorpus build` on 1, 10 and 100 times the sample: seconds, records per second, peak memory.

    python -m tests.benchmarks.build [TIMES ...] [--workers N] [--engine KIND]

The copies differ from each other (a number in every heading and sentence), or deduplication would leave one.
Peak memory is that of the process and all its children together, sampled ten times a second: resident pages less
those shared, so that a pool of workers is not counted twice.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import re
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil

from corpus.config import sample_config
from pipelines.engine import ENGINE_KINDS

COPIES_PER_FILE = 20
"""Books of a usual size; a file of one chapter each would measure the opening of files."""
ROOT = Path(__file__).parents[2]
CONFIG = """
name: bench
store: {store}
engine: {{kind: {kind}, workers: {workers}}}
sources:
  textbook: {{kind: textbook, path: textbook, license: CC-BY-4.0}}
  guideline: {{kind: guideline, path: guideline, license: CC-BY-4.0}}
  graph: {{kind: knowledge_graph, path: graph.csv, license: CC-BY-4.0}}
  dialogues: {{kind: dialogue, path: dialogues.jsonl, license: CC-BY-4.0}}
  distilled: {{kind: distilled, path: distilled.jsonl, license: CC-BY-4.0, topic: general}}
"""


def write_copies(folder: Path, times: int) -> int:
    """Writes `times` different copies of the sample into `folder`; returns the bytes."""
    samples = sample_config().parent
    for kind in ("textbook", "guideline"):
        (folder / kind).mkdir()
        for path in sorted((samples / kind).glob("*.md")):
            text = path.read_text("utf-8")
            for first in range(0, times, COPIES_PER_FILE):
                copies = (_numbered(text, k) for k in range(first, min(times, first + COPIES_PER_FILE)))
                (folder / kind / f"{first:05d}-{path.name}").write_text("\n\n".join(copies), "utf-8")
    _write_graph(samples, folder, times)
    with (folder / "dialogues.jsonl").open("w", encoding="utf-8") as out:
        out.writelines(_lines(json.loads(next(samples.glob("dialogues/*.json")).read_text("utf-8")), times))
    items = [
        json.loads(line)
        for path in sorted(samples.glob("distilled/*.jsonl"))
        for line in path.read_text("utf-8").splitlines()
    ]
    items = [item for item in items if "instruction" in item]
    with (folder / "distilled.jsonl").open("w", encoding="utf-8") as out:
        out.writelines(_lines(items, times))
    return sum(p.stat().st_size for p in folder.rglob("*") if p.is_file())


def _numbered(text: str, k: int) -> str:
    """The text with a number in every heading and after every sentence's first comma."""
    marked = re.sub(r"(?m)^(#+ .*)$", rf"\1（卷{k}）", text)
    return re.sub(r"，", f"，在第{k}组中，", marked) if k else marked


def _lines(items: list[Any], times: int) -> Iterator[str]:
    for k in range(times):
        for item in items:
            yield _numbered(json.dumps(item, ensure_ascii=False), k) + "\n"


def _write_graph(samples: Path, folder: Path, times: int) -> None:
    rows = list(csv.reader(io.StringIO(next(samples.glob("knowledge_graph/*.csv")).read_text("utf-8-sig"))))
    with (folder / "graph.csv").open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(rows[0])
        for k in range(times):
            writer.writerows([[f"{row[0]}{k}型" if k else row[0], *row[1:]] for row in rows[1:]])


def run(folder: Path, workers: int, kind: str = "local") -> dict[str, float]:
    """Builds in a process of its own; seconds, records and peak bytes."""
    config = folder / "corpus.yaml"
    config.write_text(CONFIG.format(store=folder / "store", workers=workers, kind=kind), "utf-8")
    command = [sys.executable, "-m", "corpus.cli", "build", str(config), "--json"]
    began, peak = time.perf_counter(), 0
    with (folder / "out.json").open("w") as out:
        process = psutil.Popen(command, cwd=ROOT, stdout=out)
        while process.poll() is None:
            peak = max(peak, _memory(process))
            time.sleep(0.1)
    seconds = time.perf_counter() - began
    if process.returncode:
        raise SystemExit(f"the build failed with exit code {process.returncode}")
    stages = json.loads((folder / "out.json").read_text("utf-8"))["stages"]
    records = sum(c["n_in"] for c in stages[0]["counts"])
    made = sum(c["n_out"] for s in stages for c in s["counts"] if s["stage"].startswith("make_") and not c["n_in"])
    return {"seconds": seconds, "records": records, "made": made, "peak": peak}


def _memory(process: psutil.Process) -> int:
    total = 0
    for each in [process, *process.children(recursive=True)]:
        try:
            total += each.memory_full_info().uss
        except (psutil.NoSuchProcess, psutil.AccessDenied, FileNotFoundError):
            continue  # it ended between being listed and being asked
    return total


def main() -> None:
    """Prints a line for each size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("times", nargs="*", type=int, default=[1, 10, 100])
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--engine", default="local", choices=ENGINE_KINDS)
    arguments = parser.parse_args()
    print(f"{'copies':>7} {'input MB':>9} {'records':>9} {'made':>9} {'seconds':>8} {'records/s':>10} {'peak MB':>8}")
    for times in arguments.times:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            size = write_copies(folder, times)
            r = run(folder, arguments.workers, arguments.engine)
            rate = (r["records"] + r["made"]) / r["seconds"]
            print(
                f"{times:>7} {size / 1e6:>9.1f} {r['records']:>9,} {r['made']:>9,} {r['seconds']:>8.1f} "
                f"{rate:>10,.0f} {r['peak'] / 1e6:>8.0f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
