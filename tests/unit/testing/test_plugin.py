"""An outside package runs the contract with two lines."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

TEST = """
import pytest
from querist.strategies import Margin, Random
from querist.selectors import top_k

@pytest.mark.querist(Margin, Random)
def test_contract(querist_check):
    querist_check()

@pytest.mark.querist(top_k, role="selector")
def test_selector(querist_check):
    querist_check()
"""


def test_plugin_makes_a_case_of_every_check(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text('pytest_plugins = ["querist.testing.pytest_plugin"]\n')
    (tmp_path / "test_mine.py").write_text(TEST)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-v",
        "--strict-markers",
        "-p",
        "no:cacheprovider",
        "-k",
        "seed_decides or meaning or prefix_law",
    ]
    answer = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert "Margin-seed_decides" in answer.stdout
    assert "Random-meaning" in answer.stdout
    assert "top_k-prefix_law" in answer.stdout
