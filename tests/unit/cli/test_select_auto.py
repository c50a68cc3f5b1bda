"""``querist select --strategy auto``: who chooses from files, by what they hold."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from querist.cli.app import app, main

runner = CliRunner()


@pytest.fixture
def files(tmp_path):
    rng = np.random.default_rng(0)
    z = rng.normal(size=(80, 6)).astype(np.float32)
    probs = np.exp(z[:, :4]) / np.exp(z[:, :4]).sum(1, keepdims=True)
    np.save(tmp_path / "z.npy", z)
    np.save(tmp_path / "p.npy", probs)
    np.save(tmp_path / "v.npy", z[:, 0])
    (tmp_path / "known.txt").write_text("".join(f"{row}\n" for row in range(20)))
    (tmp_path / "labels.txt").write_text("".join(f"{row % 4}\n" for row in range(20)))
    return tmp_path


@pytest.mark.parametrize(
    ("tables", "known", "budget", "taken"),
    [
        ({"embeddings": "z"}, False, 5, "typi_clust"),
        ({"embeddings": "z", "probs": "p"}, False, 5, "typi_clust"),
        ({"embeddings": "z", "probs": "p"}, True, 5, "margin"),
        ({"embeddings": "z", "probs": "p"}, True, 50, "badge"),
        ({"probs": "p"}, True, 50, "margin"),
        ({"probs": "p"}, False, 5, "random"),
        ({"embeddings": "z", "predictions": "v"}, True, 5, "lcmd"),
    ],
)
def test_it_is_chosen_by_what_is_given(files, tables, known, budget, taken):
    words = ["select", "--strategy", "auto", "--budget", str(budget), "--json"]
    for name, file in tables.items():
        words += [f"--{name}", str(files / f"{file}.npy")]
    if known:
        words += ["--labelled", str(files / "known.txt")]
        if "predictions" not in tables:
            words += ["--labels", str(files / "labels.txt")]
    found = runner.invoke(app, words)
    assert found.exit_code == 0, found.stderr
    assert f"querist: {taken} chooses, because " in found.stderr
    rows = json.loads(found.stdout)["rows"]
    assert len(set(rows)) == budget
    named = runner.invoke(app, ["select", "--strategy", taken, *words[3:]])
    assert json.loads(named.stdout)["rows"] == rows


def test_it_has_no_options(files, capsys):
    words = ["select", "--strategy", "auto", "--embeddings", str(files / "z.npy"), "--budget", "5"]
    assert main([*words, "--set", "neighbours=3"]) == 2
    assert "auto has none" in capsys.readouterr().err
