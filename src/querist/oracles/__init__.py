"""Oracles answer queries: known labels, noisy and costly annotators, models that leave what they doubt to people.

The folder is the registry: ``simulated.py`` holds ``Simulated``, found as ``querist.oracles.Simulated``.
"""

from __future__ import annotations

from typing import Any

from querist.core.registry import Registry

registry = Registry("oracle", __name__, besides=("endpoint",))


def __getattr__(name: str) -> Any:
    names = registry.class_names()
    if name in names:
        return registry[names[name]]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*registry.class_names(), "registry"])
