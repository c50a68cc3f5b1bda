"""The ACS-FW authors' program (rpinsler/active-bayesian-coresets), projected Frank-Wolfe, from a checkout."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import torch
from benchmarks.selection.participants import Select, takes_part
from benchmarks.selection.peers.patches import load, package, stub
from benchmarks.selection.work import Work


@takes_part("acs_fw", "ACS-FW repository, projected", checkout="acs", note="a step may come back to a row: fewer picks")
def projected(work: Work) -> Select:
    package("acs", Path(work.checkouts["acs"]) / "acs")
    stub("acs.utils", to_gpu=lambda tensor: tensor)
    stub("acs.baselines", kCenterGreedy=None, kMedoids=None)
    frank_wolfe = load("acs.coresets").ProjectedFrankWolfe
    projections = torch.from_numpy(work.points[work.open]), torch.zeros(len(work.open))
    # Its last step prints a determinant of the model's, and goes on where there is none.
    linear = SimpleNamespace(_compute_posterior=lambda: (None, None))
    model = SimpleNamespace(get_projections=lambda *_, **__: projections, linear=linear)
    return lambda: work.open[frank_wolfe(model, None, work.case.dim).build(work.k)]
