"""Consensus: the label of each row, how sure it is, and how good each annotator is."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from querist.core.rng import generator
from querist.core.types import Float, Generator, Int, Tensor
from querist.crowd.votes import Votes

_EQUAL = 1e-9
"""Probabilities that differ by less are tied: sums in another order differ by more than nothing."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Consensus:
    """What votes say together.

    Args:
        labels: class position of each row, ``[n]``.
        probs: chance of each class, ``[n c]``.
        quality: share of each annotator's votes that is right, as ``probs`` have it, ``[a]``; who never voted has the
            mean of the others.
        confusion: chance that an annotator says a class (last axis) where another is true, ``[a c c]``; ``None`` where
            the method has no such thing.
        likelihoods: log-likelihood of the votes after each step (with the log-density of the smoothing, if there is
            any); empty where nothing is iterated.
    """

    labels: Int[Tensor, "n"]
    probs: Float[Tensor, "n c"]
    quality: Float[Tensor, "a"]
    confusion: Float[Tensor, "a c c"] | None = None
    likelihoods: tuple[float, ...] = ()

    @property
    def confidence(self) -> Float[Tensor, "n"]:
        """Chance that the label is right."""
        return self.probs.gather(1, self.labels[:, None])[:, 0]


def consensus_of(
    votes: Votes,
    probs: Float[Tensor, "n c"],
    *,
    rng: Generator | None,
    confusion: Float[Tensor, "a c c"] | None = None,
    likelihoods: tuple[float, ...] = (),
) -> Consensus:
    """A consensus by the highest probability; the seed decides ties, and position never does."""
    tied = probs >= probs.amax(1, keepdim=True) - _EQUAL
    drawn = torch.rand(probs.shape, generator=generator(0) if rng is None else rng).to(probs.device)
    return Consensus(
        labels=drawn.masked_fill_(~tied, -1.0).argmax(1),
        probs=probs,
        quality=mean_per_annotator(votes, probs[votes.rows, votes.classes]),
        confusion=confusion,
        likelihoods=likelihoods,
    )


def mean_per_annotator(votes: Votes, values: Float[Tensor, "v"]) -> Float[Tensor, "a"]:
    """The mean over each annotator's votes; the mean of these means for annotators without votes."""
    sums, given = votes.per_annotator(values), votes.per_annotator(torch.ones_like(values))
    means = sums / given.clamp_min(1)
    if bool((given > 0).any()):
        means[given == 0] = means[given > 0].mean()
    return means
