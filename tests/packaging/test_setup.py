"""The set-up: what is pinned, and that a second ``make`` installs nothing."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def canonical(requirement: str) -> str:
    return re.sub(r"[-_.]+", "-", re.split(r"[\s\[=<>!~;]", requirement)[0]).lower()


def pins() -> dict[str, str]:
    files = (ROOT / "constraints.txt", ROOT / "benchmarks" / "selection" / "peers.txt")
    lines = [line for file in files for line in file.read_text(encoding="utf-8").splitlines()]
    pairs = (line.split("==") for line in lines if line and not line.startswith("#"))
    return {canonical(name): version for name, version in pairs}


def test_every_direct_dependency_is_pinned() -> None:
    extras = PROJECT["optional-dependencies"].values()
    direct = {canonical(line) for lines in (PROJECT["dependencies"], *extras) for line in lines} - {"querist"}
    assert len(direct) >= 30
    assert direct - set(pins()) == set()


def test_pins_hold_on_another_machine() -> None:
    """No file of one machine, no build of one platform."""
    assert [version for version in pins().values() if not re.fullmatch(r"[0-9][0-9a-z.]*", version)] == []


def test_torch_is_one_exact_release() -> None:
    assert "torch==2.13.0" in PROJECT["dependencies"]
    assert pins()["torch"] == "2.13.0"


def test_all_means_every_extra_but_the_tools_and_the_peers() -> None:
    (everything,) = PROJECT["optional-dependencies"]["all"]
    named = set(re.findall(r"\w+", everything.partition("[")[2]))
    assert named == set(PROJECT["optional-dependencies"]) - {"all", "dev", "peers"}


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    for name in ("Makefile", "constraints.txt", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    return tmp_path


def would_do(checkout: Path, target: str) -> str:
    """The commands that ``make`` would run."""
    # A make above this one would have this one say which folders it enters.
    free = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}
    done = subprocess.run(
        ["make", "--dry-run", target], cwd=checkout, env=free, capture_output=True, text=True, check=True
    )
    return done.stdout


def test_a_bare_checkout_is_set_up_from_nothing(checkout: Path) -> None:
    commands = would_do(checkout, "run")
    assert "-m venv .venv" in commands
    assert "--editable .\n" in commands
    assert "[all,dev]" not in commands
    assert commands.index("--editable .") < commands.index("querist run digits")


def test_a_second_make_installs_nothing(checkout: Path) -> None:
    (checkout / ".venv").mkdir()
    for stamp in (".made", ".base"):
        (checkout / ".venv" / stamp).touch()
    assert "install" not in would_do(checkout, "run")
    assert "[all,dev]" in would_do(checkout, "test")
    (checkout / ".venv" / ".dev").touch()
    for target in ("test", "check", "docs"):
        assert "install" not in would_do(checkout, target)
