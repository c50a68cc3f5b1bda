"""The simulated oracle: answers from labels that the data already have."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from querist.core.errors import DataError
from querist.pool.pool import Pool
from querist.tasks.base import Label


class SimulatedOracle:
    """Gives each asked row its true label.

    Args:
        pool: a pool whose training rows have labels.

    Raises:
        DataError: they have none, so only people can answer.
    """

    name = "oracle"

    def __init__(self, pool: Pool) -> None:
        if not pool.has_truth("train"):
            raise DataError(
                f"{pool.name} has no labels to answer from", hint="name their column with --label, or label by hand"
            )
        self._pool = pool

    def __call__(self, rows: np.ndarray) -> Sequence[Label]:
        """One label a row."""
        return self._pool.truth(rows)
