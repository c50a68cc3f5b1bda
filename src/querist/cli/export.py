"""``querist export``: the labels of a run as a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from querist.cli.campaign import Arm, Seed, opened
from querist.cli.console import print_json
from querist.cli.options import Json, RunFolder

Format = Annotated[str | None, typer.Option(help="csv, jsonl or parquet; taken from the file's ending if not given.")]


def export(
    run: RunFolder,
    format: Format = None,  # noqa: A002
    out: Annotated[Path | None, typer.Option(help="File to write.", show_default="RUN/labels.csv")] = None,
    arm: Arm = None,
    seed: Seed = None,
    db: Annotated[
        str | None, typer.Option(metavar="URL", help="Database of a labelling project, if it is no file.")
    ] = None,
    json: Json = False,
) -> None:
    """Write the labels of a run or a project: row, key, split, label, who gave it, in which round, and why."""
    from querist.pool.labels import LabelState
    from querist.storage.labels_file import export_labels, label_records

    name = format or format_of(out, "csv")
    file = out if out is not None else run / f"labels.{name}"
    if (run / "label.toml").exists():
        from querist.cli.label import export_project

        export_project(run, file, name, db=db, as_json=json)
        return
    with opened(run, arm, seed) as (bench, journal, campaign):
        state = LabelState(journal.events(campaign=campaign))
        given = ((row, state.label(row), tuple(state.answers(row))) for row in state.rows.tolist())
        pool = bench.pool
        records = label_records(journal, campaign, given, key=pool.key, split=lambda row: pool.split(row) or "")
        count = export_labels(records, file, format=name, kind=bench.task.kind)
    if json:
        print_json({"run": str(run), "campaign": campaign, "format": name, "out": str(file), "labels": count})
    else:
        print(f"{count} labels of {campaign}: {file}")


def format_of(file: Path | None, otherwise: str) -> str:
    """The format that a file's ending names; ``otherwise`` where there is no file or no ending.

    Example:
        >>> format_of(Path("labels.parquet"), "csv"), format_of(None, "csv")
        ('parquet', 'csv')
    """
    return file.suffix.removeprefix(".") if file is not None and file.suffix else otherwise
