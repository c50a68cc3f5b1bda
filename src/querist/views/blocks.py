"""Tables larger than memory, a block of rows at a time: what maps make of them, and what is refused in them.

A mapped file is read block by block, and a block of half-precision or whole numbers is made float32 as it is read; the
whole table never is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch

from querist.core.progress import report
from querist.core.types import Tensor
from querist.selectors.memory import Memory
from querist.selectors.points import TILE

_WIDE = (torch.float32, torch.float64, torch.int64)
"""What is computed with as it is. Numbers of 64 bits that are whole are labels or places, and no measurements."""
_OFF = 1e-3
"""How far from one the sum of a distribution may be: half precision rounds to half of that."""


def in_blocks(score: Callable[..., Tensor], *tables: Tensor, axis: int = 0) -> Tensor:
    """``score(*tables)`` for a score that is a map: of some rows after the other, put together.

    Args:
        score: takes the tables, or the same rows of each, and gives one answer a row on its first axis.
        tables: what it reads; half precision is widened a block at a time.
        axis: the axis of the tables that runs over rows or units.

    Example:
        >>> from querist.scores import entropy
        >>> in_blocks(entropy, torch.tensor([[1.0, 0.0], [0.5, 0.5]], dtype=torch.float16))
        tensor([0.0000, 0.6931])
    """
    blocks = list(row_blocks(*tables, axis=axis))
    parts = []
    for rows in blocks:
        parts.append(score(*(widened(table.narrow(axis, rows.start, rows.stop - rows.start)) for table in tables)))
        report("scoring", rows.stop, of=blocks[-1].stop)
    return parts[0] if len(parts) == 1 else torch.cat(parts)


def row_blocks(*tables: Tensor, axis: int = 0) -> Iterator[slice]:
    """Runs of rows of which all tables together hold about a tile of numbers; one empty run if there are no rows."""
    n = tables[0].shape[axis]
    step = block_rows(sum(table.numel() for table in tables) // max(1, n))
    for start in range(0, max(1, n), step):
        yield slice(start, min(start + step, n))


def block_rows(width: int) -> int:
    """Rows of ``width`` numbers that are looked at together, under the memory limit that holds here."""
    width = max(1, width)
    return max(1, Memory("a block of rows", None, held=0).tile(TILE, least=width) // width)


def widened(block: Tensor) -> Tensor:
    """The same numbers in float32 where they are in half precision or small whole ones."""
    return block if block.dtype in _WIDE else block.float()


def first_not_finite(table: Tensor, *, axis: int = 0) -> int | None:
    """The first row (or unit) that holds NaN or infinity; ``None`` if none does."""
    if not table.is_floating_point():
        return None
    for rows in row_blocks(table, axis=axis):
        block = table.narrow(axis, rows.start, rows.stop - rows.start)
        # A sum is finite only if all its parts are, and takes a small part of the time of a look at each.
        if bool(torch.isfinite(block.sum(dtype=torch.promote_types(block.dtype, torch.float32)))):
            continue
        bad = ~torch.isfinite(block.movedim(axis, 0).reshape(rows.stop - rows.start, -1)).all(1)
        if bool(bad.any()):
            return rows.start + int(torch.nonzero(bad)[0])
    return None


def first_no_distribution(probs: Tensor) -> int | None:
    """The first unit of ``[... u c]`` whose numbers are below 0, or sum to something else than one (NaN too)."""
    for units in row_blocks(probs, axis=-2):
        block = widened(probs.narrow(-2, units.start, units.stop - units.start))
        fine = ((block.sum(-1) - 1).abs() <= _OFF) & (block.amin(-1) >= 0)
        fine = fine.all(0) if fine.ndim > 1 else fine
        if not bool(fine.all()):
            return units.start + int(torch.nonzero(~fine)[0])
    return None
