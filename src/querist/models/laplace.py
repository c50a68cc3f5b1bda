"""Last-layer Laplace: a Gaussian over the weights of a trained linear layer, wide where no label fixes them.

Paper: daxberger2021laplace; the evidence is mackay1992bayesian's. With ``phi`` what the layer reads (and a 1 behind it,
for the bias), the loss curves in the weights by ``H = sum_i C_i (x) phi_i phi_i^T``, where ``C_i`` is how the loss of
one labelled unit curves in its outputs (``diag(p) - p p^T`` under a softmax). For a last layer that is the Hessian
itself, not only its Gauss-Newton part. The posterior is ``N(W, (H + tau I)^-1)``, and its samples are networks.

Known differences: the trained weights stand for the maximum under the prior, though weight decay and early stopping
found them. Cost: one pass over the labelled rows; then ``O(m q^2)`` for ``q <= min(m, d + 1)`` directions that they
span and ``O((c q)^3)`` for their covariance, or ``O(q^3 + c^3)`` where that is kept in Kronecker factors.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import torch

from querist.core.errors import UsageError
from querist.core.rng import generator
from querist.core.types import Float, Tensor

Likelihood = Literal["softmax", "sigmoid", "gaussian"]
LIKELIHOODS: dict[str, Likelihood] = {
    "classification": "softmax",
    "tokens": "softmax",
    "multilabel": "sigmoid",
    "regression": "gaussian",
}
"""How the loss of a kind of task depends on the last layer's outputs."""
_PRECISIONS = (1e-6, 1e6)
_LEAST_NOISE = 1e-3
"""Standard deviation of labels, in that of all labels, below which they count as exact: rounding is larger."""


@dataclass(frozen=True, kw_only=True)
class Laplace:
    """How a last layer's posterior is made.

    Args:
        prior_precision: ``tau``, one over the variance of a weight before any label: a number, or how it is found.
            ``weights`` takes the mean square of the trained weights for that variance. ``evidence`` takes the ``tau``
            under which the labels are likeliest.
        noise: of regression labels around the function, in standard deviations of the labels; ``None`` takes the
            likeliest one.
        whole: weights whose covariance is kept whole. Where more of them are fixed by labels it is kept in Kronecker
            factors, which is exact if all units curve alike.

    Raises:
        UsageError: a precision or noise that is not above 0.
    """

    prior_precision: float | Literal["weights", "evidence"] = "weights"
    noise: float | None = None
    whole: int = 1500

    def __post_init__(self) -> None:
        for name in ("prior_precision", "noise"):
            value = getattr(self, name)
            if value is None or (name == "prior_precision" and value in ("weights", "evidence")):
                continue
            if isinstance(value, str) or not 0 < value < math.inf:
                hint = "give a number above 0, weights or evidence" if name == "prior_precision" else "give one above 0"
                raise UsageError(f"a Laplace approximation has {name} = {value!r}", hint=hint)


