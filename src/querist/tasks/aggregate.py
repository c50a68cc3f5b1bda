"""From one number per unit to one number per row, for rows with any number of units.

``offsets [n + 1]`` says where each row's units start in the flat unit table, as in compressed sparse rows: row
``i`` owns the units ``offsets[i]:offsets[i + 1]``. A row without units gets 0.
"""

from __future__ import annotations

import torch

from querist.core.errors import UsageError
from querist.core.types import Float, Int, Tensor

WAYS = ("mean", "sum", "max", "any")


def per_row(values: Float[Tensor, "u"], offsets: Int[Tensor, "n_plus_1"], *, how: str = "mean") -> Float[Tensor, "n"]:
    """``values`` of the units, put together row by row.

    Args:
        values: one number a unit.
        offsets: where each row's units start.
        how: ``mean`` (length does not matter), ``sum`` (long rows first), ``max`` (the one worst unit), or ``any``:
            minus the log of the product of ``1 - value``, which orders rows by the chance that at least one unit is
            wrong when ``value`` is each unit's chance of being wrong. For tokens that is the least confidence of
            the whole sequence, ``1 - P(y | x)`` (culotta2005reducing), kept as a log so that long rows do not all
            round to 1.

    Example:
        >>> per_row(torch.tensor([1.0, 3.0, 5.0]), torch.tensor([0, 2, 2, 3]), how="mean")
        tensor([2., 0., 5.])
    """
    if how not in WAYS:
        raise UsageError(f"units cannot be put together by {how!r}", hint=f"choose one of {', '.join(WAYS)}")
    counts = offsets.diff()
    row_of_unit = torch.repeat_interleave(torch.arange(len(counts), device=values.device), counts)
    if how == "any":
        # A certain mistake (value 1) must stay finite, or one such unit hides all others.
        values = -torch.log1p(-values.clamp(max=1 - 1e-7))
    start = torch.zeros(len(counts), dtype=values.dtype, device=values.device)
    reduce = {"mean": "mean", "sum": "sum", "max": "amax", "any": "sum"}[how]
    return start.scatter_reduce(0, row_of_unit, values, reduce=reduce, include_self=False)
