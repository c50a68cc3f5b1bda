"""``querist plan``: memory and time of a strategy for a pool, before it is started."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from querist.cli import options as shared
from querist.cli.console import print_json
from querist.cli.doctor import memory_gb
from querist.core.errors import PoolExhausted, UsageError

if TYPE_CHECKING:
    from querist.cli.stand_in import StandIn
    from querist.cli.tables import Tables
    from querist.planning.trials import Job

_SAMPLE_MB = 512
"""A trial's tables stand in memory; they take no more, and no more than a fifth of what there is."""
_MB = 1 << 20


def plan(
    strategy: shared.Strategy,
    budget: Annotated[int, typer.Option(help="How many rows would be picked.", show_default=False)],
    rows: Annotated[
        int | None, typer.Option(help="Rows of the pool; those of the files if not given.", show_default=False)
    ] = None,
    dim: Annotated[int, typer.Option(help="Numbers of an embedding, where no file has them.")] = 512,
    classes: Annotated[int, typer.Option(help="Classes, where no file has them.")] = 10,
    samples: Annotated[
        int | None, typer.Option(help="Drawn networks, where no file has them; the strategy's own if not given.")
    ] = None,
    embeddings: shared.Embeddings = None,
    probs: shared.Probs = None,
    logits: shared.Logits = None,
    prob_samples: shared.ProbSamples = None,
    predictions: shared.Predictions = None,
    prediction_samples: shared.PredictionSamples = None,
    target: shared.Target = None,
    labelled: Annotated[
        str | None,
        typer.Option(metavar="FILE|N", help="Rows whose labels are known, or how many there are.", show_default=False),
    ] = None,
    labels: shared.Labels = None,
    candidates: shared.Candidates = None,
    settings: shared.Set = None,
    seed: shared.Draws = 0,
    memory_mb: shared.MemoryMb = None,
    trial_s: Annotated[float, typer.Option(help="Seconds for trial runs, which the answer is taken from.")] = 12.0,
    json: shared.Json = False,
) -> None:
    """Time and memory of a strategy for your pool, before you start: from trial runs on small parts of it."""
    from querist.cli.chooser import chooser
    from querist.cli.forecast import Forecast, print_forecast
    from querist.cli.progress import work_shown
    from querist.cli.stand_in import Shape, StandIn
    from querist.cli.tables import open_tables
    from querist.planning.plan import plan as planned

    who = chooser(strategy, settings or ())
    given = {
        "embeddings": embeddings,
        "probs": probs,
        "logits": logits,
        "prob_samples": prob_samples,
        "predictions": predictions,
        "prediction_samples": prediction_samples,
    }
    for name, number in (("rows", rows), ("dim", dim), ("classes", classes), ("samples", samples), ("budget", budget)):
        if number is not None and number < 1:
            raise UsageError(f"--{name} is {number}", hint="give 1 or more")
    tables, opened = None, 0.0
    known = int(labelled) if labelled is not None and labelled.isdecimal() else None
    with work_shown():
        if any(text is not None for text in given.values()):
            files: dict[str, Any] = {
                "target": target,
                "labelled": labelled if known is None else None,
                "labels": labels,
            }
            started = time.perf_counter()
            tables = open_tables(given, **files, candidates=candidates, seed=seed)
            opened = time.perf_counter() - started
        elif rows is None:
            raise UsageError(
                "nothing is said of the pool", hint="give --rows and --dim, or --embeddings or another file"
            )
        elif (known is None and labelled) or (candidates and not candidates.isdecimal()):
            raise UsageError("rows of a table are named, and no table is", hint="give how many, or give the table")
        job = job_of(tables, rows=rows, known=known, candidates=candidates, k=budget)
        if tables is not None and known is not None:
            tables = with_labelled(tables, round(known * tables.n / job.n), seed=seed)
        if job.k > job.n - job.m:
            left = job.n - job.m
            raise PoolExhausted(f"{budget} rows were asked for, {left} are left", hint=f"ask for at most {left}")
        pool = StandIn(tables, who, shape=Shape(d=dim, c=classes, s=samples or _drawn(who)), seed=seed)
        row_mb = pool.row_bytes() / _MB
        most = int(min(_SAMPLE_MB, 200 * (memory_gb() or 8)) / max(row_mb, 1e-9))
        slow = reading_s(pool, job) + opened * job.n / (job.n if tables is None else tables.n)

        def sample(part: Job) -> Any:
            prepared = pool.sample(part)
            return lambda: prepared.snapshot(who)

        found = planned(
            who,
            sample,
            job,
            most_rows=min(most, pool.most_rows or job.n),
            seed=seed,
            memory_mb=memory_mb,
            seconds=trial_s,
        )
    forecast = Forecast(
        strategy=strategy, job=job, plan=found, pool=pool, input_mb=row_mb * job.n, slow_s=slow, memory_mb=memory_mb
    )
    if json:
        print_json(forecast.to_json())
    else:
        print_forecast(forecast)


def job_of(tables: Tables | None, *, rows: int | None, known: int | None, candidates: str | None, k: int) -> Job:
    """How much there is to do, as far as the options and the files say."""
    from querist.planning.trials import Job

    total = rows if rows is not None else 0 if tables is None else tables.total
    m = known or 0
    if known is None and tables is not None and tables.labelled is not None:
        m = len(tables.labelled)
    q = max(0, total - m)
    if candidates is not None and candidates.isdecimal():
        q = min(q, int(candidates))
    elif candidates is not None and tables is not None:
        q = min(q, round(tables.left * total / max(1, tables.total)))
    return Job(n=q + m, m=m, k=k)


def with_labelled(tables: Tables, m: int, *, seed: int) -> Tables:
    """The tables with ``m`` random rows as the labelled ones."""
    import numpy as np

    from querist.core.rng import numpy_generator

    rows = np.sort(numpy_generator(seed, "labelled").choice(tables.n, min(m, tables.n - 1), replace=False))
    return replace(tables, labelled=rows)


def reading_s(pool: StandIn, job: Job) -> float:
    """Seconds to read the tables once: from memory where the system has them, from the disk where it has not."""
    import numpy as np

    seconds = 0.0
    for array in pool.given.values():
        flat = array.reshape(-1) if array.flags.c_contiguous else array.T.reshape(-1)
        size = min(len(flat), (1 << 20) // array.itemsize)
        if not size:
            continue
        started = time.perf_counter()
        starts = np.linspace(0, len(flat) - size, 16).astype(np.int64)
        for start in starts:
            flat[start : start + size].max()
        seconds += (
            (time.perf_counter() - started) * len(flat) / (len(starts) * size) * job.n / (pool.most_rows or job.n)
        )
    return seconds


def _drawn(strategy: Any) -> int:
    """How many samples a strategy asks for; 20 where it asks for none."""
    return max((int(view.samples) for view in strategy.needs() if hasattr(view, "samples")), default=20)
