"""google/active-learning, from a checkout: greedy k-center."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.selection.participants import Select, takes_part
from benchmarks.selection.peers.patches import load, package
from benchmarks.selection.work import Work


@takes_part("k_center", "google/active-learning", checkout="google")
def k_center(work: Work) -> Select:
    package("sampling_methods", Path(work.checkouts["google"]) / "sampling_methods")
    module = load("sampling_methods.kcenter_greedy")
    # It prints the largest distance at the end, which NumPy no longer takes for a number.
    module.max = lambda distances: float(np.max(distances))
    greedy = module.kCenterGreedy
    known = work.labelled.tolist()

    def select() -> Any:
        # Without a model it measures the vectors themselves.
        return greedy(work.points, None, 0).select_batch_(None, known, work.k)

    return select
