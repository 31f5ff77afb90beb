"""Near-duplicates: `pedcorpus dedup` beside rensa, datasketch and datatrove, one after the other on the same texts.

    python -m tests.benchmarks.neardup [SIZE ...] [--peer-python datatrove=ENV/bin/python]
    python -m tests.benchmarks.neardup 100000 1000000 3000000 --scaling --memory-mb 1000

Needs an otherwise idle machine. A corpus of SIZE records, a tenth as many planted near-duplicates, and 2,000 texts with
another dose (fewer where it is small) is made from a seed; see `neardup_data`. Ours is timed as a user has it: the
whole process, start, reading and writing counted, after one small run so that its loops are compiled. The others are
timed as their friends would: without start and reading; see `neardup_peers`. They are installed apart:

    python -m venv peers && peers/bin/pip install rensa datasketch 'datatrove[processing]' orjson
    python -m tests.benchmarks.neardup --peer-python peers/bin/python

Columns: records/s; ours as a multiple; planted near-duplicates caught (one of the two went); dose variants merged
(one of the two went; no pair shares a text with another); removals that nothing explains (Levenshtein similarity to
the keeper below 0.8, or no keeper named and not planted); most memory of the process and its children, and what of
that lies above the text itself, per record.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pyarrow.compute as pc
import pyarrow.parquet as pq
from rapidfuzz.distance import Levenshtein

from tests.benchmarks.neardup_chart import write_chart

ROOT = Path(__file__).parents[2]
PEERS = ("rensa", "datasketch", "datatrove")
OURS = "PedCorpus"
LIKE = 0.8
"""Similarity from which a removal explains itself."""
_WARM_RECORDS = 20_000
"""Enough that groups of equal facts are large, so that every loop is compiled."""
_SAMPLE_S = 0.1


@dataclass(frozen=True)
class Run:
    """What a tool did."""

    tool: str
    version: str
    records: int
    seconds: float
    peak_bytes: int
    removed: dict[str, str | None] = field(repr=False)


@dataclass(frozen=True)
class Line:
    """A row of the table."""

    tool: str
    version: str
    records: int
    seconds: float
    records_per_s: float
    caught_ratio: float
    merged: int
    variants: int
    merged_ratio: float
    removed: int
    unexplained: int
    peak_bytes: int
    bytes_per_record_above_text: float


class Corpus:
    """A made corpus on the disk, and its truth."""

    def __init__(self, folder: Path, size: int, seed: int, jsonl: bool = True) -> None:
        self.folder, self.parquet, self.jsonl = folder, folder / "docs.parquet", folder / "docs.jsonl"
        # In a process of its own, whose memory the machine has back before anything is measured.
        command = [sys.executable, "-m", "tests.benchmarks.neardup_data", str(folder), str(size), "--seed", str(seed)]
        subprocess.run([*command, *(["--jsonl"] if jsonl else [])], cwd=ROOT, check=True)
        truth = pq.read_table(folder / "truth.parquet").to_pylist()
        self.near = [(t["id"], t["twin"]) for t in truth if t["kind"] == "near"]
        self.variants = [(t["id"], t["twin"]) for t in truth if t["kind"] != "near"]
        text = pq.read_table(self.parquet, columns=["text"])["text"]
        self.records, self.text_bytes = len(text), int(pc.sum(pc.binary_length(text)).as_py())
        self.chars = int(pc.sum(pc.utf8_length(text)).as_py())

    def scored(self, run: Run) -> Line:
        """The run against the truth."""
        gone = run.removed
        caught = sum(a in gone or b in gone for a, b in self.near)
        merged = sum(a in gone or b in gone for a, b in self.variants)
        return Line(
            run.tool, run.version, run.records, round(run.seconds, 2), run.records / run.seconds,
            caught / len(self.near), merged, len(self.variants), merged / len(self.variants),
            len(gone), self._unexplained(gone), run.peak_bytes, (run.peak_bytes - self.text_bytes) / run.records,
        )  # fmt: skip

    def _unexplained(self, gone: dict[str, str | None]) -> int:
        planted = {name for pair in [*self.near, *self.variants] for name in pair}
        named = {i for pair in gone.items() if pair[1] is not None for i in pair}
        table = pq.read_table(self.parquet)
        some = table.filter(pc.is_in(table["id"], value_set=_strings(named)))
        texts = dict(zip(some["id"].to_pylist(), some["text"].to_pylist(), strict=True))
        n = 0
        for name, keeper in gone.items():
            if keeper is None:
                n += name not in planted
            else:
                n += Levenshtein.normalized_similarity(texts[name], texts[keeper]) < LIKE
        return n


def _strings(names: set[str | None]) -> Any:
    import pyarrow as pa

    return pa.array(sorted(n for n in names if n is not None), pa.string())


def ours(corpus: Corpus, memory_mb: int | None, options: Sequence[str] = ()) -> Run:
    """The whole command."""
    out = corpus.folder / "out"
    shutil.rmtree(out, ignore_errors=True)
    command = [sys.executable, "-m", "corpus.cli", "dedup", str(corpus.parquet), "--text-column", "text"]
    command += ["--out", str(out), "--json", *options]
    if memory_mb:
        command += ["--memory-mb", str(memory_mb)]
    seconds, peak = measured(command, corpus.folder / "ours.log")
    removed = pq.read_table(out / "removed.parquet", columns=["record_id", "keeper_id"])
    gone = dict(zip(removed["record_id"].to_pylist(), removed["keeper_id"].to_pylist(), strict=True))
    return Run(OURS, "", corpus.records, seconds, peak, gone)


def peer(name: str, python: str, corpus: Corpus, workers: int) -> Run | str:
    """One of the others, or why it was not measured."""
    if subprocess.run([python, "-c", f"import {name}"], capture_output=True, cwd=corpus.folder, check=False).returncode:
        return f"not measured, it is not installed. Install it, or say --peer-python {name}=ENV/bin/python."
    out = corpus.folder / f"{name}.json"
    script = str(Path(__file__).with_name("neardup_peers.py"))
    command = [python, script, name, str(corpus.jsonl), str(out), str(workers)]
    try:
        _, peak = measured(command, corpus.folder / f"{name}.log")
    except RuntimeError as error:  # what was measured before is not lost
        return f"not measured, {error}"
    found = json.loads(out.read_text("utf-8"))
    return Run(name, found["version"], corpus.records, found["seconds"], peak, dict(found["removed"]))


def measured(command: Sequence[str], log: Path) -> tuple[float, int]:
    """Seconds of a process, and the most memory that it and its children held together."""
    peak, began = 0, time.perf_counter()
    with log.open("w") as out:
        process = psutil.Popen(list(command), cwd=ROOT, stdout=out, stderr=subprocess.STDOUT)
        while True:
            peak = max(peak, _memory(process))
            try:
                process.wait(_SAMPLE_S)  # ends at once with the process, and so do the seconds
                break
            except psutil.TimeoutExpired:
                continue
    seconds = time.perf_counter() - began
    if process.returncode:
        lines = log.read_text("utf-8", "replace").splitlines()
        raise RuntimeError(f"{' '.join(command)} failed:\n" + "\n".join(lines[-15:]))
    return seconds, peak


def _memory(process: psutil.Popen) -> int:
    """Resident bytes, those shared with others left out."""
    total = 0
    try:
        family = [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return 0
    for each in family:
        try:
            total += each.memory_full_info().uss
        except (psutil.NoSuchProcess, psutil.AccessDenied, FileNotFoundError):
            continue  # it ended between being listed and being asked
    return total


def show(lines: Sequence[Line], missing: dict[str, str]) -> None:
    """Prints the table."""
    print(f"\n{'tool':<20} {'records':>9} {'seconds':>8} {'records/s':>10} {'ours is':>8} {'caught':>7} "
          f"{'variants merged':>16} {'removed':>8} {'unexplained':>11} {'peak MB':>8} {'B/record':>8}")  # fmt: skip
    for line in lines:
        mine = next(x for x in lines if x.tool == OURS and x.records == line.records)
        times = "" if line is mine else f"{mine.records_per_s / line.records_per_s:.1f} x"
        merged, tool = f"{line.merged:,} of {line.variants:,}", f"{line.tool} {line.version}"
        print(f"{tool:<20} {line.records:>9,} {line.seconds:>8.1f} {line.records_per_s:>10,.0f} "
              f"{times:>8} {line.caught_ratio:>7.4f} {merged:>16} {line.removed:>8,} {line.unexplained:>11,} "
              f"{line.peak_bytes / 1e6:>8,.0f} {line.bytes_per_record_above_text:>8,.0f}", flush=True)  # fmt: skip
    for name, why in missing.items():
        print(f"{name}: {why}")


def caption(corpus: Corpus, lines: Sequence[Line]) -> list[str]:
    """What was measured, in lines that fit under the chart."""
    versions = ", ".join(f"{line.tool} {line.version}" for line in lines if line.version)
    return [
        f"{corpus.records:,} Chinese medical records of {corpus.chars / 1e6:.1f} M characters, {os.cpu_count()} cores. "
        f"{len(corpus.near):,} planted near-duplicates with 1 to 8 % of the characters edited,",
        f"{len(corpus.variants):,} variants with one number, unit, negation or comparator changed. "
        f"{OURS}: the whole process with start, reading and writing.",
        f"{versions}: without start and reading; character 5-grams, Jaccard 0.8, 128 permutations (datatrove 117)."
        if versions
        else "No other tool was installed.",
    ]


def warm_up(memory_mb: int | None) -> None:
    """Compiles what is compiled on first use."""
    with tempfile.TemporaryDirectory() as name:
        corpus = Corpus(Path(name), _WARM_RECORDS, 1, jsonl=False)
        ours(corpus, memory_mb)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sizes", nargs="*", type=int, default=[100_000], metavar="SIZE")
    parser.add_argument("--peers", default=",".join(PEERS), help="which, with commas between")
    parser.add_argument("--peer-python", action="append", default=[], metavar="[PEER=]PATH", help="who has them")
    parser.add_argument("--scaling", action="store_true", help="ours alone")
    parser.add_argument("--exact", action="store_true", help="ours with --exact")
    parser.add_argument("--memory-mb", type=int, help="for ours")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="for datatrove")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--out", type=Path, help="an SVG of the last size")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep corpora and results here")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    if unknown := sorted({p for p in arguments.peers.split(",") if p} - set(PEERS)):
        parser.error(f"--peers: {', '.join(unknown)} is none of {', '.join(PEERS)}")
    return arguments


def _pythons(given: Sequence[str]) -> dict[str, str]:
    found = dict.fromkeys(PEERS, sys.executable)
    for text in given:
        name, is_named, path = text.rpartition("=")
        found.update({name: path} if is_named else dict.fromkeys(PEERS, path))
    return found


def main() -> None:
    """Measures every tool at every size."""
    arguments = _arguments()
    peers = [] if arguments.scaling else [p for p in arguments.peers.split(",") if p]
    pythons = _pythons(arguments.peer_python)
    lines: list[Line] = []
    warm_up(arguments.memory_mb)
    for size in arguments.sizes:
        with tempfile.TemporaryDirectory() as name:
            corpus = Corpus((arguments.keep or Path(name)) / str(size), size, arguments.seed, bool(peers))
            runs = [ours(corpus, arguments.memory_mb, ["--exact"] * arguments.exact)]
            found = {p: peer(p, pythons[p], corpus, arguments.workers) for p in peers}
            missing = {p: run for p, run in found.items() if isinstance(run, str)}
            here = [corpus.scored(run) for run in [*runs, *found.values()] if isinstance(run, Run)]
        lines += here
        if not arguments.json:
            show(here, missing)
    if arguments.json:
        print(json.dumps({"runs": [asdict(line) for line in lines], "missing": missing}, indent=2))
    if arguments.out:
        write_chart(arguments.out, [asdict(line) for line in here], caption(corpus, here))


if __name__ == "__main__":
    main()
