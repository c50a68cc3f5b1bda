"""The simulated oracle: answers from labels that the data already have."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from querist.core.errors import DataError
from querist.oracles.base import Oracle
from querist.pool.pool import Pool
from querist.tasks.base import Label


class Simulated(Oracle):
    """Gives each asked row its true label.

    Args:
        pool: a pool whose training rows have labels.

    Raises:
        DataError: they have none, so only people can answer.

    Example:
        >>> pool = Pool.from_arrays(np.eye(2), ["a", "b"])
        >>> Simulated(pool)(pool.rows())
        ['a', 'b']
    """

    def __init__(self, pool: Pool) -> None:
        if not pool.has_truth("train"):
            rows = pool.rows("train")
            unknown = int((~pool.known(rows)).sum())
            what = f"{unknown} of {len(rows)} training rows of {pool.name} have no label" if unknown < len(rows) else ""
            raise DataError(
                what or f"{pool.name} has no labels to answer from",
                hint="remove those rows, or name another column with --label"
                if what
                else "name their column with --label, or label by hand",
            )
        super().__init__(pool)

    def __call__(self, rows: np.ndarray) -> Sequence[Label]:
        return self._pool.truth(rows)
