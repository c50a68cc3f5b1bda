"""batchbald_redux: BatchBALD and BALD on log probabilities ``[n s c]``."""

from __future__ import annotations

import torch
from benchmarks.selection.participants import Select, takes_part
from benchmarks.selection.work import Work


def _batch(work: Work, dtype: torch.dtype) -> Select:
    from batchbald_redux.batchbald import get_batchbald_batch

    torch.manual_seed(0)
    logs = torch.from_numpy(work.prob_samples).to(dtype).log()
    return lambda: get_batchbald_batch(logs, work.k, 10_000, dtype=dtype).indices


@takes_part("batch_bald", "batchbald_redux, double", module="batchbald_redux", note="10,000 joint samples")
def in_double(work: Work) -> Select:
    return _batch(work, torch.float64)


@takes_part("batch_bald", "batchbald_redux, single", module="batchbald_redux", note="10,000 joint samples")
def in_single(work: Work) -> Select:
    return _batch(work, torch.float32)


@takes_part("bald", "batchbald_redux", module="batchbald_redux")
def bald(work: Work) -> Select:
    from batchbald_redux.batchbald import get_bald_batch

    logs = torch.from_numpy(work.prob_samples).log()
    return lambda: get_bald_batch(logs, work.k).indices
