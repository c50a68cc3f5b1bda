import pytest

from querist.stopping.base import RoundSummary
from querist.stopping.budget import Budget
from querist.stopping.plateau import Plateau


def rounds(*scores: float, metric: str = "accuracy") -> list[RoundSummary]:
    return [RoundSummary(labels=20 * (i + 1), validation={metric: score}) for i, score in enumerate(scores)]


def test_budget_stops_exactly_at_the_last_label():
    assert Budget(labels=60).reason(rounds(0.1, 0.2)) is None
    assert "60 labels" in (Budget(labels=60).reason(rounds(0.1, 0.2, 0.3)) or "")


@pytest.mark.parametrize(
    ("scores", "stops"),
    [
        ((0.5, 0.6, 0.7, 0.8), False),
        ((0.5, 0.8, 0.7, 0.8), True),  # the best of the last two is not above 0.8
        ((0.5, 0.8, 0.7, 0.81), False),
        ((0.8, 0.7), False),  # too few rounds to tell
    ],
)
def test_plateau_watches_the_best_of_the_last_rounds(scores, stops):
    assert (Plateau(metric="accuracy", patience=2).reason(rounds(*scores)) is not None) is stops


def test_plateau_of_an_error_stops_when_it_no_longer_falls():
    rule = Plateau(metric="rmse", patience=1, lower_is_better=True)
    assert rule.reason(rounds(3.0, 2.0, metric="rmse")) is None
    assert rule.reason(rounds(3.0, 2.0, 2.5, metric="rmse")) == "rmse on validation has not fallen for 1 round"


def test_a_rule_that_stopped_stays_stopped_without_new_labels():
    rule, seen = Plateau(metric="accuracy", patience=1), rounds(0.5, 0.5)
    assert rule.reason(seen) == rule.reason(seen) is not None


def test_a_luckier_measurement_of_the_same_labels_does_not_undo_a_plateau():
    rule, seen = Plateau(metric="accuracy", patience=1), rounds(0.5, 0.5)
    lucky = RoundSummary(labels=seen[-1].labels, validation={"accuracy": 0.9})
    assert rule.reason([*seen, lucky]) == rule.reason(seen) is not None


def test_rules_without_validation_metrics_go_on():
    assert Plateau(metric="accuracy", patience=1).reason([RoundSummary(labels=20), RoundSummary(labels=40)]) is None
