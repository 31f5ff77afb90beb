"""Which files a source has: the same everywhere, none left out without a word."""

from __future__ import annotations

import os
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
