"""``querist predict``: label and probability of every row, from a run's final model."""

from __future__ import annotations

import csv
import io
import json as json_text
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO

import typer

from querist.cli.campaign import Arm, Seed, chosen
from querist.cli.console import print_json, say
from querist.cli.options import Json, Label, RunFolder, SkipBad, Split, Text
from querist.core.errors import DataError, UsageError

if TYPE_CHECKING:
    import numpy as np

    from querist.loop.session import Session
    from querist.pool.pool import Pool

FORMATS = (".csv", ".parquet")


def predict(
    run: RunFolder,
    data: Annotated[
        str | None,
        typer.Argument(metavar="DATA", help="New data, as for 'querist run'; the rest of the run's pool if not given."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="FILE.csv or FILE.parquet.", show_default="RUN/predictions.csv")
    ] = None,
    arm: Arm = None,
    seed: Seed = None,
    text: Text = None,
    label: Label = None,
    split: Split = None,
    skip_bad: SkipBad = False,
    json: Json = False,
) -> None:
    """Label and probability of every row: the rest of the pool, or new data."""
    file = out if out is not None else run / "predictions.csv"
    if file.suffix not in FORMATS:
        raise UsageError(f"--out {file} has no known ending", hint=f"use one of {', '.join(FORMATS)}")
    if out is not None and not out.absolute().parent.is_dir():
        raise UsageError(f"the folder of --out {file} is not there", hint="make it first")

    import numpy as np

    from querist.loop.run import load_result, load_session
    from querist.pool.sources import open_pool

    arm, seed = chosen(load_result(run).settings, arm, seed)
    session = load_session(run, arm=arm, seed=seed)
    if not session.adapter.version:
        raise DataError(f"{run} has no trained model yet", hint=f"finish it: querist run --out {run} --resume")
    pool, rows = session.pool, session.unlabelled
    if data is not None:
        pool = open_pool(data, text=text, label=label, split=split, like=session.pool.columns, skip_bad=skip_bad)
        rows = np.arange(len(pool), dtype=np.int64)
        if pool.modality != session.pool.modality:
            raise DataError(
                f"{data} holds {pool.modality} rows, this run was trained on {session.pool.modality}",
                hint="give data of the same kind",
            )
        for note in pool.notes:
            say(note)
    write(file, session, pool, rows)
    summary = {"run": str(run), "data": data or session.pool.name, "task": session.task.kind, "rows": len(rows)}
    if json:
        print_json({**summary, "out": str(file)})
    else:
        print(f"{len(rows)} rows of {summary['data']}: {file}")


def write(file: Path, session: Session, pool: Pool, rows: np.ndarray) -> None:
    """Predict ``rows`` of ``pool`` and write them; the file appears whole or not at all."""
    from querist.storage.atomic import atomic_write

    labels, probabilities = answers(session, pool, rows) if len(rows) else ([], [])
    columns: dict[str, list[Any]] = {
        "row": [int(row) for row in rows],
        "key": [pool.key(int(row)) for row in rows],
        "label": list(labels),
        "probability": list(probabilities),
    }
    with atomic_write(file) as stream:
        (_write_csv if file.suffix == ".csv" else _write_parquet)(stream, columns)


def answers(session: Session, pool: Pool, rows: np.ndarray) -> tuple[Sequence[Any], Sequence[float | None]]:
    """The label of each row, and the probability that all of it is right.

    A row of several units (tokens, classes of a multilabel row) is right when each of them is; their probabilities
    are multiplied, as if the units were independent. A regression has values and no probability.
    """
    from querist.tasks.aggregate import per_row

    found, offsets = session.adapter.predict(pool, rows)
    labels = session.task.decide(found, offsets)
    if found.ndim == 1:
        return labels, [None] * len(rows)
    sure = found.max(dim=-1).values
    if offsets is not None:
        sure = per_row(sure.log(), offsets, how="sum").exp()
    return labels, [round(float(value), 6) for value in sure]


def _write_csv(stream: BinaryIO, columns: dict[str, list[Any]]) -> None:
    text = io.TextIOWrapper(stream, encoding="utf-8", newline="")
    writer = csv.writer(text)
    writer.writerow(columns)
    writer.writerows(_cells(columns))
    text.detach()  # flushes, and leaves the file open for its owner


def _cells(columns: dict[str, list[Any]]) -> Iterator[list[Any]]:
    """Lines of a CSV file; lists (tags, several classes) are JSON, nothing is an empty cell."""
    for values in zip(*columns.values(), strict=True):
        yield [json_text.dumps(value, ensure_ascii=False) if isinstance(value, list) else value for value in values]


def _write_parquet(stream: BinaryIO, columns: dict[str, list[Any]]) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    table = pa.table({**columns, "probability": pa.array(columns["probability"], pa.float64())})
    parquet.write_table(table, stream)
