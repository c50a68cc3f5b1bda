"""Every rule says what its naive twin says, on made-up campaigns of all kinds."""

from __future__ import annotations

import numpy as np
import pytest

from querist.stopping.base import Doubt, Guesses, RoundSummary
from querist.stopping.budget import Budget
from querist.stopping.classification_change import ClassificationChange
from querist.stopping.expected_error import ExpectedError
from querist.stopping.learning_curve import LearningCurve
from querist.stopping.max_uncertainty import MaxUncertainty
from querist.stopping.overall_uncertainty import OverallUncertainty
from querist.stopping.plateau import Plateau
from querist.stopping.power_law import PowerLaw, quantiles
from querist.stopping.predicted_change import PredictedChange, f_change
from querist.stopping.selected_accuracy import SelectedAccuracy
from querist.stopping.stabilising_predictions import StabilisingPredictions, kappa
from querist.testing.naive import stopping as naive

SEEDS = range(60)


def campaign(seed: int) -> list[RoundSummary]:
    """Some rounds of a model that gets better, or does not, on a few classes of uneven size."""
    rng = np.random.default_rng(seed)
    length, classes, units = int(rng.integers(1, 9)), int(rng.integers(1, 5)), int(rng.integers(1, 40))
    now = rng.integers(classes, size=units) * rng.integers(2, size=units)
    rounds = []
    for number in range(length):
        moving = rng.uniform(size=units) < rng.choice([0.0, 0.02, 0.3]) * rng.uniform()
        now = np.where(moving, rng.integers(classes, size=units), now)
        doubt = rng.choice([0.001, 0.1, 1.0]) * rng.uniform(size=3)
        asked = int(rng.integers(1, 20))
        rounds.append(
            RoundSummary(
                labels=20 * (number + 1),
                validation={"accuracy": float(np.round(rng.uniform(0.5, 1), rng.integers(1, 4)))},
                predictions=tuple(now.tolist()),
                doubt=Doubt(mean_entropy=doubt[0], max_entropy=doubt[1], expected_error=doubt[2]),
                guesses=Guesses(right=int(rng.integers(asked + 1)), of=asked) if number else None,
            )
        )
    return rounds


def both(rule, twin, seeds=SEEDS):
    """What rule and twin say of every campaign; they must not always say the same."""
    said = [(rule.judge(campaign(seed)).stop, twin(campaign(seed))) for seed in seeds]
    assert {stop for stop, _ in said} == {True, False}
    assert [stop for stop, _ in said] == [bool(stop) for _, stop in said]


def predictions(rounds):
    return [list(each.predictions) for each in rounds]


@pytest.mark.parametrize(("agreement", "rounds"), [(0.99, 3), (0.9, 1), (0.5, 2)])
def test_stabilising_predictions(agreement, rounds):
    rule = StabilisingPredictions(agreement=agreement, rounds=rounds)
    both(rule, lambda seen: naive.stabilising_predictions(predictions(seen), agreement=agreement, rounds=rounds))


@pytest.mark.parametrize(("share", "rounds"), [(0.0, 1), (0.1, 2)])
def test_classification_change(share, rounds):
    rule = ClassificationChange(share=share, rounds=rounds)
    both(rule, lambda seen: naive.classification_change(predictions(seen), share=share, rounds=rounds))


@pytest.mark.parametrize(("change", "rounds"), [(0.005, 3), (0.1, 1)])
def test_predicted_change(change, rounds):
    rule = PredictedChange(change=change, rounds=rounds)
    both(rule, lambda seen: naive.predicted_change(predictions(seen), change=change, rounds=rounds))


@pytest.mark.parametrize(
    ("rule", "field"),
    [
        (MaxUncertainty(entropy=0.05), "max_entropy"),
        (OverallUncertainty(entropy=0.05), "mean_entropy"),
        (ExpectedError(error=0.05), "expected_error"),
    ],
)
def test_rules_of_doubt(rule, field):
    limit = rule.error if isinstance(rule, ExpectedError) else rule.entropy
    both(rule, lambda seen: naive.last_at_most([getattr(each.doubt, field) for each in seen], limit))


@pytest.mark.parametrize(("accuracy", "rounds"), [(0.9, 1), (0.5, 2)])
def test_selected_accuracy(accuracy, rounds):
    def twin(seen):
        told = [each.guesses for each in seen if each.guesses]
        right, asked = [each.right for each in told], [each.of for each in told]
        return naive.selected_accuracy(right, asked, accuracy=accuracy, rounds=rounds)

    both(SelectedAccuracy(accuracy=accuracy, rounds=rounds), twin)


@pytest.mark.parametrize(("patience", "at_least"), [(1, 0.0), (3, 0.1)])
def test_plateau(patience, at_least):
    rule = Plateau(metric="accuracy", patience=patience, at_least=at_least)
    both(
        rule, lambda seen: naive.plateau([x.validation["accuracy"] for x in seen], patience=patience, at_least=at_least)
    )


@pytest.mark.parametrize("seed", range(6))
def test_the_gain_ahead_of_a_learning_curve(seed):
    rng = np.random.default_rng(seed)
    labels = np.cumsum(rng.integers(5, 50, size=int(rng.integers(5, 12)))).tolist()
    errors = (
        rng.uniform(0, 0.2) + rng.uniform(0.1, 2) * np.array(labels) ** -0.5 + rng.normal(0, 0.01, len(labels))
    ).clip(0)
    law = PowerLaw(labels, errors.tolist())
    ahead = law.at(labels[-1]) - law.at(1.5 * labels[-1])
    for share in (0.05, 0.5, 0.95):
        expected = naive.gain_ahead(labels, errors.tolist(), more=0.5, share=share)
        assert quantiles(ahead, law.weights, (share,))[0] == pytest.approx(expected, rel=1e-6, abs=1e-9)
    seen = [RoundSummary(labels=n, validation={"rmse": e}) for n, e in zip(labels, errors.tolist(), strict=True)]
    limit = naive.gain_ahead(labels, errors.tolist(), more=0.5, share=0.95)
    for factor, stops in ((0.99, False), (1.01, True)):
        rule = LearningCurve(metric="rmse", lower_is_better=True, gain=factor * limit)
        assert rule.judge(seen).stop is stops


@pytest.mark.parametrize(
    ("labels", "money", "price", "hours", "seconds_a_label"),
    [(100, None, 0.0, None, 0.0), (100, 0.3, 0.1, None, 0.0), (100, 5.0, 0.07, 0.1, 9.0), (40, 50.0, 0.07, 1.0, 9.0)],
)
def test_budget(labels, money, price, hours, seconds_a_label):
    rule = Budget(labels=labels, money=money, price=price, hours=hours, seconds_a_label=seconds_a_label)
    assert rule.room([]) == naive.affordable(labels, money, price, hours, seconds_a_label)


def test_figures_that_others_publish_for_kappa():
    """Three values of small-text's tests."""
    assert kappa([0, 0, 0, 1, 1], [0, 1, 0, 1, 0]) == pytest.approx(1 / 6)
    assert kappa([0, 1, 1, 1, 1], [1, 1, 1, 1, 0]) == pytest.approx(-0.25)
    assert kappa([0, 1, 1, 1, 0], [0, 1, 0, 1, 0]) == pytest.approx(8 / 13)


def test_worked_by_hand():
    # class 0: a 1, b 1, c 0 -> 1/3; class 1: a 2, b 0, c 1 -> 1/5
    assert f_change([0, 0, 1, 1], [0, 1, 1, 1]) == pytest.approx((1 / 3 + 1 / 5) / 2)
    assert kappa([1, 1], [1, 1]) == 1.0
