"""scikit-learn's classifiers and regressors as models: ``sklearn:RandomForestClassifier``.

They read flat features: standardised numbers and pixels, tf-idf weights of words. Trained estimators are not
stored, because the library's only format is pickle; a training is repeatable, so a resumed run trains again.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.exceptions import ConvergenceWarning

from querist.core.errors import ColdStart, QueristError, UnknownName, UsageError, ViewMissing
from querist.core.rng import child_seed, numpy_generator
from querist.core.types import Float, Int, Tensor
from querist.models.base import Adapter, Answers, FitReport, Progress
from querist.models.features import Features, features_for
from querist.tasks.base import Label, Task
from querist.views.base import View
from querist.views.embeddings import Embeddings
from querist.views.logit_samples import LogitSamples
from querist.views.logits import Logits
from querist.views.prediction_samples import PredictionSamples
from querist.views.predictions import Predictions
from querist.views.raw import Raw

if TYPE_CHECKING:
    from querist.pool.pool import Pool

_BLOCK = 4096
_LEAST = 1e-7
"""Probability of a class that an estimator never saw, or is sure to be absent: its log must stay finite."""


class Sklearn(Adapter):
    """Any scikit-learn classifier or regressor.

    Class scores are the logs of ``predict_proba`` (``decision_function`` as it is, where there is only that); a
    class without training rows keeps a probability of 1e-7. Multilabel trains one copy a class. Ensemble samples
    are copies trained on bootstrap draws of the labelled rows, but for member 0, which sees them as they are.

    Args:
        estimator: an unfitted estimator, or the name of one that needs no arguments. Its ``random_state`` is set
            for each training.
        dimensions: numbers a text is reduced to (by a truncated SVD of its tf-idf weights) as an embedding, and for
            estimators that read no sparse matrices.
        device: taken for the sake of other adapters; scikit-learn computes on the CPU.
        start: only ``scratch``: each training starts anew.

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

    def __init__(self, estimator: Any, *, dimensions: int = 100, device: str = "auto", start: str = "scratch") -> None:
        if start != "scratch":
            raise UsageError(f"start is {start!r}, scikit-learn models train anew each round", hint="use scratch")
        self._estimator = estimator_named(estimator) if isinstance(estimator, str) else estimator
        self._dimensions = dimensions
        self._members: list[_Member] = []
        self._version = ""

    def prepare(self, pool: Pool, task: Task) -> None:
        name = type(self._estimator).__name__
        if task.kind == "tokens":
            raise UsageError(f"{name} does not tag tokens", hint="try --model bilstm")
        ours, theirs, fits = ("Classifier", "Regressor", is_classifier)
        if task.kind == "regression":
            ours, theirs, fits = ("Regressor", "Classifier", is_regressor)
        if not fits(self._estimator):
            other = name.replace(theirs, ours)
            hint = f"did you mean {other}?" if other != name and other in _names() else ""
            raise UsageError(f"the task is {task.kind}, and {name} is no {ours.lower()}", hint=hint)
        self._task = task
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
            self._members.append(_Member.trained(self._estimator, self._task, features[drawn], targets[drawn], state))
            if progress is not None:
                progress((member + 1) / members)
        self._version = _fingerprint(self._estimator, self._task, rows, labels, seed, members)
        outputs = self._members[0].outputs(features)
        answers = self._as_answers(self._task.units(outputs, None))
        offsets = self._offsets(len(rows))
        return FitReport(
            steps=0,
            loss=float(self._task.losses(outputs, targets).mean()),
            seconds=time.perf_counter() - started,
            train_score=self._task.evaluate(answers, offsets, labels)[self._task.metrics[0]],
        )

    def answers(self, view: View) -> bool:
        if self._task.kind == "regression":
            known: tuple[type[View], ...] = (Predictions, Embeddings, Raw)
            return type(view) in known or (type(view) is PredictionSamples and view.source == "ensemble")
        known = (Logits, Embeddings, Raw)
        return type(view) in known or (type(view) is LogitSamples and view.source == "ensemble")

    def answer(
        self,
        views: Sequence[View],
        pool: Pool,
        rows: np.ndarray,
        *,
        seed: int,
        progress: Progress | None = None,
    ) -> Answers:
        members = max((self._members_for(view) for view in views), default=0)
        if members > len(self._members):
            raise ViewMissing(
                f"{members} trained models are needed and {len(self._members)} were trained",
                hint=f"fit with members={members}",
            )
        embedded = any(isinstance(view, Embeddings | Raw) for view in views)
        outputs: list[list[Tensor]] = [[] for _ in range(members)]
        vectors: list[Tensor] = []
        for start in range(0, max(len(rows), 1), _BLOCK):
            block = rows[start : start + _BLOCK]
            if members:
                features = self._features.matrix(pool, block)
                for member, said in zip(self._members, outputs, strict=False):
                    said.append(member.outputs(features))
            if embedded:
                vectors.append(torch.from_numpy(self._features.vectors(pool, block)))
            if progress is not None:
                progress(min(1.0, (start + len(block)) / max(len(rows), 1)))
        units = [self._task.units(torch.cat(said), None) for said in outputs]
        found: dict[View, Any] = {}
        for view in views:
            if isinstance(view, Embeddings | Raw):
                found[view] = torch.cat(vectors)
            elif isinstance(view, LogitSamples):
                found[view] = torch.stack(units[: view.samples])
            else:
                found[view] = units[0]
        return Answers(views=found, offsets=self._offsets(len(rows)))

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
        return 0 if isinstance(view, Embeddings | Raw) else view.members

    def _as_answers(self, units: Tensor) -> Tensor:
        return units if self._task.kind == "regression" else units.softmax(-1)

    def _offsets(self, rows: int) -> Int[Tensor, "n_plus_1"] | None:
        counts = self._task.unit_counts([None] * rows)
        return None if counts is None else torch.nn.functional.pad(counts.cumsum(0), (1, 0))


