"""Older versions of a guideline in a whole build: none of it is published, all of it is on record and on the card."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from corpus.build import Built, build
from corpus.config import load_config
from corpus.plan import make_plan
from corpus.superseded import Superseded, superseded
from corpus.verify import verify
from schemas.errors import ConfigError

ARTICLES = {
    2015: (
        "医疗机构应当每4小时为发热的儿童测量一次体温，并告知家长记录用药时间。",
        "儿童腹泻期间应当少量多次口服补液，不应当让孩子禁食。",
        "儿童退热药每次用量间隔不少于四小时，家长每日给孩子用药不超过六次。",
        "婴儿发热可以用酒精擦浴退热，由家长在家中给孩子进行。",
    ),
    2022: (
        "医疗机构应当每4小时为发热的儿童测量一次体温，并告知家长记录用药时间。",
        "儿童退热药每次用量间隔不少于四小时，家长每日给孩子用药不超过四次。",
        "儿童腹泻期间应当少量多次口服补液，不应当让孩子禁食。",
        "三个月以下的婴儿发热，家长应当立即带孩子到医院就诊。",
    ),
}
TITLE = "儿童家庭照护规范"


def write(folder: Path, stages: str = "", workers: int = 1) -> Path:
    for source, years in (("norms", (2015, 2022)), ("copies", (2015,))):
        (folder / source).mkdir(exist_ok=True)
        for year in years:
            body = "".join(f"第{n}条 {text}\n\n" for n, text in zip("一二三四", ARTICLES[year], strict=True))
            text = f"# {TITLE}（{year}年版）\n\n## 第一章 照护\n\n{body}"
            (folder / source / f"{year}.md").write_text(text, "utf-8")
    config = folder / "corpus.yaml"
    config.write_text(
        "name: norms\nsources:\n  copies: {kind: guideline, path: copies, license: CC0-1.0}\n"
        f"  norms: {{kind: guideline, path: norms, license: CC0-1.0}}\nengine: {{workers: {workers}}}\n{stages}",
        "utf-8",
    )
    return config


def published(built: Built) -> pl.DataFrame:
    files = [built.version_dir / f for s in built.manifest.views["cpt"].values() for f in s["files"]]
    return pl.concat([pl.read_parquet(f) for f in files])


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    return build(make_plan(load_config(write(tmp_path_factory.mktemp("versions")))))


def test_only_the_newer_version_is_published(built: Built) -> None:
    rows = published(built)
    text = "\n".join(rows["text"].to_list())
    assert "不超过四次" in text
    assert "不超过六次" not in text
    assert "酒精擦浴" not in text
    assert set(rows["part"]) == {"norms/2022.md"}, "though a copy of an equal article is in the preferred source"
    assert verify(built.version_dir) == []


def test_the_card_counts_what_became_of_the_older_version(built: Built) -> None:
    old, new = f"《{TITLE}（2015年版）》", f"《{TITLE}（2022年版）》"
    assert superseded(built.version_dir) == (Superseded(old, new, 4, 2, 2, 1),)  # two copies of four articles
    assert f"| {old} | {new} | 4 | 2 | 2 | 1 |" in (built.version_dir / "README.md").read_text("utf-8")


def test_more_workers_give_the_same_bytes(built: Built, tmp_path: Path) -> None:
    again = build(make_plan(load_config(write(tmp_path, workers=2))))
    assert again.manifest.content_hash == built.manifest.content_hash
    assert again.manifest.files == built.manifest.files


def test_left_out_the_older_version_stays(tmp_path: Path) -> None:
    kept = build(make_plan(load_config(write(tmp_path, "stages: {drop_superseded: false}\n"))))
    assert any("酒精擦浴" in text for text in published(kept)["text"])
    assert superseded(kept.version_dir) == ()
    assert "Superseded" not in (kept.version_dir / "README.md").read_text("utf-8")


def test_a_renamed_title_that_nobody_has_ends_the_build_with_a_sentence(tmp_path: Path) -> None:
    config = write(tmp_path, f"stages: {{drop_superseded: {{replaces: {{{TITLE}细则: {TITLE}}}}}}}\n")
    with pytest.raises(ConfigError, match=f"no guideline is titled `{TITLE}细则`"):
        build(make_plan(load_config(config)))
