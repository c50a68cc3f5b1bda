"""Stream policies beside the papers' formulas, and the budget that none of them exceeds at any moment."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import querist as q
from querist.core.errors import BudgetError, UsageError
from querist.core.rng import generator
from querist.streams import registry
from querist.streams.allowance import Allowance
from querist.streams.base import Passing

CONFIDENCES = st.lists(st.floats(0.25, 1.0), min_size=1, max_size=300)
RATES = st.floats(0.001, 1.0)


def passing(number=1, confidence=0.5, classes=2, budget=0.1):
    return Passing(number=number, confidence=confidence, classes=classes, budget=budget)


def asked_of(policy, confidences, *, budget, window=100, seed=0):
    """Which samples are asked, by the loop of a stream without its model."""
    allowance, state, asked = Allowance(rate=budget, window=window), policy.start(), []
    for number, confidence in enumerate(confidences, start=1):
        ask = False
        if allowance.left:
            said = policy.choice(passing(number, confidence, 4, budget), state, generator(seed, "stream", number))
            ask, state = said.ask, said.state
        allowance.pass_by(ask=ask)
        asked.append(ask)
    return asked


# -- the budget ------------------------------------------------------------------------------------------------------


@given(name=st.sampled_from(list(registry)), confidences=CONFIDENCES, rate=RATES, window=st.integers(1, 200))
def test_the_budget_is_never_exceeded(name, confidences, rate, window):
    """After any number of samples, and by the paper's estimate never more than the label over its rate."""
    asked = asked_of(registry[name](), confidences, budget=rate, window=window)
    recent = 0.0
    for number, ask in enumerate(asked, start=1):
        assert sum(asked[:number]) <= rate * number
        assert not ask or recent / window < rate, "asked although the estimate said no"
        recent = recent * (window - 1) / window + ask


@given(answers=st.lists(st.booleans(), max_size=200), window=st.integers(1, 150))
def test_the_estimate_is_that_of_the_paper(answers, window):
    """Written out: each label counts ``(1 - 1 / w)`` to the power of the samples since."""
    allowance = Allowance(rate=1.0, window=window)
    for ask in answers:
        allowance.pass_by(ask=ask)
    n = len(answers)
    expected = sum((1 - 1 / window) ** (n - 1 - place) for place, ask in enumerate(answers) if ask)
    assert allowance.recent == pytest.approx(expected, rel=1e-9, abs=1e-12)
    assert (allowance.seen, allowance.asked) == (n, sum(answers))


@given(rate=RATES)
def test_who_asks_whenever_it_may_spends_all_of_it(rate):
    """With a window that never says no, the count alone decides: no label is left over."""
    allowance = Allowance(rate=rate, window=1)
    allowance.window = 10**9
    for number in range(1, 200):
        allowance.pass_by(ask=allowance.left)
        assert allowance.asked in (math.floor(rate * number), math.floor(rate * number) - 1)
        assert allowance.asked <= rate * number


@pytest.mark.parametrize("rate", [0.0, -0.1, 1.01, float("nan")])
def test_rates_that_are_none(rate):
    with pytest.raises(BudgetError, match="label budget"):
        Allowance(rate=rate)
    with pytest.raises(BudgetError, match="window"):
        Allowance(rate=0.1, window=0)


# -- the rules -------------------------------------------------------------------------------------------------------


def test_fixed_uncertainty_asks_below_its_threshold():
    policy = q.streams.FixedUncertainty()
    for classes, budget in ((2, 0.1), (10, 0.3)):
        theta = 1 / classes + budget * (1 - 1 / classes)
        for confidence, ask in ((theta - 1e-6, True), (theta + 1e-6, False)):
            assert policy.choice(passing(1, confidence, classes, budget), {}, generator(0)).ask is ask
    assert q.streams.FixedUncertainty(threshold=0.9).choice(passing(confidence=0.89), {}, generator(0)).ask
    with pytest.raises(UsageError, match="threshold of 0"):
        q.streams.FixedUncertainty(threshold=0)