class LastLayerPosterior:
    """The weights of a linear layer, given what it read and how the loss curves there.

    Labelled units span only some directions of the features. In all others the posterior is the prior, so what is
    computed lives in coordinates of that span.

    Args:
        features: what the layer reads for each labelled unit, ``[m d]``.
        weight: the trained ones, ``[r d]``.
        bias: ``[r]``; ``None`` for a layer without.
        likelihood: ``softmax`` over the outputs, ``sigmoid`` or ``gaussian`` for each by itself.
        squares: sum of squared residuals, for ``gaussian``.
        options: prior and structure.

    Attributes:
        precision: the prior's ``tau``.
        noise: standard deviation of labels around the function (1 unless ``gaussian``).

    Example:
        >>> x = torch.tensor([[1.0, 0.0], [2.0, 0.0]])
        >>> options = Laplace(prior_precision=1.0, noise=1.0)
        >>> posterior = LastLayerPosterior(x, torch.ones(1, 2), None, likelihood="gaussian", options=options)
        >>> drawn = posterior.draw(seed=1, samples=2000)[:, 0]
        >>> [round(float(v), 1) for v in drawn.var(0)]   # 1 / (1 + 4 + 1), and the prior where nothing was seen
        [0.2, 1.0]
    """

    def __init__(
        self,
        features: Float[Tensor, "m d"],
        weight: Float[Tensor, "r d"],
        bias: Float[Tensor, "r"] | None,
        *,
        likelihood: Likelihood,
        squares: float = 0.0,
        options: Laplace | None = None,
    ) -> None:
        options = options or Laplace()
        # On the CPU: a few hundred numbers a side, and not every device computes in double precision.
        phi, self.mode = features.cpu().double(), weight.detach().cpu().double()
        if bias is not None:
            phi = torch.cat([phi, phi.new_ones(len(phi), 1)], 1)
            self.mode = torch.cat([self.mode, bias.detach().cpu().double()[:, None]], 1)
        outputs = phi @ self.mode.T
        self._basis = torch.linalg.qr(phi.T).Q if len(phi) < phi.shape[1] else None
        within = phi if self._basis is None else phi @ self._basis
        block = outputs.shape[1] if likelihood == "softmax" else 1
        kept_whole = block * within.shape[1] <= options.whole
        self._curvature = (_Whole if kept_whole else _Kronecker)(within, outputs, likelihood)
        self.precision, self.noise = self._likeliest(options, likelihood, squares=squares, units=len(phi))
        self._curvature.settle(noise=self.noise, precision=self.precision)
        self._last: tuple[int, Float[Tensor, "s r w"]] | None = None

    def _likeliest(
        self, options: Laplace, likelihood: Likelihood, *, squares: float, units: int
    ) -> tuple[float, float]:
        """Prior precision and noise: those given, or the likeliest, in turns until they settle."""
        length = float(self.mode.square().sum())
        values = self._curvature.values.flatten()

        def precision(noise: float) -> float:
            if options.prior_precision == "weights":
                return min(self.mode.numel() / max(length, 1 / _PRECISIONS[1]), _PRECISIONS[1])
            if options.prior_precision == "evidence":
                return likeliest_precision(values / noise**2, length)
            return options.prior_precision

        if likelihood != "gaussian" or options.noise is not None:
            noise = options.noise if likelihood == "gaussian" and options.noise is not None else 1.0
            return precision(noise), noise
        noise = max(math.sqrt(squares / units), _LEAST_NOISE)
        for _ in range(100):
            known = values / noise**2
            free = units - float((known / (known + precision(noise))).sum())  # units not spent on fitting weights
            before, noise = noise, max(math.sqrt(squares / max(free, 1.0)), _LEAST_NOISE)
            if abs(noise - before) <= 1e-3 * before:
                break
        return precision(noise), noise

    def draw(self, *, seed: int, samples: int) -> Float[Tensor, "s r w"]:
        """Weights of ``samples`` last layers, the bias in the last column; sample ``i`` depends on seed and ``i``."""
        # Rows come block by block, and each block reads the same networks.
        if self._last is None or self._last[0] != seed or len(self._last[1]) < samples:
            self._last = seed, self._drawn(seed, samples)
        return self._last[1][:samples]

    def _drawn(self, seed: int, samples: int) -> Float[Tensor, "s r w"]:
        z = torch.stack(
            [
                torch.randn(self.mode.shape, generator=generator(seed, "laplace", sample), dtype=torch.float64)
                for sample in range(samples)
            ]
        )
        if self._basis is None:
            return (self.mode + self._curvature.spread(z)).float()
        inside = z @ self._basis
        beside = (z - inside @ self._basis.T).div_(math.sqrt(self.precision))
        return (self.mode + beside + self._curvature.spread(inside) @ self._basis.T).float()


