"""Runs over a small table on disk: what is written, what is refused, and what a resumed run takes from where."""

import csv
import dataclasses
import json

import numpy as np
import pytest

from querist.core.errors import BudgetError, DataError, QueristError, SettingsDiffer, UnknownName, UsageError
from querist.loop import workbench
from querist.loop.progress import RoundEnded, RunEnded, RunStarted
from querist.loop.run import CURVE, JOURNAL, SETTINGS, load_result, load_session, run
from querist.loop.settings import RunSettings
from querist.storage.journal import Journal

ROWS = {"train": 90, "validation": 15, "test": 45}


def write_table(path, *, seed=0, rows=ROWS):
    """Three blobs that overlap a little."""
    rng = np.random.default_rng(seed)
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["a", "b", "c", "kind", "split"])
        for split, n in rows.items():
            for row in range(n):
                point = rng.normal(size=3) + 2.0 * np.eye(3)[row % 3]
                writer.writerow([*(f"{value:.4f}" for value in point), ("ant", "bee", "cat")[row % 3], split])
    return f"csv:{path}"


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_table(tmp_path_factory.mktemp("data") / "blobs.csv")


@pytest.fixture
def settings(data):
    return RunSettings(
        data=data, label="kind", strategy="margin", model="sklearn:GaussianNB", initial=10, batch=5, budget=25
    )


def changed(settings, **values):
    return dataclasses.replace(settings, **values)


def asked(out):
    """Every row of every campaign, a round at a time."""
    with Journal.open(out / JOURNAL, create=False) as journal:
        return {
            name: [[pick.row for pick in record.picks] for record in journal.rounds(name)]
            for name in journal.campaigns()
        }


# -- what a run gives ------------------------------------------------------------------------------------------------


def test_a_run_tells_what_it_found_and_how_it_got_there(settings, tmp_path):
    seen = []
    result = run(changed(settings, seeds=(0, 1), target=0.6), tmp_path / "run", listener=seen.append)
    said = json.loads(json.dumps(result.to_json()))
    assert [point["labels"] for point in said["curve"]] == [10, 15, 20, 25]
    assert all(point["low"] <= point["value"] <= point["high"] for point in said["curve"])
    assert said["curve"][-1]["value"] > 0.6
    assert said["twin"]["strategy"] == "random"
    assert said["target"]["value"] == 0.6
    first = next(point["labels"] for point in said["curve"] if point["value"] >= 0.6)
    assert said["target"]["labels"] == first
    assert said["picked"] == asked(tmp_path / "run")["margin/0"][1:]
    assert said["seconds"]["total"] == pytest.approx(
        sum(said["seconds"][name] for name in ("train", "views", "select"))
    )
    assert set(result.stopped.values()) == {"the budget of 25 labels is spent"}
    assert len(result.stopped) == 4

    kinds = [type(event) for event in seen]
    assert kinds[0] is RunStarted
    assert kinds[-1] is RunEnded
    ended = [event for event in seen if isinstance(event, RoundEnded)]
    assert len(ended) == 16
    assert [event.done for event in ended] == sorted(event.done for event in ended)
    assert ended[-1].done == 1
    assert ended[-1].seconds_left == 0
    with (tmp_path / "run" / CURVE).open() as file:
        lines = list(csv.DictReader(file))
    assert len(lines) == 16
    assert {(line["strategy"], line["seed"]) for line in lines} == {(a, s) for a in ("margin", "random") for s in "01"}
    assert float(lines[0]["accuracy"]) == ended[0].value


def test_the_same_settings_give_the_same_run_and_seeds_do_not_depend_on_each_other(settings, tmp_path):
    both = run(changed(settings, seeds=(0, 1)), tmp_path / "both")
    alone = run(changed(settings, seeds=(1,), compare="none"), tmp_path / "alone")
    assert asked(tmp_path / "alone")["margin/1"] == asked(tmp_path / "both")["margin/1"]
    assert asked(tmp_path / "both")["margin/0"] != asked(tmp_path / "both")["margin/1"]
    metrics = [[point.metrics for point in curve.points] for curve in (both.arms["margin"][1], alone.arms["margin"][0])]
    assert metrics[0] == metrics[1]


