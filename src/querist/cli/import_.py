"""``querist import``: labels from a file into a run's journal."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from querist.cli.campaign import Arm, Seed, opened
from querist.cli.console import print_json
from querist.cli.export import Format
from querist.cli.options import Json, RunFolder

if TYPE_CHECKING:
    from querist.loop.workbench import Workbench
    from querist.storage.formats.base import LabelRecord


def import_(
    run: RunFolder,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Labels; a folder for yolo and voc.")],
    format: Format = None,  # noqa: A002
    arm: Arm = None,
    seed: Seed = None,
    json: Json = False,
) -> None:
    """Read labels from a file into a run. All of them are checked first; a file read twice counts once."""
    from querist.storage.formats.capabilities import guessed
    from querist.storage.labels_file import import_labels, label_events
    from querist.storage.lock import locked

    name = format or guessed(file)
    with opened(run, arm, seed) as (bench, journal, campaign), locked(run):
        records = import_labels(file, format=name, kind=bench.task.kind)
        rows = bench.pool.rows("train").tolist()
        events = label_events(
            records,
            campaign=campaign,
            row_of={bench.pool.key(row): row for row in rows},
            rows=set(rows),
            check=bench.task.encode,
            fits=_fitting(bench),
        )
        last = max((event.seq or 0 for event in journal.events()), default=0)
        new = sum((event.seq or 0) > last for event in journal.append(events))
    if json:
        print_json({"run": str(run), "campaign": campaign, "file": str(file), "labels": len(events), "new": new})
    else:
        print(f"{len(events)} labels of {file} for {campaign}, {new} of them new")


def _fitting(bench: Workbench) -> Callable[[int, LabelRecord], None] | None:
    """What refuses a record that is about another text than that of its row; pictures and tables cannot be told so."""
    from querist.core.errors import DataError

    if bench.pool.modality not in ("text", "tokens"):
        return None

    def fits(row: int, record: LabelRecord) -> None:
        ours = bench.pool[row]
        bench.task.check(ours, record.label)
        if record.payload is not None and record.payload != (ours if isinstance(ours, str) else list(ours)):
            raise DataError(f"the text is not that of row {row}", hint="check that the file is about these data")

    return fits
