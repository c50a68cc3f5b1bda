"""The viewer alone turns declared views into tensors: one forward pass a round, in blocks of rows.

Answers that would take more than ``cache_mb`` together are written block by block to memory-mapped files, so a
round's views may be larger than memory.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

from querist.core.scratch import scratch_folder
from querist.core.types import Tensor
from querist.crowd.votes import Votes
from querist.models.base import Adapter
from querist.pool.pool import Pool
from querist.tasks.base import Task
from querist.views.answers import Answers
from querist.views.base import Positions, View, primitives
from querist.views.labels import Labels
from querist.views.snapshot import Snapshot

TOLD = (Answers, Labels)
"""Views that the journal answers, and no model."""


class Viewer:
    """Computes snapshots of a pool with an adapter.

    Args:
        pool: where payloads are.
        task: kind of units.
        cache_mb: answers over this many megabytes stand in files.
        block_rows: rows a block; only the grain of progress and of writing to files depends on it.
    """

    def __init__(self, pool: Pool, task: Task, *, cache_mb: float = 1024, block_rows: int = 8192) -> None:
        self._pool = pool
        self._task = task
        self._cache_mb = cache_mb
        self._block_rows = block_rows

    def snapshot(
        self,
        views: Sequence[View],
        *,
        adapter: Adapter | None,
        candidates: np.ndarray,
        labelled: np.ndarray,
        again: np.ndarray | None = None,
        labels: Sequence[Any] = (),
        votes: Votes | None = None,
        seed: int,
        progress: Callable[[float], None] | None = None,
    ) -> Snapshot:
        """The table of ``candidates`` and then ``labelled`` rows, with the primitives that ``views`` need.

        Args:
            views: what a strategy declares.
            adapter: who answers; ``None`` is enough for strategies without views.
            candidates: pool ids that may be asked for.
            labelled: pool ids whose labels are known.
            again: those of them that may be asked for once more.
            labels: targets of the labelled rows (class positions), for the ``Labels`` view.
            votes: who said what of the labelled rows, for the ``Answers`` view.
            seed: draws dropout masks.
            progress: called with the share done.
        """
        rows = np.concatenate([candidates, labelled]).astype(np.int64)
        asked = [view for view in views if not isinstance(view, TOLD)]
        answers: dict[View, Any] = {}
        offsets = None
        if asked and adapter is not None:
            wanted = primitives(asked, adapter.answers)
            answers, offsets = self._answer(wanted, adapter, rows, seed=seed, progress=progress)
        if votes is not None:
            answers[Answers()] = torch.stack([votes.rows + len(candidates), votes.annotators, votes.classes], 1)
        if Labels() in views:
            known = torch.full((len(rows),), -1, dtype=torch.long)
            known[len(candidates) :] = torch.as_tensor(list(labels), dtype=torch.long)
            answers[Labels()] = known
        repeated = np.flatnonzero(np.isin(labelled, [] if again is None else again)) + len(candidates)
        at = Positions(
            n=len(rows),
            candidates=torch.cat([torch.arange(len(candidates)), torch.from_numpy(repeated)]),
            labelled=torch.arange(len(candidates), len(rows)),
            offsets=offsets,
            task=self._task.kind,
        )
        return Snapshot(at=at, answers=answers, rows=rows)

    def _answer(
        self,
        views: Sequence[View],
        adapter: Adapter,
        rows: np.ndarray,
        *,
        seed: int,
        progress: Callable[[float], None] | None,
    ) -> tuple[dict[View, Any], Tensor | None]:
        blocks = math.ceil(len(rows) / self._block_rows) or 1
        columns: dict[View, _Column] = {}
        counts: list[Tensor] = []
        for block, part in enumerate(np.array_split(rows, blocks)):
            said = adapter.answer(views, self._pool, part, seed=seed)
            if said.offsets is not None:
                counts.append(said.offsets.diff())
            if not columns:
                sizes = (x.nbytes for view, x in said.views.items() if view.scope != "model")
                megabytes = sum(sizes) / 2**20 * len(rows) / max(len(part), 1)
                on_disk = megabytes > self._cache_mb
                columns = {view: _Column(view, on_disk=on_disk and view.scope != "model") for view in views}
            for view, answer in said.views.items():
                columns[view].append(answer.detach().cpu())
            if progress is not None:
                progress((block + 1) / blocks)
        offsets = torch.cat([torch.zeros(1, dtype=torch.long), torch.cat(counts).cumsum(0)]) if counts else None
        return {view: column.whole() for view, column in columns.items()}, offsets


class _Column:
    """One view's answer, gathered block by block in memory or in a file.

    In a file the row axis comes first, so that a block is one contiguous append; ``whole`` moves it back. The file
    has no name once it is mapped: it is gone when the tensor is.
    """

    def __init__(self, view: View, *, on_disk: bool) -> None:
        self._axis = view.row_axis
        self._once = view.scope == "model"
        self._folder = scratch_folder(self, "views") if on_disk else None
        self._file = None if self._folder is None else (self._folder / "rows.bin").open("w+b")
        self._blocks: list[Tensor] = []
        self._shape: tuple[int, ...] = ()
        self._length = 0
        self._dtype = torch.float32

    def append(self, block: Tensor) -> None:
        if self._file is None:
            if not self._once or not self._blocks:  # a model says the same of itself with every block
                self._blocks.append(block)
            return
        rows_first = block.movedim(self._axis, 0).contiguous()
        self._shape, self._dtype = tuple(rows_first.shape[1:]), rows_first.dtype
        self._length += len(rows_first)
        rows_first.numpy().tofile(self._file)

    def whole(self) -> Tensor:
        if self._file is None:
            return torch.cat(self._blocks, dim=self._axis)
        self._file.close()
        size = math.prod((self._length, *self._shape))
        mapped = torch.from_file(self._file.name, shared=True, size=size, dtype=self._dtype)
        return mapped.reshape(self._length, *self._shape).movedim(0, self._axis)
