"""``querist strategies``: what there is to choose with (and to ask), what it needs and what it costs."""

from __future__ import annotations

from itertools import groupby
from typing import Annotated, Any

import typer

from querist.cli.console import out, print_json
from querist.cli.options import Json
from querist.core.errors import UnknownName, UsageError


def strategies(
    family: Annotated[str | None, typer.Option(help="Only this family: uncertainty, bayesian, ...")] = None,
    task: Annotated[str | None, typer.Option(help="Only those with a meaning for this task.")] = None,
    why: Annotated[
        str | None, typer.Option(metavar="NAME", help="What this one does, when to use it and when not.")
    ] = None,
    json: Json = False,
) -> None:
    """Every strategy: name, family, survey section, paper, views, tasks, cost; oracles, streams and rules with them."""
    from querist.cli.served import others
    from querist.loop import advisor
    from querist.strategies import describe, explain, registry

    if why is not None:
        if family is not None or task is not None:
            raise UsageError("--why speaks of one strategy", hint="leave --family and --task out")
        said = advisor.explain() if why == advisor.AUTO else explain(why)
        if json:
            print_json(said)
        else:
            _print_why(said)
        return
    found = [*(describe(name) for name in registry), *others()]
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
    """A heading a family, and under it what each strategy reads, serves and costs: narrow enough for 80 columns."""
    from rich.markup import escape
    from rich.table import Table

    console = out()
    width = max(len(entry["name"]) for entry in found)
    for family, entries in groupby(sorted(found, key=_place), key=lambda entry: entry["family"]):
        table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
        table.add_column(no_wrap=True, min_width=width, style="bold")
        table.add_column()
        for entry in entries:
            source = ", ".join(part for part in (*entry["rows"], entry["survey"], entry["paper"]) if part)
            reads = escape(", ".join(entry["views"]) or "nothing")
            table.add_row(
                entry["name"],
                f"reads {reads}; for {', '.join(entry['tasks'])}\n{escape(entry['cost'])}\n[dim]{escape(source)}[/dim]",
            )
        console.print(f"[underline]{family}[/underline]")
        console.print(table)
        console.print()
    console.print("[dim]The last line of each: rows of the literature table, survey section, paper.[/dim]")
    count = sum(entry["kind"] not in ("oracle", "stream", "stopping") for entry in found)
    console.print(
        f"{count} strategies; use one with: querist run --strategy NAME (auto: by the labels so far)", markup=False
    )


def _print_why(said: dict[str, Any]) -> None:
    """One strategy in words: what it does, the formula, when and when not, what it costs, paper and file."""
    from rich.markup import escape

    console = out()
    place = ", ".join(part for part in (said["family"], *said["rows"]) if part)
    console.print(f"[bold]{said['name']}[/bold] [dim]({escape(place)})[/dim]\n")
    console.print(escape(said["what"]))
    for heading, text in (("Formula:", said["formula"]), ("Use it when", said["use_it_when"])):
        if text:
            console.print(f"\n[bold]{heading}[/bold] {escape(text)}")
    if said["not_when"]:
        console.print(f"\n[bold]Not when[/bold] {escape(said['not_when'])}")
    console.print(
        f"\n[bold]Reads[/bold] {escape(', '.join(said['views']) or 'nothing')}; for {', '.join(said['tasks'])}"
    )
    console.print(f"[bold]Costs[/bold] {escape(said['cost'])}")
    console.print(f"[bold]Paper:[/bold] {escape(said['reference'] or 'none, it is a baseline')}")
    console.print(f"[bold]File:[/bold] querist/{said['file']}", soft_wrap=True)


def _place(entry: dict[str, Any]) -> tuple[str, str]:
    return entry["family"], entry["name"]
