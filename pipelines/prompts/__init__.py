"""Prompts: files in Chinese, `<name>.md` in this folder or in the user's, versioned by the hash of their text.

A file is a few comment lines for those who read it, then sections, each under a heading of its own:

    <!-- what it is for, which placeholders it has -->
    # system
    …
    # user
    …{passage}…

`{name}` is a placeholder; `{{` and `}}` are braces. A placeholder whose name ends in `_text` is source text: it is
fenced, so that an instruction inside it is data (`fenced`).
"""

from __future__ import annotations

import functools
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Final

from schemas.errors import ConfigError

_COMMENT: Final = re.compile(r"<!--.*?-->\s*", re.DOTALL)
_HEADING: Final = re.compile(r"^# ([a-z_]+)[ \t]*$", re.MULTILINE)
_PLACEHOLDER: Final = re.compile(r"\{\{|\}\}|\{([a-z_]+)\}")
_FENCE: Final = re.compile(r"[<＜﹤]\s*[/／]?\s*材料[^>＞﹥]{0,40}[>＞﹥]?")
_BRACKETS: Final = str.maketrans("<＜﹤>＞﹥", "〈〈〈〉〉〉")


@dataclass(frozen=True)
class Prompt:
    """One prompt file.

    Attributes:
        name: Of the file, without `.md`.
        text: Of the file, whole.
    """

    name: str
    text: str

    @property
    def version(self) -> str:
        """12 hex digits over the text without its comments: what is sent, not what is said about it."""
        return hashlib.blake2b(_COMMENT.sub("", self.text).strip().encode(), digest_size=6).hexdigest()

    @functools.cached_property
    def sections(self) -> dict[str, str]:
        """Heading → text."""
        parts = _HEADING.split(_COMMENT.sub("", self.text))
        return {name: text.strip() for name, text in zip(parts[1::2], parts[2::2], strict=True)}

    def placeholders(self, section: str) -> list[str]:
        """The names that a section leaves room for, in order, each once."""
        return list(dict.fromkeys(m[1] for m in _PLACEHOLDER.finditer(self.sections[section]) if m[1]))

    def fill(self, section: str, values: Mapping[str, str]) -> str:
        """A section with its placeholders filled in; source text (`…_text`) is fenced.

        Raises:
            KeyError: a placeholder has no value.
        """

        def one(match: re.Match[str]) -> str:
            name = match[1]
            if name is None:
                return match[0][0]
            return fenced(values[name]) if name.endswith("_text") else values[name]

        return _PLACEHOLDER.sub(one, self.sections[section])


def fenced(text: str) -> str:
    """Source text between marks that it cannot contain: what stands in between is data, whatever it says.

    The marks carry a hash of the text, and anything in the text that looks like such a mark loses its brackets.
    """
    mark = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=4).hexdigest()
    body = _FENCE.sub(lambda m: m[0].translate(_BRACKETS), text)
    return f"<材料 {mark}>\n{body}\n</材料 {mark}>"


@dataclass(frozen=True)
class PromptBook:
    """The prompts that a build uses: ours, and the user's in place of some of them.

    Attributes:
        own: Name → text of the user's files.
    """

    own: Mapping[str, str] = field(default_factory=dict)

    def get(self, name: str) -> Prompt:
        """The prompt of a name."""
        return Prompt(name, self.own[name]) if name in self.own else _ours(name)

    def version(self, name: str) -> str:
        """Of the prompt's text."""
        return self.get(name).version


@functools.cache
def _ours(name: str) -> Prompt:
    return Prompt(name, (resources.files(__name__) / f"{name}.md").read_text("utf-8"))


def our_prompts() -> list[str]:
    """Names of the prompts that ship with the package."""
    return sorted(f.name.removesuffix(".md") for f in resources.files(__name__).iterdir() if f.name.endswith(".md"))


def prompt_book(folder: Path | None) -> PromptBook:
    """Our prompts with those of a folder in their place.

    Raises:
        ConfigError: a file there has another name than any of ours, lacks a section, or has a placeholder that its
            section does not know.
    """
    if folder is None:
        return PromptBook()
    problems: list[str] = []
    own: dict[str, str] = {}
    if not folder.is_dir():
        raise ConfigError([f"llm.prompts: {folder} is no folder. Copy prompts there with `pedcorpus prompts --copy`."])
    for path in sorted(folder.glob("*.md")):
        if path.stem not in our_prompts():
            problems.append(f"llm.prompts: {path} is the name of no prompt. There is: {', '.join(our_prompts())}.")
            continue
        try:
            own[path.stem] = path.read_text("utf-8-sig")
        except UnicodeDecodeError:
            problems.append(f"llm.prompts: {path} is not written in UTF-8. Save it as UTF-8.")
            continue
        problems += _differences(path, Prompt(path.stem, own[path.stem]), _ours(path.stem))
    if problems:
        raise ConfigError(problems)
    return PromptBook(own)


def _differences(path: Path, mine: Prompt, ours: Prompt) -> list[str]:
    problems = []
    for section in ours.sections:
        if section not in mine.sections:
            problems.append(f"llm.prompts: {path} lacks the section `# {section}`.")
            continue
        known = {name for each in ours.sections for name in ours.placeholders(each)}
        problems += [
            f"llm.prompts: {path}: nothing fills the placeholder {{{name}}}. There is: {', '.join(sorted(known))}."
            for name in mine.placeholders(section)
            if name not in known
        ]
    return problems
