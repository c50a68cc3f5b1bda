"""CROWDLAB: a classifier is one more annotator, and each voice is weighed by how often the others agree with it.

Paper: goh2022crowdlab. Known difference: ties of the majority that weighs the voices go to the class that the model
finds likelier, and then to the seed (the authors' program asks the frequency of classes and the annotators first).
Where no row has two votes nothing can be weighed: voices then count one each, the label is the vote and its chance the
model's, as that program has it. Cost: time and memory O(v + n c).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from querist.core.errors import DataError
from querist.core.types import Float, Generator, Int, Tensor
from querist.crowd.consensus import Consensus, consensus_of, mean_per_annotator
from querist.crowd.votes import Votes

_LEAST = 1e-6
"""The weight of a voice that is no better than a constant guess (the authors' program)."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Voices:
    """How much each voice counts.

    Args:
        annotators: one an annotator, the paper's ``w_j``, ``[a]``.
        model: the paper's ``w_M``.
        agreement: chance that a vote is the consensus, the paper's ``P``; ``None`` where no row has two votes.
    """

    annotators: Float[Tensor, "a"]
    model: float
    agreement: float | None


def crowdlab(votes: Votes, probs: Float[Tensor, "n c"], *, rng: Generator | None = None) -> Consensus:
    """The consensus of annotators and a model, a mean of what each of them believes.

    An annotator's vote is believed to be right with one chance that is the same for all; how much it counts depends on
    how often others gave the same answer to the same rows. The model counts by its agreement with majorities. So rows
    with one vote are checked by the model, and rows with many are left to the annotators.

    Args:
        votes: who said what.
        probs: the model's chances, from a training that had not seen the row where that can be had.
        rng: breaks ties; a generator with seed 0 if ``None``.

    Raises:
        DataError: ``probs`` of another shape than ``[n c]`` of the votes.

    Example:
        The model decides between two who disagree.

        >>> votes = Votes.from_table([[0, 1, 0], [0, 0, 0], [1, 1, -1], [0, -1, 1]])
        >>> model = torch.tensor([[0.9, 0.1], [0.8, 0.2], [0.2, 0.8], [0.1, 0.9]])
        >>> crowdlab(votes, model).labels.tolist()
        [0, 0, 1, 1]
    """
    refuse_other_shape(votes, probs)
    probs = probs.double()
    weights = voices(votes, probs, rng=rng)
    if weights.agreement is None:
        return _as_told(votes, probs, rng=rng)
    return consensus_of(votes, pooled(votes, probs, weights), rng=rng)


def voices(votes: Votes, probs: Float[Tensor, "n c"], *, rng: Generator | None = None) -> Voices:
    """The weights of annotators and model, from the rows that have two votes or more.

    An annotator's is ``1 - (1 - s_j) / (1 - A)``: ``s_j`` is how often others agree with him, ``A`` how often one
    constant guess would be the majority. The model's is the same of its agreement with majorities, times the root of
    the mean number of votes a row.
    """
    counts = votes.counts()
    given = counts.sum(1)
    many = given > 1
    if not bool(many.any()):
        return Voices(annotators=torch.ones(votes.a, dtype=torch.float64), model=1.0, agreement=None)
    # The model's chances are below one, so they settle ties between whole votes and nothing else.
    labels = consensus_of(votes, counts + probs.double() / 2, rng=rng).labels
    agree = counts.gather(1, labels[:, None])[:, 0]
    constant = float(labels[many].bincount(minlength=votes.c).max()) / int(many.sum())
    missed = max(1 - constant, _LEAST)

    others = given[votes.rows] - 1
    same = counts[votes.rows, votes.classes] - 1
    shared = votes.per_annotator(others)
    agreement = votes.per_annotator(same) / shared.clamp_min(1)
    agreement[shared == 0] = agreement[shared > 0].mean()
    right = float((probs[many].argmax(1) == labels[many]).double().mean())
    labelled = given[given > 0]
    return Voices(
        annotators=(1 - (1 - agreement) / missed).clamp_min(_LEAST),
        model=max(1 - (1 - right) / missed, _LEAST) * float(labelled.mean().sqrt()),
        agreement=float((agree[many] / given[many]).mean()),
    )


def pooled(votes: Votes, probs: Float[Tensor, "n c"], weights: Voices) -> Float[Tensor, "n c"]:
    """The weighted mean of what the model and each annotator of the row believe."""
    right = 1.0 if weights.agreement is None else weights.agreement
    wrong = (1 - right) / max(votes.c - 1, 1)
    weight = weights.annotators[votes.annotators]
    total = votes.per_row(weight)[:, None]
    beliefs = weights.model * probs.double() + wrong * total
    beliefs.view(-1).index_add_(0, votes.rows * votes.c + votes.classes, (right - wrong) * weight)
    return beliefs / (weights.model + total)


def refuse_other_shape(votes: Votes, probs: Tensor) -> None:
    """The model must speak of the rows and classes of the votes."""
    if tuple(probs.shape) != (votes.n, votes.c):
        raise DataError(
            f"the model's chances have the shape {list(probs.shape)}, the votes are of {votes.n} rows and "
            f"{votes.c} classes",
            hint="give [n c], a row and a class each",
        )


def _as_told(votes: Votes, probs: Float[Tensor, "n c"], *, rng: Generator | None) -> Consensus:
    """One vote a row at most: that is the label, and the model says how likely it is."""
    guessed = consensus_of(votes, probs, rng=rng)
    labels: Int[Tensor, "n"] = guessed.labels.index_copy(0, votes.rows, votes.classes)
    quality = mean_per_annotator(votes, probs[votes.rows, votes.classes])
    return Consensus(labels=labels, probs=probs, quality=quality)
