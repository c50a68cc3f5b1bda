"""``querist export``: the labels of a run as a file, or one file of labels as another."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from querist.cli.campaign import Arm, Seed, opened
from querist.cli.console import print_json
from querist.cli.options import Json

if TYPE_CHECKING:
    from querist.storage.formats.base import LabelRecord

Format = Annotated[
    str | None,
    typer.Option(
        help="csv, jsonl, parquet, coco, yolo, voc, conll or label-studio; told by the file if not given.",
        show_default=False,
    ),
]


def export(
    run: Annotated[
        Path,
        typer.Argument(
            metavar="RUN",
            help="Folder that 'querist run' wrote, or labels to turn into another format.",
            show_default=False,
        ),
    ],
    format: Format = None,  # noqa: A002
    out: Annotated[
        Path | None, typer.Option(help="File to write; a folder for yolo and voc.", show_default="RUN/labels.csv")
    ] = None,
    arm: Arm = None,
    seed: Seed = None,
    task: Annotated[
        str | None,
        typer.Option(
            metavar="KIND",
            help="What the labels are, where RUN is a file or folder of labels: boxes, spans, ...",
            show_default=False,
        ),
    ] = None,
    db: Annotated[
        str | None, typer.Option(metavar="URL", help="Database of a labelling project, if it is no file.")
    ] = None,
    json: Json = False,
) -> None:
    """Write the labels of a run or a project: row, key, split, label, who gave it, in which round, and why."""
    from querist.core.errors import UsageError
    from querist.storage.formats.capabilities import guessed
    from querist.storage.labels_file import export_labels

    if task is None and run.is_file():
        raise UsageError(
            f"{run} is a file, and no run", hint="say what its labels are with --task, to turn them into another format"
        )
    name = format or guessed(out)
    if (run / "label.toml").exists():
        from querist.cli.label import export_project

        export_project(run, out, name, db=db, as_json=json)
        return
    if task is not None:
        file = out if out is not None else run.with_name(default_name(run.stem, name, task))
        said = {"source": str(run), "task": task}
        count = export_labels(_records_of(run, task), file, format=name, kind=task)
    else:
        count, campaign, file = _run_exported(run, name, out, arm, seed)
        said = {"run": str(run), "campaign": campaign}
    if json:
        print_json({**said, "format": name, "out": str(file), "labels": count})
    else:
        print(f"{count} labels of {said.get('campaign', run)}: {file}")


def _run_exported(run: Path, name: str, out: Path | None, arm: str | None, seed: int | None) -> tuple[int, str, Path]:
    """How many labels of a run were written, of which campaign, and where."""
    from querist.pool.labels import LabelState
    from querist.storage.labels_file import export_labels, label_records

    with opened(run, arm, seed) as (bench, journal, campaign):
        file = out if out is not None else run / default_name("labels", name, bench.task.kind)
        state = LabelState(journal.events(campaign=campaign))
        given = ((row, state.label(row), tuple(state.answers(row))) for row in state.rows.tolist())
        pool = bench.pool
        records = label_records(
            journal,
            campaign,
            given,
            key=pool.key,
            split=lambda row: pool.split(row) or "",
            payload=lambda row: pool[row] if pool.modality in ("text", "tokens") else None,
        )
        count = export_labels(records, file, format=name, kind=bench.task.kind, classes=bench.task.classes)
    return count, campaign, file


def default_name(stem: str, name: str, kind: str) -> str:
    """What an export is called: by its ending, and by its format where that says more.

    Example:
        >>> default_name("labels", "csv", "boxes"), default_name("labels", "yolo", "boxes")
        ('labels.csv', 'labels-yolo')
    """
    from querist.storage.formats.capabilities import format_of

    suffix = format_of(name, kind=kind).suffix
    return f"{stem}{suffix}" if suffix == f".{name}" else f"{stem}-{name}{suffix}"


def _records_of(source: Path, kind: str) -> list[LabelRecord]:
    """The records of a file of labels, each row once."""
    from querist.core.errors import DataError
    from querist.storage.formats.capabilities import guessed
    from querist.storage.labels_file import import_labels

    records = import_labels(source, format=guessed(source), kind=kind)
    seen: dict[str | int | None, LabelRecord] = {}
    for record in records:
        first = seen.setdefault(record.key or record.row, record)
        if first is not record:
            name = f"the key {record.key!r}" if record.key else f"row {record.row}"
            raise DataError(f"{first.place} and {record.place} both have {name}", hint="keep one of them")
    return records
