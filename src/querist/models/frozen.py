"""A frozen encoder and a small trained head: ``frozen:PATH_OR_NAME``. What a person with 200 photos needs.

The encoder reads the pool once, its embeddings are kept in a file, and each round trains a layer or two on them: a
matter of seconds on a CPU, with the features of a network that somebody else trained on millions of rows.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

import numpy as np
from torch import nn

from querist.core.device import pick_device
from querist.core.errors import UsageError
from querist.core.types import Int, Tensor
from querist.models.base import Adapter, Answers, FitReport, Progress
from querist.models.checkpoint import Checkpoint
from querist.models.checkpoint_inputs import checkpoint_encoder
from querist.models.embedded_pool import CheckpointEmbedder, EmbeddedPool, embedded
from querist.models.inputs import Encoder, TableEncoder, encoder_for
from querist.models.laplace import Laplace
from querist.models.torch_module import TorchModule
from querist.models.weights import Start
from querist.tasks.base import Label, Task
from querist.training.recipe import Recipe
from querist.views.base import View
from querist.views.embeddings import Embeddings
from querist.views.head import Head
from querist.views.logit_samples import LogitSamples
from querist.views.logits import Logits
from querist.views.perturbation import Perturbation
from querist.views.prediction_samples import PredictionSamples
from querist.views.predictions import Predictions
from querist.views.raw import Raw

if TYPE_CHECKING:
    from querist.pool.pool import Pool

HEAD = Recipe(steps=300, epochs=30, batch=64, lr=2e-2, weight_decay=0.05)
"""A linear layer on standardised features takes larger steps than a deep network."""


_EMBEDDING = 0.9
"""Share of the work that embedding is, where it is still to be done."""


class Frozen(Adapter):
    """An encoder that runs once over the pool, and a head that is trained each round.

    Embeddings are what the head's last layer reads: with no hidden layer, the encoder's own (standardised over the
    pool). ``Raw`` gives the encoder's in any case, so the first batch can be chosen by them before any training.

    Args:
        encoder: folder or hub name of a transformers checkpoint, or a module that gives a vector a row.
        pooling: ``cls``, ``mean`` or ``auto``: how a checkpoint's tokens become one vector
            (see :class:`querist.models.embedded_pool.CheckpointEmbedder`).
        inputs: from payloads to what a module reads; the usual one for the pool's modality if left out.
        longest: word pieces a text is cut to, at most.
        hidden: width of a hidden layer in the head; 0 for a linear head.
        dropout: of the numbers that the head's last layer reads; Monte-Carlo dropout draws it.
        cache: folder for embeddings; ``querist/embeddings`` in the user's cache folder if left out. Files there are
            never removed by themselves.
        start: ``scratch``: a new head each round; ``warm``: from the last round's.
        recipe: how the head is trained.
        device: where to embed and train.
        inference_batch: rows a pass of the encoder.
        laplace: how samples of the source ``laplace`` are made.

    Raises:
        MissingExtra: a checkpoint is named and transformers is not installed.
        DataError: there is no such checkpoint.

    Example:
        >>> import tempfile
        >>> from querist.pool.pool import Pool
        >>> from querist.tasks import make_task
        >>> pool = Pool.from_arrays(np.random.default_rng(0).normal(size=(40, 4)), ["a", "b"] * 20)
        >>> model = Frozen(nn.Linear(4, 8), cache=tempfile.mkdtemp(), device="cpu")
        >>> model.prepare(pool, make_task("classification", ["a", "b"]))
        >>> model.answer((Raw(),), pool, pool.rows(), seed=0).views[Raw()].shape
        torch.Size([40, 8])
    """

    untrained = "the embeddings of the frozen encoder"
    _pool: Pool
    _task: Task

    def __init__(
        self,
        encoder: str | Path | nn.Module,
        *,
        pooling: Literal["auto", "cls", "mean"] = "auto",
        inputs: Encoder | None = None,
        longest: int = 256,
        hidden: int = 0,
        dropout: float = 0.2,
        cache: str | Path | None = None,
        start: Start | None = None,
        recipe: Recipe | None = None,
        device: str = "auto",
        inference_batch: int = 32,
        laplace: Laplace | None = None,
    ) -> None:
        if pooling not in ("auto", "cls", "mean"):
            raise UsageError(f"pooling is {pooling!r}", hint="choose auto, cls or mean")
        if not 0 <= dropout < 1:
            raise UsageError(f"dropout is {dropout}", hint="use a share from 0 to below 1")
        # A copy: the caller's module is neither moved nor put into evaluation mode.
        self._source = copy.deepcopy(encoder) if isinstance(encoder, nn.Module) else Checkpoint(encoder)
        self._pooling, self._inputs, self._longest = pooling, inputs, longest
        self._hidden, self._dropout = hidden, dropout
        self._cache = _cache_folder() if cache is None else Path(cache)
        self._device_name, self._batch = device, inference_batch
        self._start, self._recipe, self._laplace = start, recipe or HEAD, laplace
        self._head = self._untrained()
        self._seen: dict[int, EmbeddedPool] = {}

    def prepare(self, pool: Pool, task: Task) -> None:
        if self._seen and pool is self._pool and task == self._task:
            # Campaigns of one run share an adapter: the embeddings are the same, only the head is forgotten.
            self._head.prepare(cast(Any, self._seen[id(pool)]), task)
            return
        if task.kind == "tokens":
            raise UsageError("a frozen encoder gives a vector a row, and tokens need one each", hint="try --model hf:")
        pick_device(self._device_name)
        self._pool, self._task = pool, task
        if isinstance(self._source, Checkpoint):
            self._reader: Encoder = checkpoint_encoder(self._source, pool.modality, most=self._longest)
            self._embedder: nn.Module = CheckpointEmbedder(self._source, pool.modality, pooling=self._pooling)
        else:
            self._embedder = self._source
            self._reader = self._inputs or encoder_for(pool)
            if not self._reader.learned:
                self._reader.learn(pool)
        self._head, self._seen = self._untrained(), {}

    def fit(
        self,
        pool: Pool,
        rows: np.ndarray,
        labels: Sequence[Label],
        *,
        seed: int,
        members: int = 1,
        validation: tuple[np.ndarray, Sequence[Label]] | None = None,
        progress: Progress | None = None,
    ) -> FitReport:
        table, progress = self._embedded_first(pool, progress)
        return self._head.fit(table, rows, labels, seed=seed, members=members, validation=validation, progress=progress)

    @property
    def fixed_embeddings(self) -> bool:
        return self._hidden == 0

    def answers(self, view: View) -> bool:
        # Known before the encoder has run, so it is not asked of the head.
        regression = self._task.kind == "regression"
        if type(view) is (PredictionSamples if regression else LogitSamples):
            return cast(LogitSamples, view).source in ("ensemble", "laplace") or self._dropout > 0
        if type(view) is Perturbation:  # of the embeddings, which the head reads
            return self._task.kind == "classification"
        return type(view) in (Embeddings, Raw, Head, Predictions if regression else Logits)

    def answer(
        self,
        views: Sequence[View],
        pool: Pool,
        rows: np.ndarray,
        *,
        seed: int,
        progress: Progress | None = None,
    ) -> Answers:
        table, progress = self._embedded_first(pool, progress)
        return self._head.answer(views, table, rows, seed=seed, progress=progress)

    def predict(self, pool: Pool, rows: np.ndarray) -> tuple[Tensor, Int[Tensor, "n_plus_1"] | None]:
        return self._head.predict(self._embedded(pool), rows)

    @property
    def version(self) -> str:
        return self._head.version

    @property
    def refits(self) -> bool:
        return self._head.refits

    def save(self, folder: Path) -> None:
        self._head.save(folder)

    def load(self, folder: Path) -> None:
        self._embedded(self._pool)
        self._head.load(folder)

    def _untrained(self) -> TorchModule:
        return TorchModule(
            self._new_head,
            start=self._start,
            recipe=self._recipe,
            encoder=TableEncoder(),
            device=self._device_name,
            laplace=self._laplace,
        )

    def _new_head(self) -> nn.Module:
        width, outputs = self._width, self._task.outputs
        last = [nn.Dropout(self._dropout), nn.Linear(self._hidden or width, outputs)]
        return nn.Sequential(*([nn.Linear(width, self._hidden), nn.ReLU()] if self._hidden else []), *last)

    def _embedded_first(self, pool: Pool, progress: Progress | None) -> tuple[Any, Progress | None]:
        """``pool`` as a table of embeddings, and the progress of what comes after: embedding is most of the work."""
        known = self._seen.get(id(pool))
        if progress is None or (known is not None and len(known) == len(pool)):
            return self._embedded(pool), progress
        table = self._embedded(pool, lambda share: progress(_EMBEDDING * share))
        return table, lambda share: progress(_EMBEDDING + (1 - _EMBEDDING) * share)

    def _embedded(self, pool: Pool, progress: Progress | None = None) -> Any:
        """``pool`` as a table of embeddings. The first look at the prepared pool also prepares the head."""
        if not self._seen:
            own = self._table(self._pool, progress)
            self._width = own.width
            self._head.prepare(cast(Any, own), self._task)
        return self._table(pool, progress)

    def _table(self, pool: Pool, progress: Progress | None) -> EmbeddedPool:
        known = self._seen.get(id(pool))
        if known is not None and len(known) == len(pool):
            return known
        table = embedded(
            pool,
            self._embedder,
            self._reader,
            folder=self._cache,
            device=pick_device(self._device_name),
            batch=self._batch,
            before=None if known is None else known.table,
            progress=progress,
        )
        if known is None:
            # It holds the pool, so no other pool can get the same id.
            known = self._seen[id(pool)] = EmbeddedPool(pool, table)
        known.table = table
        return known


def _cache_folder() -> Path:
    """Where programs of this user keep what they can compute again."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "querist" / "embeddings"
