"""scikit-learn's classifiers and regressors as models: ``sklearn:RandomForestClassifier``.

They read flat features: standardised numbers and pixels, tf-idf weights of words. Trained estimators are not
stored, because the library's only format is pickle; a training is repeatable, so a resumed run trains again.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from sklearn.base import is_classifier, is_regressor

from querist.core.errors import ColdStart, QueristError, UsageError, ViewMissing
from querist.core.rng import child_seed, numpy_generator
from querist.core.types import Int, Tensor
from querist.models.base import Adapter, Answers, FitReport, Progress
from querist.models.estimators import TrainedEstimator, estimator_named, estimator_names
from querist.models.features import Features, features_for
from querist.models.laplace import Laplace
from querist.models.linear_estimators import LinearPosterior, is_linear
from querist.models.linear_head import linear_head
from querist.tasks.base import Label, Task
from querist.views.base import View
from querist.views.embeddings import Embeddings
from querist.views.head import Head
from querist.views.logit_samples import LogitSamples
from querist.views.logits import Logits
from querist.views.prediction_samples import PredictionSamples
from querist.views.predictions import Predictions
from querist.views.raw import Raw

if TYPE_CHECKING:
    from querist.pool.pool import Pool

_BLOCK = 4096


class Sklearn(Adapter):
    """Any scikit-learn classifier or regressor.

    Class scores are the logs of ``predict_proba`` (of the softmax of ``decision_function``, where there is only that);
    a class without training rows keeps a probability of 1e-7. Multilabel trains one copy a class. Ensemble samples
    are copies trained on bootstrap draws of the labelled rows, but for member 0, which sees them as they are. A linear
    model that reads what ``Embeddings`` gives has a ``Head``. Logistic regression and least squares (with or without a
    ridge) can be drawn by ``laplace`` too.

    Args:
        estimator: an unfitted estimator, or the name of one that needs no arguments. Its ``random_state`` is set
            for each training.
        dimensions: numbers a text is reduced to (by a truncated SVD of its tf-idf weights) as an embedding, and for
            estimators that read no sparse matrices.
        device: taken for the sake of other adapters; scikit-learn computes on the CPU.
        start: only ``scratch``: each training starts anew.
        laplace: how samples of the source ``laplace`` are made.

    Raises:
        UnknownName: no estimator of that name; the nearest is suggested.
        UsageError: it cannot be made without arguments, or it was asked to go on from the last round.

    Example:
        >>> from querist.pool.pool import Pool
        >>> from querist.tasks import make_task
        >>> pool = Pool.from_arrays(np.array([[0.0], [1.0], [9.0], [8.0]]))
        >>> model = Sklearn("GaussianNB")
        >>> model.prepare(pool, make_task("classification", ["low", "high"]))
        >>> _ = model.fit(pool, np.array([0, 1, 2, 3]), ["low", "low", "high", "high"], seed=0)
        >>> probs, _ = model.predict(pool, np.array([0, 3]))
        >>> probs.argmax(-1).tolist()
        [0, 1]
    """

    storable = False
    untrained = "the features that the estimator reads"
    _head: Tensor | None = None
    _pool: Pool
    _task: Task

    def __init__(
        self,
        estimator: Any,
        *,
        dimensions: int = 100,
        device: str = "auto",
        start: str = "scratch",
        laplace: Laplace | None = None,
    ) -> None:
        if start != "scratch":
            raise UsageError(f"start is {start!r}, scikit-learn models train anew each round", hint="use scratch")
        self._estimator = estimator_named(estimator) if isinstance(estimator, str) else estimator
        self._dimensions, self._laplace = dimensions, laplace
        self._members: list[TrainedEstimator] = []
        self._posterior: LinearPosterior | None = None
        self._version = ""

    def prepare(self, pool: Pool, task: Task) -> None:
        self._members, self._head, self._version = [], None, ""
        if hasattr(self, "_features") and pool is self._pool and task == self._task:
            # Campaigns of one run share an adapter: what they know of the pool is the same.
            return
        name = type(self._estimator).__name__
        if task.kind == "tokens":
            raise UsageError(f"{name} does not tag tokens", hint="try --model bilstm")
        ours, theirs, fits = ("Classifier", "Regressor", is_classifier)
        if task.kind == "regression":
            ours, theirs, fits = ("Regressor", "Classifier", is_regressor)
        if not fits(self._estimator):
            other = name.replace(theirs, ours)
            hint = f"did you mean {other}?" if other != name and other in estimator_names() else ""
            raise UsageError(f"the task is {task.kind}, and {name} is no {ours.lower()}", hint=hint)
        self._pool, self._task = pool, task
        self._features: Features = features_for(pool, task, self._estimator, dimensions=self._dimensions)

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
        if not len(rows):
            raise ColdStart("there are no labelled rows to train on", hint="label a few first")
        started = time.perf_counter()
        targets = self._task.collate([self._task.encode(label) for label in labels])
        features = self._features.matrix(pool, rows)
        self._members = []
        for member in range(members):
            drawn = np.arange(len(rows))
            if member:
                drawn = numpy_generator(seed, "bootstrap", member).choice(len(rows), len(rows))
            state = child_seed(seed, "member", member) % 2**32
            self._members.append(
                TrainedEstimator.of(self._estimator, self._task, features[drawn], targets[drawn], state)
            )
            if progress is not None:
                progress((member + 1) / members)
        self._head = linear_head(self._members[0], features) if self._features.dense else None
        self._taught, self._posterior = (features, targets), None
        self._version = _fingerprint(self._estimator, self._task, rows, labels, seed, members)
        outputs = self._members[0].outputs(features)
        return FitReport(
            steps=0,
            loss=float(self._task.losses(outputs, targets).mean()),
            seconds=time.perf_counter() - started,
        )

    @property
    def fixed_embeddings(self) -> bool:
        return True

    def answers(self, view: View) -> bool:
        if type(view) is Head:  # known once something is trained
            return self._head is not None
        regression = self._task.kind == "regression"
        if type(view) is (PredictionSamples if regression else LogitSamples):
            assert isinstance(view, LogitSamples)
            linear = view.source == "laplace" and is_linear(self._estimator, self._task.kind)
            return view.source == "ensemble" or linear
        return type(view) in (Embeddings, Raw, Predictions if regression else Logits)

    def answer(
        self,
        views: Sequence[View],
        pool: Pool,
        rows: np.ndarray,
        *,
        seed: int,
        progress: Progress | None = None,
    ) -> Answers:
        name = type(self._estimator).__name__
        for view in views:
            if not self.answers(view):
                hint = "ask for source='ensemble'" if isinstance(view, LogitSamples) else ""
                raise ViewMissing(f"{name} does not answer {view} for the task {self._task.kind}", hint=hint)
        members = max((self._members_for(view) for view in views), default=0)
        if members and not self._members:
            raise ColdStart(f"{name} was asked before it was trained", hint="fit it first")
        if members > len(self._members):
            raise ViewMissing(
                f"{members} trained models are needed and {len(self._members)} were trained",
                hint=f"fit with members={members}",
            )
        embedded = any(isinstance(view, Embeddings | Raw) for view in views)
        outputs: list[list[Tensor]] = [[] for _ in range(members)]
        vectors: list[Tensor] = []
        draws = [view.samples for view in views if isinstance(view, LogitSamples) and view.source == "laplace"]
        drawn: list[Tensor] = []
        for start in range(0, max(len(rows), 1), _BLOCK):
            block = rows[start : start + _BLOCK]
            if members:
                features = self._features.matrix(pool, block)
                for member, said in zip(self._members, outputs, strict=False):
                    said.append(member.outputs(features))
                if draws:
                    drawn.append(self._linear().outputs(features, seed=seed, samples=max(draws)))
            if embedded:
                vectors.append(torch.from_numpy(self._features.vectors(pool, block)))
            if progress is not None:
                progress(min(1.0, (start + len(block)) / max(len(rows), 1)))
        units = [self._task.units(torch.cat(said), None) for said in outputs]
        found: dict[View, Any] = {}
        for view in views:
            if isinstance(view, Embeddings | Raw):
                found[view] = torch.cat(vectors)
            elif isinstance(view, Head):
                found[view] = self._head
            elif isinstance(view, LogitSamples) and view.source == "laplace":
                found[view] = self._task.units(torch.cat(drawn, 1)[: view.samples], None)
            elif isinstance(view, LogitSamples):
                found[view] = torch.stack(units[: view.samples])
            else:
                found[view] = units[0]
        return Answers(views=found, offsets=self._offsets(len(rows)))

    def _linear(self) -> LinearPosterior:
        """What the labels say about member 0; found once a training, when first asked for."""
        if self._posterior is None:
            self._posterior = LinearPosterior(self._members[0], *self._taught, options=self._laplace)
        return self._posterior

    def predict(self, pool: Pool, rows: np.ndarray) -> tuple[Tensor, Int[Tensor, "n_plus_1"] | None]:
        view = Predictions() if self._task.kind == "regression" else Logits()
        said = self.answer((view,), pool, rows, seed=0)
        return self._as_answers(said.views[view]), said.offsets

    @property
    def version(self) -> str:
        return self._version

    def save(self, folder: Path) -> None:
        raise QueristError(
            "scikit-learn models are not stored, their only format is pickle",
            hint="train again from the same labels and seed, it gives the same model",
        )

    def load(self, folder: Path) -> None:
        self.save(folder)

    def _members_for(self, view: View) -> int:
        return 0 if isinstance(view, Embeddings | Raw | Head) else view.members

    def _as_answers(self, units: Tensor) -> Tensor:
        return units if self._task.kind == "regression" else units.softmax(-1)

    def _offsets(self, rows: int) -> Int[Tensor, "n_plus_1"] | None:
        counts = self._task.unit_counts([None] * rows)
        return None if counts is None else torch.nn.functional.pad(counts.cumsum(0), (1, 0))


def _fingerprint(estimator: Any, task: Task, rows: np.ndarray, labels: Sequence[Label], seed: int, members: int) -> str:
    """All that decides what a training gives."""
    text = repr((type(estimator), estimator.get_params(), task, rows.tolist(), list(labels), seed, members))
    return blake2b(text.encode(), digest_size=8).hexdigest()
