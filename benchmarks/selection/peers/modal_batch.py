"""modAL: ranked batches; with all rows equally unsure they are farthest first."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
from benchmarks.selection.participants import Select, takes_part
from benchmarks.selection.work import Work


@takes_part("k_center", "modAL ranked_batch", module="modAL", note="every row equally unsure")
def ranked_batch(work: Work) -> Select:
    from modAL.batch import ranked_batch as rank

    learner = SimpleNamespace(X_training=work.points[work.labelled], on_transformed=False)
    pool, unsure = work.points[work.open], np.zeros(len(work.open))
    return lambda: work.open[rank(learner, pool, unsure, work.k, "euclidean", None)[0]]
