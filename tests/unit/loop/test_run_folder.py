"""A run folder: one writer, settings that are not edited, data that are found again, and tasks that are named."""

import dataclasses
import json

import numpy as np
import pytest

from querist.core.errors import DataError, InUse, NotDurable, SettingsDiffer
from querist.loop import run as loop
from querist.loop.campaign import Pace
from querist.loop.progress import RoundEnded, RunStarted
from querist.loop.run import CURVE, JOURNAL, SETTINGS, load_result, load_session, run
from querist.loop.settings import RunSettings
from querist.storage.journal import Journal
from querist.storage.lock import locked

ROWS = 120


def table(path, label):
    """Three features and a label made from them."""
    points = np.random.default_rng(0).normal(size=(ROWS, 3))
    lines = ["a,b,c,label", *(f"{','.join(f'{x:.4f}' for x in point)},{label(point)}" for point in points)]
    path.write_text("\n".join(lines), encoding="utf-8")
    return f"csv:{path}"


@pytest.fixture
def settings(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    table(tmp_path / "data.csv", lambda x: "up" if x[0] > 0 else "down")
    return RunSettings(
        data="csv:data.csv", strategy="margin", model="sklearn:GaussianNB", initial=10, batch=5, budget=20
    )


def edited(out, old, new):
    text = (out / SETTINGS).read_text(encoding="utf-8")
    assert old in text
    (out / SETTINGS).write_text(text.replace(old, new), encoding="utf-8")


# -- one writer ------------------------------------------------------------------------------------------------------


def test_a_run_in_use_is_left_alone_and_goes_on_afterwards(settings, tmp_path):
    out = tmp_path / "run"

    def stop(event):
        if isinstance(event, RoundEnded) and event.labels == 15:
            with pytest.raises(InUse, match=r"another process is at work on .*run; wait until it ends"):
                run(settings, out, resume=True)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(settings, out, listener=stop)
    result = run(settings, out, resume=True)
    whole = run(settings, tmp_path / "whole")
    assert [curve.picked for curve in result.arms["margin"]] == [curve.picked for curve in whole.arms["margin"]]


def test_two_that_begin_one_run_are_kept_apart(settings, tmp_path):
    (tmp_path / ".run.part").mkdir()
    with locked(tmp_path / ".run.part"), pytest.raises(InUse, match=r"another process is at work on \S+/run;"):
        run(settings, tmp_path / "run")
    (tmp_path / ".run.part" / SETTINGS).write_text("left by one that was killed")
    assert (run(settings, tmp_path / "run").out / SETTINGS).exists()
    assert not (tmp_path / ".run.part").exists()


def test_a_run_that_another_began_meanwhile_is_left_to_it(settings, tmp_path, monkeypatch):
    def begin(self, path):
        write(self, path)
        (tmp_path / "run").mkdir()
        (tmp_path / "run" / SETTINGS).write_text("theirs")

    write = RunSettings.write
    monkeypatch.setattr(RunSettings, "write", begin)
    with pytest.raises(InUse, match=r"another process has begun the run \S+ meanwhile"):
        run(settings, tmp_path / "run")
    assert [path.name for path in (tmp_path / "run").iterdir()] == [SETTINGS]
    assert not (tmp_path / ".run.part").exists()


def test_a_finished_run_is_read_while_another_holds_it(settings, tmp_path):
    run(settings, tmp_path / "run")
    with locked(tmp_path / "run"):
        assert run(settings, tmp_path / "run", resume=True).arms.keys() == load_result(tmp_path / "run").arms.keys()


@pytest.mark.parametrize("error", [NotDurable("full"), OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_a_folder_that_cannot_be_made_whole_is_not_made(settings, tmp_path, monkeypatch, error):
    def fail(*_, **__):
        raise error

    before = set(tmp_path.iterdir())
    monkeypatch.setattr(loop.Journal, "open", fail)
    with pytest.raises((type(error), Exception, KeyboardInterrupt)):
        run(settings, tmp_path / "run")
    assert set(tmp_path.iterdir()) == before


# -- settings --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("budget = 20", "budget = 30", "budget was 20, is 30"),
        ('strategy = "margin"', 'strategy = "badge"', "strategy was margin, is badge"),
        ("seeds = [0]", "seeds = [0, 1]", "seeds was 0, is 0,1"),
    ],
)
def test_settings_that_were_edited_are_refused_wherever_they_are_read(settings, tmp_path, old, new, says):
    run(settings, tmp_path / "run")
    curve = (tmp_path / "run" / CURVE).read_bytes()
    edited(tmp_path / "run", old, new)
    for act in (load_result, load_session, lambda out: run(RunSettings(), out, resume=True, given=frozenset())):
        with pytest.raises(SettingsDiffer, match=f"run.toml was edited since the run began: {says}"):
            act(tmp_path / "run")
    assert (tmp_path / "run" / CURVE).read_bytes() == curve


def test_a_target_and_the_place_of_the_data_may_be_edited(settings, tmp_path):
    run(settings, tmp_path / "run")
    (tmp_path / "data.csv").rename(tmp_path / "moved.csv")
    edited(tmp_path / "run", '"csv:data.csv"', f'"csv:{tmp_path / "moved.csv"}"\ntarget = 0.5')
    assert load_session(tmp_path / "run").labels == 20
    assert load_result(tmp_path / "run").to_json()["target"]["value"] == 0.5


def test_data_are_found_from_other_folders_and_never_mistaken(settings, tmp_path, monkeypatch):
    run(settings, tmp_path / "run")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    table(tmp_path / "elsewhere" / "data.csv", lambda x: "other" if x[1] > 0 else "data")
    assert load_session(tmp_path / "run").labels == 20
    (tmp_path / "data.csv").unlink()
    with pytest.raises(DataError, match="is not what this run was started with"):
        load_session(tmp_path / "run")


# -- tasks -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("task", "label", "model", "given"),
    [
        ("regression", lambda x: round(9 * x[0]), "sklearn:Ridge", float),
        ("classification", lambda x: float(x[0] > 0), "sklearn:GaussianNB", str),
        ("multilabel", lambda x: "up" if x[0] > 0 else "down", "mlp", list),
        ("multilabel", lambda x: "|".join(name for name, y in zip("abc", x, strict=True) if y > 0) or "|", "mlp", list),
    ],
)
def test_a_named_task_reads_labels_in_its_own_way(settings, tmp_path, task, label, model, given):
    data = table(tmp_path / "data.csv", label)
    result = run(
        dataclasses.replace(settings, data=data, task=task, strategy="core_set", model=model, compare="none"),
        tmp_path / "run",
    )
    assert result.settings.found.task == task
    with Journal.open(tmp_path / "run" / JOURNAL, create=False) as journal:
        assert {type(event.payload) for event in journal.events()} == {given}
    json.dumps(result.to_json(), allow_nan=False)


