"""``querist strategies``."""

import json

from typer.testing import CliRunner

from querist.cli.app import app
from querist.strategies import registry

runner = CliRunner()
KEYS = {"name", "kind", "family", "rows", "survey", "paper", "views", "tasks", "cost", "file"}


def listed(*words):
    found = runner.invoke(app, ["strategies", "--json", *words])
    assert found.exit_code == 0
    return json.loads(found.stdout)


def test_every_strategy_is_listed_with_every_key():
    entries = listed()
    assert {entry["name"] for entry in entries} == set(registry)
    assert all(set(entry) == KEYS for entry in entries)


def test_family_and_task_narrow_the_list():
    density = listed("--family", "density")
    assert density
    assert {entry["family"] for entry in density} == {"density"}
    regression = listed("--task", "regression")
    assert 0 < len(regression) < len(registry)
    assert all("regression" in entry["tasks"] for entry in regression)


def test_table_names_all_of_them_with_their_papers():
    found = runner.invoke(app, ["strategies"])
    assert found.exit_code == 0
    assert f"{len(registry)} strategies" in found.stdout
    for name in registry:
        assert name in found.stdout
    assert "ash2020badge" in found.stdout


def test_list_fits_a_narrow_terminal():
    found = runner.invoke(app, ["strategies"], env={"COLUMNS": "80"})
    assert max(map(len, found.stdout.splitlines())) <= 80
    assert "…" not in found.stdout