def test_twins_start_from_the_same_rows_and_the_same_training(settings, tmp_path):
    result = run(changed(settings, seeds=(0, 1), model="mlp", budget=15, validation=4, initial=8), tmp_path / "run")
    rounds = asked(tmp_path / "run")
    for pos, seed in enumerate((0, 1)):
        assert rounds[f"margin/{seed}"][0] == rounds[f"random/{seed}"][0]
        own, twin = (result.arms[arm][pos].points[0] for arm in ("margin", "random"))
        assert own.metrics == twin.metrics
    assert rounds["margin/0"][0] != rounds["margin/1"][0]
    assert rounds["margin/0"][1] != rounds["random/0"][1]


def test_without_a_twin_there_is_none(settings, tmp_path):
    for number, values in enumerate(({"compare": "none"}, {"compare": "margin"})):
        said = run(changed(settings, target=2.0, **values), tmp_path / str(number)).to_json()
        assert said["twin"] is None
        assert said["target"] == {"value": 2.0, "labels": None, "twin": None}


def test_run_toml_keeps_what_was_found(settings, tmp_path):
    run(changed(settings, model=None, budget=10), tmp_path / "run")
    found = RunSettings.read(tmp_path / "run" / SETTINGS).found
    assert (found.task, found.classes, found.model) == ("classification", ("ant", "bee", "cat"), "mlp")
    assert (found.metric, found.device) == ("accuracy", "cpu")
    assert found.inference_batch
    assert found.pool


# -- the bill --------------------------------------------------------------------------------------------------------


def test_validation_labels_are_on_the_bill_and_the_budget_is_met_exactly(settings, tmp_path):
    result = run(changed(settings, validation=8, initial=6, batch=7, budget=30), tmp_path / "run")
    assert [point.labels for point in result.arms["margin"][0].points] == [14, 21, 28, 30]
    with Journal.open(tmp_path / "run" / JOURNAL, create=False) as journal:
        given = {event.query.row for event in journal.events(campaign="margin/0")}
    assert len(given) == 30 - 8
    session = load_session(tmp_path / "run")
    held_out = session._validation
    assert len(held_out) == 8
    assert not given & set(held_out.tolist())
    assert session.labels == 30
    twin = load_session(tmp_path / "run", arm="random")
    assert twin._validation.tolist() == held_out.tolist()


def test_free_validation_is_off_the_bill_and_said_aloud(settings, tmp_path):
    result = run(changed(settings, free_validation=True), tmp_path / "run")
    assert [point.labels for point in result.arms["margin"][0].points] == [10, 15, 20, 25]
    assert "15 validation labels are used free of charge" in result.notes
    assert {"accuracy", "validation/accuracy"} <= set(result.arms["margin"][0].points[0].metrics)


def test_a_plateau_ends_a_run_early_and_says_so(settings, tmp_path):
    wanted = changed(settings, free_validation=True, stop="plateau", initial=30, batch=3, budget=90, compare="none")
    result = run(wanted, tmp_path / "run")
    points = result.arms["margin"][0].points
    assert len(points) >= 4
    assert points[-1].labels < 90
    assert result.stopped["margin/0"] == "accuracy on validation has not grown for 3 rounds"
    again = load_result(tmp_path / "run")
    assert again.stopped == result.stopped
    best = [point.metrics["validation/accuracy"] for point in points]
    assert max(best[-3:]) <= max(best[:-3])


def test_the_whole_pool_can_be_spent(settings, tmp_path):
    result = run(changed(settings, initial=50, batch=25, budget=90, compare="none"), tmp_path / "run")
    assert [point.labels for point in result.arms["margin"][0].points] == [50, 75, 90]
    assert sorted(row for rows in asked(tmp_path / "run")["margin/0"] for row in rows) == list(range(90))


def test_candidates_limit_what_a_strategy_sees(settings, tmp_path):
    run(changed(settings, compare="none"), tmp_path / "all")
    run(changed(settings, compare="none", candidates=5), tmp_path / "few")
    assert asked(tmp_path / "few")["margin/0"] != asked(tmp_path / "all")["margin/0"]
    # Five of five: nothing is left to choose, so any strategy asks for the same rows.
    run(changed(settings, strategy="entropy", compare="none", candidates=5), tmp_path / "entropy")
    few, entropy = asked(tmp_path / "few")["margin/0"], asked(tmp_path / "entropy")["entropy/0"]
    assert [sorted(rows) for rows in few] == [sorted(rows) for rows in entropy]


