"""Streams: what is offered, told and forgotten; going on after a cut; and that asking where it is torn pays."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from torch import nn

import querist as q
from querist.core.errors import BudgetError, DataError, UnknownName, UsageError
from querist.models import Frozen

TASK = q.Classification(["left", "right"])


def made(**options):
    return q.Stream(**{"model": "sklearn:LogisticRegression", "task": TASK, "budget": 0.5, "every": 5, **options})


def samples(n, seed=0):
    x = np.random.default_rng(seed).normal(size=(n, 2))
    return x, ["left" if first < 0 else "right" for first in x[:, 0]]


def run_through(stream, x, y):
    """The numbers of the samples that were asked; every label is told at once."""
    asked = []
    for sample, label in zip(x, y, strict=True):
        if stream.offer(sample):
            stream.tell(label)
            asked.append(stream.seen)
    return asked


def test_it_asks_is_told_and_learns():
    x, y = samples(300)
    stream = made(policy="random")
    assert stream.predict(x[0]) is None
    assert stream.probs(x[0]) is None
    asked = run_through(stream, x, y)
    assert stream.asked == stream.labels == len(asked)
    assert stream.seen == 300
    assert stream.trainings == len(asked) // 5
    guesses = [stream.predict(sample) for sample in samples(200, seed=1)[0]]
    assert np.mean([guess == label for guess, label in zip(guesses, samples(200, seed=1)[1], strict=True)]) > 0.9
    assert stream.probs(x[0]).sum() == pytest.approx(1)


@settings(max_examples=25)
@given(
    name=st.sampled_from(["variable_uncertainty", "variable_randomized", "fixed_uncertainty", "split", "random"]),
    rate=st.floats(0.01, 1.0),
    seed=st.integers(0, 10),
)
def test_the_budget_holds_at_every_moment(name, rate, seed):
    x, y = samples(60, seed)
    stream = made(policy=name, budget=rate, model="sklearn:GaussianNB")
    for sample, label in zip(x, y, strict=True):
        if stream.offer(sample):
            stream.tell(label)
        assert stream.asked <= rate * stream.seen
        assert stream.reason


def test_one_seed_gives_one_stream():
    x, y = samples(200)
    first, again, other = (run_through(made(policy="split", seed=seed), x, y) for seed in (0, 0, 1))
    assert first == again != other


def test_nothing_is_trained_before_two_classes_are_known():
    stream = made(policy="periodic", budget=1.0)
    for _ in range(12):
        assert stream.offer([1.0, 0.0])
        stream.tell("right")
    assert stream.trainings == 0
    assert stream.confidence == 0.5
    stream.offer([-1.0, 0.0])
    stream.tell("left")
    assert stream.trainings == 1
    assert stream.predict([-1.0, 0.0]) == "left"


def test_what_is_old_is_forgotten():
    """The classes change sides; a short memory follows, an endless one is torn."""
    x, y = samples(400)
    swapped = [{"left": "right", "right": "left"}[label] for label in y]
    right = {}
    for memory in (20, None):
        stream = made(policy="random", memory=memory)
        run_through(stream, x, y)
        run_through(stream, x[:60], swapped[:60])
        right[memory] = np.mean([stream.predict(sample) == label for sample, label in zip(x, swapped, strict=True)])
        assert memory is None or len(stream._told) <= memory + stream.every
    assert right[20] > 0.85
    assert right[None] < 0.5


def test_labels_may_come_late_and_in_any_order():
    x, y = samples(40)
    stream = made(policy="periodic")
    for sample in x[:8]:
        stream.offer(sample)
    assert sorted(stream.pending) == [2, 4, 6, 8]
    with pytest.raises(UsageError, match=r"which sample is meant\? Waited for: 2, 4, 6, 8"):
        stream.tell("left")
    stream.tell(y[5], number=6)
    stream.tell(y[1], number=2)
    stream.skip(number=4)
    stream.tell(y[7])
    assert (stream.asked, stream.labels, stream.pending) == (4, 3, {})
    with pytest.raises(UsageError, match="no label is waited for"):
        stream.tell("left")


def test_a_wrong_label_is_refused_and_the_sample_still_waits():
    stream = made(policy="periodic", budget=1.0)
    stream.offer([1.0, 0.0])
    with pytest.raises(DataError, match="did you mean 'right'"):
        stream.tell("rihgt")
    assert list(stream.pending) == [1]
    stream.tell("right")
    assert stream.labels == 1


@pytest.mark.parametrize("policy", ["variable_uncertainty", "variable_randomized", "split"])
@pytest.mark.parametrize("cut", [3, 57, 120])
def test_a_stream_that_was_cut_goes_on_as_the_first_would_have(policy, cut):
    x, y = samples(220)
    whole = made(policy=policy, memory=15)
    asked = run_through(whole, x, y)
    first = made(policy=policy, memory=15)
    before = run_through(first, x[:cut], y[:cut])
    kept = json.loads(json.dumps(first.state()))
    second = made(policy=policy, memory=15).restore(kept)
    assert second.state() == first.state()
    assert before + run_through(second, x[cut:], y[cut:]) == asked
    assert second.probs(x[0]).tolist() == whole.probs(x[0]).tolist()


def test_a_label_that_is_waited_for_survives_a_cut():
    first = made(policy="periodic", budget=1.0)
    first.offer(np.array([[1, 2], [3, 4]], dtype=np.uint8))
    second = made(policy="periodic", budget=1.0).restore(json.loads(json.dumps(first.state())))
    assert second.pending[1].tolist() == [[1, 2], [3, 4]]
    assert second.pending[1].dtype == np.uint8
    second.tell("left")
    assert second.labels == 1


def test_torch_modules_and_texts():
    x, y = samples(120)
    stream = made(model=q.TorchModule(lambda: nn.Linear(2, 2), device="cpu"), policy="random", every=20)
    run_through(stream, x.astype(np.float32), y)
    assert stream.trainings >= 2
    assert stream.predict(np.array([3.0, 0.0], dtype=np.float32)) == "right"
    texts = made(model="sklearn:MultinomialNB", policy="periodic", budget=1.0)
    for word, label in [("good film", "right"), ("bad film", "left"), ("a good one", "right")] * 3:
        texts.offer(word)
        texts.tell(label)
    assert texts.predict("good") == "right"


def test_an_estimator_of_ones_own():
    x, y = samples(60)
    stream = made(model=LogisticRegression(C=10.0), policy=q.streams.Split(share=0.5))
    run_through(stream, x, y)
    assert stream.trainings >= 1


def test_refusals(tmp_path):
    for options, situation, says in (
        ({"budget": 0}, BudgetError, "label budget of 0"),
        ({"every": 0}, UsageError, "every 0 labels"),
        ({"memory": 1}, UsageError, "on the last 1"),
        ({"policy": "variable_uncertaintly"}, UnknownName, "did you mean 'variable_uncertainty'"),
        ({"task": q.Regression()}, UsageError, "the task is regression"),
        ({"model": "frozen:somewhere"}, UsageError, "offer the embeddings"),
        ({"model": Frozen(nn.Linear(2, 2), cache=tmp_path)}, UsageError, "offer the embeddings"),
    ):
        with pytest.raises(situation, match=says):
            made(**options)
    stream = made(policy="periodic", budget=1.0)
    with pytest.raises(DataError, match="a sample is a dict"):
        stream.offer({"x": 1})
    assert stream.seen == 0
    stream.offer([1.0, 2.0])
    with pytest.raises(UsageError, match="cannot go on"):
        stream.restore(stream.state())
    with pytest.raises(UsageError, match="cannot go on"):
        made(budget=0.25).restore(stream.state())


# -- what it is for --------------------------------------------------------------------------------------------------


def drifting(seed, n=1000):
    """Two classes in five dimensions, with a boundary that turns by a right angle during the stream."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 5))
    angle = np.linspace(0, np.pi / 2, n)
    side = x[:, 0] * np.cos(angle) + x[:, 1] * np.sin(angle)
    return x, np.where(side > 0, "right", "left").tolist()


def guessed(policy, seed, *, budget):
    """Share of right guesses after 200 samples, each made before its label could be known, and the labels spent."""
    x, y = drifting(seed)
    stream = made(policy=policy, budget=budget, memory=80, seed=seed)
    right = []
    for sample, label in zip(x, y, strict=True):
        if stream.offer(sample):
            stream.tell(label)
        if stream.seen > 200:
            right.append(stream.guess == label)
    return np.mean(right), stream.asked


def test_asking_where_it_is_torn_pays_while_the_boundary_turns():
    """Ten streams, each by both policies; the random one has a higher rate, so that it spends at least as much."""
    torn = [guessed("variable_uncertainty", seed, budget=0.1) for seed in range(10)]
    chance = [guessed("random", seed, budget=0.13) for seed in range(10)]
    assert np.mean([spent for _, spent in chance]) >= np.mean([spent for _, spent in torn])
    gain = np.array([one - other for (one, _), (other, _) in zip(torn, chance, strict=True)])
    assert gain.mean() > 0.01, gain
    assert gain.mean() > 3 * gain.std(ddof=1) / np.sqrt(len(gain)), gain
