"""What is slow is loaded when it is used: a person who asks for help does not wait for torch."""

from __future__ import annotations

import subprocess
import sys

import pytest

SLOW = {
    "torch",
    "transformers",
    "datasets",
    "sklearn",
    "scipy",
    "faiss",
    "matplotlib",
    "pyarrow",
    "sqlalchemy",
    "pandas",
}


def loaded_after(code: str) -> set[str]:
    """Top-level packages in memory after ``code`` ran in a fresh interpreter."""
    report = "import sys; print('LOADED', *{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", f"{code}\n{report}"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.rpartition("LOADED")[2].split())


@pytest.mark.parametrize(
    "code",
    [
        "import querist; dir(querist); querist.strategies",
        "from querist.cli.app import main; assert main(['--help']) == 0",
        "from querist.cli.app import main; assert main(['run', '--help']) == 0",
    ],
    ids=["import", "help", "help of run"],
)
def test_nothing_slow_is_loaded(code: str) -> None:
    assert loaded_after(code) & SLOW == set()


def test_this_test_would_see_torch() -> None:
    assert "torch" in loaded_after("import querist; querist.strategies.Badge")


@pytest.mark.parametrize("room", ["scores", "selectors"])
def test_a_function_is_found_whoever_imported_its_file_first(room: str) -> None:
    """A file and its function share a name: importing the file must not hide the function."""
    loaded_after(
        f"""
import importlib, querist
from pathlib import Path
room = importlib.import_module("querist.{room}")
files = {{file.stem for file in Path(room.__file__).parent.glob("*.py")}}
names = files & set(room.__all__)
assert len(names) >= 4
for file in files - {{"__init__"}}: importlib.import_module(f"querist.{room}.{{file}}")
hidden = [name for name in names if not callable(getattr(querist.{room}, name))]
assert not hidden, hidden
"""
    )
