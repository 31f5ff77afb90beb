"""Names, their keys and their kinds."""

import pytest

from pipelines.check.mentions import bounds, kinds_of
from pipelines.check.reading import Reading


def keys(text: str, type_: str = "") -> list[str]:
    return [m.key for m in Reading(text).mentions if not type_ or m.type == type_]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("对乙酰氨基酚", "扑热息痛"),
        ("泰诺林", "对乙酰氨基酚"),
        ("布洛芬混悬液", "美林"),
        ("发烧", "发热"),
        ("拉肚子", "腹泻"),
        ("抽风", "惊厥"),
        ("DTaP", "百白破"),
        ("乙型肝炎疫苗", "乙肝疫苗"),
        ("静滴", "打点滴"),
        ("肌注", "肌肉里打"),
        ("监护人", "家长"),
        ("卫健委", "卫生健康主管部门"),
    ],
)
def test_two_names_of_one_thing_have_one_key(one: str, other: str) -> None:
    assert keys(one)[0] == keys(other)[0]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("肾上腺素", "去甲肾上腺素"),
        ("维生素D", "维生素B12"),
        ("静脉推注", "静脉滴注"),
        ("疾病预防控制机构", "卫生健康主管部门"),
        ("泼尼松", "泼尼松龙"),
        ("高钾血症", "低钾血症"),
    ],
)
def test_two_things_have_two_keys(one: str, other: str) -> None:
    assert keys(one)[0] != keys(other)[0]


def test_a_longer_name_hides_what_it_contains() -> None:
    assert keys("去甲肾上腺素", "drug") == ["去甲肾上腺素"]
    assert keys("左右两侧各一，大约两天左右", "organ") == []


def test_kinds_go_up_to_the_widest() -> None:
    assert kinds_of("阿莫西林") == ("阿莫西林", "青霉素类", "抗菌药")
    assert "iv" in kinds_of("iv_drip")
    assert "im" not in kinds_of("iv_drip")


def test_a_body_that_no_list_has_is_known_by_its_ending() -> None:
    found = [m.text for m in Reading("由市林业主管部门责令改正。").mentions if m.type == "actor"]
    assert found == ["市林业主管部门"]


def test_a_listed_body_is_not_lengthened_by_what_stands_before_it() -> None:
    assert keys("应当立即报告公安机关", "actor") == ["公安机关"]


def test_ages_are_intervals_in_months() -> None:
    ages = [m.key for m in Reading("1～3岁每次4 ml，12岁以上10 ml，婴儿慎用。").mentions if bounds(m.key)]
    assert ages == ["age:12-36", "age:144-", "age:0-12"]


def test_spans_are_what_they_say() -> None:
    text = "【用法】１～３岁：布洛芬（美林）口服；医师指导。"
    reading = Reading(text)
    assert reading.mentions
    for mention in reading.mentions:
        assert reading.folded[mention.start : mention.end] == mention.text
