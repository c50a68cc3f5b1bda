"""Agreed labels: what the answers to each row mean, for training and for strategies. A fold of label state alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from querist.core.errors import UnknownName, UsageError
from querist.crowd import Consensus, Votes, dawid_skene, mace, one_coin
from querist.pool.labels import LabelState
from querist.tasks.base import Label, Task

METHODS: dict[str, Callable[[Votes], Consensus]] = {"dawid_skene": dawid_skene, "mace": mace, "one_coin": one_coin}
"""Beside ``majority``, which needs no classes and is what :meth:`LabelState.label` says."""


def agreed_labels(state: LabelState, task: Task, *, how: str = "majority") -> list[Label]:
    """One label a labelled row, in the order of ``state.rows``.

    Raises:
        UnknownName: no consensus is called ``how``.
        UsageError: it reads classes, and the task has none.
    """
    rows = state.rows.tolist()
    if how == "majority":
        return [state.label(row) for row in rows]
    if how not in METHODS:
        raise UnknownName("consensus", how, ["majority", *METHODS])
    if task.kind != "classification":
        raise UsageError(f"{how} has no meaning for the task {task.kind}", hint="use majority")
    if not rows:
        return []
    return [task.classes[pos] for pos in METHODS[how](votes_of(state, task)).labels.tolist()]


def votes_of(state: LabelState, task: Task) -> Votes:
    """Who said what of the labelled rows, in the order of ``state.rows``."""
    answers: list[dict[str, Any]] = [
        {name: task.decode(task.encode(label)) for name, label in state.answers(row).items()}
        for row in state.rows.tolist()
    ]
    return Votes.from_answers(answers, classes=task.classes)
