"""The worker's part: what it ranks, what it must not learn from, and what is left of a training that fails."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from querist.core.errors import ViewMissing
from querist.server.house import House
from querist.server.services.acts import HELD_OUT, MAIN, Act
from querist.server.services.project import Project
from querist.server.settings import LabelSettings
from querist.server.supervisor import Supervisor
from querist.server.trainer import Trainer
from querist.storage import ranking
from querist.storage.journal import Journal
from querist.strategies.density.typi_clust import TypiClust

SETTINGS = LabelSettings(
    data="digits",
    classes=tuple("0123456789"),
    model="mlp",
    strategy="margin",
    retrain_every=20,
    ranked=30,
    suggest="after",
)


@pytest.fixture
def digits(tmp_path: Path) -> Iterator[Project]:
    with Project(tmp_path, SETTINGS) as project:
        yield project


def label(project: Project, house: House, count: int) -> list[int]:
    """A person who knows the digits."""
    rows = []
    for number in range(count):
        handed = house.queue.take("ann", "w", 1)[0]
        payload = project.pool.truth([handed.row])[0]
        act = Act(op_id=f"{project.journal.last_seq()}-{number}", row=handed.row, kind="label", payload=payload)
        house.desk.submit("ann", act)
        rows.append(handed.row)
    return rows


def test_the_first_ranking_needs_no_label_and_the_next_follows_the_model(digits: Project) -> None:
    house, trainer = House.of(digits, alone="ann"), Trainer(digits)
    assert trainer.due()
    first = trainer.cycle()
    assert (first.number, first.labels, first.ranked, first.metrics) == (0, 0, 30, {})
    assert not trainer.due()
    handed = house.queue.take("ann", "w", 1)
    house.queue.release("ann", "w")
    asked = digits.journal.rounds(MAIN)[0].picks[0]
    assert (handed[0].row, handed[0].reason) in {(asked.row, asked.reason), (handed[0].row, "drawn at random")}
    done = label(digits, house, 40)
    assert len(set(done)) == 40
    held = [row for row in done if row in digits.held_out]
    assert 3 <= len(held) <= 5
    assert trainer.due()
    second = trainer.cycle()
    assert (second.number, second.labels) == (1, 40 - len(held)), "rows that measure teach nothing"
    assert second.metrics["measured_on"] == len(held)
    assert second.metrics["accuracy_low"] <= second.metrics["accuracy"] <= second.metrics["accuracy_high"]
    rounds = digits.journal.rounds(MAIN)
    assert [(each.closed, each.labels) for each in rounds] == [(True, 40 - len(held)), (False, None)]
    ranked = {pick.row for pick in rounds[1].picks}
    assert not ranked & {*done, *digits.held_out.tolist()}
    assert rounds[1].asked_by
    with digits.journal.reading() as connection:
        guess = ranking.guess_of(connection, MAIN, 1, rounds[1].picks[0].row)
    assert guess["label"] in digits.task.classes
    assert 0 < guess["confidence"] <= 1
    house.close()


def test_a_strategy_that_cannot_choose_stops_nobody(digits: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise ViewMissing("nobody answers that")

    monkeypatch.setattr(TypiClust, "pick_with_reasons", refuse)
    outcome = Trainer(digits).cycle()
    assert outcome.ranked == 30
    assert "drawn at random, because TypiClust cannot choose" in outcome.note


def test_a_ranking_that_breaks_off_leaves_the_one_before(digits: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    house, trainer = House.of(digits, alone="ann"), Trainer(digits)
    trainer.cycle()
    label(digits, house, 30)
    before = digits.journal.rounds(MAIN)[0].picks

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(ranking, "plain", die)  # when the round is written and its guesses are not
        with pytest.raises(KeyboardInterrupt):
            trainer.cycle()
    rounds = digits.journal.rounds(MAIN)
    assert [each.number for each in rounds] == [0]
    assert rounds[0].picks == before
    assert trainer.due()
    assert trainer.cycle().number == 1
    house.close()


def test_files_and_classes_that_are_added_join(tmp_path: Path) -> None:
    from PIL import Image

    photos = tmp_path / "photos"
    photos.mkdir()
    for name in "bdf":
        Image.new("L", (9, 9), 50).save(photos / f"{name}.png")
    settings = LabelSettings(data=f"images:{photos}", classes=("x", "y"), held_out=0.0)
    with Project(tmp_path / "run", settings) as project:
        keys = [project.pool.key(row) for row in range(3)]
        house = House.of(project, alone="ann")
        house.desk.submit("ann", Act(op_id="1", row=1, kind="label", payload="y"))
        house.close()
    for name in "ace":
        Image.new("L", (9, 9), 90).save(photos / f"{name}.png")
    more = settings.continued(replace(settings, classes=("x", "z")), frozenset({"classes"}))
    assert more.classes == ("x", "y", "z")
    with Project(tmp_path / "run", more) as project:
        assert [project.pool.key(row) for row in range(6)] == [*keys, "a.png", "c.png", "e.png"]
        house = House.of(project, alone="ann")
        rows = [each.row for each in house.queue.take("ann", "w", 10)]
        assert sorted(rows) == [0, 2, 3, 4, 5]
        house.desk.submit("ann", Act(op_id="2", row=5, kind="label", payload="z"))
        assert house.showing.picture(5)[1] == "image/png"
        house.close()


def test_a_worker_that_dies_is_started_again_and_ends_with_the_server(tmp_path: Path) -> None:
    waiting = [sys.executable, "-c", "import sys; sys.stdin.buffer.read()"]
    supervisor = Supervisor(tmp_path, command=waiting)
    supervisor.start()
    until = time.monotonic() + 30
    while supervisor.pid is None:
        assert time.monotonic() < until
        time.sleep(0.01)
    first = supervisor.pid
    os.kill(first, signal.SIGKILL)
    while supervisor.pid == first:
        assert time.monotonic() < until
        time.sleep(0.01)
    second = supervisor.pid
    supervisor.stop()
    with pytest.raises(ProcessLookupError):
        os.kill(second, 0)


def test_rows_that_measure_are_a_campaign_of_their_own(digits: Project) -> None:
    house = House.of(digits, alone="ann")
    row = int(digits.held_out[0])
    house.desk.submit("ann", Act(op_id="1", row=row, kind="label", payload="3"))
    house.close()
    assert [event.query.row for event in digits.journal.events(campaign=HELD_OUT)] == [row]
    assert len(digits.held_out) == 135
    assert isinstance(digits.journal, Journal)


def test_people_who_are_faster_than_the_first_ranking_are_measured_too(digits: Project) -> None:
    house, trainer = House.of(digits, alone="ann"), Trainer(digits)
    done = label(digits, house, 30)
    held = [row for row in done if row in digits.held_out]
    outcome = trainer.cycle()
    rounds = digits.journal.rounds(MAIN)
    assert [(each.closed, each.labels, len(each.picks)) for each in rounds] == [
        (True, 30 - len(held), 0),
        (False, None, 30),
    ]
    assert rounds[0].metrics["measured_on"] == len(held)
    assert outcome.number == 1
    house.close()
