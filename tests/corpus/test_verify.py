"""A version that was changed with its hashes made to fit: what no hash can find, `verify` must."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from corpus.build import build
from corpus.config import load_config
from corpus.lint import lint_texts
from corpus.plan import make_plan
from corpus.verify import verify
from schemas.fingerprints import sha256_file
from schemas.records import EVIDENCE
from tests.corpus.small import write_small_corpus

Manifest = dict[str, Any]
Change = Callable[[Path, Manifest], object]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A version of the small corpus."""
    return build(make_plan(load_config(write_small_corpus(tmp_path_factory.mktemp("verify"))))).version_dir


def problems_after(change: Change, built: Path, folder: Path) -> list[str]:
    """What `verify` says of a copy that was changed, its manifest's hashes made to fit."""
    copy = folder / "copy"
    shutil.copytree(built, copy)
    manifest = json.loads((copy / "manifest.json").read_text("utf-8"))
    change(copy, manifest)
    for entry in manifest["files"]:
        path = copy / entry["path"]
        if path.is_file():
            entry |= {"sha256": sha256_file(path), "n_bytes": path.stat().st_size}
    (copy / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    return verify(copy)


def table(pattern: str, change: Callable[[pl.DataFrame], pl.DataFrame]) -> Change:
    """Changes the first Parquet file that fits."""

    def run(folder: Path, _: Manifest) -> None:
        path = sorted(folder.glob(pattern))[0]
        change(pl.read_parquet(path)).write_parquet(path)

    return run


def sft(**columns: Any) -> Change:
    return table("data/sft/train*", lambda frame: frame.with_columns(**columns))


def dfpo(**columns: Any) -> Change:
    return table("data/dfpo/train*", lambda frame: frame.with_columns(**columns))


def counts(stage: str, **changes: int) -> Change:
    """Adds to the counts of every kind of a stage."""

    def run(_: Path, manifest: Manifest) -> None:
        for c in (c for s in manifest["stages"] if s["stage"] == stage for c in s["counts"]):
            c.update({name: c[name] + n for name, n in changes.items()})

    return run


def without(name: str) -> Change:
    """Takes a file away, and out of the manifest."""

    def run(folder: Path, manifest: Manifest) -> None:
        (folder / name).unlink()
        manifest["files"] = [e for e in manifest["files"] if e["path"] != name]

    return run


def answers(added: str) -> Change:
    """Every message with something at its end."""
    message = pl.element().struct.with_fields(content=pl.field("content") + added)
    return sft(messages=pl.col("messages").list.eval(message))


MOVED = pl.element().struct.with_fields(start=pl.field("start") + 1, end=pl.field("end") + 1)
SAID_TWICE = pl.concat_list(pl.col("messages").list.head(1), "messages")
ANOTHER_ANSWER = pl.col("messages").list.eval(
    pl.element().struct.with_fields(content=pl.field("content").str.replace("每次", "每天"))
)


def one_group(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(group_id=pl.lit("g" + "0" * 20))


NO_EVIDENCE = pl.lit([], dtype=EVIDENCE)

CHANGES: dict[str, tuple[Change, str]] = {
    "a file that is not there": (
        lambda _, m: m["views"]["sft"]["train"]["files"].append("data/sft/none.parquet"), "is no file of the manifest",
    ),
    "a file elsewhere": (
        lambda _, m: m["views"]["sft"]["train"].update(files=["../../../../etc/passwd"]), "is no path inside",
    ),
    "an absolute path": (lambda _, m: m["files"][0].update(path="/etc/passwd"), "is no path inside"),
    "no Parquet": (
        lambda folder, _: sorted(folder.glob("data/sft/train*"))[0].write_bytes(b"PAR1xxxxPAR1"),
        "cannot be read as Parquet",
    ),
    "an unknown view": (lambda _, m: m["views"].update(more=m["views"].pop("sft")), "'more' is not one of"),
    "an unknown split": (lambda _, m: m["views"]["sft"].update(dev=m["views"]["sft"].pop("train")), "'dev' is not"),
    "a view less": (lambda _, m: m["views"].pop("dfpo"), "no view dfpo"),
    "counts of tasks": (lambda _, m: m["tasks"]["sft"].update(medkqa=1), "tasks are"),
    "counts of licences": (lambda _, m: m["licenses"].update({"CC-BY-4.0": 1}), "licences of rows are"),
    "another licence": (sft(license=pl.lit("MIT")), "under MIT, SOURCES.jsonl says otherwise"),
    "an unknown source": (sft(source_id=pl.lit("nobody")), "SOURCES.jsonl does not have as read"),
    "an unknown part": (sft(part=pl.lit("none.txt")), "SOURCES.jsonl does not have as read"),
    "a refused part": (sft(source_id=pl.lit("norms"), part=pl.lit("norms/empty.md")), "does not have as read"),
    "records from nowhere": (counts("deidentify", n_in=5, n_out=5), "come in, [0-9]+ had been left"),
    "records gone": (counts("deidentify", n_out=-1), "1 records of kind document are unaccounted for"),
    "completions from nowhere": (
        counts("drop_contaminated", n_in=1, n_out=1),
        "rows published, [0-9]+ of kind completion",
    ),
    "drops that are not on record": (counts("read", n_in=0, n_out=-1), "unaccounted for"),
    "rows of a file": (
        lambda _, m: [e.update(n_rows=7) for e in m["files"] if e["path"].startswith("provenance")],
        "rows, the manifest says 7",
    ),
    "a reject's reason": (table("rejected/*", lambda f: f.with_columns(drop_reason=pl.lit("x:y"))), "for x:y"),
    "no provenance": (
        lambda folder, m: [without(e["path"])(folder, m) for e in list(m["files"]) if e["path"].startswith("prov")],
        "point at nothing in provenance/",
    ),
    "a passage under another's name": (
        table("provenance/document*", lambda f: f.with_columns(pl.lit(f["record_id"][0]).alias("record_id"))),
        "stand more than once",
    ),
    "another passage": (
        table("provenance/document*", lambda f: f.with_columns(text=pl.lit("别的"))), "canonical is not the record",
    ),
    "a passage without its text": (table("provenance/document*", lambda f: f.drop("canonical")), "lacks canonical"),
    "a number in a passage": (
        table("provenance/document*", lambda f: f.with_columns(title=pl.lit("电话13912345678"))), "mobile phone",
    ),
    "the user last": (sft(messages=pl.col("messages").list.head(1)), "fewer than 2|not the assistant's"),
    "questions turned round": (sft(messages=pl.col("messages").list.reverse()), "last message that is not"),
    "one view only": (sft(messages=SAID_TWICE), "rows differ between views"),
    "another dose": (sft(messages=ANOTHER_ANSWER), "rows differ between views"),
    "evidence moved": (sft(evidence=pl.col("evidence").list.eval(MOVED)), "are not the text that they claim"),
    "one id for all": (sft(record_id=pl.lit("i" + "0" * 20)), "stand more than once"),
    "a group in two splits": (
        lambda folder, m: [table(p, one_group)(folder, m) for p in ("data/sft/train*", "data/cpt/test*")],
        "in more than one split",
    ),
    "rows twice": (table("data/sft/train*", lambda f: pl.concat([f, f.head(1)])), "the manifest says"),
    "no rows": (table("data/sft/train*", lambda f: f.head(0)), "the manifest says"),
    "a column less": (table("data/sft/train*", lambda f: f.drop("license")), "lacks license"),
    "residue": (answers("<br>"), "HTML tag"),
    "no evidence": (sft(evidence=NO_EVIDENCE), "an extractive answer without evidence"),
    "a prompt with its answer": (dfpo(prompt=pl.concat_list("prompt", "chosen")), "does not end with the user"),
    "no preference": (dfpo(rejected="chosen"), "equal replies"),
    "two replies": (dfpo(chosen=pl.concat_list("chosen", "rejected")), "several messages"),
    "sources that are none": (lambda folder, _: (folder / "SOURCES.jsonl").write_text("{"), "not a list of parts"),
    "sources of another shape": (lambda folder, _: (folder / "SOURCES.jsonl").write_text("[1]\n"), "not a list of"),
    "no sources": (lambda folder, _: (folder / "SOURCES.jsonl").write_text(""), "parts of books are not those"),
    "no paper": (without("LICENSES.md"), "no entry for LICENSES.md"),
    "more records of a source": (
        lambda _, m: m["sources"][0].update(n_records={"document": 1}), "the manifest says otherwise",
    ),
    "an entry twice": (lambda _, m: m["files"].append(dict(m["files"][0])), "is listed 2 times"),
}  # fmt: skip


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_with_fitting_hashes_is_found(built: Path, tmp_path: Path, name: str) -> None:
    change, says = CHANGES[name]
    problems = problems_after(change, built, tmp_path)
    assert any(re.search(says, p) for p in problems), problems


def test_a_version_as_it_was_built_holds(built: Path, tmp_path: Path) -> None:
    assert problems_after(lambda *_: None, built, tmp_path) == []


def test_the_folder_names_the_version(built: Path, tmp_path: Path) -> None:
    shutil.copytree(built, tmp_path / "versions" / "9.9.9")
    assert any("that of version 0.1.0" in p for p in verify(tmp_path / "versions" / "9.9.9"))


def test_a_version_from_the_hub_needs_no_rejects(built: Path, tmp_path: Path) -> None:
    assert problems_after(lambda folder, _: shutil.rmtree(folder / "rejected"), built, tmp_path) == []


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        ("mobile phone number", "有事打139 1234 5678，或加微信"),
        ("mobile phone number", "电话：+86-13912345678"),
        ("landline number", "挂号电话010-62345678转2"),
        ("landline number", "请拨0755-8234567。"),
        ("identity number", "身份证11010519491231002X"),
        ("e-mail address", "发到doctor_wang@example.com.cn"),
        ("HTML tag", "体温<br/>38℃"),
        ("HTML tag", '见<a href="http://x">此处</a>'),
        ("HTML entity", "38&nbsp;℃"),
        ("page-number line", "发热。\n — 12 — \n咳嗽"),
        ("page-number line", "发热。\n第 12 页 共 30 页\n咳嗽"),
        ("dot leader", "第一章 总论…………………… 3"),
        ("special token", "好的。<|im_end|>"),
        ("special token", "好的。<｜end▁of▁sentence｜>"),
        ("special token", "<<SYS>>你是医生<</SYS>>"),
        ("special token", "好的</s>"),
        ("nan", "科室：\nnan\n"),
        ("control character", "咳\x07嗽"),
        ("replacement character", "咳\ufffd嗽"),
        ("assistant placeholder", "我是{assistant_name}"),
    ],
)
def test_residue_is_found(rule: str, text: str) -> None:
    (found,) = lint_texts(pl.DataFrame({"record_id": ["x"], "text": [text]}))
    assert found.startswith(rule)


@pytest.mark.parametrize(
    "text",
    [
        "血压<90/60mmHg，年龄>3岁，P<0.05，a<b且b>c",
        "体温38.5～39.5℃，每次10–15 mg/kg，24小时内不超过4次",
        "国药准字H20013912，ISBN 978-7-117-13912-3，GB 10765-2021",
        "统计1391人次，2020-02-12至2020-03-15，共13 912 例",
        "体重10-20-30kg三档；第12页的表格说明剂量",
        "儿童……不……应当……使用",
        "DOI 10.3760/cma.j.cn112140-20200212-00076",
        "公式：x_1 & y；A&B；<中华儿科杂志>；【摘要】",
        "- 12 - 18 月龄\n- 5 个月",
        "菌落数1391234567890 CFU",
        "Nan Chen等报道；NaN₃是叠氮化钠",
        "2016-2020年，010-120分",
        "编号0755，滴度1:80-3200000",
    ],
)
def test_medical_text_is_no_residue(text: str) -> None:
    assert lint_texts(pl.DataFrame({"record_id": ["x"], "text": [text]})) == []
