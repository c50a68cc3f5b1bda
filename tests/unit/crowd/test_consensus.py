"""Aggregation: twins in plain loops, what EM promises, planted annotators, and the ends of the range."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from querist.core.errors import DataError, UsageError
from querist.core.rng import generator
from querist.crowd import Votes, crowdlab, dawid_skene, mace, majority, one_coin
from querist.crowd.crowdlab import pooled, voices
from querist.crowd.temperature import temperature, tempered
from querist.testing.naive import crowd as naive

ITERATED = [dawid_skene, one_coin, mace]
ALL = [majority, *ITERATED]


def crowd(confusion: np.ndarray, *, n: int, answered: float = 1.0, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Votes ``[n a]`` of annotators with these matrices ``[a c c]``, and the truth."""
    rng = np.random.default_rng(seed)
    a, c, _ = confusion.shape
    truth = rng.integers(c, size=n)
    table = np.stack([[rng.choice(c, p=confusion[j, k]) for j in range(a)] for k in truth])
    table[rng.random((n, a)) >= answered] = -1
    return table, truth


def plain(table: np.ndarray) -> naive.Table:
    return [[None if vote < 0 else int(vote) for vote in row] for row in table]


def close(mine: torch.Tensor, twin: list, *, atol: float = 1e-9) -> None:
    torch.testing.assert_close(mine, torch.tensor(twin, dtype=torch.float64), atol=atol, rtol=0)


def spread(right: float, c: int) -> np.ndarray:
    return np.full((c, c), (1 - right) / (c - 1)) + np.eye(c) * (right - (1 - right) / (c - 1))


SMALL = [crowd(np.stack([spread(p, 3) for p in (0.8, 0.6, 0.9, 0.5)]), n=15, answered=0.7, seed=s)[0] for s in range(4)]


@pytest.mark.parametrize("table", SMALL, ids=range(4))
def test_equals_plain_loops(table):
    votes = Votes.from_table(table, c=3)
    close(majority(votes).probs, naive.majority_shares(plain(table), 3))
    for steps in (1, 2, 7):
        for smoothing in (0.0, 0.5):
            mine = dawid_skene(votes, steps=steps, smoothing=smoothing, tolerance=-math.inf).probs
            close(mine, naive.dawid_skene_probs(plain(table), 3, steps=steps, smoothing=smoothing))
        close(
            one_coin(votes, steps=steps, tolerance=-math.inf).probs,
            naive.one_coin_probs(plain(table), 3, steps=steps),
        )
        close(mace(votes, steps=steps, tolerance=-math.inf).probs, naive.mace_probs(plain(table), 3, steps=steps))


@pytest.mark.parametrize("table", SMALL, ids=range(4))
def test_crowdlab_equals_plain_loops(table):
    votes = Votes.from_table(table, c=3)
    probs = torch.rand(15, 3, generator=generator(1), dtype=torch.float64).softmax(1)
    annotators, model, agreement = naive.crowdlab_weights(plain(table), probs.tolist())
    found = voices(votes, probs)
    close(found.annotators, annotators)
    assert (found.model, found.agreement) == pytest.approx((model, agreement))
    close(crowdlab(votes, probs).probs, naive.crowdlab_probs(plain(table), probs.tolist()))


@pytest.mark.parametrize("method", ITERATED, ids=lambda f: f.__name__)
@pytest.mark.parametrize("smoothing", [0.0, 0.3])
@settings(max_examples=30)
@given(
    table=st.lists(st.lists(st.integers(-1, 2), min_size=3, max_size=3), min_size=2, max_size=9),
)
def test_the_likelihood_never_falls(method, smoothing, table):
    found = method(Votes.from_table(table, c=3), smoothing=smoothing, steps=30, tolerance=-math.inf)
    rises = np.diff(found.likelihoods)
    assert len(rises) == 29
    assert rises.min() > -1e-8
    close(found.probs.sum(1), [1.0] * len(table))
    assert bool(torch.isfinite(found.probs).all() & torch.isfinite(found.quality).all())


def test_the_first_likelihood_is_that_of_the_votes():
    # Two annotators, two rows, all say 0 and 1: after the first step everything is certain, but which row is which.
    found = dawid_skene(Votes.from_table([[0, 0], [1, 1]]), steps=1)
    assert found.likelihoods[0] == pytest.approx(2 * math.log(0.5))


