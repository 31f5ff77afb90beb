"""`pedcorpus check`: what comes out for what goes in, with any number of workers, and for lines that mean harm."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import corpus
from corpus.check.command import check
from corpus.check.inputs import CHUNK_ENTRIES, Entry
from corpus.check.records import Record, record_of, values_of
from corpus.check.run import Request, check_file, line_of
from corpus.check.summary import N_WORST, Tally
from corpus.progress import Progress, Silent
from pipelines.ask.verdict import CONTRADICTED, SUPPORTED, decided, verdict_job
from pipelines.check.answers import MAX_EVIDENCE_CHARS, MAX_GIVEN_CHARS, Unfit, turns
from pipelines.check.classifier import DEFAULT
from pipelines.check.judge import CHECKS
from pipelines.check.judging import Judging
from pipelines.check.reading import MAX_CHARS
from pipelines.check.review import Judge, review
from pipelines.check.signals import KINDS
from pipelines.llm.exchange import Reply
from pipelines.prompts import PromptBook
from schemas.errors import InputError
from tests.corpus.check_records import ANSWER, EVIDENCE, ToyJudge, read_lines, record, write_lines
from tests.corpus.test_build import run_cli

WORDS = st.text("杀疑对乙酰氨基酚每次0123456789～mg/kg，。；：（）\n不 ", max_size=80)


def checked(tmp_path: Path, lines: list[Any], workers: int = 1, name: str = "in.jsonl") -> tuple[Tally, Request]:
    request = Request(write_lines(tmp_path / name, lines), tmp_path / f"out-{workers}.jsonl", ToyJudge(), workers)
    return check_file(request, Silent()), request


def test_a_line_in_gives_a_line_out_with_its_verdict_and_what_was_found(tmp_path: Path) -> None:
    tally, request = checked(
        tmp_path, [record(1), record(2, "对乙酰氨基酚可疑，每4～6小时一次。"), record(3, "杀菌。")]
    )
    keep, held, rejected = read_lines(request.out)
    assert (keep["id"], keep["verdict"], keep["findings"]) == ("r1", "keep", [])
    assert (held["verdict"], rejected["verdict"]) == ("quarantine", "reject")
    assert held["findings"][0]["severity"] == "warning"
    (finding,) = rejected["findings"]
    assert finding["severity"] == "error"
    assert finding["answer_span"] == {"start": 0, "end": 1, "text": "杀"}
    assert finding["evidence_span"] == {"index": 0, "start": 0, "end": 4, "text": "对乙酰氨"}
    assert tally.data()["by_kind"] == {"quarantine": {"entity": 1}, "reject": {"entity": 1}}
    assert [x["id"] for x in tally.worst] == ["r3", "r2"]
    assert not request.refused.exists()


@settings(max_examples=60, deadline=None)
@given(answers=st.lists(WORDS, min_size=1, max_size=3), evidence=st.lists(WORDS, min_size=1, max_size=3))
def test_spans_are_the_characters_that_they_name(answers: list[str], evidence: list[str]) -> None:
    messages = [m for a in answers for m in ({"role": "user", "content": "问"}, {"role": "assistant", "content": a})]
    for judge in (ToyJudge(), Judging(uses_classifier=False)):
        try:
            found = review(messages, evidence, judge)
        except Unfit:
            assert not any(map(str.strip, evidence)) or not any(map(str.strip, answers))
            continue
        for f in found.findings:
            assert messages[f.message]["role"] == "assistant"
            assert messages[f.message]["content"][f.answer.start : f.answer.end] == f.answer.text != ""
            if f.evidence:
                assert evidence[f.evidence.source][f.evidence.start : f.evidence.end] == f.evidence.text != ""
        assert found.verdict == "keep" or found.findings[0].severity in ("error", "warning")


def test_evidence_too_long_for_one_reading_is_read_in_pieces_and_spans_stay_true() -> None:
    filler = "本节介绍家庭护理的一般原则。" * (MAX_CHARS // 14)
    evidence = ["别的材料。", filler + EVIDENCE]
    assert len(evidence[1]) > MAX_CHARS
    found = review([{"role": "assistant", "content": ANSWER + "酒精擦浴，有疑问。"}], evidence, _LastPiece())
    (finding,) = found.findings
    assert finding.evidence is not None
    assert finding.evidence.source == 1
    assert finding.evidence.start >= MAX_CHARS - 2_000
    assert evidence[1][finding.evidence.start : finding.evidence.end] == finding.evidence.text
    with pytest.raises(Unfit, match="too_long"):
        review([{"role": "assistant", "content": ANSWER}], ["甲乙。" * MAX_GIVEN_CHARS], ToyJudge())


def test_of_very_long_evidence_the_parts_that_speak_of_the_answer_are_read() -> None:
    articles = [
        f"第{n}条 第{n}类机构应当于每年{n % 12 + 1}月报告上一年度的工作情况，并公布经费的使用。" for n in range(1500)
    ]
    articles[700] = EVIDENCE
    text = "\n".join(articles)
    assert len(text) > 2 * MAX_EVIDENCE_CHARS
    (turn,) = turns([{"role": "assistant", "content": ANSWER}], ["别的材料。", text])
    assert sum(len(r.raw) for r in turn.case.evidence) <= MAX_EVIDENCE_CHARS
    assert any(EVIDENCE in reading.raw for reading in turn.case.evidence)
    for piece, reading in zip(turn.pieces, turn.case.evidence, strict=True):
        whole = ["别的材料。", text][piece.text]
        assert whole[piece.offset : piece.offset + len(reading.raw)] == reading.raw
    assert [p.offset for p in turn.pieces if p.text == 1] == sorted(p.offset for p in turn.pieces if p.text == 1)


class _LastPiece(ToyJudge):
    """Points at the last evidence reading."""

    def __call__(self, case: Any) -> Any:
        found = super().__call__(case)
        last = len(case.evidence) - 1
        return found._replace(findings=tuple(s._replace(source=last) for s in found.findings))


def test_of_a_conversation_every_answer_is_judged_and_the_worst_decides() -> None:
    messages = [
        {"role": "user", "content": "孩子三岁，14公斤。"},
        {"role": "assistant", "content": "杀菌。"},
        {"role": "user", "content": "谢谢。"},
        {"role": "assistant", "content": ANSWER},
    ]
    values = {"id": 7, "messages": messages, "evidence": EVIDENCE}
    line = line_of(record_of(values, "L1"), review(messages, [EVIDENCE], ToyJudge()))
    assert (line["id"], line["verdict"]) == (7, "reject")
    assert line["findings"][0]["message"] == 1
    heard: list[list[str]] = []

    def listen(case: Any) -> Any:
        heard.append([case.question.raw, *(r.raw for r in case.heard)])
        return ToyJudge()(case)

    review(messages, [EVIDENCE], listen)
    assert heard == [["孩子三岁，14公斤。"], ["谢谢。", "孩子三岁，14公斤。"]]


def test_workers_change_nothing_and_the_order_stays(tmp_path: Path) -> None:
    lines = [record(n, ANSWER + ("杀" if n % 7 == 0 else "疑" if n % 5 == 0 else "")) for n in range(5 * CHUNK_ENTRIES)]
    lines[3:3] = [b"{broken"]
    one, first = checked(tmp_path, lines, 1)
    two, second = checked(tmp_path, lines, 2)
    assert first.out.read_bytes() == second.out.read_bytes()
    assert first.refused.read_bytes() == second.refused.read_bytes()
    assert one.data() == two.data()
    assert [x["id"] for x in read_lines(first.out)] == [f"r{n}" for n in range(5 * CHUNK_ENTRIES)]
    assert len(one.worst) == N_WORST


HOSTILE = {
    "bad_json": b'{"id": 1,',
    "too_deep": b"[" * 200_000,
    "lone_surrogate": json.dumps(record(1, "\ud800")).encode(),
    "bad_utf8": b'{"id": "\xff"}',
    "not_an_object": b"[1, 2]",
    "no_answer": json.dumps({"id": 1, "evidence": ["x"]}).encode(),
    "no_evidence": json.dumps(record(1, evidence=[])).encode(),
    "bad_field": json.dumps(record(1, evidence=[1])).encode(),
    "answer_twice": json.dumps(record(1, messages=[{"role": "assistant", "content": "好"}])).encode(),
    "too_long": json.dumps(record(1, "9" * 1_000_000)).encode(),
    "too_many_texts": json.dumps(record(1, evidence=["x"] * 100_000)).encode(),
    "too_many_clauses": json.dumps(record(1, "好。" * 1_900)).encode(),
    "row_too_long": b'{"id": "' + b"x" * 5_000_000 + b'"}',
}
WEIRD = {
    "power": record(1, "9**9**9"),
    "digits": record(1, "9" * 3_900),
    "brackets": record(1, "（" * 1_900 + "）" * 1_900),
    "nul": record(1, "每次\0 10 mg"),
    "joined": record(1, "\u200d\ufeff每次10 mg"),
    "number": {"question": None, "answer": ANSWER, "evidence": EVIDENCE, "id": 1e308},
}


def test_what_is_no_record_is_listed_with_its_reason_and_the_rest_goes_on(tmp_path: Path) -> None:
    lines = [*HOSTILE.values(), b"", b"\0\0\0", *WEIRD.values(), record(2)]
    tally, request = checked(tmp_path, lines)
    bad = read_lines(request.refused)
    assert [x["reason"] for x in bad] == [*HOSTILE, "bad_json"]
    assert [x["locator"] for x in bad][:3] == ["L1", "L2", "L3"]
    assert all(len(x["line"]) <= 200 for x in bad)
    assert len(read_lines(request.out)) == len(WEIRD) + 1
    assert tally.refused.total() == len(HOSTILE) + 1
    assert tally.n_records == len(HOSTILE) + len(WEIRD) + 2


@pytest.mark.parametrize("name", [*HOSTILE, *WEIRD])
def test_no_line_hangs_or_raises_what_nobody_expects(name: str) -> None:
    raw = HOSTILE[name] if name in HOSTILE else json.dumps(WEIRD[name]).encode()
    with pytest.raises(Unfit, match=name) if name in HOSTILE else nullcontext():
        found = record_of(values_of(Entry("L1", raw)), "L1")
        review(found.messages, found.evidence, Judging(uses_classifier=False))


@dataclass(frozen=True)
class ByLabel:
    """Stands in for an LLM: bears out what is held back unless the record's number is odd."""

    votes: int = 1

    def verdicts(self, held: Iterator[tuple[int, Record]], judge: Judge, progress: Progress) -> dict[int, bytes]:
        said = {}
        for at, each in held:
            found = review(each.messages, each.evidence, judge)
            word = CONTRADICTED if int(str(each.id)[1:]) % 2 else SUPPORTED
            value = {"verdicts": [{"clause": 1, "verdict": word, "quote": "不要用酒精擦浴"}]}
            job = verdict_job(found, PromptBook(), 1)
            next(job)
            try:
                job.send([Reply("k", "ok", "", value, "", "m")])
            except StopIteration as end:
                said[at] = orjson.dumps(line_of(each, decided(found, end.value))) + b"\n"
        return said


