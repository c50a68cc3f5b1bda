"""The first batch, before any label: every strategy that needs neither labels nor a trained model.

It sees what the model's adapter gives as raw inputs: the features of an encoder that no label trains, where there is
one (``Frozen``), and else the inputs themselves as vectors. They stand in the place of embeddings.
"""

from __future__ import annotations

import torch

from querist import strategies
from querist.core.errors import UsageError
from querist.strategies.base import Strategy
from querist.views.embeddings import Embeddings
from querist.views.labels import Labels
from querist.views.raw import Raw
from querist.views.snapshot import Snapshot


def initial_strategy(initial: str | Strategy, task: str | None = None) -> Strategy:
    """The strategy that asks for the first rows.

    Args:
        initial: registered name, or a strategy with options of its own.
        task: kind of task; any that the strategy serves if ``None``.

    Raises:
        UnknownName: no strategy is called that.
        UsageError: it needs labels or a trained model, or has no meaning for the task.

    Example:
        >>> initial_strategy("typi_clust").neighbours
        20
    """
    strategy: Strategy = strategies.registry[initial]() if isinstance(initial, str) else initial
    name = initial if isinstance(initial, str) else type(initial).__name__
    if task is not None and task not in strategy.tasks:
        raise UsageError(f"{name} has no meaning for the task {task}", hint=f"it serves {', '.join(strategy.tasks)}")
    if not _is_model_free(strategy, task):
        raise UsageError(
            f"{name} needs a trained model, so it cannot ask for the first rows",
            hint=f"choose one of {', '.join(model_free(task))}",
        )
    return strategy


def model_free(task: str | None = None) -> tuple[str, ...]:
    """Names of the strategies that can ask for the first rows of a kind of task; of any if ``None``.

    Example:
        >>> {"random", "cold_start", "typi_clust", "core_set"} <= set(model_free()), "badge" in model_free()
        (True, False)
    """
    return tuple(name for name in strategies.registry if _is_model_free(strategies.registry[name](), task))


def raw_as_embeddings(snapshot: Snapshot) -> Snapshot:
    """The same table, with the raw inputs in the place of the embeddings that no model has made yet."""
    raw = snapshot[Raw()]
    unknown = torch.full((snapshot.at.n,), -1, dtype=torch.long)
    return Snapshot(at=snapshot.at, answers={Embeddings(): raw, Raw(): raw, Labels(): unknown}, rows=snapshot.rows)


def _is_model_free(strategy: Strategy, task: str | None) -> bool:
    if strategy.needs_labels:
        return False
    views = [strategy.needs_at_first(kind) for kind in strategy.tasks if task in (None, kind)]
    return any(all(view in (Embeddings(), Raw(), Labels()) for view in needed) for needed in views)
