"""What is installed: the packages and their data, and nothing of the tests."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """The wheel, built without network from what is committed and what is not."""
    out = tmp_path_factory.mktemp("wheel")
    arguments = ["--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", str(out), "--quiet", str(ROOT)]
    subprocess.run([sys.executable, "-m", "pip", "wheel", *arguments], check=True, capture_output=True, timeout=300)
    return zipfile.ZipFile(next(out.glob("*.whl")))


def test_the_wheel_holds_our_packages_and_nothing_else(wheel: zipfile.ZipFile) -> None:
    top = {name.split("/")[0] for name in wheel.namelist()}
    packages = {name for name in top if not name.endswith(".dist-info")}
    assert packages == {"corpus", "sources", "pipelines", "training", "schemas"}


def test_every_module_and_every_data_file_is_in_it(wheel: zipfile.ZipFile) -> None:
    wanted = set()
    for package in ("corpus", "sources", "pipelines", "training", "schemas"):
        files = (p for p in (ROOT / package).rglob("*") if p.is_file() and "__pycache__" not in p.parts)
        wanted |= {p.relative_to(ROOT).as_posix() for p in files}
    assert wanted - set(wheel.namelist()) == set()


def test_importing_the_core_needs_neither_torch_nor_ray() -> None:
    code = (
        "import sys, corpus.cli, corpus.build, corpus.hub, sources.kinds, pipelines.stages, training.cli\n"
        "print([m for m in ('torch', 'ray', 'transformers', 'openai') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"


def test_nothing_names_a_machine() -> None:
    """No absolute path of a home or a workplace in what we ship."""
    mark = re.compile(r"(?<![\w>.}\"])/(?:home|root|work)/\w")
    listed = subprocess.check_output(["git", "ls-files"], cwd=ROOT, text=True).split("\n")
    for name in filter(None, listed):
        path = ROOT / name
        if path.suffix in {".py", ".md", ".toml", ".yaml", ".txt", ""} and path.is_file():
            text = path.read_text("utf-8", errors="replace")
            assert not mark.search(text), name
