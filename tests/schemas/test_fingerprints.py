"""Hashes that say "the same work" must change with everything that can change the work's result."""

from __future__ import annotations

import pytest

from schemas import fingerprints
from schemas.fingerprints import code_fingerprint, fingerprint


def test_another_release_of_a_library_is_other_work(monkeypatch: pytest.MonkeyPatch) -> None:
    before = code_fingerprint("schemas")
    _fresh_caches()
    monkeypatch.setattr(fingerprints, "_release", lambda name: "0.0" if name == "pypdfium2" else "1.0")
    after = code_fingerprint("schemas")
    _fresh_caches()
    assert before != after


def test_a_module_has_a_fingerprint_of_its_own() -> None:
    assert code_fingerprint("corpus.tables") != code_fingerprint("corpus.plan")
    assert code_fingerprint("corpus.tables") == code_fingerprint("corpus.tables")
    with pytest.raises(ModuleNotFoundError):
        code_fingerprint("corpus.nothing")


def test_order_of_keys_does_not_matter_and_numbers_that_json_lacks_are_refused() -> None:
    assert fingerprint({"a": 1, "b": 2}) == fingerprint({"b": 2, "a": 1})
    with pytest.raises(ValueError, match="JSON"):
        fingerprint(float("nan"))


def _fresh_caches() -> None:
    code_fingerprint.cache_clear()
    fingerprints.ground.cache_clear()
