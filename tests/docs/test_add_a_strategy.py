"""The recipe of CONTRIBUTING holds: one file, and the strategy is listed, documented and held to the contract."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the repository with the strategy of the recipe in it, and no other edit."""
    copy = tmp_path_factory.mktemp("checkout")
    for folder in ("src", "tests", "scripts", "docs"):
        shutil.copytree(ROOT / folder, copy / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", copy)
    recipe = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"^```python\n(.*?)^```", recipe, flags=re.MULTILINE | re.DOTALL)
    (copy / "src" / "querist" / "strategies" / "uncertainty" / "my_idea.py").write_text(code, encoding="utf-8")
    return copy


def python(checkout: Path, *words: str) -> str:
    environment = {**os.environ, "PYTHONPATH": f"{checkout / 'src'}{os.pathsep}{checkout / 'scripts'}"}
    done = subprocess.run(
        [sys.executable, *words], cwd=checkout, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-3000:]
    return done.stdout


def test_it_is_listed_and_has_a_page(checkout: Path) -> None:
    ask = (
        "import docs_pages; from querist.cli.app import main; "
        "print(docs_pages.strategy_page('my_idea')); print('LISTED'); main(['strategies', '--json'])"
    )
    page, _, listed = python(checkout, "-c", ask).partition("LISTED")
    assert "::: querist.strategies.uncertainty.my_idea.MyIdea" in page  # mkdocstrings puts in the class's own words
    assert "would most often disagree" in page
    (mine,) = [row for row in json.loads(listed) if row["name"] == "my_idea"]
    assert mine["family"] == "uncertainty"
    assert mine["file"].endswith("strategies/uncertainty/my_idea.py")


def test_it_is_held_to_the_contract_and_its_example_runs(checkout: Path) -> None:
    files = ["tests/contract/test_contract.py", "src/querist/strategies/uncertainty/my_idea.py"]
    done = python(
        checkout, "-m", "pytest", *files, "-k", "MyIdea", "-rfp", "-q", "--tb=short", "-p", "no:cacheprovider"
    )
    assert done.count("test_keeps_contract[strategy-MyIdea-") >= 15
    assert "PASSED src/querist/strategies/uncertainty/my_idea.py::" in done
