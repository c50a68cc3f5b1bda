"""A run: a strategy and its twin over several seeds, in one folder that can be killed and gone on with.

run.toml      exact settings, and what was found by itself
querist.db    the journal: events, rounds, picks and why, metrics
model/        weights of each campaign's last rounds
curve.csv     one line a round
"""

from __future__ import annotations

import csv
import os
import shutil
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from querist.core.errors import BudgetError, DataError, UnknownName, UsageError
from querist.core.rng import numpy_generator
from querist.loop.campaign import Pace, run_campaign
from querist.loop.progress import Listener, RunEnded, RunStarted, silent
from querist.loop.result import RunResult, campaign_name, read_curves
from querist.loop.session import Session
from querist.loop.settings import Found, RunSettings
from querist.oracles.simulated import SimulatedOracle
from querist.pool.pool import Pool
from querist.stopping.base import Stopping
from querist.stopping.plateau import Plateau
from querist.storage.journal import Journal
from querist.tasks.base import Task

SETTINGS, JOURNAL, WEIGHTS, CURVE = "run.toml", "querist.db", "model", "curve.csv"


def run(
    settings: RunSettings,
    out: Path,
    *,
    resume: bool = False,
    given: frozenset[str] | None = None,
    listener: Listener = silent,
) -> RunResult:
    """Run all campaigns of ``settings`` in the folder ``out``.

    Args:
        settings: what to run.
        out: run folder; made when everything has been checked.
        resume: start a run that is not there, go on with one that stopped, read one that is finished.
        given: settings that the caller named explicitly. On resume only these are compared with ``run.toml``, which
            decides the others; all are compared if ``None``.
        listener: gets progress.

    Raises:
        QueristError: anything of the error tree; the folder is as it was.
    """
    here = (out / SETTINGS).exists()
    if here and not resume:
        raise UsageError(f"{out} holds a run already", hint="add --resume to go on with it, or use another --out")
    if not here and out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(f"{out} exists and holds no run", hint="use another --out")
    if here:
        stored = RunSettings.read(out / SETTINGS)
        stored.refuse_other(settings, given)
        settings = stored
        if _finished(out, settings):
            return load_result(out)
    settings.check()
    bench = Workbench(settings)
    settings = bench.settings
    if not here:
        _make_folder(settings, out)
    started = time.perf_counter()
    with Journal.open(str(out / JOURNAL), create=False) as journal:
        _run_campaigns(bench, journal, out, listener)
        result = _result(bench.settings, journal, out, notes=bench.notes, task=bench.task)
        write_curve(result)
    listener(RunEnded(seconds=time.perf_counter() - started))
    return result


def load_result(out: Path) -> RunResult:
    """The result so far of the run in ``out``, from its journal alone (the data are not opened).

    Raises:
        DataError: ``out`` holds no run.
    """
    settings = _stored(out)
    from querist.tasks import make_task

    task = make_task(settings.found.task or "classification", settings.found.classes)
    with Journal.open(str(out / JOURNAL), create=False) as journal:
        return _result(settings, journal, out, notes=journal.meta("notes", []), task=task)


def load_session(out: Path, *, arm: str | None = None, seed: int | None = None) -> Session:
    """The session of one campaign of the run in ``out``, with its last model (first arm and seed by default).

    Raises:
        DataError: ``out`` holds no run, or its data have changed.
    """
    bench = Workbench(_stored(out))
    arm = bench.settings.arms[0] if arm is None else arm
    seed = bench.settings.seeds[0] if seed is None else seed
    return bench.session(arm, seed, Journal.open(str(out / JOURNAL), create=False), out)


