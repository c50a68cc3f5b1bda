"""``querist select``: picks from files that were computed elsewhere."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from querist.cli import options as shared
from querist.cli.console import print_json, say

if TYPE_CHECKING:
    from querist.cli.rows_file import Ids
    from querist.cli.tables import Tables
    from querist.strategies.base import Picks, Strategy


def select(
    strategy: shared.Strategy,
    budget: Annotated[int, typer.Option(help="How many rows to pick.", show_default=False)],
    embeddings: shared.Embeddings = None,
    probs: shared.Probs = None,
    logits: shared.Logits = None,
    prob_samples: shared.ProbSamples = None,
    predictions: shared.Predictions = None,
    prediction_samples: shared.PredictionSamples = None,
    perturbations: shared.Perturbations = None,
    head: shared.Head = None,
    target: shared.Target = None,
    labelled: shared.Labelled = None,
    labels: shared.Labels = None,
    answers: shared.Answers = None,
    overlap: shared.Overlap = 1,
    candidates: shared.Candidates = None,
    ids: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="What you call the rows, for the picks to carry; the column id (or row) of Parquet if not given.",
            show_default=False,
        ),
    ] = None,
    settings: shared.Set = None,
    seed: shared.Draws = 0,
    memory_mb: shared.MemoryMb = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="FILE.csv, .json or .txt; rows go to standard output if not given."),
    ] = None,
    json: shared.Json = False,
) -> None:
    """Picks from files computed elsewhere: npy, npz and Parquet, larger than memory too; FILE:NAME names a part."""
    from querist.cli.chooser import advised, chooser
    from querist.cli.picks import Selection, print_selection, refuse_unwritable, write_picks
    from querist.cli.progress import work_shown
    from querist.cli.tables import open_tables
    from querist.core.errors import UsageError
    from querist.core.resident import forget_peak, peak_mb

    if out is not None:
        refuse_unwritable(out)
    who = None if strategy == "auto" else chooser(strategy, settings or ())
    if who is None and settings:
        raise UsageError("--set sets options of a strategy, and auto has none", hint="name a strategy")
    given = {
        "embeddings": embeddings,
        "probs": probs,
        "logits": logits,
        "prob_samples": prob_samples,
        "predictions": predictions,
        "prediction_samples": prediction_samples,
        "perturbations": perturbations,
    }
    forget_peak()
    started = time.perf_counter()
    with work_shown():
        tables = open_tables(
            given,
            head=head,
            target=target,
            labelled=labelled,
            labels=labels,
            answers=answers,
            overlap=overlap,
            candidates=candidates,
            seed=seed,
        )
        named = named_rows(given, ids, rows=tables.total)
        if who is None:
            advice = advised(tables, k=budget)
            say(f"{advice.strategy} chooses, because {advice.why}")
            strategy, who = advice.strategy, advice.made()
        picks = picked(tables, who, k=budget, seed=seed, memory_mb=memory_mb)
        rows = picks.rows.tolist()
        selection = Selection(
            strategy=strategy,
            n=tables.total,
            rows=rows,
            ids=None if named is None else named.of(rows),
            reasons=picks.reasons,
            seconds=time.perf_counter() - started,
            peak_mb=peak_mb(),
        )
    if out is not None:
        write_picks(selection, out)
    if json:
        print_json(selection.to_json())
    else:
        print_selection(selection, out)


def picked(tables: Tables, strategy: Strategy, *, k: int, seed: int, memory_mb: float | None) -> Picks:
    """The picks of a strategy among the rows of some tables.

    Raises:
        ViewMissing: no file answers what the strategy asks; names the options that would.
        QueristError: whatever else :meth:`~querist.strategies.base.Strategy.choose` refuses.
    """
    from querist.core.errors import ViewMissing
    from querist.selectors.memory import memory_limit

    tables.refuse_impossible(strategy, k)  # before a large file is read
    with memory_limit(memory_mb):
        try:
            return strategy.choose(tables.snapshot(strategy), k=k, seed=seed)
        except ViewMissing as error:
            raise tables.lacking(strategy) or error from None


def named_rows(given: Mapping[str, str | None], ids: str | None, *, rows: int) -> Ids | None:
    """What the rows are called: as said, or by a column of one of the tables."""
    from querist.cli.rows_file import Ids, id_column, split_name

    if ids is not None:
        return Ids(ids, rows=rows)
    for text in given.values():
        path, part = (None, None) if text is None else split_name(text)
        if path is not None and path.suffix == ".parquet" and (column := id_column(path)) not in (None, part):
            say(f"rows are called by the column {column!r} of {path}")
            return Ids(f"{path}:{column}", rows=rows)
    return None
