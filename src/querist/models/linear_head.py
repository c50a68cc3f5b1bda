"""The linear head of a trained scikit-learn model, where it has one.

Many models have coefficients and do not answer by them alone: probabilities of one class against the rest are divided
by their sum, pairs of classes vote. So what the coefficients give is compared with what the model says.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from querist.core.types import Float, Tensor
from querist.models.estimators import LEAST, Column, TrainedEstimator
from querist.models.linear_layer import LinearLayer

_ALIKE = 1e-3
"""Difference in a probability (or a share of a value) that rounding and the least probability may make."""


def linear_head(model: TrainedEstimator, features: Any) -> Float[Tensor, "c d_plus_1"] | None:
    """Weights and, in the last column, biases ``[c d+1]``; ``None`` if the model is not linear in its features.

    A class that had no training row gets the mean weights of the others and a bias that makes it as unlikely as the
    model says it is.

    Args:
        model: trained.
        features: some rows that it reads, ``[b d]``, never sparse.
    """
    kind, outputs = model.task.kind, model.task.outputs
    width = 2 if kind == "multilabel" else outputs
    rows = [_scores(column, features.shape[1], width, kind) for column in model.columns]
    if any(row is None for row in rows):
        return None
    if kind == "multilabel":  # each class has its own model of two: the logit of presence
        head = np.stack([row[1] - row[0] for row in rows if row is not None])
    else:
        head = np.asarray(rows[0])
    gives = torch.as_tensor(features @ head[:, :-1].T + head[:, -1])
    says = model.outputs(features).double()
    if kind == "classification":
        gives, says = gives.softmax(-1), says.softmax(-1)
    elif kind == "multilabel":
        gives, says = gives.sigmoid(), says.sigmoid()
    off = (gives - says).abs() / (says.abs() + 1 if kind == "regression" else 1)
    return torch.as_tensor(head, dtype=torch.float32) if float(off.max()) < _ALIKE else None


def _scores(column: Column, d: int, width: int, kind: str) -> np.ndarray | None:
    """Weights and biases ``[width d+1]`` of one model's classes."""
    own = np.zeros((1 if kind == "regression" else len(column.classes), d + 1))
    if column.estimator is not None:
        layer = LinearLayer.of_estimator(column.estimator)
        if layer is None:
            return None
        made = layer.joined().numpy()
        if len(own) == 2 and len(made) == 1:  # two classes share one number
            made = np.concatenate([np.zeros_like(made), made])
        if made.shape != own.shape:
            return None
        own = made
    if kind == "regression":
        return own
    head = np.tile(own.mean(0), (width, 1))
    head[:, -1] += np.log(LEAST)
    head[column.classes] = own
    return head
