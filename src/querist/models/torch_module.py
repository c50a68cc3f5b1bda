"""The adapter for any torch module: trains it on labelled rows, and answers all views of a round in one pass."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch
from torch import nn

from querist.core.device import pick_device
from querist.core.errors import ColdStart, DataError, UsageError, ViewMissing
from querist.core.rng import child_seed
from querist.core.types import Int, Tensor
from querist.models import weights
from querist.models.anatomy import Anatomy, examine
from querist.models.base import Adapter, Answers, FitReport, Progress
from querist.models.blocks import in_blocks
from querist.models.forward_pass import ForwardPass
from querist.models.input_table import InputTable
from querist.models.inputs import ArrayEncoder, Encoder, Stored, encoder_for
from querist.models.labelled import LabelledRows, Scale
from querist.models.laplace import LIKELIHOODS, Laplace
from querist.models.last_layer import LastLayer
from querist.models.linear_layer import LinearLayer
from querist.models.out_table import OutTable
from querist.models.perturb import perturbed
from querist.tasks.base import Label, Task
from querist.training.fit import Trained, Training, fit, seeded
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

_BUDGET_BYTES = {"cpu": 32 * 2**20, "cuda": 2**30, "mps": 2**28}
"""Memory that the layers' answers to one inference batch may take. On a CPU small enough to stay near its cache."""
_SHARED_ROW_BYTES = 2**18
"""Networks whose layers answer a row in fewer bytes are faster on one CPU thread (docs/decisions/0006-threads.md)."""
_LARGEST_BATCH = 4096


