"""What every selector does first: which positions are open, and are there enough of them."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from querist.core.errors import DataError, PoolExhausted, UsageError
from querist.core.types import Generator, Int, Tensor
from querist.selectors.points import FactoredPoints, as_table

Selector = Callable[..., Tensor]
"""``f(points, *, k, labelled=None, candidates=None, rng=None, memory_mb=None)``: what is picked from."""


def free_positions(
    n: int, labelled: Any = None, candidates: Any = None, device: torch.device | str = "cpu"
) -> Int[Tensor, "q"]:
    """Positions that may be picked, ascending: the candidates (all ``n`` if ``None``) without the labelled ones.

    Raises:
        DataError: a position outside the table.

    Example:
        >>> free_positions(5, labelled=[0], candidates=[0, 4, 2]).tolist()
        [2, 4]
    """
    free = torch.zeros(n, dtype=torch.bool, device=device)
    if candidates is None:
        free[:] = True
    else:
        free[positions("candidates", candidates, n, device)] = True
    if labelled is not None:
        free[positions("labelled", labelled, n, device)] = False
    return torch.nonzero(free).flatten()


def positions(name: str, values: Any, n: int, device: torch.device | str = "cpu") -> Int[Tensor, "q"]:
    """``values`` as positions in a table of ``n`` rows; ``None`` means none.

    Raises:
        DataError: a position outside the table, or one that stands there twice.
    """
    pos = torch.as_tensor([] if values is None else values, device=device).flatten().long()
    if len(pos) > 1 and len(pos.unique()) < len(pos):
        found, times = pos.unique(return_counts=True)
        raise DataError(f"{name} holds position {int(found[times > 1][0])} more than once")
    if len(pos) and not 0 <= int(pos.min()) <= int(pos.max()) < n:
        bad = pos[(pos < 0) | (pos >= n)][0]
        raise DataError(f"{name} holds position {int(bad)}, the points have positions 0 to {n - 1}")
    return pos


def refuse_impossible(k: int, left: int) -> None:
    """Raise unless ``k`` of the ``left`` open positions can be picked.

    Raises:
        UsageError: ``k`` below 1.
        PoolExhausted: ``k`` over what is left.
    """
    if k < 1:
        raise UsageError(f"{k} picks were asked for", hint="ask for 1 or more")
    if k > left:
        raise PoolExhausted(f"{k} picks were asked for, {left} positions are open", hint=f"ask for at most {left}")


def shuffled(pos: Int[Tensor, "q"], rng: Generator) -> Int[Tensor, "q"]:
    """The same positions in a random order."""
    return pos[torch.randperm(len(pos), generator=rng).to(pos.device)]


def thinned(pos: Int[Tensor, "q"], most: int | None, *, k: int, rng: Generator) -> Int[Tensor, "r"]:
    """The same positions; at random ``most`` of them, but never fewer than four for each pick, where there are more.

    Example:
        >>> from querist.core.rng import generator
        >>> len(thinned(torch.arange(100), 20, k=10, rng=generator(0)))
        40
    """
    size = len(pos) if most is None else max(most, 4 * k)
    return pos if len(pos) <= size else shuffled(pos, rng)[:size]


def as_rows(array: Any) -> Tensor:
    """Numbers with an entry for each row, ``[n]``, ``[n d]`` or samples ``[s n c]``, as a tensor that shares memory."""
    ndim = array.ndim if isinstance(array, np.ndarray) else torch.as_tensor(array).ndim
    return as_table(array, axes={1: "n", 3: "s n c"}.get(ndim, "n d"))


def row_count(points: Any) -> int:
    """How many rows a selector's first argument has.

    Example:
        >>> row_count([0.3, 0.1]), row_count(torch.zeros(3, 5)), row_count(torch.zeros(7, 4, 2))
        (2, 3, 4)
    """
    if isinstance(points, FactoredPoints):
        return len(points)
    shape = as_rows(points).shape
    return shape[1] if len(shape) == 3 else shape[0]


def takes(selector: Selector, option: str) -> bool:
    """Whether a selector has an option of that name.

    Example:
        >>> from querist.selectors import k_center, top_k
        >>> takes(k_center, "memory_mb"), takes(top_k, "memory_mb")
        (True, False)
    """
    return option in inspect.signature(selector).parameters
