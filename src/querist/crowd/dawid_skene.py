"""Dawid-Skene: each annotator has a confusion matrix, and the true classes are inferred together with it.

Paper: dawid1979maximum, whose steps and start (the shares of the votes) these are. Known difference: ``smoothing``,
which the paper has not; 0 is the paper's. Cost: a step takes O(v c + a c^2) time and memory.
"""

from __future__ import annotations

import torch

from querist.core.types import Float, Generator, Tensor
from querist.crowd.consensus import Consensus, consensus_of
from querist.crowd.expectation import Habits, expected_classes, log_density, log_shares, refuse_negative
from querist.crowd.majority import majority
from querist.crowd.votes import Votes


def dawid_skene(
    votes: Votes, *, smoothing: float = 0.0, steps: int = 100, tolerance: float = 1e-7, rng: Generator | None = None
) -> Consensus:
    """The consensus under which the votes are likeliest, if annotators err independently and each in his own way.

    Annotators who contradict most others are found out, and what they mean is read through their confusion: who always
    takes cats for dogs is as good a witness as one who is right. Each matrix has ``c (c - 1)`` numbers to learn, so it
    takes many votes an annotator; with few of them :func:`one_coin` is safer, or some ``smoothing``.

    Args:
        votes: who said what.
        smoothing: added to every count of every matrix (and to those of the classes).
        steps: of expectation and maximisation, at most.
        tolerance: ends when a step raises the log-likelihood by less than this a vote.
        rng: breaks ties; a generator with seed 0 if ``None``.

    Raises:
        UsageError: negative smoothing, or no steps.

    Example:
        Ann and Bob are right, Cid turns everything around: even alone, what he says is understood.

        >>> table = [[0, 0, 1], [1, 1, 0], [0, 0, 1], [1, 1, 0], [-1, -1, 1]]
        >>> said = dawid_skene(Votes.from_table(table))
        >>> said.labels.tolist(), said.confusion[2].round(decimals=2).tolist()
        ([0, 1, 0, 1, 0], [[0.0, 1.0], [1.0, 0.0]])
    """
    refuse_negative(smoothing, "dawid_skene")
    a, c = votes.a, votes.c
    cells = (votes.annotators[:, None] * c + torch.arange(c, device=votes.rows.device)) * c + votes.classes[:, None]

    def maximise(probs: Float[Tensor, "n c"]) -> Habits:
        counts = torch.full((a * c * c,), smoothing, dtype=torch.float64, device=probs.device)
        counts.index_add_(0, cells.flatten(), probs[votes.rows].flatten())
        matrices = log_shares(counts.view(a, c, c))
        prior = log_shares(probs.sum(0) + smoothing)
        found["confusion"] = matrices.exp()
        density = log_density(matrices, smoothing) + log_density(prior, smoothing)
        return prior, matrices.flatten()[cells], density

    found: dict[str, Tensor] = {}
    probs, likelihoods = expected_classes(
        votes, maximise, name="dawid_skene", start=majority(votes).probs, steps=steps, tolerance=tolerance
    )
    return consensus_of(votes, probs, rng=rng, confusion=found["confusion"], likelihoods=likelihoods)
