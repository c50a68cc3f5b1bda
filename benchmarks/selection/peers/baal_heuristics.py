"""baal: heuristics on predictions ``[n c s]``."""

from __future__ import annotations

import numpy as np
from benchmarks.selection.participants import Select, takes_part
from benchmarks.selection.work import Work


@takes_part(
    "batch_bald",
    "baal BatchBALD",
    module="baal",
    note="10,000 joint samples",
    wrong="not the greedy batch: the best single row is ranked last",
)
def batch_bald(work: Work) -> Select:
    from baal.active.heuristics import BatchBALD

    samples = np.ascontiguousarray(work.prob_samples.transpose(0, 2, 1))
    heuristic = BatchBALD(num_samples=work.k, num_draw=10_000 // work.case.samples)
    return lambda: heuristic(samples)[: work.k]


@takes_part("bald", "baal BALD", module="baal")
def bald(work: Work) -> Select:
    from baal.active.heuristics import BALD

    samples = np.ascontiguousarray(work.prob_samples.transpose(0, 2, 1))
    return lambda: BALD()(samples)[: work.k]
