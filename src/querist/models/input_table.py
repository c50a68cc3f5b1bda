"""The encoded rows of a pool: encoded once and kept where they fit, encoded anew in blocks where they do not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from querist.core.errors import NonFinite
from querist.core.types import Int, Tensor
from querist.models.inputs import Encoder, Stored, joined
from querist.tasks.base import Task

if TYPE_CHECKING:
    from querist.pool.pool import Pool

_BLOCK = 1024


class InputTable:
    """Stored inputs and unit counts of a pool's rows.

    Args:
        pool: where payloads are read from.
        encoder: has learned.
        task: says how many units a payload has.
        cache_mb: encoded rows are kept if the whole pool takes no more than this.
    """

    def __init__(self, pool: Pool, encoder: Encoder, task: Task, *, cache_mb: float) -> None:
        self.pool, self.encoder, self.task = pool, encoder, task
        self._cache_bytes = cache_mb * 2**20
        self._fits: bool | None = None
        self._place = np.empty(0, np.int64)
        self._kept: Stored | None = None
        self._counts: Tensor | None = None

    def __call__(self, rows: np.ndarray) -> tuple[Stored, Int[Tensor, "b"] | None]:
        """Stored inputs of ``rows``, and their unit counts (``None`` where a row is its one unit).

        Raises:
            NonFinite: a feature is NaN or infinite; names the row.
        """
        rows = np.asarray(rows, dtype=np.int64)
        if not len(rows) or not self.would_fit(rows):
            return self._encoded(rows)
        self._keep(rows)
        assert self._kept is not None
        pos = torch.from_numpy(self._place[rows])
        return tuple(tensor[pos] for tensor in self._kept), None if self._counts is None else self._counts[pos]

    def counts(self, rows: np.ndarray) -> Int[Tensor, "b"] | None:
        """Unit counts alone; payloads of rows that are not kept are read a block at a time."""
        if self._counted(rows[:1]) is None:
            return None
        if self.would_fit(rows):
            return self(rows)[1]
        starts = range(0, len(rows), _BLOCK)
        counts = [self._counted(rows[start : start + _BLOCK]) for start in starts]
        return torch.cat([count for count in counts if count is not None])

    def _counted(self, rows: np.ndarray) -> Tensor | None:
        payloads: Any = self.pool.payloads(rows)
        return self.task.unit_counts(payloads)

    def would_fit(self, rows: np.ndarray) -> bool:
        """Whether the whole pool's inputs may be kept, judged by the first of ``rows`` that is ever asked for."""
        if self._fits is None:
            stored, _ = self._encoded(rows[:64])
            row_bytes = sum(tensor.nbytes for tensor in stored) / len(stored[0])
            # Padded text grows with its longest row, which 64 rows need not hold: fourfold to be safe.
            spare = 4 if self.encoder.padded else 1
            self._fits = row_bytes * len(self.pool) * spare <= self._cache_bytes
        return self._fits

    def _keep(self, rows: np.ndarray) -> None:
        """Encode those of ``rows`` that are not kept yet."""
        if len(self._place) < len(self.pool):
            self._place = np.append(self._place, np.full(len(self.pool) - len(self._place), -1))
        new = np.unique(rows[self._place[rows] < 0])
        if not len(new):
            return
        stored, counts = self._encoded(new)
        done = 0 if self._kept is None else len(self._kept[0])
        self._kept = stored if self._kept is None else joined([self._kept, stored])
        self._counts = counts if self._counts is None or counts is None else torch.cat([self._counts, counts])
        self._place[new] = np.arange(done, done + len(new))

    def _encoded(self, rows: np.ndarray) -> tuple[Stored, Tensor | None]:
        # Payloads of one block at a time, so that a pool of large ones is never read into memory at once.
        blocks = [self._block(rows[start : start + _BLOCK]) for start in range(0, max(1, len(rows)), _BLOCK)]
        counts = [count for _, count in blocks if count is not None]
        stored = blocks[0][0] if len(blocks) == 1 else joined([block for block, _ in blocks])
        return stored, torch.cat(counts) if counts else None

    def _block(self, rows: np.ndarray) -> tuple[Stored, Tensor | None]:
        payloads: Any = self.pool.payloads(rows)
        stored = self.encoder.encode(payloads)
        for tensor in stored:
            if tensor.is_floating_point():
                bad = ~torch.isfinite(tensor).flatten(1).all(1)
                if bool(bad.any()):
                    raise NonFinite("an input", int(rows[int(torch.nonzero(bad)[0])]), hint="repair or remove that row")
        return stored, self.task.unit_counts(payloads)
