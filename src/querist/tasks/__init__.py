"""Tasks: what a label is, what a network's output means, and how good an answer is. One file a task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from querist.core.registry import Registry

if TYPE_CHECKING:
    from querist.tasks.base import Task

registry = Registry("task", __name__, besides=("aggregate", "calibration", "metrics"))


def make_task(kind: str, classes: Sequence[str] = ()) -> Task:
    """The task registered as ``kind``.

    Args:
        kind: classification, multilabel, regression or tokens.
        classes: class (or tag) names in the order of the network's outputs; none for regression.

    Raises:
        UnknownName: no such task; the nearest name is suggested.
        UsageError: no classes, or one of them twice.

    Example:
        >>> make_task("classification", ["cat", "dog"])
        Classification(classes=('cat', 'dog'))
    """
    task: Task = registry[kind](tuple(classes))
    return task


def from_state(state: Mapping[str, Any]) -> Task:
    """The task that :meth:`Task.to_state <querist.tasks.base.Task.to_state>` wrote.

    Example:
        >>> from_state(make_task("regression").to_state())
        Regression(classes=())
    """
    return make_task(state["kind"], state["classes"])


def __getattr__(name: str) -> Any:
    names = registry.class_names()
    if name in names:
        return registry[names[name]]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*registry.class_names(), "from_state", "make_task", "registry"])
