"""Numbers that public implementations print on inputs anyone can make. Each names where the number is from."""

import numpy as np
import pytest
import torch

from querist.scores.bald import bald
from querist.scores.predictive_gain import predictive_gain
from querist.scores.vote_entropy import vote_entropy
from querist.selectors import k_center
from querist.views import Probs, Snapshot


def test_bald_of_random_samples_agrees_with_batchbald_redux():
    # scikit-activeml's test_bald.py quotes batchbald_redux: the first BatchBALD gain, which is the largest BALD.
    samples = np.random.RandomState(0).rand(10, 200, 2)
    samples /= samples.sum(-1, keepdims=True)
    assert float(bald(torch.from_numpy(samples)).max()) == pytest.approx(0.26082319, abs=1e-6)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("score", [bald, lambda samples: predictive_gain(samples, samples)], ids=["bald", "epig"])
def test_three_made_up_rows_are_ordered_as_baal_orders_them(score, seed):
    # baal's heuristic_test.py: 50 networks, each a histogram of 100 rounded normal draws about 5, 6 and 9 with the
    # spreads 0.1, 4 and 2, cut to 0..9; BALD and EPIG (the rows being their own targets) give the order 1, 2, 0.
    rng = np.random.default_rng(seed)
    draws = rng.normal([5, 6, 9], [0.1, 4, 2], size=(50, 100, 3)).clip(0, 9).round().astype(int)
    samples = torch.from_numpy(np.stack([(draws == label).mean(1) for label in range(10)], -1))
    assert score(samples).argsort(descending=True).tolist() == [1, 2, 0]


def test_vote_entropy_is_log_of_the_votes_on_the_one_disputed_row():
    # modAL's core tests: a committee of c members that all vote differently on one row, and agree elsewhere.
    c = 4
    votes = torch.zeros(c, 3, c)
    votes[:, 0] = torch.eye(c)
    votes[:, 1:, 0] = 1.0
    torch.testing.assert_close(vote_entropy(votes), torch.tensor([np.log(c), 0.0, 0.0]).float())


def test_core_set_takes_the_far_point_of_libacts_toy():
    # libact's test_coreset.py: labelled points near the origin, one far point; the far one is asked.
    points = np.vstack([np.random.default_rng(0).normal(scale=0.1, size=(9, 2)), [[10.0, 10.0]]])
    assert k_center(points, k=1, labelled=[0, 1, 2, 3]).tolist() == [9]


def test_diversity_keeps_the_ends_as_lightly_studio_does():
    # lightly-studio's test_mundig.py: of 1, 3 and 5, after 1 comes 5.
    assert k_center(np.array([[1.0], [3.0], [5.0]]), k=1, labelled=[0]).tolist() == [2]


@pytest.mark.parametrize("name", ["least_confidence", "margin", "entropy"])
def test_hard_mining_asks_what_label_sleuth_asks(name):
    # label-sleuth's test_strategies.py: positive probabilities 1, 0, .51, .5001, .52 -> items 3, then 2.
    from querist import strategies

    p = np.array([1.0, 0.0, 0.51, 0.5001, 0.52])
    snapshot = Snapshot.from_arrays(probs=np.stack([1 - p, p], 1))
    assert strategies.registry[name]()(snapshot, k=2).tolist() == [3, 2]
    assert snapshot[Probs()].shape == (5, 2)
