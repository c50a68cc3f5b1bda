"""``querist strategies``."""

import json

import pytest
from typer.testing import CliRunner

from querist.cli.app import app, main
from querist.strategies import registry

runner = CliRunner()
KEYS = {"name", "kind", "family", "rows", "survey", "paper", "views", "tasks", "cost", "file"}


def listed(*words):
    found = runner.invoke(app, ["strategies", "--json", *words])
    assert found.exit_code == 0
    return json.loads(found.stdout)


def test_every_strategy_is_listed_with_every_key():
    entries = listed()
    others = ("oracle", "stream", "stopping")
    assert {entry["name"] for entry in entries if entry["kind"] not in others} == set(registry)
    assert {row for entry in entries if entry["kind"] == "stream" for row in entry["rows"]} == {"A15"}
    assert {"K1", "K3", "S52"} <= {row for entry in entries if entry["kind"] == "stopping" for row in entry["rows"]}
    oracles = {entry["name"]: entry["rows"] for entry in entries if entry["kind"] == "oracle"}
    assert {"noisy_annotators", "model_annotators", "language_model_annotators", "dawid_skene"} <= set(oracles)
    assert all(oracles.values())
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


@pytest.mark.parametrize("name", list(registry))
def test_why_says_what_when_and_where(name):
    found = runner.invoke(app, ["strategies", "--why", name, "--json"])
    assert found.exit_code == 0
    said = json.loads(found.stdout)
    assert set(said) == KEYS | {"what", "formula", "use_it_when", "not_when", "reference"}
    cls = registry[name]
    if cls.rows:
        assert min(len(said[key]) for key in ("what", "formula", "use_it_when", "not_when")) > 10
    assert not cls.paper or len(said["reference"]) > 40
    assert "``" not in str(said)


def test_why_in_words():
    found = runner.invoke(app, ["strategies", "--why", "badge"], env={"COLUMNS": "100"})
    assert found.exit_code == 0
    text = " ".join(found.stdout.split())
    for words in (
        "k-means++ seeding on the last layer's gradients",
        "Formula: k-means++ on g(x)",
        "Use it when batches are",
        "Not when labels are very few",
        "(Hacohen et al. 2022)",
        "Paper: Ash, Jordan T.; Zhang, Chicheng",
        "Deep Batch Active Learning by Diverse, Uncertain Gradient Lower Bounds",
        "File: querist/strategies/hybrid/badge.py",
    ):
        assert words in text
    assert max(map(len, found.stdout.splitlines())) <= 100


def test_why_of_nothing_and_of_everything():
    assert main(["strategies", "--why", "bagde"]) == 2
    assert main(["strategies", "--why", "badge", "--family", "hybrid"]) == 2


def test_why_of_auto_says_the_rule():
    found = runner.invoke(app, ["strategies", "--why", "auto", "--json"])
    assert found.exit_code == 0
    said = json.loads(found.stdout)
    assert set(said) == KEYS | {"what", "formula", "use_it_when", "not_when", "reference"}
    assert said["file"] == "loop/advisor.py"
    words = runner.invoke(app, ["strategies", "--why", "auto"]).stdout
    for taken in ("typi_clust", "margin", "badge", "lcmd", "least_confidence"):
        assert taken in words
    assert "(Hacohen et al. 2022" in " ".join(words.split())
