"""Majority: the class that most annotators name.

Cost: time and memory O(v + n c).
"""

from __future__ import annotations

from querist.core.types import Generator
from querist.crowd.consensus import Consensus, consensus_of
from querist.crowd.votes import Votes


def majority(votes: Votes, *, rng: Generator | None = None) -> Consensus:
    """One annotator, one vote: nobody is known to be better than another.

    The probability of a class is its share of the row's votes, and even where there are none.

    Args:
        votes: who said what.
        rng: breaks ties; a generator with seed 0 if ``None``.

    Example:
        >>> said = majority(Votes.from_table([[0, 0, 1], [1, 1, 1]]))
        >>> said.labels.tolist(), [round(share, 2) for share in said.confidence.tolist()]
        ([0, 1], [0.67, 1.0])
    """
    counts = votes.counts()
    given = counts.sum(1, keepdim=True)
    probs = (counts / given.clamp_min(1)).where(given > 0, 1 / votes.c)
    return consensus_of(votes, probs, rng=rng)
