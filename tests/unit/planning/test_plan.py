"""What trials grow into: known laws, found again; limits, and what cannot be told from little."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch

from querist.planning import plan as plan_module
from querist.planning.law import Law, size, work
from querist.planning.plan import Plan, plan
from querist.planning.trials import Job, Trial, tried
from querist.selectors.memory import Memory
from querist.strategies import Margin, registry  # type: ignore[attr-defined]
from querist.strategies.base import Strategy
from querist.views import Raw, Snapshot


def sample(job: Job):
    raw = torch.zeros(job.n, 4)
    return lambda: Snapshot.from_arrays(raw=raw, labelled=range(job.m))


@dataclass(frozen=True, kw_only=True)
class Busy(Strategy):
    """Picks the first rows, after as much work and with as much memory as it is told."""

    a_row: float = 0.0
    a_row_and_pick: float = 0.0
    bytes_a_row: int = 0
    bytes_a_pick: int = 0

    family = "uncertainty"

    def needs(self):
        return (Raw(),)

    def pick(self, raw, *, at, k, rng):
        table = torch.ones(at.n * self.bytes_a_row + k * self.bytes_a_pick, dtype=torch.uint8)
        memory = Memory("busy", None, held=at.n * self.bytes_a_row + k * self.bytes_a_pick)
        LIMITS.append(memory._limit)
        end = time.process_time() + self.a_row * at.n + self.a_row_and_pick * at.n * (k + len(at.labelled))
        while time.process_time() < end:
            sum(range(200))
        time.sleep(0.005 if len(table) else 0)
        return at.candidates[:k]


LIMITS: list[int | None] = []


def test_a_share_keeps_the_proportions() -> None:
    job = Job(n=100_000, m=1_000, k=5_000)
    assert job.share(10_000) == Job(n=10_000, m=100, k=500)
    assert job.share(100_000) == job.share(10**9) == job
    assert job.share(100) == Job(n=100, m=1, k=16)
    assert Job(n=100, m=0, k=3).share(50) == Job(n=50, m=0, k=3)
    assert Job(n=100, m=90, k=10).share(10) == Job(n=10, m=9, k=1)


LAWS = {"start": (0.5, 0, 0), "rows": (0, 3e-5, 0), "rows and picks": (0, 0, 2e-8), "all": (0.1, 1e-5, 1e-9)}


@pytest.mark.parametrize("shares", LAWS.values(), ids=LAWS.keys())
def test_a_law_is_found_again(shares: tuple[float, float, float]) -> None:
    """Exactly where nothing is in doubt; from times that are wrong by a tenth each within a factor of two."""
    rng = np.random.default_rng(0)
    job = Job(n=10**6, m=100, k=2_000)
    parts = [work(job.share(rows)) for rows in (8_000, 16_000, 32_000, 64_000, 128_000)]
    truth = [float(np.dot(shares, part)) for part in parts]
    whole = float(np.dot(shares, work(job)))
    exact = Law(parts, truth, share=1e-6)
    assert exact(work(job)) == pytest.approx(whole, rel=1e-6)
    ratios = [Law(parts, [value * rng.uniform(0.9, 1.1) for value in truth])(work(job)) / whole for _ in range(40)]
    assert 0.6 < np.quantile(ratios, 0.05) < np.quantile(ratios, 0.95) < 1.7


def test_growth_is_the_power_of_the_pool() -> None:
    job = Job(n=10**6, m=0, k=2_000)
    parts = [work(job.share(rows)) for rows in (8_000, 16_000, 32_000, 64_000)]
    for column, power in ((1, 1.0), (2, 2.0)):
        assert Law(parts, [part[column] for part in parts]).growth(work(job)) == pytest.approx(power)


@pytest.mark.parametrize("power", [0.0, 1.0, 1.5, 2.0])
def test_powers_between_the_parts_are_met_half_way(power: float) -> None:
    job = Job(n=800_000, m=0, k=8_000)
    trials = [
        replace(trial(rows, of=job, mb=1, block=100), seconds=(rows / 10**5) ** power, cpu_s=(rows / 10**5) ** power)
        for rows in (6_250, 12_500, 25_000, 50_000, 100_000)
    ]
    found = plan_module._grown(trials, job, 0.0)
    assert 0.9 < found.seconds / 8**power < 1.7
    assert found.growth == pytest.approx(power, abs=0.3)


@pytest.mark.parametrize(
    ("strategy", "seconds"),
    [(Busy(a_row=2e-5), 2.0), (Busy(a_row_and_pick=1e-7), 10.0), (Busy(a_row=1e-5, a_row_and_pick=2e-8), 3.0)],
    ids=["rows", "rows and picks", "both"],
)
def test_time_is_foretold(strategy: Busy, seconds: float) -> None:
    job = Job(n=100_000, m=100, k=900)
    found = plan(strategy, sample, job, most_rows=12_500, seconds=10)
    # Seconds of the processor are known, the wall's depend on who else is there.
    wall = sum(trial.seconds for trial in found.trials[-3:]) / sum(trial.cpu_s for trial in found.trials[-3:])
    assert 1 / 3 < found.seconds / (seconds * wall) < 3


def test_memory_is_foretold() -> None:
    strategy = Busy(bytes_a_row=400, bytes_a_pick=20_000, a_row=1e-6)
    job = Job(n=200_000, m=0, k=2_000)  # 114 MB
    found = plan(strategy, sample, job, most_rows=25_000, seconds=20)
    assert found.trials[-1].job.n == 25_000
    assert 80 < found.mb < 170
    assert found.needed_mb(job) == pytest.approx(114.5, abs=1)
    assert found.needed_mb(replace(job, n=20_000)) == pytest.approx(46, abs=1)


def test_the_whole_job_is_no_guess() -> None:
    found = plan(Margin(), probabilities, Job(n=3_000, m=10, k=30), most_rows=10**9, seconds=20)
    last = found.trials[-1]
    assert last.job == Job(n=3_000, m=10, k=30)
    assert (found.seconds, found.mb) == (last.seconds, last.mb)
    assert found.block_rows == 3_000


def probabilities(job: Job):
    probs = torch.full((job.n, 4), 0.25)
    return lambda: Snapshot.from_arrays(probs=probs, labelled=range(job.m))


def test_trials_keep_to_their_time_and_their_rows() -> None:
    started = time.process_time()
    found = plan(Busy(a_row=1e-4), sample, Job(n=10**6, m=0, k=10), most_rows=10**6, seconds=1.0)
    assert time.process_time() - started < 3
    assert [trial.job.n for trial in found.trials] == sorted({trial.job.n for trial in found.trials})
    found = plan(Busy(a_row=1e-7), sample, Job(n=10**6, m=0, k=10), most_rows=700, seconds=10)
    assert found.trials[-1].job.n == 700


def test_one_trial_is_taken_for_the_worst() -> None:
    found = plan(Busy(a_row=4e-4), sample, Job(n=25_000, m=0, k=1_600), most_rows=250, seconds=0.1)
    assert len(found.trials) == 1
    assert found.seconds == pytest.approx(100 * 100 * found.trials[0].seconds, rel=0.3)


def test_under_a_limit_trials_have_as_much_room_for_tiles_as_the_job() -> None:
    LIMITS.clear()
    job = Job(n=64_000, m=0, k=640)
    plan(Busy(bytes_a_row=100), sample, job, most_rows=8_000, memory_mb=8.0, seconds=20)  # 6.1 of 8 MB are held
    limits = [limit for limit in LIMITS if limit is not None]
    assert len(limits) >= 2
    assert all(1.8 * 2**20 < limit < 8.1 * 2**20 for limit in limits)
    LIMITS.clear()
    plan(Busy(bytes_a_row=100), sample, job, most_rows=2_000, memory_mb=2.0, seconds=20)
    assert set(LIMITS) == {None}, "what does not fit is not tried under the limit"


def trial(rows: int, *, of: Job, mb: float, block: int) -> Trial:
    return Trial(
        job=of.share(rows), seconds=1, cpu_s=1, mb=mb, held_mb=rows * 16 / 2**20, tile=1 << 20, rows=block, width=128
    )


def test_tiles_that_still_grow_stop_when_they_are_full() -> None:
    """Blocks of all rows up to 8,192, a tile of 128 numbers each: what that took does not go on growing."""
    job = Job(n=10**6, m=0, k=1_000)
    young = [trial(rows, of=job, mb=rows / 200, block=rows) for rows in (1_000, 2_000, 4_000)]
    found: Plan = plan_module._grown(young, job, 100.0)
    assert found.block_rows == 8_192
    assert 8_192 / 200 < found.mb < 8_192 / 200 + 16 + 40 + 5
    grown = [*young, *(trial(rows, of=job, mb=41 + rows / 20_000, block=8_192) for rows in (16_000, 32_000, 64_000))]
    found = plan_module._grown(grown, job, 100.0)
    assert found.block_rows == 8_192
    assert found.mb == pytest.approx(41 + 50, rel=0.05)


def test_a_trial_says_what_was_held_and_read() -> None:
    points = torch.randn(5_000, 300)
    job = Job(n=5_000, m=0, k=20)
    made = tried(registry["core_set"](), lambda _: lambda: Snapshot.from_arrays(embeddings=points), job)
    assert made.held_mb == pytest.approx((16 * 5_000 + 8 * 20 * 304) / 2**20)
    assert 1_024 < made.rows < 5_000
    assert made.width == 300
    assert made.seconds > 0
    assert made.cpu_s > 0


def test_sizes_are_those_of_the_job() -> None:
    job = Job(n=10, m=2, k=3)
    assert work(job) == (1.0, 10, 50)
    assert size(job) == (1.0, 10, 3)
    assert math.isclose(Law([(1.0, 2.0, 3.0)], [6.0])((1.0, 2.0, 3.0)), 6.0)
