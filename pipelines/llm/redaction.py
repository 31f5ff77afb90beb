"""Keys taken out of what comes back: servers and gateways repeat the headers that they were sent."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from urllib.parse import quote, quote_plus

from pipelines.llm.failures import MAX_DETAIL_CHARS

_MARK = "[key]"
_MIN_SECRET_CHARS = 8
"""Shorter ones are placeholders such as `EMPTY`, and words of ordinary text; they are taken out of errors only."""


class Redaction:
    """Takes secrets out of text, in every form that they travel in. It shows none of them, in its `repr` neither."""

    __slots__ = ("_long", "_needles")

    def __init__(self, secrets: Iterable[str]) -> None:
        given = sorted({s for s in secrets if s}, key=len, reverse=True)
        self._needles = _forms(given)
        self._long = _forms(s for s in given if len(s) >= _MIN_SECRET_CHARS)

    def __repr__(self) -> str:
        return "Redaction()"

    def reply(self, text: str) -> str:
        """What a model wrote, without the keys."""
        for needle in self._long:
            if needle in text:
                text = text.replace(needle, _MARK)
        return text

    def detail(self, words: str) -> str:
        """The endpoint's words for a person: without the keys, on one line, at most 500 characters."""
        for needle in self._needles:
            if needle in words:
                words = words.replace(needle, _MARK)
        words = words[: 4 * MAX_DETAIL_CHARS].encode("utf-8", "replace").decode("utf-8")
        return " ".join(words.replace("\0", " ").split())[:MAX_DETAIL_CHARS]


def _forms(secrets: Iterable[str]) -> tuple[str, ...]:
    """Each secret as it is, in URLs, in JSON and in base64, wherever in the encoded text it begins; longest first."""
    forms: set[str] = set()
    for secret in secrets:
        forms |= {secret, quote(secret, safe=""), quote_plus(secret), json.dumps(secret)[1:-1], repr(secret)[1:-1]}
        forms.add(secret.replace("/", "\\/"))
        if len(secret) < _MIN_SECRET_CHARS:
            continue
        for shift in range(3):
            coded = base64.b64encode(b"\0" * shift + secret.encode())
            whole = coded[(0, 2, 3)[shift] :].rstrip(b"=")[:-1].decode()  # the last digit may hold what follows
            forms |= {whole, whole.replace("+", "-").replace("/", "_"), quote(whole, safe="")}
    return tuple(sorted((f for f in forms if f), key=lambda f: (-len(f), f)))
