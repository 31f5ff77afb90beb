"""What the Hub checks in a card's front matter before it takes a commit, as far as its documentation tells."""

from __future__ import annotations

import re
from typing import Any

import yaml

_LICENSES = frozenset(
    ["apache-2.0", "mit", "cc0-1.0", "cc-by-4.0", "cc-by-sa-4.0", "cc-by-nc-4.0", "cc-by-nc-sa-4.0", "odbl", "other"]
)
_SIZES = frozenset(["n<1K", "1K<n<10K", "10K<n<100K", "100K<n<1M", "1M<n<10M", "10M<n<100M", "100M<n<1B"])
_TASKS = frozenset(["question-answering", "text-generation", "text-classification"])


def metadata_errors(card: str) -> list[str]:
    """Everything that is wrong with the front matter; a card without any is fine on the Hub, but not here."""
    match = re.match(r"---\n(.*?)\n---\n", card, re.DOTALL)
    if match is None:
        return ["empty or missing yaml metadata in repo card"]
    try:
        metadata = yaml.safe_load(match[1])
    except yaml.YAMLError as error:
        return [f"bad YAML: {error}"]
    if not isinstance(metadata, dict):
        return ["metadata must be a mapping"]
    return [*_value_errors(metadata), *_config_errors(metadata.get("configs", []))]


def _value_errors(metadata: dict[str, Any]) -> list[str]:
    errors = []
    licence = metadata.get("license")
    if licence not in _LICENSES:
        errors.append(f'"license" must be one of {sorted(_LICENSES)}, not {licence!r}')
    if licence == "other" and not re.fullmatch(r"[a-z0-9][a-z0-9.-]*", str(metadata.get("license_name", ""))):
        errors.append('"license_name" must be a lower-case identifier')
    if not re.fullmatch(r"[a-z]{2,3}", str(metadata.get("language"))):
        errors.append('"language" must be an ISO 639 code')
    if not set(metadata.get("size_categories", [])) <= _SIZES:
        errors.append('"size_categories" is unknown')
    if not set(metadata.get("task_categories", [])) <= _TASKS:
        errors.append('"task_categories" is unknown')
    if not all(isinstance(tag, str) for tag in metadata.get("tags", [])):
        errors.append('"tags" must be strings')
    return errors


def _config_errors(configs: list[dict[str, Any]]) -> list[str]:
    errors = []
    names = [config.get("config_name") for config in configs]
    if len(set(names)) != len(names) or not all(names):
        errors.append('"configs" must have a "config_name" each, and no two the same')
    if sum(bool(config.get("default")) for config in configs) > 1:
        errors.append('"configs" has more than one default')
    for config in configs:
        for entry in config.get("data_files", []):
            if not re.fullmatch(r"\w+", entry.get("split", "")) or not entry.get("path"):
                errors.append(f'"data_files" of {config.get("config_name")} needs split and path')
    return errors
