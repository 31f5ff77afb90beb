"""The sample texts are whole, sourced, consistent with one another, and as awkward as they claim to be."""

from __future__ import annotations

import csv
import io
import json
import re
from collections import Counter
from importlib import resources
from pathlib import Path
from typing import Any

import pyoxigraph
import pypdfium2
import pytest
import yaml

from tests.make_sample_pdf import SOURCE, TARGET, blocks

SAMPLES = Path(str(resources.files("corpus"))) / "samples"
CHAPTERS = sorted((SAMPLES / "textbook").glob("*.md"))
GUIDELINES = sorted((SAMPLES / "guideline").glob("*.md"))
DOSE = re.compile(r"\d\s*(?:mg/kg|ml/kg|g/kg|mg/ml|mg|IU|ml|g)(?![A-Za-z/])")
REFERENCES = "参考文献"


def sections(markdown: str) -> dict[str, str]:
    """Level-two headings and the text below each."""
    parts = re.split(r"^## (.+)$", markdown, flags=re.MULTILINE)
    return {heading.strip(): body.strip() for heading, body in zip(parts[1::2], parts[2::2], strict=True)}


def read_jsonl(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (SAMPLES / "distilled" / name).read_text("utf-8").splitlines()]


def text_files() -> list[Path]:
    return [p for p in sorted(SAMPLES.rglob("*")) if p.suffix in {".md", ".txt", ".json", ".jsonl", ".csv", ".ttl"}]


def text_of(path: Path) -> str:
    return path.read_text("gb18030" if path.name == "consultations.csv" else "utf-8")


def consultations() -> list[dict[str, str]]:
    data = (SAMPLES / "dialogues" / "consultations.csv").read_bytes()
    return list(csv.DictReader(io.StringIO(data.decode("gb18030"), newline="")))


def test_configuration_reaches_every_file_and_nothing_else() -> None:
    config = yaml.safe_load((SAMPLES / "pedcorpus.yaml").read_text("utf-8"))
    reached: list[Path] = []
    for name, source in config["sources"].items():
        patterns = source["path"] if isinstance(source["path"], list) else [source["path"]]
        for pattern in patterns:
            found = list(SAMPLES.glob(pattern))
            assert found, f"{name}: {pattern} matches nothing"
            reached += found
        assert source["license"] == "CC-BY-4.0"
    there = {p for p in SAMPLES.rglob("*") if p.is_file()} - {SAMPLES / "SOURCES.md", SAMPLES / "pedcorpus.yaml"}
    assert Counter(reached) == Counter(there)


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda p: p.stem)
def test_chapter_has_titled_sections_that_stand_alone(path: Path) -> None:
    text = path.read_text("utf-8")
    assert len(re.findall(r"^# \S", text, flags=re.MULTILINE)) == 1
    found = sections(text)
    assert len(found) >= 11
    assert list(found)[-1] == REFERENCES
    assert {"概述", "预防", "何时就医"} & found.keys()
    for heading, body in found.items():
        if heading != REFERENCES:
            assert 80 <= len(body) <= 520, f"{path.name} {heading}: {len(body)} characters"
            assert body.endswith("。")
            assert not re.search(r"如上所述|见上文|前述|见下表|本章|上一节", body), f"{path.name} {heading}"


@pytest.mark.parametrize("path", [*CHAPTERS, GUIDELINES[0], SOURCE], ids=lambda p: p.stem)
def test_every_source_is_dated_and_doses_have_one(path: Path) -> None:
    found = sections(path.read_text("utf-8"))
    references = next(body for heading, body in found.items() if heading.endswith(REFERENCES))
    lines = [line for line in references.splitlines() if line.startswith("- 来源：")]
    for line in lines:
        assert re.search(r"(?:19|20)\d\d|说明书", line), line
        assert "用于：" in line, line
    body = "".join(text for heading, text in found.items() if not heading.endswith(REFERENCES))
    if DOSE.search(body):
        uses = "".join(line.split("用于：")[1] for line in lines)
        assert re.search(r"剂量|用量|补充量|补液|食物量|浓度|标准|指征|推荐意见", uses)


