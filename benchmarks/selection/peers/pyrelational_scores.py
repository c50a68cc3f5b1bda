"""PyRelationAL: distances to the labelled rows, and the farthest of them."""

from __future__ import annotations

import importlib.metadata
from pathlib import Path

import torch
from benchmarks.selection.participants import Select, takes_part
from benchmarks.selection.peers.patches import load, old_numpy_names, package
from benchmarks.selection.work import Work


@takes_part(
    "k_center",
    "PyRelationAL relative_distance",
    module="pyrelational",
    wrong="not greedy: picks are not told of each other",
)
def relative_distance(work: Work) -> Select:
    old_numpy_names()
    # Its front door imports data sets and trainers that take no part in a selection.
    folder = Path(str(importlib.metadata.distribution("pyrelational").locate_file("pyrelational")))
    package("pyrelational", folder)
    package("pyrelational.informativeness", folder / "informativeness")
    distance = load("pyrelational.informativeness.task_agnostic").relative_distance
    pool, known = work.points[work.open], work.points[work.labelled]
    return lambda: work.open[torch.topk(distance(pool, known), work.k).indices.numpy()]