def test_one_class_alone_is_nothing_to_learn(settings, tmp_path):
    data = table(tmp_path / "data.csv", lambda _: "up")
    with pytest.raises(DataError, match="all labels of data are 'up', so there is nothing to learn"):
        run(dataclasses.replace(settings, data=data), tmp_path / "run")


def test_rows_that_nobody_can_answer_for_are_counted(settings, tmp_path):
    data = table(tmp_path / "data.csv", lambda x: "" if x[0] > 1.5 else ("up" if x[0] > 0 else "down"))
    with pytest.raises(DataError, match=r"^\d+ of \d+ training rows of data have no label; remove those rows"):
        run(dataclasses.replace(settings, data=data), tmp_path / "run")


# -- how far it is ---------------------------------------------------------------------------------------------------


def test_all_is_done_at_the_end_whatever_was_bought_or_saved(settings, tmp_path):
    seen = []
    bought = dataclasses.replace(settings, validation=6, stop="plateau", budget=80, batch=8)

    def stop(event):
        if isinstance(event, RoundEnded):
            seen.append(event)
        if len(seen) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(bought, tmp_path / "run", listener=stop)
    run(bought, tmp_path / "run", resume=True, listener=lambda e: seen.append(e) if isinstance(e, RoundEnded) else None)
    shares = [event.done for event in seen]
    assert shares == sorted(shares)
    assert shares[1] == pytest.approx(seen[1].labels / 160)
    assert [event for event in seen if isinstance(event, RunStarted)] == []


def test_labels_that_a_campaign_leaves_are_no_work_to_come():
    pace = Pace(200, 0)
    assert pace.spend(50)[0] == 0.25
    pace.forgo(50)
    assert pace.spend(100) == (1.0, 0.0)
