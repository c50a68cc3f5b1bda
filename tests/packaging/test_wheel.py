"""The wheel, in an environment where nothing else of this repository can be found, does the main job."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True)
    (file,) = folder.glob("*.whl")
    return file


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment with the wheel in it.

    The packages that Querist stands on are borrowed by a path file, because installing torch again takes minutes.
    A path named by such a file is searched but its own path files are not read, so the editable install, which is
    one, stays out; the test below makes sure of it.
    """
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder)
    python = folder / "bin" / "python"
    install = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-deps", str(wheel)]
    subprocess.run(install, check=True, capture_output=True)
    (site,) = folder.glob("lib/python*/site-packages")
    (site / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder


def run(environment: Path, *words: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    clean = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "VIRTUAL_ENV")}
    return subprocess.run(
        [environment / "bin" / words[0], *words[1:]], cwd=cwd, env=clean, capture_output=True, text=True, check=False
    )


def test_what_is_no_code_is_in_the_wheel(wheel: Path) -> None:
    """Types, migrations, templates: whatever stands in the source tree beside the code."""
    packed = {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith("querist/")}
    source = {
        str(file.relative_to(ROOT / "src"))
        for file in (ROOT / "src" / "querist").rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }
    assert packed == source | {"querist/refs.bib"}  # from the docs
    assert "querist/py.typed" in packed
    assert any("storage/migrations/r0001" in name for name in packed)


def test_the_licence_is_in_the_wheel(wheel: Path) -> None:
    assert any(name.endswith("licenses/LICENSE") for name in zipfile.ZipFile(wheel).namelist())


def test_an_installed_command_names_papers_in_full(environment: Path, tmp_path: Path) -> None:
    said = run(environment, "querist", "strategies", "--why", "badge", "--json", cwd=tmp_path)
    assert "Diverse, Uncertain Gradient Lower Bounds" in json.loads(said.stdout)["reference"], said.stderr


def test_the_main_job_runs_from_another_folder(environment: Path, tmp_path: Path) -> None:
    where = run(environment, "python", "-c", "import querist; print(querist.__file__)", cwd=tmp_path)
    assert Path(where.stdout.strip()).is_relative_to(environment), where.stderr

    sizes = ["--initial", "20", "--batch", "10", "--budget", "30", "--seeds", "0"]
    done = run(environment, "querist", "run", "digits", *sizes, "--out", "first", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert [point["labels"] for point in result["curve"]] == [20, 30]
    assert result["strategy"] == "badge"
    assert {file.name for file in (tmp_path / "first").iterdir()} >= {
        "run.toml", "querist.db", "curve.csv", "report.html"
    }  # fmt: skip
