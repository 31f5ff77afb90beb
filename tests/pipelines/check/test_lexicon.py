"""Lists of names: kinds, the user's own list, its mistakes."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.check.lexicon import LISTS, TYPES, kinds_of, lexicon, use_lexicon
from pipelines.check.reading import Reading
from pipelines.lexicons import rows


@pytest.fixture(autouse=True)
def _own_list_ends() -> Iterator[None]:
    yield
    use_lexicon(None)


def keys(text: str) -> list[tuple[str, str]]:
    return [(m.type, m.key) for m in Reading(text).mentions]


def test_every_row_has_a_type_and_words() -> None:
    for each in LISTS:
        for row in rows(each):
            assert row["type"] in TYPES
            assert row["words"].split()


def test_no_name_is_its_own_kind() -> None:
    for key in lexicon().parents:
        kinds = kinds_of(key)
        assert len(set(kinds)) == len(kinds)


@pytest.mark.parametrize(("name", "kind"), [("头孢唑林", "头孢菌素类"), ("诺氟沙星", "抗菌药"), ("头颅超声", "超声")])
def test_a_name_is_of_a_kind(name: str, kind: str) -> None:
    assert kind in kinds_of(name)


def test_a_list_of_the_users_counts_above_ours(tmp_path: Path) -> None:
    path = tmp_path / "own.tsv"
    path.write_text("type\tkey\twords\ndrug\t虚构平\t虚构平片 假想达\ndrug\t布洛芬\t芬宁宁\t自家药\n", encoding="utf-8")
    assert ("drug", "虚构平") not in keys("每日用假想达。")
    use_lexicon(path)
    assert ("drug", "虚构平") in keys("每日用假想达一次。")
    assert keys("芬宁宁") == keys("美林") == [("drug", "布洛芬")]
    assert kinds_of("布洛芬")[1] == "自家药"
    use_lexicon(None)
    assert ("drug", "虚构平") not in keys("每日用假想达两次。")


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("drug\t虚构平", "line 2: 2 cells"),
        ("medicine\t虚构平\t虚构平片", "line 2: there is no type 'medicine'"),
        ("drug\t\t虚构平片", "line 2: the key is missing"),
        ("drug\t虚构平\t ", "line 2: the words are missing"),
    ],
)
def test_a_wrong_row_is_named_by_its_line(tmp_path: Path, row: str, says: str) -> None:
    path = tmp_path / "own.tsv"
    path.write_text(f"# ours\n{row}\n", encoding="utf-8")
    with pytest.raises(ValueError, match=says) as caught:
        use_lexicon(path)
    assert str(path) in str(caught.value)
    assert keys("美林") == [("drug", "布洛芬")]


def test_a_list_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"none\.tsv"):
        use_lexicon(tmp_path / "none.tsv")
