"""Every block that a reader can copy runs: pages from top to bottom (Python, and commands in bash), examples."""

from __future__ import annotations

import re
import runpy
import shlex
from pathlib import Path

import pytest

from querist.cli.app import main

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs" / "guide").glob("*.md"))]
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
BLOCK = re.compile(r"^```(python|bash)\n(.*?)^```", flags=re.MULTILINE | re.DOTALL)


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_runs(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    blocks = list(BLOCK.finditer(text))
    assert blocks, "a guide without code belongs elsewhere"
    names: dict[str, object] = {"__name__": page.stem}
    for block in blocks:
        if block[1] == "bash":
            for line in block[2].replace("\\\n", " ").splitlines():
                name, *words = shlex.split(line, comments=True)
                assert (name, main(words)) == ("querist", 0), line
            continue
        # Empty lines before the code, so that an error names the line of the page.
        before = "\n" * text[: block.start(2)].count("\n")
        exec(compile(before + block[2], str(page), "exec"), names)


@pytest.mark.parametrize("script", EXAMPLES, ids=lambda script: script.name)
def test_an_example_runs(script: Path) -> None:
    runpy.run_path(str(script), run_name="__main__")


def test_the_examples_are_there_and_short() -> None:
    lines = {script.stem: len(script.read_text(encoding="utf-8").splitlines()) for script in EXAMPLES}
    assert set(lines) >= {"own_module", "ask_tell", "selectors_only"}
    assert max(lines.values()) <= 25
