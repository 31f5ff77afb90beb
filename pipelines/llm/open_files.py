"""Each connection is an open file, and a process may have only so many of them."""

from __future__ import annotations

from typing import Final

_OTHERS: Final = 128
"""Kept free for the ledger, shards, logs and libraries."""


def connections_allowed(wanted: int) -> int:
    """How many of so many connections the process may open; its soft limit is raised where that is too low."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return wanted
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = wanted + 2 * _OTHERS
    if soft != resource.RLIM_INFINITY and soft < needed:
        raised = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (raised, hard))
        soft = raised
    return wanted if soft == resource.RLIM_INFINITY else max(1, min(wanted, soft - _OTHERS))
