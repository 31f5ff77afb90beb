"""What is said of a provision that was superseded: written for a person, and read back for the lists.

    d0123…｜《中华人民共和国母婴保健法实施办法》（2023，新增0条）｜第八条｜「…劳动保障、计划生育等…」→「…人力资源社会保障等…」

Four fields: the record that took its place (`–` where there is none), the newer version and how many provisions of it
the older one did not have, the place, and what changed.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from pipelines.superseded.differences import difference
from pipelines.superseded.provisions import Pair
from pipelines.superseded.versions import Version

UNCHANGED, CHANGED, REMOVED = "unchanged", "changed", "removed"
_NOTHING: Final = "–"
_SEPARATOR: Final = "｜"
_MAX_PLACE_CHARS: Final = 40
_MAX_TITLE_CHARS: Final = 100
_NEWER: Final = re.compile(r"(.*)（(?:\d{1,4}，)?新增(\d+)条）", re.DOTALL)


class Told(NamedTuple):
    """What a `drop_detail` tells."""

    record_id: str | None
    newer: str
    """Title of the newer version and its year, as in `newer_name`."""
    n_added: int
    place: str
    change: str


def newer_name(version: Version, n_added: int) -> str:
    """How the newer version is called in every finding about one older version."""
    title = version.documents[0].title.strip("《》")[:_MAX_TITLE_CHARS]
    year = "" if version.year is None or str(version.year) in title else f"{version.year}，"
    return f"《{title}》（{year}新增{n_added}条）".replace(_SEPARATOR, "|")


def reason_of(pair: Pair) -> str:
    """`unchanged`, `changed` or `removed`."""
    if pair.newer is None:
        return REMOVED
    return UNCHANGED if pair.is_equal else CHANGED


def detail_of(pair: Pair, newer: str) -> str:
    """The `drop_detail` of a provision."""
    if pair.newer is None:
        return _SEPARATOR.join((_NOTHING, newer, _clipped(pair.older.place), "清洗后的新版中没有对应的内容"))
    was, now = _clipped(pair.older.place), _clipped(pair.newer.place)
    place = was if was == now else f"{was or _NOTHING}→{now or _NOTHING}"
    change = "文字相同" if pair.is_equal else difference(pair.older.text, pair.newer.text) or "原文在其中，另有增补"
    return _SEPARATOR.join((pair.newer.record_id, newer, place, change))


def read_detail(detail: str) -> Told | None:
    """What a `drop_detail` tells, or None where it is none of this stage's."""
    fields = detail.split(_SEPARATOR, 3)
    named = _NEWER.fullmatch(fields[1]) if len(fields) == 4 else None
    if named is None:
        return None
    name = fields[1].replace(f"新增{named[2]}条", "").replace("，）", "）").replace("（）", "")
    return Told(None if fields[0] == _NOTHING else fields[0], name, int(named[2]), fields[2], fields[3])


def _clipped(place: str) -> str:
    plain = " ".join(place.split()).replace(_SEPARATOR, "|")
    return plain if len(plain) <= _MAX_PLACE_CHARS else f"{plain[: _MAX_PLACE_CHARS - 1]}…"
