"""Weights of a linear layer, wherever one stands: last in a network, or as the whole of a scikit-learn model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from querist.core.types import Float, Tensor


@dataclass(frozen=True, kw_only=True, eq=False)
class LinearLayer:
    """What a linear layer was trained to.

    Args:
        weight: one row an output, ``[r d]``.
        bias: ``[r]``; ``None`` for a layer without.
    """

    weight: Float[Tensor, "r d"]
    bias: Float[Tensor, "r"] | None

    @classmethod
    def of_module(cls, module: nn.Module, name: str) -> LinearLayer:
        """The layer of that name in a network.

        Example:
            >>> LinearLayer.of_module(nn.Sequential(nn.Linear(3, 2)), "0").joined().shape
            torch.Size([2, 4])
        """
        layer: Any = module.get_submodule(name)
        return cls(weight=layer.weight.detach(), bias=None if layer.bias is None else layer.bias.detach())

    @classmethod
    def of_estimator(cls, estimator: Any) -> LinearLayer | None:
        """The coefficients of a trained scikit-learn model; ``None`` if it has none. It may answer by more than them.

        Example:
            >>> from sklearn.linear_model import Ridge
            >>> LinearLayer.of_estimator(Ridge(alpha=0).fit([[0.0], [1.0]], [1.0, 3.0])).joined().round().tolist()
            [[2.0, 1.0]]
        """
        coefficients, bias = (getattr(estimator, name, None) for name in ("coef_", "intercept_"))
        if coefficients is None or bias is None or np.ndim(coefficients) not in (1, 2):
            return None
        weight = torch.from_numpy(np.array(coefficients, ndmin=2))
        if not getattr(estimator, "fit_intercept", True):
            return cls(weight=weight, bias=None)
        return cls(weight=weight, bias=torch.from_numpy(np.broadcast_to(np.ravel(bias), len(weight)).copy()))

    def joined(self) -> Float[Tensor, "r d_plus_1"]:
        """Weights with the bias as the last column, of zeros where there is none."""
        bias = self.weight.new_zeros(len(self.weight)) if self.bias is None else self.bias
        return torch.cat([self.weight, bias[:, None]], 1)
