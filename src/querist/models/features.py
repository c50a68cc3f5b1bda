"""Features: payloads as the flat rows that scikit-learn reads."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from querist.core.errors import DataError
from querist.models.input_table import InputTable
from querist.models.inputs import encoder_for
from querist.tasks.base import Task

if TYPE_CHECKING:
    from querist.pool.pool import Pool

_CACHE_MB = 1024


class Features(Protocol):
    """Rows of a pool as numbers. Learned from unlabelled payloads only."""

    dense: bool
    """Whether ``matrix`` is ``vectors``."""

    def matrix(self, pool: Pool, rows: np.ndarray) -> Any:
        """What the estimator reads, ``[b d]``: an array, or a sparse matrix."""

    def vectors(self, pool: Pool, rows: np.ndarray) -> np.ndarray:
        """What distances are measured between, float32 ``[b d]``, never sparse."""


class FlatFeatures:
    """Numbers and pixels, standardised over the pool and flattened."""

    dense = True

    def __init__(self, pool: Pool, task: Task) -> None:
        self._encoder = encoder_for(pool)
        self._encoder.learn(pool)
        self._task = task
        self._table = InputTable(pool, self._encoder, task, cache_mb=_CACHE_MB)

    def vectors(self, pool: Pool, rows: np.ndarray) -> np.ndarray:
        # Rows of new data are encoded as those of the pool were, and not kept.
        own = pool is self._table.pool
        table = self._table if own else InputTable(pool, self._encoder, self._task, cache_mb=0)
        stored, _ = table(rows)
        vectors: np.ndarray = self._encoder.vectors(stored).numpy()
        return vectors

    matrix = vectors


class TfIdf:
    """Words of a text, weighted by how rare they are; reduced by a truncated SVD where dense.

    Args:
        pool: its texts give the vocabulary.
        dimensions: numbers a text is reduced to.
        sparse: whether the estimator reads sparse matrices.
    """

    def __init__(self, pool: Pool, *, dimensions: int, sparse: bool) -> None:
        from sklearn.feature_extraction.text import TfidfVectorizer

        self._pool, self._dimensions, self.dense = pool, dimensions, not sparse
        # The default pattern drops words of one letter.
        self._vectorizer = TfidfVectorizer(
            max_features=50_000, sublinear_tf=True, dtype=np.float32, token_pattern=r"\b\w+\b"
        )
        try:
            self._vectorizer.fit(pool.payloads(pool.rows("train")))
        except ValueError:
            raise DataError("the texts of the pool hold no words", hint="look at the text column") from None

    def matrix(self, pool: Pool, rows: np.ndarray) -> Any:
        if self.dense:
            return self.vectors(pool, rows)
        return self._vectorizer.transform(pool.payloads(rows))

    def vectors(self, pool: Pool, rows: np.ndarray) -> np.ndarray:
        reduced: np.ndarray = self._reduction.transform(self._vectorizer.transform(pool.payloads(rows)))
        return reduced.astype(np.float32)

    @cached_property
    def _reduction(self) -> Any:
        from sklearn.decomposition import TruncatedSVD

        weights = self._vectorizer.transform(self._pool.payloads(self._pool.rows("train")))
        return TruncatedSVD(min(self._dimensions, *weights.shape), random_state=0).fit(weights)


def features_for(pool: Pool, task: Task, estimator: Any, *, dimensions: int) -> Features:
    """The features of a pool that ``estimator`` can read."""
    if pool.modality != "text":
        return FlatFeatures(pool, task)
    from sklearn.utils import get_tags

    return TfIdf(pool, dimensions=dimensions, sparse=get_tags(estimator).input_tags.sparse)