def likeliest_precision(values: Float[Tensor, "p"], length: float) -> float:
    """The ``tau`` at which the evidence is highest: where ``tau |W|^2`` equals the number of weights that labels fix.

    Args:
        values: eigenvalues of the loss's curvature; directions of none may be left out.
        length: ``|W|^2``.

    Example:
        >>> round(likeliest_precision(torch.tensor([1e9, 1e9]), 8.0), 3)
        0.25
    """
    low, high = map(math.log, _PRECISIONS)
    while high - low > 1e-4:  # the first side falls in tau and the second rises, so they meet once
        middle = (low + high) / 2
        tau = math.exp(middle)
        if float((values / (values + tau)).sum()) > tau * length:
            low = middle
        else:
            high = middle
    return math.exp((low + high) / 2)


def _curving(outputs: Float[Tensor, "m r"], likelihood: Likelihood) -> Float[Tensor, "m r"]:
    """Second derivative of each unit's loss in each of its outputs."""
    if likelihood == "gaussian":
        return torch.ones_like(outputs)
    p = outputs.softmax(1) if likelihood == "softmax" else outputs.sigmoid()
    return p * (1 - p)


class _Whole:
    """``H`` as one matrix, or as one an output where outputs do not depend on each other.

    Args:
        points: features in the coordinates of their span, ``[m q]``.
        outputs: of the trained layer, ``[m r]``.
        likelihood: how the loss depends on them.
    """

    def __init__(self, points: Tensor, outputs: Tensor, likelihood: Likelihood) -> None:
        r, q = outputs.shape[1], points.shape[1]
        own = _curving(outputs, likelihood)
        blocks = [points.T @ (own[:, i, None] * points) for i in range(r)]
        if likelihood == "softmax":
            p = outputs.softmax(1)
            whole = points.new_empty(r, q, r, q)
            for i in range(r):
                whole[i, :, i] = blocks[i]
                for j in range(i):
                    whole[i, :, j] = whole[j, :, i] = -points.T @ ((p[:, i] * p[:, j])[:, None] * points)
            self._matrix = whole.view(1, r * q, r * q)
        else:
            self._matrix = torch.stack(blocks)
        self.values = torch.linalg.eigvalsh(self._matrix).clamp_min(0)

    def settle(self, *, noise: float, precision: float) -> None:
        """The covariance that draws have from here on."""
        whole = self._matrix / noise**2
        whole.diagonal(dim1=1, dim2=2).add_(precision)
        self._factor = torch.linalg.cholesky(whole)

    def spread(self, z: Float[Tensor, "s r q"]) -> Float[Tensor, "s r q"]:
        """Standard normal numbers as draws with the posterior's covariance."""
        columns = z.reshape(len(z), len(self._factor), -1).permute(1, 2, 0)  # [g b*q s]
        moved = torch.linalg.solve_triangular(self._factor.mT, columns, upper=True)
        return moved.permute(2, 0, 1).reshape(z.shape)


class _Kronecker:
    """``H`` as ``mean_i C_i (x) sum_i phi_i phi_i^T``, kept in the eigenvectors of both; see :class:`_Whole`."""

    def __init__(self, points: Tensor, outputs: Tensor, likelihood: Likelihood) -> None:
        own = _curving(outputs, likelihood).mean(0)
        if likelihood == "softmax":
            p = outputs.softmax(1)
            left = torch.diag(p.mean(0)) - p.T @ p / len(p)
            scale, self._left = torch.linalg.eigh(left)
        else:
            scale, self._left = own, torch.eye(len(own), dtype=own.dtype)
        reach, self._right = torch.linalg.eigh(points.T @ points)
        self.values = scale.clamp_min(0)[:, None] * reach.clamp_min(0)

    def settle(self, *, noise: float, precision: float) -> None:
        """The covariance that draws have from here on."""
        self._lengths = (self.values / noise**2 + precision).rsqrt()

    def spread(self, z: Float[Tensor, "s r q"]) -> Float[Tensor, "s r q"]:
        """Standard normal numbers as draws with the posterior's covariance."""
        return self._left @ ((self._left.T @ z @ self._right) * self._lengths) @ self._right.T