class Workbench:
    """What all campaigns of a run share: data, task, recipe. Finds by itself what was left open.

    Raises:
        QueristError: settings and data do not fit each other.
    """

    def __init__(self, settings: RunSettings) -> None:
        from querist.core.device import pick_device
        from querist.models import default_model
        from querist.pool.sources import open_pool
        from querist.tasks import make_task, registry

        found = settings.found
        self.pool: Pool = open_pool(
            settings.data,
            text=settings.text,
            label=settings.label,
            split=settings.split,
            skip_bad=settings.skip_bad,
        )
        if found.pool is not None and found.pool != self.pool.fingerprint:
            raise DataError(
                f"{settings.data} is not what this run was started with", hint="restore the data or start a new run"
            )
        guessed, classes = self.pool.suggest_task()
        kind = settings.task or guessed
        if kind not in registry:
            raise UnknownName("task", kind, registry)
        self.task: Task = make_task(kind, found.classes or classes)
        self.metric = settings.metric or self.task.metrics[0]
        if self.metric not in self.task.metrics:
            raise UnknownName(f"{kind} metric", self.metric, self.task.metrics)
        self.notes = list(self.pool.notes)
        if settings.task is None:
            of = f" with {len(classes)} classes" if classes else ""
            self.notes.append(f"the labels look like {kind}{of}; --task says otherwise")
        model = settings.model or found.model or default_model(self.pool, self.task)
        self.settings = settings.with_found(
            Found(
                task=kind,
                classes=tuple(self.task.classes),
                model=model,
                metric=self.metric,
                device=found.device or str(pick_device(settings.device)),
                inference_batch=found.inference_batch,
                pool=self.pool.fingerprint,
            )
        )
        self.oracle = SimulatedOracle(self.pool)
        self._check_fit()

    def _check_fit(self) -> None:
        settings, pool = self.settings, self.pool
        left = len(pool.rows("train"))
        if settings.budget > left:
            raise BudgetError(
                f"a budget of {settings.budget} labels is over the {left} rows of {pool.name}",
                hint=f"give --budget {left} or less",
            )
        if not len(pool.rows("test")):
            raise DataError(f"{pool.name} has no test rows to measure on", hint="name a split column with --split")
        if settings.free_validation and not len(pool.rows("validation")):
            raise DataError(f"{pool.name} has no validation rows", hint="leave --free-validation out")
        if settings.free_validation:
            self.notes.append(f"{len(pool.rows('validation'))} validation labels are used free of charge")
        for arm in settings.arms:
            self._strategy(arm)

    def _strategy(self, arm: str):  # type: ignore[no-untyped-def]
        from querist import strategies

        strategy = strategies.registry[arm]()
        if self.task.kind not in strategy.tasks:
            raise UsageError(
                f"{arm} has no meaning for the task {self.task.kind}",
                hint=f"it serves {', '.join(strategy.tasks)}",
            )
        return strategy

    def validation_rows(self, seed: int) -> np.ndarray:
        """Rows whose labels serve early stopping and stopping rules; the same for all arms of a seed."""
        if self.settings.free_validation:
            return self.pool.rows("validation")
        if not self.settings.validation:
            return np.empty(0, dtype=np.int64)
        rows = self.pool.rows("train")
        chosen = numpy_generator(seed, "validation").choice(len(rows), self.settings.validation, replace=False)
        return rows[np.sort(chosen)]

    def session(self, arm: str, seed: int, journal: Journal, out: Path) -> Session:
        """The session of one campaign, as its journal left it."""
        from querist.models import make_model

        found = self.settings.found
        adapter = make_model(found.model, self.pool, self.task, device=found.device or "cpu", start=self.settings.start)
        return Session.replay(
            journal,
            self.pool,
            model=adapter,
            task=self.task,
            strategy=self._strategy(arm),
            seed=seed,
            campaign=campaign_name(arm, seed),
            candidates=self.settings.candidates,
            initial=self.settings.initial_strategy,
            validation=self.validation_rows(seed),
            free_validation=self.settings.free_validation,
            weights=out / WEIGHTS / arm / str(seed),
        )

    def stopping(self) -> Sequence[Stopping]:
        """Rules besides the budget."""
        if self.settings.stop == "budget":
            return ()
        metric = self.task.metrics[0]
        return (Plateau(metric=metric, lower_is_better=metric in self.task.lower_is_better),)


def _run_campaigns(bench: Workbench, journal: Journal, out: Path, listener: Listener) -> None:
    settings = bench.settings
    journal.set_meta("notes", bench.notes)
    listener(RunStarted(arms=settings.arms, seeds=settings.seeds, budget=settings.budget, notes=tuple(bench.notes)))
    campaigns = [(arm, seed) for seed in settings.seeds for arm in settings.arms]
    spent = 0
    for arm, seed in campaigns:
        rounds = journal.rounds(campaign_name(arm, seed))
        spent += max((record.labels or 0 for record in rounds if record.closed), default=0)
    pace = Pace(settings.budget * len(campaigns), spent)
    for arm, seed in campaigns:
        name = campaign_name(arm, seed)
        if journal.meta(f"stopped/{name}") is not None:
            continue
        session = bench.session(arm, seed, journal, out)
        reason = run_campaign(
            session,
            bench.oracle,
            arm=arm,
            initial=settings.initial,
            batch=settings.batch,
            budget=settings.budget,
            metric=bench.metric,
            stopping=bench.stopping(),
            validation=bool(settings.validation or settings.free_validation),
            pace=pace,
            listener=listener,
        )
        journal.set_meta(f"stopped/{name}", reason)


def _result(settings: RunSettings, journal: Journal, out: Path, *, notes: Sequence[str], task: Task) -> RunResult:
    metric = settings.found.metric or task.metrics[0]
    names = [campaign_name(arm, seed) for arm in settings.arms for seed in settings.seeds]
    stopped = {name: journal.meta(f"stopped/{name}") for name in names}
    return RunResult(
        out=out,
        settings=settings,
        metric=metric,
        lower_is_better=metric in task.lower_is_better,
        arms=read_curves(journal, settings),
        notes=tuple(notes),
        stopped={name: reason for name, reason in stopped.items() if reason is not None},
    )


def write_curve(result: RunResult) -> None:
    """Write ``curve.csv``: one line a round of each campaign."""
    lines = []
    for arm, curves in result.arms.items():
        for curve in curves:
            for number, point in enumerate(curve.points):
                head = {"strategy": arm, "seed": curve.seed, "round": number, "labels": point.labels}
                seconds = {f"{name}_s": round(value, 4) for name, value in point.seconds.items()}
                lines.append(head | point.metrics | seconds)
    if not lines:
        return
    path = result.out / CURVE
    whole = path.with_suffix(".part")
    with whole.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(lines[0]))
        writer.writeheader()
        writer.writerows(lines)
    os.replace(whole, path)


def _make_folder(settings: RunSettings, out: Path) -> None:
    """The run folder appears complete or not at all, whenever this is killed."""
    part = out.with_name(f".{out.name}.part")
    try:
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        settings.write(part / SETTINGS)
        Journal.open(str(part / JOURNAL), create=True).close()
        os.replace(part, out)
    except OSError as error:
        shutil.rmtree(part, ignore_errors=True)
        raise UsageError(f"cannot make the run folder {out}: {error.strerror}", hint="use another --out") from None


def _finished(out: Path, settings: RunSettings) -> bool:
    names = [campaign_name(arm, seed) for arm in settings.arms for seed in settings.seeds]
    with Journal.open(str(out / JOURNAL), create=False) as journal:
        return all(journal.meta(f"stopped/{name}") is not None for name in names)


def _stored(out: Path) -> RunSettings:
    if not (out / SETTINGS).exists():
        raise DataError(f"{out} holds no run", hint="give the folder that 'querist run --out' wrote")
    return RunSettings.read(out / SETTINGS)
