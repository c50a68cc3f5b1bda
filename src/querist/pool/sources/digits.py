"""``digits``: 1,797 handwritten digits of 8 x 8 pixels, which ship with scikit-learn."""

from __future__ import annotations

import numpy as np

from querist.pool.pool import Pool
from querist.pool.sources.base import Columns, Source

TEST_SHARE = 0.25
"""Share of each class that is held out for testing: 450 rows in all, give or take the rounding of ten classes."""

SPLIT_SEED = 1998
"""The year the digits were given to the UCI repository. Fixed, so that every run is tested on the same rows."""


class Digits(Source):
    """Grey images ``uint8 [8 8]`` in ten classes, with a fixed test set of 451 rows, stratified by class."""

    takes_path = False

    def open(self, path: str, *, columns: Columns, skip_bad: bool, seed: int) -> Pool:
        from sklearn.datasets import load_digits

        images, labels = load_digits(return_X_y=True)
        # The levels are 0 to 16.
        levels = np.rint(images.reshape(-1, 8, 8) * (255 / 16)).astype(np.uint8)
        pool = Pool.from_arrays(levels, labels, test=TEST_SHARE, name="digits", seed=SPLIT_SEED)
        pool.notes.clear()  # that the test rows were held out here is how this set is defined
        return pool
