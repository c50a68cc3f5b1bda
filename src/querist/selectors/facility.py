"""Sets that stand for a pool: facility location, graph cut, saturated cover and log determinant, plain and targeted.

With ``s(x, y) = max(cos(x, y), 0)``, ``A`` the set and ``x`` running over the open points, the values are

    facility location   sum_x max_{a in A} s(x, a)                                       (mirchandani1990discrete)
    graph cut           sum_x sum_{a in A} s(x, a) - penalty sum_{a, b in A} s(a, b)
    saturated cover     sum_x min(sum_{a in A} s(x, a), saturation sum_y s(x, y))        (lin2011class)
    log determinant     log det(S_AA + noise I), with cosines that are not clipped       (kulesza2011kdpps)

A query set ``Q`` (more like these) and a private set ``P`` (none like these) turn them into the mutual information,
conditional gain and conditional mutual information of iyer2021submodular and kothawade2021similar: facility location
counts ``max(min(max_a s(x, a), query_weight max_q s(x, q)) - private_weight max_p s(x, p), 0)`` for each ``x``; the log
determinant is taken given ``P``, less the same given ``Q`` and ``P``. ``query_location`` (FLQMI) has only the query
to cover: ``sum_q max_a s(q, a) + query_weight sum_a max_q s(a, q)`` with ``s = (1 + cos) / 2``, at ``O(n |Q| d)``.

Cost: ``O(n^2 d)`` time once and then lazily, in tiles of the kernel that are made, used and forgotten; ``O(n)`` memory
beside the points. With ``epsilon`` it is ``O(n^2 d log(1 / epsilon))`` in all, however large ``k`` is. The log
determinant takes ``O(n k d)`` time and ``O(n + k d)`` memory.
"""

from __future__ import annotations

from typing import Any

import torch

from querist.core.errors import UsageError
from querist.core.rng import generator
from querist.core.types import Float, Generator, Int, Tensor
from querist.selectors.base import free_positions, positions, refuse_impossible
from querist.selectors.cosines import Cosines
from querist.selectors.greedy import SetFunction, maximise
from querist.selectors.memory import Memory
from querist.selectors.points import as_points
from querist.selectors.posterior import width
from querist.selectors.set_functions import (
    FacilityLocation,
    GraphCut,
    LogDeterminant,
    QueryLocation,
    SaturatedCover,
)

FUNCTIONS = ("facility_location", "query_location", "graph_cut", "saturated_cover", "log_determinant")
_TILE = 1 << 20
"""Numbers of the kernel that stand in memory at once (4 MB: they stay in the cache of a core)."""


def facility(
    points: Any,
    *,
    k: int,
    labelled: Any = None,
    candidates: Any = None,
    rng: Generator | None = None,
    function: str = "facility_location",
    query: Any = None,
    private: Any = None,
    query_weight: float = 1.0,
    private_weight: float = 1.0,
    penalty: float = 0.5,
    saturation: float = 0.1,
    noise: float = 1.0,
    epsilon: float | None = None,
    memory_mb: float | None = None,
) -> Int[Tensor, "k"]:
    """Positions picked greedily so that the open points are well represented.

    Args:
        points: ``[n d]`` table (torch or numpy), or factored points; only directions count.
        k: how many.
        labelled: positions in the set already, never returned.
        candidates: positions that may be returned, and are to be represented; all if ``None``.
        rng: breaks ties; a generator with seed 0 if ``None``.
        function: ``facility_location``, ``query_location``, ``graph_cut``, ``saturated_cover`` or ``log_determinant``.
        query: what the picks shall resemble: positions, or points of their own ``[q d]`` (not for
            ``saturated_cover``).
        private: what they shall not resemble, given likewise (not for ``saturated_cover``).
        query_weight: ``eta`` of the papers (1 for ``log_determinant``).
        private_weight: ``nu`` of the papers (1 for ``log_determinant``).
        penalty: ``lambda`` of the graph cut; up to 0.5 it is monotone.
        saturation: share of its total similarity at which a point counts as covered.
        noise: what is added to the diagonal of the log determinant, where a point has 1.
        epsilon: ``None`` for the exact greedy set, else see :func:`~querist.selectors.greedy.maximise`.
        memory_mb: megabytes that may be taken beside the points; as many as are useful if ``None``.

    Raises:
        UsageError, PoolExhausted: ``k`` below 1, or over what is open; another function; a set it has no use for.
        NonFinite: NaN or infinity; names the position.
        MemoryTooSmall: what must be held is over the limit.

    Example:
        >>> points = torch.tensor([[1.0, 0.1], [1.0, 0.0], [1.0, -0.1], [-1.0, 9.0]])
        >>> facility(points, k=2).tolist(), facility(points, k=1, query=[3]).tolist()
        ([1, 3], [3])
    """
    picked, _ = facility_gains(
        points,
        k=k,
        labelled=labelled,
        candidates=candidates,
        rng=rng,
        function=function,
        query=query,
        private=private,
        query_weight=query_weight,
        private_weight=private_weight,
        penalty=penalty,
        saturation=saturation,
        noise=noise,
        epsilon=epsilon,
        memory_mb=memory_mb,
    )
    return picked


def facility_gains(
    points: Any,
    *,
    k: int,
    labelled: Any = None,
    candidates: Any = None,
    rng: Generator | None = None,
    function: str = "facility_location",
    query: Any = None,
    private: Any = None,
    query_weight: float = 1.0,
    private_weight: float = 1.0,
    penalty: float = 0.5,
    saturation: float = 0.1,
    noise: float = 1.0,
    epsilon: float | None = None,
    memory_mb: float | None = None,
) -> tuple[Int[Tensor, "k"], Float[Tensor, "k"]]:
    """:func:`facility`, and what each pick added to the value; over nothing labelled they sum to it."""
    table = as_points(points)
    free = free_positions(len(table), labelled, candidates, table.device)
    refuse_impossible(k, len(free))
    memory = Memory("facility", memory_mb, held=64 * len(table) + (16 * k * width(table) if function[0] == "l" else 0))
    kernel = Cosines(table, free, tile=memory.tile(_TILE, least=8 * table.width))
    known = positions("labelled", labelled, len(table), table.device)
    wanted, shunned = kernel.others("query", query), kernel.others("private", private)
    value: SetFunction
    if function == "facility_location":
        cap = kernel.best(wanted) * query_weight if len(wanted) else None
        covered = torch.maximum(kernel.best(shunned) * private_weight, kernel.best(kernel.at(known)))
        value = FacilityLocation(kernel, cap, covered)
    elif function == "query_location":
        if not len(wanted) or len(shunned):
            raise UsageError("query_location takes a query and no private set", hint="choose facility_location")
        value = QueryLocation(kernel, wanted, query_weight)
    elif function == "graph_cut":
        value = GraphCut(kernel, penalty, kernel.at(known), (wanted, query_weight), (shunned, private_weight))
    elif function == "log_determinant":
        targets = (wanted, query_weight), (shunned, private_weight)
        value = LogDeterminant(table, known, *targets, noise=noise, tile=memory.tile(_TILE, itemsize=8))
    elif function == "saturated_cover":
        if len(wanted) or len(shunned):
            raise UsageError("saturated_cover knows no query and no private set", hint="choose facility_location")
        value = SaturatedCover(kernel, saturation, kernel.at(known))
    else:
        raise UsageError(f"there is no set function {function!r}", hint=f"choose {', '.join(FUNCTIONS)}")
    rng = generator(0) if rng is None else rng
    return maximise(value, free, k=k, rng=rng, epsilon=epsilon, name="facility")
