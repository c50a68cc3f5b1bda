"""Robust core-set: the batch that leaves no row far from a labelled one, but for a few outliers.

Paper: sener2018coreset, with the mixed-integer step that refines the greedy answer. Known differences: those of
:func:`~querist.selectors.robust_k_center`: HiGHS, and a coreset of the pool where that is large. The authors' gain over
the greedy core-set was small. Cost: one forward pass, greedy k-center, and a search that ends after ``timeout_s``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from querist.core.types import Float, Generator, Int, Tensor
from querist.selectors.robust_k_center import robust_k_center, robust_k_center_cover
from querist.strategies.base import Strategy
from querist.views.base import Positions, View
from querist.views.embeddings import Embeddings


@dataclass(frozen=True, kw_only=True)
class RobustCoreSet(Strategy):
    """The best k-center that can be found on embeddings; a share of the rows may stay uncovered.

    The bound on the loss that core-set rests on holds for the radius at which rows are covered, so a smaller radius is
    a better batch, and greedy k-center may be off by a factor of two. It also asks for the farthest rows first, which
    are outliers; here they are left out, as far as ``outliers`` allows.

    Formula:
        ``min_{|S| = k} r`` such that all rows but a share ``outliers`` have ``min_{l in L + S} |z(x) - z(l)| <= r``

    Use it when:
        you would use ``core_set`` and can wait some seconds a batch, above all where a few odd rows would draw its
        picks: set ``outliers`` to their share. Batches must be smaller than ``coreset``.

    Not when:
        the plain greedy answer will do: the authors' gain over it was small, and the search takes up to ``timeout_s``.
        It shares core-set's blindness: with few labels no radius is small enough to mean anything (yehuda2022active),
        and it sees no boundary between classes.

    Args:
        outliers: share of the candidates that may stay uncovered.
        coreset: rows that the integer programme sees at most; a batch must be smaller.
        timeout_s: seconds for the search, after which the best so far is asked (each reason says so).

    Example:
        >>> from querist.views import Snapshot
        >>> z = [[0.0], [1.0], [2.0], [10.0], [11.0], [12.0], [99.0]]
        >>> sorted(RobustCoreSet(outliers=0.2)(Snapshot.from_arrays(embeddings=z), k=2).tolist())
        [1, 4]
    """

    outliers: float = 1e-4
    coreset: int = 1000
    timeout_s: float = 10.0

    rows: ClassVar = ("D3",)
    family: ClassVar = "density"
    paper: ClassVar = "sener2018coreset"
    survey: ClassVar = "3.1.4"
    cost: ClassVar = "time O(n (m + coreset) d) and timeout_s, memory O(n + coreset (d + coreset))"
    tasks: ClassVar = ("classification", "multilabel", "regression", "tokens")
    deterministic: ClassVar = False  # of sets that cover alike the seed takes one

    def needs(self) -> tuple[View, ...]:
        return (Embeddings(),)

    def pick(self, embeddings: Float[Tensor, "n d"], *, at: Positions, k: int, rng: Generator) -> Int[Tensor, "k"]:
        return robust_k_center(
            embeddings,
            k=k,
            labelled=at.labelled,
            candidates=at.candidates,
            rng=rng,
            outliers=self.outliers,
            coreset=self.coreset,
            timeout_s=self.timeout_s,
        )

    def pick_with_reasons(
        self, embeddings: Float[Tensor, "n d"], *, at: Positions, k: int, rng: Generator
    ) -> tuple[Tensor, list[str]]:
        cover = robust_k_center_cover(
            embeddings,
            k=k,
            labelled=at.labelled,
            candidates=at.candidates,
            rng=rng,
            outliers=self.outliers,
            coreset=self.coreset,
            timeout_s=self.timeout_s,
        )
        whom = f"all but {cover.left_out} rows" if cover.left_out else "all rows"
        sure = "" if cover.proven else "; the time ran out, there may be better ones"
        reason = f"one of {k} that leave {whom} within {cover.radius:.3g} (greedy k-center: {cover.greedy:.3g}){sure}"
        return cover.picked, [reason] * k
