"""Triples: every value in a cell is kept or dropped for a reason."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from schemas.errors import PartRefused
from sources.cells import values_of
from sources.knowledge_graph import KnowledgeGraph
from sources.relations import BY_NAME
from tests.sources.table_readers import read, reasons

GRAPH = KnowledgeGraph(source_id="kg", license="MIT")


def triples(path: Path, content: str | bytes, source: KnowledgeGraph = GRAPH) -> list[dict[str, Any]]:
    return read(source, path, content)[0]["triple"]


def facts(rows: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
    return [(r["head"], r["relation"], r["tail"]) for r in rows if r["drop_reason"] is None]


def kept(cell: str, relation: str) -> list[str]:
    return [value for value, reason in values_of(cell, BY_NAME[relation]) if reason is None]


@pytest.mark.parametrize(
    ("relation", "cell", "values"),
    [
        ("症状", "发热 咳嗽 流涕 [详细]", ["发热", "咳嗽", "流涕"]),
        ("症状", "发热、咳嗽，流涕；呕吐,腹泻;皮疹", ["发热", "咳嗽", "流涕", "呕吐", "腹泻", "皮疹"]),
        ("症状", "颈部怕前屈，怕仰伸 头痛", ["颈部怕前屈，怕仰伸", "头痛"]),
        ("症状", "口、眼、生殖器损害 关节肿痛", ["口、眼、生殖器损害", "关节肿痛"]),
        ("症状", "腹痛（伴恶心、呕吐） 腹胀", ["腹痛（伴恶心、呕吐）", "腹胀"]),
        ("检查", "耳、鼻、咽拭子细菌培养", ["耳、鼻、咽拭子细菌培养"]),
        ("检查", "2,3-二磷酸甘油酸 血清cd55,cd59", ["2,3-二磷酸甘油酸", "血清cd55,cd59"]),
        ("检查", "MRI 颅脑CT Hb-F碱变性试验", ["MRI", "颅脑CT", "Hb-F碱变性试验"]),
        ("治疗方式", "对症治疗 、药物治疗、饮食治疗", ["对症治疗", "药物治疗", "饮食治疗"]),
        ("治疗方式", "一般可以自愈，2岁后不自愈可以行手术治疗", ["一般可以自愈，2岁后不自愈可以行手术治疗"]),
        (
            "别名",
            "小儿Wedderburn 综合征,小儿眼、口、生殖器综合征",
            ["小儿Wedderburn 综合征", "小儿眼、口、生殖器综合征"],
        ),
        ("治疗方式", "矫治训练①手眼协调训练②结构化训练", ["矫治训练", "手眼协调训练", "结构化训练"]),
        ("别名", "溶血性贫血, 贫血，疝", ["溶血性贫血", "贫血", "疝"]),
        ("好发人群", "以3～8岁居多，男女比例约为2∶1", ["以3～8岁居多，男女比例约为2∶1"]),
        ("发病部位", "胃 胃", ["胃"]),
        ("治疗周期", "治疗周期7---14天", ["7-14天"]),
        ("治愈率", "治愈率约85%", ["约85%"]),
        ("就诊科室", "儿科 呼吸内科", ["儿科", "呼吸内科"]),
    ],
)
def test_cells_are_cut_where_values_end(relation: str, cell: str, values: list[str]) -> None:
    assert kept(cell, relation) == values


@pytest.mark.parametrize(
    ("relation", "cell", "reason"),
    [
        ("常用药物", "小儿化痰止咳颗...", "truncated_value"),
        ("常用药物", "口服补液盐散(...", "truncated_value"),
        ("常用药物", ">> 应该如何用药？用什么药？ [详细]", "junk_value"),
        ("并发症", "暂无相关资料", "junk_value"),
        ("治愈率", "法彻底根治", "implausible_value"),
        ("治愈率", "一般在正规综合三甲医院的典型病例治愈率(5", "truncated_value"),
        ("治疗周期", "4-8%", "implausible_value"),
        ("治疗方式", "营养不良", "implausible_value"),
        ("治疗方式", "恶心与呕吐", "implausible_value"),
        ("治疗方式", "3-6个月", "implausible_value"),
        ("治疗方式", "CT检查", "implausible_value"),
        ("常用药物", "过敏原检测仪", "implausible_value"),
    ],
)
def test_what_is_no_value_is_dropped_by_reason(relation: str, cell: str, reason: str) -> None:
    assert [found for _, found in values_of(cell, BY_NAME[relation])] == [reason]


def test_treatments_need_no_word_for_treatment() -> None:
    for cell in (
        "静脉注射免疫球蛋白、造血干细胞移植、隔离、口服聚乙二醇、多饮水、户外活动、血糖监测、增加喂养次数、去除诱因",
        "抗感染、控制惊厥、纠正贫血、控制原发病、消炎、退热、补液防脱水、蓝光照射、洗胃、石膏固定、按摩、布洛芬混悬液",
    ):
        assert kept(cell, "治疗方式") == cell.split("、")


def test_a_value_cut_at_the_end_of_a_long_cell_is_dropped() -> None:
    cell = "家族性脾性贫血,脑甙病,脑苷脂网状内皮细胞病,葡萄糖脑酰胺沉"
    assert list(values_of(cell, BY_NAME["别名"]))[-1] == ("葡萄糖脑酰胺沉", "truncated_value")


@pytest.mark.parametrize(
    "cell", ["（" * 90_000, "（" * 40_000 + "）" * 40_000, "、".join(["ab"] * 30_000), "a " * 49_000]
)
def test_no_cell_takes_long(cell: str) -> None:
    for relation in ("症状", "别名", "治疗方式"):
        assert list(values_of(cell, BY_NAME[relation]))


def test_an_entity_table(tmp_path: Path) -> None:
    content = (
        "name,alias,symptom,drug,department,,\n"
        "小儿肺炎,小儿急性肺炎,发热 咳嗽 咳嗽,蛇胆川贝胶囊 复方小檗碱鞣酸...,儿科 呼吸内科,,\n"
        "2-10天,,发热,儿科,,三叉神经痛,\n"
        ",别的,发热,,,,\n"
    )
    rows = triples(tmp_path / "a.csv", content.encode("gb18030"))
    assert facts(rows) == [
        ("小儿肺炎", "别名", "小儿急性肺炎"),
        ("小儿肺炎", "症状", "发热"),
        ("小儿肺炎", "症状", "咳嗽"),
        ("小儿肺炎", "常用药物", "蛇胆川贝胶囊"),
        ("小儿肺炎", "就诊科室", "儿科"),
        ("小儿肺炎", "就诊科室", "呼吸内科"),
    ]
    assert reasons(rows) == {None: 6, "duplicate_value": 1, "truncated_value": 1, "shifted_columns": 3, "no_name": 2}
    assert {r["tail_type"] for r in rows if r["relation"] == "症状" and not r["drop_reason"]} == {"症状"}
    assert len({r["group_id"] for r in rows if r["head"] == "小儿肺炎"}) == 1
    assert [r["locator"] for r in rows][-1] == "row 3"


def test_entities_as_json_with_lists(tmp_path: Path) -> None:
    entity = {
        "_id": 7,
        "name": "百日咳",
        "symptom": ["痉咳", "痉咳", "nan"],
        "cure_way": ["药物治疗"],
        "desc": "一种病，多见。",
    }
    rows = triples(tmp_path / "a.json", json.dumps(entity, ensure_ascii=False) + "\n" + json.dumps(entity))
    assert facts(rows)[:3] == [
        ("百日咳", "症状", "痉咳"),
        ("百日咳", "治疗方式", "药物治疗"),
        ("百日咳", "简介", "一种病，多见。"),
    ]
    assert reasons(rows) == {None: 6, "duplicate_value": 2}


def test_columns_map_an_unknown_entity_table(tmp_path: Path) -> None:
    content = "bm,zz,id\n百日咳,痉咳、呕吐,1\n"
    with pytest.raises(PartRefused, match="bm, zz, id"):
        triples(tmp_path / "a.csv", content)
    source = KnowledgeGraph(source_id="kg", columns={"name": "bm", "症状": "zz"})
    assert facts(triples(tmp_path / "a.csv", content, source)) == [
        ("百日咳", "症状", "痉咳"),
        ("百日咳", "症状", "呕吐"),
    ]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", "head,relation,tail\n霍乱,symptom,腹泻\n霍乱,并发症,脱水\n"),
        ("a.tsv", "霍乱\t症状\t腹泻\n霍乱\t并发症\t脱水\n霍乱\t症状\t\n"),
        (
            "a.jsonl",
            '{"subject":"霍乱","predicate":"症状","object":"腹泻"}\n{"subject":"霍乱","predicate":"并发症","object":"脱水"}',
        ),
        (
            "a.json",
            '[{"text":"…","spo_list":[{"subject":"霍乱","predicate":"症状","object":{"@value":"腹泻"}},["霍乱","并发症","脱水"]]}]',
        ),
    ],
)
def test_triple_lists(tmp_path: Path, name: str, content: str) -> None:
    rows = triples(tmp_path / name, content)
    assert facts(rows) == [("霍乱", "症状", "腹泻"), ("霍乱", "并发症", "脱水")]
    assert [r["tail_type"] for r in rows][:2] == ["症状", "疾病"]
    assert reasons(rows).get("incomplete_triple", 0) == (1 if name == "a.tsv" else 0)


def test_vocabularies(tmp_path: Path) -> None:
    assert facts(triples(tmp_path / "a.csv", "code\tdisease\nA00\t霍乱\nA05\t食物中毒,其他\n")) == [
        ("霍乱", "ICD-10编码", "A00"),
        ("食物中毒,其他", "ICD-10编码", "A05"),
    ]
    assert facts(triples(tmp_path / "b.txt", "精神\t606946\n医院 \t580436\n")) == [
        ("精神", "词频", "606946"),
        ("医院", "词频", "580436"),
    ]


def test_a_tree_of_any_depth(tmp_path: Path) -> None:
    tree: dict[str, Any] = {"value": "A00", "label": "霍乱"}
    for i in range(60):
        tree = {"value": "A00-B99", "label": f"类{i}", "children": [tree]}
    rows = triples(tmp_path / "a.json", json.dumps([tree]))
    assert ("霍乱", "属于", "类0") in facts(rows)
    assert ("霍乱", "ICD-10编码", "A00") in facts(rows)
    assert len(rows) == 61 + 60
    assert len({r["locator"] for r in rows}) == 61


def test_adult_values_of_child_diseases_go_only_from_paediatric_sources(tmp_path: Path) -> None:
    content = "name,complication\n小儿胆总管囊肿,人流后妇科病 胆管炎\n"
    assert reasons(triples(tmp_path / "a.csv", content)) == {None: 1, "adult_value": 1}
    source = KnowledgeGraph(source_id="kg", topic="medical")
    assert reasons(triples(tmp_path / "a.csv", content, source)) == {None: 2}


def test_two_columns_of_prose_are_no_vocabulary(tmp_path: Path) -> None:
    with pytest.raises(PartRefused, match="Name the columns by position") as caught:
        triples(tmp_path / "a.csv", "咳嗽怎么办,多喝水\n发烧怎么办,休息\n")
    assert str(caught.value).startswith("sources.kg: a.csv: ")


def test_where_drops_other_rows(tmp_path: Path) -> None:
    source = KnowledgeGraph(source_id="kg", where={"department": "儿科"})
    rows = triples(tmp_path / "a.csv", "name,symptom,department\n甲病,发热,儿科\n乙病,发热,外科\n", source)
    assert reasons(rows) == {None: 2, "filtered_by_where": 1}


TURTLE = """@prefix : <http://ex.org/kg#> . @prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
:d1 a :Disease ; rdfs:label "measles"@en, "麻疹"@zh ; :hasSymptom :s1, [ rdfs:label "x" ] ;
  :incubation "10"^^xsd:integer .
