"""Trial runs: a strategy on a small part of a job, and what it took.

Two clocks are read. The wall's is the one that a person waits by, and tells what else the machine was doing; that of
the processor tells what was computed, and is the one to learn the law of growth from.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from querist.core.progress import listening
from querist.core.resident import release_freed, watched
from querist.selectors.memory import memory_limit

if TYPE_CHECKING:
    from querist.strategies.base import Strategy
    from querist.views.snapshot import Snapshot

LEAST_PICKS = 16
"""Picks of a trial, where as many are asked for: fewer tell little about more."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """How much is to be done.

    Args:
        n: rows of the table.
        m: labelled ones.
        k: picks.

    Example:
        >>> Job(n=1000, m=100, k=500).share(100)
        Job(n=100, m=10, k=50)
    """

    n: int
    m: int
    k: int

    def share(self, rows: int) -> Job:
        """The same in small, on ``rows`` rows."""
        rows = min(rows, self.n)
        part = rows / self.n
        m = min(self.m, round(self.m * part) or 1)
        return Job(n=rows, m=m, k=min(self.k, rows - m, max(LEAST_PICKS, round(self.k * part))))


@dataclass(frozen=True, kw_only=True)
class Trial:
    """What a job took.

    Args:
        job: what was done.
        seconds: from tables in memory to picks.
        cpu_s: seconds of all processors together.
        mb: memory taken beside the tables.
        held_mb: what a selector said it must hold.
        tile: numbers that a tile was granted.
        rows: rows of a table that were read together.
        width: numbers a row of those.
    """

    job: Job
    seconds: float
    cpu_s: float
    mb: float
    held_mb: float
    tile: int
    rows: int
    width: int


Sample = Callable[[Job], Callable[[], "Snapshot"]]
"""Prepares a table of a given size, and returns what makes it a snapshot: that is timed, the preparation is not."""


def tried(strategy: Strategy, sample: Sample, job: Job, *, seed: int = 0, memory_mb: float | None = None) -> Trial:
    """Do a job, and see what it takes."""
    snapshot = sample(job)
    release_freed()
    with memory_limit(memory_mb) as account, listening(lambda *_: None), watched() as watch:
        started, busy = time.perf_counter(), time.process_time()
        strategy.choose(snapshot(), k=job.k, seed=seed)
        seconds, cpu_s = time.perf_counter() - started, time.process_time() - busy
    return Trial(
        job=job,
        seconds=seconds,
        cpu_s=cpu_s,
        mb=watch.taken_mb,
        held_mb=account.held / (1 << 20),
        tile=account.tile,
        rows=account.rows,
        width=account.width,
    )
