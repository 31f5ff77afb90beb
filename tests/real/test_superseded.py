"""The two real versions of one regulation: what the newer one changed, counted by hand."""

from __future__ import annotations

import os
from pathlib import Path

import polars as pl
import pytest

from corpus.build import build
from corpus.config import load_config
from corpus.plan import make_plan
from pipelines.superseded.findings import read_detail

REAL = os.environ.get("PEDCORPUS_REAL_DATA")
pytestmark = [pytest.mark.real, pytest.mark.skipif(REAL is None, reason="PEDCORPUS_REAL_DATA is not set")]

OLD, NEW = "母婴保健法实施办法(2017-11-17).md", "母婴保健法实施办法(2023-07-20).md"
CHANGED = {
    "第二条": ("计划生育技术服务管理条例", None),
    "第八条": ("劳动保障、计划生育", "人力资源社会保障"),
    "第十一条": ("设区的市级", "县级"),
    "第三十五条": ("设区的市级", "产前筛查"),
}
"""Each with words that went and, where some took their place, words that came. The other 41 articles differ at most
in the width of brackets."""


@pytest.fixture(scope="module")
def version(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Acts and standards as they lie there: another act of the same matter, one of a city, two standards."""
    folder = tmp_path_factory.mktemp("acts")
    (folder / "guidelines").symlink_to(Path(REAL or "") / "guidelines")
    (folder / "corpus.yaml").write_text(
        "name: acts\nengine: {workers: 1}\nsources:\n"
        "  acts: {kind: guideline, path: [guidelines/*.md, guidelines/*.pdf, guidelines/*.html], license: x}\n"
        "stages: {drop_off_topic: false}\n",
        "utf-8",
    )
    return build(make_plan(load_config(folder / "corpus.yaml"))).version_dir


def test_the_older_version_gives_way_article_by_article(version: Path) -> None:
    gone = pl.read_parquet(version / "rejected" / "drop_superseded.parquet")
    assert {Path(part).name for part in gone["part"].unique()} == {OLD}
    assert dict(gone["drop_reason"].value_counts().iter_rows()) == {
        "drop_superseded:changed": 4,
        "drop_superseded:unchanged": 41,
    }
    told = [
        read_detail(detail) for detail in gone.filter(pl.col("drop_reason").str.ends_with(":changed"))["drop_detail"]
    ]
    assert {t.place for t in told if t} == set(CHANGED)
    for t in told:
        assert t is not None
        went, came = CHANGED[t.place]
        assert went in t.change
        assert came is None or came in t.change.replace(went, "")
        assert t.n_added == 0


def test_the_newer_version_and_every_other_document_are_published(version: Path) -> None:
    rows = pl.concat([pl.read_parquet(path) for path in sorted((version / "data" / "cpt").glob("*.parquet"))])
    counts = {Path(part).name: n for part, n in rows.group_by("part").len().iter_rows()}
    assert OLD not in counts
    for name in (
        NEW,
        "母婴保健法(2017-11-04).md",
        "疫苗管理法(2019-06-29).md",
        "食品安全国家标准-婴儿配方食品2010.pdf",
    ):
        assert counts[name] > 30, name
    card = (version / "README.md").read_text("utf-8")
    name = "《中华人民共和国母婴保健法实施办法》"
    assert f"| {name}（2017） | {name}（2023） | 41 | 4 | 0 | 0 |" in card
