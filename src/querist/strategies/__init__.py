"""Strategies: sentences that name their views and end in a selector. One published idea a file.

The folders are the survey's classes; the names are found from the files, so a new file is a new strategy:
``querist.strategies.Badge`` is the class in ``hybrid/badge.py``, registered ``badge``.
"""

from __future__ import annotations

from typing import Any

from querist.core.registry import Registry

registry = Registry("strategy", __name__)


def __getattr__(name: str) -> Any:
    names = registry.class_names()
    if name in names:
        return registry[names[name]]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*registry.class_names(), "registry"])
