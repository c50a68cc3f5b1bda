"""Contracts, one module a role. A check is a plain function of its subject; its name is the promise that it tests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from querist.testing.checks import score, selector, strategy, view
from querist.testing.checks.base import Check, CheckFailed, checks_of, run_check

__all__ = [
    "CheckFailed",
    "check_score",
    "check_selector",
    "check_strategy",
    "check_view",
    "checks_for",
    "run_check",
]

_ROLES = {"strategy": strategy, "selector": selector, "score": score, "view": view}


def checks_for(role: str) -> dict[str, Check]:
    """The checks of a role by name.

    Example:
        >>> "seed_decides" in checks_for("strategy")
        True
    """
    return checks_of(_ROLES[role])


def check_strategy(cls: type) -> None:
    """Run the whole contract on a strategy class; gaps that it declares in ``known_gaps`` must be real.

    Raises:
        CheckFailed: a check fails, or a declared gap is none; says which.
    """
    for name, check in checks_for("strategy").items():
        run_check(check, cls, name=name, known_gaps=cls.known_gaps)  # type: ignore[attr-defined]


def check_selector(function: Callable[..., Any]) -> None:
    """Run the whole contract on a selector function.

    Raises:
        CheckFailed: a check fails; says which.
    """
    for name, check in checks_for("selector").items():
        run_check(check, function, name=name)


def check_score(function: Callable[..., Any]) -> None:
    """Run the whole contract on a score function.

    Raises:
        CheckFailed: a check fails; says which.
    """
    for name, check in checks_for("score").items():
        run_check(check, function, name=name)


def check_view(cls: type) -> None:
    """Run the whole contract on a view class.

    Raises:
        CheckFailed: a check fails; says which.
    """
    for name, check in checks_for("view").items():
        run_check(check, cls, name=name)
