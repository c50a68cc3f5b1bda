"""``querist strategies``: what there is to choose with, what it needs and what it costs."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from querist.cli.console import out, print_json
from querist.cli.options import Json
from querist.core.errors import UnknownName


def strategies(
    family: Annotated[str | None, typer.Option(help="Only this family: uncertainty, bayesian, ...")] = None,
    task: Annotated[str | None, typer.Option(help="Only those with a meaning for this task.")] = None,
    json: Json = False,
) -> None:
    """Every strategy: name, family, survey section, paper, views, tasks, cost."""
    from querist.strategies import describe, registry

    found = [describe(name) for name in registry]
    for asked, kind, known in (
        (family, "family", {entry["family"] for entry in found}),
        (task, "task of a strategy", {each for entry in found for each in entry["tasks"]}),
    ):
        if asked is not None and asked not in known:
            raise UnknownName(kind, asked, known)
    found = [
        entry
        for entry in found
        if (family is None or entry["family"] == family) and (task is None or task in entry["tasks"])
    ]
    if json:
        print_json(found)
    else:
        _print_table(found)


def _print_table(found: list[dict[str, Any]]) -> None:
    from rich.markup import escape
    from rich.table import Table

    table = Table("strategy", "family", "reads", "tasks", show_lines=True)
    for entry in sorted(found, key=lambda entry: (entry["family"], entry["name"])):
        source = ", ".join(part for part in (*entry["rows"], entry["survey"], entry["paper"]) if part)
        table.add_row(
            f"[bold]{entry['name']}[/bold]\n[dim]{escape(source)}[/dim]",
            entry["family"],
            f"{escape(', '.join(entry['views']) or 'nothing')}\n[dim]{escape(entry['cost'])}[/dim]",
            ", ".join(entry["tasks"]),
        )
    console = out()
    console.print(table)
    console.print(
        "[dim]Under the name: rows of the literature table, survey section, paper. Under the views: cost.[/dim]"
    )
    console.print(f"{len(found)} strategies; use one with: querist run --strategy NAME", markup=False)
