"""What serves a row of the literature and is no strategy: oracles and the consensus of their votes, streams, rules."""

from __future__ import annotations

from typing import Any


def others() -> list[dict[str, Any]]:
    """The same facts about each of them that ``querist strategies --json`` tells of a strategy."""
    from querist import oracles, stopping, streams

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
    for name in streams.registry:
        policy = streams.registry[name]
        module = streams.registry.module_of(name).split(".")
        found.append(
            _entry(
                name,
                module,
                kind="stream",
                survey=policy.survey,
                rows=policy.rows,
                paper=policy.paper,
                tasks=("classification",),
                cost="time and memory O(c) a sample",
            )
        )
    for name in stopping.registry:
        rule = stopping.registry[name]
        if rule.rows:
            module = stopping.registry.module_of(name).split(".")
            cost = "time O(m c) a round for m rows of the stop set"
            found.append(
                _entry(
                    name,
                    module,
                    kind="stopping",
                    survey="",
                    rows=rule.rows,
                    paper=rule.paper,
                    tasks=rule.tasks,
                    cost=cost,
                )
            )
    return found


def _entry(
    name: str,
    module: list[str],
    *,
    rows: tuple[str, ...],
    paper: str,
    tasks: tuple[str, ...],
    cost: str,
    kind: str = "oracle",
    survey: str = "5",
) -> dict[str, Any]:
    return {
        "name": name,
        "kind": kind,
        "family": kind,
        "rows": list(rows),
        "survey": survey,
        "paper": paper,
        "views": [],
        "tasks": list(tasks),
        "cost": cost,
        "file": "/".join(module[1:] if module[0] == "querist" else module) + ".py",
    }
