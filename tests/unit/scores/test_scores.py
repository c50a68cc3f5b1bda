"""Hand-worked values, laws between scores, and the closed form against autograd."""

from __future__ import annotations

import importlib
import math

import pytest
import torch

from querist import scores
from querist.core.rng import generator
from querist.scores.predictive_gain import predictive_gains


def test_hand_worked_values() -> None:
    probs = torch.tensor([0.5, 0.3, 0.2])
    assert scores.entropy(probs).item() == pytest.approx(
        -(0.5 * math.log(0.5) + 0.3 * math.log(0.3) + 0.2 * math.log(0.2)), abs=1e-6
    )
    assert scores.margin(probs).item() == pytest.approx(-0.2, abs=1e-6)
    assert scores.least_confidence(probs).item() == pytest.approx(0.5, abs=1e-6)
    samples = torch.tensor([[0.6, 0.4], [0.6, 0.4], [0.2, 0.8], [0.9, 0.1]])[:, None]
    assert scores.variation_ratio(samples).item() == pytest.approx(0.25, abs=1e-6)
    assert scores.vote_entropy(samples).item() == pytest.approx(0.75 * math.log(4 / 3) + 0.25 * math.log(4), abs=1e-6)
    assert scores.mean_std(samples).item() == pytest.approx(math.sqrt(0.061875), abs=1e-6)
    assert scores.variance(torch.tensor([[1.0], [2.0], [6.0]])).item() == pytest.approx(14 / 3, abs=1e-5)


def test_consensus_kl_of_a_uniform_committee_is_bald() -> None:
    samples = (2 * torch.randn(5, 40, 6, generator=generator(0))).softmax(-1).double()
    torch.testing.assert_close(scores.consensus_kl(samples), scores.bald(samples), atol=1e-7, rtol=0)


def test_bald_lies_between_nothing_and_entropy_of_the_mean() -> None:
    samples = (3 * torch.randn(9, 50, 4, generator=generator(1))).softmax(-1)
    information = scores.bald(samples)
    assert bool((information >= 0).all())
    assert bool((information <= scores.entropy(samples.mean(0)) + 1e-6).all())


@pytest.mark.parametrize("rule", ["log", "mse"])
def test_predictive_gain_is_the_mean_of_gains_and_does_not_hang_on_tiles(
    rule: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    samples, targets = ((3 * torch.randn(6, n, 4, generator=generator(n))).softmax(-1).double() for n in (50, 9))
    whole = predictive_gains(samples, targets, rule=rule)
    torch.testing.assert_close(scores.predictive_gain(samples, targets, rule=rule), whole.mean(1))
    assert whole.shape == (50, 9)
    monkeypatch.setattr(importlib.import_module("querist.scores.predictive_gain"), "_TILE", 1)
    torch.testing.assert_close(predictive_gains(samples, targets, rule=rule), whole)


def test_predictive_gain_by_hand() -> None:
    """Two networks, sure of opposite labels: one label moves the other row's (0.5, 0.5) to (1, 0) or (0, 1)."""
    torn = torch.tensor([[[1.0, 0.0]], [[0.0, 1.0]]])
    assert scores.predictive_gain(torn, torn).item() == pytest.approx(math.log(2), abs=1e-6)
    assert scores.predictive_gain(torn, torn, rule="mse").item() == pytest.approx(0.5, abs=1e-6)


def test_consensus_kl_survives_probabilities_whose_mean_rounds_to_zero() -> None:
    samples = torch.zeros(8, 1, 2)
    samples[:, :, 0] = 1
    samples[0, 0, 1] = torch.finfo(torch.float32).smallest_normal / 4
    assert bool(torch.isfinite(scores.consensus_kl(samples)).all())


def test_gradient_length_is_what_autograd_says() -> None:
    rng = generator(2)
    z = torch.randn(5, 7, generator=rng, dtype=torch.float64)
    layer = torch.nn.Linear(7, 4).double()
    with torch.no_grad():
        layer.weight.copy_(torch.randn(4, 7, generator=rng))
        layer.bias.copy_(torch.randn(4, generator=rng))
    probs = layer(z).softmax(-1).detach()
    expected = []
    for row in range(5):
        length = 0.0
        for label in range(4):
            loss = torch.nn.functional.cross_entropy(layer(z[row : row + 1]), torch.tensor([label]))
            gradients = torch.autograd.grad(loss, [layer.weight, layer.bias])
            length += float(probs[row, label] * torch.cat([g.flatten() for g in gradients]).norm())
        expected.append(length)
    torch.testing.assert_close(
        scores.gradient_length(probs, z), torch.tensor(expected, dtype=torch.float64), atol=1e-5, rtol=0
    )


def test_density_of_a_large_pool_needs_no_square_table() -> None:
    points = torch.randn(200_000, 4, generator=generator(3))  # a square table would be 160 GB
    assert scores.density(points).shape == (200_000,)


def test_density_to_a_reference() -> None:
    points = torch.tensor([[1.0, 0.0], [0.0, 5.0], [0.0, 0.0]])
    answer = scores.density(points, torch.tensor([[0.0, 2.0]]))
    torch.testing.assert_close(answer, torch.tensor([0.0, 1.0, 0.0]))
