"""From YAML to frozen dataclasses, strictly, with every problem collected.

A dataclass's fields are its configuration: types say what is allowed, `field(metadata=...)` bounds it
(`choices`, `min`, `max`, `doc`; `nested` lets a mapping of anything hold mappings), and a key that no field names is a
problem with a "did you mean".
"""

from __future__ import annotations

import dataclasses
import math
import types
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

import yaml
from rapidfuzz import fuzz, process

from schemas.errors import ConfigError

T = TypeVar("T")


def load_yaml(path: Path) -> dict[str, Any]:
    """The mapping in a YAML file: plain data only, no tags, no aliases, no key twice.

    Raises:
        ConfigError: the file is missing, unreadable, not YAML, or not a mapping.
    """
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        raise ConfigError([f"{path}: no such file. Write one with `pedcorpus init DIR`."]) from None
    except IsADirectoryError:
        raise ConfigError(
            [f"{path} is a folder, not a configuration. Write one with `pedcorpus init {path}`."]
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError([f"{path}: cannot be read as UTF-8 text ({error})."]) from None
    try:
        data = yaml.load(text, Loader=_StrictLoader)
    except yaml.YAMLError as error:
        raise ConfigError([f"{path}: {_yaml_problem(error)}"]) from None
    except ValueError as error:  # a date such as 2024-13-45, a number of five thousand digits
        raise ConfigError([f"{path}: holds a value that is none ({error}). Quote it if it is text."]) from None
    except RecursionError:
        raise ConfigError([f"{path}: nested too deeply for a configuration."]) from None
    if not isinstance(data, dict):
        raise ConfigError([f"{path}: a configuration is a mapping with `name:` and `sources:`, this is {_noun(data)}."])
    return data


class _StrictLoader(yaml.SafeLoader):
    """SafeLoader that refuses a key given twice, and aliases (they can grow a small file without bound)."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.events.AliasEvent):
            event = self.get_event()  # type: ignore[no-untyped-call]
            raise yaml.MarkedYAMLError(problem=f"alias *{event.anchor} is not allowed", problem_mark=event.start_mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, str):
                raise yaml.MarkedYAMLError(
                    problem=f"key {key!r} is not text; quote it", problem_mark=key_node.start_mark
                )
            if key in seen:
                raise yaml.MarkedYAMLError(problem=f"key {key!r} is given twice", problem_mark=key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep)


def _yaml_problem(error: yaml.YAMLError) -> str:
    mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None) or str(error)
    return f"line {mark.line + 1}: {problem}." if mark else f"not YAML ({problem})."


def parse(cls: type[T], data: Any, where: str, problems: list[str], **given: Any) -> T | None:
    """An instance of the dataclass `cls` from `data`, or None with what is wrong appended to `problems`.

    Args:
        cls: A frozen dataclass.
        data: What the YAML holds there; None counts as an empty mapping.
        where: The path in the configuration, for messages: `sources.guidelines`.
        problems: Collects one sentence a problem.
        given: Fields that the caller sets itself; a key of that name in `data` is unknown.
    """
    if data is None:
        data = {}
    if not isinstance(data, Mapping):
        problems.append(f"{where}: should be a mapping, is {_noun(data)}.")
        return None
    fields = {f.name: f for f in dataclasses.fields(cls) if f.init and f.name not in given}  # type: ignore[arg-type]
    hints = get_type_hints(cls)
    values, unknown = dict(given), []
    before = len(problems)
    for key, value in data.items():
        if key in fields:
            values[key] = _coerce(hints[key], value, f"{where}.{key}", problems, fields[key].metadata)
        else:
            unknown.append(f"{where}.{key}: unknown key.{did_you_mean(str(key), fields)}")
    for name, field in fields.items():
        required = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        if required and name not in values:
            problems.append(f"{where}: `{name}:` is missing.")
    made = None
    if len(problems) == before:  # an unknown key does not keep the known ones from being looked at as a whole
        try:
            made = cls(**values)
        except ConfigError as error:
            problems.extend(f"{where}: {problem}" for problem in error.problems)
    problems.extend(unknown)
    return made if len(problems) == before else None


def expanded(path: str) -> Path:
    """The path with `~` as the home; any other name that begins with a tilde (`~$book.docx`) is just a name."""
    return Path(path).expanduser() if path == "~" or path.startswith("~/") else Path(path)


def did_you_mean(word: str, choices: Any) -> str:
    """` Did you mean `x`?`, or a list of what there is where nothing is close."""
    names = sorted(map(str, choices))
    best = process.extractOne(word, names, scorer=fuzz.ratio, score_cutoff=60)
    if best:
        return f" Did you mean `{best[0]}`?"
    return f" There is: {', '.join(names)}." if names else ""


def _coerce(hint: Any, value: Any, where: str, problems: list[str], metadata: Mapping[str, Any]) -> Any:
    """`value` as the type `hint`; a problem and None where it is not."""
    origin, args = get_origin(hint), get_args(hint)
    if origin in (typing.Union, types.UnionType):
        if value is None and type(None) in args:
            return None
        inner = [a for a in args if a is not type(None)]
        return _coerce(inner[0], value, where, problems, metadata)
    if origin is tuple:
        items = value if isinstance(value, list | tuple) else [value]
        return tuple(_coerce(args[0], item, f"{where}[{i}]", problems, metadata) for i, item in enumerate(items))
    if origin in _MAPPINGS or hint in _MAPPINGS:
        if not isinstance(value, Mapping):
            problems.append(f"{where}: should be a mapping, is {_noun(value)}.")
            return None
        inner_hint = args[1] if args else Any
        nested = {"nested": True} if metadata.get("nested") else {}
        return {key: _coerce(inner_hint, item, f"{where}.{key}", problems, nested) for key, item in value.items()}
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return parse(hint, value, where, problems)
    return _scalar(hint, value, where, problems, metadata)


def _scalar(hint: Any, value: Any, where: str, problems: list[str], metadata: Mapping[str, Any]) -> Any:
    """A value that is no collection, or for `Any` what JSON can say too, since every setting goes into a hash."""
    if hint is Any and isinstance(value, list):
        return [_scalar(Any, item, f"{where}[{i}]", problems, metadata) for i, item in enumerate(value)]
    if hint is Any and isinstance(value, Mapping) and metadata.get("nested"):
        return {key: _scalar(Any, item, f"{where}.{key}", problems, metadata) for key, item in value.items()}
    if hint is float and type(value) is int and abs(value) < 1 << 53:
        value = float(value)
    if hint is str and type(value) in (int, float):
        value = str(value)
    if type(value) is not hint and not (hint is Any and (value is None or type(value) in _TYPE_NOUNS)):
        problems.append(f"{where}: should be {_TYPE_NOUNS.get(hint, 'text or a number')}, is {_noun(value)}.")
        return None
    if (isinstance(value, float) and not math.isfinite(value)) or (type(value) is int and abs(value) >= 1 << 63):
        problems.append(f"{where}: {value} is no number to reckon with.")
        return None
    if isinstance(value, str) and _unwritable(value):
        problems.append(f"{where}: holds a NUL or half a surrogate pair ({value!r}); write it without.")
        return None
    return _bounded(value, where, problems, metadata)


def _unwritable(text: str) -> bool:
    """Whether no file system and no UTF-8 file takes the text."""
    return "\0" in text or any("\ud800" <= c <= "\udfff" for c in text)


def _bounded(value: Any, where: str, problems: list[str], metadata: Mapping[str, Any]) -> Any:
    choices = metadata.get("choices")
    if choices and value not in choices:
        near = did_you_mean(str(value), choices)
        guess = near if near.startswith(" Did") else ""  # the choices stand there already
        problems.append(f"{where}: `{value}` is not one of {', '.join(choices)}.{guess}")
        return None
    low, high = metadata.get("min"), metadata.get("max")
    if (low is not None and value < low) or (high is not None and value > high):
        limits = (
            f"at least {low}" if high is None else f"at most {high}" if low is None else f"between {low} and {high}"
        )
        problems.append(f"{where}: {value} is out of bounds, it should be {limits}.")
        return None
    return value


_MAPPINGS = (dict, Mapping)
_TYPE_NOUNS = {str: "text", int: "a whole number", float: "a number", bool: "true or false"}


def _noun(value: Any) -> str:
    if value is None:
        return "empty"
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, list | tuple):
        return "a list"
    return f"{_TYPE_NOUNS.get(type(value), type(value).__name__)} (`{str(value)[:60]}`)"
