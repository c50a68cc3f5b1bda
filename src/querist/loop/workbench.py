"""The workbench of a run: its data, task, oracle and recipe, opened once and shared by all campaigns."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from querist import strategies
from querist.core.errors import BudgetError, DataError, UnknownName, UsageError, ViewMissing
from querist.core.rng import numpy_generator
from querist.loop.advisor import AUTO, Advisor
from querist.loop.cold_start import initial_strategy
from querist.loop.evidence import stop_set
from querist.loop.result import campaign_name
from querist.loop.session import Session
from querist.loop.settings import Found, RunSettings
from querist.loop.viewer import TOLD
from querist.models.base import Adapter
from querist.oracles.simulated import Simulated
from querist.pool.pool import Pool
from querist.stopping.base import Stopping
from querist.storage.journal import Journal
from querist.strategies.base import Strategy
from querist.tasks.base import Task
from querist.views.base import primitives
from querist.views.raw import Raw

WEIGHTS = "model"
"""Folder of weights inside a run folder: ``model/ARM/SEED/round-N``."""


class Workbench:
    """What all campaigns of a run share: data, task, recipe. Finds by itself what was left open.

    Raises:
        QueristError: settings and data do not fit each other.
    """

    def __init__(self, settings: RunSettings) -> None:
        from querist.core.device import pick_device
        from querist.models import default_model, make_model
        from querist.pool.sources import open_pool
        from querist.tasks import make_task, registry

        found = settings.found
        self.pool: Pool = open_pool(
            settings.located_data,
            text=settings.text,
            label=settings.label,
            split=settings.split,
            skip_bad=settings.skip_bad,
        )
        if found.pool is not None and found.pool != self.pool.fingerprint:
            raise DataError(
                f"{settings.data} is not what this run was started with", hint="restore the data or start a new run"
            )
        guessed, classes = self.pool.suggest_task()
        kind = settings.task or guessed
        if kind not in registry:
            raise UnknownName("task", kind, registry)
        if kind != guessed:
            self.pool = self.pool.labelled_as(kind)
            _, classes = self.pool.suggest_task()
        if kind == "classification" and len(classes) < 2:
            raise DataError(
                f"all labels of {self.pool.name} are {classes[0]!r}, so there is nothing to learn",
                hint="give data with two classes or more",
            )
        self.task: Task = make_task(kind, found.classes or classes)
        self.metric = settings.metric or self.task.metrics[0]
        if self.metric not in self.task.metrics:
            raise UnknownName(f"{kind} metric", self.metric, self.task.metrics)
        self.notes = list(self.pool.notes)
        if settings.task is None:
            of = f" with {len(classes)} classes" if classes else ""
            self.notes.append(f"the labels look like {kind}{of}; --task says otherwise")
        self.oracle = Simulated(self.pool)
        self._check_counts(settings)
        model = settings.model or found.model or default_model(self.pool, self.task)
        device = found.device or str(pick_device(settings.device))
        options: dict[str, Any] = {} if settings.start == "scratch" else {"start": settings.start}
        if found.inference_batch is not None:
            options["inference_batch"] = found.inference_batch
        self.adapter: Adapter = make_model(model, self.pool, self.task, device=device, **options)
        self.adapter.prepare(self.pool, self.task)
        self.settings = settings
        self._check_views(settings, model)
        self.settings = settings.with_found(
            Found(
                task=kind,
                classes=tuple(self.task.classes),
                model=model,
                metric=self.metric,
                device=device,
                threads=found.threads or self.adapter.found.get("threads") or torch.get_num_threads(),
                inference_batch=self.adapter.found.get("inference_batch"),
                pool=self.pool.fingerprint,
                folder=found.folder or str(Path.cwd()),
            )
        )
        self.stopping()  # raises where a rule does not fit the task

    def _check_counts(self, settings: RunSettings) -> None:
        pool = self.pool
        left = len(pool.rows("train"))
        if settings.budget > left:
            raise BudgetError(
                f"a budget of {settings.budget} labels is over the {left} rows of {pool.name}",
                hint=f"give --budget {left} or less",
            )
        if not len(pool.rows("test")):
            raise DataError(f"{pool.name} has no test rows to measure on", hint="name a split column with --split")
        if settings.free_validation and not len(pool.rows("validation")):
            raise DataError(f"{pool.name} has no validation rows", hint="leave --free-validation out")
        if settings.free_validation:
            self.notes.append(f"{len(pool.rows('validation'))} validation labels are used free of charge")

    def _check_views(self, settings: RunSettings, model: str) -> None:
        """Every view that will be asked for must have somebody who answers it."""
        for arm in settings.arms:
            asked = [view for view in self._strategy(arm).needs_for(self.task.kind) if not isinstance(view, TOLD)]
            try:
                primitives(asked, self.adapter.answers)
            except ViewMissing as error:
                raise ViewMissing(
                    f"{arm} cannot choose with the model {model}: {error.message}", hint=error.hint
                ) from None
        if initial_strategy(settings.initial_strategy, self.task.kind).needs_at_first(self.task.kind):
            primitives([Raw()], self.adapter.answers)
            self.notes.append(f"{settings.initial_strategy} chooses the first rows by {self.adapter.untrained}")

    def _strategy(self, arm: str) -> Strategy | Advisor:
        if arm == AUTO:
            return Advisor(avoid=self.settings.avoid)
        strategy: Strategy = strategies.registry[arm]()
        if self.task.kind not in strategy.tasks:
            raise UsageError(
                f"{arm} has no meaning for the task {self.task.kind}",
                hint=f"it serves {', '.join(strategy.tasks)}",
            )
        return strategy

    def validation_rows(self, seed: int) -> np.ndarray:
        """Rows whose labels serve early stopping and stopping rules; the same for all arms of a seed."""
        if self.settings.free_validation:
            return self.pool.rows("validation")
        if not self.settings.validation:
            return np.empty(0, dtype=np.int64)
        rows = self.pool.rows("train")
        chosen = numpy_generator(seed, "validation").choice(len(rows), self.settings.validation, replace=False)
        return rows[np.sort(chosen)]

    def session(self, arm: str, seed: int, journal: Journal, out: Path) -> Session:
        """The session of one campaign, as its journal left it."""
        return Session.replay(
            journal,
            self.pool,
            model=self.adapter,
            task=self.task,
            strategy=self._strategy(arm),
            seed=seed,
            campaign=campaign_name(arm, seed),
            candidates=self.settings.candidates,
            initial=self.settings.initial_strategy,
            validation=self.validation_rows(seed),
            free_validation=self.settings.free_validation,
            weights=out / WEIGHTS / arm / str(seed),
        )

    def stopping(self) -> Sequence[Stopping]:
        """The stopping rules.

        Raises:
            UsageError: one of them has no meaning for the task.
        """
        lower = self.metric in self.task.lower_is_better
        rules = self.settings.rules(metric=self.metric, lower_is_better=lower)
        for rule in rules:
            if not rule.serves(self.task.kind):
                raise UsageError(f"the stopping rule {rule.name} has no meaning for the task {self.task.kind}")
        return rules

    def stop_set(self, seed: int) -> np.ndarray:
        """Rows that models of successive rounds are compared on; the same for all arms of a seed."""
        rows = np.setdiff1d(self.pool.rows("train"), self.validation_rows(seed))
        return stop_set(rows, self.settings.stop_set, seed)
