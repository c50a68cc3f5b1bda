"""What a participant is handed: the arrays of a case, in memory or mapped from files."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

import numpy as np
from benchmarks.selection import inputs
from benchmarks.selection.case import Case

LABELLED = 100
"""Rows that count as labelled, where the method looks at them."""


class Work:
    """The inputs of a case.

    Args:
        case: the work.
        cache: folder of the inputs.
        checkouts: folders that the user named, by name.
    """

    def __init__(self, case: Case, cache: Path, checkouts: dict[str, str] | None = None) -> None:
        self.case = case
        self.checkouts = checkouts or {}
        self._inputs = inputs.Inputs(cache, stored=case.stored)

    @property
    def k(self) -> int:
        """Picks."""
        return self.case.k

    @cached_property
    def points(self) -> np.ndarray:
        """``[n d]`` embeddings."""
        return self._inputs.embeddings(self.case.kind, self.case.rows, self.case.dim)

    @cached_property
    def directions(self) -> np.ndarray:
        """``[n d]`` embeddings of length 1."""
        return inputs.unit(self.points)

    @cached_property
    def clusters(self) -> np.ndarray:
        """``[n]`` the cluster that each row was drawn from, which no participant sees."""
        return self._inputs.clusters(self.case.kind, self.case.rows, self.case.dim)

    @cached_property
    def probs(self) -> np.ndarray:
        """``[n c]`` probabilities."""
        return self._inputs.probs(self.case.kind, self.case.rows, self.case.dim, self.case.classes)

    @cached_property
    def prob_samples(self) -> np.ndarray:
        """``[n s c]`` probabilities of posterior samples."""
        return self._inputs.prob_samples(self.case.kind, self.case.rows, self.case.samples, self.case.classes)

    @cached_property
    def labelled(self) -> np.ndarray:
        """``[m]`` labelled positions, ascending."""
        return inputs.labelled(self.case.rows, min(LABELLED, self.case.rows // 10))

    @cached_property
    def open(self) -> np.ndarray:
        """``[n - m]`` the other positions, ascending."""
        return np.setdiff1d(np.arange(self.case.rows), self.labelled, assume_unique=True)

    @cached_property
    def radius(self) -> float:
        """In which a point sees one in two hundred of the others on average."""
        return inputs.cover_radius(self.directions)

    def hold(self) -> None:
        """Have the arrays of this case in memory (or mapped) before anything is measured."""
        if self.case.samples:
            _ = self.prob_samples
            return
        _ = self.points
        if self.case.classes:
            _ = self.probs


def residuals(probs: np.ndarray) -> np.ndarray:
    """``[n c]``: probabilities less 1 at the likeliest class, the left factor of a last-layer gradient."""
    made = probs.copy()
    made[np.arange(len(made)), made.argmax(1)] -= 1
    return made


def gradients(probs: np.ndarray, points: np.ndarray) -> np.ndarray:
    """``[n c * d]``: last-layer gradients written out, for peers that must see them so."""
    return (residuals(probs)[:, :, None] * points[:, None, :]).reshape(len(points), -1)


def fisher_factors(probs: np.ndarray, points: np.ndarray) -> np.ndarray:
    """``[n c c * d]`` float32: ``V`` with ``V^T V`` the Fisher matrix of a row's last layer, written out."""
    classes = probs.shape[1]
    by_class = np.sqrt(probs)[:, :, None] * (np.eye(classes, dtype=np.float32) - probs[:, None, :])
    written = by_class[:, :, :, None] * points[:, None, None, :]
    return written.reshape(len(points), classes, -1).astype(np.float32)
