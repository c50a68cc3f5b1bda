"""scikit-learn estimators trained for a task, and found by name."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

from querist.core.errors import QueristError, UnknownName, UsageError
from querist.core.types import Float, Tensor
from querist.tasks.base import Task

LEAST = 1e-7
"""Probability of a class that an estimator never saw, or is sure to be absent: its log must stay finite."""


@dataclass(frozen=True)
class Column:
    """One output of the task: an estimator and its classes, or the one class that all training rows had (``None``)."""

    estimator: Any
    classes: np.ndarray

    def scores(self, features: Any, width: int) -> np.ndarray:
        """Log probabilities ``[b width]`` of the classes ``0 .. width``."""
        rows = features.shape[0]
        if self.estimator is None:
            return log_chances(np.ones((rows, 1)), self.classes, width)
        if hasattr(self.estimator, "predict_proba"):
            return log_chances(_speaking(self.estimator, "answer", features, "predict_proba"), self.classes, width)
        if hasattr(self.estimator, "decision_function"):
            values = torch.as_tensor(_speaking(self.estimator, "answer", features, "decision_function")).double()
            # Two classes share one number.
            values = values if values.ndim == 2 else torch.stack([torch.zeros_like(values), values], -1)
            return log_chances(values.softmax(-1).numpy(), self.classes, width)
        said = _speaking(self.estimator, "answer", features, "predict")
        return log_chances(np.eye(width)[said], np.arange(width), width)


def log_chances(chances: np.ndarray, classes: np.ndarray, width: int) -> np.ndarray:
    """Logs of the chances of some classes (last axis) as those of the classes ``0 .. width``; none is impossible."""
    whole = np.zeros((*chances.shape[:-1], width))
    whole[..., classes] = chances
    logs: np.ndarray = np.log(np.clip(whole, LEAST, None))
    return logs


@dataclass(frozen=True)
class TrainedEstimator:
    """An estimator trained for a task, that answers as a network would: one copy a class for multilabel."""

    task: Task
    columns: tuple[Column, ...]

    @classmethod
    def of(cls, estimator: Any, task: Task, features: Any, targets: Tensor, state: int) -> TrainedEstimator:
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


def _trained(estimator: Any, features: Any, y: np.ndarray, kind: str, state: int) -> Column:
    if kind != "regression" and len(np.unique(y)) == 1:
        # Many classifiers refuse to train on one class; what they would say is plain.
        return Column(None, y[:1])
    copy = clone(estimator)
    seeds = {name: state for name in copy.get_params() if name == "random_state" or name.endswith("__random_state")}
    copy.set_params(**seeds)
    with warnings.catch_warnings():
        # Hundreds of small trainings with a warning each tell a person nothing; the score does.
        warnings.simplefilter("ignore", ConvergenceWarning)
        _speaking(copy, "train", features, "fit", y)
    return Column(copy, getattr(copy, "classes_", np.empty(0)))


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
    known = estimator_names()
    if name not in known:
        raise UnknownName("scikit-learn model", name, known)
    try:
        return known[name]()
    except TypeError:
        raise UsageError(f"{name} needs arguments", hint=f"in Python, pass Sklearn({name}(...))") from None


def estimator_names() -> dict[str, type]:
    """scikit-learn's classifiers and regressors, by name."""
    from sklearn.utils import all_estimators

    return dict(all_estimators(type_filter=["classifier", "regressor"]))
