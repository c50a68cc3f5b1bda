"""Rows of a pool a batch at a time, in batches that fit the memory."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from querist.core.types import Int, Tensor
from querist.models.input_table import InputTable
from querist.models.inputs import Stored

_CHUNK = 2**16
"""Rows whose stored inputs are taken from the cache at a time."""

Work = Callable[[Int[Tensor, "b"], Stored, Int[Tensor, "b"] | None], None]
"""Called with places in the rows that were asked, their stored inputs and their unit counts."""


def in_blocks(
    table: InputTable, rows: np.ndarray, work: Work, *, batch: int, progress: Callable[[float], None] | None = None
) -> int:
    """``work`` done on all ``rows``, each once, and the size of batch that memory allowed.

    Rows of like length share a batch, so little is spent on padding. A batch that runs out of memory is tried again
    at half its size, and so are all that follow.

    Args:
        table: where stored inputs come from.
        rows: pool ids, ``[n]``.
        work: on one batch; must do nothing lasting before it may run out of memory.
        batch: rows to start with.
        progress: called with the share done.
    """
    chunk_size = _CHUNK if len(rows) and table.would_fit(rows) else min(_CHUNK, 4 * batch)
    for chunk in range(0, len(rows), chunk_size):
        stored, counts = table(rows[chunk : chunk + chunk_size])
        lengths = table.encoder.lengths(stored)
        order = torch.arange(len(stored[0])) if lengths is None else lengths.argsort(stable=True)
        start = 0
        while start < len(order):
            pos = order[start : start + batch]
            try:
                work(pos + chunk, tuple(x[pos] for x in stored), None if counts is None else counts[pos])
            except RuntimeError as error:
                if not _out_of_memory(error) or len(pos) == 1:
                    raise
                batch = len(pos) // 2
                continue
            start += len(pos)
            if progress is not None:
                progress((chunk + start) / len(rows))
    return batch


def _out_of_memory(error: RuntimeError) -> bool:
    # A CPU says it in words only.
    return isinstance(error, torch.OutOfMemoryError) or "can't allocate memory" in str(error)
