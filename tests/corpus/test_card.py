"""The dataset card and the Croissant description: what the Hub, loaders and people must find in them."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from huggingface_hub import DatasetCard

from corpus.card import CardFacts, card_metadata, dataset_card, is_unknown_license, read_facts, view_splits
from corpus.croissant import croissant
from schemas.manifest import Manifest, read_manifest
from schemas.records import make_record_id
from schemas.views import VIEW_SCHEMAS
from tests.corpus.tiny_version import PASSAGE, instruction, rows_of_views, write_version
from tests.hub_server.metadata import metadata_errors


@pytest.fixture(scope="module")
def version(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_version(tmp_path_factory.mktemp("version") / "1.0.0")


@pytest.fixture(scope="module")
def manifest(version: Path) -> Manifest:
    return read_manifest(version)


@pytest.fixture(scope="module")
def card(version: Path) -> str:
    return (version / "README.md").read_text("utf-8")


def tables(card: str) -> list[list[list[str]]]:
    """Every table as rows of cells, the header first."""
    found = re.findall(r"(?:^\|.*\|\n)+", card, re.MULTILINE)
    split = [[re.split(r"(?<!\\)\|", line.strip())[1:-1] for line in table.splitlines()] for table in found]
    return [[[cell.strip() for cell in row] for row in table if not set("".join(row)) <= set("-: ")] for table in split]


def test_front_matter_survives_the_hubs_own_reader(card: str, manifest: Manifest) -> None:
    metadata = DatasetCard(card, ignore_metadata_errors=False).data.to_dict()
    assert metadata == card_metadata(manifest)
    assert metadata_errors(card) == []
    assert metadata["language"] == "zh"
    assert metadata["license"] == "cc-by-4.0"
    assert metadata["size_categories"] == ["n<1K"]


def test_configs_are_the_views_and_find_exactly_their_files(version: Path, manifest: Manifest) -> None:
    configs = card_metadata(manifest)["configs"]
    assert [config["config_name"] for config in configs] == ["cpt", "sft", "dfpo", "psft", "eval"]
    assert [config["config_name"] for config in configs if config.get("default")] == ["sft"]
    for config in configs:
        splits = manifest.views[config["config_name"]]
        assert {entry["split"] for entry in config["data_files"]} == set(splits)
        for entry in config["data_files"]:
            found = sorted(path.relative_to(version).as_posix() for path in version.glob(entry["path"]))
            assert found == splits[entry["split"]]["files"]


def test_views_and_splits_without_rows_are_left_out(manifest: Manifest) -> None:
    empty = {"files": [], "n_rows": 0}
    views = {**manifest.views, "cpt": {"train": empty}, "sft": {**manifest.views["sft"], "test": empty}}
    configs = card_metadata(dataclasses.replace(manifest, views=views))["configs"]
    assert [config["config_name"] for config in configs] == ["sft", "dfpo", "psft", "eval"]
    assert [entry["split"] for entry in configs[0]["data_files"]] == ["train", "validation"]


@pytest.mark.parametrize(
    ("licenses", "expected"),
    [
        ({"MIT": 3}, {"license": "mit"}),
        ({"Apache-2.0": 1, "MIT": 0}, {"license": "apache-2.0"}),
        ({"Hospital Agreement (2024)": 1}, {"license": "other", "license_name": "hospital-agreement-2024"}),
        ({"医院协议": 1}, {"license": "other", "license_name": "named-in-licenses-md"}),
        ({"MIT": 3, "CC-BY-4.0": 1}, {"license": "other", "license_name": "several"}),
        ({}, {"license": "other", "license_name": "several"}),
    ],
)
def test_license_field(manifest: Manifest, licenses: dict[str, int], expected: dict[str, str]) -> None:
    changed = dataclasses.replace(manifest, licenses=licenses)
    metadata = card_metadata(changed)
    details = metadata.get("license_details", "")
    assert {key: value for key, value in metadata.items() if key in ("license", "license_name")} == expected
    assert all(name in details for name, n_rows in licenses.items() if n_rows) or expected["license"] != "other"
    assert metadata_errors(dataset_card(changed)) == []


@pytest.mark.parametrize(
    ("n_rows", "expected"),
    [
        (1, "n<1K"),
        (999, "n<1K"),
        (1_000, "1K<n<10K"),
        (300_000, "100K<n<1M"),
        (10**8, "100M<n<1B"),
        (10**9, "1B<n<10B"),
    ],
)
def test_size_category(manifest: Manifest, n_rows: int, expected: str) -> None:
    views = {"sft": {"train": {"files": ["data/sft/train-00000-of-00001.parquet"], "n_rows": n_rows}}}
    assert card_metadata(dataclasses.replace(manifest, views=views))["size_categories"] == [expected]


def test_tables_say_what_the_manifest_says(card: str) -> None:
    views, tasks, stages, sources, licenses = tables(card)
    rows = {view: {split: str(len(r)) for split, r in splits.items()} for view, splits in rows_of_views().items()}
    assert views[0] == ["view", "what its rows are", "train", "validation", "test"]
    assert {line[0].strip("`"): line[2:] for line in views[1:]} == {
        view: [splits.get(split, "–") for split in ("train", "validation", "test")] for view, splits in rows.items()
    }
    assert [[line[0], *line[2:]] for line in tasks[1:]] == [
        ["`medkqa`", "4", "3"],
        ["`evidiag`", "3", "–"],
        ["`trerecom`", "3", "–"],
    ]
    assert stages[1:] == [["`drop_low_quality`", "document", "12", "9", "page_numbers 1, too_short 2"]]
    assert "in this order: `normalize` → `drop_low_quality`." in card
    assert sources[1:] == [["`guide`", "guideline", "CC-BY-4.0", "3", "1", "12"]]
    assert licenses[1:] == [["CC-BY-4.0", "42"]]


def test_card_says_what_a_reader_must_know(card: str, manifest: Manifest) -> None:
    for said in (manifest.content_hash, "Not medical advice", "不构成医疗建议", "No language model was called"):
        assert said in card
    assert "33 `extractive`" in card
    written = dataset_card(manifest, CardFacts(methods={"extractive": 1, "llm": 2}))
    assert "Answers by a language model" in written
    assert "No language model" not in written


def test_example_is_a_row_whose_evidence_can_be_looked_up(version: Path, card: str) -> None:
    example = json.loads(re.findall(r"```json\n(.*?)\n```", card, re.DOTALL)[0])
    provenance = pl.read_parquet(version / "provenance/document-00000-of-00001.parquet")
    rows = pl.read_parquet(version / "data/psft/train-00000-of-00001.parquet")
    assert example["record_id"] in rows["record_id"].to_list()
    for span in example["evidence"]:
        text = provenance.filter(pl.col("record_id") == span["record_id"])["canonical"].item()
        assert text[span["start"] : span["end"]] == span["text"]


def test_example_prefers_short_rows_from_prose_and_cuts_long_strings(tmp_path: Path) -> None:
    said = [{"role": "user", "content": "问" * 400}, {"role": "assistant", "content": "答"}]
    triple = [{"record_id": make_record_id("triple", "x"), "start": 0, "end": 1, "text": "x"}]
    rows = [
        instruction(0, "train", record_id="i0", messages=said),
        instruction(1, "train", record_id="i1"),
        instruction(2, "train", record_id="h0", evidence=triple),
    ]
    short = write_version(tmp_path / "a", views={"sft": {"train": rows}})
    assert '"record_id": "i1"' in (short / "README.md").read_text("utf-8")
    long = (write_version(tmp_path / "b", views={"sft": {"train": rows[:1]}}) / "README.md").read_text("utf-8")
    assert "问" * 159 + "…" in long
    assert "问" * 160 not in long


def test_text_of_sources_cannot_break_out_of_the_card(manifest: Manifest) -> None:
    licence = "A | B\n\n## Header <script> ```"
    row = instruction(0, "train", messages=[{"role": "user", "content": "```\n---\n# 标题 ````"}])
    source = {**manifest.sources[0], "license": licence, "source_id": "a|b"}
    hostile = dataclasses.replace(manifest, sources=[source], licenses={licence: 1}, name="名: [x]")
    card = dataset_card(hostile, CardFacts(example=row))
    assert tables(card)[-2][1] == ["`a\\|b`", "guideline", "A \\| B ## Header &lt;script> ```", "3", "1", "12"]
    assert metadata_errors(card) == []
    assert card.count("\n## ") == 7
    assert "\n`````json\n" in card


def test_card_depends_on_the_version_alone(version: Path, card: str, manifest: Manifest, tmp_path: Path) -> None:
    again = write_version(tmp_path / "elsewhere")
    assert (again / "README.md").read_text("utf-8") == card
    shuffled = json.loads(json.dumps(dataclasses.asdict(manifest)), object_pairs_hook=lambda p: dict(reversed(p)))
    assert dataset_card(shuffled, read_facts(version, shuffled)) == card
    assert str(tmp_path) not in card


@pytest.mark.parametrize("name", [None, "", "  ", "unknown", "UNKNOWN", " Unknown\n", "NOASSERTION", "none", 3])
def test_unknown_licenses(name: Any) -> None:
    assert is_unknown_license(name)


@pytest.mark.parametrize("name", ["MIT", "CC0-1.0", "proprietary", "医院协议", "public domain"])
def test_known_licenses(name: str) -> None:
    assert not is_unknown_license(name)


def test_croissant_names_every_published_parquet_of_a_view(version: Path, manifest: Manifest) -> None:
    described = croissant(manifest)
    files = {f["contentUrl"]: f["sha256"] for f in described["distribution"] if f["@type"] == "cr:FileObject"}
    listed = {entry["path"]: entry["sha256"] for entry in manifest.files}
    assert files == {path: sha for path, sha in listed.items() if path.startswith("data/")}
    assert [record_set["@id"] for record_set in described["recordSet"]] == list(
        view_splits(dataclasses.asdict(manifest))
    )
    for record_set in described["recordSet"]:
        names = [field["@id"].removeprefix(f"{record_set['@id']}/") for field in record_set["field"]]
        assert names == list(VIEW_SCHEMAS[record_set["@id"]])
    assert json.loads(json.dumps(described)) == described


def test_croissant_identities_are_unique_and_resolve(manifest: Manifest) -> None:
    described = croissant(manifest)
    defined: list[str] = []
    referenced: set[str] = set()
    pending: list[Any] = [described["distribution"], described["recordSet"]]
    while pending:
        node = pending.pop()
        if isinstance(node, list):
            pending.extend(node)
        elif isinstance(node, dict):
            if "@type" in node:
                defined.append(node["@id"])
            elif set(node) == {"@id"}:
                referenced.add(node["@id"])
            pending.extend(node.values())
    assert len(set(defined)) == len(defined)
    assert referenced <= set(defined)


def test_croissants_own_reader_reads_every_row(version: Path, manifest: Manifest, tmp_path: Path) -> None:
    reader = pytest.importorskip("mlcroissant")
    path = version / "croissant.json"
    path.write_text(json.dumps(croissant(manifest)), "utf-8")
    try:
        rows = list(reader.Dataset(str(path)).records("sft"))
    finally:
        path.unlink()
    assert len(rows) == 10
    assert rows[0]["sft/evidence"][0]["sft/evidence/text"].decode() in PASSAGE
