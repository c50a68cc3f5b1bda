"""The results runner on toys: cells are resumed, crashes are rows, comparisons are paired, pages say all of it."""

from __future__ import annotations

import json
import signal
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from benchmarks.results import __main__ as command
from benchmarks.results import cell, kept, pages, runner, studies
from benchmarks.results.kept import Kept
from benchmarks.results.studies import STUDIES, TWINS, Cost, Study

import querist as q
from querist.core.errors import SettingsDiffer
from querist.loop import advisor
from querist.models import make_model
from querist.models.base import Adapter
from querist.strategies import registry
from querist.tasks.base import Task


def toys(_folder: Path) -> q.Pool:
    draw = np.random.default_rng(0)
    y = draw.integers(0, 3, 160)
    x = draw.normal(size=(160, 4)) + 3 * np.eye(3, 4)[y]
    return q.Pool.from_arrays(x[:120].astype(np.float32), y[:120], test=(x[120:].astype(np.float32), y[120:]))


def small(pool: q.Pool, task: Task) -> Adapter:
    return make_model("mlp", pool, task, width=8, steps=5, epochs=1, device="cpu")


TOYS = Study(
    name="digits",  # so that the processes find it under a name they know
    title="Toys",
    about="three clouds of points",
    pool=toys,
    model=small,
    initial=6,
    batch=4,
    rounds=2,
    cost=Cost(fit=0.1, answer=0.1, sample=0.01),
)


def found(study: Study, values: dict[str, list[list[float]]]) -> Kept:
    """A study with these curves, a seed each."""
    cells = {
        name: {
            "status": "ok",
            "seeds": {
                str(seed): {"labels": [10, 20, 30], "value": curve, "train_s": 3.0, "views_s": 2.0, "select_s": 0.5}
                for seed, curve in enumerate(seeds)
            },
        }
        for name, seeds in values.items()
    }
    return Kept(study, cells, {"processor": "p", "torch": "t"})


def test_a_cell_has_the_first_rows_and_first_values_of_its_twins(tmp_path: Path) -> None:
    one, two = (cell.run(TOYS, name, tmp_path, [0, 1]) for name in ("random", "entropy"))
    assert set(one) == {"0", "1"}
    for seed in ("0", "1"):
        assert one[seed]["labels"] == two[seed]["labels"] == [6, 10, 14]
        assert one[seed]["value"][0] == two[seed]["value"][0]
        assert min(one[seed][part] for part in ("train_s", "views_s", "select_s")) >= 0
    assert one["0"]["value"] != one["1"]["value"]


def test_a_cell_that_was_stopped_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = cell.run(TOYS, "badge", tmp_path / "whole", [0])
    close, closed = q.Session.close_round, []

    def stops(self: q.Session, metrics: dict[str, float]) -> None:
        close(self, metrics)
        closed.append(self.labels)
        if len(closed) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(q.Session, "close_round", stops)
    with pytest.raises(KeyboardInterrupt):
        cell.run(TOYS, "badge", tmp_path / "cut", [0])
    assert cell.run(TOYS, "badge", tmp_path / "cut", [0])["0"]["value"] == whole["0"]["value"]
    assert closed == [6, 10, 14]


def test_an_error_of_ours_is_a_finding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(
        STUDIES, "digits", replace(TOYS, model=lambda pool, task: make_model("sklearn:GaussianNB", pool, task))
    )
    assert cell.main(["digits", "bald", str(tmp_path), "0"]) == 0
    said = json.loads((tmp_path / "digits" / "bald.json").read_text())
    assert said["status"] == "failed"
    assert said["message"].startswith("ViewMissing: ")


