"""Stopping rules in a run: what they see is what the model said, it is stored, and a resumed run stops alike."""

from __future__ import annotations

import csv
import dataclasses

import numpy as np
import pytest

from querist.core.errors import BudgetError, UsageError
from querist.loop.campaign import run_campaign
from querist.loop.evidence import stop_set, summaries
from querist.loop.progress import RoundEnded
from querist.loop.run import JOURNAL, load_session, run
from querist.loop.session import Session
from querist.loop.settings import RunSettings
from querist.models.sklearn import Sklearn
from querist.oracles.simulated import Simulated
from querist.stopping.budget import Budget
from querist.stopping.spelling import read_rules
from querist.storage.journal import Journal

ALL = ("predictions", "doubt", "guesses")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Three blobs that overlap a little."""
    path, rng = tmp_path_factory.mktemp("data") / "blobs.csv", np.random.default_rng(0)
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["a", "b", "c", "kind", "split"])
        for split, n in {"train": 90, "validation": 15, "test": 45}.items():
            for row in range(n):
                point = rng.normal(size=3) + 2.0 * np.eye(3)[row % 3]
                writer.writerow([*(f"{value:.4f}" for value in point), ("ant", "bee", "cat")[row % 3], split])
    return f"csv:{path}"


@pytest.fixture
def settings(data):
    return RunSettings(
        data=data,
        label="kind",
        strategy="margin",
        model="sklearn:GaussianNB",
        initial=10,
        batch=5,
        budget=80,
        compare="none",
        stop="stabilising_predictions:agreement=0.9:rounds=2",
        stop_set=40,
    )


def changed(settings, **values):
    return dataclasses.replace(settings, **values)


class Spy(Simulated):
    """Notes how many answers the model knows at the moment it is told them."""

    def __init__(self, session):
        super().__init__(session.pool)
        self.session, self.right = session, []

    def __call__(self, rows):
        labels = super().__call__(rows)
        if self.session.round > 0:
            said = self.session.task.decide(*self.session.adapter.predict(self.session.pool, rows))
            self.right.append(sum(a == b for a, b in zip(said, labels, strict=True)))
        return labels


def test_what_rules_see_is_what_the_models_said(pool, tmp_path):
    with Journal.open(tmp_path / "querist.db", create=True) as journal:
        session = Session(pool, model=_naive_bayes(), strategy="margin", journal=journal)
        rows, spy = stop_set(pool.rows("train"), 30, 0), None
        spy = Spy(session)
        run_campaign(
            session, spy, arm="margin", initial=9, batch=6, budget=33, metric="accuracy", stop_set=rows, record=ALL
        )
        seen = summaries(journal, session.campaign, ALL)
    assert [each.labels for each in seen] == [9, 15, 21, 27, 33]
    assert seen[0].guesses is None
    assert [each.guesses.right for each in seen[1:]] == spy.right
    assert {each.guesses.of for each in seen[1:]} == {6}
    probs, _ = session.adapter.predict(pool, rows)
    assert seen[-1].predictions == tuple(probs.argmax(-1).tolist())
    open_ = probs[~np.isin(rows, session.state.rows)].double()
    entropies = -(open_ * open_.clamp_min(1e-300).log()).sum(-1) / np.log(3)
    assert seen[-1].doubt.max_entropy == pytest.approx(entropies.max().item(), abs=1e-5)
    assert seen[-1].doubt.mean_entropy == pytest.approx(entropies.mean().item(), abs=1e-5)
    assert seen[-1].doubt.expected_error == pytest.approx((1 - open_.amax(-1)).mean().item(), abs=1e-5)
    assert [each.seconds for each in seen] == sorted(each.seconds for each in seen)


def test_without_rules_nothing_is_looked_at(pool, tmp_path):
    with Journal.open(tmp_path / "querist.db", create=True) as journal:
        session = Session(pool, model=_naive_bayes(), strategy="margin", journal=journal)
        run_campaign(session, Simulated(pool), arm="margin", initial=9, batch=6, budget=15, metric="accuracy")
        assert all(not each.evidence() for each in summaries(journal, session.campaign, ALL))


def test_a_run_ends_when_a_rule_says_so_and_tells_where_all_stand(settings, tmp_path):
    told = []
    wanted = changed(settings, stop=settings.stop + ",max_uncertainty")
    result = run(wanted, tmp_path / "run", listener=told.append)
    labels = result.arms["margin"][0].points[-1].labels
    assert labels < 80
    why = result.stopped["margin/0"]
    assert why.startswith("agreement")
    assert why.endswith("over 2 rounds has reached 0.9")
    assert list(result.stands["margin/0"]) == ["stabilising_predictions", "max_uncertainty"]
    assert result.stands["margin/0"]["stabilising_predictions"].text == why
    assert result.stands["margin/0"]["max_uncertainty"].text.startswith("the most unsure row has entropy")
    ended = [event for event in told if isinstance(event, RoundEnded)]
    assert ended[0].stands["stabilising_predictions"].text == "needs 3 rounds, has 1"
    assert [event.stands["stabilising_predictions"].stop for event in ended] == [False] * (len(ended) - 1) + [True]


class Cut(Exception):
    pass


def test_a_resumed_run_stops_where_the_first_would_have(settings, tmp_path):
    settings = changed(settings, stop=settings.stop + ",selected_accuracy:accuracy=1:rounds=9,max_uncertainty")
    whole = run(settings, tmp_path / "whole")
    rounds = 0

    def cut(event):
        nonlocal rounds
        rounds += isinstance(event, RoundEnded)
        if rounds == 2:
            raise Cut

    with pytest.raises(Cut):
        run(settings, tmp_path / "cut", listener=cut)
    resumed = run(settings, tmp_path / "cut", resume=True)
    assert resumed.stopped == whole.stopped
    assert resumed.stands == whole.stands
    assert resumed.arms["margin"][0].picked == whole.arms["margin"][0].picked
    seen = []
    for name in ("whole", "cut"):
        with Journal.open(tmp_path / name / JOURNAL, create=False) as journal:
            seen.append([each.evidence() for each in summaries(journal, "margin/0", ALL)])
    assert seen[0] == seen[1]
    assert run(settings, tmp_path / "cut", resume=True).stands == whole.stands


def test_rules_do_not_move_other_draws(settings, tmp_path):
    plain = run(changed(settings, stop="budget", budget=30), tmp_path / "plain")
    ruled = run(
        changed(settings, stop="max_uncertainty,selected_accuracy:accuracy=1:rounds=9", budget=30), tmp_path / "r"
    )
    assert plain.arms["margin"][0].picked == ruled.arms["margin"][0].picked
    metrics = [[point.metrics for point in result.arms["margin"][0].points] for result in (plain, ruled)]
    assert metrics[0] == metrics[1]


def test_the_stop_set_is_the_same_for_all_arms_and_holds_no_validation_rows(settings, tmp_path):
    run(changed(settings, validation=20, compare="random", budget=40), tmp_path / "run")
    from querist.loop.workbench import Workbench

    bench = Workbench(changed(settings, validation=20))
    rows = bench.stop_set(0)
    assert len(rows) == 40
    assert not np.isin(rows, bench.validation_rows(0)).any()
    assert not np.array_equal(rows, bench.stop_set(1))
    session = load_session(tmp_path / "run")
    probs, _ = session.adapter.predict(session.pool, rows)
    seen = summaries(session.journal, session.campaign, ALL)
    assert seen[-1].predictions == tuple(probs.argmax(-1).tolist())
    session.journal.close()


def test_money_ends_a_run_before_it_is_overspent(settings, tmp_path):
    result = run(changed(settings, stop="budget:money=2.35:price=0.1"), tmp_path / "run")
    points = result.arms["margin"][0].points
    assert [point.labels for point in points] == [10, 15, 20, 23]
    assert result.stopped["margin/0"] == "2.30 of 2.35 money spent, no further label fits"
    assert result.stands["margin/0"]["budget"].stop


def test_budgets_of_labels_alone_are_not_told_of(settings, tmp_path):
    result = run(changed(settings, stop="budget", budget=20), tmp_path / "run")
    assert result.stands == {"margin/0": {}}


@pytest.mark.parametrize(
    ("values", "situation", "says"),
    [
        ({"stop_set": 0}, UsageError, "--stop-set is 0; give 1 or more"),
        ({"stop": "learning_curve"}, UsageError, "learning_curve needs validation labels"),
        ({"stop": "max_uncertainty+plateau"}, UsageError, "max_uncertainty+plateau needs validation labels"),
        ({"stop": "budget:money=0.5:price=0.1"}, BudgetError, "leaves room for 5 of 10 initial labels"),
        ({"stop": "plateau:patience=x", "validation": 5}, UsageError, "plateau.patience is 'x'"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_written(settings, tmp_path, values, situation, says):
    with pytest.raises(situation) as caught:
        run(changed(settings, **values), tmp_path / "run")
    assert says in str(caught.value)
    assert not (tmp_path / "run").exists()


def test_a_rule_of_classes_is_refused_where_there_are_none(data, tmp_path):
    wanted = RunSettings(
        data=data,
        label="a",
        split="split",
        strategy="random",
        budget=40,
        stop="stabilising_predictions",
        compare="none",
    )
    with pytest.raises(UsageError, match="stabilising_predictions has no meaning for the task regression"):
        run(wanted, tmp_path / "run")


def test_a_budget_among_the_rules_is_the_budget(pool, tmp_path):
    with Journal.open(tmp_path / "querist.db", create=True) as journal:
        session = Session(pool, model=_naive_bayes(), strategy="margin", journal=journal)
        why = run_campaign(
            session,
            Simulated(pool),
            arm="margin",
            initial=9,
            batch=6,
            budget=40,
            metric="accuracy",
            stopping=(Budget(labels=40, hours=1.0, seconds_a_label=200), *read_rules("max_uncertainty", {})),
        )
    assert session.labels == 17  # 18 labels would take the hour, and the machine a moment more
    assert why == "0.94 of 1 hours spent, no further label fits"


def _naive_bayes():
    from sklearn.naive_bayes import GaussianNB

    return Sklearn(GaussianNB())
