"""Handwritten digits as a small world: pixels, labels, and a linear model that is trained in a blink."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression

from querist.views import Snapshot


@dataclass(frozen=True)
class Digits:
    """A pool to ask from and rows to test on.

    Args:
        x: ``[n 64]``, mean 0 and variance 1 over all rows together (so that the mean squared length is 64).
        y: digits, ``[n]``.
    """

    x: np.ndarray
    y: np.ndarray

    def only(self, *classes: int) -> Digits:
        """Rows of some classes."""
        kept = np.isin(self.y, classes)
        return Digits(self.x[kept], np.searchsorted(np.sort(classes), self.y[kept]))

    def take(self, rows: np.ndarray) -> Digits:
        return Digits(self.x[rows], self.y[rows])

    def split(self, seed: int, *, pool: int) -> tuple[Digits, Digits]:
        """A pool of so many rows, and the rest."""
        order = np.random.default_rng(seed).permutation(len(self.y))
        return self.take(order[:pool]), self.take(order[pool:])

    def first(self, each: int) -> np.ndarray:
        """Positions of the first so many rows of each class."""
        return np.concatenate([np.flatnonzero(self.y == c)[:each] for c in np.unique(self.y)])

    def model(self, labelled: np.ndarray, *, strength: float = 1.0) -> LogisticRegression:
        return LogisticRegression(C=strength, max_iter=2000, tol=1e-6).fit(self.x[labelled], self.y[labelled])

    def snapshot(self, labelled: np.ndarray, model: LogisticRegression) -> Snapshot:
        """What the model says of all rows; every class must be labelled."""
        labels = np.full(len(self.y), -1)
        labels[labelled] = self.y[labelled]
        head = np.column_stack([model.coef_, model.intercept_])
        if len(head) == 1:
            head = np.concatenate([np.zeros_like(head), head])
        z = torch.from_numpy(self.x).float()
        weights = torch.from_numpy(head).float()
        logits = z @ weights[:, :-1].T + weights[:, -1]
        return Snapshot.from_arrays(logits=logits, embeddings=z, labels=labels, head=weights)


@pytest.fixture(scope="session")
def digits() -> Digits:
    x, y = load_digits(return_X_y=True)
    x = x - x.mean(0)
    return Digits((x / np.sqrt((x**2).sum(1).mean() / x.shape[1])).astype(np.float64), y)
