"""What a strategy will cost on a large pool: trial runs on small parts of it, and what they grow into.

A trial is the real strategy on a share of the pool: so many of its rows, of its labelled rows and of the picks. Shares
grow as long as there is time. Known differences from the truth: none where the last trial is the whole pool; otherwise
the law of growth is taken from the trials, and data that change their nature with size mislead it. Cost: the seconds
that it is given.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from querist.planning.laboratory import Laboratory
from querist.planning.law import LEAST_MB, Law, held_law, size, work
from querist.planning.trials import LEAST_PICKS, Job, Sample, Trial

if TYPE_CHECKING:
    from querist.strategies.base import Strategy

_LAST = 5
"""Trials that the law of growth is taken from. Smaller ones are about caches and start-up."""
_NOISE_S = 0.01
"""What any time may be wrong by, beside a share of it."""
_ROW_BYTES = 40
"""What a row takes at least: places, marks and scores."""
_MB = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a job is expected to take.

    Args:
        seconds: from tables in memory to picks.
        mb: memory beside the tables and what the process takes for itself.
        block_rows: rows of a table that are read together.
        growth: power of the pool's size with which time grows, at its size.
        base_mb: what the process had in use before any table was read.
        trials: what this was learned from, ascending.
        time_law: seconds by :func:`work`.
        held_law: megabytes that must be taken beside the tables by :func:`size`.
    """

    seconds: float
    mb: float
    block_rows: int
    growth: float
    base_mb: float
    trials: tuple[Trial, ...]
    time_law: Law
    held_law: Law

    def seconds_for(self, job: Job) -> float:
        """Seconds for a smaller job of the same kind."""
        return min(self.seconds, self.time_law(work(job)))

    def needed_mb(self, job: Job) -> float:
        """The lowest memory limit under which a job is not refused."""
        return self.held_law(size(job)) + LEAST_MB


def plan(
    strategy: Strategy,
    sample: Sample,
    job: Job,
    *,
    most_rows: int,
    seed: int = 0,
    memory_mb: float | None = None,
    seconds: float = 12.0,
) -> Plan:
    """What ``strategy`` will take for ``job``.

    Args:
        strategy: who picks.
        sample: gives tables of any size.
        job: how much is to be done.
        most_rows: rows that a trial may have.
        seed: of the picks.
        memory_mb: megabytes that may be taken beside the tables; as many as are useful if ``None``.
        seconds: for the trials. One that has begun is not cut short.

    Example:
        >>> import torch
        >>> from querist.strategies import Margin
        >>> from querist.views import Snapshot
        >>> probs = torch.rand(2000, 5).softmax(-1)
        >>> found = plan(
        ...     Margin(), lambda job: lambda: Snapshot.from_arrays(probs=probs[: job.n]),
        ...     Job(n=2000, m=0, k=10), most_rows=2000,
        ... )
        >>> found.trials[-1].job.n, found.block_rows   # the last trial was the job itself
        (2000, 2000)
    """
    trials, base_mb = Laboratory(strategy, sample, job, seed=seed, memory_mb=memory_mb, seconds=seconds).trials(
        most_rows
    )
    return _grown(trials, job, base_mb)


def _grown(trials: Sequence[Trial], job: Job, base_mb: float) -> Plan:
    """What the trials become at the size of the job."""
    law, held, last = _time_law(trials), held_law(trials), trials[-1]
    if last.job == job:
        seconds, mb, rows = last.seconds, last.mb, last.rows
        growth = law.growth(work(job))
    else:
        seconds, growth = _grown_time(trials, job, law)
        mb, rows = _grown_memory(trials, job, held)
    return Plan(
        seconds=seconds,
        mb=mb,
        block_rows=min(job.n, rows or job.n),
        growth=growth,
        base_mb=base_mb,
        trials=tuple(trials),
        time_law=law,
        held_law=held,
    )


def _grown_time(trials: Sequence[Trial], job: Job, law: Law) -> tuple[float, float]:
    """Seconds, and the power of the pool's size with which they grow.

    Sums of parts make too much of what grows with a power between them, and a power too little of a part that is only
    beginning to grow: the truth is looked for half way.
    """
    seconds, growth = law(work(job)), law.growth(work(job))
    last = [trial for trial in trials[-_LAST + 1 :] if trial.job.k == job.k or trial.job.k > LEAST_PICKS]
    if len(last) < 3:
        return seconds, growth
    rows = np.log([trial.job.n for trial in last])
    power = float(np.polyfit(rows, np.log([max(trial.cpu_s, 1e-4) for trial in last]), 1)[0])
    power = min(2.5, max(0.0, power))
    at_last = (law(work(last[-1].job)) * last[-1].seconds) ** 0.5
    by_power = at_last * (job.n / last[-1].job.n) ** power
    return (seconds * by_power) ** 0.5, (growth + power) / 2


def _grown_memory(trials: Sequence[Trial], job: Job, held: Law) -> tuple[float, int]:
    """Megabytes, and the rows that are read together."""
    settled = [trial for trial in trials if trial.rows < trial.job.n]
    if len(settled) > 2:
        sizes = [size(trial.job) for trial in settled]
        mb = Law(sizes, [trial.mb for trial in settled], noise=1.0, share=0.02)
        rows = Law(sizes, [trial.rows for trial in settled])
        return mb(size(job)), round(rows(size(job)))
    # The tiles held the whole table, and grew with it; they do so until they are full.
    full = job.share(min(job.n, trials[-1].tile // max(1, trials[-1].width)))
    mb = Law([size(trial.job) for trial in trials], [trial.mb for trial in trials], noise=1.0, share=0.02)
    more = held(size(job)) - held(size(full)) + _ROW_BYTES * (job.n - full.n) / _MB
    return mb(size(full)) + more, full.n


def _time_law(trials: Sequence[Trial]) -> Law:
    """Growth by the processor's clock, and as many of the wall's seconds to one of its own as there were lately."""
    last = trials[-_LAST:]
    parts = [work(trial.job) for trial in last]
    if len(last) < 3:  # too few to tell: the worst is taken
        parts = [(0.0, 0.0, square) for _, _, square in parts]
    wall = sum(trial.seconds for trial in last[-3:]) / max(1e-6, sum(trial.cpu_s for trial in last[-3:]))
    return Law(parts, [wall * trial.cpu_s for trial in last], noise=_NOISE_S)