def test_how_processes_end(tmp_path: Path) -> None:
    programs = {
        "good": "print('fine')",
        "killed": "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
        "crash": "import sys; print('the last word', file=sys.stderr); sys.exit(3)",
        "slow": "import time; time.sleep(60)",
    }
    works = [
        runner.Work(name=name, command=(sys.executable, "-c", code), limit_s=2 if name == "slow" else 60)
        for name, code in programs.items()
    ]
    ended: dict[str, runner.Ended] = {}
    runner.run_all(works, workers=2, folder=tmp_path, then=lambda one: ended.update({one.work.name: one}), every_s=0.02)
    assert ended["good"].message == ""
    assert ended["killed"].message == "ended by SIGKILL, as the system does when memory runs out"
    assert ended["crash"].message == "ended with 3: the last word"
    assert ended["slow"].message == "took over 2 seconds"
    assert 2 <= ended["slow"].seconds < 30


def test_a_polite_kill_ends_what_it_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    work = runner.Work(name="slow", command=(sys.executable, "-c", "import time; time.sleep(60)"), limit_s=60)
    started: list[Any] = []

    def killed_meanwhile(self: Any) -> None:
        started.append(self.process)
        signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr(runner._Process, "ended", killed_meanwhile)
    with pytest.raises(SystemExit, match="goes on"), command.stopped_by_term():
        runner.run_all([work], workers=1, folder=tmp_path, then=print)
    assert started[0].poll() is not None
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


