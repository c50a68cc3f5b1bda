"""LDM-S: rows that a change of the last layer can flip nearly alone."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr

from querist.core.errors import UsageError
from querist.core.rng import generator
from querist.scores import margin
from querist.strategies import LeastDisagree  # type: ignore[attr-defined]
from querist.views import Embeddings, Head, Probs, Snapshot


def metric_on_a_grid(z: torch.Tensor, head: torch.Tensor, *, stop: int, seed: int) -> torch.Tensor:
    """The paper's scheme: noise of growing variance, each until it has lowered nothing ``stop`` times in a row."""
    rng, least = generator(seed), torch.ones(len(z))
    guess = (z @ head[:, :-1].T + head[:, -1]).argmax(1)
    for sigma in 10 ** torch.arange(-5, 0.1, 0.1):
        since = 0
        while since < stop:
            other = head + sigma * torch.randn(head.shape, generator=rng)
            flipped = (z @ other[:, :-1].T + other[:, -1]).argmax(1) != guess
            lower = torch.where(flipped, torch.minimum(least, flipped.float().mean()), least)
            since = 0 if bool((lower < least).any()) else since + 1
            least = lower
    return least


def test_it_ranks_rows_as_the_papers_scheme_does(digits) -> None:
    """Rank correlation above 0.9 with the metric on a grid of variances; two runs of the grid agree no better."""
    pool, _ = digits.split(0, pool=400)
    labelled = pool.first(3)
    snapshot = pool.snapshot(labelled, pool.model(labelled))
    z, head = snapshot[Embeddings()], snapshot[Head()]
    mine = LeastDisagree(draws=400).metric(z, torch.arange(len(z)), head, rng=generator(0))
    grids = [metric_on_a_grid(z, head, stop=10, seed=seed) for seed in range(2)]
    assert spearmanr(mine, grids[0]).statistic > 0.9
    assert spearmanr(mine, grids[0]).statistic > spearmanr(*grids).statistic - 0.05


def test_for_two_classes_it_orders_by_the_distance_to_the_boundary(digits) -> None:
    """A boundary moves by an angle, so what counts is the gap over the length of the row with its bias unit."""
    pool, _ = digits.only(3, 8).split(0, pool=300)
    labelled = pool.first(5)
    snapshot = pool.snapshot(labelled, pool.model(labelled))
    z, head = snapshot[Embeddings()], snapshot[Head()]
    gap = ((z @ head[:, :-1].T + head[:, -1]) @ torch.tensor([1.0, -1.0])).abs()
    distance = gap / (z.square().sum(1) + 1).sqrt()
    assert (
        spearmanr(LeastDisagree(draws=1000).metric(z, torch.arange(len(z)), head, rng=generator(0)), distance).statistic
        > 0.95
    )


def test_more_draws_only_lower_the_metric() -> None:
    z, head = torch.randn(60, 4, generator=generator(0)), torch.randn(3, 5, generator=generator(1))
    metrics = [
        LeastDisagree(draws=draws, stop=1000).metric(z, torch.arange(len(z)), head, rng=generator(2))
        for draws in (5, 20, 80)
    ]
    assert bool((metrics[1] <= metrics[0]).all())
    assert bool((metrics[2] <= metrics[1]).all())
    assert float(metrics[2].min()) >= 1 / 60


def test_the_seeding_does_not_ask_the_same_thing_twice(digits) -> None:
    """Each row of the pool four times: the smallest metrics are copies of a few rows, the seeded batch holds none."""
    pool, _ = digits.split(0, pool=200)
    labelled = pool.first(2)
    plain = pool.snapshot(labelled, pool.model(labelled))
    z = plain[Embeddings()].repeat(4, 1)
    copies = Snapshot.from_arrays(embeddings=z, head=plain[Head()], labelled=labelled)
    crowded, seeded = (LeastDisagree(diverse=diverse)(copies, k=20) % 200 for diverse in (False, True))
    assert len(set(crowded.tolist())) <= 12
    assert len(set(seeded.tolist())) == 20


def test_seeded_rows_are_still_unsure(digits) -> None:
    pool, _ = digits.split(0, pool=900)
    labelled = pool.first(3)
    snapshot = pool.snapshot(labelled, pool.model(labelled))
    torn, free = margin(snapshot[Probs()]), snapshot.at.candidates
    picked = LeastDisagree()(snapshot, k=40)
    assert torn[picked].median() > torn[free].quantile(0.75)


def test_it_learns_digits_from_fewer_labels_than_random_rows_do(digits) -> None:
    """Mean accuracy from 30 to 120 labels, 6 splits in pairs: better by more than three standard errors."""
    gains = []
    for seed in range(6):
        pool, held_out = digits.split(seed, pool=900)
        curves = []
        for ask in (True, False):
            rng, labelled = np.random.default_rng(seed), pool.first(3)
            curve = []
            while len(labelled) <= 120:
                model = pool.model(labelled, strength=0.1)
                curve.append(model.score(held_out.x, held_out.y))
                if ask:
                    chosen = LeastDisagree()(pool.snapshot(labelled, model), k=15, seed=seed)
                else:
                    chosen = rng.choice(np.setdiff1d(np.arange(900), labelled), 15, replace=False)
                labelled = np.append(labelled, chosen)
            curves.append(np.mean(curve))
        gains.append(curves[0] - curves[1])
    assert np.mean(gains) > 3 * np.std(gains, ddof=1) / np.sqrt(len(gains))


def test_nothing_to_draw_is_refused() -> None:
    with pytest.raises(UsageError, match="0 draws"):
        LeastDisagree(draws=0)
