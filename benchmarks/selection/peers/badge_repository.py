"""The BADGE authors' scripts (JordanAsh/badge), from a checkout: BADGE factored and written out, core-set, BAIT."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from benchmarks.selection.participants import Select, takes_part
from benchmarks.selection.peers.patches import load, package, stub, without_cuda
from benchmarks.selection.work import Work, fisher_factors, gradients


class _Strategy:
    """Their base class, less the network: it knows the arrays already."""

    def __init__(self, *_: Any) -> None: ...


def _script(work: Work, checkout: str, name: str) -> Any:
    package("query_strategies", Path(work.checkouts[checkout]) / "query_strategies")
    stub("query_strategies.strategy", Strategy=_Strategy)
    for missing in ("torchfile", "resnet", "vgg"):
        stub(missing)
    # A module that scikit-learn dropped; what is imported from it is not used.
    stub("sklearn.externals.six", string_types=str)
    return load(f"query_strategies.{name}")


def _strategy(work: Work, cls: Any) -> Any:
    made = object.__new__(cls)
    made.X, made.Y = np.arange(work.case.rows), torch.zeros(work.case.rows, dtype=torch.long)
    made.n_pool, made.idxs_lb = work.case.rows, np.zeros(work.case.rows, dtype=bool)
    made.idxs_lb[work.labelled] = True
    np.random.seed(0)  # noqa: NPY002 (it draws from the global generator)
    return made


@takes_part("badge", "BADGE repository, factored", checkout="badge")
def factored(work: Work) -> Select:
    strategy = _strategy(work, _script(work, "badge", "badge_sampling").BadgeSampling)
    known = torch.from_numpy(work.points[work.open]), torch.from_numpy(work.probs[work.open])
    strategy.get_embedding = lambda *_, **__: known
    return lambda: strategy.query(work.k)


@takes_part("badge", "BADGE repository, older", checkout="badge_old", note="writes the gradients out, counted")
def written_out(work: Work) -> Select:
    strategy = _strategy(work, _script(work, "badge_old", "badge_sampling").BadgeSampling)
    probs, points = work.probs[work.open], work.points[work.open]
    strategy.get_grad_embedding = lambda *_: torch.from_numpy(gradients(probs, points))
    return lambda: strategy.query(work.k)


@takes_part("k_center", "BADGE repository CoreSet", checkout="badge")
def core_set(work: Work) -> Select:
    strategy = _strategy(work, _script(work, "badge", "core_set").CoreSet)
    points = torch.from_numpy(work.points)
    strategy.get_embedding = lambda *_: points
    return lambda: strategy.query(work.k)


@takes_part("bait", "BADGE repository BAIT", checkout="badge", note="factors written out, counted")
def bait(work: Work) -> Select:
    strategy = _strategy(work, _script(work, "badge", "bait_sampling").BaitSampling)
    strategy.lamb = 1.0
    strategy.get_exp_grad_embedding = lambda *_: torch.from_numpy(fisher_factors(work.probs, work.points))

    def select() -> Any:
        with without_cuda():
            return strategy.query(work.k)

    return select
