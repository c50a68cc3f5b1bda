"""What serves a row of the literature and is no strategy: oracles and the consensus of their votes, streams, rules."""

from __future__ import annotations

from typing import Any


def others() -> list[dict[str, Any]]:
    """The same facts about each of them that ``querist strategies --json`` tells of a strategy."""
    from querist import oracles, stopping, streams

    found = []
    for kind, registry in (("oracle", oracles.registry), ("stream", streams.registry), ("stopping", stopping.registry)):
        for name in registry:
            cls = registry[name]
            if cls.rows:
                # Facts that all of a kind share stand here, the others on the class.
                tasks = ("classification",) if kind == "stream" else cls.tasks
                module = registry.module_of(name)
                found.append(
                    _entry(name, module, kind, rows=cls.rows, paper=cls.paper, tasks=tasks, cost=_cost(cls, kind))
                )
    found.append(
        _entry(
            "dawid_skene",
            "querist.crowd.dawid_skene",
            "oracle",
            rows=("S51",),
            paper="dawid1979maximum",
            tasks=("classification",),
            cost="time and memory O(v c + a c^2) a step, for v votes of a annotators",
        )
    )
    return found


_SURVEY = {"oracle": "5", "stream": "1.2", "stopping": ""}


def _cost(cls: Any, kind: str) -> str:
    shared = {"stream": "time and memory O(c) a sample", "stopping": "time O(m c) a round for m rows of the stop set"}
    return str(cls.cost) if kind == "oracle" else shared[kind]


def _entry(
    name: str, module: str, kind: str, *, rows: tuple[str, ...], paper: str, tasks: tuple[str, ...], cost: str
) -> dict[str, Any]:
    return {
        "name": name,
        "kind": kind,
        "family": kind,
        "rows": list(rows),
        "survey": _SURVEY[kind],
        "paper": paper,
        "views": [],
        "tasks": list(tasks),
        "cost": cost,
        "file": module.removeprefix("querist.").replace(".", "/") + ".py",
    }
