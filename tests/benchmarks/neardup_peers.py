"""Other tools on the same texts, as their friends would measure them.

    PYTHON neardup_peers.py PEER DOCS.jsonl OUT.json [WORKERS]

Stands alone: PYTHON has the peer and nothing of ours. Character 5-grams, Jaccard 0.8, 128 permutations (117 in 9
buckets for datatrove, which cuts them so that 0.8 is the middle of its curve). Reading the file and importing are
left out of the seconds, but for datatrove, whose readers and writers are a part of its pipeline.

`OUT.json`: `version`, `seconds`, and `removed`, ids each with its keeper's id or null (only datasketch names one).
"""

from __future__ import annotations

import gzip
import importlib.metadata
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

THRESHOLD, PERMUTATIONS, NGRAM = 0.8, 128, 5
_AT_ONCE = 4_096
Removed = list[tuple[str, str | None]]


def _grams(text: str) -> list[str]:
    return [text[i : i + NGRAM] for i in range(max(1, len(text) - NGRAM + 1))]


def rensa(ids: list[str], texts: list[str], workers: int) -> tuple[float, Removed]:
    """Its streaming deduplicator, as its README shows it first; one thread."""
    from rensa import RMinHashDeduplicator

    began = time.perf_counter()
    deduplicator = RMinHashDeduplicator(threshold=THRESHOLD, num_perm=PERMUTATIONS, use_lsh=True)
    kept: list[bool] = []
    for first in range(0, len(texts), _AT_ONCE):
        some = zip(ids[first : first + _AT_ONCE], texts[first : first + _AT_ONCE], strict=True)
        kept += deduplicator.add_pairs((name, _grams(text)) for name, text in some)
    seconds = time.perf_counter() - began
    return seconds, [(name, None) for name, is_kept in zip(ids, kept, strict=True) if not is_kept]


def datasketch(ids: list[str], texts: list[str], workers: int) -> tuple[float, Removed]:
    """Bulk sketches, then its index asked and filled text by text; one process."""
    from datasketch import MinHash, MinHashLSH

    began = time.perf_counter()
    index, removed = MinHashLSH(threshold=THRESHOLD, num_perm=PERMUTATIONS), []
    for first in range(0, len(texts), _AT_ONCE):
        some = [[gram.encode() for gram in _grams(text)] for text in texts[first : first + _AT_ONCE]]
        for name, sketch in zip(ids[first:], MinHash.generator(some, num_perm=PERMUTATIONS), strict=False):
            if alike := index.query(sketch):
                removed.append((name, min(alike)))
            else:
                index.insert(name, sketch, check_duplication=False)
    return time.perf_counter() - began, removed


def _characters() -> Any:
    """Every character a word; the words that datatrove finds in Chinese by itself take it some times longer."""
    from datatrove.utils.word_tokenizers import WordTokenizer

    class Characters(WordTokenizer):  # type: ignore[misc]
        def word_tokenize(self, text: str) -> list[str]:
            return [c for c in text if not c.isspace()]

        def sent_tokenize(self, text: str) -> list[str]:
            return [text]

        def span_tokenize(self, text: str) -> list[tuple[int, int]]:
            return [(0, len(text))]

    return Characters()


def datatrove(ids: list[str], texts: list[str], workers: int) -> tuple[float, Removed]:
    """Its four steps of MinHash deduplication, from JSONL to JSONL, with all workers."""
    from datatrove.executor import LocalPipelineExecutor
    from datatrove.pipeline.dedup import minhash
    from datatrove.pipeline.readers import JsonlReader
    from datatrove.pipeline.writers.jsonl import JsonlWriter
    from datatrove.utils.hashing import HashConfig

    def step(name: str, tasks: int, *pipeline: Any) -> None:
        LocalPipelineExecutor(list(pipeline), tasks, min(tasks, workers), logging_dir=f"{root}/log-{name}").run()

    with tempfile.TemporaryDirectory() as root:
        (Path(root) / "in").mkdir()
        for k in range(workers):
            with (Path(root) / f"in/{k}.jsonl").open("w") as out:
                out.writelines(json.dumps({"id": ids[i], "text": texts[i]}) + "\n" for i in range(k, len(ids), workers))
        config = minhash.MinhashConfig(
            n_grams=NGRAM, num_buckets=9, hashes_per_bucket=13, hash_config=HashConfig(precision=64)
        )
        signature = minhash.MinhashDedupSignature(f"{root}/sketches", config=config, language=_characters())
        began = time.perf_counter()
        step("sketch", workers, JsonlReader(f"{root}/in"), signature)
        step("bucket", 9, minhash.MinhashDedupBuckets(f"{root}/sketches", f"{root}/buckets", config=config))
        step("cluster", 1, minhash.MinhashDedupCluster(f"{root}/buckets", f"{root}/remove", config=config))
        drop = minhash.MinhashDedupFilter(f"{root}/remove")
        step("filter", workers, JsonlReader(f"{root}/in"), drop, JsonlWriter(f"{root}/out"))
        seconds = time.perf_counter() - began
        kept = set()
        for path in Path(root, "out").rglob("*.jsonl.gz"):
            with gzip.open(path, "rt") as lines:
                kept.update(json.loads(line)["id"] for line in lines)
    return seconds, [(name, None) for name in ids if name not in kept]


PEERS: dict[str, Callable[[list[str], list[str], int], tuple[float, Removed]]] = {
    "rensa": rensa,
    "datasketch": datasketch,
    "datatrove": datatrove,
}


def main() -> None:
    """Runs one peer."""
    peer, docs, out, *workers = sys.argv[1:]
    with Path(docs).open(encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    ids, texts = [row["id"] for row in rows], [row["text"] for row in rows]
    del rows
    seconds, removed = PEERS[peer](ids, texts, int(workers[0]) if workers else 2)
    found = {"version": importlib.metadata.version(peer), "seconds": seconds, "removed": removed}
    Path(out).write_text(json.dumps(found), "utf-8")


if __name__ == "__main__":
    main()
