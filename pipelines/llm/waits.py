"""How long a server asks to be left alone, and how long a call waits by itself before it tries again."""

from __future__ import annotations

import email.utils
import random
import re
import time
from collections.abc import Mapping
from typing import Final

_DURATION: Final = re.compile(r"(\d+(?:\.\d+)?)(ms|us|µs|ns|d|h|m|s)")
_UNITS: Final = {"d": 86_400.0, "h": 3_600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}
_NUMBER: Final = re.compile(r"\d{1,12}(\.\d{1,9})?")


def asked_wait_s(headers: Mapping[str, str]) -> float | None:
    """Seconds that the headers of an error ask to wait; None where they say nothing that can be understood."""
    if (ms := _seconds(headers.get("retry-after-ms"))) is not None:
        return ms / 1_000
    after = headers.get("Retry-After")
    if (found := _seconds(after)) is not None:
        return found
    if after and (date := _until(after)) is not None:
        return date
    resets = [_reset(headers, what) for what in ("requests", "tokens")]
    known = [wait for wait, used_up in resets if wait is not None and used_up]
    return max(known) if known else None


def _reset(headers: Mapping[str, str], what: str) -> tuple[float | None, bool]:
    """When an allowance is full again (`6m0s`, `120ms`, `59`), and whether it is used up, as far as it says."""
    given = (headers.get(f"x-ratelimit-reset-{what}") or "").strip()[:40]
    left = (headers.get(f"x-ratelimit-remaining-{what}") or "").strip()
    if (plain := _seconds(given)) is not None:
        # some give the moment itself, in seconds or milliseconds since 1970
        if plain > 1e11:
            plain /= 1_000
        return (max(0.0, plain - time.time()) if plain > 1e9 else plain), left in ("0", "")
    pieces = _DURATION.findall(given)
    if not pieces or "".join(n + unit for n, unit in pieces) != given:
        return None, False
    return sum(float(number) * _UNITS[unit] for number, unit in pieces), left in ("0", "")


def _seconds(text: str | None) -> float | None:
    text = (text or "").strip().removesuffix("s")
    return float(text) if _NUMBER.fullmatch(text) else None


def _until(text: str) -> float | None:
    """Seconds until a date as HTTP writes it."""
    try:
        return max(0.0, email.utils.parsedate_to_datetime(text.strip()[:60]).timestamp() - time.time())
    except (ValueError, TypeError, OverflowError):
        return None


def backoff_s(n_attempts: int, first_s: float, most_s: float) -> float:
    """How long to wait after so many attempts: anything up to a bound that doubles, so that calls part ways."""
    return random.uniform(0.0, min(most_s, first_s * 2.0 ** min(n_attempts - 1, 30)))
