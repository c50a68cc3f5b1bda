"""What an oracle says."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from querist.pool.pool import Pool
from querist.tasks.base import Label


class Oracle(ABC):
    """Who answers queries about the training rows of a pool.

    Args:
        pool: the rows that will be asked about.

    Raises:
        DataError: the pool does not hold what the answers are made from.
    """

    name: ClassVar[str] = "oracle"
    """The annotator that the journal names."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    @abstractmethod
    def __call__(self, rows: np.ndarray) -> Sequence[Label]:
        """One label a row."""