@pytest.fixture
def toy_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The command with the toys alone and its cells in this process; returns what it printed."""
    monkeypatch.setattr(command, "STUDIES", {"digits": TOYS})
    monkeypatch.setitem(STUDIES, "digits", TOYS)

    def in_here(works: list[runner.Work], **rest: Any) -> None:
        for work in works:
            if work.name.endswith("core_set"):
                rest["then"](runner.Ended(work=work, message="ended by SIGKILL", seconds=1.0))
                continue
            cell.main(work.command[-4:])
            rest["then"](runner.Ended(work=work, message="", seconds=1.0))

    monkeypatch.setattr(command, "run_all", in_here)

    def run(*words: str) -> int:
        return command.main(
            [*words, "--out", str(tmp_path / "out"), "--docs", str(tmp_path / "docs"), "--seeds", "0,1"]
        )

    return run


def test_the_command_runs_what_is_missing(toy_command: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert toy_command("--only", "random,margin,badge,core_set") == 0
    said = capsys.readouterr().out
    assert said.index("digits/margin") < said.index("digits/badge")  # the twins come first
    assert "[4/4]" in said
    assert "core_set failed: ended by SIGKILL" in said
    data = json.loads((tmp_path / "docs" / "digits.json").read_text())
    assert set(data["cells"]) == {"random", "margin", "badge", "core_set"}
    assert data["settings"]["rounds"] == 2
    page, index = ((tmp_path / "docs" / name).read_text() for name in ("digits.md", "index.md"))
    assert "| [badge](../../strategies/badge.md) |" in page
    assert "- **core_set**: ended by SIGKILL" in page
    assert "| [core_set](../../strategies/core_set.md) | density | failed |" in index
    assert "<svg" in (tmp_path / "docs" / "digits-hybrid.svg").read_text()

    assert toy_command("--only", "random,margin,badge,core_set") == 0
    assert "0 cells to run (4 kept)" in capsys.readouterr().out
    assert toy_command("--only", "badge,core_set", "--again", "core_set", "--plan") == 0
    said = capsys.readouterr().out
    assert "1 cells to run (3 kept)" in said
    assert "core_set" in said
    assert toy_command("--only", "bagde") == 2
    assert "did you mean 'badge'?" in capsys.readouterr().err


def test_other_settings_are_not_mixed(toy_command: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert toy_command("--only", "random") == 0
    with pytest.raises(SettingsDiffer, match="measured with other settings"):
        Kept.read(tmp_path / "docs", replace(TOYS, batch=5))


def test_every_strategy_has_its_studies() -> None:
    for name in registry:
        taken = [each.name for each in STUDIES.values() if each.only is None and each.takes(name, registry[name])]
        if name in TWINS:
            assert set(taken) == {each.name for each in STUDIES.values() if each.only is None}
        elif "classification" not in registry[name].tasks:
            assert taken == []
        else:
            assert taken[0] == "digits"
            assert len(taken) == 3
    one = STUDIES["fashion_mnist"]
    cheap, dear = (one.seconds(registry[name], 3) for name in ("margin", "query_by_committee"))
    assert 2 < dear / cheap < 6  # five members are trained
    total = sum(
        study.seconds(registry[name], 3)
        for study in STUDIES.values()
        for name in registry
        if study.only is None and study.takes(name, registry[name])
    )
    assert total / len(registry) * 50 < 8 * 3600  # fifty strategies, on one core


def test_the_advisor_is_run_beside_what_it_may_take(toy_command: Any, tmp_path: Path) -> None:
    takes = {name for regime in advisor.REGIMES for name in regime.order}
    measured = {name for each in STUDIES.values() for name in each.only or ()}
    assert "auto" in measured
    first = {regime.order[0] for regime in advisor.REGIMES if regime not in (advisor.UNITS, advisor.NUMBERS)}
    assert first <= measured
    assert takes <= set(registry)
    assert toy_command("--only", "random,margin,auto") == 0
    page = (tmp_path / "docs" / "digits.md").read_text()
    assert "[auto](../../guide/which_strategy.md)" in page


def test_comparisons_are_paired_and_in_points() -> None:
    made = found(
        TOYS,
        {
            "random": [[0.5, 0.6, 0.7], [0.6, 0.7, 0.8], [0.4, 0.5, 0.6]],
            "margin": [[0.51, 0.61, 0.71], [0.61, 0.71, 0.81], [0.41, 0.51, 0.61]],
        },
    )
    assert made.heights("random", ["0"]) == [pytest.approx(60)]
    over = made.over("margin", "random")
    assert over is not None
    assert (over.mean, over.half) == (pytest.approx(1), pytest.approx(0, abs=1e-9))
    assert made.height("margin").half > 10  # alone, the luck of the seeds hides it
    assert made.over("random", "random") is None
    assert made.last("margin") == pytest.approx(71)
    assert not made.wants("random", [0, 1])
    assert made.wants("random", [0, 3])
    assert made.wants("badge", [0])


def test_pages_hold_the_numbers_and_drop_pictures_that_are_gone(tmp_path: Path) -> None:
    made = found(
        TOYS,
        {
            "random": [[0.5, 0.6, 0.7], [0.6, 0.7, 0.8]],
            "margin": [[0.5, 0.62, 0.72], [0.6, 0.73, 0.82]],
            "badge": [[0.5, 0.5, 0.6], [0.6, 0.6, 0.7]],
        },
    )
    (tmp_path / "digits-gone.svg").write_text("old")
    pages.write_pages(tmp_path, {"digits": made})
    assert {file.name for file in tmp_path.iterdir()} == {
        "index.md",
        "digits.md",
        "digits-curves.svg",
        "digits-hybrid.svg",
    }
    page = (tmp_path / "digits.md").read_text()
    order = [page.index(f"| [{name}]") for name in ("margin", "random", "badge")]
    assert order == sorted(order)  # the best first
    assert "| **-7.50** (-7.50 to -7.50) |" in page
    assert "| 3.0 | 2.0 | 0.5 |" in page
    empty = Kept(TOYS)
    assert "Nothing was measured yet" in pages.index_page({"digits": empty})
    assert "Nothing was measured yet" in pages.study_page(empty, [])
    assert ".json" not in pages.study_page(empty, [])


def test_the_real_pools_are_what_they_say(data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUERIST_DATA", str(data_dir))
    fashion = studies.fashion_mnist(tmp_path)
    assert [len(fashion.rows(split)) for split in ("train", "test")] == [10_000, 5_000]
    arrays = {"train": np.zeros((3, 50), np.float32), "train_labels": np.array([0, 1, 0])}
    calls = []

    def make() -> dict[str, np.ndarray]:
        calls.append(1)
        return arrays

    for _ in range(2):
        assert studies.kept(tmp_path, "some", make)["train"].shape == (3, 50)
    assert len(calls) == 1
    assert kept.machine()["torch"]
