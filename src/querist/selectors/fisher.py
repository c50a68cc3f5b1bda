"""Fisher trace: the batch after which a last layer would be least wrong about all rows, on average.

Paper: ash2021gone (BAIT). With the information ``I(x)`` of a row about the last layer and ``F`` its mean over all rows,
the batch ``S`` is to minimise ``tr((l I + I_L + sum_S I(x))^-1 F)``, a bound on the expected error of the layer that
the labels lead to: too many rows are put in, one at a time, and the least useful ones are taken out again.

Scaling is that of the authors' program: with ``m`` labelled rows and ``k`` to pick, ``I_L`` is the mean over the
labelled rows times ``m / (m + k)``, and each pick counts ``k / (m + k)`` times its information. (Against the labelled
ones, that is ``k`` times what a plain sum would give it.) Known differences: all arithmetic on information is in double
precision, and directions that no row informs about, where class scores all rise together, are left out.

Cost, with ``r = c - 1`` (1 for regression) and ``p = r d``: ``O(n p^2 + p^3)`` time once, then ``O(q p r + p^2 r)`` a
row put in, where ``q`` of the candidates may still gain as much as the best; memory ``O(n + q r^2 + p^2)`` beside the
points, where a limit has to allow for ``q = n``.
"""

from __future__ import annotations

from typing import Any

import torch

from querist.core.device import machine_memory
from querist.core.errors import DataError, UsageError
from querist.core.progress import report
from querist.core.rng import generator
from querist.core.types import Float, Generator, Int, Tensor
from querist.selectors.base import free_positions, positions, refuse_impossible, shuffled
from querist.selectors.design import Design
from querist.selectors.design_rows import Candidates
from querist.selectors.information import Information, rank
from querist.selectors.memory import Memory
from querist.selectors.points import DensePoints, as_points

_TILE = 1 << 20
"""Numbers in double precision that stand in memory at once (8 MB)."""
_HINT = "give fewer dimensions (a sketch or principal components), choose among fewer candidates, or allow more"


def fisher(
    points: Any,
    *,
    k: int,
    labelled: Any = None,
    candidates: Any = None,
    rng: Generator | None = None,
    probs: Any = None,
    regularisation: float = 1.0,
    oversample: float = 2,
    memory_mb: float | None = None,
) -> Int[Tensor, "k"]:
    """Positions whose labels would inform a last layer best about all rows.

    A row informs where the layer is unsure and its input is long; and it informs best in directions that many rows
    lie in and no label has fixed yet.

    Args:
        points: ``[n d]``, what the last layer sees (torch or numpy, mapped from a file too).
        k: how many.
        labelled: positions whose labels are known already, never returned.
        candidates: positions that may be returned; all if ``None``. The others count in ``F`` all the same.
        rng: breaks ties; a generator with seed 0 if ``None``.
        probs: ``[n c]``, what a softmax layer answers; ``None`` for a linear layer that predicts numbers.
        regularisation: the paper's ``lambda``, above 0.
        oversample: ``oversample * k`` rows are put in before all but ``k`` are taken out again; 1 takes none out.
        memory_mb: megabytes that may be taken beside the points; as many as are useful if ``None``.

    Returns:
        The rows that stay, in the order in which they were put in.

    Raises:
        UsageError, PoolExhausted: ``k`` below 1, or over what is open; no regularisation; an oversample below 1.
        DataError: points that are no dense table, or probabilities that are no distributions; names the position.
        NonFinite: NaN or infinity; names the position.
        MemoryTooSmall: what must be held is over the limit, or over the memory of the machine.

    Example:
        >>> points = torch.tensor([[3.0, 0.0], [2.9, 0.0], [0.0, 2.1], [0.0, 2.0]])
        >>> fisher(points, k=2).tolist(), fisher(points, k=1, labelled=[0]).tolist()
        ([0, 2], [2])
    """
    return fisher_shares(
        points,
        k=k,
        labelled=labelled,
        candidates=candidates,
        rng=rng,
        probs=probs,
        regularisation=regularisation,
        oversample=oversample,
        memory_mb=memory_mb,
    )[0]


fisher.known_gaps = {  # type: ignore[attr-defined]
    "prefix_law": "what is put in depends on k, and part of it is taken out again",
    "duplicates": "the second of two long vectors can inform more than the first of the short ones",
}


def fisher_shares(
    points: Any,
    *,
    k: int,
    labelled: Any = None,
    candidates: Any = None,
    rng: Generator | None = None,
    probs: Any = None,
    regularisation: float = 1.0,
    oversample: float = 2,
    memory_mb: float | None = None,
) -> tuple[Int[Tensor, "k"], Float[Tensor, "k"]]:
    """:func:`fisher`, and by which share of itself the trace would grow if a pick were taken out of the batch."""
    if not regularisation > 0:
        raise UsageError(f"the regularisation of an information is {regularisation}", hint="give more than 0")
    if not oversample >= 1:
        raise UsageError(f"{oversample} times the batch was to be put in", hint="use an oversample of 1 or more")
    rng = generator(0) if rng is None else rng
    inputs, answers = _dense("points", points), None if probs is None else _dense("probs", probs)
    n, r = len(inputs), rank(answers)
    free = free_positions(n, labelled, candidates, inputs.device)
    refuse_impossible(k, len(free))
    known = positions("labelled", labelled, n, inputs.device)
    size = r * inputs.width
    # M, N, and what they are made of; W, A and B of each candidate, some numbers a row, vectors of one change.
    held = 8 * (6 * size**2 + 3 * len(free) * r**2 + 4 * n + 8 * size * r)
    most = machine_memory() if inputs.device.type == "cpu" else None
    memory = Memory("fisher", memory_mb, held=held, most=most, hint=_HINT)
    tile = memory.tile(_TILE, itemsize=8, least=4 * (size + inputs.width + 8 * r**2))
    information = Information(inputs, answers, tile=tile)
    if not size:  # one class: no label informs about anything
        return shuffled(free, rng)[:k], torch.zeros(k, dtype=torch.float64, device=free.device)

    # All is divided by k / (m + k), which scales the trace and nothing else: a pick counts 1.
    strength = regularisation * (len(known) + k) / k
    everything = torch.arange(n, device=free.device)

    def design(chosen: Int[Tensor, "s"]) -> Design:
        start = information.prior(strength)
        start += information.mean(known) * (len(known) / k)
        start += information.mean(chosen) * len(chosen)
        return Design(start, information.mean(everything), rank=r)

    search = Candidates(information, free, design, strength, rng)
    most_put = min(int(oversample * k), len(free))
    while len(search.put) < most_put:
        report("fisher", len(search.put), of=most_put)
        search.put_in()
    search.turn_round()
    while len(search.awake) > k:
        search.take_out()
    costs = search.values(sign=-1)
    return free[search.awake], costs / max(search.design.trace, torch.finfo(torch.float64).tiny)


def _dense(name: str, table: Any) -> DensePoints:
    found = as_points(table)
    if not isinstance(found, DensePoints):
        raise DataError(f"the {name} are kept in factors", hint="give what the last layer sees, and probs=")
    return found
