"""What ``querist plan`` says: numbers, and in words how the work would be done and what would be quicker."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from querist.cli.console import out
from querist.cli.doctor import memory_gb
from querist.cli.progress import duration
from querist.cli.stand_in import StandIn
from querist.cli.summary import count
from querist.planning.plan import Plan
from querist.planning.trials import Job

_LONG_S = 3600.0
"""Beyond this, something quicker is proposed."""
_MB = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """A plan in numbers and words.

    Args:
        strategy: who would pick.
        job: how much.
        plan: what the trials say.
        pool: what they were made on.
        input_mb: the tables that would be read.
        slow_s: seconds for opening them and reading them once.
        memory_mb: what may be taken beside them.
    """

    strategy: str
    job: Job
    plan: Plan
    pool: StandIn
    input_mb: float
    slow_s: float
    memory_mb: float | None

    @property
    def seconds(self) -> float:
        """From opening the files to the last pick."""
        return self.plan.seconds + self.slow_s

    @property
    def own_mb(self) -> float:
        """What the process takes beside the tables."""
        return self.plan.base_mb + self.plan.mb

    @property
    def peak_mb(self) -> float:
        """The most that would be resident: all of the tables too, as far as there is room for them."""
        room = max(0.0, machine_mb() - self.own_mb)
        return self.own_mb + min(self.input_mb, room)

    def to_json(self) -> dict[str, Any]:
        """What ``--json`` prints."""
        numbers = {"seconds": round(self.seconds, 3), "peak_mb": round(self.peak_mb, 1)}
        return {**numbers, "block_rows": self.plan.block_rows, "how": " ".join(self.how())}

    def how(self) -> list[str]:
        """In words: the way that the work is done, whether it fits, and what would be quicker."""
        job, last = self.job, self.plan.trials[-1]
        said = [
            f"Blocks of {self.plan.block_rows} of {job.n} rows.",
            f"{self.plan.mb:.0f} MB beside the tables, {self.plan.base_mb:.0f} MB for the process itself, and up to"
            f" {self.input_mb:.0f} MB of tables, whose pages the system takes back when it needs them.",
            self._fit(),
        ]
        made_up = f"made-up {' and '.join(self.pool.made_up)}" if self.pool.made_up else ""
        sources = " and ".join(part for part in ("your files" if self.pool.given else "", made_up) if part)
        trials = count(len(self.plan.trials), "trial run")
        if last.job == job:
            said.append(f"From {trials} on {sources or 'rows'}, the last of the whole job.")
        else:
            said.append(
                f"From {trials} on {sources or 'rows'}, the largest of {last.job.n} rows and {last.job.k} picks in"
                f" {duration(last.seconds)}; time grows with the power {self.plan.growth:.1f} of the pool."
            )
        if self.seconds > _LONG_S:
            said.append(self._quicker())
        return said

    def _fit(self) -> str:
        """Whether it may be done, with the memory that there is."""
        needed = self.plan.needed_mb(self.job)
        if self.memory_mb is not None and needed > self.memory_mb:
            return (
                f"It does not fit into --memory-mb {self.memory_mb:g}: at least {needed:.1f} MB are needed beside the"
                f" tables; {self._fewer(lambda job: self.plan.needed_mb(job) <= (self.memory_mb or 0))}."
            )
        if self.own_mb > machine_mb():
            return f"It does not fit into the {machine_mb():.0f} MB of this machine; choose among fewer --candidates."
        if self.own_mb + self.input_mb > machine_mb():
            return "The tables are larger than the memory of this machine: each look at them reads the disk again."
        return f"It fits into the {machine_mb():.0f} MB of this machine."

    def _quicker(self) -> str:
        quick = self._fewer(lambda job: self.plan.seconds_for(job) <= _LONG_S / 2)
        return f"That is long: {quick}, or shorten the embeddings (a random projection keeps distances)."

    def _fewer(self, fine: Callable[[Job], bool]) -> str:
        """How many candidates would do."""
        q = self.job.n - self.job.m
        while q > self.job.k:
            q = max(self.job.k, q // 2)
            job = replace(self.job, n=q + self.job.m)
            if fine(job):
                return f"--candidates {q} (drawn at random) would take {duration(self.plan.seconds_for(job))}"
        return "ask for fewer picks"


def machine_mb() -> float:
    """Memory of this machine; without end where nobody says."""
    gigabytes = memory_gb()
    return float("inf") if gigabytes is None else gigabytes * 1e9 / _MB


def print_forecast(forecast: Forecast) -> None:
    """The numbers, and below them the words."""
    console = out()
    console.print(
        f"{forecast.strategy}, {forecast.job.k} picks from {forecast.job.n} rows: about {duration(forecast.seconds)}, "
        f"at most {forecast.peak_mb:.0f} MB of memory",
        markup=False,
    )
    for sentence in forecast.how():
        console.print(f"  {sentence}", markup=False)
