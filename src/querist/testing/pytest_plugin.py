"""One test a check, for strategies, selectors, scores and views of outside packages.

In ``conftest.py``::

    pytest_plugins = ["querist.testing.pytest_plugin"]

and in a test module::

    @pytest.mark.querist(MyStrategy, MyOtherStrategy)
    def test_contract(querist_check):
        querist_check()

The ids read ``MyStrategy-seed_decides``, so ``-k`` finds them. For selectors and the like name the role:
``@pytest.mark.querist(my_selector, role="selector")``.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest

from querist.testing.checks import checks_for, run_check


def pytest_configure(config: pytest.Config) -> None:
    """Register the mark, for runs with strict marks."""
    config.addinivalue_line("markers", "querist(*subjects, role='strategy'): run the contract of a role on subjects")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make one case of every subject and check."""
    if "querist_check" not in metafunc.fixturenames:
        return
    mark = metafunc.definition.get_closest_marker("querist")
    if mark is None:
        raise pytest.UsageError(f"{metafunc.function.__name__} uses querist_check: mark it with pytest.mark.querist")
    cases = [
        pytest.param(
            partial(run_check, check, subject, name=name, known_gaps=getattr(subject, "known_gaps", {})),
            id=f"{subject.__name__}-{name}",
        )
        for subject in mark.args
        for name, check in checks_for(mark.kwargs.get("role", "strategy")).items()
    ]
    metafunc.parametrize("querist_check", cases)


@pytest.fixture
def querist_check(request: pytest.FixtureRequest) -> Callable[[], None]:
    """Runs one check of the contract on one subject."""
    return request.param
