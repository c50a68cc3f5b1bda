"""The harness says how each run ended, goes on where it stopped, and does its arithmetic right."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from benchmarks.selection.__main__ import Bench
from benchmarks.selection.case import Case
from benchmarks.selection.participants import participant, participants
from benchmarks.selection.quality import cover
from benchmarks.selection.results import OtherMachine, Ratio, Results, ratio, times
from benchmarks.selection.runner import Limits, Run, run_cell
from benchmarks.selection.tables import beaten_by, fastest, growth_power, markdown
from benchmarks.selection.work import Work

ROOT = Path(__file__).resolve().parents[3]
CASE = Case(method="rehearsal", kind="mixture", rows=500, dim=8, k=3)
MACHINE = {"processor": "p", "cores": "2", "python": "3", "torch": "t", "numpy": "n", "memory": "m", "system": "s"}


def one_run(who: str, folder: Path, **limits: float) -> Run:
    return run_cell(CASE, who, cache=folder, picks=folder / "picks.npy", limits=Limits(**limits))


def test_a_run_that_ends_well(tmp_path: Path) -> None:
    run = one_run("Querist", tmp_path)
    assert (run.status, run.picks) == ("ok", 3)
    assert 0 <= run.seconds < 5
    assert np.load(tmp_path / "picks.npy").tolist() == Work(CASE, tmp_path).open[:3].tolist()


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="peaks are exact on Linux alone")
def test_memory_above_the_inputs_is_seen(tmp_path: Path) -> None:
    assert 60 <= one_run("takes 64 MB", tmp_path).peak_mb <= 80
    assert one_run("Querist", tmp_path).peak_mb < 10


def test_garbage_collection_is_told_apart(tmp_path: Path) -> None:
    run = one_run("collects garbage", tmp_path)
    assert 0.5 * run.seconds < run.gc_s <= run.seconds


def test_time_runs_out(tmp_path: Path) -> None:
    run = one_run("never ends", tmp_path, seconds=0.5)
    assert (run.status, run.seconds) == ("late", 0.5)
    assert run.gc_s > 0


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is watched on Linux alone")
def test_memory_runs_out(tmp_path: Path) -> None:
    run = one_run("takes all memory", tmp_path, memory_gb=1.0)
    assert (run.status, run.message) == ("memory", "over 1 GB")


def test_faults_are_told_on_one_line(tmp_path: Path) -> None:
    assert one_run("raises", tmp_path) == Run(status="failed", message="ValueError: no such luck with 3")
    assert one_run("dies", tmp_path).status == "failed"


def test_who_is_not_there_says_what_it_needs() -> None:
    assert participant("rehearsal", "is not installed").absent({}) == "no_such_module is not installed"
    lives = participant("rehearsal", "lives in a checkout")
    assert lives.absent({}) == "needs --checkout nowhere=FOLDER"
    assert lives.absent({"nowhere": "."}) == ""


def test_a_measurement_goes_on_where_it_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def run(case: Case, who: str, **_: Any) -> Run:
        asked.append(who)
        if who == "raises":
            return Run(status="failed", message="ValueError: no such luck")
        return Run(status="ok", seconds=40.0 if who == "takes 64 MB" else 1.0, picks=3)

    monkeypatch.setattr("benchmarks.selection.__main__.run_cell", run)
    sides = [participant("rehearsal", name) for name in ("Querist", "takes 64 MB", "raises")]
    bench = Bench(cache=tmp_path, checkouts={}, limits=Limits(), repeats=2)
    bench.run(CASE, sides, Results(tmp_path / "t.json", MACHINE))
    # An empty name makes the inputs. The second turn goes backwards; what is long or failed is not run again.
    assert asked == ["", "Querist", "takes 64 MB", "raises", "Querist"]
    asked.clear()
    bench.run(CASE, sides, Results(tmp_path / "t.json", MACHINE))
    assert asked == []
    with pytest.raises(OtherMachine, match="cores"):
        Results(tmp_path / "t.json", MACHINE | {"cores": "64"})
    assert Results(tmp_path / "t.json", MACHINE | {"cores": "64"}, again=True).known["cells"] == {}


def row(role: str, *seconds: float, gc_s: float = 0.0, **more: Any) -> dict[str, Any]:
    runs = [{"seconds": one, "gc_s": gc_s, "peak_mb": 1.0, "anonymous_mb": 1.0} for one in seconds]
    return {
        "role": role,
        "runs": runs,
        "status": "ok",
        "date": "2026-01-01",
        "commit": "abc",
        "note": "",
        "gc_s": gc_s,
    } | more


def test_ratios() -> None:
    ours = row("querist", 3.0, 1.0, 2.0)
    assert times(ours).seconds == 2.0  # type: ignore[union-attr]
    assert str(ratio(row("peer", 10.0, gc_s=4.0), ours)) == "3"
    late = row("peer", status="late", limit_s=180.0, gc_s=120.0)
    assert ratio(late, ours) == Ratio(30.0, at_least=True)
    assert str(ratio(late, ours)) == "> 30"
    assert ratio(row("peer", status="failed"), ours) is None
    assert ratio(late, row("querist", status="absent")) is None


def test_the_fastest_peer_is_right_and_finished() -> None:
    rows = {
        "Querist": row("querist", 1.0),
        "wrong": row("peer", 2.0, wrong="made up"),
        "slow": row("peer", 9.0),
        "mostly gc": row("peer", 10.0, gc_s=4.0),
        "late": row("peer", status="late", limit_s=5.0, gc_s=0.0),
        "loop": row("reference", 0.5),
    }
    assert fastest({"rows": rows}, role="peer")[0] == "mostly gc"  # type: ignore[index]
    assert str(beaten_by({"rows": rows}, role="peer")) == "6"
    assert str(beaten_by({"rows": rows}, role="reference")) == "0.5"
    stopped = {name: rows[name] for name in ("Querist", "wrong", "late")}
    assert str(beaten_by({"rows": stopped}, role="peer")) == "> 5"


def test_growth_is_a_power() -> None:
    assert growth_power({10: 2.0, 1000: 200.0}) == pytest.approx(1.0)
    assert growth_power({10: 2.0}) is None


def test_quality_sees_a_pick_that_is_not_the_farthest(tmp_path: Path) -> None:
    case = Case(method="k_center", kind="mixture", rows=400, dim=8, k=3)
    work = Work(case, tmp_path)
    picks = np.asarray(participant("k_center", "plain loop, NumPy").prepare(work)())
    assert cover(work, picks)["short of greedy"] < 1e-5
    worse = np.array([picks[0], picks[1], np.setdiff1d(work.open, picks)[0]])
    assert cover(work, worse)["short of greedy"] > 0.01


def test_both_kinds_and_every_method_have_a_side_of_ours() -> None:
    from benchmarks.selection.cases import TABLES

    for name, cases in TABLES.items():
        assert {case.kind for case in cases} == {"mixture", "isotropic"}, name
        assert len({case.name for case in cases}) == len(cases)
        for case in cases:
            assert [one.name for one in participants(case.method) if one.role == "querist"] == ["Querist"], case.name


def test_a_quick_measurement_from_end_to_end(tmp_path: Path) -> None:
    words = ["--quick", "--repeats", "1", "--peers", "none", "--only", "k_center/k_center/mixture"]
    folders = ["--cache", str(tmp_path), "--out", str(tmp_path / "out")]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.selection", *words, *folders], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    known = json.loads((tmp_path / "out" / "k_center.json").read_text(encoding="utf-8"))
    (cell,) = known["cells"].values()
    assert set(cell["rows"]) == {"Querist", "plain loop, NumPy", "plain loop, torch"}
    assert {found["same"] for found in cell["rows"].values()} == {1.0}
    assert all(found["quality"]["short of greedy"] < 1e-5 for found in cell["rows"].values())
    page = (tmp_path / "out" / "k_center.md").read_text(encoding="utf-8")
    assert page == markdown(known)
    assert "**mixture, 400 x 8, 5 picks**" in page