def test_what_somebody_says_of_the_held_back_takes_its_place(tmp_path: Path) -> None:
    lines = [record(n, "可疑。" if n % 3 == 0 else "杀菌。" if n % 7 == 0 else ANSWER) for n in range(200)]
    path = write_lines(tmp_path / "in.jsonl", [*lines, b"{"])
    plain = check_file(Request(path, tmp_path / "plain.jsonl", ToyJudge()), Silent())
    asked = check_file(Request(path, tmp_path / "asked.jsonl", ToyJudge()), Silent(), ByLabel())
    before, after = read_lines(tmp_path / "plain.jsonl"), read_lines(tmp_path / "asked.jsonl")
    assert [x["id"] for x in before] == [x["id"] for x in after]
    assert plain.verdicts["quarantine"] > 0 == asked.verdicts["quarantine"]
    assert asked.refused == plain.refused
    assert asked.verdicts.total() == plain.verdicts.total()
    for old, new in zip(before, after, strict=True):
        if old["verdict"] != "quarantine":
            assert old == new
            continue
        odd = int(old["id"][1:]) % 2
        assert new["verdict"] == ("reject" if odd else "keep")
        assert new["findings"][0]["check"] == ("llm.contradicted" if odd else "llm.supported")
        span = new["findings"][0]["evidence_span"]
        assert EVIDENCE[span["start"] : span["end"]] == span["text"] == "不要用酒精擦浴"


