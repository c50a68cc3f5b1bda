"""Trials one after the other: which sizes, how often, and when there is no more time."""

from __future__ import annotations

import gc
import time
from typing import TYPE_CHECKING

import numpy as np

from querist.core.progress import report
from querist.core.resident import private_mb, release_freed, resident_mb
from querist.planning.law import LEAST_MB, held_law, size
from querist.planning.trials import Job, Sample, Trial, tried

if TYPE_CHECKING:
    from querist.strategies.base import Strategy

_FIRST = 250
"""Rows of the first trial."""
_SHORT_S = 0.005
"""A trial after which the next has four times the rows; twice as many after a longer one."""
_FEWEST = 3
"""Trials that are worth up to twice the time."""


class Laboratory:
    """Trials of a job, ascending in size, as many as there is time for.

    Args:
        strategy: who picks.
        sample: gives tables of any size.
        job: what the trials are parts of.
        seed: of the picks.
        memory_mb: limit of the job.
        seconds: for all trials together.
    """

    def __init__(
        self, strategy: Strategy, sample: Sample, job: Job, *, seed: int, memory_mb: float | None, seconds: float
    ) -> None:
        self._strategy, self._sample, self._job = strategy, sample, job
        self._seed, self._memory_mb, self._seconds = seed, memory_mb, seconds
        self._begun = time.perf_counter()
        self._trials: list[Trial] = []
        self._beside = 0.0
        """Seconds that a trial took beside what is timed."""

    def trials(self, most_rows: int) -> tuple[list[Trial], float]:
        """The trials, and the megabytes that the process had in use before any table was read."""
        gc.collect()
        most_rows = min(most_rows, self._job.n)
        base_mb = self._warmed_up(self._job.share(min(_FIRST, most_rows)))
        self._grow(most_rows)
        last = self._trials[-1]
        if last.job != self._job:
            # The law is best learned near the job; what is far below it may follow another one.
            for rows in (round(0.5 * last.job.n), round(0.75 * last.job.n)):
                if all(trial.job.n != rows for trial in self._trials) and last.seconds + self._beside < self._left():
                    self._trials.append(self._make(rows))
            self._trials.sort(key=lambda trial: trial.job.n)
        # Others use the machine too: the last trial is what matters, and what time is left goes into making it again.
        again = [self._trials.pop()]
        while len(again) < 3 and 1.2 * (last.seconds + self._beside) < self._left():
            again.append(self._make(last.job.n))
        self._trials.append(sorted(again, key=lambda trial: trial.seconds)[len(again) // 2])
        report("trial runs", 1, of=1)
        return self._trials, base_mb

    def _grow(self, most_rows: int) -> None:
        """Make trials on more and more rows."""
        rows = min(_FIRST, most_rows)
        while True:
            self._trials.append(self._make(rows))
            last = self._trials[-1]
            times = 4 if last.cpu_s < _SHORT_S else 2
            more = min(times * rows, most_rows)
            enough = self._seconds if len(self._trials) < _FEWEST else 0.0
            if more == rows or self._next_s(more) + times * self._beside > self._left() + enough:
                return
            rows = more

    def _make(self, rows: int) -> Trial:
        started = time.perf_counter()
        report("trial runs", started - self._begun, of=self._seconds)
        part = self._job.share(rows)
        made = tried(self._strategy, self._sample, part, seed=self._seed, memory_mb=self._allowed(part))
        self._beside = time.perf_counter() - started - made.seconds
        return made

    def _left(self) -> float:
        return self._seconds - (time.perf_counter() - self._begun)

    def _next_s(self, rows: int) -> float:
        """Seconds that a trial on more rows will take, if time goes on growing as it did."""
        last = self._trials[-1]
        times = rows / last.job.n
        if len(self._trials) < 2:
            return last.seconds * times**2
        before = self._trials[-2]
        power = np.log(max(last.cpu_s, 1e-4) / max(before.cpu_s, 1e-4)) / np.log(last.job.n / before.job.n)
        return last.seconds * times ** min(3.0, max(1.0, float(power)))

    def _allowed(self, part: Job) -> float | None:
        """The limit of a trial that leaves as much for tiles as the limit leaves the whole job.

        None before two trials have shown what must be held, and none where that is over the limit anyway.
        """
        if self._memory_mb is None or len(self._trials) < 2:
            return None
        held = held_law(self._trials)
        left = self._memory_mb - held(size(self._job))
        return None if left < LEAST_MB else 1.01 * held(size(part)) + left

    def _warmed_up(self, part: Job) -> float:
        """Load what is loaded when it is first used, and say what the process has in use then, without any tables."""
        text_mb = resident_mb() - private_mb()
        prepared = self._sample(part)  # pages of the user's files may be resident from here on
        mapped_mb = resident_mb() - private_mb()
        tried(self._strategy, lambda _: prepared, part, seed=self._seed)
        release_freed()
        return text_mb + resident_mb() - mapped_mb
