"""How an error falls with labels: all curves ``a + b n^-c`` that fit, each with its weight.

Papers: cortes1993learning fits such curves to forecast what more data would bring. Known difference: no single best
curve. Exponents and asymptotes stand on a grid, ``b`` is the best for each of them, and a curve weighs what the points
say of it when the size of the noise is unknown. So a forecast comes with an interval, and a few noisy points give a
wide one. Cost: 40 x 61 curves, milliseconds.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

EXPONENTS = np.geomspace(0.1, 3.0, 40)
_ASYMPTOTES = np.linspace(0.0, 1.0, 61) ** 2
"""In shares of the largest error, densest at 0: where the points cannot tell, the error is taken to go on falling."""
_NOISE = 1e-3
"""Standard deviation that any measured error has at least: no curve is believed beyond it."""


class PowerLaw:
    """Curves ``a + b n^-c`` with ``a, b >= 0`` through measured errors.

    Args:
        labels: of each point, growing.
        errors: measured there, not below 0.

    Attributes:
        weights: of the curves, ``[curves]``, with sum 1.

    Example:
        >>> labels = [20, 40, 80, 160, 320, 640]
        >>> law = PowerLaw(labels, [0.05 + 2 * n**-0.5 for n in labels])
        >>> [round(float(error), 2) for error in quantiles(law.at(1280), law.weights, (0.05, 0.5, 0.95))]
        [0.09, 0.11, 0.12]
    """

    def __init__(self, labels: Sequence[float], errors: Sequence[float]) -> None:
        n, wanted = np.asarray(labels, dtype=np.float64), np.asarray(errors, dtype=np.float64)
        self._unit = n[0]
        exponent, asymptote = np.meshgrid(EXPONENTS, _ASYMPTOTES * wanted.max(), indexing="ij")
        self._c, self._a = exponent.ravel(), asymptote.ravel()
        falls = (n / self._unit)[None] ** -self._c[:, None]  # [curves m]
        over = wanted[None] - self._a[:, None]
        self._b = np.maximum((falls * over).sum(1) / (falls**2).sum(1), 0.0)
        off = ((over - self._b[:, None] * falls) ** 2).mean(1) + _NOISE**2
        # Student's law of the residuals: noise of unknown size, three numbers fitted.
        logs = -0.5 * max(len(n) - 3, 1) * np.log(off)
        weights = np.exp(logs - logs.max())
        self.weights: np.ndarray = weights / weights.sum()

    def at(self, n: float) -> np.ndarray:
        """Error of each curve after ``n`` labels."""
        return np.asarray(self._a + self._b * (n / self._unit) ** -self._c)

    def labels_for(self, error: float) -> np.ndarray:
        """Labels after which each curve is at ``error``; infinite where it never is."""
        over = error - self._a
        with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
            reached = self._unit * (self._b / over) ** (1 / self._c)
        return np.where(over > 0, reached, np.inf)


def quantiles(values: np.ndarray, weights: np.ndarray, shares: Sequence[float]) -> list[float]:
    """The values that so much of the weight does not exceed.

    Example:
        >>> quantiles(np.array([3.0, 1.0, 2.0]), np.array([0.25, 0.5, 0.25]), (0.5, 0.6))
        [1.0, 2.0]
    """
    order = np.argsort(values, kind="stable")
    sums = np.cumsum(weights[order])
    places = np.searchsorted(sums, np.asarray(shares) * sums[-1] - 1e-12)
    return [float(values[order[min(place, len(order) - 1)]]) for place in places]
