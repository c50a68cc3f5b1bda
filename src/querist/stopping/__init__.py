"""When to stop asking. A rule never un-stops without new labels. The folder is the registry, as for strategies."""

from __future__ import annotations

from typing import Any

from querist.core.registry import Registry

registry = Registry("stopping rule", __name__, besides=("power_law", "spelling"))


def __getattr__(name: str) -> Any:
    names = registry.class_names()
    if name in names:
        return registry[names[name]]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*registry.class_names(), "registry"])
