"""Entities, actors, populations and routes against evidence, question and aliases."""

import pytest

from pipelines.check.actors import actor
from pipelines.check.entities import entity
from pipelines.check.populations import population
from pipelines.check.reading import Reading
from pipelines.check.routes import route
from pipelines.check.signals import Case, Check, Signal


def signals(check: Check, answer: str, evidence: str, question: str = "怎么办？") -> list[Signal]:
    return check(Case(Reading(question), Reading(answer), (Reading(evidence),)))


def said(check: Check, answer: str, evidence: str, question: str = "怎么办？") -> list[str]:
    return [answer[s.start : s.end] for s in signals(check, answer, evidence, question)]


@pytest.mark.parametrize(
    ("answer", "evidence", "wrong"),
    [
        ("长期用药者每年查一次维生素D。", "长期用药者每年查一次维生素B12。", ["维生素D"]),
        ("疑为麻疹时避免使用。", "疑为水痘时避免使用。", ["麻疹"]),
        ("可以用扑热息痛退烧。", "发热可用对乙酰氨基酚。", []),
        ("这类抗生素要吃满疗程。", "阿莫西林应服满疗程。", []),
        ("拉肚子的孩子先补液。", "腹泻患儿先补液。", []),
    ],
)
def test_names_that_nothing_known_has(answer: str, evidence: str, wrong: list[str]) -> None:
    assert said(entity, answer, evidence) == wrong


def test_what_the_asker_names_is_known() -> None:
    assert said(entity, "美林可以吃。", "布洛芬可用。", "能吃泰诺林吗？") == []
    assert said(entity, "泰诺林先不吃。", "布洛芬可用。", "能吃泰诺林吗？") == []


def test_another_name_in_its_place_weighs_more_than_none() -> None:
    beside = signals(entity, "慎用于青光眼患者。", "慎用于癫痫患者。")
    alone = signals(entity, "另外还要防青光眼。", "饭后服。")
    assert beside[0].strength > alone[0].strength
    assert beside[0].evidence_end > beside[0].evidence_start


@pytest.mark.parametrize(
    ("answer", "evidence", "wrong"),
    [
        ("由疾控中心责令改正。", "由县级以上卫生健康主管部门责令改正。", True),
        ("由卫健委责令改正。", "由县级以上卫生健康主管部门责令改正。", False),
        ("由家长给孩子注射。", "由接诊医师给患儿注射。", True),
        ("由医生给孩子注射。", "由接诊医师给患儿注射。", False),
        ("不放心就带去医院问问医生。", "每日3次，饭后服。", False),
        ("学校要向民政部门报告。", "学校应当向公安机关报告。", True),
    ],
)
def test_who_acts(answer: str, evidence: str, wrong: bool) -> None:
    assert bool(said(actor, answer, evidence)) is wrong


@pytest.mark.parametrize(
    ("answer", "evidence", "wrong"),
    [
        ("6岁以下不推荐使用。", "3岁以下不推荐使用。", True),
        ("3岁以下不推荐使用。", "3岁以下不推荐使用。", False),
        ("半岁以下的不用。", "6个月以下不推荐使用。", False),
        ("2岁的孩子可以用。", "1～3岁可以用。", False),
        ("早产儿可用，效果好。", "足月儿可用，效果好。", True),
        ("第一类疫苗不得销售。", "不得销售第二类疫苗。", True),
        ("Ⅳ级反流者可考虑。", "Ⅲ～Ⅴ级反流者可考虑。", False),
        ("孩子不得入内。", "未成年人不得入内，成年人不限。", False),
        ("满12岁才可骑车。", "未满十二周岁的不得骑车。", False),
    ],
)
def test_for_whom(answer: str, evidence: str, wrong: bool) -> None:
    assert bool(said(population, answer, evidence)) is wrong


@pytest.mark.parametrize(
    ("answer", "evidence", "wrong"),
    [
        ("每月肌肉注射一次。", "每月一次肌内注射。", False),
        ("每月静脉注射一次。", "每月一次肌内注射。", True),
        ("喝下去就行，一天三次。", "口服，每日3次。", False),
        ("也可以改成打点滴。", "雾化吸入，不可静脉注射。", True),
        ("不能打点滴。", "雾化吸入，不可静脉注射。", False),
        ("每晚口服一次。", "每晚滴眼1次。", True),
    ],
)
def test_which_way(answer: str, evidence: str, wrong: bool) -> None:
    assert bool(said(route, answer, evidence)) is wrong


@pytest.mark.parametrize("check", [entity, actor, population, route])
def test_copied_evidence_is_never_flagged(check: Check) -> None:
    text = "3岁以下患儿由接诊医师肌内注射青霉素，不可静脉推注；学校应向公安机关报告。"
    assert signals(check, text, text) == []


@pytest.mark.parametrize("check", [entity, actor, population, route])
@pytest.mark.parametrize("text", ["", "（" * 3000, "不" * 9000 + "静脉", "由部门" * 3000, "左" * 9000, "0" * 15000])
def test_no_text_is_trouble(check: Check, text: str) -> None:
    assert isinstance(signals(check, text, text[::-1]), list)
