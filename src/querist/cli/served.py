"""What serves a row of the literature and is no strategy: oracles, and the consensus of their votes."""

from __future__ import annotations

from typing import Any


def others() -> list[dict[str, Any]]:
    """The same facts about each of them that ``querist strategies --json`` tells of a strategy."""
    from querist import oracles

    found = []
    for name in oracles.registry:
        cls = oracles.registry[name]
        if cls.rows:
            module = oracles.registry.module_of(name).split(".")
            found.append(_entry(name, module, rows=cls.rows, paper=cls.paper, tasks=cls.tasks, cost=cls.cost))
    found.append(
        _entry(
            "dawid_skene",
            ["querist", "crowd", "dawid_skene"],
            rows=("S51",),
            paper="dawid1979maximum",
            tasks=("classification",),
            cost="time and memory O(v c + a c^2) a step, for v votes of a annotators",
        )
    )
    return found


def _entry(
    name: str, module: list[str], *, rows: tuple[str, ...], paper: str, tasks: tuple[str, ...], cost: str
) -> dict[str, Any]:
    return {
        "name": name,
        "kind": "oracle",
        "family": "oracle",
        "rows": list(rows),
        "survey": "5",
        "paper": paper,
        "views": [],
        "tasks": list(tasks),
        "cost": cost,
        "file": "/".join(module[1:] if module[0] == "querist" else module) + ".py",
    }
