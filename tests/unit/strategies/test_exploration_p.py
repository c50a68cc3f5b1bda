"""Exploration-P: the boundary when there are labels, new places when there are none."""

from __future__ import annotations

import pytest
import torch

from querist.core.errors import UsageError
from querist.core.rng import generator
from querist.selectors import k_center
from querist.strategies import Entropy, ExplorationP  # type: ignore[attr-defined]
from querist.testing import toys
from querist.views import Embeddings


def test_the_share_of_unsure_rows_grows_with_the_labels_up_to_a_limit() -> None:
    strategy = ExplorationP(upper=0.8, rounds=5)
    shares = [strategy.unsure_rows(labelled=labels, k=50) for labels in (0, 50, 100, 250, 5000)]
    assert shares == [0, 8, 16, 40, 40]


def test_without_a_price_for_likeness_it_is_entropy() -> None:
    snapshot = toys.mixed("classification", n=80).snapshot(labelled=range(60))
    assert ExplorationP(alpha=0, upper=1)(snapshot, k=10).tolist() == Entropy()(snapshot, k=10).tolist()


def test_without_unsure_rows_it_is_farthest_first_on_the_sphere() -> None:
    snapshot = toys.mixed("classification", n=80).snapshot(labelled=range(9))
    directions = torch.nn.functional.normalize(snapshot[Embeddings()], dim=-1)
    expected = k_center(directions, k=10, labelled=range(9), rng=generator(0, "pick"))
    assert ExplorationP(upper=0)(snapshot, k=10).tolist() == expected.tolist()


@pytest.mark.parametrize("seed", range(3))
def test_a_price_for_likeness_spreads_the_unsure_rows(seed: int) -> None:
    """Five sorts of doubtful rows: entropy with a price finds more of them than entropy alone, and never fewer."""
    world = toys.planted("hybrid", "classification", seed=seed)
    found = [
        world.gain(ExplorationP(alpha=alpha, upper=1, rounds=0.1).choose(world.snapshot, k=5).positions)
        for alpha in (0, 1)
    ]
    assert found[1] > found[0] or found[1] == 1


def test_the_reasons_say_which_rule() -> None:
    snapshot = toys.mixed("classification", n=80).snapshot(labelled=range(25))
    reasons = ExplorationP(upper=0.5, rounds=2).choose(snapshot, k=10).reasons
    assert [reason.partition(":")[0] for reason in reasons] == ["exploitation"] * 5 + ["exploration"] * 5


def test_impossible_shares_are_refused() -> None:
    with pytest.raises(UsageError, match="between 0 and 1"):
        ExplorationP(upper=1.5)
    with pytest.raises(UsageError, match="more than 0"):
        ExplorationP(rounds=0)
