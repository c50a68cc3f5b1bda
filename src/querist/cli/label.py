"""``querist label``: a page on which people label, while a model learns and ranks what comes next."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer.models import Context

from querist.cli.console import Interrupted, print_json, say
from querist.cli.options import Json
from querist.core.errors import MissingExtra, UsageError
from querist.core.optional import installed

if TYPE_CHECKING:
    from querist.server.settings import LabelSettings

DATA_HELP = """A folder of pictures, a csv, jsonl or parquet file, [bold]digits[/bold], or KIND:PATH."""


def label(
    context: Context,
    data: Annotated[str, typer.Argument(metavar="PATH", help=DATA_HELP, show_default=False)],
    task: Annotated[str, typer.Option(help="classification or multilabel.")] = "classification",
    labels: Annotated[
        str | None, typer.Option(help="Classes in the order of the keys: cat,dog.", show_default="those in the data")
    ] = None,
    strategy: Annotated[str, typer.Option(help="Who chooses; 'querist strategies' lists them.")] = "auto",
    initial_strategy: Annotated[
        str, typer.Option(help="Who chooses before there is a model: typi_clust, cold_start, ...")
    ] = "typi_clust",
    model: Annotated[str | None, typer.Option(help="Model name; the data's default if not given.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="Project folder.", show_default="runs/label-PATH", writable=True)
    ] = None,
    db: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Database of a team, postgresql://...; a file if not given."),
    ] = None,
    host: Annotated[
        str, typer.Option(help="Address to listen on; any but this machine's own needs --users.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on; 0 takes a free one.")] = 8000,
    allow_host: Annotated[
        str | None, typer.Option(help="Names that people use for this machine: labels.lab.org.", show_default=False)
    ] = None,
    users: Annotated[
        str | None,
        typer.Option(help="People to let in, with roles: ann:admin,bob:reviewer,eve. Links are printed once."),
    ] = None,
    name: Annotated[str | None, typer.Option(help="Your name, where you work alone.", show_default="login")] = None,
    overlap: Annotated[int, typer.Option(help="People who answer a row of the overlapping share.")] = 1,
    on: Annotated[str, typer.Option(metavar="SHARE", help="Share of the rows that overlap.")] = "10%",
    held_out: Annotated[
        str, typer.Option(metavar="SHARE", help="Share of the rows (200 at most) that only measure the model.")
    ] = "10%",
    blind: Annotated[
        str, typer.Option(metavar="SHARE", help="Share of the rows whose suggestion is never shown; 10% or more.")
    ] = "10%",
    suggest: Annotated[
        str, typer.Option(help="Show what the model thinks: never, after or before you choose.")
    ] = "never",
    retrain_every: Annotated[int, typer.Option(help="Answers after which the model learns again.")] = 20,
    candidates: Annotated[
        int | None, typer.Option(metavar="N", help="Score a random N of the rows each time; all if not given.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Decides every draw.")] = 0,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open the page.")] = True,
    json: Json = False,
) -> None:
    """Label with one key a row; the model learns beside it. The same command again goes on."""
    for package in ("fastapi", "uvicorn"):
        if not installed(package):
            raise MissingExtra(package, "serve")
    from querist.server.serve import Address, Ready, serve
    from querist.server.services.project import located
    from querist.server.settings import FILE, LabelSettings

    where = located(data)
    folder = out if out is not None else default_out(where)
    wanted = LabelSettings(
        data=where,
        task=task,
        classes=_words(labels),
        strategy=strategy,
        initial_strategy=initial_strategy,
        model=model,
        seed=seed,
        overlap=overlap,
        overlap_share=share(on, "--on"),
        held_out=share(held_out, "--held-out"),
        blind=share(blind, "--blind"),
        suggest=suggest,
        retrain_every=retrain_every,
        candidates=candidates,
    )
    wanted.check()
    if (folder / FILE).exists():
        settings = LabelSettings.read(folder).continued(wanted, _given(context))
    else:
        settings = wanted if wanted.classes else _with_classes_of_the_data(wanted)
    address = Address(host=host, port=port, names=_words(allow_host))

    def ready(page: Ready) -> None:
        for note in page.notes:
            say(note)
        if json:
            told = {"run": str(folder), "url": page.url, "port": page.port, "classes": list(settings.classes)}
            print_json(told | {"links": page.links})
        else:
            print(f"label at {page.url}", flush=True)
            for who, link in page.links.items():
                print(f"{who}: {link}", flush=True)
        _flush()
        if browser and not users:
            _open(page.url)

    try:
        serve(folder, settings, address=address, ready=ready, alone=name or _login(), users=_people(users), db=db)
    except KeyboardInterrupt:
        raise Interrupted("stopped; the same command again goes on") from None


def share(text: str, option: str) -> float:
    """A share as written: 10% or 0.1.

    Raises:
        UsageError: it is none.

    Example:
        >>> share("10%", "--on"), share("0.25", "--on")
        (0.1, 0.25)
    """
    try:
        found = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        found = -1.0
    if not 0 <= found <= 1:
        raise UsageError(f"{option} is {text!r}", hint="give a share such as 10% or 0.1")
    return found


def default_out(data: str) -> Path:
    """The project folder of a person who named none.

    Example:
        >>> default_out("images:/home/ann/photos").as_posix()
        'runs/label-photos'
    """
    from querist.cli.run import default_out as run_folder

    name = run_folder(data, "").name.rstrip("-")
    return Path("runs") / f"label-{name}"


def _words(text: str | None) -> tuple[str, ...]:
    return tuple(word.strip() for word in (text or "").split(",") if word.strip())


def _people(text: str | None) -> list[tuple[str, str]]:
    """Names and roles; an annotator where no role is said."""
    return [(name, role or "annotator") for name, _, role in (word.partition(":") for word in _words(text))]


def _with_classes_of_the_data(settings: LabelSettings) -> LabelSettings:
    """The same settings with the classes that the data bring.

    Raises:
        DataError: they bring none.
    """
    from querist.pool.sources import open_pool

    _, classes = open_pool(settings.data, skip_bad=True).suggest_task()
    return replace(settings, classes=classes)


def _given(context: Context) -> frozenset[str]:
    """Settings that the person wrote, by their names in ``label.toml``."""
    names = {"labels": "classes", "on": "overlap_share"}
    written = [name for name in context.params if _is_written(context, name)]
    return frozenset(names.get(name, name) for name in written)


def _is_written(context: Context, name: str) -> bool:
    source = context.get_parameter_source(name)
    return source is not None and source.name not in ("DEFAULT", "DEFAULT_MAP")


def _login() -> str:
    """The name of who is logged in, as far as it may stand in a journal."""
    import getpass
    import re

    try:
        found = getpass.getuser()
    except (OSError, KeyError):
        found = ""
    return re.sub(r"[^\w.@-]", "-", found)[:64] or "me"


def _open(url: str) -> None:
    import webbrowser

    webbrowser.open(url)


def _flush() -> None:
    import sys

    sys.stdout.flush()


def export_project(run: Path, out: Path | None, format: str, *, db: str | None, as_json: bool) -> None:  # noqa: A002
    """``querist export`` for the folder of a labelling project, while it is served or not."""
    from querist.cli.export import default_name
    from querist.server.services.export import records
    from querist.server.services.project import Project
    from querist.server.settings import LabelSettings
    from querist.storage.labels_file import export_labels

    with Project(run, LabelSettings.read(run), db=db) as project:
        task = project.task
        file = run / default_name("labels", format, task.kind) if out is None else out
        count = export_labels(records(project), file, format=format, kind=task.kind, classes=task.classes)
    if as_json:
        print_json({"run": str(run), "campaign": "main", "format": format, "out": str(file), "labels": count})
    else:
        print(f"{count} labels: {file}")
