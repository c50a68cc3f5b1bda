"""What plug-ins and this package test themselves with: contract checks, toys with a planted answer, naive twins.

    from querist.testing import check_strategy
    check_strategy(MyStrategy)

runs the whole contract and raises at the first check that fails. For one test a check, see
:mod:`querist.testing.pytest_plugin`.
"""

from querist.testing.checks import (
    CheckFailed,
    ModelCase,
    check_adapter,
    check_oracle,
    check_score,
    check_selector,
    check_stopping,
    check_strategy,
    check_stream,
    check_task,
    check_view,
)

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
]
