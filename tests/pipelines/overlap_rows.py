"""Texts for the tests of overlap: exam items made from a seed, edits at nasty places, and a stage run over rows."""

from __future__ import annotations

import random
import re
from pathlib import Path
from typing import Any

import polars as pl

from pipelines import shuffle
from pipelines.drop_contaminated import DropContaminated
from pipelines.engine import InlineEngine
from pipelines.overlap_items import benchmark_items
from pipelines.tasks import write_shard
from pipelines.workspace import Result, Shard, run_task

_WORDS = re.findall(
    r"\S+",
    "患儿 男 女 发热 咳嗽 气促 三天 两周 查体 双肺 湿啰音 血常规 白细胞 升高 降低 诊断 首选 治疗 青霉素 阿奇霉素 "
    "胸片 阴影 右下 左上 母乳 喂养 体重 身长 前囟 黄疸 出生 足月 早产 窒息 惊厥 腹泻 脱水 补液 尿少 水肿 蛋白尿 "
    "皮疹 出疹 顺序 口腔 斑 疫苗 接种 禁忌 心脏 杂音 紫绀 贫血 血红蛋白 铁剂 维生素 佝偻病 鸡胸 家长 询问 护理 "
    "并发症 预后 分型 鉴别 要点 剂量 每日 公斤 口服 静脉 滴注 疗程 复查 指标 正常 异常",
)


def passage(rng: random.Random, n_chars: int) -> str:
    """Something like a vignette, with punctuation."""
    text = ""
    while len(text) < n_chars:
        text += rng.choice(_WORDS) + rng.choice(("", "", "", "，", "。", f"{rng.randint(1, 99)}"))
    return text[:n_chars]


def edited(rng: random.Random, text: str, places: list[int]) -> str:
    """The text with a letter replaced, left out or put in at each place."""
    chars = list(text)
    for place in places:
        how = rng.randrange(3)
        chars[place] = ("", "鼐", chars[place] + "鼐")[how]
    return "".join(chars)


def evenly(n_chars: int, n_edits: int) -> list[int]:
    """Places that leave the shortest runs between them."""
    return [(2 * i + 1) * n_chars // (2 * n_edits) for i in range(n_edits)]


def run(_: Any, tasks: Any) -> list[Result]:
    """Every task at once, in order."""
    return [run_task(task) for task in tasks]


def decided(
    folder: Path,
    frames: list[tuple[str, pl.DataFrame]],
    benchmark: list[list[str]] | None = None,
    columns: tuple[str, ...] = ("question", "answer"),
    eval_sources: tuple[str, ...] = (),
    shard_rows: int = 10_000,
) -> tuple[dict[str, tuple[str, str]], list[dict[str, Any]]]:
    """What the stage drops (record id → reason and detail) and its report."""
    folder.mkdir(parents=True, exist_ok=True)
    shards: list[Shard] = []
    for kind, frame in frames:
        for at in range(0, frame.height, shard_rows):
            name = f"{len(shards):03d}"
            shards.append(write_shard(folder, name, kind, f"{folder}-{name}", frame.slice(at, shard_rows)))
    items = ()
    if benchmark is not None:
        rows = [(f"L{i + 1}", values) for i, values in enumerate(benchmark)]
        items = (write_shard(folder, "items", "items", f"{folder}-i", benchmark_items("exam.jsonl", columns, rows)),)
    stage = DropContaminated(eval_sources=eval_sources, items=items)
    root = str(folder / "work")
    results = shuffle.decide(InlineEngine(), run, root, stage, shards)
    dropped: dict[str, tuple[str, str]] = {}
    for result in shuffle.carry_out(InlineEngine(), run, root, stage, shards, results):
        for _, shard in result.rejects:
            for row in pl.read_parquet(shard.path).iter_rows(named=True):
                assert row["record_id"] not in dropped
                dropped[row["record_id"]] = (row["drop_reason"], row["drop_detail"])
    return dropped, [s for r in results for s in r.report.get("contamination", [])]
