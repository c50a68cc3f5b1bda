"""small-text: its core-set and its BALD score, called on arrays."""

from __future__ import annotations

import numpy as np
from benchmarks.selection.participants import Select, takes_part
from benchmarks.selection.work import Work


@takes_part("k_center", "small-text greedy_coreset", module="small_text", note="all distances again at every pick")
def coreset(work: Work) -> Select:
    from small_text.query_strategies.coresets import greedy_coreset

    # It mixes positions in the table with positions among the unlabelled rows: the same, where these come first.
    points = np.concatenate([work.points[work.open], work.points[work.labelled]])
    unlabelled, labelled = np.arange(len(work.open)), np.arange(len(work.open), len(points))
    return lambda: work.open[greedy_coreset(points, unlabelled, labelled, work.k, distance_metric="euclidean")]


@takes_part("bald", "small-text BALD", module="small_text", note="its score, then the highest by NumPy")
def bald(work: Work) -> Select:
    from small_text.query_strategies.bayesian import _bald as score

    def select() -> np.ndarray:
        scores = score(work.prob_samples)
        picks: np.ndarray = np.argpartition(-scores, work.k)[: work.k]
        return picks

    return select