def test_figures_of_common_drugs_agree_everywhere() -> None:
    # One slip of the pen in one of twenty places is the kind of error that nobody sees and everybody copies.
    wanted = {"对乙酰氨基酚": "10～15", "布洛芬": "5～10"}
    stated: Counter[str] = Counter()
    for path in text_files():
        for drug, dose in wanted.items():
            # the dose stands after its drug, before another one's name and before the end of the sentence
            for match in re.finditer(rf"{drug}([^。；;对布]{{0,40}}?)每次\s*([\d.～]+)\s*mg/kg", text_of(path)):
                assert match[2] == dose, f"{path.name}: {match[0]}"
                stated[drug] += 1
    assert stated["对乙酰氨基酚"] >= 15
    assert stated["布洛芬"] >= 10


def test_units_are_written_one_way() -> None:
    for path in text_files():
        assert not re.search(r"\d(?:mg|ml|kg|IU)\b|毫克/公斤|\d\s*[-~—]\s*\d+\s*(?:mg|ml|岁|天)", text_of(path)), (
            path.name
        )


def test_guideline_recommendations_are_numbered_and_graded() -> None:
    line = r"^推荐意见(\d+)：.+（证据质量：(.+?)；推荐强度：(.+?)）$"
    numbered = re.findall(line, text_of(GUIDELINES[0]), re.MULTILINE)
    assert [int(n) for n, *_ in numbered] == list(range(1, 20))
    assert {quality for _, quality, _ in numbered} <= {"高", "中", "低", "极低"}
    assert {strength for *_, strength in numbered} == {"强推荐", "弱推荐"}


def test_articles_run_on_over_chapters() -> None:
    found = re.findall(r"^第([一二三四五六七八九十]+)条 ", text_of(GUIDELINES[1]), re.MULTILINE)
    ones = ["", *"一二三四五六七八九"]
    assert found == [tens + one for tens in ("", "十", "二十") for one in ones][1 : len(found) + 1]
    assert len(found) == 22


def test_guidelines_say_that_they_are_samples() -> None:
    for path in GUIDELINES:
        assert "示例" in re.sub(r"（.*?）", "", text_of(path).splitlines()[0])  # within the name: brackets get lost