@dataclass(frozen=True)
class _Column:
    """One output of the task: an estimator and its classes, or the one class that all training rows had."""

    estimator: Any
    classes: np.ndarray

    def scores(self, features: Any, width: int) -> np.ndarray:
        """Log probabilities ``[b width]`` of the classes ``0 .. width``."""
        rows = features.shape[0]
        whole = np.zeros((rows, width))
        if self.estimator is None:
            whole[:, self.classes] = 1.0
        elif hasattr(self.estimator, "predict_proba"):
            whole[:, self.classes] = _speaking(self.estimator, "answer", features, "predict_proba")
        elif hasattr(self.estimator, "decision_function"):
            values = torch.as_tensor(_speaking(self.estimator, "answer", features, "decision_function"))
            values = (
                values.double() if values.ndim == 2 else torch.stack([torch.zeros_like(values), values], -1).double()
            )
            whole[:, self.classes] = values.softmax(-1).numpy()
        else:
            whole[np.arange(rows), self.estimator.predict(features)] = 1.0
        logs: np.ndarray = np.log(np.clip(whole, _LEAST, None))
        return logs


@dataclass(frozen=True)
class _Member:
    """A trained model of the task: one column a class for multilabel, one column else."""

    task: Task
    columns: tuple[_Column, ...]

    @classmethod
    def trained(cls, estimator: Any, task: Task, features: Any, targets: Tensor, state: int) -> _Member:
        """Copies of ``estimator`` trained on features and collated targets."""
        y = targets.to(torch.float64 if task.kind == "regression" else torch.long).numpy()
        columns = [y] if y.ndim == 1 else list(y.T)
        return cls(task, tuple(_trained(estimator, features, column, task.kind, state) for column in columns))

    def outputs(self, features: Any) -> Float[Tensor, "b c"]:
        """What a network would give: class scores, logits of presence, or ``[b 1]`` values."""
        if self.task.kind == "regression":
            values = _speaking(self.columns[0].estimator, "answer", features, "predict")
            return torch.as_tensor(values, dtype=torch.float32).reshape(-1, 1)
        if self.task.kind == "multilabel":
            scores = np.stack([column.scores(features, 2) for column in self.columns], 1)
            return torch.as_tensor(scores[..., 1] - scores[..., 0], dtype=torch.float32)
        return torch.as_tensor(self.columns[0].scores(features, self.task.outputs), dtype=torch.float32)


def _trained(estimator: Any, features: Any, y: np.ndarray, kind: str, state: int) -> _Column:
    if kind != "regression" and len(np.unique(y)) == 1:
        # Many classifiers refuse to train on one class; what they would say is plain.
        return _Column(None, y[:1])
    copy = clone(estimator)
    seeds = {name: state for name in copy.get_params() if name == "random_state" or name.endswith("__random_state")}
    copy.set_params(**seeds)
    with warnings.catch_warnings():
        # Hundreds of small trainings with a warning each tell a person nothing; the score does.
        warnings.simplefilter("ignore", ConvergenceWarning)
        _speaking(copy, "train", features, "fit", y)
    return _Column(copy, getattr(copy, "classes_", np.empty(0)))


def _speaking(estimator: Any, act: str, features: Any, method: str, *arguments: Any) -> Any:
    """The estimator's own refusals as one of ours."""
    try:
        return getattr(estimator, method)(features, *arguments)
    except ValueError as error:
        name, rows = type(estimator).__name__, features.shape[0]
        raise QueristError(f"{name} cannot {act} on {rows} rows: {error}", hint="label more rows first") from None


def estimator_named(name: str) -> Any:
    """A new scikit-learn estimator with its default options.

    Raises:
        UnknownName: there is none; the nearest name is suggested.
        UsageError: it cannot be made without arguments.

    Example:
        >>> estimator_named("RandomForestClassifier")
        RandomForestClassifier()
    """
    known = _names()
    if name not in known:
        raise UnknownName("scikit-learn model", name, known)
    try:
        return known[name]()
    except TypeError:
        raise UsageError(f"{name} needs arguments", hint=f"in Python, pass Sklearn({name}(...))") from None


def _names() -> dict[str, type]:
    from sklearn.utils import all_estimators

    return dict(all_estimators(type_filter=["classifier", "regressor"]))


def _fingerprint(estimator: Any, task: Task, rows: np.ndarray, labels: Sequence[Label], seed: int, members: int) -> str:
    """All that decides what a training gives."""
    text = repr((type(estimator), estimator.get_params(), task, rows.tolist(), list(labels), seed, members))
    return blake2b(text.encode(), digest_size=8).hexdigest()
