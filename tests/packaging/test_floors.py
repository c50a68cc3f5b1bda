"""The floors and the doors are really guarded: an import that breaks one is found and named."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

# scikit-learn is one package to the linter; which part of it a room may use is said here.
PARTS = {"tasks": {"sklearn.metrics"}, "pool": {"sklearn.datasets", "sklearn.model_selection"}}


@pytest.mark.parametrize(
    ("file", "line", "said"),
    [
        ("scores/entropy.py", "import querist.loop.session", "querist.scores.entropy -> querist.loop.session"),
        ("selectors/top_k.py", "import querist.tasks.base", "querist.selectors.top_k -> querist.tasks.base"),
        ("loop/session.py", "import sqlalchemy", "querist.loop.session -> sqlalchemy"),
    ],
    ids=["upwards", "sideways", "another door"],
)
def test_a_forbidden_import_is_found(tmp_path: Path, file: str, line: str, said: str) -> None:
    shutil.copytree(ROOT / "src", tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / ".importlinter", tmp_path)
    broken = tmp_path / "src" / "querist" / file
    broken.write_text(f"{broken.read_text(encoding='utf-8')}\n{line}\n", encoding="utf-8")
    lint = [Path(sys.executable).parent / "lint-imports", "--no-cache"]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "src")}
    done = subprocess.run(lint, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    assert said in " ".join(done.stdout.split())


@pytest.mark.parametrize("room", PARTS)
def test_a_room_uses_its_part_of_scikit_learn(room: str) -> None:
    used = set()
    for file in (ROOT / "src" / "querist" / room).rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                used |= {alias.name for alias in node.names if alias.name.startswith("sklearn")}
            elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("sklearn"):
                used.add(node.module or "")
    assert {".".join(name.split(".")[:2]) for name in used} <= PARTS[room]
