"""Which files a source has: the same everywhere, none left out without a word."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from schemas.errors import ConfigError
from sources.parts import list_parts
from tests.sources.toy import Toy


def files(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name, "utf-8")


def listed(base: Path, *patterns: str, skip: tuple[str, ...] = ()) -> tuple[list[str], dict[str, str]]:
    parts, refusals = list_parts(Toy("toys", path=patterns, skip=skip), base)
    return [p.path for p in parts], {r.path: r.reason for r in refusals}


def test_order_is_by_code_point_and_a_file_counts_once(tmp_path: Path) -> None:
    files(tmp_path, "b/乙.txt", "b/A.txt", "b/a.txt", "c.txt", ".hidden.txt", "b/.git/x.txt")
    assert listed(tmp_path, "b", "**/*.txt")[0] == ["b/A.txt", "b/a.txt", "b/乙.txt", "c.txt"]


def test_a_pattern_without_a_match_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as error:
        listed(tmp_path, "none/*.txt", "nor.txt")
    assert "nothing matches `none/*.txt`" in str(error.value)
    assert "nothing matches `nor.txt`" in str(error.value)


def test_skipped_files_are_listed(tmp_path: Path) -> None:
    files(tmp_path, "a.txt", "old/b.txt")
    assert listed(tmp_path, "**/*.txt", skip=("old/*",)) == (["a.txt"], {"old/b.txt": "skipped"})


def test_loops_of_links_end_and_are_named(tmp_path: Path) -> None:
    files(tmp_path, "d/a.txt")
    (tmp_path / "d" / "up").symlink_to(tmp_path / "d")
    (tmp_path / "d" / "self.txt").symlink_to(tmp_path / "d" / "self.txt")
    assert listed(tmp_path, "d") == (["d/a.txt"], {"d/self.txt": "link_loop", "d/up": "linked_folder"})


def test_names_with_glob_characters_are_found_by_their_own_name(tmp_path: Path) -> None:
    files(tmp_path, "办法(2017-11-17).md", "[旧]指南.md")
    assert listed(tmp_path, "[旧]指南.md", "办法(2017-11-17).md")[0] == ["[旧]指南.md", "办法(2017-11-17).md"]


def test_patterns_reach_outside_the_folder_and_names_may_begin_with_a_tilde(tmp_path: Path) -> None:
    base = tmp_path / "base"
    files(base, "~$讲义.txt", "甲\u3000乙.txt")
    files(tmp_path, "other/a.txt", "other/.b.txt")
    assert listed(base, "../other/*.txt", "~$讲义.txt", "甲*")[0] == ["../other/a.txt", "~$讲义.txt", "甲\u3000乙.txt"]
    assert listed(base, str(tmp_path / "oth*" / "*.txt"))[0] == ["../other/a.txt"]


def test_a_home_is_expanded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    files(tmp_path, "home/a.txt", "base/b.txt")
    assert listed(tmp_path / "base", "~/*.txt")[0] == ["../home/a.txt"]


def test_a_pattern_that_is_none_is_a_mistake(tmp_path: Path) -> None:
    files(tmp_path, "a.txt")
    if sys.version_info < (3, 13):  # from then on `**` inside a name means `*`
        with pytest.raises(ConfigError, match=r"`\*\*\.txt` cannot be looked up"):
            listed(tmp_path, "**.txt")
    with pytest.raises(ConfigError, match="File name too long"):
        listed(tmp_path, "a" * 300)


def test_a_name_that_is_no_text_is_refused(tmp_path: Path) -> None:
    """As archives made on Chinese Windows leave them: such a name fits neither into JSON nor into Parquet."""
    files(tmp_path, "a.txt")
    (Path(os.fsdecode(os.fsencode(tmp_path) + "/儿科.txt".encode("gb18030")))).write_text("x", "utf-8")
    (tmp_path / "b\nc.txt").write_text("x", "utf-8")
    parts, refused = listed(tmp_path, ".")
    assert parts == ["a.txt"]
    assert set(refused.values()) == {"bad_name"}
    assert len(refused) == 2
    "".join(refused).encode("utf-8")


def test_what_the_program_keeps_is_no_source(tmp_path: Path) -> None:
    files(tmp_path, "a.txt", "store/x/README.md", "corpus.yaml", "old/store/b.txt", "old/corpus.yaml")
    ours = (tmp_path / "store", tmp_path / "corpus.yaml")
    for pattern in (".", "**/*", str(tmp_path)):
        parts, _ = list_parts(Toy("toys", path=(pattern,)), tmp_path, ours)
        assert [p.path for p in parts] == ["a.txt", "old/corpus.yaml", "old/store/b.txt"]
    parts, _ = list_parts(Toy("toys", path=("store/x/*.md",)), tmp_path)
    assert len(parts) == 1


def test_a_data_set_counts_once_and_a_damaged_one_is_refused(tmp_path: Path) -> None:
    files(tmp_path, "good/train/data.arrow", "bad/x.arrow", "worse/y.arrow")
    (tmp_path / "good" / "dataset_dict.json").write_text('{"splits": ["train"]}', "utf-8")
    (tmp_path / "bad" / "dataset_dict.json").write_text('{"splits": ["gone"]}', "utf-8")
    (tmp_path / "worse" / "dataset_dict.json").write_text("[", "utf-8")
    parts, refused = listed(tmp_path, "good", "./good", "bad", "worse")
    assert parts == ["good/train"]
    assert refused == {"bad": "damaged", "worse": "damaged"}


def test_a_dangling_link_and_a_pipe_are_refused(tmp_path: Path) -> None:
    (tmp_path / "gone.txt").symlink_to(tmp_path / "nowhere")
    os.mkfifo(tmp_path / "pipe.txt")
    assert listed(tmp_path, "*.txt") == ([], {"gone.txt": "unreadable", "pipe.txt": "not_a_file"})


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_what_may_not_be_read_is_refused(tmp_path: Path) -> None:
    files(tmp_path, "a.txt", "shut/b.txt")
    (tmp_path / "a.txt").chmod(0)
    (tmp_path / "shut").chmod(0)
    try:
        assert listed(tmp_path, ".") == ([], {"a.txt": "unreadable", "shut": "unreadable"})
    finally:
        (tmp_path / "shut").chmod(0o700)