@given(confidences=CONFIDENCES, step=st.floats(0.001, 0.5))
def test_the_threshold_is_the_product_of_its_steps(confidences, step):
    """After ``a`` labels and ``b`` samples without: ``(1 - s)^a (1 + s)^b``, and asked is what was below it."""
    policy = q.streams.VariableUncertainty(step=step)
    state, asked = policy.start(), 0
    for number, confidence in enumerate(confidences):
        theta = (1 - step) ** asked * (1 + step) ** (number - asked)
        assert state["threshold"] == pytest.approx(theta)
        said = policy.choice(passing(number + 1, confidence), state, generator(0))
        assert said.ask == (confidence < state["threshold"])
        state, asked = said.state, asked + said.ask


def test_a_threshold_follows_the_model():
    """When confidence rises the fixed threshold falls silent, and the following one goes on."""
    rng = np.random.default_rng(0)
    sure = rng.uniform(0.9, 1.0, size=2000)
    assert sum(asked_of(q.streams.FixedUncertainty(), sure, budget=0.1)) == 0
    assert sum(asked_of(q.streams.VariableUncertainty(), sure, budget=0.1)) > 150


def test_without_deviation_it_is_plain_variable_uncertainty():
    rng = np.random.default_rng(1)
    confidences = rng.uniform(0.25, 1.0, size=500)
    plain = asked_of(q.streams.VariableUncertainty(), confidences, budget=0.2)
    assert asked_of(q.streams.VariableRandomized(deviation=0.0), confidences, budget=0.2) == plain
    assert asked_of(q.streams.VariableRandomized(), confidences, budget=0.2) != plain


def test_a_shaken_threshold_asks_of_sure_samples_too():
    """Half the stream is sure (0.99), half torn (0.3): the shaken threshold asks of both, and of the torn ones more."""
    confidences = np.tile([0.99, 0.3], 2000)
    plain = np.array(asked_of(q.streams.VariableUncertainty(), confidences, budget=0.1))
    shaken = np.array(asked_of(q.streams.VariableRandomized(), confidences, budget=0.1))
    assert plain[0::2][500:].mean() < 0.005, "once the threshold has settled"
    assert 0.015 < shaken[0::2].mean() < shaken[1::2].mean()


def test_split_asks_at_random_in_its_share():
    policy = q.streams.Split(share=0.3)
    reasons = [
        policy.choice(passing(number, 0.99, 2, 0.5), {"threshold": 0.5}, generator(7, number)).reason
        for number in range(4000)
    ]
    part = np.mean(["random part" in reason for reason in reasons])
    drawn = np.mean([reason.startswith("drawn") for reason in reasons if "random part" in reason])
    assert abs(part - 0.3) < 4 * (0.3 * 0.7 / 4000) ** 0.5
    assert abs(drawn - 0.5) < 4 * (0.25 / (0.3 * 4000)) ** 0.5
    with pytest.raises(UsageError, match="random share of 2"):
        q.streams.Split(share=2)


def test_random_draws_at_the_rate():
    said = [q.streams.Random().choice(passing(t, 0.9, 2, 0.2), {}, generator(3, t)).ask for t in range(5000)]
    assert abs(np.mean(said) - 0.2) < 4 * (0.16 / 5000) ** 0.5


@pytest.mark.parametrize(("rate", "first"), [(0.1, [10, 20, 30]), (0.3, [4, 7, 10]), (1.0, [1, 2, 3])])
def test_periodic_asks_when_a_label_is_earned(rate, first):
    asked = asked_of(q.streams.Periodic(), [0.9] * 40, budget=rate)
    assert [place + 1 for place, ask in enumerate(asked) if ask][:3] == first
    assert sum(asked) == math.floor(rate * 40)


def test_steps_and_deviations_that_are_none():
    for make in (
        lambda: q.streams.VariableUncertainty(step=0),
        lambda: q.streams.VariableUncertainty(step=1),
        lambda: q.streams.VariableUncertainty(first=0),
        lambda: q.streams.VariableRandomized(deviation=-1),
    ):
        with pytest.raises(UsageError):
            make()