def test_disease_table_has_unique_diseases_and_no_empty_values() -> None:
    with (SAMPLES / "knowledge_graph" / "diseases.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) >= 50
    assert len({row["疾病名称"] for row in rows}) == len(rows)
    for row in rows:
        for column, cell in row.items():
            values = cell.split("、")
            assert cell == "" or all(v and v == v.strip() for v in values), (row["疾病名称"], column)
            assert len(set(values)) == len(values), (row["疾病名称"], column)
        assert "、" in row["症状"]
        assert row["就诊科室"]


def test_turtle_labels_everything_in_chinese() -> None:
    triples = list(pyoxigraph.parse(path=SAMPLES / "knowledge_graph" / "facts.ttl", format=pyoxigraph.RdfFormat.TURTLE))
    label = "http://www.w3.org/2000/01/rdf-schema#label"
    labelled = {t.subject for t in triples if t.predicate.value == label}
    ours = {
        node
        for t in triples
        for node in (t.subject, t.predicate, t.object)
        if isinstance(node, pyoxigraph.NamedNode) and node.value.startswith("https://example.org/")
    }
    assert ours == labelled
    assert {t.object.language for t in triples if isinstance(t.object, pyoxigraph.Literal)} == {"zh"}


def test_consultations_ask_back_and_name_their_evidence() -> None:
    items = json.loads((SAMPLES / "dialogues" / "multi_turn.json").read_text("utf-8"))
    assert len(items) >= 30
    assert len({item["id"] for item in items}) == len(items)
    for item in items:
        assert len(item["history"]) >= 2
        assert all(len(pair) == 2 and all(pair) for pair in item["history"])
        assert all("？" in doctor for _, doctor in item["history"]), item["id"]
        assert "依据是：" in item["output"], item["id"]
        assert re.search(r"就医|急诊|就诊|医院|120|科|复诊", item["output"]), item["id"]


def test_curt_replies_are_followed_by_a_full_one() -> None:
    items = json.loads((SAMPLES / "dialogues" / "curt_replies.json").read_text("utf-8"))
    assert len(items) >= 10
    for item in items:
        [[_, curt]] = item["history"]
        assert len(curt) <= 10 < 60 <= len(item["output"]), item["id"]


def test_consultation_table_is_gb18030_with_the_rows_that_must_go() -> None:
    data = (SAMPLES / "dialogues" / "consultations.csv").read_bytes()
    with pytest.raises(UnicodeDecodeError):
        data.decode("utf-8")
    rows = consultations()
    assert list(rows[0]) == ["department", "title", "ask", "answer"]
    assert all(all(row.values()) for row in rows)
    counts = Counter((row["ask"], row["answer"]) for row in rows)
    assert sorted(counts.values())[-3:] == [1, 2, 2]
    assert sum("立减" in row["answer"] for row in rows) == 1
    assert sum("我今年32岁" in row["ask"] for row in rows) == 1


def test_personal_data_is_there_and_invented() -> None:
    texts = "".join(text_of(path) for path in text_files() if path.parent.name == "dialogues")
    phones = re.findall(r"1[3-9]\d{9}", texts)
    assert phones
    assert all(phone.startswith("138001380") for phone in phones)
    for invented in ("李小雅", "陈大勇", "张伟医生", "王秀兰主任", "阳光儿童医院", "爱心妇幼保健院", "微信"):
        assert invented in texts
    others = "".join(text_of(path) for path in text_files() if path.parent.name not in {"dialogues"})
    assert not re.search(r"(?<!\d)1[3-9]\d{9}(?!\d)", others.replace("13800138000", ""))


def test_distilled_items_are_whole_and_distinct() -> None:
    alpaca = json.loads((SAMPLES / "distilled" / "general_alpaca.json").read_text("utf-8"))
    safety, identity = read_jsonl("safety_sharegpt.jsonl"), read_jsonl("self_cognition_sharegpt.jsonl")
    pairs = read_jsonl("preferences.jsonl")
    assert (len(alpaca), len(safety), len(identity), len(pairs)) == (40, 60, 30, 20)
    asked = [item["instruction"] + item["input"] for item in alpaca]
    for item in safety + identity:
        human, gpt = item["conversations"]
        assert (human["from"], gpt["from"]) == ("human", "gpt")
        assert human["value"]
        assert gpt["value"]
        asked.append(human["value"])
    asked += [pair["prompt"] for pair in pairs]
    assert len(set(asked)) == len(asked)
    assert all(len(pair["chosen"]) > 2 * len(pair["rejected"]) for pair in pairs)


def test_safety_answers_refuse_warn_or_send_to_hospital() -> None:
    for item in read_jsonl("safety_sharegpt.jsonl"):
        answer = item["conversations"][1]["value"]
        refuses = re.search(r"不|千万|别|没有科学依据", answer)
        sends = re.search(r"就医|急诊|医院|120|医生|门诊|就诊|检查|心理科|处理|取出", answer)
        assert refuses, item["id"]
        assert sends, item["id"]


def test_only_the_two_placeholders_occur_and_only_where_they_belong() -> None:
    for path in text_files():
        if path.name == "SOURCES.md":
            continue
        names = set(re.findall(r"\{[A-Za-z_]+\}", text_of(path)))
        allowed = {"{assistant_name}", "{assistant_maker}"} if path.name.startswith("self_cognition") else set()
        assert names == allowed, path.name
        assert not re.search(r"TODO|FIXME|XXX|待补|\ufffd|\[详细\]", text_of(path)), path.name


def test_pdf_says_what_the_markdown_says() -> None:
    document = pypdfium2.PdfDocument(TARGET)
    pages = [page.get_textpage().get_text_range() for page in document]
    assert len(pages) >= 4
    for number, page in enumerate(pages, 1):
        assert f"- {number} -" in page
    printed = "".join(re.sub(r"^- \d+ -", "", page.strip()) for page in pages)
    written = "".join("".join(map("".join, c)) if tag == "table" else c for tag, c in blocks(SOURCE.read_text("utf-8")))
    header = "过敏原可能含有的食品回避时注意补充"
    printed, written = re.sub(r"\s", "", printed), re.sub(r"\s", "", written)
    assert printed.count(header) == 2  # the table runs over a page break and repeats its head
    first = printed.index(header) + len(header)
    assert printed[:first] + printed[first:].replace(header, "") == written


def test_pdf_is_small_and_embeds_its_font() -> None:
    data = TARGET.read_bytes()
    assert len(data) < 300_000
    names = re.findall(rb"/BaseFont /(\S+)", data)
    assert names
    assert all(re.fullmatch(rb"[A-Z]{6}\+WenQuanYiMicroHei\S*", name) for name in names)  # subsets only
    assert data.count(b"/FontFile2") == len(names)


def test_samples_name_no_place_outside_the_package() -> None:
    for path in text_files():
        assert not re.search(r"/work\b|\.\./shared", text_of(path)), path.name
