"""Names in each other's place, and nouns by their shape."""

import pytest

from pipelines.check.actors import actor
from pipelines.check.entities import entity
from pipelines.check.populations import population
from pipelines.check.reading import Reading
from pipelines.check.routes import route
from pipelines.check.shapes import nouns
from pipelines.check.signals import Check
from pipelines.check.slots import rival
from tests.pipelines.check.cases import case, signals

LAW = (
    "学校发生欺凌的，应当立即向公安机关报告。未按规定留样的，由市场监督管理部门责令改正，给予警告。"
    "教育部门负责日常管理，卫生健康部门负责疾病监测。"
)
WARD = "百日咳有阵发性痉咳，心力衰竭可有肝大、心脏杂音。布地奈德平时吸入，泼尼松口服，均由医师与家长共同决定。"


def rules(check: Check, answer: str, evidence: str, question: str = "") -> set[str]:
    return {s.check for s in signals(check, answer, evidence, question=question)}


def test_the_rival_is_the_name_whose_company_is_the_answers() -> None:
    one = case("心力衰竭有阵发性痉咳。", WARD)
    found = rival(one, one.answer.mentions[0])
    assert found is not None
    assert found.slot.mention.text == "百日咳"
    assert found.margin > 0.3


def test_a_name_in_its_own_place_has_no_rival() -> None:
    one = case("百日咳有阵发性痉咳。", WARD)
    assert rival(one, one.answer.mentions[0]) is None


@pytest.mark.parametrize(
    ("check", "answer", "evidence", "rule"),
    [
        (entity, "心力衰竭有阵发性痉咳。", WARD, "entity.slot"),
        (entity, "每年查血压、血脂、眼底和骨密度。", "每年查血压、血脂、眼底和肝功能。", "entity.list_new"),
        (route, "布地奈德平时口服。", WARD, "route.slot"),
        (actor, "未按规定留样的，由教育部门责令改正。", LAW, "actor.slot"),
        (actor, "由家长一个人决定。", WARD, "actor.alone"),
        (actor, "他妈妈小时候抽过。", "患者：他爸爸小时候抽过，妈妈没抽过。", "actor.relative"),
        (population, "女孩多于男孩。", "4～10个月最多见，男孩多于女孩。", "population.order"),
        (population, "女孩比男孩多。", "男多于女。", "population.order"),
    ],
)
def test_what_stands_in_another_place_is_flagged(check: Check, answer: str, evidence: str, rule: str) -> None:
    assert rule in rules(check, answer, evidence)


@pytest.mark.parametrize(
    ("check", "answer", "evidence"),
    [
        (entity, "百日咳会一阵一阵地痉咳。", WARD),
        (route, "布地奈德平时吸着用，泼尼松是口服的。", WARD),
        (actor, "没留样的由市场监管局责令改正并警告。", LAW),
        (actor, "由医生和家长一起决定，家长不要自己决定。", WARD),
        (population, "男孩比女孩多。", "4～10个月最多见，男孩多于女孩。"),
        (entity, "每年查眼底、血脂和血压。", "每年查血压、血脂、眼底和肝功能。"),
        (entity, "钾和钠都要查。", "用药期间监测电解质。"),
        (entity, "庆大霉素那类滴耳药不用。", "不用氨基糖苷类滴耳液。"),
        (entity, "急性肾炎要卧床。", "急性肾小球肾炎应卧床休息。"),
        (entity, "不能打水痘疫苗。", "11个月内不要打麻腮风和水痘。"),
    ],
)
def test_the_same_said_otherwise_is_not(check: Check, answer: str, evidence: str) -> None:
    assert rules(check, answer, evidence) == set()


@pytest.mark.parametrize(
    ("text", "sort", "noun"),
    [
        ("还有烟雾报警器要装。", "device", "烟雾报警器"),
        ("可以用虚拟沙星。", "drug", "虚拟沙星"),
        ("可见失神发作。", "event", "失神发作"),
        ("做XYZ评估。", "latin", "xyz"),
    ],
)
def test_a_noun_is_known_by_its_ending(text: str, sort: str, noun: str) -> None:
    assert (sort, noun) in {(n.sort, n.text) for n in nouns(Reading(text))}


def test_a_noun_that_nobody_knows_is_flagged_where_the_evidence_has_another() -> None:
    evidence = "出租人应当告知并可以协助安装窗台护挡器。"
    assert rules(entity, "出租人应当告知并可以协助安装烟感探测器。", evidence) == {"entity.replaced_shape"}
    assert rules(entity, "出租人可以协助安装窗台的护挡器。", evidence) == set()


@pytest.mark.parametrize("text", ["每次5 mg/kg，一天3片。", "一次一片", "请告知医生病情", "3.5 mmol/L"])
def test_amounts_are_no_nouns(text: str) -> None:
    assert nouns(Reading(text)) == ()