def test_planted_confusion_is_recovered():
    c = 3
    cats_for_dogs = np.array([[0.1, 0.85, 0.05], [0.05, 0.9, 0.05], [0.05, 0.05, 0.9]])
    planted = np.stack([spread(0.9, c), spread(0.75, c), cats_for_dogs, spread(1 / 3, c), spread(0.85, c)])
    table, truth = crowd(planted, n=1500, answered=0.8, seed=3)
    found = dawid_skene(Votes.from_table(table, c=c))
    # Each row of a matrix rests on about 400 votes, so a share has a standard error of 0.025 at most; 4 of them.
    assert np.abs(found.confusion.numpy() - planted).max() < 0.1
    accuracy = (found.labels.numpy() == truth).mean()
    assert accuracy > (majority(Votes.from_table(table, c=c)).labels.numpy() == truth).mean() + 0.01
    diagonal = np.diagonal(planted, axis1=1, axis2=2).mean(1)
    assert np.abs(found.quality.numpy() - diagonal).max() < 0.05


@pytest.mark.parametrize("method", [dawid_skene, one_coin, mace], ids=lambda f: f.__name__)
def test_experts_outvote_a_majority_of_clickers(method):
    gain = []
    for seed in range(3):
        planted = np.stack([spread(0.95, 4)] * 2 + [spread(0.3, 4)] * 4)
        table, truth = crowd(planted, n=400, seed=seed)
        votes = Votes.from_table(table, c=4)
        gain.append((method(votes).labels.numpy() == truth).mean() - (majority(votes).labels.numpy() == truth).mean())
        best = method(votes).quality.argsort(descending=True)[:2]
        assert sorted(best.tolist()) == [0, 1]
    assert min(gain) > 0.1


def test_mace_finds_who_always_says_the_same():
    # Class 0 is frequent, so one who always says it is often right; he tells nothing all the same.
    rng = np.random.default_rng(0)
    truth = (rng.random(600) < 0.2).astype(int)
    table = np.where(rng.random((600, 3)) < 0.85, truth[:, None], 1 - truth[:, None])
    table = np.concatenate([table, np.zeros((600, 2), int)], 1)
    found = mace(Votes.from_table(table))
    looks = (found.confusion[:, 1, 1] - found.confusion[:, 0, 1]).tolist()
    assert min(looks[:3]) > 0.5
    assert max(looks[3:]) < 0.1
    assert (found.labels.numpy() == truth).mean() > (majority(Votes.from_table(table)).labels.numpy() == truth).mean()


@pytest.mark.parametrize("method", ITERATED, ids=lambda f: f.__name__)
@pytest.mark.parametrize("seed", range(3))
def test_equal_annotators_are_a_majority(method, seed):
    # Every annotator gives every answer to every sort of row equally often, so nobody is better than another.
    block = [[0, 0, 1], [0, 1, 0], [1, 0, 0], [1, 1, 0], [1, 0, 1], [0, 1, 1]] * 4
    table = np.array(block)[np.random.default_rng(seed).permutation(len(block))]
    votes = Votes.from_table(table)
    assert method(votes).labels.tolist() == majority(votes).labels.tolist()
    quality = method(votes).quality
    assert float(quality.max() - quality.min()) < 1e-9


@pytest.mark.parametrize("method", [one_coin, dawid_skene, mace, majority], ids=lambda f: f.__name__)
def test_names_of_classes_mean_nothing(method):
    table, _ = crowd(np.stack([spread(p, 3) for p in (0.8, 0.6, 0.7)]), n=60, answered=0.8, seed=5)
    renamed = np.array([2, 0, 1, -1])[table]
    first, second = method(Votes.from_table(table, c=3)), method(Votes.from_table(renamed, c=3))
    torch.testing.assert_close(first.probs, second.probs[:, [2, 0, 1]], atol=1e-9, rtol=0)
    torch.testing.assert_close(first.quality, second.quality, atol=1e-9, rtol=0)


@pytest.mark.parametrize("method", ALL, ids=lambda f: f.__name__)
def test_order_of_rows_and_annotators_means_nothing(method):
    table, _ = crowd(np.stack([spread(p, 3) for p in (0.8, 0.6, 0.7, 0.9)]), n=40, answered=0.8, seed=6)
    rows, annotators = np.random.default_rng(0).permutation(40), [2, 0, 3, 1]
    first, second = (method(Votes.from_table(x, c=3)) for x in (table, table[rows][:, annotators]))
    torch.testing.assert_close(first.probs[rows], second.probs, atol=1e-9, rtol=0)
    torch.testing.assert_close(first.quality[annotators], second.quality, atol=1e-9, rtol=0)


@pytest.mark.parametrize("method", ALL, ids=lambda f: f.__name__)
def test_no_votes_one_class_one_annotator(method):
    empty = method(Votes.from_table([[-1, -1]] * 3, c=2))
    close(empty.probs, [[0.5, 0.5]] * 3)
    assert len(empty.quality) == 2
    assert method(Votes.from_table([[0], [0]], c=1)).labels.tolist() == [0, 0]
    assert method(Votes.from_table([[1], [0], [1]])).labels.tolist() == [1, 0, 1]
    silent = method(Votes.from_table([[0, -1], [1, -1], [0, -1]]))
    assert silent.quality[1] == silent.quality[0]


