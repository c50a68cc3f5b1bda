"""One file is a strategy: dropped into the folder, it is listed and under contract with no other edit."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import querist
from querist.testing.checks import checks_for

IDEA = '''
from dataclasses import dataclass
from querist.strategies.base import ScoreStrategy
from querist.views.probs import Probs

@dataclass(frozen=True, kw_only=True)
class MyIdea(ScoreStrategy):
    """Rows whose probabilities are short as a vector."""
    family = "uncertainty"
    def needs(self):
        return (Probs(),)
    def score(self, probs):
        return -probs.square().sum(-1)
'''

TRY = """
from querist.strategies import MyIdea, describe, registry
from querist.testing.checks import checks_for, run_check
import querist.strategies
assert "my_idea" in registry and "MyIdea" in dir(querist.strategies)
found = describe("my_idea")
assert found["file"] == "strategies/uncertainty/my_idea.py" and found["views"] == ["Probs"], found
"""


def test_a_new_file_is_a_new_strategy(tmp_path: Path) -> None:
    package = Path(querist.__file__).parent
    copy = tmp_path / "src" / "querist"
    shutil.copytree(package, copy, ignore=shutil.ignore_patterns("__pycache__"))
    (copy / "strategies" / "uncertainty" / "my_idea.py").write_text(IDEA)
    contract = tmp_path / "test_contract.py"
    shutil.copy(Path(__file__).with_name("test_contract.py"), contract)
    contract.write_text(contract.read_text() + "\n\ndef test_listed() -> None:\n" + _indented(TRY))
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "src"), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "MyIdea or listed", str(contract)]
    answer = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert f"{len(checks_for('strategy')) + 1} passed" in answer.stdout, answer.stdout


def _indented(text: str) -> str:
    return "".join(f"    {line}\n" for line in text.strip().splitlines())