:s1 rdfs:label "发热"@zh . :Disease rdfs:label "疾病"@zh . :incubation rdfs:label "潜伏期天数"@zh .
"""


def test_rdf_has_names_for_people(tmp_path: Path) -> None:
    rows, report = read(GRAPH, tmp_path / "a.ttl", TURTLE)
    assert facts(rows["triple"]) == [
        ("麻疹", "类型", "疾病"),
        ("麻疹", "症状", "发热"),
        ("麻疹", "潜伏期天数", "10"),
    ]
    assert reasons(rows["triple"]) == {None: 3, "label_statement": 6, "blank_node": 1}
    symptom = next(r for r in rows["triple"] if r["relation"] == "症状")
    assert (symptom["head_type"], symptom["tail_type"]) == ("疾病", "症状")
    assert next(r for r in rows["triple"] if r["tail"] == "10")["tail_type"] == "integer"
    assert report.format == "turtle"


def test_broken_rdf_keeps_what_came_before(tmp_path: Path) -> None:
    content = "<http://e/a> <http://e/b> <http://e/%E9%BA%BB%E7%96%B9> .\n<http://e/a> oops\n"
    rows, report = read(GRAPH, tmp_path / "a.nt", content)
    assert facts(rows["triple"]) == [("a", "b", "麻疹")]
    assert reasons(rows["triple"]) == {None: 1, "bad_rdf": 1}
    assert "statement 2" in report.notes[0]
