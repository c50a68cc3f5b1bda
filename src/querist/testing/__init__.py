"""What plug-ins and this package test themselves with: contract checks, toys with a planted answer, naive twins.

    from querist.testing import check_strategy
    check_strategy(MyStrategy)

runs the whole contract and raises at the first check that fails. For one test a check, see
:mod:`querist.testing.pytest_plugin`.
"""

from querist.testing.checks import (
    CheckFailed,
    check_score,
    check_selector,
    check_strategy,
    check_view,
)

__all__ = ["CheckFailed", "check_score", "check_selector", "check_strategy", "check_view"]
