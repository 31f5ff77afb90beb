"""Choosing words: the same record always gets the same phrasing, different records different ones."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


def draw(n: int, *key: str) -> int:
    """A number in `range(n)` that depends on nothing but `key`."""
    digest = hashlib.blake2b("\x1f".join(key).encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "little") % n


def pick(options: Sequence[T], *key: str) -> T:
    """One of `options`, by `key`."""
    return options[draw(len(options), *key)]


def shuffled(options: Sequence[T], *key: str) -> list[T]:
    """`options` in an order that depends on `key`."""
    order = sorted(range(len(options)), key=lambda i: (draw(1 << 30, *key, str(i)), i))
    return [options[i] for i in order]


def listed(items: Sequence[str]) -> str:
    """`甲、乙和丙` as people list things."""
    if len(items) < 2:
        return "".join(items)
    return "、".join(items[:-1]) + "和" + items[-1]
