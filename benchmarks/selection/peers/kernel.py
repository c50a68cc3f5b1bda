"""The ``n x n`` kernel that packages for set functions ask for."""

from __future__ import annotations

import numpy as np
from benchmarks.selection.inputs import unit


def cosines(points: np.ndarray) -> np.ndarray:
    """``max(cos, 0)`` between all points."""
    directions = unit(points)
    made: np.ndarray = np.matmul(directions, directions.T.copy())
    return np.maximum(made, 0, out=made)
