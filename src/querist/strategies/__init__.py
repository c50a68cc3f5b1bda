"""Strategies: sentences that name their views and end in a selector. One published idea a file.

The folders are the survey's classes; the names are found from the files, so a new file is a new strategy:
``querist.strategies.Badge`` is the class in ``hybrid/badge.py``, registered ``badge``.
"""

from __future__ import annotations

from typing import Any

from querist.core.docstrings import FORMULA, NOT, USE, plain, sections
from querist.core.papers import papers, reference, spelled
from querist.core.registry import Registry

registry = Registry("strategy", __name__)


def __getattr__(name: str) -> Any:
    names = registry.class_names()
    if name in names:
        return registry[names[name]]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*registry.class_names(), "registry"])


def describe(name: str) -> dict[str, Any]:
    """What ``querist strategies --json`` prints of a strategy.

    Raises:
        UnknownName: no strategy is called that.

    Example:
        >>> describe("badge")["rows"], describe("badge")["file"]
        (['B4'], 'strategies/hybrid/badge.py')
    """
    cls = registry[name]
    strategy = cls()
    views = [type(view).__name__ for task in cls.tasks for view in strategy.needs_for(task)]
    module = registry.module_of(name).split(".")
    return {
        "name": name,
        "kind": cls.kind,
        "family": cls.family,
        "rows": list(cls.rows),
        "survey": cls.survey,
        "paper": cls.paper,
        "views": list(dict.fromkeys(views)),
        "tasks": list(cls.tasks),
        "cost": cls.cost,
        # Of this package the path in it, of a plug-in the path in its own.
        "file": "/".join(module[1:] if module[0] == "querist" else module) + ".py",
    }


def explain(name: str) -> dict[str, Any]:
    """What ``querist strategies --why NAME --json`` prints: :func:`describe`, and why one would choose it.

    Raises:
        UnknownName: no strategy is called that.

    Example:
        >>> explain("badge")["reference"].startswith("Ash, Jordan T.")
        True
    """
    cls = registry[name]
    said = sections(cls.__doc__)
    paper = papers().get(cls.paper)
    return describe(name) | {
        "what": spelled(plain(said[""])),
        "formula": plain(said.get(FORMULA, "")),
        "use_it_when": spelled(plain(said.get(USE, ""))),
        "not_when": spelled(plain(said.get(NOT, ""))),
        "reference": reference(paper, markdown=False) if paper else cls.paper,
    }