@pytest.mark.parametrize("suffix", ["parquet", "json", "csv"])
def test_other_tables_give_the_same(tmp_path: Path, suffix: str) -> None:
    lines = [record(1), record(2, "杀菌。")]
    frame = pl.DataFrame(lines)
    path = tmp_path / f"in.{suffix}"
    if suffix == "csv":
        frame.with_columns(pl.col("evidence").list.first()).write_csv(path)
    else:
        frame.write_parquet(path) if suffix == "parquet" else path.write_text(json.dumps(lines), "utf-8")
    _, by_lines = checked(tmp_path, lines)
    request = Request(path, tmp_path / "other.jsonl", ToyJudge())
    check_file(request, Silent())
    assert read_lines(request.out) == read_lines(by_lines.out)


def test_rows_of_a_published_version_can_be_checked(tmp_path: Path) -> None:
    span = {"record_id": "d1", "start": 0, "end": len(EVIDENCE), "text": EVIDENCE}
    messages = [{"role": "user", "content": "怎么退烧？"}, {"role": "assistant", "content": ANSWER}]
    pl.DataFrame([{"record_id": "i1", "messages": messages, "evidence": [span]}]).write_parquet(tmp_path / "v.parquet")
    request = Request(tmp_path / "v.parquet", tmp_path / "out.jsonl", ToyJudge())
    check_file(request, Silent())
    assert [(x["id"], x["verdict"]) for x in read_lines(request.out)] == [("i1", "keep")]


