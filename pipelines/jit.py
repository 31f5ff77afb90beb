"""One way to compile a loop over arrays: without the interpreter's lock, and kept on the disk between runs."""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar, cast

import numba

F = TypeVar("F", bound=Callable[..., object])

_UNUSED_DAYS: Final = 30


def jit(function: F) -> F:
    """`function` compiled at its first call; threads may run it side by side.

    Cost: some seconds for all of them at the first call ever, half a second later: the machine code is kept in
    `$XDG_CACHE_HOME/pedcorpus`, or `~/.cache/pedcorpus`, or where `NUMBA_CACHE_DIR` says.
    """
    return cast(F, numba.njit(nogil=True, cache=_HAS_CACHE)(function))


def _prepare_cache() -> bool:
    """Sets the folder for machine code; False where there is none to be written to, so that nothing is kept.

    The folder is named by a hash of our code. numba itself looks at the file of the outermost function only, and
    would go on with what was compiled from an older version of a function inside.
    """
    if "NUMBA_CACHE_DIR" in os.environ:
        return True
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "pedcorpus")
    folder = base / f"numba-{_code_hash()}"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.utime(folder)
        _forget_unused(base)
    except OSError:
        return False
    vars(numba.config)["CACHE_DIR"] = str(folder)
    return os.access(folder, os.W_OK)


def _code_hash() -> str:
    digest = hashlib.blake2b(digest_size=8)
    root = Path(__file__).parent
    for path in sorted([*root.glob("*.py"), *root.glob("near/*.py"), *root.glob("check/*_kernels.py")]):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _forget_unused(base: Path) -> None:
    """Removes what older versions of the code left here."""
    for folder in base.glob("numba-*"):
        if folder.stat().st_mtime < time.time() - _UNUSED_DAYS * 86_400:
            shutil.rmtree(folder, ignore_errors=True)


_HAS_CACHE: Final = _prepare_cache()