# -- going on --------------------------------------------------------------------------------------------------------


class Cut(Exception):
    pass


def cut_after(rounds):
    """A listener that ends the run when that many rounds are closed."""
    seen = []

    def listener(event):
        if isinstance(event, RoundEnded):
            seen.append(event)
            if len(seen) == rounds:
                raise Cut

    return listener


@pytest.mark.parametrize("start", ["scratch", "warm"])
def test_a_run_that_was_cut_off_ends_as_if_it_had_not_been(settings, tmp_path, start):
    wanted = changed(settings, model="mlp", start=start, budget=20)
    whole = run(wanted, tmp_path / "whole")
    for rounds in (2, 4):
        out = tmp_path / f"cut-{rounds}"
        with pytest.raises(Cut):
            run(wanted, out, listener=cut_after(rounds))
        assert len(load_result(out).stopped) < 2
        resumed = run(wanted, out, resume=True)
        assert asked(out) == asked(tmp_path / "whole")
        for arm in ("margin", "random"):
            for one, two in zip(resumed.arms[arm], whole.arms[arm], strict=True):
                assert [point.metrics for point in one.points] == [point.metrics for point in two.points]


def test_warm_start_is_another_training_than_cold(settings, tmp_path):
    cold, warm = (
        run(changed(settings, model="mlp", start=start, compare="none", budget=15), tmp_path / start)
        for start in ("scratch", "warm")
    )
    versions = []
    for out in (cold.out, warm.out):
        with Journal.open(out / JOURNAL, create=False) as journal:
            versions.append([record.model_version for record in journal.rounds("margin/0")])
    assert versions[0][0] == versions[1][0], "the first round has nothing to go on from"
    assert versions[0][1] != versions[1][1]


def test_resume_starts_a_run_that_is_not_there(settings, tmp_path):
    assert run(settings, tmp_path / "run", resume=True).to_json()["curve"][-1]["labels"] == 25


def test_a_finished_run_is_told_again_without_its_data(tmp_path, settings):
    file = tmp_path / "moved.csv"
    wanted = changed(settings, data=write_table(file))
    first = run(wanted, tmp_path / "run")
    file.unlink()
    again = run(wanted, tmp_path / "run", resume=True)
    assert again.to_json() == first.to_json()
    assert load_result(tmp_path / "run").to_json() == first.to_json()
    assert again.notes == tuple(first.notes)


def test_other_settings_are_named_on_resume(settings, tmp_path):
    run(settings, tmp_path / "run")
    other = changed(settings, batch=6, strategy="entropy", seeds=(0, 3))
    with pytest.raises(SettingsDiffer) as said:
        run(other, tmp_path / "run", resume=True)
    for text in ("batch was 5, is 6", "strategy was margin, is entropy", "seeds was 0, is 0,3"):
        assert text in str(said.value)
    assert "budget" not in str(said.value)
    with pytest.raises(SettingsDiffer, match="batch was 5, is 6") as said:
        run(other, tmp_path / "run", resume=True, given=frozenset({"batch"}))
    assert "strategy" not in str(said.value)
    # What was not given is taken from the run.
    assert run(other, tmp_path / "run", resume=True, given=frozenset({"budget"})).to_json()["strategy"] == "margin"


def test_changed_data_are_refused_on_resume(settings, tmp_path):
    file = tmp_path / "mine.csv"
    wanted = changed(settings, data=write_table(file))
    with pytest.raises(Cut):
        run(wanted, tmp_path / "run", listener=cut_after(1))
    before = asked(tmp_path / "run")
    write_table(file, seed=1)
    with pytest.raises(DataError, match="is not what this run was started with"):
        run(wanted, tmp_path / "run", resume=True)
    with pytest.raises(DataError, match="is not what this run was started with"):
        load_session(tmp_path / "run")
    assert asked(tmp_path / "run") == before


@pytest.mark.parametrize("model", ["mlp", "sklearn:GaussianNB"])
def test_a_loaded_session_predicts_what_the_run_measured_last(settings, tmp_path, model):
    result = run(changed(settings, model=model, seeds=(0, 1), budget=15), tmp_path / "run")
    for arm in ("margin", "random"):
        for pos, seed in enumerate((0, 1)):
            session = load_session(tmp_path / "run", arm=arm, seed=seed)
            assert session.evaluate() == result.arms[arm][pos].points[-1].metrics
            assert session.labels == 15
            assert not session.round_is_open


