"""bmdal_reg: selection methods on a pool and a training set of features."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from benchmarks.selection.participants import Select, takes_part
from benchmarks.selection.peers.patches import old_numpy_names
from benchmarks.selection.work import Work, gradients


def _features(table: np.ndarray) -> Any:
    from bmdal_reg.bmdal.feature_data import TensorFeatureData
    from bmdal_reg.bmdal.feature_maps import IdentityFeatureMap
    from bmdal_reg.bmdal.features import Features

    return Features(IdentityFeatureMap(n_features=table.shape[1]), TensorFeatureData(torch.from_numpy(table)))


def _method(name: str) -> Any:
    old_numpy_names()
    from bmdal_reg.bmdal import selection

    torch.manual_seed(0)
    return getattr(selection, name)


def _beside_labelled(work: Work, name: str) -> Select:
    method = _method(name)
    pool, known = _features(work.points[work.open]), _features(work.points[work.labelled])
    return lambda: work.open[method(pool, known, sel_with_train=True, verbosity=0).select(work.k).numpy()]


@takes_part("k_center", "bmdal_reg maxdist", module="bmdal_reg")
def maxdist(work: Work) -> Select:
    return _beside_labelled(work, "MaxDistSelectionMethod")


@takes_part("lcmd", "bmdal_reg lcmd", module="bmdal_reg")
def lcmd(work: Work) -> Select:
    return _beside_labelled(work, "LargestClusterMaxDistSelectionMethod")


@takes_part("badge", "bmdal_reg kmeanspp", module="bmdal_reg", note="gradients written out, counted; first pick random")
def kmeanspp(work: Work) -> Select:
    method = _method("KmeansppSelectionMethod")
    probs, points = work.probs[work.open], work.points[work.open]
    nothing = _features(np.zeros((0, work.case.classes * work.case.dim), dtype=np.float32))

    def select() -> Any:
        pool = _features(gradients(probs, points))
        return work.open[method(pool, nothing, sel_with_train=False, verbosity=0).select(work.k).numpy()]

    return select


@takes_part("max_det", "bmdal_reg maxdet", module="bmdal_reg")
def maxdet(work: Work) -> Select:
    method = _method("MaxDetSelectionMethod")
    pool = _features(work.directions)
    nothing = _features(work.directions[:0])
    return lambda: method(pool, nothing, noise_sigma=0.1**0.5, verbosity=0).select(work.k).numpy()


@takes_part("acs_fw", "bmdal_reg fw", module="bmdal_reg")
def frank_wolfe(work: Work) -> Select:
    method = _method("FrankWolfeSelectionMethod")
    pool, known = _features(work.points[work.open]), _features(work.points[work.labelled])
    return lambda: work.open[method(pool, known, verbosity=0).select(work.k).numpy()]