def test_nothing_is_written_over_or_left_half_done(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "in.jsonl", [record(1)])
    with pytest.raises(InputError, match="written over"):
        check_file(Request(path, path, ToyJudge()), Silent())
    with pytest.raises(InputError, match="no such file"):
        check_file(Request(tmp_path / "none.jsonl", tmp_path / "out.jsonl", ToyJudge()), Silent())
    with pytest.raises(ZeroDivisionError):
        check_file(Request(path, tmp_path / "out.jsonl", lambda case: 1 / 0), Silent())  # type: ignore[arg-type,return-value]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in.jsonl"]


def test_the_exit_code_says_whether_all_may_be_used(tmp_path: Path) -> None:
    write_lines(tmp_path / "good.jsonl", [record(1)])
    write_lines(tmp_path / "bad.jsonl", [record(1), b"{"])
    base = ("--no-classifier", "--workers", "1", "--json", "--out", "out.jsonl")
    good = run_cli("check", "good.jsonl", *base, cwd=tmp_path)
    assert (good.returncode, json.loads(good.stdout)["verdicts"]["reject"]) == (0, 0), good.stderr
    bad = run_cli("check", "bad.jsonl", *base, cwd=tmp_path)
    assert (bad.returncode, json.loads(bad.stdout)["refused"]["n"]) == (3, 1), bad.stderr
    assert run_cli("check", "bad.jsonl", *base, "--fail-on", "never", cwd=tmp_path).returncode == 0
    wrong = run_cli("check", "good.jsonl", *base, "--off", "quantitty", cwd=tmp_path)
    assert wrong.returncode == 2
    assert "no such check" in wrong.stderr


