"""``querist import``: labels from a file into a run's journal."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from querist.cli.campaign import Arm, Seed, opened
from querist.cli.console import print_json
from querist.cli.export import Format, format_of
from querist.cli.options import Json, RunFolder


def import_(
    run: RunFolder,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Labels as 'querist export' writes them.")],
    format: Format = None,  # noqa: A002
    arm: Arm = None,
    seed: Seed = None,
    json: Json = False,
) -> None:
    """Read labels from a file into a run. All of them are checked first; a file read twice counts once."""
    from querist.storage.labels_file import import_labels, label_events
    from querist.storage.lock import locked

    name = format or format_of(file, "csv")
    with opened(run, arm, seed) as (bench, journal, campaign), locked(run):
        records = import_labels(file, format=name, kind=bench.task.kind)
        rows = bench.pool.rows("train").tolist()
        events = label_events(
            records,
            campaign=campaign,
            row_of={bench.pool.key(row): row for row in rows},
            rows=set(rows),
            check=bench.task.encode,
        )
        last = max((event.seq or 0 for event in journal.events()), default=0)
        new = sum((event.seq or 0) > last for event in journal.append(events))
    if json:
        print_json({"run": str(run), "campaign": campaign, "file": str(file), "labels": len(events), "new": new})
    else:
        print(f"{len(events)} labels of {file} for {campaign}, {new} of them new")
