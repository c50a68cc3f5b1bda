"""MACE: an annotator either knows the true class or does not look, and then says what he says when he does not look.

Paper: hovy2013learning (the maximum-likelihood variant with a small smoothing). Known differences: the frequencies of
the classes are learned, where the paper has them even; it starts once, from the shares of the votes, where the authors
start a hundred times at random and keep the likeliest; the variational variant is left out. Cost: a step takes O(v c)
time and memory.
"""

from __future__ import annotations

import math

import torch

from querist.core.types import Float, Generator, Tensor
from querist.crowd.consensus import Consensus, consensus_of
from querist.crowd.expectation import Habits, expected_classes, log_density, log_shares, refuse_negative
from querist.crowd.majority import majority
from querist.crowd.votes import Votes


def mace(
    votes: Votes, *, smoothing: float = 0.01, steps: int = 100, tolerance: float = 1e-7, rng: Generator | None = None
) -> Consensus:
    """The consensus under which the votes are likeliest, if some annotators click without looking.

    Each has a chance not to look and a habit of what to click then. Who always names the same class is found out even
    where that class is frequent, which one number an annotator cannot do, with ``c`` numbers to learn and not ``c^2``.

    Args:
        votes: who said what.
        smoothing: answers with a look, answers without one, and clicks on each class that every annotator is lent (and
            rows that each class is).
        steps: of expectation and maximisation, at most.
        tolerance: ends when a step raises the log-likelihood by less than this a vote.
        rng: breaks ties; a generator with seed 0 if ``None``.

    Raises:
        UsageError: negative smoothing, or no steps.

    Example:
        The third always says 0, also where the others agree on something else.

        >>> said = mace(Votes.from_table([[0, 0, 0], [1, 1, 0], [1, 1, 0], [0, 0, 0], [1, -1, 0]]))
        >>> said.labels.tolist(), bool(said.quality[2] < said.quality[0])
        ([0, 1, 1, 0, 1], True)
    """
    refuse_negative(smoothing, "mace")
    c, device = votes.c, votes.rows.device
    named = votes.classes[:, None] == torch.arange(c, device=device)
    # Everybody looks half of the time and clicks evenly, until the first step knows better.
    looks = torch.full((votes.a, 2), math.log(0.5), dtype=torch.float64, device=device)
    clicks = torch.full((votes.a, c), -math.log(c), dtype=torch.float64, device=device)

    def maximise(probs: Float[Tensor, "n c"]) -> Habits:
        nonlocal looks, clicks
        looked, missed = looks[votes.annotators].unbind(-1)
        click = missed + clicks[votes.annotators, votes.classes]
        # A vote beside the true class was a click; one for it may have been either.
        knew = probs[votes.rows, votes.classes] * (looked - torch.logaddexp(looked, click)).exp()
        blind = votes.per_annotator((1 - knew)[:, None] * named)
        looks = log_shares(torch.stack([votes.per_annotator(knew), blind.sum(-1)], -1) + smoothing)
        clicks = log_shares(blind + smoothing)
        looked, missed = looks[votes.annotators].unbind(-1)
        click = missed + clicks[votes.annotators, votes.classes]
        said = torch.logaddexp(looked, click)[:, None].where(named, click[:, None])
        prior = log_shares(probs.sum(0) + smoothing)
        return prior, said, sum(log_density(logs, smoothing) for logs in (looks, clicks, prior))

    probs, likelihoods = expected_classes(
        votes, maximise, name="mace", start=majority(votes).probs, steps=steps, tolerance=tolerance
    )
    eye = torch.eye(c, dtype=torch.float64, device=device)
    confusion = looks[:, 0].exp()[:, None, None] * eye + (looks[:, 1:] + clicks).exp()[:, None, :]
    return consensus_of(votes, probs, rng=rng, confusion=confusion, likelihoods=likelihoods)
