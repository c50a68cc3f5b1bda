"""Dropout GP: the variances of an explicit Gaussian process."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from querist.core.rng import generator
from querist.strategies import (  # type: ignore[attr-defined]
    Bald,
    DropoutGp,
)
from querist.strategies.bayesian.dropout_gp import deviations
from querist.views import Snapshot


def networks(s: int, n: int, c: int, *, seed: int = 0, scale: float = 2.0) -> Tensor:
    return (scale * torch.randn(s, n, c, generator=generator(seed, "networks"), dtype=torch.float64)).softmax(-1)


def posterior_variance(samples: np.ndarray, seen: list[int], noise: float) -> np.ndarray:
    """Of the Gaussian process whose covariance is that of the drawn predictions, written out."""
    kernel = np.cov(samples.T, bias=True)
    jitter = noise * kernel.diagonal().mean()
    known = kernel[np.ix_(seen, seen)] + jitter * np.eye(len(seen))
    return kernel.diagonal() - np.einsum("ns,sn->n", kernel[:, seen], np.linalg.solve(known, kernel[seen]))


@pytest.mark.parametrize("noise", [1e-6, 0.1])
def test_its_variances_are_those_of_an_explicit_process(noise: float) -> None:
    rng = np.random.default_rng(0)
    samples = rng.normal(size=(40, 30)) @ np.diag(rng.uniform(0.5, 2, 30))
    snapshot = Snapshot.from_arrays(prediction_samples=samples, labelled=[0, 1, 2])
    picks = DropoutGp(noise=noise).choose(snapshot, k=8)
    seen = [0, 1, 2]
    for row, reason in zip(picks.rows.tolist(), picks.reasons, strict=True):
        variance = posterior_variance(samples, seen, noise)
        assert row == max(set(range(30)) - set(seen), key=lambda pos: variance[pos])
        assert f"spread by {math.sqrt(variance[row]):.3g} here" in reason
        seen.append(row)


def test_a_pick_is_known_without_retraining() -> None:
    """Of ten functions copied ten times each, ten picks are ten different ones; BALD's are copies of one or two."""
    for seed in range(5):
        rng = np.random.default_rng(seed)
        functions = rng.normal(size=(40, 10)) * np.linspace(1, 2, 10)
        samples = np.repeat(functions, 10, axis=1) + 1e-3 * rng.normal(size=(40, 100))
        snapshot = Snapshot.from_arrays(prediction_samples=samples)
        group = np.repeat(np.arange(10), 10)
        assert len(set(group[DropoutGp(noise=1e-3)(snapshot, k=10)])) == 10
        assert len(set(group[Bald()(snapshot, k=10)])) <= 3


def test_covariances_of_classes_are_summed() -> None:
    samples = networks(5, 4, 3)
    moved = samples - samples.mean(0)
    wanted = torch.einsum("snc,smc->nm", moved, moved) / 5
    z = deviations(samples)
    torch.testing.assert_close(z @ z.T, wanted)