def test_the_seed_decides_ties():
    votes = Votes.from_table([[0, 1]] * 40)
    picks = [tuple(majority(votes, rng=generator(seed)).labels.tolist()) for seed in (0, 0, 1, 2)]
    assert picks[0] == picks[1]
    assert len(set(picks)) == 3
    assert 8 < sum(picks[0]) < 32


def test_votes_as_label_events_leave_them():
    from querist.core.events import LabelGiven, Query
    from querist.pool.labels import LabelState

    said = [(4, "ann", "cat"), (4, "bob", "dog"), (9, "bob", "cat"), (4, "cid", "dog")]
    state = LabelState(LabelGiven(query=Query(row=row), payload=label, annotator=who) for row, who, label in said)
    votes = Votes.from_answers([state.answers(row) for row in state.rows.tolist()], classes=["cat", "dog"])
    assert votes.names == ("ann", "bob", "cid")
    assert majority(votes).labels.tolist() == [1, 0]


def test_crowdlab_leaves_single_votes_to_the_model():
    votes = Votes.from_table([[0], [1]])
    probs = torch.tensor([[0.3, 0.7], [0.2, 0.8]], dtype=torch.float64)
    found = crowdlab(votes, probs)
    assert found.labels.tolist() == [0, 1]
    assert found.confidence.tolist() == [0.3, 0.8]
    assert voices(votes, probs).agreement is None


def test_crowdlab_believes_a_model_that_agrees_and_no_other():
    table, truth = crowd(np.stack([spread(0.7, 3)] * 4), n=300, answered=0.6, seed=8)
    votes = Votes.from_table(table, c=3)
    good = torch.from_numpy(np.eye(3)[truth] * 0.8 + 0.2 / 3)
    weights = [voices(votes, probs).model for probs in (good, good[torch.randperm(300, generator=generator(0))])]
    assert weights[0] > 0.5 > 0.01 > weights[1]
    accuracy = [(crowdlab(votes, x).labels.numpy() == truth).mean() for x in (good, torch.full_like(good, 1 / 3))]
    assert accuracy[0] > accuracy[1] + 0.1
    blind = pooled(votes, torch.full_like(good, 1 / 3), voices(votes, good))
    close(blind.sum(1), [1.0] * 300)


def test_the_temperature_is_the_minimum_of_the_cross_entropy():
    table, _ = crowd(np.stack([spread(p, 3) for p in (0.8, 0.7)]), n=80, answered=0.8, seed=2)
    votes = Votes.from_table(table, c=3)
    shares, asked = majority(votes).probs, votes.counts().sum(1) > 0
    probs = torch.randn(80, 3, generator=generator(3), dtype=torch.float64).mul(2).softmax(1)
    # Half of the rows agree with the first voter, so the best temperature lies inside the range.
    probs[::2] = (
        probs[::2].sort(1, descending=True).values.gather(1, shares[::2].argsort(1, descending=True).argsort(1))
    )

    def loss(degrees: float) -> float:
        return -float((shares * tempered(probs, degrees).log())[asked].sum())

    best = temperature(votes, probs)
    grid = np.geomspace(0.1, 8, 400)
    assert loss(best) <= min(map(loss, grid)) + 1e-9
    assert 0.2 < best < 8
    assert temperature(Votes.from_table([[-1]], c=3), probs[:1]) == 1.0


def test_refusals():
    with pytest.raises(DataError, match="names class 3, there are 3"):
        Votes.from_table([[3]], c=3)
    columns = torch.tensor([[1, 1], [0, 0], [0, 1]])
    with pytest.raises(DataError, match="votes twice on row 1"):
        Votes(rows=columns[0], annotators=columns[1], classes=columns[2], n=2, c=2, names=("ann",))
    with pytest.raises(DataError, match="ann says 'cow'"):
        Votes.from_answers([{"ann": "cow"}], classes=["cat"])
    with pytest.raises(DataError, match=r"shape \[2\]"):
        Votes.from_table([0, 1])
    with pytest.raises(DataError, match=r"2 rows and 2 classes"):
        crowdlab(Votes.from_table([[0], [1]]), torch.full((2, 3), 1 / 3))
    for method in ITERATED:
        with pytest.raises(UsageError, match="smooth"):
            method(Votes.from_table([[0]]), smoothing=-1)
        with pytest.raises(UsageError, match="steps"):
            method(Votes.from_table([[0]]), steps=0)
