"""ALFA-Mix: rows whose guess changes under small mixes with what is labelled."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from querist.core.errors import UsageError
from querist.core.rng import generator
from querist.strategies import AlfaMix  # type: ignore[attr-defined]
from querist.strategies.hybrid.alfa_mix import class_anchors, smallest_steps
from querist.views import Embeddings, Head, Labels


def changed(z: torch.Tensor, anchors: torch.Tensor, head: torch.Tensor, cap: float) -> torch.Tensor:
    """Whose guess some mix changes, as the paper writes it: a gradient by autograd, a weight a component."""
    weights, bias = head[:, :-1], head[:, -1]
    rows = z.clone().requires_grad_()
    logits = rows @ weights.T + bias
    guess = logits.argmax(1)
    (g,) = torch.autograd.grad(torch.nn.functional.cross_entropy(logits, guess, reduction="sum"), rows)
    found = torch.zeros(len(z), dtype=torch.bool)
    for anchor in anchors:
        apart = anchor - z
        length = apart.norm(dim=1, keepdim=True) * cap / z.shape[1] ** 0.5
        alpha = torch.where(apart != 0, length * g / g.norm(dim=1, keepdim=True) / apart, 0)
        mixed = (1 - alpha) * z + alpha * anchor
        found |= (mixed @ weights.T + bias).argmax(1) != guess
    return found


@pytest.mark.parametrize("cap", [0.05, 0.2, 0.6, 1.0])
def test_the_smallest_step_decides_as_mixing_does(digits, cap: float) -> None:
    """Digits hold pixels that are always 0 in some class: components that cannot be mixed are among them."""
    pool, _ = digits.split(0, pool=500)
    labelled = pool.first(3)
    snapshot = pool.snapshot(labelled, pool.model(labelled))
    z, labels, head = (snapshot[view].double() for view in AlfaMix().needs())
    z = z.clone()
    z[:, :9] = 0  # a layer with dead units
    anchors = class_anchors(z, labels.long(), snapshot.at.labelled, len(head))
    anchors[0, 20:30] = z[300, 20:30]
    steps = smallest_steps(z, torch.arange(500), anchors, head)
    assert torch.equal(steps < cap, changed(z, anchors, head, cap))
    assert 0 < int((steps < cap).sum()) < 500


def test_rows_that_change_are_wrong_more_often(digits) -> None:
    """What it is for: among the candidates the model errs at least three times as often as among the others."""
    for seed in range(4):
        pool, _ = digits.split(seed, pool=1200)
        labelled = pool.first(4)
        model = pool.model(labelled)
        snapshot = pool.snapshot(labelled, model)
        z, labels, head = (snapshot[view] for view in (Embeddings(), Labels(), Head()))
        free = snapshot.at.candidates
        steps = smallest_steps(z, free, class_anchors(z, labels, snapshot.at.labelled, 10), head)
        wrong = torch.from_numpy(model.predict(pool.x) != pool.y)[free].float()
        among = steps < steps.quantile(0.25)
        assert wrong[among].mean() > 3 * wrong[~among].mean()


def test_it_learns_digits_from_fewer_labels_than_random_rows_do(digits) -> None:
    """Mean accuracy from 20 to 100 labels, 6 splits in pairs: better by more than two standard errors."""
    gains = []
    for seed in range(6):
        pool, held_out = digits.split(seed, pool=900)
        curves = []
        for ask in (True, False):
            rng, labelled = np.random.default_rng(seed), pool.first(2)
            curve = []
            while len(labelled) <= 100:
                model = pool.model(labelled, strength=0.1)
                curve.append(model.score(held_out.x, held_out.y))
                if ask:
                    chosen = AlfaMix()(pool.snapshot(labelled, model), k=20, seed=seed)
                else:
                    chosen = rng.choice(np.setdiff1d(np.arange(900), labelled), 20, replace=False)
                labelled = np.append(labelled, chosen)
            curves.append(np.mean(curve))
        gains.append(curves[0] - curves[1])
    assert np.mean(gains) > 2 * np.std(gains, ddof=1) / np.sqrt(len(gains))


def test_too_few_changes_are_filled_at_random_and_said_so(digits) -> None:
    pool, _ = digits.only(0, 1).split(0, pool=200)
    labelled = pool.first(30)
    snapshot = pool.snapshot(labelled, pool.model(labelled, strength=100.0))
    picks = [AlfaMix().choose(snapshot, k=100, seed=seed) for seed in range(2)]
    drawn = [sum("at random" in reason for reason in each.reasons) for each in picks]
    assert drawn[0] == drawn[1] > 10
    assert set(picks[0].rows[: 100 - drawn[0]]) == set(picks[1].rows[: 100 - drawn[0]])
    assert set(picks[0].rows) != set(picks[1].rows)


def test_anchors_are_means_and_a_class_without_labels_has_that_of_all() -> None:
    z = torch.randn(6, 3, generator=generator(0))
    anchors = class_anchors(z, torch.tensor([0, 0, 2, -1, -1, -1]), torch.tensor([0, 1, 2]), 3)
    torch.testing.assert_close(anchors, torch.stack([z[:2].mean(0), z[:3].mean(0), z[2]]))


def test_a_start_outside_0_to_1_is_refused() -> None:
    for cap in (0.0, 1.5):
        with pytest.raises(UsageError, match="mixing starts"):
            AlfaMix(alpha_cap=cap)
