"""MaxDet: ask for the rows that a linear model on the embeddings would know least about, one after another.

Paper: holzmuller2023framework, MaxDet in mode P, greedy as in chen2018fast. Known differences: the last layer's bias
is left out of the kernel, and features are not sketched, because the factor takes one vector a pick and not one number
a row. Cost: one forward pass, then an incremental Cholesky factorisation in feature space.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch

from querist.core.types import Float, Generator, Int, Tensor
from querist.selectors.max_det import max_det, max_det_variances
from querist.strategies.base import Strategy
from querist.views.base import Positions, View
from querist.views.embeddings import Embeddings


@dataclass(frozen=True, kw_only=True)
class MaxDet(Strategy):
    """Greedy determinant of the embeddings' kernel, given the labelled rows.

    The answer of a last layer at a row is a product with its embedding. Given labels at other rows, what is still
    uncertain about it is the part of the embedding that theirs do not span; the batch with the largest determinant
    is the one whose labels together fix most of the layer.

    Formula:
        ``argmax_S det(Z_S (I + Z_L^T Z_L / noise)^-1 Z_S^T + noise I)``, greedily; ``Z`` are embeddings, ``L`` labelled

    Use it when:
        the model ends in a linear layer on good features (regression on frozen embeddings), batches are smaller than
        the embedding is wide, and noise is low: it is then the choice of a Gaussian process with that kernel.

    Not when:
        the pool has outliers: long embeddings are asked first. Beyond the embedding's width every direction is taken,
        and only the noise decides.

    Args:
        noise: variance of a label, in mean squared lengths of an embedding.

    Example:
        >>> from querist.views import Snapshot
        >>> snapshot = Snapshot.from_arrays(embeddings=[[3.0, 0.0], [2.0, 0.1], [0.0, 1.0]], labelled=[0])
        >>> MaxDet()(snapshot, k=1).tolist()
        [2]
    """

    noise: float = 1e-6

    family: ClassVar = "hybrid"
    paper: ClassVar = "holzmuller2023framework"
    survey: ClassVar = "3.1.2"
    cost: ClassVar = "time O(n (m + k) d), memory O(n + (m + k) d)"
    tasks: ClassVar = ("classification", "multilabel", "regression", "tokens")

    def needs(self) -> tuple[View, ...]:
        return (Embeddings(),)

    def pick(self, embeddings: Float[Tensor, "n d"], *, at: Positions, k: int, rng: Generator) -> Int[Tensor, "k"]:
        return max_det(embeddings, k=k, labelled=at.labelled, candidates=at.candidates, rng=rng, noise=self.noise)

    def pick_with_reasons(
        self, embeddings: Float[Tensor, "n d"], *, at: Positions, k: int, rng: Generator
    ) -> tuple[Tensor, list[str]]:
        picked, variances = max_det_variances(
            embeddings, k=k, labelled=at.labelled, candidates=at.candidates, rng=rng, noise=self.noise
        )
        lengths = embeddings[picked].double().square().sum(-1)
        shares = (variances / lengths.clamp_min(torch.finfo(torch.float64).tiny)).clamp(0, 1)
        return picked, [f"{share:.3g} of its embedding is not spanned by rows known or asked" for share in shares]
