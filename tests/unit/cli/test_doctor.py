"""``querist doctor``."""

import json

from typer.testing import CliRunner

from querist.cli import doctor
from querist.cli.app import app

runner = CliRunner()


def test_doctor_says_what_is_there_as_json(tmp_path, monkeypatch):
    (tmp_path / "digits").mkdir()
    monkeypatch.setenv("QUERIST_DATA", str(tmp_path))
    found = runner.invoke(app, ["doctor", "--json"])
    assert found.exit_code == 0
    said = json.loads(found.stdout)
    assert said["packages"]["torch"].startswith("2.13.0")
    assert said["cores"] >= 1
    assert said["data"] == {"folder": str(tmp_path), "set": True, "found": True, "sets": ["digits"]}
    assert set(said["extras"]) == set(doctor.ADDS)
    assert said["extras"]["hf"]["packages"].keys() >= {"transformers", "datasets"}


def test_doctor_says_what_an_extra_would_add(tmp_path, monkeypatch):
    real = doctor._version
    monkeypatch.setattr(doctor, "_version", lambda package: None if package == "fastapi" else real(package))
    monkeypatch.setenv("QUERIST_DATA", str(tmp_path / "nowhere"))
    entry = doctor.extras()["serve"]
    assert not entry["installed"]
    assert entry["install"] == "pip install 'querist[serve]'"
    found = runner.invoke(app, ["doctor"], env={"COLUMNS": "150"})
    assert found.exit_code == 0
    assert "lacks fastapi" in found.stdout
    assert "pip install 'querist[serve]'" in found.stdout
    assert "nothing there" in found.stdout
