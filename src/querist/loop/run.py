"""A run: a strategy and its twin over several seeds, in one folder that can be killed and gone on with.

run.toml      exact settings, and what was found by itself
querist.db    the journal: events, rounds, picks and why, metrics
model/        weights of each campaign's last rounds
curve.csv     one line a round
"""

from __future__ import annotations

import csv
import errno
import io
import os
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from querist.core.device import threads
from querist.core.errors import DataError, InUse, UsageError
from querist.loop.campaign import Pace, labels_spent, run_campaign, stands
from querist.loop.evidence import needs_of, summaries
from querist.loop.progress import Listener, RunEnded, RunStarted, silent
from querist.loop.result import RunResult, campaign_name, read_curves
from querist.loop.session import Session
from querist.loop.settings import RunSettings
from querist.loop.workbench import Workbench
from querist.storage.atomic import atomic_write
from querist.storage.journal import Journal
from querist.storage.lock import locked
from querist.tasks.base import Task

SETTINGS, JOURNAL, CURVE = "run.toml", "querist.db", "curve.csv"
BEGUN = "settings"
"""What the journal calls the settings that the run began with."""


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
        InUse: another process is at work on this run.
        QueristError: anything else of the error tree; the folder is as it was.
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
            result = load_result(out)
            write_curve(result)
            return result
    settings.check()
    with ExitStack() as held:
        if here:
            held.enter_context(locked(out))
        bench = Workbench(settings)
        settings = bench.settings
        if not here:
            held.enter_context(_new_folder(settings, out))
        started = time.perf_counter()
        held.enter_context(threads(settings.found.threads))
        journal = held.enter_context(_journal(out, settings))
        _run_campaigns(bench, journal, out, listener)
        result = _result(settings, journal, out, notes=bench.notes, task=bench.task)
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
    with _journal(out, settings) as journal:
        return _result(settings, journal, out, notes=journal.meta("notes", []), task=task)


def load_session(out: Path, *, arm: str | None = None, seed: int | None = None) -> Session:
    """The session of one campaign of the run in ``out``, with its last model (first arm and seed by default).

    Raises:
        DataError: ``out`` holds no run, or its data have changed.
    """
    settings = _stored(out)
    journal = _journal(out, settings)
    bench = Workbench(settings)
    arm = bench.settings.arms[0] if arm is None else arm
    seed = bench.settings.seeds[0] if seed is None else seed
    return bench.session(arm, seed, journal, out)


def _run_campaigns(bench: Workbench, journal: Journal, out: Path, listener: Listener) -> None:
    settings = bench.settings
    journal.set_meta("notes", bench.notes)
    listener(RunStarted(arms=settings.arms, seeds=settings.seeds, budget=settings.budget, notes=tuple(bench.notes)))
    campaigns = [(arm, seed) for seed in settings.seeds for arm in settings.arms]
    spent = {name: labels_spent(journal.rounds(name)) for name in (campaign_name(*each) for each in campaigns)}
    stopped = [name for name in spent if journal.meta(f"stopped/{name}") is not None]
    pace = Pace(settings.budget * len(campaigns), sum(spent.values()))
    pace.forgo(sum(settings.budget - spent[name] for name in stopped))
    for arm, seed in campaigns:
        name = campaign_name(arm, seed)
        if name in stopped:
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
            stop_set=bench.stop_set(seed),
            validation=bool(settings.validation or settings.free_validation),
            pace=pace,
            listener=listener,
        )
        journal.set_meta(f"stopped/{name}", reason)


def _result(settings: RunSettings, journal: Journal, out: Path, *, notes: Sequence[str], task: Task) -> RunResult:
    metric = settings.found.metric or task.metrics[0]
    names = [campaign_name(arm, seed) for arm in settings.arms for seed in settings.seeds]
    stopped = {name: journal.meta(f"stopped/{name}") for name in names}
    rules = settings.rules(metric=metric, lower_is_better=metric in task.lower_is_better)
    needs = needs_of(rules)
    return RunResult(
        out=out,
        settings=settings,
        metric=metric,
        lower_is_better=metric in task.lower_is_better,
        arms=read_curves(journal, settings),
        notes=tuple(notes),
        stopped={name: reason for name, reason in stopped.items() if reason is not None},
        stands={name: stands(rules, summaries(journal, name, needs)) for name in names},
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
    with atomic_write(result.out / CURVE) as file:
        text = io.TextIOWrapper(file, encoding="utf-8", newline="")
        writer = csv.DictWriter(text, fieldnames=list(lines[0]))
        writer.writeheader()
        writer.writerows(lines)
        text.detach()  # flushes, and leaves the file open for its owner


@contextmanager
def _new_folder(settings: RunSettings, out: Path) -> Iterator[None]:
    """The run folder appears complete or not at all, whenever this is killed, and is ours while this is open."""
    part = out.with_name(f".{out.name}.part")
    try:
        part.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _not_made(out, error) from None
    with locked(part, named=out):
        try:
            for left in part.iterdir():  # by one that was killed here
                left.unlink()
            settings.write(part / SETTINGS)
            with Journal.open(str(part / JOURNAL), create=True) as journal:
                journal.set_meta(BEGUN, settings.asked())
            os.replace(part, out)
        except BaseException as error:
            shutil.rmtree(part, ignore_errors=True)
            if isinstance(error, OSError):
                raise _not_made(out, error) from None
            raise
        yield


def _not_made(out: Path, error: OSError) -> UsageError | InUse:
    if error.errno in (errno.ENOTEMPTY, errno.EEXIST) and (out / SETTINGS).exists():
        return InUse(f"another process has begun the run {out} meanwhile", hint="wait until it ends, or stop it")
    return UsageError(f"cannot make the run folder {out}: {error.strerror}", hint="use another --out")


def _journal(out: Path, settings: RunSettings) -> Journal:
    """The journal of a run, which must have begun with these settings."""
    journal = Journal.open(str(out / JOURNAL), create=False)
    try:
        settings.refuse_edited(journal.meta(BEGUN))
    except BaseException:
        journal.close()
        raise
    return journal


def _finished(out: Path, settings: RunSettings) -> bool:
    names = [campaign_name(arm, seed) for arm in settings.arms for seed in settings.seeds]
    with _journal(out, settings) as journal:
        return all(journal.meta(f"stopped/{name}") is not None for name in names)


def _stored(out: Path) -> RunSettings:
    if not (out / SETTINGS).exists():
        raise DataError(f"{out} holds no run", hint="give the folder that 'querist run --out' wrote")
    return RunSettings.read(out / SETTINGS)