class TorchModule(Adapter):
    """Any ``nn.Module`` that maps encoded payloads to ``[b c]`` (``[b t c]`` for tokens, ``[b 1]`` for regression).

    The embedding of a row is what the last linear layer reads, found by running the network once.

    Args:
        net: a module, or a function without arguments that makes one. A function is the better choice: each round
            and each member of an ensemble then starts from weights of its own seed.
        start: where a training starts: ``scratch``, ``initial`` or ``warm``
            (see :class:`querist.models.weights.Source`).
        recipe: optimiser, length and stopping rule.
        training: a function of your own that trains the network, in the place of the recipe (of which only the
            augmentation stays); see :class:`querist.training.fit.Training`.
        encoder: from payloads to what the network reads; ``"auto"`` takes the one for the pool's modality, ``None``
            hands payload arrays over as they are, as float32.
        features: name of the layer that reads the embeddings, where it is not the last linear one.
        device: ``auto``, ``cpu``, ``cuda``, ``mps``, ...
        inference_batch: rows a forward pass; found from the memory of a row if left out, halved when memory runs
            out, and kept.
        cache_mb: encoded inputs are kept between rounds if the whole pool takes no more than this.
        laplace: how samples of the source ``laplace`` are made.

    Example:
        >>> from querist.pool.pool import Pool
        >>> from querist.tasks import make_task
        >>> pool = Pool.from_arrays(np.random.default_rng(0).normal(size=(40, 4)), ["a", "b"] * 20)
        >>> model = TorchModule(lambda: nn.Linear(4, 2), recipe=Recipe(steps=20))
        >>> model.prepare(pool, make_task("classification", ["a", "b"]))
        >>> rows = pool.rows()[:10]
        >>> model.fit(pool, rows, pool.truth(rows), seed=0).steps
        20
        >>> model.predict(pool, pool.rows())[0].shape
        torch.Size([40, 2])
    """

    pool: Pool
    task: Task

    def __init__(
        self,
        net: nn.Module | Callable[[], nn.Module],
        *,
        start: weights.Start | None = None,
        recipe: Recipe | None = None,
        training: Training | None = None,
        encoder: Encoder | Literal["auto"] | None = "auto",
        features: str | None = None,
        device: str = "auto",
        inference_batch: int | None = None,
        cache_mb: float = 1024,
        laplace: Laplace | None = None,
    ) -> None:
        self.source = weights.Source(net, start=start)
        self.recipe = recipe or Recipe()
        self.training = training
        self.features = features
        self.device_name = device
        self.inference_batch = inference_batch
        self.cache_mb = cache_mb
        self.last_layer = LastLayer(laplace)
        self._encoder_option = encoder
        self._members: list[nn.Module] = []
        self._scale = Scale()
        self._version: str | None = ""

    # -- once ----------------------------------------------------------------------------------------------------

    def prepare(self, pool: Pool, task: Task) -> None:
        self._members, self._version = [], ""
        self.last_layer.forget()
        if hasattr(self, "inputs") and pool is self.pool and task == self.task:
            # Campaigns of one run share an adapter: what they know of the pool is the same.
            return
        if isinstance(self._encoder_option, Encoder):
            self.encoder = self._encoder_option
        else:
            self.encoder = ArrayEncoder() if self._encoder_option is None else encoder_for(pool)
        if not self.encoder.learned:
            self.encoder.learn(pool)
        self.pool, self.task = pool, task
        self.device = pick_device(self.device_name)
        self.inputs = InputTable(pool, self.encoder, task, cache_mb=self.cache_mb)
        self.anatomy = self._look(pool)

    def _look(self, pool: Pool) -> Anatomy:
        """Run the network once, on two rows."""
        self._example, _ = self.inputs(pool.rows("train")[:2])
        anatomy = examine(self._new(0), self._presented(self._example), self.task, features=self.features)
        if self.inference_batch is None:
            budget = _BUDGET_BYTES.get(self.device.type, _BUDGET_BYTES["cpu"])
            self.inference_batch = int(min(max(budget // anatomy.row_bytes, 16), _LARGEST_BATCH))
        return anatomy

    def _new(self, seed: int) -> nn.Module:
        """A network to start from, on the device, in evaluation mode."""
        module = self.source.made(seed).to(self.device).eval()
        if weights.is_lazy(module):
            with torch.no_grad(), seeded(seed, self.device):
                module(*self._presented(self._example))
        return module

    # -- each round ----------------------------------------------------------------------------------------------

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
        began = time.perf_counter()
        self._table(pool)
        if len(rows) != len(labels):
            raise UsageError(f"{len(rows)} rows came with {len(labels)} labels")
        if not len(rows):
            raise ColdStart("a model was to be trained without labels", hint="label a few rows first")
        targets = [self.task.encode(label) for label in labels]
        scale = Scale.of(self.task, targets)
        last_round = self._members
        trained, steps, loss = [], 0, 0.0
        for member in range(members):
            own_seed = child_seed(seed, "member", member)
            if self.source.start == "warm" and member < len(last_round):
                module = last_round[member]
            else:
                module = self._new(child_seed(own_seed, "weights"))
            held_out = None
            if validation is not None and len(validation[0]):
                held_targets = [self.task.encode(label) for label in validation[1]]
                held_out = self._labelled(module, pool, validation[0], held_targets, scale)
            done = self._trained(
                self._labelled(module, pool, rows, targets, scale, held_out),
                seed=own_seed,
                progress=_part_of(progress, member, members),
            )
            trained.append(module)
            if member == 0:
                steps, loss = done.steps, done.loss
        self._members, self._scale, self._version = trained, scale, None
        self.last_layer.taught(pool, rows, targets, task=self.task, scale=scale)
        return FitReport(steps=steps, loss=loss, seconds=time.perf_counter() - began)

    def _trained(self, labelled: LabelledRows, *, seed: int, progress: Progress | None) -> Trained:
        if self.training is None:
            return fit(labelled, self.recipe, seed=seed, progress=progress)
        with seeded(child_seed(seed, "modules"), self.device):
            labelled.module.train()
            done = self.training(labelled, seed=seed, progress=progress)
            labelled.module.eval()
        return done

    def _labelled(
        self,
        module: nn.Module,
        pool: Pool,
        rows: np.ndarray,
        targets: list[Any],
        scale: Scale,
        validation: LabelledRows | None = None,
    ) -> LabelledRows:
        inputs, _ = self._table(pool)(rows)
        return LabelledRows(
            module,
            task=self.task,
            encoder=self.encoder,
            inputs=inputs,
            targets=targets,
            recipe=self.recipe,
            scale=scale,
            device=self.device,
            validation=validation,
        )

    # -- views ---------------------------------------------------------------------------------------------------

    @property
    def fixed_embeddings(self) -> bool:
        return self.anatomy.fixed

    def answers(self, view: View) -> bool:
        if type(view) in (Embeddings, Raw):
            return True
        if type(view) is Head:
            return self.anatomy.ends_linear and self.task.kind != "tokens"  # embeddings are of rows, answers of tokens
        if type(view) is Perturbation:
            return self.anatomy.continuous and self.task.kind == "classification"
        regression = self.task.kind == "regression"
        if type(view) is (Predictions if regression else Logits):
            return True
        if type(view) is (PredictionSamples if regression else LogitSamples):
            assert isinstance(view, LogitSamples)
            if view.source == "laplace":
                return self.anatomy.ends_linear and self.task.kind in LIKELIHOODS
            return view.source == "ensemble" or self.anatomy.dropout
        return False

    def answer(
        self,
        views: Sequence[View],
        pool: Pool,
        rows: np.ndarray,
        *,
        seed: int,
        progress: Progress | None = None,
    ) -> Answers:
        for view in views:
            self._refuse(view)
        table = self._table(pool)
        out = OutTable(len(rows), table.counts(rows) if len(rows) else None)
        asked = [view for view in views if type(view) not in (Raw, Head, Perturbation)]
        with torch.no_grad(), ExitStack() as stack:
            run = stack.enter_context(self._forward_pass(asked, seed)) if asked else None

            def work(pos: Tensor, stored: Stored, counts: Tensor | None) -> None:
                for view in views:
                    if type(view) is Raw:
                        out.put(view, pos, self.encoder.vectors(stored))
                    elif isinstance(view, Perturbation):
                        out.put(view, pos, perturbed(self._members[0], self._presented(stored)[0], view).lengths)
                if run is not None:
                    for view, answer in run(self._presented(stored), counts).items():
                        out.put(view, pos, answer)

            assert self.inference_batch is not None, "prepare comes first"
            self.inference_batch = in_blocks(table, rows, work, batch=self.inference_batch, progress=progress)
        if Head() in views:
            layer = LinearLayer.of_module(self._members[0], self.anatomy.last_layer or "")
            out.views[Head()] = self._scale.out_head(layer.joined().float().cpu())
        return Answers(views=out.views, offsets=out.offsets)

    def _forward_pass(self, views: Sequence[View], seed: int) -> ForwardPass:
        posterior = None
        if any(isinstance(view, LogitSamples) and view.source == "laplace" for view in views):
            posterior = self.last_layer.posterior(
                self._members[0],
                self.anatomy,
                table=self._table,
                task=self.task,
                present=self._presented,
                batch=self.inference_batch,
            )
        return ForwardPass(
            self._members,
            views,
            task=self.task,
            scale=self._scale,
            anatomy=self.anatomy,
            seed=seed,
            last_layer=posterior,
        )

    def _refuse(self, view: View) -> None:
        """Say why a view cannot be answered."""
        if type(view) is Raw:
            return
        if isinstance(view, LogitSamples) and "dropout" in view.source and not self.anatomy.dropout:
            raise ViewMissing(
                f"{type(view).__name__} by {view.source} was asked of a network without dropout",
                hint="ask for source='laplace' or 'ensemble', or choose a model with dropout",
            )
        if isinstance(view, LogitSamples) and view.source == "laplace" and not self.anatomy.ends_linear:
            raise ViewMissing(
                f"{type(view).__name__} by laplace was asked of a network whose answer is not that of a linear layer",
                hint="name that layer with features='...', or ask for source='ensemble'",
            )
        if isinstance(view, Perturbation) and self.task.kind == "classification" and not self.anatomy.continuous:
            raise ViewMissing("Perturbation was asked of a network that reads words", hint=view.instead)
        if not self.answers(view):
            why = ", because its answer is not that of a linear layer" if type(view) is Head else ""
            raise ViewMissing(f"a torch module does not answer {view} for the task {self.task.kind}{why}")
        if not self._members:
            raise ColdStart(f"{type(view).__name__} was asked of a model that is not trained", hint="fit it first")
        if view.members > len(self._members):
            raise ViewMissing(
                f"{view.members} networks were asked, {len(self._members)} are trained",
                hint=f"fit with members={view.members}",
            )

    def predict(self, pool: Pool, rows: np.ndarray) -> tuple[Tensor, Int[Tensor, "n_plus_1"] | None]:
        regression = self.task.kind == "regression"
        view: View = Predictions() if regression else Logits()
        answers = self.answer([view], pool, rows, seed=0)
        values: Tensor = answers.views[view]
        return values if regression else values.softmax(-1), answers.offsets

    def _presented(self, stored: Stored) -> tuple[Tensor, ...]:
        return self.encoder.present(tuple(tensor.to(self.device) for tensor in stored))

    def _table(self, pool: Pool) -> InputTable:
        """Inputs of ``pool``: kept for the one that was prepared, encoded for another one (new data)."""
        if not hasattr(self, "inputs"):
            raise UsageError("a model was used before it was prepared", hint="call prepare(pool, task) first")
        return self.inputs if pool is self.pool else InputTable(pool, self.encoder, self.task, cache_mb=0)

    @property
    def refits(self) -> bool:
        return self.source.start != "warm"

    # -- what lasts ----------------------------------------------------------------------------------------------

    @property
    def version(self) -> str:
        if self._version is None:
            self._version = weights.fingerprint(self._members, extra=asdict(self._scale))
        return self._version

    @property
    def found(self) -> dict[str, Any]:
        """What was found by itself, to be kept with a run."""
        small = self.device.type == "cpu" and self.anatomy.row_bytes < _SHARED_ROW_BYTES
        threads = {"threads": 1} if small else {}
        return {"device": self.device.type, "inference_batch": self.inference_batch, **threads}

    def save(self, folder: Path) -> None:
        facts = {
            "encoder": self.encoder.state(),
            "scale": asdict(self._scale),
            "members": len(self._members),
            "version": self.version,
            "taught": self.last_layer.facts(self.pool),
            **self.found,
        }
        weights.save(folder, self._members, facts)

    def load(self, folder: Path) -> None:
        facts = weights.read_facts(folder)
        self.encoder.restore(facts["encoder"])
        self._table(self.pool)
        self.inputs = InputTable(self.pool, self.encoder, self.task, cache_mb=self.cache_mb)
        members = [self._new(0) for _ in range(facts["members"])]
        weights.load_into(folder, members)
        self._members, self._scale, self._version = members, Scale(**facts["scale"]), None
        self.last_layer.restore(facts.get("taught"), self.pool)
        if self.version != facts["version"]:
            raise DataError(f"the weights in {folder} are not those that were saved", hint="train again")


def _part_of(progress: Progress | None, part: int, parts: int) -> Progress | None:
    """The progress of one of several equal parts, as that of the whole."""
    return None if progress is None else lambda share: progress((part + share) / parts)
