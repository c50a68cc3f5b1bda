"""One coin: each annotator is right with one chance, and errs evenly among the other classes.

Paper: the model of dawid1979maximum with one number an annotator, as zhang2014spectral call it. Known difference: the
frequencies of the classes are learned too. Cost: a step takes O(v c) time and memory.
"""

from __future__ import annotations

import torch

from querist.core.types import Float, Generator, Tensor
from querist.crowd.consensus import Consensus, consensus_of, mean_per_annotator
from querist.crowd.expectation import Habits, expected_classes, log_density, log_shares, refuse_negative
from querist.crowd.majority import majority
from querist.crowd.votes import Votes


def one_coin(
    votes: Votes, *, smoothing: float = 0.0, steps: int = 100, tolerance: float = 1e-7, rng: Generator | None = None
) -> Consensus:
    """The consensus under which the votes are likeliest, if an annotator's errors are of no particular sort.

    One number an annotator can be learned from a few dozen votes, where a confusion matrix cannot. Names of classes
    mean nothing to it: exchanged classes give an exchanged consensus.

    Args:
        votes: who said what.
        smoothing: right and wrong answers (``c - 1`` times as many) that each annotator is lent.
        steps: of expectation and maximisation, at most.
        tolerance: ends when a step raises the log-likelihood by less than this a vote.
        rng: breaks ties; a generator with seed 0 if ``None``.

    Raises:
        UsageError: negative smoothing, or no steps.

    Example:
        Two who always agree outvote two who agree with nobody.

        >>> table = [[0, 0, 1, 2], [1, 1, 2, 0], [2, 2, 0, 1], [0, 0, 2, 1], [1, -1, 2, 2]]
        >>> said = one_coin(Votes.from_table(table))
        >>> said.labels.tolist(), said.quality.round(decimals=2).tolist()
        ([0, 1, 2, 0, 1], [1.0, 1.0, 0.0, 0.0])
    """
    refuse_negative(smoothing, "one_coin")
    others = max(votes.c - 1, 1)
    given = votes.per_annotator(torch.ones(len(votes), dtype=torch.float64, device=votes.rows.device))
    classes = torch.arange(votes.c, device=votes.rows.device)
    named = votes.classes[:, None] == classes

    def maximise(probs: Float[Tensor, "n c"]) -> Habits:
        hits = mean_per_annotator(votes, probs[votes.rows, votes.classes]) * given
        counts = torch.stack([hits + smoothing, given - hits + smoothing * others], -1)
        logs = log_shares(counts)
        logs[:, 1] -= torch.tensor(others, dtype=torch.float64).log()
        found["coins"] = logs.exp()
        prior = log_shares(probs.sum(0) + smoothing)
        right, wrong = logs[votes.annotators].unbind(-1)
        density = log_density(logs[:, 0], smoothing) + others * log_density(logs[:, 1], smoothing)
        return prior, right[:, None].where(named, wrong[:, None]), density + log_density(prior, smoothing)

    found: dict[str, Tensor] = {}
    probs, likelihoods = expected_classes(
        votes, maximise, name="one_coin", start=majority(votes).probs, steps=steps, tolerance=tolerance
    )
    right, wrong = found["coins"][:, :, None, None].unbind(1)
    confusion = right.where(torch.eye(votes.c, dtype=torch.bool, device=probs.device), wrong)
    return consensus_of(votes, probs, rng=rng, confusion=confusion, likelihoods=likelihoods)