def test_weights_of_the_last_rounds_are_kept_and_no_others(settings, tmp_path):
    run(changed(settings, model="mlp", batch=2, budget=16, compare="none"), tmp_path / "run")
    kept = sorted(path.name for path in (tmp_path / "run" / workbench.WEIGHTS / "margin" / "0").iterdir())
    assert kept == ["round-2", "round-3"]


# -- what cannot be --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "error", "says"),
    [
        ({"strategy": "magrin"}, UnknownName, "margin"),
        ({"compare": "randon"}, UnknownName, "random"),
        ({"metric": "acuracy"}, UnknownName, "accuracy"),
        ({"model": "mlpp"}, UnknownName, "mlp"),
        ({"task": "clasification"}, UnknownName, "classification"),
        ({"task": "regression"}, DataError, r"the label '\w+' cannot be read for the task regression, first in row 0"),
        ({"task": "tokens"}, UsageError, "no tokens that could be tagged"),
        ({"initial_strategy": "badge"}, UsageError, "needs a trained model"),
        ({"budget": 91}, BudgetError, "over the 90 rows"),
        ({"budget": 9}, BudgetError, "under the 10 initial"),
        ({"budget": 17, "validation": 8}, BudgetError, "10 initial and 8 validation"),
        ({"batch": 0}, BudgetError, "--batch is 0"),
        ({"initial": 0}, BudgetError, "--initial is 0"),
        ({"validation": -1}, BudgetError, "--validation is -1"),
        ({"candidates": 4}, BudgetError, "under the batch of 5"),
        ({"seeds": ()}, UsageError, "seeds"),
        ({"seeds": (1, 1)}, UsageError, "seeds"),
        ({"stop": "plateau"}, UsageError, "needs validation labels"),
        ({"stop": "never"}, UnknownName, "no stopping rule is called 'never'"),
        ({"start": "hot"}, UsageError, "scratch or warm"),
        ({"label": "sort"}, DataError, "sort"),
        ({"data": "csv:nowhere.csv"}, DataError, "nowhere.csv"),
        ({"strategy": "bald", "compare": "none"}, QueristError, "bald cannot choose with the model .* does not answer"),
        ({"target": float("nan")}, UsageError, "--target is nan"),
        ({"device": "cuda:99", "model": "mlp"}, QueristError, "cuda"),
    ],
)
def test_bad_settings_say_why_and_leave_no_folder_behind(settings, tmp_path, values, error, says):
    with pytest.raises(error, match=says):
        run(changed(settings, **values), tmp_path / "run")
    assert list(tmp_path.iterdir()) == []


def test_data_without_a_validation_split_have_none_for_free(settings, tmp_path):
    held = write_table(tmp_path / "held.csv", rows={"train": 40, "test": 20})
    with pytest.raises(DataError, match="has no validation rows; leave --free-validation out"):
        run(changed(settings, data=held, free_validation=True), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_run_is_not_written_over(settings, tmp_path):
    run(settings, tmp_path / "run")
    before = asked(tmp_path / "run")
    with pytest.raises(UsageError, match="holds a run already; add --resume"):
        run(changed(settings, seeds=(7,)), tmp_path / "run")
    assert asked(tmp_path / "run") == before


@pytest.mark.parametrize("resume", [True, False])
def test_a_folder_or_file_that_is_no_run_is_left_alone(settings, tmp_path, resume):
    folder, file = tmp_path / "photos", tmp_path / "file"
    folder.mkdir()
    (folder / "cat.jpg").write_bytes(b"meow")
    file.write_text("mine")
    for out in (folder, file):
        with pytest.raises(UsageError, match="exists and holds no run"):
            run(settings, out, resume=resume)
    assert [path.name for path in folder.iterdir()] == ["cat.jpg"]
    assert file.read_text() == "mine"


def test_an_empty_folder_may_become_a_run(settings, tmp_path):
    (tmp_path / "run").mkdir()
    assert (run(settings, tmp_path / "run").out / SETTINGS).exists()
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_what_is_no_run_cannot_be_loaded(tmp_path):
    for load in (load_result, load_session):
        with pytest.raises(DataError, match="holds no run"):
            load(tmp_path)
