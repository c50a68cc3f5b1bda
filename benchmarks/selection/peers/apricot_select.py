"""apricot: greedy set functions on a kernel, compiled by numba."""

from __future__ import annotations

from typing import Any

import numpy as np
from benchmarks.selection.participants import Select, takes_part
from benchmarks.selection.peers.kernel import cosines
from benchmarks.selection.work import Work

_MODULE = "apricot"


def _greedy(function: str, kernel: np.ndarray, k: int) -> Any:
    import apricot

    # Its value is alpha times the sum less the whole of the penalty: 2 is our penalty of one half.
    options = {"alpha": 2.0} if function == "GraphCutSelection" else {}
    fitted = getattr(apricot, function)(k, metric="precomputed", random_state=0, **options).fit(kernel)
    return fitted.ranking


def _from_data(work: Work, function: str) -> Select:
    return lambda: _greedy(function, cosines(work.points), work.k)


def _kernel_given(work: Work, function: str) -> Select:
    kernel = cosines(work.points)
    return lambda: _greedy(function, kernel, work.k)


@takes_part("facility_location", "apricot", module=_MODULE, note="kernel by NumPy, counted")
def facility_location(work: Work) -> Select:
    return _from_data(work, "FacilityLocationSelection")


@takes_part("facility_location", "apricot, kernel given", module=_MODULE, note="the n x n kernel is not counted")
def facility_location_given(work: Work) -> Select:
    return _kernel_given(work, "FacilityLocationSelection")


@takes_part("graph_cut", "apricot", module=_MODULE, note="kernel by NumPy, counted")
def graph_cut(work: Work) -> Select:
    return _from_data(work, "GraphCutSelection")


@takes_part("graph_cut", "apricot, kernel given", module=_MODULE, note="the n x n kernel is not counted")
def graph_cut_given(work: Work) -> Select:
    return _kernel_given(work, "GraphCutSelection")
