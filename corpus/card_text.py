"""The sentences of the dataset card, apart from the code that fills its tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

VIEWS: Final[dict[str, str]] = {
    "cpt": "text to continue: books and guidelines, facts of the graph as sentences, instructions without a template",
    "sft": "instructions and conversations, among them safety and what the assistant says of itself",
    "dfpo": "one question, a preferred answer and a rejected one",
    "psft": "the three paediatric tasks, and medical conversations beside them",
    "eval": "for evaluation: the test split of the three tasks, and the evaluation sets that came in as such",
}
VIEWS_LEAD: Final = (
    "A view is what one training phase consumes; each is a configuration of this data set. Splits are drawn by a hash "
    "of `group_id` (a chapter, a patient, a conversation), so they are the same in every view and no group is cut."
)
TASKS: Final[dict[str, str]] = {
    "medkqa": "a knowledge question, an answer from the source",
    "evidiag": "several turns: the doctor asks back, then names the likely diagnosis and the evidence for it",
    "trerecom": "treatment, drugs, care, and when to see a doctor",
    "general": "general medical and everyday instructions",
    "safety": "refusing, warning, sending to hospital",
    "self_cognition": "what the assistant is, and what it is not",
}
EVIDENCE: Final = """\
Nothing here has to be taken on trust. `evidence` quotes the source: `record_id` names a record in
`provenance/<kind>-*.parquet`, and `text` is exactly the characters `start:end` of that record's column `canonical`.
`part` and `locator` say which file the row comes from and where in it (a page, a line, a row), `license` under which
terms, and `generator` what made it: `extractive` (a program, from the words of the source), `source` (taken over as it
was) or `llm` (written by a language model, with the prompt's version and the key of the call)."""
SOURCES_LEAD: Final = (
    "Every row carries the licence of its source in the column `license`. `LICENSES.md` lists them, `SOURCES.jsonl` "
    "has one line for each file that was read or refused, with its SHA-256 and the reason."
)
SUPERSEDED_LEAD: Final = (
    "Of these documents a newer version is among the sources, so no row comes from the older one. Its provisions by "
    "what became of them (`pedcorpus rejects --stage drop_superseded` lists each with what changed), and how many the "
    "newer version has besides:"
)
TESTED_LEAD: Final = (
    "No row to train on holds a row of these sets, verbatim, edited in up to 5 % of its characters or within a longer "
    "text; nor does it repeat question and answer of a row of the validation or test split. `found` counts rows of the "
    "set that the sources held, `dropped` the rows of this corpus that went for it. Rows of fewer than 16 letters were "
    "compared as a whole only. `contamination.json` has this for every source and split."
)
CHECKED_LEAD: Final = (
    "Every answer that has evidence was held against it, clause by clause: amounts with their units, who they are for, "
    "negations, how binding a word is, causes, warnings left out. Rows that went, by what was wrong with them; "
    "`quarantined` rows may be right, and are in `rejected/` for a person to look at. Rows without evidence were not "
    "checked. The checks miss things, and know nothing but the evidence: an error of the source stays."
)
_ADVICE: Final = (
    "- **Not medical advice.** The rows train and test language models. A dose, a diagnosis or a treatment in them is "
    "what a source says, which may be old, regional or wrong for a given child. Nothing made from this data may reach "
    "a family without a paediatrician's judgement."
)
_EXTRACTIVE: Final = (
    "- **Extractive answers.** Answers marked `extractive` are passages of their source with boilerplate removed, or "
    "its triples put into sentences. They keep its tone, its gaps and its age; the questions come from templates."
)
_LLM: Final = (
    "- **Answers by a language model.** Answers marked `llm` were written by a model from the evidence beside them and "
    "passed the checks in `verdicts`. Checks miss things: read before you rely on them."
)
_OTHER_LIMITS: Final = """\
- **Personal data.** Names, telephone and identity numbers and the like were replaced by typed placeholders by rules.
  Rules miss things: please report what you find, and do not try to identify anyone.
- **Language and place.** Chinese, and mostly mainland Chinese practice: drug names, units, age bands and schedules
  follow it."""


def opening(manifest: Mapping[str, Any], n_rows: int) -> str:
    """Title, the summary in Chinese, and one paragraph in English."""
    name, version = manifest["name"], manifest["version"]
    n_sources = len(manifest.get("sources") or ())
    sources = "one source" if n_sources == 1 else f"{n_sources} sources"
    return "\n\n".join(
        (
            f"# {name} {version}",
            f"> **摘要** 本数据集是中文儿科指令语料，由 PedCorpus 从 {n_sources} 个来源构建，共 {n_rows:,} 行，按训练"
            "阶段分为多个视图（继续预训练、指令微调、偏好优化、儿科专项微调与评测）。每一行都注明来源文件、位置、许可证与原文证据，"
            "可逐行核对；被剔除的内容均有原因记录。**仅供研究，不构成医疗建议。**",
            *([manifest["description"]] if manifest.get("description") else []),
            f"A Chinese paediatric instruction corpus of {n_rows:,} rows from {sources}, built by PedCorpus "
            f"{manifest.get('pedcorpus_version') or ''}".rstrip()
            + ". Every row says which file, which place in it, which licence and which words of the source it rests "
            f"on.\n\nContent hash: `{manifest['content_hash']}`",
        )
    )


def loading(manifest: Mapping[str, Any], view: str, split: str) -> str:
    """How to load a view from the Hub, at this very version; the same call reads a folder on disk."""
    return (
        "```python\n"
        "from datasets import load_dataset\n\n"
        f'rows = load_dataset("ORG/NAME", "{view}", split="{split}", revision="v{manifest["version"]}")\n'
        "```\n\n"
        "`ORG/NAME` is this repository. The tag never moves: the same call returns the same rows next year. Without "
        "`revision` it returns the newest version. For a version that you have on disk, give its folder and leave "
        "`revision` out."
    )


def making(methods: Mapping[str, int], stages: Sequence[str]) -> str:
    """What ran, and who wrote the answers, counted over the rows rather than taken from the configuration."""
    ran = " → ".join(f"`{stage}`" for stage in stages)
    lines = [f"What ran, in this order: {ran}. What a stage dropped is counted below, and was kept with its reason."]
    if methods:
        counted = ", ".join(f"{n_rows:,} `{method}`" for method, n_rows in methods.items())
        lines.append(f"Rows of the instruction and preference views by what made them: {counted}.")
    if methods and "llm" not in methods:
        lines.append("No language model was called to write any of them.")
    return " ".join(lines)


def limits(methods: Mapping[str, int]) -> str:
    """What a reader must know before using the rows."""
    written = [_LLM] if "llm" in methods else []
    return "\n".join(
        (_ADVICE, *([_EXTRACTIVE] if "extractive" in methods or not methods else []), *written, _OTHER_LIMITS)
    )


def verifying(manifest: Mapping[str, Any]) -> str:
    """How to check, without PedCorpus, that a download is what was published."""
    return f"""\
`manifest.json` lists every file with its SHA-256 and, where it holds rows, their number:

```python
import hashlib, json, pathlib
from huggingface_hub import snapshot_download

folder = pathlib.Path(snapshot_download("ORG/NAME", repo_type="dataset", revision="v{manifest["version"]}"))
for entry in json.loads((folder / "manifest.json").read_text("utf-8"))["files"]:
    if not entry["path"].startswith("rejected/"):  # what stages dropped is not published
        found = hashlib.sha256((folder / entry["path"]).read_bytes()).hexdigest()
        assert found == entry["sha256"], entry["path"]
```

`pedcorpus verify` checks the same and more: that every evidence span is the text that it claims to be."""
