"""Plain versions of our own, one pass over the table a pick: what anybody would write first. They are not peers."""

from __future__ import annotations

import numpy as np
import torch
from benchmarks.selection.participants import Select, takes_part
from benchmarks.selection.work import Work, residuals


@takes_part("k_center", "plain loop, NumPy", role="reference", note="one matrix-vector product a pick")
def numpy_loop(work: Work) -> Select:
    def select() -> list[int]:
        points = work.points
        norms = np.einsum("nd,nd->n", points, points)
        far = np.full(len(points), np.inf, dtype=np.float32)
        picks: list[int] = []
        for centre in work.labelled:
            np.minimum(far, norms + (norms[centre] - 2 * (points @ points[centre])), out=far)
        far[work.labelled] = -np.inf
        while True:
            picks.append(int(far.argmax()))
            if len(picks) == work.k:
                return picks
            np.minimum(far, norms + (norms[picks[-1]] - 2 * (points @ points[picks[-1]])), out=far)
            far[picks[-1]] = -np.inf

    return select


@takes_part("k_center", "plain loop, torch", role="reference", note="one matrix-vector product a pick")
def torch_loop(work: Work) -> Select:
    points = torch.from_numpy(np.asarray(work.points))
    known = torch.from_numpy(work.labelled)

    def select() -> list[int]:
        norms = points.square().sum(1)
        far = torch.full((len(points),), torch.inf)
        picks: list[int] = []
        for centre in work.labelled:
            far = torch.minimum(far, norms + norms[centre] - 2 * (points @ points[centre]))
        far[known] = -torch.inf
        while True:
            picks.append(int(far.argmax()))
            if len(picks) == work.k:
                return picks
            far = torch.minimum(far, norms + norms[picks[-1]] - 2 * (points @ points[picks[-1]]))
            far[picks[-1]] = -torch.inf

    return select


@takes_part("badge", "factored k-means++, NumPy", role="reference", note="one pass over the factors a pick")
def factored_loop(work: Work) -> Select:
    right = work.points[work.open]

    def select() -> np.ndarray:
        draw = np.random.default_rng(0)
        left = residuals(work.probs[work.open])
        norms = np.square(left).sum(1) * np.square(right).sum(1)
        picks = [int(norms.argmax())]
        weights = np.full(len(left), np.inf)
        while len(picks) < work.k:
            new = picks[-1]
            apart = norms + norms[new] - 2 * (left @ left[new]) * (right @ right[new])
            np.minimum(weights, np.maximum(apart, 0), out=weights)
            weights[new] = 0
            upto = weights.cumsum()
            picks.append(int(np.searchsorted(upto, draw.random() * upto[-1], side="right")))
        return work.open[picks]

    return select
