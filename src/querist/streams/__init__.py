"""Streams: whether to ask for the label of a sample that passes once. The folder is the registry, as for strategies."""

from __future__ import annotations

from typing import Any

from querist.core.registry import Registry

registry = Registry("stream policy", __name__, besides=("allowance",))


def __getattr__(name: str) -> Any:
    names = registry.class_names()
    if name in names:
        return registry[names[name]]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*registry.class_names(), "registry"])
