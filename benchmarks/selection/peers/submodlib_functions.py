"""submodlib: set functions in C++, from data (as lists of Python numbers) or from a kernel."""

from __future__ import annotations

from typing import Any

from benchmarks.selection.participants import Select, takes_part
from benchmarks.selection.peers.kernel import cosines
from benchmarks.selection.work import Work

_MODULE = "submodlib"


def _greedy(function: Any, k: int) -> list[int]:
    chosen = function.maximize(budget=k, optimizer="LazyGreedy", show_progress=False)
    return [position for position, _ in chosen]


@takes_part("facility_location", "submodlib", module=_MODULE)
def facility_location(work: Work) -> Select:
    from submodlib import FacilityLocationFunction

    n, points = work.case.rows, work.points
    return lambda: _greedy(FacilityLocationFunction(n=n, mode="dense", data=points, metric="cosine"), work.k)


@takes_part("facility_location", "submodlib, kernel given", module=_MODULE, note="the n x n kernel is not counted")
def facility_location_given(work: Work) -> Select:
    from submodlib import FacilityLocationFunction

    n, kernel = work.case.rows, cosines(work.points)
    return lambda: _greedy(FacilityLocationFunction(n=n, mode="dense", sijs=kernel, separate_rep=False), work.k)


@takes_part("graph_cut", "submodlib", module=_MODULE)
def graph_cut(work: Work) -> Select:
    from submodlib import GraphCutFunction

    n, points = work.case.rows, work.points
    return lambda: _greedy(GraphCutFunction(n=n, mode="dense", lambdaVal=0.5, data=points, metric="cosine"), work.k)


@takes_part("graph_cut", "submodlib, kernel given", module=_MODULE, note="the n x n kernel is not counted")
def graph_cut_given(work: Work) -> Select:
    from submodlib import GraphCutFunction

    n, kernel = work.case.rows, cosines(work.points)
    options = {"n": n, "mode": "dense", "lambdaVal": 0.5, "separate_rep": False, "ggsijs": kernel}
    return lambda: _greedy(GraphCutFunction(**options), work.k)
