"""One way to compile a loop over arrays: without the interpreter's lock, and kept on the disk between runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast

import numba

F = TypeVar("F", bound=Callable[..., object])


def jit(function: F) -> F:
    """`function` compiled at its first call; threads may run it side by side.

    Cost: a second or two at the first call ever, milliseconds later (numba keeps the machine code in
    `__pycache__`, or in `NUMBA_CACHE_DIR`).
    """
    return cast(F, numba.njit(nogil=True, cache=True)(function))
