"""The first batch, before any model: strategies that need none, on the inputs as they are."""

from __future__ import annotations

from querist import strategies
from querist.core.errors import UsageError
from querist.strategies.base import Strategy
from querist.views.embeddings import Embeddings
from querist.views.raw import Raw
from querist.views.snapshot import Snapshot

MODEL_FREE = ("random", "core_set", "farthest_first", "diverse_mini_batch")
"""Strategies that have a meaning on raw inputs, with no labels and no model."""


def initial_strategy(name: str) -> Strategy:
    """The strategy that asks for the first rows.

    Raises:
        UsageError: it needs a trained model.
    """
    strategy: Strategy = strategies.registry[name]()
    if name not in MODEL_FREE:
        raise UsageError(
            f"{name} needs a trained model, so it cannot ask for the first rows",
            hint=f"choose one of {', '.join(MODEL_FREE)}",
        )
    return strategy


def raw_as_embeddings(snapshot: Snapshot) -> Snapshot:
    """The same table, with the raw inputs in the place of the embeddings that no model has made yet."""
    return Snapshot(at=snapshot.at, answers={Embeddings(): snapshot[Raw()]}, rows=snapshot.rows)
