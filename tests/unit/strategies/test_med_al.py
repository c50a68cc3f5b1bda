"""MedAL: unsure rows, far from what is labelled."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from querist.core.errors import UsageError
from querist.scores import entropy, mean_distance
from querist.strategies import MedAl  # type: ignore[attr-defined]
from querist.views import Embeddings, Probs


@pytest.mark.parametrize("beta", [1, 3, 10])
def test_picks_are_the_farthest_of_the_most_unsure(digits, beta: int) -> None:
    pool, _ = digits.split(0, pool=600)
    labelled = pool.first(4)
    snapshot = pool.snapshot(labelled, pool.model(labelled))
    unsure, z, free = entropy(snapshot[Probs()]), snapshot[Embeddings()], snapshot.at.candidates
    shortlist = free[unsure[free].topk(10 * beta).indices]
    far = torch.cdist(z[shortlist].double(), z[torch.from_numpy(labelled)].double()).mean(1)
    expected = shortlist[far.argsort(descending=True)[:10]]
    assert MedAl(beta=beta)(snapshot, k=10).tolist() == expected.tolist()


def test_it_is_farther_from_the_labels_than_entropy_and_less_sure_than_distance(digits) -> None:
    """In each of 5 splits of digits: the claim of the paper's rule, against each of its halves alone."""
    for seed in range(5):
        pool, _ = digits.split(seed, pool=900)
        labelled = pool.first(4)
        snapshot = pool.snapshot(labelled, pool.model(labelled))
        unsure, z, free = entropy(snapshot[Probs()]), snapshot[Embeddings()], snapshot.at.candidates
        far = mean_distance(z, z[torch.from_numpy(labelled)])
        picked = MedAl()(snapshot, k=20)
        assert far[picked].mean() > 1.1 * far[free[unsure[free].topk(20).indices]].mean()
        assert unsure[picked].mean() > 1.3 * unsure[free[far[free].topk(20).indices]].mean()


def test_mean_distance_far_from_the_origin_keeps_its_digits() -> None:
    points = torch.tensor([[0.0, 0.0], [3.0, 4.0]]) + 1e5
    np.testing.assert_allclose(mean_distance(points, points[:1]).numpy(), [0.0, 5.0], atol=1e-2)


def test_a_shortlist_of_nothing_is_refused() -> None:
    with pytest.raises(UsageError, match="beta of 1"):
        MedAl(beta=0)
