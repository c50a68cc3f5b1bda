"""Expectation and maximisation: true classes and annotators' habits in turn, until neither changes."""

from __future__ import annotations

from collections.abc import Callable

import torch

from querist.core.errors import UsageError
from querist.core.progress import report
from querist.core.types import Float, Tensor
from querist.crowd.votes import Votes

Habits = tuple[Float[Tensor, "c"], Float[Tensor, "v c"], float]
"""Log chance of each class, log chance of each vote where each class is true, and log-density of the habits."""


def expected_classes(
    votes: Votes,
    maximise: Callable[[Float[Tensor, "n c"]], Habits],
    *,
    name: str,
    start: Float[Tensor, "n c"],
    steps: int,
    tolerance: float,
) -> tuple[Float[Tensor, "n c"], tuple[float, ...]]:
    """Chance of each class of each row, and what was maximised after each step: it never falls.

    Args:
        votes: who said what.
        maximise: the habits that make the votes likeliest, for given chances of the classes.
        name: for progress and errors.
        start: chances of the classes to begin with.
        steps: at most so many.
        tolerance: ends when a step raises the log-likelihood by less than this a vote.

    Raises:
        UsageError: no steps.
    """
    if steps < 1:
        raise UsageError(f"{name} was given {steps} steps", hint="give 1 or more")
    probs, reached = start, []
    for step in range(steps):
        report(name, step, of=steps)
        prior, said, density = maximise(probs)
        joint = votes.per_row(said) + prior
        total = joint.logsumexp(1, keepdim=True)
        probs = (joint - total).exp()
        reached.append(float(total.sum()) + density)
        if step and reached[-1] - reached[-2] < tolerance * max(len(votes), 1):
            break
    return probs, tuple(reached)


def log_shares(counts: Float[Tensor, "*x c"]) -> Float[Tensor, "*x c"]:
    """Logarithms of the shares along the last axis; even ones where nothing was counted."""
    total = counts.sum(-1, keepdim=True)
    even = torch.full_like(counts, 1 / counts.shape[-1])
    return (counts / total).where(total > 0, even).log()


def log_density(logs: Tensor, smoothing: float) -> float:
    """Log-density (up to a constant) of shares under a Dirichlet law that adds ``smoothing`` to every count."""
    return smoothing * float(logs.sum()) if smoothing else 0.0


def refuse_negative(smoothing: float, name: str) -> None:
    """Counts cannot become negative."""
    if not smoothing >= 0:
        raise UsageError(f"{name} cannot smooth by {smoothing}", hint="use 0 or more")
