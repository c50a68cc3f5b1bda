"""Contracts, one module a role. A check is a plain function of its subject; its name is the promise that it tests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from querist.testing.checks import adapter, oracle, score, selector, stopping, strategy, stream, task, view
from querist.testing.checks.base import Check, CheckFailed, checks_of, run_check
from querist.testing.model_case import ModelCase

__all__ = [
    "CheckFailed",
    "ModelCase",
    "check_adapter",
    "check_oracle",
    "check_score",
    "check_selector",
    "check_stopping",
    "check_strategy",
    "check_stream",
    "check_task",
    "check_view",
    "checks_for",
    "run_check",
]

_ROLES = {
    "strategy": strategy,
    "selector": selector,
    "score": score,
    "view": view,
    "adapter": adapter,
    "task": task,
    "oracle": oracle,
    "stopping": stopping,
    "stream": stream,
}


def checks_for(role: str) -> dict[str, Check]:
    """The checks of a role by name.

    Example:
        >>> "seed_decides" in checks_for("strategy")
        True
    """
    return checks_of(_ROLES[role])


def _check(role: str, subject: Any) -> None:
    for name, check in checks_for(role).items():
        run_check(check, subject, name=name, known_gaps=getattr(subject, "known_gaps", {}))


def check_strategy(cls: type) -> None:
    """Run the whole contract on a strategy class; gaps that it declares in ``known_gaps`` must be real.

    Raises:
        CheckFailed: a check fails, or a declared gap is none; says which.
    """
    _check("strategy", cls)


def check_selector(function: Callable[..., Any]) -> None:
    """Run the whole contract on a selector function.

    Raises:
        CheckFailed: a check fails; says which.
    """
    _check("selector", function)


def check_score(function: Callable[..., Any]) -> None:
    """Run the whole contract on a score function.

    Raises:
        CheckFailed: a check fails; says which.
    """
    _check("score", function)


def check_view(cls: type) -> None:
    """Run the whole contract on a view class.

    Raises:
        CheckFailed: a check fails; says which.
    """
    _check("view", cls)


def check_adapter(case: ModelCase) -> None:
    """Run the whole contract on a model adapter.

    Args:
        case: how it is made, and the modality and kind of task that it is tried on.

    Raises:
        CheckFailed: a check fails; says which.
    """
    _check("adapter", case)


def check_task(cls: type) -> None:
    """Run the whole contract on a task class.

    Raises:
        CheckFailed: a check fails; says which.
    """
    _check("task", cls)


def check_oracle(cls: type) -> None:
    """Run the whole contract on an oracle class.

    Raises:
        CheckFailed: a check fails; says which.
    """
    _check("oracle", cls)


def check_stopping(cls: type) -> None:
    """Run the whole contract on the class of a stopping rule.

    Raises:
        CheckFailed: a check fails; says which.
    """
    _check("stopping", cls)


def check_stream(cls: type) -> None:
    """Run the whole contract on the class of a stream policy.

    Raises:
        CheckFailed: a check fails; says which.
    """
    _check("stream", cls)
