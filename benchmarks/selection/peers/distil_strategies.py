"""DISTIL: its core-set and its seeding, called on arrays."""

from __future__ import annotations

import numpy as np
import torch
from benchmarks.selection.participants import Select, takes_part
from benchmarks.selection.work import Work, gradients


@takes_part("k_center", "DISTIL CoreSet", module="distil")
def core_set(work: Work) -> Select:
    from distil.active_learning_strategies.core_set import CoreSet

    pool, known = work.points[work.open], work.points[work.labelled]
    strategy = object.__new__(CoreSet)
    return lambda: work.open[strategy.furthest_first(pool, known, work.k)]


@takes_part("badge", "DISTIL BADGE", module="distil", note="writes the gradients out, counted; draws by the 4th power")
def badge(work: Work) -> Select:
    from distil.active_learning_strategies.badge import init_centers

    np.random.seed(0)  # noqa: NPY002 (it draws from the global generator)
    probs, points = work.probs[work.open], work.points[work.open]
    return lambda: work.open[init_centers(gradients(probs, points), work.k, torch.device("cpu"))]
