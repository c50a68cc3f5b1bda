"""Samples of scikit-learn's linear models: Laplace around what logistic and least-squares regression found.

The features are what the whole model reads, so its last layer is all of it. Sparse features are written out for the
labelled rows alone.
"""

from __future__ import annotations

from typing import Any

import torch
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge, RidgeCV

from querist.core.rng import child_seed
from querist.core.types import Float, Tensor
from querist.models.estimators import TrainedEstimator, log_chances
from querist.models.laplace import LIKELIHOODS, Laplace, LastLayerPosterior
from querist.models.linear_layer import LinearLayer


def is_linear(estimator: Any, kind: str) -> bool:
    """Whether an estimator is a linear layer with a likelihood that a Laplace approximation knows.

    Example:
        >>> is_linear(LogisticRegression(), "multilabel"), is_linear(LogisticRegression(), "regression")
        (True, False)
    """
    known = (LinearRegression, Ridge, RidgeCV) if kind == "regression" else LogisticRegression
    return isinstance(estimator, known)


class LinearPosterior:
    """The posterior of linear models around a trained one; columns without a model of their own stay as they are.

    Args:
        trained: of linear estimators.
        features: what it was trained on, an array or a sparse matrix, ``[m d]``.
        targets: collated.
        options: prior and structure.
    """

    def __init__(self, trained: TrainedEstimator, features: Any, targets: Tensor, *, options: Laplace | None) -> None:
        self._trained, self._options = trained, options
        # Priors are meant for labels of unit variance.
        self._unit = float(targets.double().std(correction=0)) or 1.0 if trained.task.kind == "regression" else 1.0
        x = torch.as_tensor(features.toarray() if hasattr(features, "toarray") else features)
        self._layers = [
            None if column.estimator is None else self._around(column.estimator, x, targets)
            for column in trained.columns
        ]

    def _around(self, estimator: Any, x: Tensor, targets: Tensor) -> LastLayerPosterior:
        layer = LinearLayer.of_estimator(estimator)
        assert layer is not None
        weight, bias = layer.weight / self._unit, None if layer.bias is None else layer.bias / self._unit
        likelihood, squares = LIKELIHOODS[self._trained.task.kind], 0.0
        if likelihood == "gaussian":
            off = (torch.as_tensor(estimator.predict(x.numpy())) - targets.double()) / self._unit
            squares = float(off.square().sum())
        elif len(weight) == 1:
            likelihood = "sigmoid"  # two classes share one number
        return LastLayerPosterior(x, weight, bias, likelihood=likelihood, squares=squares, options=self._options)

    def outputs(self, features: Any, *, seed: int, samples: int) -> Float[Tensor, "s b c"]:
        """What drawn models say of rows, each in the form of :meth:`TrainedEstimator.outputs`."""
        kind, width = self._trained.task.kind, self._trained.task.outputs
        wide = 2 if kind == "multilabel" else width
        found = []
        for place, (column, layer) in enumerate(zip(self._trained.columns, self._layers, strict=True)):
            if layer is None:
                scores = torch.as_tensor(column.scores(features, wide))
                found.append(scores.expand(samples, *scores.shape))
                continue
            values = _values(layer.draw(seed=child_seed(seed, "column", place), samples=samples), features)
            if kind == "regression":
                return values * self._unit
            if values.shape[-1] == 1:
                values = torch.cat([torch.zeros_like(values), values], -1)
            found.append(torch.as_tensor(log_chances(values.double().softmax(-1).numpy(), column.classes, wide)))
        if kind == "multilabel":
            whole = torch.stack(found, -2)
            return (whole[..., 1] - whole[..., 0]).float()
        return found[0].float()


def _values(heads: Float[Tensor, "s r w"], features: Any) -> Float[Tensor, "s b r"]:
    """What every drawn layer makes of the features."""
    d = features.shape[1]
    flat = heads.flatten(0, 1).numpy()
    values = features @ flat[:, :d].T
    if flat.shape[1] > d:
        values = values + flat[:, d]
    return torch.as_tensor(values).float().unflatten(-1, heads.shape[:2]).movedim(-2, 0)
