"""Farthest first (FF-Active, FF-Comp): walk through the data by always going where nobody has been.

Paper: geifman2017deep. Known difference: none in the traversal; it is the greedy k-center that sener2018coreset
found independently, so its picks are those of ``core_set``, under the name and with the compression of this paper.
Cost: one forward pass, then k-center.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from querist.core.types import Generator, Int, Tensor
from querist.selectors.k_center import k_center
from querist.strategies.density.core_set import CoreSet


@dataclass(frozen=True, kw_only=True)
class FarthestFirst(CoreSet):
    """FF-Active: farthest-first traversal of the representation layer, started from the labelled rows.

    Rare kinds of rows lie far from the common ones, so the traversal reaches the long tail that random draws miss.

    Formula:
        ``argmax_x min_{l in L + S} |z(x) - z(l)|``, pick after pick into ``S``

    Use it when:
        rare kinds of rows matter (the long tail of geifman2017deep), or a large labelled set must be cut down to the
        rows that stand for all of it: :func:`compress`.

    Not when:
        the rare rows are only noise: the traversal takes the odd ones first, and with few labels nothing else
        (yehuda2022active).

    Example:
        >>> from querist.views import Snapshot
        >>> snapshot = Snapshot.from_arrays(embeddings=[[0.0], [1.0], [7.0], [10.0]], labelled=[0])
        >>> FarthestFirst()(snapshot, k=2).tolist()
        [3, 2]
    """

    rows: ClassVar = ("D1",)
    paper: ClassVar = "geifman2017deep"


def compress(embeddings: Any, *, k: int, rng: Generator | None = None) -> Int[Tensor, "k"]:
    """FF-Comp: the ``k`` rows of a labelled set that stand for all of it, in traversal order.

    Args:
        embeddings: representation-layer activations of the labelled set, ``[m d]``.
        k: rows to keep. A shorter compression is the beginning of a longer one.
        rng: draws the first row; a generator with seed 0 if ``None``.

    Example:
        >>> import torch
        >>> sorted(compress(torch.tensor([[0.0], [0.1], [5.0], [5.1]]), k=2).tolist()) in ([0, 3], [1, 3], [0, 2])
        True
    """
    return k_center(embeddings, k=k, rng=rng)
