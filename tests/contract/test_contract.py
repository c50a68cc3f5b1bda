"""Discovery x checks: what the folders hold keeps its role's contract. Adapters are in test_adapters.py."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest

import querist.oracles
import querist.scores
import querist.selectors
import querist.stopping
import querist.streams
import querist.views
from querist.core.registry import camel_case
from querist.oracles import registry as oracles
from querist.stopping import registry as stopping
from querist.strategies import registry
from querist.streams import registry as streams
from querist.tasks import registry as tasks
from querist.testing.checks import checks_for, run_check
from querist.views import View


def _held(package: ModuleType, name_of: Any) -> Iterator[Any]:
    """What each file of a package holds under its own name."""
    for info in pkgutil.iter_modules(package.__path__):
        module = importlib.import_module(f"{package.__name__}.{info.name}")
        held = getattr(module, name_of(info.name), None)
        if held is not None:
            yield held


def subjects() -> dict[str, list[Any]]:
    views = _held(querist.views, camel_case)
    return {
        "strategy": [registry[name] for name in registry],
        "selector": [held for held in _held(querist.selectors, str) if inspect.isfunction(held)],
        "score": [held for held in _held(querist.scores, str) if inspect.isfunction(held)],
        "view": [held for held in views if inspect.isclass(held) and issubclass(held, View) and held is not View],
        "task": [tasks[name] for name in tasks],
        "oracle": [oracles[name] for name in oracles],
        "stopping": [stopping[name] for name in stopping],
        "stream": [streams[name] for name in streams],
    }


SUBJECTS = subjects()
CASES = [
    pytest.param(role, subject, name, id=f"{role}-{subject.__name__}-{name}")
    for role, found in SUBJECTS.items()
    for subject in found
    for name in checks_for(role)
]


@pytest.mark.parametrize(("role", "subject", "check"), CASES)
def test_keeps_contract(role: str, subject: Any, check: str) -> None:
    run_check(checks_for(role)[check], subject, name=check, known_gaps=getattr(subject, "known_gaps", {}))


def test_collected_enough() -> None:
    """Discovery that finds too little would pass everything."""
    least = {"strategy": (48, 19), "selector": (20, 13), "score": (15, 6), "view": (14, 4)}
    least |= {"task": (4, 12), "oracle": (4, 5), "stopping": (11, 10), "stream": (6, 7)}
    assert set(least) == set(SUBJECTS)
    for role, (found, checks) in least.items():
        assert len(SUBJECTS[role]) >= found, role
        assert len(checks_for(role)) >= checks, role
    assert len(CASES) == sum(len(SUBJECTS[role]) * len(checks_for(role)) for role in SUBJECTS)
    assert len(CASES) >= 1350
    ids = [case.id for case in CASES]
    assert len(set(ids)) == len(ids)


def test_declared_gaps_name_checks() -> None:
    """A gap with a misspelt name would hide nothing, and nobody would notice."""
    for role in ("strategy", "selector"):
        for subject in SUBJECTS[role]:
            assert set(getattr(subject, "known_gaps", {})) <= set(checks_for(role)), subject.__name__


@pytest.mark.parametrize("package", [querist.scores, querist.selectors], ids=lambda package: package.__name__)
def test_packages_export_what_their_files_hold(package: ModuleType) -> None:
    held = [function for function in _held(package, str) if inspect.isfunction(function)]
    assert {function.__name__ for function in held} <= set(package.__all__)
    # The names of functions and files are the same, and importing a file must not hide its function.
    assert all(getattr(package, function.__name__) is function for function in held)


@pytest.mark.parametrize(
    "package", [querist.oracles, querist.stopping, querist.streams], ids=lambda package: package.__name__
)
def test_folders_are_registries(package: ModuleType) -> None:
    for name in package.registry:
        assert getattr(package, camel_case(name)) is package.registry[name]
        assert camel_case(name) in dir(package)
    with pytest.raises(AttributeError, match="NoSuchThing"):
        package.NoSuchThing  # noqa: B018