def test_a_graph_of_the_users_is_held_against_the_answers(tmp_path: Path) -> None:
    (tmp_path / "graph.csv").write_text("疾病名称,就诊科室,忌吃\n小儿水痘,皮肤科,阿司匹林\n", "utf-8")
    says = "水痘时可以吃阿司匹林。"
    write_lines(tmp_path / "in.jsonl", [record(1, says, question="水痘怎么退烧？")])
    base = ("check", "in.jsonl", "--no-classifier", "--off", "differences", "--workers", "1", "--out", "out.jsonl")
    done = run_cli(*base, "--graph", "graph.csv", "--fail-on", "never", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    (line,) = read_lines(tmp_path / "out.jsonl")
    (finding,) = [f for f in line["findings"] if f["check"] == "graph.forbidden"]
    assert "小儿水痘｜忌吃｜阿司匹林" in finding["says"]
    assert line["verdict"] != "keep"
    wrong = run_cli(
        *base, "--graph", "in.jsonl", "--nli-model", "nowhere", "--quarantine", "1", "--reject", "0", cwd=tmp_path
    )
    assert wrong.returncode == 2


def test_a_classifier_of_the_users_own_is_trained_and_used(tmp_path: Path) -> None:
    texts = tmp_path / "texts"
    texts.mkdir()
    for path in sorted((Path(corpus.__file__).parent / "samples" / "textbook").glob("*.md"))[:5]:
        (texts / path.name).write_text(path.read_text("utf-8"), "utf-8")
    trained = run_cli("check", "texts", "--train", "--out", "own.json", "--json", cwd=tmp_path)
    assert trained.returncode == 0, trained.stderr
    about = json.loads(trained.stdout)
    assert about["planted"] >= 200
    assert 0 < about["thresholds"]["quarantine"] <= about["thresholds"]["reject"] <= 1
    first = (tmp_path / "own.json").read_bytes()
    write_lines(tmp_path / "in.jsonl", [record(1), record(2, ANSWER.replace("10～15", "50～80"))])
    base = ("check", "in.jsonl", "--out", "out.jsonl", "--workers", "1", "--fail-on", "never", "--model")
    used = run_cli(*base, "own.json", cwd=tmp_path)
    assert used.returncode == 0, used.stderr
    good, wrong = read_lines(tmp_path / "out.jsonl")
    assert good["probability"] < wrong["probability"]
    assert run_cli("check", "texts", "--train", "--out", "own.json", cwd=tmp_path, PYTHONHASHSEED="7").returncode == 0
    assert (tmp_path / "own.json").read_bytes() == first
    (tmp_path / "no.json").write_text("[]", "utf-8")
    assert run_cli(*base, "no.json", cwd=tmp_path).returncode == 2
    few = run_cli("check", "in.jsonl", "--train", "--out", "few.json", cwd=tmp_path)
    assert few.returncode == 2
    assert "too few to learn from" in few.stderr


def test_the_page_names_the_checks_options_and_kinds_that_there_are() -> None:
    page = (Path(corpus.__file__).parents[1] / "docs" / "check.md").read_text("utf-8")
    table = page.split("## Which checks there are")[1].split("\n\n")[2]
    assert {name for row in table.splitlines() for name in re.findall(r"`(\w+)`", row.split("|")[1])} == set(CHECKS)
    options = {name for option in check.params for name in option.opts}
    assert set(re.findall(r"--[a-z]+(?:-[a-z]+)*", page)) - {"--stage", "--ablation", "--folder"} <= options
    kinds = next(row for row in page.splitlines() if row.startswith("| `kind`"))
    assert set(re.findall(r"`(\w+)`", kinds)) - {"kind"} == set(KINDS)


def test_stopped_by_a_key_it_leaves_nothing_behind(tmp_path: Path) -> None:
    write_lines(tmp_path / "in.jsonl", [record(n, ANSWER * 20) for n in range(20_000)])
    command = [sys.executable, "-m", "corpus.cli", "check", "in.jsonl", "--out", "out.jsonl", "--workers", "2"]
    started = subprocess.Popen(
        command, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(Path(corpus.__file__).parents[1])},
        stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    deadline = time.monotonic() + 60
    while not list(tmp_path.glob(".out.jsonl.*.part")) and time.monotonic() < deadline:
        time.sleep(0.05)
    os.killpg(started.pid, signal.SIGINT)
    _, told = started.communicate(timeout=60)
    assert started.returncode == 130
    assert "out.jsonl is not written" in told
    assert "Traceback" not in told
    assert [p.name for p in tmp_path.iterdir()] == ["in.jsonl"]


def test_names_of_the_users_own_are_told_apart(tmp_path: Path) -> None:
    said, evidence = "孩子发热了，可以给他吃{}。", "孩子发热时可以给他吃虚构平。"
    names = ("虚构平", "假想达", "臆想达")  # the right one, its other name, another drug
    records = [{"id": n, "question": "吃什么药？", "answer": said.format(n), "evidence": [evidence]} for n in names]
    write_lines(tmp_path / "in.jsonl", records)
    (tmp_path / "own.tsv").write_text("type\tkey\twords\ndrug\t虚构平\t假想达\ndrug\t臆想达\t臆想达片\n", "utf-8")
    command = ("check", "in.jsonl", "--out", "out.jsonl", "--fail-on", "never", "--workers", "2")
    for more, wrong in (((), 0), (("--lexicon", "own.tsv"), 1)):
        done = run_cli(*command, *more, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        verdicts = {line["id"]: line["verdict"] for line in read_lines(tmp_path / "out.jsonl")}
        assert verdicts["虚构平"] == verdicts["假想达"] == "keep"
        assert (verdicts["臆想达"] == "reject") == wrong
    assert run_cli(*command, "--lexicon", "own.tsv", "--report", "page.md", cwd=tmp_path).returncode == 0
    page = (tmp_path / "page.md").read_text("utf-8")
    assert "| reject | 1 |" in page
    assert "answer: 臆想达" in page
    (tmp_path / "own.tsv").write_text("drug\t虚构平\n", "utf-8")
    done = run_cli(*command, "--lexicon", "own.tsv", cwd=tmp_path)
    assert done.returncode == 2
    assert "line 1: 2 cells" in done.stderr


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--report", "answers.jsonl"], "the same as FILE"),
        (["--report", "verdicts.jsonl"], "the same as --out"),
        (["--report", "nowhere/report.md"], "no folder nowhere"),
        (["--reject", "nan"], "not a number"),
        (["--quarantine", "0.9999999"], "is above --reject"),
        (["--votes", "2"], "an odd one"),
    ],
)
def test_what_cannot_be_is_said_before_anything_is_written(tmp_path: Path, options: list[str], says: str) -> None:
    write_lines(tmp_path / "answers.jsonl", [record(1)])
    before = (tmp_path / "answers.jsonl").read_bytes()
    result = run_cli("check", "answers.jsonl", "--out", "verdicts.jsonl", *options, cwd=tmp_path)
    assert result.returncode == 2, result.stderr
    assert says in result.stderr
    assert (tmp_path / "answers.jsonl").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["answers.jsonl"]


def test_a_pipe_is_not_replaced_by_a_file(tmp_path: Path) -> None:
    write_lines(tmp_path / "answers.jsonl", [record(1)])
    os.mkfifo(tmp_path / "pipe")
    assert run_cli("check", "answers.jsonl", "--out", "pipe", cwd=tmp_path).returncode == 2
    assert (tmp_path / "pipe").is_fifo()


@pytest.mark.parametrize(
    ("field", "value"), [("answer", [0.1]), ("bias", "x"), ("thresholds", {"quarantine": 0.9, "reject": 0.1})]
)
def test_a_damaged_classifier_is_told_before_the_run(tmp_path: Path, field: str, value: object) -> None:
    model = json.loads(DEFAULT.read_text("utf-8")) | {field: value}
    (tmp_path / "own.json").write_text(json.dumps(model), "utf-8")
    write_lines(tmp_path / "in.jsonl", [record(1)])
    done = run_cli("check", "in.jsonl", "--out", "out.jsonl", "--model", "own.json", cwd=tmp_path)
    assert done.returncode == 2
    assert "no classifier of ours" in done.stderr
