"""What a trained network's last layer read for the labelled rows, and the posterior that follows from it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from querist.core.errors import ViewMissing
from querist.core.types import Int, Tensor
from querist.models.anatomy import Anatomy, FeatureTap, slow_attention
from querist.models.blocks import in_blocks
from querist.models.input_table import InputTable
from querist.models.inputs import Stored
from querist.models.labelled import Scale
from querist.models.laplace import LIKELIHOODS, Laplace, LastLayerPosterior
from querist.models.linear_layer import LinearLayer
from querist.tasks.base import Task

if TYPE_CHECKING:
    from querist.pool.pool import Pool


class LastLayer:
    """The rows that a network was trained on, and what they say about its last layer, once somebody asks.

    Args:
        options: prior and structure.
    """

    def __init__(self, options: Laplace | None) -> None:
        self.options = options
        self.forget()

    def forget(self) -> None:
        """There is no training yet."""
        self._pool: Pool | None = None
        self._rows = np.empty(0, dtype=np.int64)
        self._targets: list[float] = []
        self._posterior: LastLayerPosterior | None = None

    def taught(self, pool: Pool, rows: np.ndarray, targets: Sequence[Any], *, task: Task, scale: Scale) -> None:
        """A network was trained on these rows, with these encoded labels."""
        self.forget()
        self._pool, self._rows = pool, np.array(rows, dtype=np.int64)
        if task.kind == "regression":
            self._targets = [(float(target) - scale.mean) / scale.std for target in targets]

    def facts(self, pool: Pool) -> dict[str, Any] | None:
        """What must be kept beside the weights; ``None`` if the rows are not of ``pool``."""
        return {"rows": self._rows.tolist(), "targets": self._targets} if self._pool is pool else None

    def restore(self, facts: dict[str, Any] | None, pool: Pool) -> None:
        """What :meth:`facts` gave."""
        self.forget()
        if facts is not None:
            self._pool, self._rows, self._targets = pool, np.array(facts["rows"], dtype=np.int64), facts["targets"]

    def posterior(
        self,
        module: nn.Module,
        anatomy: Anatomy,
        *,
        table: Callable[[Pool], InputTable],
        task: Task,
        present: Callable[[Stored], tuple[Tensor, ...]],
        batch: int | None,
    ) -> LastLayerPosterior:
        """The posterior around the trained weights; found once a training.

        Args:
            module: in evaluation mode; its answer is that of its last layer.
            anatomy: names that layer.
            table: stored inputs of a pool.
            task: one whose kind :data:`~querist.models.laplace.LIKELIHOODS` knows.
            present: from stored inputs to the network's arguments.
            batch: rows a pass.

        Raises:
            ViewMissing: it is not known what the network was trained on.
        """
        if self._posterior is None:
            if self._pool is None or batch is None or anatomy.last_layer is None:
                raise ViewMissing("it is not known which rows this network was trained on", hint="fit it again")
            layer = LinearLayer.of_module(module, anatomy.last_layer)
            seen, squares = self._read(module, anatomy.last_layer, table(self._pool), task, present, batch)
            self._posterior = LastLayerPosterior(
                seen,
                layer.weight,
                layer.bias,
                likelihood=LIKELIHOODS[task.kind],
                squares=squares,
                options=self.options,
            )
        return self._posterior

    def _read(
        self,
        module: nn.Module,
        last_layer: str,
        table: InputTable,
        task: Task,
        present: Callable[[Stored], tuple[Tensor, ...]],
        batch: int,
    ) -> tuple[Tensor, float]:
        """What the layer reads for each labelled unit ``[m d]``, and the sum of squared residuals of regression."""
        found: list[Tensor] = []
        squares = 0.0
        with torch.no_grad(), slow_attention(), FeatureTap(module=module, last_layer=last_layer) as tap:

            def work(pos: Int[Tensor, "b"], stored: Stored, counts: Int[Tensor, "b"] | None) -> None:
                nonlocal squares
                output = module(*present(stored)).cpu()
                assert tap.seen is not None
                seen = tap.seen.cpu()
                if task.kind == "tokens" and counts is not None:
                    seen = seen[torch.arange(seen.shape[1]) < counts[:, None]]
                if task.kind == "regression":
                    wanted = torch.tensor([self._targets[int(one)] for one in pos], dtype=torch.float64)
                    squares += float((output.double().squeeze(-1) - wanted).square().sum())
                found.append(seen)

            in_blocks(table, self._rows, work, batch=batch)
        return torch.cat(found), squares
