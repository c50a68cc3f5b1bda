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
    done = subprocess.run([sys.executable, "-c", f"{code}\n{report}"], capture_output=True, text=True, check=True)
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
