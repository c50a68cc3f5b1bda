"""Laws of stopping rules for any history: budgets hold, names of classes do not matter, order of units neither."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from querist.core.errors import QueristError, UnknownName, UsageError
from querist.stopping import registry
from querist.stopping.all_of import AllOf
from querist.stopping.base import RoundSummary
from querist.stopping.budget import Budget
from querist.stopping.classification_change import ClassificationChange
from querist.stopping.plateau import Plateau
from querist.stopping.predicted_change import PredictedChange
from querist.stopping.spelling import read_rules
from querist.stopping.stabilising_predictions import StabilisingPredictions, kappa

GIVEN = {"metric": "accuracy", "lower_is_better": False, "labels": 100}
AGREEING = [StabilisingPredictions(rounds=1), PredictedChange(rounds=1), ClassificationChange(share=0.1)]

money = st.floats(0.01, 100, allow_nan=False)


@st.composite
def histories(draw):
    """Two rounds of predictions for the same units, five classes at most."""
    units = draw(st.integers(1, 30))
    side = st.lists(st.integers(0, 4), min_size=units, max_size=units)
    return draw(side), draw(side)


def rounds(*predictions):
    return [RoundSummary(labels=10 * (n + 1), predictions=tuple(said)) for n, said in enumerate(predictions)]


@given(history=histories(), names=st.permutations(range(5)), data=st.data())
@settings(max_examples=150, deadline=None)
def test_neither_names_of_classes_nor_the_order_of_units_matter(history, names, data):
    order = data.draw(st.permutations(range(len(history[0]))))
    renamed = [[names[said[unit]] for unit in order] for said in history]
    for rule in AGREEING:
        assert rule.judge(rounds(*renamed)) == rule.judge(rounds(*history))


@given(history=histories())
@settings(max_examples=150, deadline=None)
def test_kappa_is_symmetric_and_one_for_the_same(history):
    before, now = history
    assert kappa(before, now) == pytest.approx(kappa(now, before))
    assert -1 - 1e-9 <= kappa(before, now) <= 1 + 1e-9
    assert kappa(now, now) == 1


@given(
    labels=st.integers(1, 300),
    limit=st.none() | money,
    price=st.floats(0.01, 5),
    hours=st.none() | st.floats(0.01, 5),
    seconds_a_label=st.floats(0, 600),
    price_an_hour=st.floats(0, 5),
    batch=st.integers(1, 50),
    machine=st.lists(st.floats(0, 500), min_size=1, max_size=400),
)
@settings(max_examples=200, deadline=None)
def test_a_budget_is_never_exceeded(labels, limit, price, hours, seconds_a_label, price_an_hour, batch, machine):
    """While no round takes longer than the longest before it: that alone cannot be known beforehand."""
    rule = Budget(
        labels=labels,
        money=limit,
        price=price,
        hours=hours,
        seconds_a_label=seconds_a_label,
        price_an_hour=price_an_hour,
    )
    machine = sorted(machine, reverse=True)
    seen: list[RoundSummary] = []
    while rule.room(seen) > 0 and len(seen) < len(machine):
        told = (seen[-1].labels if seen else 0) + min(batch, rule.room(seen))
        spent = (seen[-1].seconds if seen else 0.0) + machine[len(seen)]
        seen.append(RoundSummary(labels=told, seconds=spent))
        if len(seen) == 1:
            continue  # the first round's time was a surprise
        assert told <= labels
        if limit is not None and rule.room(seen[:1]) > 0:
            assert price * told + price_an_hour * spent / 3600 <= limit + 1e-6
        if hours is not None and rule.room(seen[:1]) > 0:
            assert (seconds_a_label * told + spent) / 3600 <= hours + 1e-6
        if rule.room(seen) == 0:
            assert rule.judge(seen).stop


@given(scores=st.lists(st.floats(0, 1), max_size=12))
@settings(max_examples=100, deadline=None)
def test_rules_that_agree_stop_when_the_last_of_them_does(scores):
    seen = [RoundSummary(labels=10 * (n + 1), validation={"accuracy": s}) for n, s in enumerate(scores)]
    first, second = Plateau(metric="accuracy", patience=1), Budget(labels=60)
    both = AllOf(rules=(first, second)).judge(seen)
    assert both.stop is (first.judge(seen).stop and second.judge(seen).stop)
    assert second.judge(seen).text in both.text


def test_spelled_rules():
    first, second, third = read_rules(
        "budget:money=5:price=0.1, plateau:patience=5 ,classification_change:share=0.01+max_uncertainty", GIVEN
    )
    assert first == Budget(labels=100, money=5, price=0.1)
    assert second == Plateau(metric="accuracy", patience=5)
    assert isinstance(third, AllOf)
    assert third.name == "classification_change+max_uncertainty"
    assert third.rules[0] == ClassificationChange(share=0.01)
    assert set(third.needs()) == {"predictions", "doubt"}
    assert third.serves("tokens")
    assert not third.serves("regression")
    assert read_rules("learning_curve:metric=f1", GIVEN)[0].metric == "f1"


@pytest.mark.parametrize(
    ("text", "situation", "says"),
    [
        ("", UsageError, "no rule says when to stop"),
        ("stabilising", UnknownName, "did you mean 'stabilising_predictions'"),
        ("plateau,", UnknownName, "no stopping rule is called ''"),
        ("plateau:patience", UsageError, "write plateau:NAME=VALUE"),
        ("plateau:patiense=3", UsageError, "did you mean 'patience'"),
        ("plateau:patience=often", UsageError, "plateau.patience is 'often'"),
        ("plateau:patience=0", UsageError, "plateau has patience = 0; give one of 1 or more"),
        ("stabilising_predictions:agreement=2", UsageError, "give one from -1 to 1"),
        ("budget:money=5", UsageError, "nothing costs any"),
        ("all_of", UsageError, "written with a plus sign"),
        ("power_law", UnknownName, "no stopping rule is called"),
    ],
)
def test_what_cannot_be_is_one_line(text, situation, says):
    with pytest.raises(situation) as caught:
        read_rules(text, GIVEN)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_sum_of_one_rule_is_refused():
    with pytest.raises(QueristError, match="two or more"):
        AllOf(rules=(Budget(labels=1),))


def test_every_rule_says_when_to_use_it():
    from querist.core.docstrings import WHY, sections
    from querist.core.papers import papers

    for name in registry:
        said = sections(registry[name].__doc__)
        assert set(WHY) <= set(said), name
        assert registry[name].paper in {"", *papers()}, name
        assert registry[name].rows or name in ("budget", "plateau")
