"""Word lists that stages judge by: package data, one entry a line, `#` starts a comment.

A `.txt` file holds words (several a line, separated by blanks); a `.tsv` file holds rows whose first line names the
columns. Every list was written for this project; a list that states a medical rule names the source of each row.
"""

from __future__ import annotations

import functools
from importlib.resources import files


@functools.cache
def words(name: str) -> tuple[str, ...]:
    """The words of `<name>.txt`, in the order of the file.

    Raises:
        FileNotFoundError: there is no such list.
    """
    return tuple(dict.fromkeys(word for line in _lines(f"{name}.txt") for word in line.split()))


@functools.cache
def rows(name: str) -> tuple[dict[str, str], ...]:
    """The rows of `<name>.tsv` as column → cell, in the order of the file.

    Raises:
        FileNotFoundError: there is no such list.
        ValueError: a row has another number of cells than there are columns.
    """
    lines = _lines(f"{name}.tsv")
    header = lines[0].split("\t")
    return tuple(dict(zip(header, line.split("\t"), strict=True)) for line in lines[1:])


def _lines(file_name: str) -> list[str]:
    text = files(__name__).joinpath(file_name).read_text("utf-8")
    stripped = (line.split("#", 1)[0].rstrip() for line in text.splitlines())
    return [line for line in stripped if line]
