"""Interval estimate threshold (IEThresh): ask those who may still be the best, and no others.

Paper: donmez2009efficiently. ``epsilon`` and ``confidence`` are another public program's, as are the first rewards: the
paper was not at hand. Cost: time O(v + n c).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from scipy import stats

from querist.core.errors import UsageError
from querist.core.types import Float, Generator, Int, Tensor
from querist.crowd.majority import majority
from querist.crowd.votes import Votes


@dataclass(frozen=True, kw_only=True, eq=False)
class Trusted:
    """Whom to ask next.

    Args:
        annotators: positions of those above the threshold, the best bound first, ``[q]``.
        bounds: upper end of the interval of each annotator's accuracy, ``[a]``.
    """

    annotators: Int[Tensor, "q"]
    bounds: Float[Tensor, "a"]


def interval_threshold(
    votes: Votes, *, epsilon: float = 0.8, confidence: float = 0.95, rng: Generator | None = None
) -> Trusted:
    """Annotators whose accuracy may, within its interval, be nearly that of the best.

    Each answer is rewarded by 1 where it is the majority's and by 0 where it is not. Who has answered little has a wide
    interval and is asked again, who has answered much and badly is not: trying out and making use in one rule.

    Formula:
        ``{j: U_j >= epsilon max U}``, ``U_j = m_j + t s_j / sqrt(n_j)``: mean and deviation of the ``n_j`` rewards,
        with the critical value ``t`` of Student's law at ``n_j - 1`` degrees

    Args:
        votes: who said what.
        epsilon: share of the best bound that is enough; 1 asks the best alone, 0 everybody.
        confidence: of the intervals, two-sided.
        rng: breaks ties of the majority; a generator with seed 0 if ``None``.

    Raises:
        UsageError: ``epsilon`` or ``confidence`` out of range, or no annotators.

    Example:
        >>> table = [[0, 0, 0, 1], [1, 1, 1, 0], [0, 0, 0, 1], [1, 1, -1, 0]]
        >>> interval_threshold(Votes.from_table(table)).annotators.tolist()
        [2, 0, 1]
    """
    if not 0 <= epsilon <= 1 or not 0 < confidence < 1 or not votes.a:
        raise UsageError(
            f"annotators cannot be chosen with epsilon {epsilon}, confidence {confidence} and {votes.a} of them",
            hint="use epsilon 0 to 1, confidence between 0 and 1, and one annotator or more",
        )
    agreed = (votes.classes == majority(votes, rng=rng).labels[votes.rows]).double()
    # Everybody begins with one reward and one failure, so no interval is a point or without end.
    given = votes.per_annotator(torch.ones_like(agreed)) + 2
    means = (votes.per_annotator(agreed) + 1) / given
    deviations = (given * means * (1 - means) / (given - 1)).sqrt()
    critical = torch.from_numpy(stats.t.ppf((1 + confidence) / 2, (given - 1).cpu().numpy())).to(given.device)
    bounds = means + critical * deviations / given.sqrt()
    best = bounds.argsort(descending=True, stable=True)
    return Trusted(annotators=best[bounds[best] >= epsilon * bounds.max()], bounds=bounds)
